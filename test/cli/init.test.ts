import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectorExample, connectorNames } from '../../src/connector/registry.ts';
import { load } from '../config/with-config.ts';
import { withBridgeFolder } from '../support/bridge-process.ts';
import { assert, suite } from '../support/suite.ts';

const init = suite('init and schema');

init(
  'by flags, with nobody to ask: a configuration that is in order, its schema, and the URLs to paste',
  () =>
    withBridgeFolder(async (folder) => {
      const { code, stdout, stderr } = await folder.run(
        ...['init', '--connector', 'sandbox', '--source', 'acme', '--region', 'NZ'],
        ...['--public-url', 'https://calls.acme.example/'],
      );
      assert.is(code, 0, stderr);
      const token = readFileSync(join(folder.path, 'data/acme.push-token'), 'utf8').trim();
      assert.match(stdout, `create URL  https://calls.acme.example/push/${token}/create\n`);
      const yaml = readFileSync(join(folder.path, 'bridge.yaml'), 'utf8');
      assert.match(yaml, /^# yaml-language-server: \$schema=\.\/bridge\.schema\.json\n/);
      assert.ok(existsSync(join(folder.path, 'bridge.schema.json')));
      const { settings, warnings } = await load(yaml);
      assert.equal(warnings, []);
      assert.is(settings.sources['acme']?.timezone, 'Pacific/Auckland');
      assert.is(settings.connectors['acme-sandbox']?.type, 'sandbox');
      assert.equal(settings.routes, [
        { sources: ['acme'], to: ['acme-sandbox'], stop: false, place: 'config/bridge.yaml:20:5' },
      ]);
      assert.match(stdout, `\n  npm run bridge -- check --online --config ${folder.path}/bridge.yaml\n`);
      assert.is((await folder.run('check')).code, 0);
    }),
);

init('nothing that is there is overwritten, and what is wrong is said before anything is written', () =>
  withBridgeFolder(async (folder) => {
    const file = join(folder.path, 'bridge.yaml');
    for (const [args, said] of [
      [[], 'name the CRM with --connector. Known: hubspot, salesforce, sandbox, webhook.'],
      [['--connector', 'hubspott'], 'Did you mean "hubspot"?'],
      [['--connector', 'sandbox', '--region', 'Australia'], 'region: "Australia" is no country code'],
      [
        ['--connector', 'sandbox', '--public-url', 'calls'],
        'publicUrl: must be a URL, as in https://calls.example.com.',
      ],
      [['--connector', 'sandbox', '--source', 'a b'], 'a name has only letters'],
    ] as const) {
      const { code, stderr } = await folder.run('init', ...args);
      assert.is(code, 2, stderr);
      assert.match(stderr, said);
      assert.not(existsSync(file), said);
    }
    writeFileSync(file, 'log: { level: debug }\n');
    const { code, stderr } = await folder.run('init', '--connector', 'sandbox');
    assert.is(code, 1);
    assert.match(stderr, 'bridge.yaml is there already, and stays as it is.');
    assert.is(readFileSync(file, 'utf8'), 'log: { level: debug }\n');
    assert.is(statSync(file).size, 22);
  }),
);

init('what each connector begins with loads once its variables are set', async () => {
  const env = {
    HUBSPOT_TOKEN: 'pat-ap1-example',
    SF_LOGIN_URL: 'https://acme.my.salesforce.com',
    SF_CLIENT_ID: 'id',
    SF_CLIENT_SECRET: 'secret-of-the-app',
    WEBHOOK_URL: 'https://hooks.acme.example/calls',
    WEBHOOK_SECRET: `whsec_${'k'.repeat(32)}`,
  };
  for (const type of await connectorNames()) {
    const example = (await connectorExample(type)).replace(/^/gm, '    ');
    const { settings } = await load(`sources: { acme: {} }\nconnectors:\n  one:\n${example}`, env);
    assert.is(settings.connectors['one']?.type, type);
  }
});

init('schema prints what config/bridge.schema.json holds', () =>
  withBridgeFolder(async (folder) => {
    const { code, stdout } = await folder.run('schema');
    assert.is(code, 0);
    const kept = await readFile(new URL('../../config/bridge.schema.json', import.meta.url), 'utf8');
    assert.equal(
      JSON.parse(stdout),
      JSON.parse(kept),
      'npm run bridge -- schema > config/bridge.schema.json brings it up to date',
    );
  }),
);

init.run();
