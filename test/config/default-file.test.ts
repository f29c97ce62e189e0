import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { parseTree } from '../../src/config/parse-yaml.ts';
import { ProblemList } from '../../src/config/problems.ts';
import { settingPaths } from '../../src/config/schema-walk.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import type { TreeNode } from '../../src/config/yaml-tree.ts';
import { hoursOption } from '../../src/text/business-hours.ts';
import { assert, suite } from '../support/suite.ts';
import { load } from './with-config.ts';

const defaults = suite('config/default.yaml');

const folder = new URL('../../config/', import.meta.url);
const yaml = await readFile(new URL('default.yaml', folder), 'utf8');
const root = parseTree(yaml, '/default.yaml', new ProblemList('/'))!;

/** What stands below is named by the user, or by a CRM. */
const ofUsers = /^tests\[\]\.(pushes|call|records)$/;

/** `sources.*.tokens` and the line it is in. */
function* settingsIn(node: TreeNode, path: string, line: number): Generator<[path: string, line: number]> {
  if (ofUsers.test(path)) yield [path, line];
  else if (node.kind === 'map') {
    for (const [key, entry] of node.entries) {
      const name = path === 'sources' || path === 'connectors' ? '*' : key;
      yield* settingsIn(entry.node, path ? `${path}.${name}` : name, entry.key.line);
    }
  } else if (node.kind === 'list' && node.items[0]?.kind === 'map') {
    for (const item of node.items) yield* settingsIn(item, `${path}[]`, line);
  } else yield [path, line];
}

defaults('holds every setting, and no other', () => {
  const held = [...settingsIn(root, '', 1)].map(([path]) => path);
  const known = settingPaths(settingsSchema).map((path) => path.replace(/^(tests\[\]\.\w+).*/, '$1'));
  assert.equal(held.sort(), [...new Set(known)].sort());
});

defaults('says of every setting what it means', () => {
  const lines = yaml.split('\n');
  for (const [path, line] of settingsIn(root, '', 1))
    assert.ok(
      lines[line - 1]?.includes('# ') || /^ *# /.test(lines[line - 2] ?? ''),
      `${path} has no comment`,
    );
});

defaults('is the only place with the defaults of top-level settings', () => {
  const optional = [
    'listen.publicUrl',
    'operator.token',
    'operator.readOnlyToken',
    'alerts.webhook.url',
    'alerts.digest',
    ...['from', 'url', 'host', 'port', 'user', 'password'].map((key) => `alerts.email.${key}`),
    // Working hours are a piece that connectors share.
    ...['days', 'from', 'to', 'except'].map((key) => `alerts.hours.${key}`),
  ];
  const empty: Record<string, unknown> = Object.fromEntries(
    Object.keys(settingsSchema.shape).map((key) => [key, {}]),
  );
  empty['alerts'] = { webhook: {}, email: {}, hours: {} };
  const result = settingsSchema.safeParse({
    ...empty,
    include: undefined,
    routes: undefined,
    tests: undefined,
  });
  const missing = result.error?.issues.map((issue) => issue.path.join('.'));
  const topLevel = settingPaths(settingsSchema).filter(
    (path) => !/^(sources|connectors|routes|tests)/.test(path),
  );
  assert.equal(
    missing?.sort(),
    [...topLevel.filter((path) => !optional.includes(path)), 'routes', 'tests'].sort(),
  );
});

defaults('shows for working hours what they are by default', async () => {
  const { settings } = await load({});
  assert.equal(settings.alerts.hours, hoursOption.parse({}));
});

defaults('shows for a source what a source has by default', async () => {
  const shown = await load({});
  const bare = await load('sources: { default: }');
  assert.equal(
    { rateLimit: undefined, ...bare.settings.sources['default'] },
    shown.settings.sources['default'],
  );
});

defaults('every setting has a description, which JSON Schema carries to editors', () => {
  const schema = z.toJSONSchema(settingsSchema, { io: 'input', unrepresentable: 'any' });
  const undescribed: string[] = [];
  const walk = (node: z.core.JSONSchema.JSONSchema, path: string) => {
    for (const [key, inner] of Object.entries(node.properties ?? {})) {
      if (typeof inner !== 'object') continue;
      if (inner.description === undefined) undescribed.push(`${path}.${key}`);
      walk(inner, `${path}.${key}`);
    }
    for (const inner of [node.additionalProperties, node.items])
      if (typeof inner === 'object' && !Array.isArray(inner)) walk(inner, `${path}.*`);
  };
  walk(schema, '');
  assert.equal(undescribed, []);
});

const example = suite('config/example.yaml');

example('loads once its variables are set', async () => {
  const text = await readFile(new URL('example.yaml', folder), 'utf8');
  const env = {
    OPERATOR_TOKEN: 'an-operator-token-of-acme',
    ACME_PUSH_TOKEN: '0a1b2c3d4e5f6a7b8c9d',
    HUBSPOT_TOKEN: 'pat-ap1-example',
  };
  const { settings, warnings, secrets } = await load(text, env);
  assert.equal(Object.keys(settings.sources), ['acme']);
  assert.is(settings.connectors['acme-hubspot']?.type, 'hubspot');
  assert.equal(settings.routes, [
    { sources: ['acme'], to: ['acme-hubspot'], stop: false, place: 'config/bridge.yaml:33:5' },
  ]);
  assert.equal([warnings, secrets], [[], Object.values(env)]);
});

example('loads with its alternatives in place', async () => {
  const text = await readFile(new URL('example.yaml', folder), 'utf8');
  const all = text.replace(/^ {2}# /gm, '  ');
  const env = {
    ACME_PUSH_TOKEN: '0a1b2c3d4e5f6a7b8c9d',
    OPERATOR_TOKEN: 'an-operator-token-of-acme',
    HUBSPOT_TOKEN: 'pat',
    SF_CLIENT_ID: 'id',
    SF_CLIENT_SECRET: 'x',
    ACME_WEBHOOK_SECRET: `whsec_${'k'.repeat(32)}`,
  };
  const { settings } = await load(all, env);
  assert.equal(Object.keys(settings.connectors), ['acme-hubspot', 'acme-salesforce', 'acme-webhook']);
});

defaults.run();
example.run();
