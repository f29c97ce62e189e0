import { randomBytes } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import * as z from 'zod';
import { guardedLookup, isPrivate, type Resolve } from '../../../connectors/webhook/addresses.ts';
import webhook from '../../../connectors/webhook/index.ts';
import { payload, webhookId } from '../../../connectors/webhook/payload.ts';
import { signatureHeaders } from '../../../connectors/webhook/signature.ts';
import { parsePush } from '../../../src/call/push.ts';
import type { Outcome, PlannedRequest } from '../../../src/connector/index.ts';
import { callNames } from '../../../src/route/names.ts';
import { deliveryOf, endPush, endSample, startPush, startSample } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { assert, suite, until } from '../../support/suite.ts';
import {
  type Fault,
  isSignature,
  testSecret,
  type WebhookReceiver,
  withWebhookReceiver,
} from '../../support/webhook-receiver.ts';
import { withWorker } from '../../support/with-worker.ts';
import { deliverOne, open, openWithNames, optionsFor } from './rig.ts';

const events = suite('webhook events');

events("the vendor's samples are one event with every name a call has", () =>
  withWebhookReceiver(async (receiver) => {
    const connection = await open(receiver, {
      url: `${receiver.url}/?team=sales`,
      properties: { campaign: 'c-{{ call.marketing.gclid }}', value: 7, at: '{{ call.endedAt }}', none: '' },
      headers: { 'X-Team': 'sales' },
    });
    const pushes = [startSample, endSample].map((body) => parsePush(body).fields);
    const outcome = await deliverOne(connection, deliveryOf(pushes));
    assert.equal(outcome, {
      kind: 'delivered',
      records: { activity: { type: 'webhook', id: '1122334' } },
    });
    const [event] = receiver.received;
    assert.is(event?.path, '/hooks/calls/?team=sales', 'the URL exactly as it was given');
    assert.is(event?.headers['x-team'], 'sales');
    assert.is(event?.id, '1122334_2');
    const { type, timestamp, data } = event!.payload;
    assert.equal(
      { type, timestamp, key: data.key, revision: data.revision, source: data.source },
      {
        type: 'call.ended',
        timestamp: '2019-05-02T00:13:07.003Z',
        key: '1122334',
        revision: 2,
        source: { name: 'acme', region: 'AU', timezone: 'Australia/Sydney' },
      },
    );
    assert.equal(data.properties, {
      campaign: 'c-C152ddsa12213123132',
      value: 7,
      at: '2019-05-02T00:13:07.003Z',
    });
    assert.is(data.call.startedAt, '2019-05-02T00:12:17.003Z');
    assert.is(data.call.caller.number, '+61444444444');
    assert.is(data.call.survey.saleAmount, null);
    assert.is(data.call.fields['PLA_SurveySaleAmount'], 'abc');
    assert.is(data.call.marketing.utm.source, null);
    await connection.close();
  }),
);

events(
  'the schema names what a call has, no more and no less, and stands beside it as JSON Schema',
  async () => {
    const names = (schema: z.core.$ZodType, path: string): string[] => {
      const { def } = schema._zod as z.core.$ZodTypes['_zod'];
      return def.type === 'object'
        ? Object.entries(def.shape).flatMap(([name, inner]) => names(inner, `${path}.${name}`))
        : [path];
    };
    assert.equal(names(payload.shape.data.shape.call, 'call').sort(), [...callNames].sort());
    const file = new URL('../../../connectors/webhook/payload.schema.json', import.meta.url);
    assert.equal(JSON.parse(readFileSync(file, 'utf8')), z.toJSONSchema(payload, { io: 'input' }));
  },
);

events('a call that lapses is an event of its own, and so is its late end', () =>
  withWebhookReceiver(async (receiver) => {
    const connection = await open(receiver);
    await deliverOne(connection, deliveryOf([startPush('1')]));
    await deliverOne(connection, deliveryOf([startPush('1')], { lapsed: true }));
    await deliverOne(connection, { ...deliveryOf([startPush('1'), endPush('1')]), revision: 3 });
    assert.equal(
      receiver.received.map(({ id, payload: { type, timestamp } }) => [id, type, timestamp]),
      [
        ['1_1', 'call.started', '2019-05-02T00:12:17.003Z'],
        ['1_2', 'call.lapsed', '2019-05-02T00:12:17.003Z'],
        ['1_3', 'call.ended', '2019-05-02T00:13:07.003Z'],
      ],
    );
    await connection.close();
  }),
);

