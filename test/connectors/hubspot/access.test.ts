import hubspotConnector from '../../../connectors/hubspot/index.ts';
import type { Clock, Connection } from '../../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import {
  answering,
  type Fault,
  faults,
  type HubSpotEmulator,
  withHubSpotEmulator,
} from '../../support/hubspot-emulator.ts';
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
    assert.is(hubspot.countRequests('/oauth/2026-09/token'), 1, 'by all requests together');
    hubspot.endIssuedTokens();
    assert.is((await deliverOne(connection, deliveryOf([startPush('5')]))).kind, 'delivered');
    assert.is(hubspot.countRequests('/oauth/2026-09/token'), 2);
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
    assert.is(hubspot.countRequests('/oauth/2026-09/token'), 1);
    now += 50_000;
    await deliverOne(connection, deliveryOf([startPush('3')]));
    assert.is(hubspot.countRequests('/oauth/2026-09/token'), 2);
  }),
);

access('an app that is refused blocks, says what to check and shows no secret', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await openApp(hubspot, { refreshToken: 'a-token-of-long-ago' });
    for (let attempt = 1; attempt <= 20; attempt++) {
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'blocked');
      assert.not.match(JSON.stringify(outcome), /a-token-of-long-ago|secret-of-the-app/);
      assert.match(JSON.stringify(outcome), /new oauth\.refreshToken.*invalid refresh token/);
    }
    assert.is(hubspot.countRequests('/oauth/2026-09/token'), 6, 'not without end');
  }),
);

access('after the first endpoints of OAuth have ended, an app logs in as before', () => {
  let now = Date.parse('2027-02-15T12:00:00Z');
  const clock: Clock = { now: () => new Date(now), after: () => () => {} };
  return withHubSpotEmulator(
    async (hubspot) => {
      const connection = await openApp(hubspot, {}, testTools({ clock }));
      assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
      now = Date.parse('2027-02-17T12:00:00Z');
      hubspot.endIssuedTokens();
      const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.equal(hubspot.countRequests('/oauth/'), 2);
      assert.equal(hubspot.countRequests('/v1/'), 0);
      const first = await fetch(`${hubspot.url}/oauth/v1/token`, { method: 'POST' });
      assert.is(first.status, 404, 'the emulator has none any more');
      await first.text();
    },
    { now: () => new Date(now) },
  );
});

const page = (status: number): Fault => ({
  commits: false,
  answer: { status, headers: { 'Content-Type': 'text/html' }, body: '<title>Gateway</title>' },
});
const logIns: [string, Fault, 'blocked' | 'retry', string][] = [
  ['404', answering(404, { message: 'no' }), 'blocked', 'There is no log-in at this address'],
  ['410 without a word', { commits: false, answer: { status: 410, body: '' } }, 'blocked', 'install a newer'],
  ['invalid_grant', answering(400, { error: 'invalid_grant' }), 'blocked', 'new oauth.refreshToken'],
  ['invalid_client', answering(401, { error: 'invalid_client' }), 'blocked', 'Check oauth.clientId'],
  [
    'a refusal in the form of the error guide',
    answering(400, { category: 'VALIDATION_ERROR', message: 'x' }),
    'blocked',
    'log in',
  ],
  ['403', answering(403, { status: 'FORBIDDEN', message: 'x' }), 'blocked', 'log in'],
  ['400 as a page', page(400), 'retry', 'Gateway'],
  ['403 as a page', page(403), 'retry', 'Gateway'],
  ['502 as a page', page(502), 'retry', 'Gateway'],
  ['500', faults.serverError, 'retry', '500'],
  ['a limit', faults.rollingLimit, 'retry', '429'],
  ['what passes by itself', answering(400, { error: 'temporarily_unavailable' }), 'retry', '400'],
  ['an answer lost', faults.loseAnswer, 'retry', 'no usable answer'],
  ['an answer without a token', answering(200, { token_type: 'bearer' }), 'retry', 'named no token'],
  ['half an answer', faults.brokenJson, 'retry', 'token'],
];
for (const [name, fault, kind, words] of logIns) {
  access(`a log-in that meets ${name}: ${kind}`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const connection = await openApp(hubspot);
      hubspot.strike(fault, '/oauth/');
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(outcome.kind, kind, JSON.stringify(outcome));
      assert.match(JSON.stringify(outcome), words);
      assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
    }),
  );
}

access('an app that was removed from the account blocks, and says what to do', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await openApp(hubspot);
    await deliverOne(connection, deliveryOf([startPush('1')]));
    hubspot.uninstall();
    const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), 'install the app again');
  }),
);

access('a refresh token that is used up by each log-in is replaced, also for who comes after a kill', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const tools = testTools();
      const first = await openApp(hubspot, {}, tools);
      assert.is((await deliverOne(first, deliveryOf([startPush('1')]))).kind, 'delivered');
      assert.match(tools.kept.get('refreshToken') ?? '', hubspot.refreshToken());
      hubspot.endIssuedTokens();
      const second = await openApp(hubspot, {}, tools);
      assert.is((await deliverOne(second, deliveryOf([startPush('2')]))).kind, 'delivered');
      // Killed before the token was kept: nothing was done with it.
      hubspot.endIssuedTokens();
      const { remember } = tools.memory;
      tools.memory.remember = () => Promise.reject(new Error('the store is away'));
      const third = await openApp(hubspot, {}, tools);
      const failed = await deliverOne(third, deliveryOf([startPush('3')])).catch(String);
      assert.match(JSON.stringify(failed), 'the store is away');
      assert.is(hubspot.calls().length, 2);
      tools.memory.remember = remember;
      assert.is((await deliverOne(third, deliveryOf([startPush('3')]))).kind, 'delivered');
      assert.match(tools.kept.get('refreshToken') ?? '', hubspot.refreshToken());
      const anew = await openApp(hubspot, { refreshToken: hubspot.refreshToken() }, tools);
      assert.is((await deliverOne(anew, deliveryOf([startPush('4')]))).kind, 'delivered', 'configured anew');
    },
    { rotatesRefreshTokens: true },
  ),
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
