import hubspotConnector from '../../../connectors/hubspot/index.ts';
import type { Clock, Connection } from '../../../src/connector/contract.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { type HubSpotEmulator, withHubSpotEmulator } from '../../support/hubspot-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open } from './rig.ts';

const access = suite('hubspot access');

async function openApp(
  hubspot: HubSpotEmulator,
  oauth: Record<string, string> = {},
  tools = testTools(),
): Promise<Connection> {
  const options = hubspotConnector.options.parse({
    baseUrl: hubspot.url,
    oauth: { ...hubspot.oauth, ...oauth },
  });
  return hubspotConnector.open(options, tools);
}

access('an app asks for a token once, and again when it is refused', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await openApp(hubspot);
    const calls = ['1', '2', '3', '4'].map((id) => deliveryOf([startPush(id), endPush(id)]));
    const outcomes = await Promise.all(calls.map((call) => deliverOne(connection, call)));
    assert.equal(new Set(outcomes.map(({ kind }) => kind)), new Set(['delivered']));
    assert.is(hubspot.countRequests('/oauth/v1/token'), 1, 'by all requests together');
    hubspot.endIssuedTokens();
    assert.is((await deliverOne(connection, deliveryOf([startPush('5')]))).kind, 'delivered');
    assert.is(hubspot.countRequests('/oauth/v1/token'), 2);
    assert.is(hubspot.calls().length, 5);
  }),
);

access('an app is not told of the requests of the day, and a service key is', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const app = await openApp(hubspot);
      assert.is((await deliverOne(app, deliveryOf([startPush('1')]))).kind, 'delivered');
      assert.equal([app.quota?.limit, app.quota?.isLow, app.quota?.isSpent], [0, false, false]);
      const withKey = await open(hubspot);
      await deliverOne(withKey, deliveryOf([startPush('2')]));
      assert.equal([withKey.quota?.limit, withKey.quota?.isLow], [50, false]);
    },
    { limits: { perDay: 50 } },
  ),
);

access('a token is renewed ahead of its end', () =>
  withHubSpotEmulator(async (hubspot) => {
    let now = Date.now();
    const clock: Clock = { now: () => new Date(now), after: () => () => {} };
    const connection = await openApp(hubspot, {}, testTools({ clock }));
    await deliverOne(connection, deliveryOf([startPush('1')]));
    now += 1_700_000;
    await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.is(hubspot.countRequests('/oauth/v1/token'), 1);
    now += 50_000;
    await deliverOne(connection, deliveryOf([startPush('3')]));
    assert.is(hubspot.countRequests('/oauth/v1/token'), 2);
  }),
);

access('an app that is refused blocks, says what to check and shows no secret', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await openApp(hubspot, { refreshToken: 'a-token-of-long-ago' });
    for (let attempt = 1; attempt <= 20; attempt++) {
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'blocked');
      assert.not.match(JSON.stringify(outcome), /a-token-of-long-ago|secret-of-the-app/);
      if (attempt === 1)
        assert.match(JSON.stringify(outcome), /new oauth\.refreshToken.*invalid refresh token/);
    }
    assert.is(hubspot.countRequests('/oauth/v1/token'), 6, 'not without end');
  }),
);

access('a token or an app, and not both', () => {
  const paths = (settings: object) =>
    hubspotConnector.options
      .safeParse(settings)
      .error?.issues.map(({ path, message }) => `${path} ${message}`);
  const oauth = { clientId: 'a', clientSecret: 'b', refreshToken: 'c' };
  assert.is(paths({ oauth }), undefined);
  assert.equal(paths({ oauth, accessToken: 'x' }), ['accessToken is there beside oauth: keep one of them.']);
  assert.equal(paths({}), ['accessToken is missing. Set it, or oauth.']);
});

access('what is left of the day is known from the answers', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const connection = await open(hubspot, { reserve: '50%' });
      assert.is(connection.quota?.isLow, false);
      await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.equal([connection.quota?.limit, connection.quota?.isLow], [10, false]);
      await deliverOne(connection, deliveryOf([startPush('2', { PLA_Caller_Phone_Number: '0411222333' })]));
      assert.is(connection.quota?.isLow, true);
    },
    { limits: { perDay: 10 } },
  ),
);

access.run();