events('write: atEnd sends nothing while it rings', () =>
  withWebhookReceiver(async (receiver) => {
    const connection = await open(receiver, { write: 'atEnd' });
    const ringing = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.equal(ringing, { kind: 'delivered', records: {}, notes: ['Waits for the end of the call.'] });
    assert.equal(receiver.requests, []);
    await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')]));
    assert.is(receiver.received.length, 1);
    await connection.close();
  }),
);

events('an answer that is lost leads to the same id and body once more, and the receiver files it once', () =>
  withWebhookReceiver(async (receiver) => {
    const connection = await open(receiver);
    receiver.strike({ commits: true });
    const lost = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(lost.kind, 'retry');
    await deliverOne(connection, deliveryOf([startPush('1')], { attempt: 2 }));
    const [first, second] = receiver.received;
    assert.is(second?.id, first?.id);
    assert.equal(second?.payload, first?.payload);
    assert.is(receiver.filed.size, 1);
    await connection.close();
  }),
);

events('preview shows the event by its paths, a dry run the request; neither sends', () =>
  withWebhookReceiver(async (receiver) => {
    const options = optionsFor(receiver, { properties: { team: 'sales' } });
    const [draft] = webhook.draft(options, deliveryOf([startPush('1')]));
    assert.equal(draft?.key, { property: 'webhook-id', value: '1_1' });
    assert.is(draft?.properties['type'], 'call.started');
    assert.is(draft?.properties['data.call.caller.number'], '+61444444444');
    assert.is(draft?.properties['data.properties.team'], 'sales');
    assert.not('data.call.endedAt' in draft!.properties);

    const planned: PlannedRequest[] = [];
    const dryRun = { online: false, plan: (request: PlannedRequest) => planned.push(request) };
    const connection = await webhook.openDry!(options, testTools(), dryRun);
    assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
    const [{ method, path, body, sent } = {} as PlannedRequest] = planned;
    assert.equal([method, path, sent], ['POST', '/hooks/calls', false]);
    assert.is(payload.parse(body).data.key, '1');
    assert.equal(receiver.requests, []);
    await connection.close();
  }),
);

events('the calls of one caller come in their order, those of others beside them', () =>
  withWebhookReceiver((receiver) =>
    withWorker(
      (tools) => open(receiver, { parallel: 4 }, tools),
      async (worker) => {
        const calls = Array.from({ length: 48 }, (_, i) => ({ id: `c${i}`, caller: `+6144440000${i % 6}` }));
        // No more than are seen at a time when the latest go first: of more, a later call of a caller may pass an earlier one.
        const release = receiver.hold();
        await worker.record(
          ...calls.map(({ id, caller }) => startPush(id, { PLA_Caller_Phone_Number: caller })),
        );
        await until('four requests are under way', () => receiver.requests.length === 4);
        release();
        await worker.deliverAll();
        for (const caller of new Set(calls.map((call) => call.caller))) {
          assert.equal(
            receiver.received
              .map(({ payload: { data } }) => data)
              .filter(({ call }) => call.caller.number === caller)
              .map(({ key }) => key),
            calls.filter((call) => call.caller === caller).map(({ id }) => id),
          );
        }
        assert.is(receiver.received.length, 48);
        assert.ok(receiver.connections() <= 4, `${receiver.connections()} connections`);
      },
      'real',
    ),
  ),
);

events('ratePerSecond holds requests back', () =>
  withWebhookReceiver(async (receiver) => {
    const asked: [number, number][] = [];
    let taken = 0;
    const tools = testTools({
      rateLimit(requests, perMs) {
        asked.push([requests, perMs]);
        return {
          async take() {
            taken++;
          },
          allow() {},
        };
      },
    });
    const connection = await open(receiver, { ratePerSecond: 5 }, tools);
    await connection.deliver(
      ['1', '2'].map((id) => deliveryOf([startPush(id)])),
      AbortSignal.timeout(9_000),
    );
    assert.equal([asked, taken], [[[5, 1000]], 2]);
    assert.equal(tools.counted, [
      { kind: 'POST', status: 204 },
      { kind: 'POST', status: 204 },
    ]);
    await connection.close();
  }),
);

