import { generateKeyPairSync } from 'node:crypto';
import salesforceConnector from '../../../connectors/salesforce/index.ts';
import type { Clock } from '../../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { answering, faults, withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { assert, suite, until } from '../../support/suite.ts';
import { deliverOne, open, soon } from './rig.ts';

const session = suite('salesforce session');

session('an expired token is replaced once, by all requests together', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    await deliverOne(connection, deliveryOf([startPush('0')]));
    salesforce.expireTokens();
    salesforce.forgetRequests();
    const outcomes = await Promise.all(
      ['1', '2', '3', '4'].map((id) => deliverOne(connection, deliveryOf([startPush(id)]))),
    );
    assert.equal(new Set(outcomes.map(({ kind }) => kind)), new Set(['delivered']));
    assert.is(salesforce.countRequests('token'), 1);
  }),
);

session('a token that is issued and refused is not asked for without end', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    salesforce.refuseTokens();
    for (let attempt = 1; attempt <= 20; attempt++) {
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
    }
    assert.is(salesforce.countRequests('token'), 6);
    assert.ok(salesforce.countRequests() <= 12, JSON.stringify(salesforce.requests));
  }),
);

session('after the minute, tokens are asked for again', () =>
  withSalesforceEmulator(async (salesforce) => {
    let now = new Date('2026-11-02T03:15:00Z');
    const clock: Clock = { now: () => now, after: () => () => {} };
    const connection = await open(salesforce, {}, testTools({ clock }));
    salesforce.refuseTokens();
    for (let attempt = 1; attempt <= 5; attempt++) await deliverOne(connection, deliveryOf([startPush('1')]));
    const refused = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.equal(refused.kind === 'blocked' && refused.notBefore, new Date('2026-11-02T03:16:00Z'));
    salesforce.accept();
    now = new Date('2026-11-02T03:16:00.001Z');
    assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
  }),
);

session('tokens are asked for again when the clock is set back, too', () =>
  withSalesforceEmulator(async (salesforce) => {
    let now = new Date('2026-11-02T03:15:00Z');
    const clock: Clock = { now: () => now, after: () => () => {} };
    const connection = await open(salesforce, {}, testTools({ clock }));
    salesforce.refuseTokens();
    for (let attempt = 1; attempt <= 6; attempt++) await deliverOne(connection, deliveryOf([startPush('1')]));
    salesforce.accept();
    now = new Date('2026-11-02T02:15:00Z');
    assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
  }),
);

session('a client that is refused blocks, says what to check and shows no secret', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const { clientSecret } = salesforce;
    salesforce.refuseClient('invalid_client', `invalid client credentials ${clientSecret}`);
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /Check auth.clientId.*invalid_client.*\[secret\]/);
    assert.not(JSON.stringify(outcome).includes(clientSecret));
    for (let attempt = 2; attempt <= 8; attempt++)
      assert.match(
        JSON.stringify(await deliverOne(connection, deliveryOf([startPush('1')]))),
        /invalid_client/,
      );
    assert.is(salesforce.countRequests('token'), 6, 'not without end');
  }),
);

session('check says of an org that lets no program in what that needs, and nothing of the log-in', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    salesforce.strike(
      answering(403, [{ errorCode: 'API_DISABLED_FOR_ORG', message: 'API is not enabled' }]),
      'describe',
    );
    const [finding] = await connection.check(soon());
    assert.match(finding?.message ?? '', /edition has API access.*API is not enabled/);
    assert.not.match(finding?.fix ?? '', /clientId/);
  }),
);

session('a token endpoint that is down is worth a retry', () =>
  withSalesforceEmulator(async (salesforce) => {
    for (const name of ['maintenance', 'drop', 'brokenJson'] as const) {
      const connection = await open(salesforce);
      salesforce.strike(faults[name], 'token');
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'retry', `${name}: ${JSON.stringify(outcome)}`);
    }
  }),
);

session('half a token is none, nor is what is no text', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const id = 'https://x/id/00D/005';
    const instance_url = salesforce.url;
    for (const answer of [
      { access_token: 'x', id },
      { access_token: { toString: 1 }, instance_url, id },
      { access_token: 'x', instance_url: 'elsewhere', id },
    ]) {
      salesforce.strike(answering(200, answer), 'token');
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    }
    assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
  }),
);

