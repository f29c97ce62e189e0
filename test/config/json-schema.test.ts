import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import * as z from 'zod';
import { configSchema } from '../../src/config/json-schema.ts';
import { assert, suite } from '../support/suite.ts';

const schemas = suite('JSON Schema for editors');

type Json = Record<string, unknown>;

const folder = new URL('../../config/', import.meta.url);
const whole = (await configSchema()) as Json;
/** What is said of each kind of connector, apart: the validator at hand knows no conditions. */
const connectors = (whole['properties'] as Record<string, Json>)['connectors'] as Json;
const { allOf, ...anyConnector } = connectors['additionalProperties'] as Json;
const base = {
  ...whole,
  properties: {
    ...(whole['properties'] as Json),
    connectors: { ...connectors, additionalProperties: anyConnector },
  },
};
const kinds = new Map(
  (allOf as { if: { properties: { type: { const: string } } }; then: Json }[]).map((one) => [
    one.if.properties.type.const,
    z.fromJSONSchema(one.then as z.core.JSONSchema.JSONSchema),
  ]),
);

/** Where an editor would draw a line under something. */
function complaints(text: string): string[] {
  const data = parse(text) as { connectors?: Record<string, { type: string } | null> };
  const issues = z.fromJSONSchema(base as z.core.JSONSchema.JSONSchema).safeParse(data).error?.issues ?? [];
  const ofConnectors = Object.entries(data.connectors ?? {}).flatMap(([name, connector]) =>
    (kinds.get(connector?.type ?? '')?.safeParse(connector).error?.issues ?? []).map((issue) => ({
      ...issue,
      path: ['connectors', name, ...issue.path],
    })),
  );
  return [...issues, ...ofConnectors].flatMap((issue) => {
    const path = issue.path.join('.');
    return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => `${path}.${key}`) : [path];
  });
}

schemas('the files that come with the bridge are in order', async () => {
  for (const file of ['default.yaml', 'example.yaml']) {
    assert.equal(complaints(await readFile(new URL(file, folder), 'utf8')), [], file);
  }
});

schemas('a variable may stand anywhere, a key may have no value, and what is left out is not missed', () => {
  const text = `
listen: { port: "\${PORT}", publicUrl: }
log: { level: "\${LEVEL:-info}" }
sources: { acme: , Other: { tokens: ["\${TOKEN}"], region: "\${REGION}", rateLimit: "\${RATE}" } }
connectors:
  crm: { type: hubspot, accessToken: "\${TOKEN}", baseUrl: "\${URL}", person: { create: "\${CREATE}" } }
  own: { type: ./my-connector.ts, anything: 1 }
tests: [tests/*.yaml]
`;
  assert.equal(complaints(text), []);
});

schemas('what check would refuse by its form is marked', () => {
  const text = `
listen: { port: eighty, hots: x }
log: { level: loud }
rout: []
routes: [{ source: acme }]
connectors:
  crm: { type: hubspot, accessToken: x, folowUp: {}, person: { onUpdate: sometimes } }
  sf: { type: salesforce }
tests: [{ name: one, pushes: [{ PLA_CID: 3 }], records: { crm: { persn: none } } }]
`;
  assert.equal(complaints(text).sort(), [
    '.rout',
    'connectors.crm.folowUp',
    'connectors.crm.person.onUpdate',
    'connectors.sf.auth',
    'listen.hots',
    'listen.port',
    'log.level',
    'routes',
    'tests',
  ]);
});

schemas('descriptions come along, those of connectors too', () => {
  const text = JSON.stringify(whole);
  for (const description of [
    'Port to listen on.',
    'Country whose spelling',
    "HubSpot's API host.",
    'consumer key',
  ])
    assert.ok(text.includes(description), description);
});

schemas.run();
