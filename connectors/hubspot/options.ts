import * as z from 'zod';
import {
  activityOption,
  attributionOption,
  baseUrl,
  followUpOption,
  leavesSomething,
  mapping,
  ownerOption,
  personOptions,
  reserveOption,
  saleOption,
  template,
  token,
  writeOption,
} from '../../src/connector/index.ts';
import { defaultTitle } from '../../src/crm/index.ts';
import type { ObjectType } from './setup-names.ts';

export const options = z
  .strictObject({
    accessToken: token()
      .optional()
      .describe('Service key, or the token of a legacy private app. README.md lists the scopes to grant.'),
    oauth: z
      .strictObject({
        clientId: z.string().min(1).describe("The app's client id."),
        clientSecret: token().describe("The app's client secret."),
        refreshToken: token().describe('From the installation of the app in the account.'),
      })
      .optional()
      .describe('Instead of accessToken: an OAuth app, whose tokens last half an hour.'),
    baseUrl: baseUrl()
      .default('https://api.hubapi.com')
      .describe("HubSpot's API host. Another one only for tests and proxies."),
    write: writeOption,
    reserve: reserveOption,
    person: z
      .strictObject(personOptions)
      .prefault({})
      .describe('The contact of the caller: whether one is made, and what is written to it.'),
    activity: activityOption(
      z.strictObject({
        title: template()
          .prefault(defaultTitle)
          .describe(
            'Title of the call record. By default: what came of the call, from whom, to whom, answered by whom.',
          ),
        properties: mapping()
          .default({})
          .describe('Property of the call: template. Adds to the defaults, or replaces them by name.'),
        outcomes: z
          .record(z.string().min(1), z.string())
          .default({})
          .describe(
            "What came of the call → the account's call outcome, by label or id; \"\" for none. Of the call: the survey's answer, Delacon's result as sent, or answered, unanswered, busy, voicemail, other. Adds to the defaults, or replaces them by name.",
          ),
        company: z
          .boolean()
          .default(false)
          .describe('Links what a call leaves to the primary company of its contact, too.'),
      }),
    ).describe('What the call record shows. false: none is made, and tasks and deals stand alone.'),
    attribution: attributionOption,
    owner: ownerOption.optional(),
    followUp: followUpOption.optional(),
    sale: saleOption.optional(),
  })
  .superRefine(leavesSomething)
  .superRefine(({ accessToken, oauth }, context) => {
    if ((accessToken === undefined) === (oauth === undefined))
      context.addIssue({
        code: 'custom',
        path: ['accessToken'],
        message: oauth ? 'is there beside oauth: keep one of them.' : 'is missing. Set it, or oauth.',
      });
  });

export type HubSpotOptions = z.output<typeof options>;

/** The properties that the configuration names, by object. */
export function mappedProperties(options: HubSpotOptions): Record<ObjectType, readonly string[]> {
  const isOutcomeMapped = Object.keys(options.activity.outcomes).length > 0;
  return {
    contacts: Object.keys(options.person.properties),
    calls: [...Object.keys(options.activity.properties), ...(isOutcomeMapped ? ['hs_call_disposition'] : [])],
    tasks: Object.keys(options.followUp?.properties ?? {}),
    deals: Object.keys(options.sale?.properties ?? {}),
  };
}