session('every request is counted, with its status', () =>
  withSalesforceEmulator(async (salesforce) => {
    const tools = testTools();
    const connection = await open(salesforce, {}, tools);
    await deliverOne(connection, deliveryOf([startPush('1')]));
    salesforce.strike(faults.maintenance, '/Task/');
    await deliverOne(connection, deliveryOf([startPush('2')]));
    salesforce.strike(faults.drop, '/Task/');
    await deliverOne(connection, deliveryOf([startPush('3')]));
    assert.equal(tools.counted, [
      { kind: 'token', status: 200 },
      { kind: 'query', status: 200 },
      { kind: 'search', status: 200 },
      { kind: 'insert Lead and Task', status: 200 },
      { kind: 'upsert Task', status: 503 },
      { kind: 'upsert Task', status: 'failed' },
    ]);
  }),
);

session('requests go through the fetch that the bridge gives, the version in their address', () =>
  withSalesforceEmulator(async (salesforce) => {
    const seen: string[] = [];
    const recording = (async (input: string | URL | Request, init?: RequestInit) => {
      seen.push(String(input).replace(salesforce.url, '').split('?')[0] as string);
      return fetch(input, init);
    }) as typeof fetch;
    const connection = await open(salesforce, { apiVersion: '60.0' }, testTools({ fetch: recording }));
    await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.equal(seen, [
      '/services/oauth2/token',
      '/services/data/v60.0/composite',
      '/services/data/v60.0/search',
      '/services/data/v60.0/composite',
    ]);
    const [written] = salesforce.bodies('Lead+Task');
    assert.equal(
      JSON.parse(written ?? '').compositeRequest.map(({ url }: { url: string }) => url),
      ['/services/data/v60.0/sobjects/Lead', '/services/data/v60.0/sobjects/Task'],
    );
  }),
);

session('a request that is never answered ends after a minute, as unknown', () =>
  withSalesforceEmulator(async (salesforce) => {
    const timers: { ms: number; run: () => void }[] = [];
    const clock: Clock = {
      now: () => new Date(),
      after: (ms, run) => {
        timers.push({ ms, run });
        return () => {};
      },
    };
    const connection = await open(salesforce, {}, testTools({ clock }));
    salesforce.strike(faults.hang, 'Lead+Task');
    const delivery = deliverOne(connection, deliveryOf([startPush('1'), endPush('1')]));
    await until('the request that hangs', () => salesforce.countRequests('Lead+Task') === 1);
    assert.is(timers.at(-1)?.ms, 60_000);
    timers.at(-1)?.run();
    const outcome = await delivery;
    assert.is(
      outcome.kind === 'retry' && outcome.reason,
      'Salesforce did not answer insert Lead and Task within 60 s.',
    );
    assert.is(outcome.unanswered, true);
    const again = await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')]));
    assert.is(again.kind, 'delivered', JSON.stringify(again));
    assert.is(salesforce.tasks().length, 1);
  }),
);

session('an abort cuts the request that is under way', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const stop = new AbortController();
    salesforce.strike(faults.hang, 'Lead+Task');
    const delivery = connection.deliver([deliveryOf([startPush('1')])], stop.signal);
    await until('the request that hangs', () => salesforce.countRequests('Lead+Task') === 1);
    stop.abort();
    const [outcome] = await delivery;
    assert.is(
      outcome?.kind === 'retry' && outcome.reason,
      'The bridge stopped before Salesforce answered insert Lead and Task.',
    );
  }),
);

session('a slow answer is waited for', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.strike(faults.slow, 'Lead+Task');
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'delivered');
  }),
);

session('links lead to the record’s page', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const { records } = await deliverOne(connection, deliveryOf([startPush('1')]));
    const { activity, person } = records ?? {};
    assert.is(
      activity && connection.link(activity),
      `${salesforce.url}/lightning/r/Task/${activity?.id}/view`,
    );
    assert.is(person && connection.link(person), `${salesforce.url}/lightning/r/Lead/${person?.id}/view`);
    assert.is(connection.link({ type: 'deal', id: '1' }), undefined);
    assert.equal(await connection.check(soon()).then((found) => found[0]?.level), 'ok');
  }),
);

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

session('a signed assertion logs in, a new one each time', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const { url: loginUrl, clientId } = salesforce;
      const auth = { flow: 'jwtBearer', loginUrl, clientId, username: 'bridge@acme.example', privateKey };
      const connection = await open(salesforce, { auth });
      assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
      salesforce.expireTokens();
      assert.is((await deliverOne(connection, deliveryOf([startPush('2')]))).kind, 'delivered');

      const stranger = await open(salesforce, { auth: { ...auth, username: 'nobody@acme.example' } });
      const refused = await deliverOne(stranger, deliveryOf([startPush('3')]));
      assert.is(refused.kind, 'blocked');
      assert.match(JSON.stringify(refused), /auth\.username.*pre-authorised.*invalid_grant/);
      assert.not(JSON.stringify(refused).includes('PRIVATE KEY'));
    },
    { certificate: publicKey },
  ),
);

