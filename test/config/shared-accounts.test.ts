import { generateKeyPairSync } from 'node:crypto';
import { assert, suite } from '../support/suite.ts';
import { load } from './with-config.ts';

const sharing = suite('accounts that connectors share');

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

const env = {
  ACME_TOKEN: 'pat-that-was-copied',
  BETA_TOKEN: 'pat-that-was-copied',
  GAMMA_TOKEN: 'pat-of-its-own',
  SECRET: 'secret-of-one-app',
  KEY: privateKey,
};

/** A client's file, as an agency keeps one for each. */
const client = (name: string, settings: string) =>
  `sources: { ${name}: { tokens: [] } }\nconnectors: { ${name}-crm: ${settings} }\n`;

const clients = (settings: Record<string, string>) => ({
  'config/bridge.yaml': 'include: [clients/*.yaml]\n',
  ...Object.fromEntries(
    Object.entries(settings).map(([name, text]) => [`config/clients/${name}.yaml`, client(name, text)]),
  ),
});

sharing('two clients with one token are told, by their names and places, without the token', async () => {
  const { warnings } = await load(
    clients({
      acme: `{ type: hubspot, accessToken: "\${ACME_TOKEN}" }`,
      beta: `{ type: hubspot, accessToken: "\${BETA_TOKEN}" }`,
      gamma: `{ type: hubspot, accessToken: "\${GAMMA_TOKEN}" }`,
    }),
    env,
  );
  assert.equal(warnings, [
    'config/clients/beta.yaml:2:25  connectors.beta-crm: it logs in to the account of connectors.acme-crm (config/clients/acme.yaml:2:25), so calls of different sources meet in one CRM. Give beta-crm credentials of its own. If one CRM is meant, let a route bring the sources of both to acme-crm, and take beta-crm out.',
  ]);
});

const salesforce = (auth: string) => `{ type: salesforce, auth: { ${auth}, clientId: app } }`;
const oauth = (token: string) =>
  `{ type: hubspot, oauth: { clientId: app, clientSecret: "\${SECRET}", refreshToken: "\${${token}}" } }`;
const jwt = (user: string) =>
  `flow: jwtBearer, loginUrl: https://login.salesforce.com, username: ${user}, privateKey: "\${KEY}"`;
const secret = `flow: clientCredentials, clientSecret: "\${SECRET}"`;

for (const [what, acme, beta, isTold] of [
  ['one app of HubSpot in two accounts', oauth('ACME_TOKEN'), oauth('GAMMA_TOKEN'), false],
  ['one app in one account', oauth('ACME_TOKEN'), oauth('BETA_TOKEN'), true],
  [
    'one app of Salesforce in two orgs',
    salesforce(`${secret}, loginUrl: https://acme.my.salesforce.com`),
    salesforce(`${secret}, loginUrl: https://beta.my.salesforce.com`),
    false,
  ],
  [
    'two ways into one org',
    salesforce(`${secret}, loginUrl: https://acme.my.salesforce.com`),
    salesforce(
      `flow: refreshToken, refreshToken: "\${ACME_TOKEN}", loginUrl: https://ACME.my.salesforce.com/`,
    ),
    true,
  ],
  ['one key for two users', salesforce(jwt('a@acme.example')), salesforce(jwt('b@beta.example')), false],
  ['one user', salesforce(jwt('a@acme.example')), salesforce(jwt('a@acme.example')), true],
  [
    'a token of another CRM',
    `{ type: hubspot, accessToken: "\${ACME_TOKEN}" }`,
    `{ type: webhook, url: https://acme.example, secrets: ["whsec_${'a'.repeat(32)}"] }`,
    false,
  ],
] as const) {
  sharing(`${what}: ${isTold ? 'told' : 'nothing to tell'}`, async () => {
    const { warnings } = await load(clients({ acme, beta }), env);
    const told = warnings.filter((warning) => warning.includes('logs in to the account of'));
    assert.is(told.length, isTold ? 1 : 0, warnings.join('\n'));
    for (const value of Object.values(env)) assert.not.match(warnings.join('\n'), value);
  });
}

sharing('several connectors of one client may share its CRM', async () => {
  const both = `
sources: { acme: { tokens: [] }, shop: { tokens: [], callIdPrefix: shop- } }
connectors:
  calls: { type: hubspot, accessToken: "\${ACME_TOKEN}" }
  sales: { type: hubspot, accessToken: "\${ACME_TOKEN}", activity: false, sale: { when: call.missed, stage: won } }
routes:
  - { to: [calls] }
  - { source: shop, to: [sales] }`;
  assert.equal((await load(both, env)).warnings, []);
});

sharing('it is told beside mistakes elsewhere, and not of what has mistakes itself', async () => {
  const files = clients({
    acme: `{ type: hubspot, accessToken: "\${ACME_TOKEN}" }`,
    beta: `{ type: hubspot, accessToken: "\${BETA_TOKEN}" }`,
    gamma: `{ type: hubspot, accessToken: "\${ACME_TOKEN}", wirte: live }`,
  });
  const thrown = await load(files, env).catch((reason: unknown) => reason);
  const { warnings } = thrown as { warnings: string[] };
  assert.is(warnings.length, 1);
  assert.match(warnings[0] ?? '', 'connectors.beta-crm: it logs in to the account of connectors.acme-crm');
});

sharing.run();
