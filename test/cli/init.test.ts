import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
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
      const file = join(folder.path, '.env');
      const env = parseEnv(readFileSync(file, 'utf8')) as Record<string, string>;
      const token = env['ACME_PUSH_TOKEN'] ?? '';
      assert.equal(Object.keys(env), ['ACME_PUSH_TOKEN', 'OPERATOR_TOKEN']);
      for (const secret of Object.values(env)) assert.match(secret, /^[\w-]{32}$/);
      assert.is.not(token, env['OPERATOR_TOKEN']);
      assert.is(statSync(file).mode & 0o777, 0o600);
      assert.not(existsSync(join(folder.path, 'data')));
      assert.match(stdout, `create URL  https://calls.acme.example/push/${token}/create\n`);
      const yaml = readFileSync(join(folder.path, 'bridge.yaml'), 'utf8');
      assert.match(yaml, /^# yaml-language-server: \$schema=\.\/bridge\.schema\.json\n/);
      assert.ok(existsSync(join(folder.path, 'bridge.schema.json')));
      const { settings, warnings } = await load(yaml, env);
      assert.equal(warnings, []);
      assert.equal(
        [settings.sources['acme']?.tokens, settings.operator.token],
        [[token], env['OPERATOR_TOKEN']],
      );
      assert.is(settings.sources['acme']?.timezone, 'Pacific/Auckland');
      assert.is(settings.connectors['acme-sandbox']?.type, 'sandbox');
      assert.equal(settings.routes, [
        { sources: ['acme'], to: ['acme-sandbox'], stop: false, place: 'config/bridge.yaml:24:5' },
      ]);
      assert.match(stdout, ` check --online --config ${folder.path}/bridge.yaml\n`);
      assert.is((await folder.run('check')).code, 0);
    }),
);

init('an .env that Windows saved in UTF-16 is added to, and read', () =>
  withBridgeFolder(async (folder) => {
    const file = join(folder.path, '.env');
    writeFileSync(file, '\uFEFFACME_PUSH_TOKEN=a-push-token-of-before\r\n', {
      encoding: 'utf16le',
      mode: 0o600,
    });
    const { code, stderr } = await folder.run('init', '--connector', 'sandbox', '--source', 'acme');
    assert.is(code, 0, stderr);
    const env = parseEnv(readFileSync(file, 'utf8'));
    assert.equal(
      [env['ACME_PUSH_TOKEN'], Object.keys(env), statSync(file).mode & 0o777],
      ['a-push-token-of-before', ['ACME_PUSH_TOKEN', 'OPERATOR_TOKEN'], 0o600],
    );
  }),
);

init('secrets that are there stay, what lacks is added, and a repository does not get them', () =>
  withBridgeFolder(async (folder) => {
    const file = join(folder.path, '.env');
    writeFileSync(file, 'CRM_HUBSPOT_TOKEN=pat-of-before\nCRM_PUSH_TOKEN=a-push-token-of-before', {
      mode: 0o600,
    });
    mkdirSync(join(folder.path, '.git'));
    const { code, stdout, stderr } = await folder.run(
      'init',
      '--connector',
      'hubspot',
      '--source',
      'crm',
      '--json',
    );
    assert.is(code, 0, stderr);
    const said = JSON.parse(stdout);
    assert.match(said.urls.create, '/push/a-push-token-of-before/create');
    assert.equal(said.variables, []);
    const lines = readFileSync(file, 'utf8').split('\n');
    assert.equal(lines.slice(0, 2), [
      'CRM_HUBSPOT_TOKEN=pat-of-before',
      'CRM_PUSH_TOKEN=a-push-token-of-before',
    ]);
    assert.match(lines[2] ?? '', /^OPERATOR_TOKEN=[\w-]{32}$/);
    assert.equal(lines.slice(3), ['']);
    assert.is(readFileSync(join(folder.path, '.gitignore'), 'utf8'), '.env\n');
    assert.is((await folder.run('check')).code, 0);
  }),
);

init('each client has variables of its own, so that none is given the CRM of another', () =>
  withBridgeFolder(async (folder) => {
    for (const [source, connector, variables] of [
      ['acme', 'hubspot', ['ACME_HUBSPOT_TOKEN']],
      ['beta', 'hubspot', ['BETA_HUBSPOT_TOKEN']],
      [
        'gamma-nz',
        'salesforce',
        ['GAMMA_NZ_SF_LOGIN_URL', 'GAMMA_NZ_SF_CLIENT_ID', 'GAMMA_NZ_SF_CLIENT_SECRET'],
      ],
      ['7up', 'webhook', ['_7UP_WEBHOOK_URL', '_7UP_WEBHOOK_SECRET']],
    ] as const) {
      const config = join(folder.path, `${source}.yaml`);
      const { stdout, stderr, code } = await folder.run(
        ...['init', '--connector', connector, '--source', source],
        ...['--config', config, '--json'],
      );
      assert.is(code, 0, stderr);
      assert.equal(JSON.parse(stdout).variables, variables);
      const yaml = readFileSync(config, 'utf8');
      for (const name of variables) assert.match(yaml, `\${${name}}`);
      appendFileSync(join(folder.path, '.env'), `${variables[0]}=what-${source}-logs-in-with\n`);
    }
  }),
);

init('a second file for a source of the same name is not given the secrets of the first', () =>
  withBridgeFolder(async (folder) => {
    const other = join(folder.path, 'other.yaml');
    const again = ['init', '--connector', 'hubspot', '--config', other];
    assert.is((await folder.run('init', '--connector', 'hubspot')).code, 0);
    const env = readFileSync(join(folder.path, '.env'), 'utf8');
    const { code, stderr } = await folder.run(...again);
    assert.is(code, 2);
    assert.match(stderr, 'bridge.yaml beside it has MAIN_PUSH_TOKEN already');
    assert.match(stderr, '--source');
    assert.not(existsSync(other));
    assert.is(readFileSync(join(folder.path, '.env'), 'utf8'), env);
    assert.is((await folder.run(...again, '--source', 'second')).code, 0);
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
    assert.not(existsSync(join(folder.path, '.env')));
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