events.run();

const signing = suite('webhook signatures');

signing("the specification's own example", () => {
  const headers = signatureHeaders(
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    new Date(1614265330_999),
    '{"test": 2432232314}',
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  );
  assert.equal(headers, {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

signing('whatever is said under whichever key verifies, and nothing else does', () =>
  fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'grapheme' }),
      fc.uint8Array({ minLength: 24, maxLength: 64 }),
      async (body, key) => {
        const secret = `whsec_${Buffer.from(key).toString('base64')}`;
        const headers = signatureHeaders('a_1', new Date(1_700_000_000_000), body, [secret]);
        const signature = headers['webhook-signature'];
        assert.ok(await isSignature(secret, signature, `a_1.1700000000.${body}`));
        assert.not(await isSignature(secret, signature, `a_1.1700000001.${body}`));
        assert.not(await isSignature(secret, signature, `a_2.1700000000.${body}`));
        assert.not(await isSignature(secret, signature, `a_1.1700000000.${body} `));
      },
    ),
    { numRuns: 50 },
  ),
);

signing('ids are different for different states, have no full stop and may stand in a header', () =>
  fc.assert(
    fc.property(
      fc.tuple(fc.string({ unit: 'binary' }), fc.nat(99)),
      fc.tuple(fc.string({ unit: 'binary' }), fc.nat(99)),
      ([key, revision], [otherKey, otherRevision]) => {
        const id = webhookId({ key, revision });
        assert.match(id, /^[!'()*~\w%-]+$/);
        const isSame = key.toWellFormed() === otherKey.toWellFormed() && revision === otherRevision;
        assert.is(id === webhookId({ key: otherKey, revision: otherRevision }), isSame);
      },
    ),
  ),
);

signing('a secret is replaced without a gap: both sign until the receiver has the new one', () =>
  withWebhookReceiver(async (receiver) => {
    const [before, after] = [1, 2].map(() => `whsec_${randomBytes(32).toString('base64')}`);
    const secrets = [before!, after!];
    const rotating = await open(receiver, { secrets });
    receiver.secrets = secrets;
    await deliverOne(rotating, deliveryOf([startPush('1')]));
    assert.equal(receiver.received[0]?.signedWith, secrets, 'one signature for each');
    for (const secret of secrets) {
      receiver.secrets = [secret];
      assert.is((await deliverOne(rotating, deliveryOf([startPush(secret)]))).kind, 'delivered');
    }
    const old = await open(receiver, { secrets: [before] });
    assert.is((await deliverOne(old, deliveryOf([startPush('4')]))).kind, 'blocked');
    await rotating.close();
    await old.close();
  }),
);

signing.run();

const answers = suite('webhook answers');

async function answered(
  receiver: WebhookReceiver,
  answer: Fault['answer'],
  settings: Record<string, unknown> = {},
): Promise<Outcome> {
  const connection = await open(receiver, settings);
  receiver.answerAll(answer);
  const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
  receiver.answerAll(undefined);
  await connection.close();
  return outcome;
}

const expected: [status: number, kind: Outcome['kind'], words?: RegExp][] = [
  [200, 'delivered'],
  [202, 'delivered'],
  [204, 'delivered'],
  [304, 'blocked', /Redirects are not followed/],
  [400, 'rejected', /answered 400: "why not"/],
  [401, 'blocked', /Check secrets and headers/],
  [403, 'blocked', /Check secrets and headers/],
  [404, 'blocked', /Check url/],
  [405, 'rejected'],
  [408, 'retry'],
  [410, 'blocked', /wants no more events/],
  [413, 'rejected'],
  [422, 'rejected'],
  [425, 'retry'],
  [429, 'retry', /answered 429: "why not"/],
  [500, 'retry'],
  [502, 'retry'],
  [503, 'retry'],
  [599, 'retry'],
];

for (const [status, kind, words] of expected) {
  answers(`${status} is ${kind}`, () =>
    withWebhookReceiver(async (receiver) => {
      const body = status === 204 || status === 304 ? '' : 'why not';
      const outcome = await answered(receiver, { status, body });
      assert.is(outcome.kind, kind, JSON.stringify(outcome));
      if (words) assert.match(outcome.kind === 'delivered' ? '' : outcome.reason, words);
    }),
  );
}

answers('a refusal for another time than the receiver has names the clock, and how far it is off', () =>
  withWebhookReceiver(async (receiver) => {
    for (const [minutes, words] of [
      [-8, /clock is 8 minutes ahead of the receiver's/],
      [400, /clock is 400 minutes behind the receiver's/],
      [1, /Check secrets and headers/],
    ] as const) {
      const date = new Date(Date.now() + minutes * 60_000).toUTCString();
      const outcome = await answered(receiver, { status: 401, headers: { date } });
      assert.is(outcome.kind, 'blocked');
      assert.match(outcome.kind === 'blocked' ? outcome.reason : '', words);
    }
  }),
);

answers('a redirect is not followed, wherever it leads', () =>
  withWebhookReceiver((elsewhere) =>
    withWebhookReceiver(async (receiver) => {
      for (const status of [301, 302, 303, 307, 308]) {
        const outcome = await answered(receiver, {
          status,
          headers: { location: `${elsewhere.url}?key=hidden` },
        });
        assert.is(outcome.kind, 'blocked');
        assert.ok(outcome.kind === 'blocked' && outcome.reason.includes(new URL(elsewhere.url).origin));
        assert.not(JSON.stringify(outcome).includes('hidden'));
      }
      assert.equal(elsewhere.requests, []);
    }),
  ),
);

answers('the wait that a receiver asks for is kept, in seconds or as a date, and for a day at most', () =>
  withWebhookReceiver(async (receiver) => {
    const waitFor = async (status: number, written: string) => {
      const now = Date.now();
      const outcome = await answered(receiver, { status, headers: { 'Retry-After': written } });
      assert.is(outcome.kind, 'retry');
      const until = outcome.kind === 'retry' ? outcome.notBefore : undefined;
      return until && Math.round((until.getTime() - now) / 1000);
    };
    assert.is(await waitFor(429, '120'), 120);
    assert.is(await waitFor(503, '7'), 7);
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    assert.ok(Math.abs((await waitFor(503, date))! - 3600) <= 1);
    assert.is(await waitFor(429, '999999999'), 86_400);
    for (const senseless of ['0', '-5', 'soon', new Date(0).toUTCString(), '9'.repeat(40)])
      assert.is(await waitFor(429, senseless), undefined, senseless);
  }),
);

answers('while a receiver asks to wait, it gets nothing: a short wait is sat out, a long one put off', () =>
  withWebhookReceiver(async (receiver) => {
    let now = new Date();
    const slept: number[] = [];
    const clock = {
      now: () => now,
      after(ms: number, run: () => void) {
        if (ms === 15_000) return () => {}; // the timeout
        slept.push(ms);
        now = new Date(now.getTime() + ms);
        queueMicrotask(run);
        return () => {};
      },
    };
    const connection = await open(receiver, {}, testTools({ clock }));
    receiver.strike({ commits: false, answer: { status: 429, headers: { 'Retry-After': '20' } } });
    await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is((await deliverOne(connection, deliveryOf([startPush('2')]))).kind, 'delivered');
    assert.equal(slept, [20_000]);

    receiver.strike({ commits: false, answer: { status: 503, headers: { 'Retry-After': '300' } } });
    const first = await deliverOne(connection, deliveryOf([startPush('3')]));
    const second = await deliverOne(connection, deliveryOf([startPush('4')]));
    assert.is(second.kind, 'retry');
    assert.equal(second.kind === 'retry' && second.notBefore, first.kind === 'retry' && first.notBefore);
    assert.is(receiver.requests.length, 3, 'the fourth was not sent');
    assert.is(slept.length, 1);

    now = new Date(now.getTime() - 200_000);
    const third = await deliverOne(connection, deliveryOf([startPush('4')]));
    assert.is(third.kind, 'delivered', 'the clock was set back, so the pause is over');
    assert.is(slept.length, 1);
    await connection.close();
  }),
);

answers('what is quoted of an answer is short, on one line, and without secrets or phone numbers', () =>
  withWebhookReceiver(async (receiver) => {
    const url = `${receiver.url}/T0123/token-in-the-path?key=in-the-query`;
    const headers = { authorization: 'Bearer abc123def' };
    const body = [
      'Cannot POST /hooks/calls/T0123/token-in-the-path?key=in-the-query\u001b[31m',
      `abc123def ${testSecret} ${testSecret.slice(6)} +61444444444 0444 444 444`,
      'x'.repeat(1000),
    ].join('\r\n');
    const outcome = await answered(receiver, { status: 400, body }, { url, headers });
    const quoted = 'Cannot POST [secret] [31m [secret] [secret] [secret] +6144***444 '.padEnd(300, 'x');
    assert.is(
      outcome.kind === 'rejected' && outcome.reason,
      `127.0.0.1:${receiver.port} answered 400: "${quoted}".`,
    );
  }),
);

answers('a body without end is read to a bound, and the status counts', () =>
  withWebhookReceiver(async (receiver) => {
    const outcome = await answered(receiver, { status: 200, body: 'x'.repeat(20_000_000) });
    assert.is(outcome.kind, 'delivered');
  }),
);

answers('a slow receiver is given up on in time, before its answer and within it', () =>
  withWebhookReceiver(async (receiver) => {
    const connection = await open(receiver, { timeout: '1s' });
    const started = Date.now();
    receiver.strike({ commits: true, hangs: 'answer' });
    const late = await deliverOne(connection, deliveryOf([startPush('1')]));
    const reason = `127.0.0.1:${receiver.port}: no answer within 1 s.`;
    assert.equal(late, { kind: 'retry', scope: 'connector', reason, unanswered: true });
    receiver.strike({ commits: true, hangs: 'body' });
    assert.is((await deliverOne(connection, deliveryOf([startPush('2')]))).kind, 'delivered');
    receiver.strike({ commits: false, hangs: 'body', answer: { status: 500 } });
    assert.is((await deliverOne(connection, deliveryOf([startPush('3')]))).kind, 'retry');
    assert.ok(Date.now() - started < 10_000);
    await connection.close();
  }),
);

answers('stopping ends a request that is under way, with no verdict on the call', () =>
  withWebhookReceiver(async (receiver) => {
    const connection = await open(receiver);
    receiver.hold();
    const stop = new AbortController();
    const outcome = connection.deliver([deliveryOf([startPush('1')])], stop.signal);
    await until('the request is under way', () => receiver.requests.length === 1);
    stop.abort();
    assert.is((await outcome)[0]?.kind, 'retry');
    await connection.close();
  }),
);

answers('nobody there is worth another try', () =>
  withWebhookReceiver(async (receiver) => {
    const connection = await open(receiver, { url: 'http://127.0.0.1:1/secret-path' });
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'retry');
    assert.match(outcome.kind === 'retry' ? outcome.reason : '', /^127\.0\.0\.1:1 gave no usable answer/);
    assert.not(JSON.stringify(outcome).includes('secret-path'));
    const [finding] = await connection.check(AbortSignal.timeout(5_000));
    assert.is(finding?.level, 'problem');
    assert.ok(finding?.fix);
    await connection.close();
  }),
);

for (const [status, level] of [
  [405, 'ok'],
  [204, 'ok'],
  [401, 'warning'],
  [403, 'warning'],
  [404, 'warning'],
  [410, 'warning'],
  [302, 'warning'],
  [503, 'warning'],
] as const)
  answers(`check asks whether it answers, sends no event, and claims no more: ${status}`, () =>
    withWebhookReceiver(async (receiver) => {
      const connection = await open(receiver);
      if (status !== 405) receiver.answerAll({ status });
      const [finding] = await connection.check(AbortSignal.timeout(5_000));
      assert.is(finding?.level, level);
      const words = `127.0.0.1:${receiver.port} answers (${status} to HEAD). Whether it takes events is not known from that.`;
      assert.is(finding?.message, words);
      if (level !== 'ok') assert.match(finding?.fix ?? '', /testEvent: true/);
      assert.equal(receiver.requests, ['HEAD /hooks/calls']);
      assert.equal(await connection.plan(AbortSignal.timeout(5_000)), []);
      await connection.close();
    }),
  );

answers(
  'where the receiver knows tests, check asks what a delivery asks, and is told what it would be told',
  () =>
    withWebhookReceiver(async (receiver) => {
      const connection = await open(receiver, { testEvent: true });
      assert.equal(await connection.check(AbortSignal.timeout(5_000)), [
        { level: 'ok', subject: 'test event', message: 'It was taken (204).' },
      ]);
      assert.equal([receiver.requests, receiver.filed.size], [['POST /hooks/calls'], 0]);
      for (const status of [401, 302, 404, 410, 422, 500]) {
        receiver.answerAll({ status, body: `no ${testSecret}` });
        const [finding] = await connection.check(AbortSignal.timeout(5_000));
        assert.is(finding?.level, 'problem', String(status));
        const outcome = await deliverOne(connection, deliveryOf([startPush(String(status))]));
        assert.is(finding?.message, outcome.kind === 'delivered' ? '' : outcome.reason);
        assert.not(JSON.stringify(finding).includes(testSecret));
      }
      await connection.close();
    }),
);

answers.run();

const guard = suite('webhook private addresses');

guard('addresses of this machine, of networks and of nobody are private', () => {
  const privates = [
    '0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 172.31.255.255',
    '192.0.0.8 192.0.2.1 192.168.1.1 198.18.0.1 198.19.255.255 203.0.113.9 224.0.0.1 239.1.1.1 255.255.255.255',
    ':: ::1 ::ffff:127.0.0.1 ::ffff:7f00:1 [::ffff:7f00:1] ::ffff:8.8.8.8 ::127.0.0.1 fc00::1 fd12::1 fe80::1',
    'fe80::1%eth0 fec0::1 ff02::1 2001:db8::1 2002:7f00:1:: 2001::1 64:ff9b::127.0.0.1 64:ff9b::a00:1 64:ff9b:1::1',
    '100::1 localhost nonsense 1.2.3',
  ];
  for (const address of privates.join(' ').split(' ')) assert.ok(isPrivate(address), address);
  const publics = [
    '1.1.1.1 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 169.253.0.1 172.15.0.1',
    '172.32.0.1 192.167.0.1 192.169.0.1 198.17.0.1 198.20.0.1 223.255.255.255',
    '2606:4700::1111 2a00:1450::1 2400:cb00::1 64:ff9b::8.8.8.8',
  ];
  for (const address of publics.join(' ').split(' ')) assert.not(isPrivate(address), address);
});

guard('a private address in url is found before the start', () => {
  const problem = (url: string, more = {}) =>
    webhook.options.safeParse({ url, secrets: [testSecret], ...more }).error?.issues[0]?.message;
  const spellings =
    '10.0.0.1 127.0.0.1 0x7f.1 2130706433 [::1] [::ffff:127.0.0.1] [::ffff:a00:1] [fd00::1] [64:ff9b::7f00:1]';
  for (const host of spellings.split(' ')) {
    assert.match(problem(`https://${host}/hook`) ?? '', /is a private address/, host);
    assert.is(problem(`https://${host}/hook`, { allowPrivate: true }), undefined);
  }
  assert.match(problem('http://localhost/hook') ?? '', /is a private address/);
  assert.is(problem('http://localhost/hook', { allowPrivate: true }), undefined);
  assert.match(problem('http://hooks.acme.example/', { allowPrivate: true }) ?? '', /https/);
  assert.is(problem('https://1.1.1.1/hook'), undefined);
  assert.is(problem('https://[2606:4700::1111]/hook'), undefined);
});

guard('a name of this machine is refused, and nothing connects', () =>
  withWebhookReceiver(async (receiver) => {
    const settings = { url: `https://localhost:${receiver.port}/`, allowPrivate: false };
    const connection = await open(receiver, settings);
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
    assert.match(
      outcome.kind === 'blocked' ? outcome.reason : '',
      /^localhost is at (127\.0\.0\.1|::1), a private address.*allowPrivate/,
    );
    const [finding] = await connection.check(AbortSignal.timeout(5_000));
    assert.is(finding?.level, 'problem');
    assert.match(finding?.fix ?? '', /a host on the internet/);
    assert.is(receiver.connections(), 0);
    await connection.close();
  }),
);

/** Answers what is listed, in turn, and the last of it from then on. */
function namesAt(...turns: LookupAddress['address'][][]): Resolve & { asked: string[] } {
  const asked: string[] = [];
  const resolve: Resolve = (host, _, found) => {
    const turn = turns[Math.min(asked.length, turns.length - 1)] ?? [];
    asked.push(host);
    found(
      null,
      turn.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return Object.assign(resolve, { asked });
}

guard('one private address among others is enough to refuse a name', () =>
  withWebhookReceiver(async (receiver) => {
    const url = `https://hooks.acme.example:${receiver.port}/`;
    for (const private_ of ['127.0.0.1', '::ffff:127.0.0.1', '10.0.0.1', '169.254.169.254']) {
      const names = namesAt(['1.1.1.1', private_]);
      const connection = openWithNames(receiver, { url, allowPrivate: false }, names);
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'blocked', private_);
      await connection.close();
    }
    assert.is(receiver.connections(), 0);
  }),
);

guard('the address that was looked at is the one connected to: a second answer is never asked for', () =>
  withWebhookReceiver(async (receiver) => {
    // No such name exists: that the event arrives shows where the connection went.
    const url = `https://hooks.acme.invalid:${receiver.port}/`;
    const names = namesAt(['127.0.0.1'], ['192.0.2.1']);
    const connection = openWithNames(receiver, { url }, names);
    await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.equal(names.asked, ['hooks.acme.invalid']);
    assert.is(receiver.connections(), 1);
    await connection.close();
  }),
);

guard('a name that was public and becomes private is refused at its next connection', () => {
  const lookup = guardedLookup(false, namesAt(['1.1.1.1', '2606:4700::1111'], ['127.0.0.1']));
  const found: unknown[] = [];
  const note = (problem: Error | null, addresses: unknown) => found.push(problem?.name ?? addresses);
  lookup('hooks.acme.invalid', { all: true }, note);
  lookup('hooks.acme.invalid', { all: true }, note);
  lookup('hooks.acme.invalid', {}, note);
  assert.equal(found, [
    [
      { address: '1.1.1.1', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ],
    'PrivateAddress',
    'PrivateAddress',
  ]);
});

guard.run();

const settings = suite('webhook options');

settings('what cannot work is refused, without showing it', () => {
  const good = { url: 'https://hooks.acme.example/a', secrets: [testSecret] };
  const problem = (more: object) => webhook.options.safeParse({ ...good, ...more }).error?.issues[0];
  assert.is(problem({}), undefined);
  const refused: [object, RegExp][] = [
    [{ secrets: [] }, /./],
    [{ secrets: ['plain-text-that-is-no-key'] }, /must be whsec_/],
    [{ secrets: [`whsec_${Buffer.from('short').toString('base64')}`] }, /24 to 64/],
    [{ secrets: [`${testSecret.slice(0, 20)}!${testSecret.slice(20)}`] }, /must be whsec_/],
    [{ url: 'https://jane:hunter22@hooks.acme.example/' }, /headers\.authorization/],
    [{ headers: { 'webhook-id': 'x' } }, /./],
    [{ headers: { Host: 'x' } }, /./],
    [{ headers: { 'two words': 'x' } }, /./],
    [{ headers: { 'x-team': 'a\r\nb: hunter22' } }, /no header may hold/],
    [{ timeout: '10m' }, /at most 5m/],
    [{ parallel: 0 }, /./],
  ];
  for (const [more, words] of refused) {
    const issue = problem(more);
    assert.match(issue?.message ?? '', words, JSON.stringify(more));
    assert.not(/hunter22|plain-text/.test(issue?.message ?? ''));
  }
});

settings('a URL is kept as it is, to the last slash', () => {
  for (const url of ['https://a.example/x/', 'https://a.example/x?y=1&z=/', 'https://a.example'])
    assert.is(webhook.options.parse({ url, secrets: [testSecret] }).url, url);
});

settings.run();
