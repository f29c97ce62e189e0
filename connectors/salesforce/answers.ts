import * as z from 'zod';

/*
 * The answers of Salesforce, as far as they are used. What names who or what something is must be there; of the rest,
 * what cannot be read is as if Salesforce had not said it.
 */

const maybe = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);
/** Without those that cannot be read. */
const readable = <T extends z.ZodType>(schema: T) =>
  z
    .array(schema.nullable().catch(null))
    .transform((all) => all.filter((one): one is NonNullable<typeof one> => one !== null));

/** Its other fields are whatever they are: who reads one looks what it is. */
const row = z.looseObject({ Id: z.string() });
export type Row = z.infer<typeof row>;

export const queryPage = z.object({
  records: z.array(row),
  done: z.boolean(),
  /** A path of the API: the token goes along, so it must lead nowhere else. */
  nextRecordsUrl: z.string().startsWith('/services/data/').nullish(),
});
export type QueryPage = z.infer<typeof queryPage>;

export const composite = z.object({
  compositeResponse: readable(
    z.object({ referenceId: z.string(), httpStatusCode: z.number(), body: z.unknown() }),
  ).catch([]),
});

export const found = z.object({
  searchRecords: z.array(row.extend({ attributes: z.looseObject({ type: z.string() }) })).nullish(),
});
export type FoundRow = NonNullable<z.infer<typeof found>['searchRecords']>[number];

/** By the places of what was sent. */
export const saveResults = z
  .array(
    z
      .object({
        id: maybe(z.string()),
        success: maybe(z.boolean()),
        created: maybe(z.boolean()),
        errors: readable(z.looseObject({})).catch([]),
      })
      .catch({ errors: [] }),
  )
  .catch([]);

const flag = z.boolean().catch(false);
const amount = z.number().catch(0);

/** What `describe` tells of a field, as far as it is used. One that our user may not see is not among them. */
const field = z.object({
  name: z.string(),
  label: z.string().catch(''),
  type: z.string().catch(''),
  length: amount,
  digits: amount,
  precision: maybe(z.number()),
  scale: maybe(z.number()),
  createable: flag,
  updateable: flag,
  externalId: flag,
  unique: flag,
  /** Undefined: not told. */
  caseSensitive: maybe(z.boolean()),
  nillable: flag,
  /** Undefined: not told. */
  filterable: maybe(z.boolean()),
  defaultedOnCreate: flag,
  restrictedPicklist: flag,
  picklistValues: readable(
    z.object({ value: z.string(), label: z.string().nullish().catch(null), active: flag }),
  ).catch([]),
});
export type FieldDescription = z.infer<typeof field>;

export const objectDescription = z.object({
  createable: flag,
  fields: readable(field),
  recordTypeInfos: readable(
    z.object({ recordTypeId: z.string(), name: z.string(), developerName: z.string(), available: flag }),
  ).catch([]),
});
export type ObjectDescription = z.infer<typeof objectDescription>;

export const token = z.object({
  access_token: z.string().min(1),
  instance_url: z.url(),
  /** The address of the user: it ends with the ids of the org and of the user. */
  id: z.string().catch(''),
  refresh_token: maybe(z.string()),
});

export const versions = readable(z.object({ version: z.string() }));

export const made = z.object({ id: z.string().min(1), success: z.literal(true).optional() });
