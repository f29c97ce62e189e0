import hubspot from '../../connectors/hubspot/index.ts';
import salesforce from '../../connectors/salesforce/index.ts';
import webhook from '../../connectors/webhook/index.ts';
import type { ConnectorDefinition } from '../../src/connector/index.ts';
import { deliveryOf, startPush } from '../support/build-push.ts';
import { testTools } from '../support/connector-tools.ts';
import { type Asked, serveEmulator } from '../support/emulator-server.ts';
import { assert, suite } from '../support/suite.ts';
import { testSecret } from '../support/webhook-receiver.ts';

/*
 * A host that has moved, or somebody in its place, answers with a redirect. `fetch` sends a POST on as it is for 307 and 308:
 * client secrets, refresh tokens and callers' numbers went to whatever host the answer named.
 */
const redirects = suite('redirects of what connectors ask');

const secret = 'a-client-secret';
const asked: [string, ConnectorDefinition, (url: string) => object, logsIn?: string][] = [
  ['HubSpot with a key', hubspot, (baseUrl) => ({ baseUrl, accessToken: secret })],
  [
    'the log-in to HubSpot',
    hubspot,
    (baseUrl) => ({
      baseUrl,
      oauth: { clientId: 'app', clientSecret: secret, refreshToken: 'a-refresh-token' },
    }),
  ],
  [
    'the log-in to Salesforce',
    salesforce,
    (loginUrl) => ({ auth: { flow: 'clientCredentials', loginUrl, clientId: 'app', clientSecret: secret } }),
  ],
  [
    'the log-in to Salesforce for a user',
    salesforce,
    (loginUrl) => ({
      auth: {
        flow: 'refreshToken',
        loginUrl,
        clientId: 'app',
        clientSecret: secret,
        refreshToken: 'a-token',
      },
    }),
  ],
  [
    'Salesforce, once it has logged in,',
    salesforce,
    (loginUrl) => ({ auth: { flow: 'clientCredentials', loginUrl, clientId: 'app', clientSecret: secret } }),
    '/services/oauth2/token',
  ],
  ['a webhook', webhook, (url) => ({ url, allowPrivate: true, secrets: [testSecret] })],
];

for (const [who, connector, options, logsIn] of asked)
  redirects(`${who} is not followed to another host, which is named`, async () => {
    const elsewhere: Asked[] = [];
    const other = await serveEmulator('other', async (request) => {
      elsewhere.push(request);
      return { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' };
    });
    for (const status of [301, 302, 303, 307, 308]) {
      const moved = await serveEmulator('moved', async ({ path }) =>
        path === logsIn
          ? {
              status: 200,
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify({ access_token: secret, instance_url: moved.url }),
            }
          : { status, headers: { location: `${other.url}${path}?secret=${secret}` } },
      );
      const connection = await connector.open(connector.options.parse(options(moved.url)), testTools());
      const [outcome] = await connection.deliver([deliveryOf([startPush('1')])], AbortSignal.timeout(20_000));
      await connection.close();
      await moved.close();
      assert.equal(elsewhere, [], `${status}`);
      assert.is.not(outcome?.kind, 'delivered');
      assert.match(JSON.stringify(outcome), `Redirects are not followed`);
      assert.match(JSON.stringify(outcome), `(at ${other.url})`);
      assert.not.match(JSON.stringify(outcome), secret);
    }
    await other.close();
  });

redirects.run();