session('what is no private key is refused before the start', () => {
  const auth = {
    flow: 'jwtBearer',
    loginUrl: 'https://acme.my.salesforce.com',
    clientId: 'a',
    username: 'b',
  };
  const parse = (key: string) =>
    salesforceConnector.options.safeParse({ auth: { ...auth, privateKey: key } });
  assert.match(parse('secret').error?.message ?? '', /no RSA private key in PEM form/);
  assert.ok(parse(privateKey).success);
});

session('a refresh token that is replaced is kept, and outlives the process', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const { url: loginUrl, clientId, clientSecret } = salesforce;
      const first = salesforce.refreshToken();
      const auth = { flow: 'refreshToken', loginUrl, clientId, clientSecret, refreshToken: first };
      const tools = testTools();
      const connection = await open(salesforce, { auth }, tools);
      assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
      const second = salesforce.refreshToken();
      assert.is.not(second, first);
      assert.match(tools.kept.get('refreshToken') ?? '', second);

      salesforce.expireTokens();
      const afterRestart = await open(salesforce, { auth }, tools);
      assert.is((await deliverOne(afterRestart, deliveryOf([startPush('2')]))).kind, 'delivered');

      const withoutMemory = await open(salesforce, { auth });
      const refused = await deliverOne(withoutMemory, deliveryOf([startPush('3')]));
      assert.is(refused.kind, 'blocked');
      assert.match(JSON.stringify(refused), /put the new refresh token into auth\.refreshToken/);
      const renewed = { ...auth, refreshToken: salesforce.refreshToken() };
      assert.is(
        (await deliverOne(await open(salesforce, { auth: renewed }, tools), deliveryOf([startPush('3')])))
          .kind,
        'delivered',
        'one that is configured anew wins over the one that was kept',
      );
    },
    { rotatesRefreshTokens: true },
  ),
);

session('a replaced refresh token that the store cannot take yet is not lost', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const { url: loginUrl, clientId, clientSecret } = salesforce;
      const auth = {
        flow: 'refreshToken',
        loginUrl,
        clientId,
        clientSecret,
        refreshToken: salesforce.refreshToken(),
      };
      const tools = testTools();
      let isFull = true;
      const memory = {
        ...tools.memory,
        async remember(texts: ReadonlyMap<string, string>) {
          if (isFull) throw new Error('the disk is full');
          await tools.memory.remember(texts);
        },
      };
      const connection = await open(salesforce, { auth }, testTools({ memory }));
      assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'retry');
      isFull = false;
      assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
      assert.match(tools.kept.get('refreshToken') ?? '', salesforce.refreshToken());
    },
    { rotatesRefreshTokens: true },
  ),
);

session('the allowance that is left is known from the answers', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const connection = await open(salesforce, { reserve: '50%' });
      assert.is(connection.quota?.isLow, false);
      await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.equal(
        [connection.quota?.limit, connection.quota?.remaining],
        [10, 10 - salesforce.countRequests()],
      );
      await deliverOne(connection, deliveryOf([startPush('2', { PLA_Caller_Phone_Number: '0411222333' })]));
      assert.is(connection.quota?.isLow, true);
    },
    { requestsPerDay: 10 },
  ),
);

/*
 * The client read each answer once more, by itself: 8 MB of brackets held Bun for a quarter of a minute, and took 700 MB.
 */
session('what is too much to be read is not read by the client either', () =>
  withSalesforceEmulator(async (salesforce) => {
    const brackets = '['.repeat(2_000_000);
    const answer = async () => new Response(brackets, { headers: { 'content-type': 'application/json' } });
    const connection = await open(salesforce, {}, testTools({ fetch: answer as unknown as typeof fetch }));
    const { parse } = JSON;
    const read: number[] = [];
    JSON.parse = (text: string, ...more) => {
      read.push(text.length);
      return parse(text, ...more);
    };
    try {
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.match(JSON.stringify(outcome), /the answer cannot be read/);
    } finally {
      JSON.parse = parse;
    }
    assert.ok(Math.max(0, ...read) < brackets.length);
  }),
);

session.run();
