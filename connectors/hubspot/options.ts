import * as z from 'zod';
import {
  baseUrl,
  mapping,
  personOptions,
  reserveOption,
  secret,
  template,
  writeOption,
} from '../../src/connector/contract.ts';

export const defaultTitle =
  'Call from {{ call.caller.display }}{% if call.dealer.name %} to {{ call.dealer.name }}{% endif %}';

export const options = z.strictObject({
  accessToken: secret().describe(
    'Service key, or the token of a legacy private app. README.md lists the scopes to grant.',
  ),
  baseUrl: baseUrl()
    .default('https://api.hubapi.com')
    .describe("HubSpot's API host. Another one only for tests and proxies."),
  write: writeOption,
  reserve: reserveOption,
  person: z
    .strictObject(personOptions)
    .prefault({})
    .describe('The contact of the caller: whether one is made, and what is written to it.'),
  activity: z
    .strictObject({
      title: template().prefault(defaultTitle).describe(`Title of the call record. Default: ${defaultTitle}`),
      properties: mapping()
        .default({})
        .describe('Property of the call: template. Adds to the defaults, or replaces them by name.'),
    })
    .prefault({})
    .describe('What the call record shows.'),
});

export type HubSpotOptions = z.output<typeof options>;
