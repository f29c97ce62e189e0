import * as z from 'zod';
import { connectorNames, loadConnector } from '../connector/registry.ts';
import { settingsSchema } from './settings.ts';

/*
 * The shape of the configuration for editors: made from the schemas that check it, and as lenient as the reader is that
 * comes before them.
 */

type Json = z.core.JSONSchema.JSONSchema;

/** Settings of the connectors that come with the bridge are in it; those of others may be anything. */
export async function configSchema(): Promise<Json> {
  const schema = toJson(settingsSchema);
  const { sources: _, connectors, tests, ...sections } = schema.properties as Record<string, Json>;
  // What a user leaves out, default.yaml has.
  delete schema.required;
  for (const section of Object.values(sections)) delete section.required;
  connectors!.additionalProperties = await anyConnector(connectors!.additionalProperties as Json);
  const test = tests!.items as Json;
  tests!.items = {
    anyOf: [test, { type: 'string', description: 'Files with tests, such as tests/*.yaml.' }],
  };
  schema.title = 'Configuration of delacon-bridge';
  return asWritten(schema);
}

async function anyConnector(bare: Json): Promise<Json> {
  const names = await connectorNames();
  const own = await Promise.all(
    names.map(async (name): Promise<Json> => {
      const { $schema: _, ...options } = toJson((await loadConnector(name, '/')).options);
      return {
        if: { properties: { type: { const: name } }, required: ['type'] },
        // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
        then: { ...options, properties: { type: true, ...options.properties } },
      };
    }),
  );
  const { description = '' } = bare.properties!['type'] as Json;
  return {
    type: 'object',
    properties: { type: { description, anyOf: [{ enum: names }, { type: 'string' }] } },
    required: ['type'],
    allOf: own,
  };
}

function toJson(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'draft-7' }) as Json;
}

const variable: Json = { type: 'string', pattern: '\\$\\{' };

/** In YAML, a value may be a variable, and a key may have no value. */
function asWritten(schema: Json): Json {
  const { movedTo: _, ...written }: Json = schema;
  for (const key of ['anyOf', 'oneOf', 'allOf'] as const) {
    if (schema[key]) written[key] = schema[key].map((one) => asWritten(one as Json));
  }
  if (typeof schema['then'] === 'object') written['then'] = asWritten(schema['then'] as Json);
  if (typeof schema.items === 'object') written.items = asWritten(schema.items as Json);
  if (typeof schema.additionalProperties === 'object')
    written.additionalProperties = orNothing(asWritten(schema.additionalProperties));
  if (schema.properties) {
    written.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, inner]) => [
        name,
        typeof inner === 'object' && schema.required?.includes(name) !== true
          ? orNothing(asWritten(inner))
          : typeof inner === 'object'
            ? asWritten(inner)
            : inner,
      ]),
    );
  }
  return isNarrow(written) ? orVariable(written) : written;
}

/** Texts of any form take a variable as they are. */
function isNarrow({ type, pattern, format, enum: words, minLength }: Json): boolean {
  if (type === 'number' || type === 'integer' || type === 'boolean') return true;
  return words !== undefined || (type === 'string' && (pattern ?? format ?? minLength) !== undefined);
}

function orVariable({ description, deprecated, default: usual, ...rest }: Json): Json {
  return {
    ...(description === undefined ? {} : { description }),
    ...(deprecated === undefined ? {} : { deprecated }),
    ...(usual === undefined ? {} : { default: usual }),
    anyOf: [rest, variable],
  };
}

function orNothing(schema: Json): Json {
  if (takesNothing(schema)) return schema;
  if (schema.anyOf) return { ...schema, anyOf: [...schema.anyOf, { type: 'null' }] };
  if (schema.type === undefined || schema.const !== undefined) return schema;
  return { ...schema, type: [schema.type, 'null'].flat() as never };
}

/** Null may be a value of its own, and then stands there already: no word may be there twice. */
function takesNothing({ type, anyOf }: Json): boolean {
  return [type].flat().includes('null') || (anyOf ?? []).some((one) => takesNothing(one as Json));
}
