import * as z from 'zod';

/*
 * The answers of HubSpot, as far as they are used. The client takes whatever comes for what its types say; so what is
 * not there, or something else, is found out here, and not by whoever needs it. What names who or what something is must
 * be there; of the rest, what cannot be read is as if HubSpot had not said it.
 */

const id = z.union([z.string(), z.number().transform(String)]);
const maybe = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);
/** Without those that cannot be read. */
const readable = <T extends z.ZodType>(schema: T) =>
  z
    .array(schema.nullable().catch(null))
    .transform((all) => all.filter((one): one is NonNullable<typeof one> => one !== null));

const value = z.union([z.string(), z.null(), z.number().transform(String), z.boolean().transform(String)]);

export const row = z.object({
  id,
  properties: z.record(z.string(), value),
  objectWriteTraceId: maybe(z.string()),
  /** Of an upsert: false where the key was there already. */
  new: maybe(z.boolean()),
});
export type Row = z.infer<typeof row>;

const texts = z.array(z.string()).catch([]);
const rowError = z.looseObject({ context: maybe(z.record(z.string(), texts)) });
export type RowError = z.infer<typeof rowError>;

/** A row that cannot be read says nothing of its input, and nothing against the others. */
export const batchAnswer = z.object({ results: readable(row), errors: readable(rowError).catch([]) });
export type BatchAnswer = z.infer<typeof batchAnswer>;

/** Of links that were made: the record that each comes from. */
export const linked = z.object({
  results: readable(
    z
      .object({ from: z.object({ id }) })
      .transform(
        ({ from }): Row => ({ id: from.id, properties: {}, objectWriteTraceId: undefined, new: undefined }),
      ),
  ),
  errors: readable(rowError).catch([]),
});

const paging = z.object({ next: z.object({ after: id }).nullish() }).nullish();

export const page = z.object({
  results: z.array(row),
  errors: readable(rowError).catch([]),
  paging,
});

export const companiesOfContacts = z.object({
  results: z.array(
    z.object({
      from: z.object({ id }),
      to: z.array(
        z.object({
          toObjectId: id,
          associationTypes: readable(z.object({ category: z.string(), typeId: z.number() })).catch([]),
        }),
      ),
    }),
  ),
});

const property = z.object({
  name: z.string(),
  label: z.string().catch(''),
  type: z.string().catch(''),
  fieldType: maybe(z.string()),
  hasUniqueValue: maybe(z.boolean()),
  hubspotDefined: maybe(z.boolean()),
  archived: maybe(z.boolean()),
  modificationMetadata: maybe(z.object({ readOnlyValue: z.boolean().catch(false) })),
  options: readable(z.object({ value: z.string(), label: z.string() })).catch([]),
  /** Its options are kept elsewhere, as owners are. */
  externalOptions: maybe(z.boolean()),
  referencedObjectType: maybe(z.string()),
});
export type PropertyDefinition = z.infer<typeof property>;
export const properties = z.object({ results: readable(property) });
export { property };

export const groups = z.object({ results: readable(z.object({ name: z.string() })) });

const stage = z.object({ id, label: z.string().catch('') });
const pipeline = stage.extend({ displayOrder: z.number().catch(0), stages: z.array(stage) });
export type Pipeline = z.infer<typeof pipeline>;
export const pipelines = z.object({ results: z.array(pipeline) });

const owner = z.object({
  id,
  email: maybe(z.string()),
  archived: z.boolean().catch(false),
  /** Missing for a user who was deactivated; then the other one is there. */
  userId: maybe(z.number()),
  userIdIncludingInactive: maybe(z.number()),
});
export type Owner = z.infer<typeof owner>;
export const owners = z.object({ results: readable(owner), paging });

export const account = z.object({
  portalId: id,
  uiDomain: z.string().catch('app.hubspot.com'),
});

/** https://developers.hubspot.com/docs/api-reference/legacy/authentication/oauth-tokens/v1/migration-guide */
export const token = z.object({
  access_token: z.string().min(1),
  expires_in: z.number(),
  refresh_token: maybe(z.string().min(1)),
});
