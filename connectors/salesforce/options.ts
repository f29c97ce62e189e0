import * as z from 'zod';
import { baseUrl, mapping, personOptions, secret, writeOption } from '../../src/connector/contract.ts';

/**
 * The version of the API that requests name unless the configuration says otherwise.
 * https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_versions.htm
 */
export const defaultApiVersion = '64.0';

/** Salesforce may give up support of older ones, and the duplicate rule header needs 52. */
const oldestApiVersion = 52;

const auth = z
  .strictObject({
    flow: z
      .literal('clientCredentials')
      .describe('How tokens are asked for: client credentials of an External Client App with a Run As user.'),
    loginUrl: baseUrl().describe("The org's My Domain: https://acme.my.salesforce.com."),
    clientId: z.string().min(1).describe("The app's consumer key."),
    clientSecret: secret().describe("The app's consumer secret."),
  })
  .describe('How the bridge logs in. README.md says how to create the app.');

export const options = z.strictObject({
  auth,
  apiVersion: z
    .string()
    .regex(/^\d{2,3}\.0$/, { error: 'must be a version such as "64.0", in quotation marks.' })
    .refine((version) => Number(version) >= oldestApiVersion, {
      error: `must be at least "${oldestApiVersion}.0".`,
    })
    .default(defaultApiVersion)
    .describe('Version of the Salesforce API.'),
  write: writeOption,
  person: z
    .strictObject({
      ...personOptions,
      match: z
        .array(z.enum(['Contact', 'Lead']))
        .default(['Contact', 'Lead'])
        .describe('Where a caller is looked for by phone number. Earlier ones win.'),
      create: z
        .union([z.enum(['Lead', 'Contact']), z.literal(false)])
        .default('Lead')
        .describe('What an unknown caller becomes. false: only people already in Salesforce.'),
    })
    .prefault({})
    .describe('The lead or contact of the caller: whether one is made, and what is written to it.'),
  activity: z
    .strictObject({
      properties: mapping()
        .default({})
        .describe('Field of the Task: template. Adds to the defaults, or replaces them by name.'),
    })
    .prefault({})
    .describe('What the Task shows.'),
});

export type SalesforceOptions = z.output<typeof options>;

/** Objects that a person may be. */
export type PersonObject = 'Contact' | 'Lead';
export type ObjectName = PersonObject | 'Task';
