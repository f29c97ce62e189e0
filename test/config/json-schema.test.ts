import { readdir, readFile } from 'node:fs/promises';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv, type ErrorObject } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { parse } from 'yaml';
import { configSchema } from '../../src/config/json-schema.ts';
import { openApi } from '../../src/operator/openapi.ts';
import { assert, suite } from '../support/suite.ts';

/*
 * As editors and receivers read them: with a validator that first looks whether a schema is one. `bridge.schema.json` once
 * said ["string", "null", "null"], which is none, and editors took none of it.
 */

const schemas = suite('JSON Schema for editors');

const folder = new URL('../../config/', import.meta.url);
const whole = (await configSchema()) as Record<string, unknown>;

/** Strict: words that mean nothing, or nothing there, are errors; a type may be a list, as in ["string", "null"]. */
const strict = { strict: true, allowUnionTypes: true, strictRequired: false, allErrors: true } as const;
const ajv = new Ajv(strict);
formats.default(ajv);
const validate = ajv.compile(whole);

/** Where an editor would draw a line under something. */
function complaints(text: string): string[] {
  validate(parse(text));
  const places = (validate.errors ?? []).map(placeOf).filter((place) => place !== undefined);
  return [...new Set(places)].sort();
}

function placeOf({ instancePath, keyword, params }: ErrorObject): string | undefined {
  if (['if', 'anyOf', 'oneOf', 'allOf'].includes(keyword)) return undefined; // what is within says more
  const path = instancePath.slice(1).replaceAll('/', '.');
  const further = params['additionalProperty'] ?? params['missingProperty'];
  return further === undefined ? path : [path, further].filter(Boolean).join('.');
}

schemas('are JSON Schemas: that of the configuration, and that of what the webhook sends', async () => {
  assert.is(ajv.validateSchema(whole), true, JSON.stringify(ajv.errors));
  const file = JSON.parse(await readFile(new URL('bridge.schema.json', folder), 'utf8')) as object;
  assert.is(new Ajv({ strict: false }).validateSchema(file), true);
  const payload = new URL('../../connectors/webhook/payload.schema.json', import.meta.url);
  const receivers = new Ajv2020(strict);
  formats.default(receivers);
  receivers.compile(JSON.parse(await readFile(payload, 'utf8')) as object);
});

schemas('of the API are an OpenAPI document, and each of its schemas is one', async () => {
  const document = JSON.parse(JSON.stringify(openApi('1.0.0'))) as Record<string, unknown>;
  const { valid, errors } = await new Validator().validate(document);
  assert.is(valid, true, JSON.stringify(errors));
  const bodies = new Ajv2020(strict);
  formats.default(bodies);
  let seen = 0;
  for (const schema of schemasIn(document)) {
    bodies.compile(schema);
    seen++;
  }
  assert.ok(seen > 50, `${seen}`);
});

function* schemasIn(value: unknown): Generator<object> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (name === 'schema') yield inner as object;
    else yield* schemasIn(inner);
  }
}

/** Whole configurations in the documents; parts of one, such as a connector alone, name no group of settings first. */
async function yamlOfDocuments(): Promise<[file: string, yaml: string][]> {
  const root = new URL('../../', import.meta.url);
  const files = ['README.md', 'connectors/README.md'];
  for (const name of await readdir(new URL('connectors/', root))) {
    if (!name.includes('.')) files.push(`connectors/${name}/README.md`);
  }
  const found: [string, string][] = [];
  for (const file of files) {
    const text = await readFile(new URL(file, root), 'utf8');
    for (const [, yaml = ''] of text.matchAll(/```yaml\n(.*?)```/gs)) found.push([file, yaml]);
  }
  return found;
}

schemas('the files that come with the bridge are in order', async () => {
  for (const file of ['default.yaml', 'example.yaml']) {
    assert.equal(complaints(await readFile(new URL(file, folder), 'utf8')), [], file);
  }
});

schemas('what the documents show is in order', async () => {
  const known = Object.keys(whole['properties'] as object);
  let seen = 0;
  for (const [file, yaml] of await yamlOfDocuments()) {
    const data = parse(yaml) as Record<string, unknown>;
    const isWhole = Object.keys(data).every((key) => known.includes(key));
    // A connector's settings alone, or settings of one.
    const text = isWhole ? yaml : 'type' in data ? JSON.stringify({ connectors: { one: data } }) : '';
    assert.equal(complaints(text || '{}'), [], `${file}: ${yaml}`);
    if (text) seen++;
  }
  assert.ok(seen > 5, `${seen}`);
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
  assert.equal(complaints(text), [
    'connectors.crm.folowUp',
    'connectors.crm.person.onUpdate',
    'connectors.sf.auth',
    'listen.hots',
    'listen.port',
    'log.level',
    'rout',
    'routes.0.to',
    'tests.0',
    'tests.0.pushes.0',
    'tests.0.pushes.0.PLA_CID',
    'tests.0.records.crm.persn',
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
