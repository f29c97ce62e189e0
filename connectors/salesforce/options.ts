import { createPrivateKey } from 'node:crypto';
import * as z from 'zod';
import {
  activityOption,
  attributionOption,
  baseUrl,
  followUpOption,
  leavesSomething,
  mapping,
  moved,
  ownerOption,
  personOptions,
  reserveOption,
  saleOption,
  secret,
  token,
  writeOption,
} from '../../src/connector/index.ts';

/**
 * The version of the API that requests name unless the configuration says otherwise.
 * https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_versions.htm
 */
const defaultApiVersion = '64.0';

/** Salesforce may give up support of older ones, and the duplicate rule header needs 52. */
const oldestApiVersion = 52;

const loginUrl = baseUrl().describe("The org's My Domain: https://acme.my.salesforce.com.");
const clientId = z.string().min(1).describe("The app's consumer key.");

const auth = z
  .discriminatedUnion('flow', [
    z.strictObject({
      flow: z
        .literal('clientCredentials')
        .describe(
          'clientCredentials: an External Client App with a Run As user; jwtBearer: a certificate; refreshToken: a user logged in once.',
        ),
      loginUrl,
      clientId,
      clientSecret: token().describe("The app's consumer secret."),
    }),
    z.strictObject({
      flow: z.literal('jwtBearer'),
      loginUrl,
      clientId,
      username: z.string().min(1).describe('The user that the bridge acts as, pre-authorised for the app.'),
      privateKey: secret()
        .refine(isPrivateKey, {
          error:
            'is no RSA private key in PEM form. Put it into a file, and write the setting as a file variable.',
        })
        .describe('RSA key in PEM form; the app has its certificate.'),
      audience: z
        .url()
        .optional()
        .describe('Not set: https://login.salesforce.com, or https://test.salesforce.com for a sandbox.'),
    }),
    z.strictObject({
      flow: z.literal('refreshToken'),
      loginUrl,
      clientId,
      clientSecret: token().optional().describe("The app's consumer secret, if it requires one."),
      refreshToken: token().describe(
        'From a first log-in. One that replaces it is kept in the store, until another is put here.',
      ),
    }),
  ])
  .describe('How the bridge logs in. README.md says how to create the app.');

function isPrivateKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}

export const options = z
  .strictObject({
    auth,
    apiVersion: z
      .string()
      .regex(/^\d{2,3}\.0$/, { error: 'must be a version such as "64.0", in quotation marks.' })
      .refine((version) => Number(version) >= oldestApiVersion, {
        error: `must be at least "${oldestApiVersion}.0".`,
      })
      .default(defaultApiVersion)
      .describe('Version of the Salesforce API.'),
    preset: z
      .enum(['delacon'])
      .optional()
      .describe(
        "delacon: as Delacon's own integration does. Accounts are matched too, and a call stays In Progress until an operator completes it.",
      ),
    write: writeOption,
    reserve: reserveOption,
    person: z
      .strictObject({
        ...personOptions,
        match: z
          .array(z.enum(['Contact', 'Lead', 'Account', 'PersonAccount']))
          .optional()
          .describe(
            'Where a caller is looked for by phone number. Earlier ones win. Default: Contact, Lead; under the preset all four.',
          ),
        create: z
          .union([z.enum(['Lead', 'Contact']), z.literal(false)])
          .default('Lead')
          .describe('What an unknown caller becomes. false: only people already in Salesforce.'),
        attribution: moved(z.boolean(), 'attribution'),
      })
      .prefault({})
      .describe('The lead or contact of the caller: whether one is made, and what is written to it.'),
    activity: activityOption(
      z.strictObject({
        outcomes: z
          .record(z.string().min(1), z.string())
          .default({})
          .describe(
            'What CallDisposition says, by the result as Delacon sends it, or by answered, unanswered, busy, other or voicemail.',
          ),
        properties: mapping()
          .default({})
          .describe('Field of the Task: template. Adds to the defaults, or replaces them by name.'),
      }),
    ).describe('What the Task shows. false: none is made, and tasks and deals stand alone.'),
    attribution: attributionOption,
    owner: ownerOption.optional(),
    followUp: followUpOption.optional(),
    sale: saleOption.optional(),
  })
  .superRefine(leavesSomething)
  .transform(({ person: { attribution = false, ...person }, ...others }) => ({
    ...others,
    person,
    attribution: others.attribution || attribution,
  }));

export type SalesforceOptions = z.output<typeof options>;

/** What a caller may be found as. */
export type Match = NonNullable<SalesforceOptions['person']['match']>[number];
/** Objects that are made of callers, and that have our key. */
export type PersonObject = 'Contact' | 'Lead';
export type ObjectName = PersonObject | 'Account' | 'Task' | 'Opportunity';

export function matchOf({ preset, person }: SalesforceOptions): readonly Match[] {
  if (person.match) return person.match;
  return preset === 'delacon' ? ['Contact', 'PersonAccount', 'Account', 'Lead'] : ['Contact', 'Lead'];
}

/** A My Domain is of one org; elsewhere only who logs in tells. */
export function orgOf({ auth }: SalesforceOptions): string | undefined {
  const { host } = new URL(auth.loginUrl);
  if (!/^(login|test)\.salesforce\.com$/.test(host)) return host;
  if (auth.flow === 'clientCredentials') return undefined; // which these hosts do not know
  return auth.flow === 'jwtBearer' ? auth.username : auth.refreshToken;
}
