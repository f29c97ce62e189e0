import { failureOfAnswer, failureOfRow } from '../../../connectors/hubspot/failures.ts';
import { systemClock } from '../../../src/clock.ts';
import type { Clock, Outcome } from '../../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import {
  answering,
  emptyAnswer,
  type Fault,
  faults,
  type HubSpotEmulator,
  withHubSpotEmulator,
} from '../../support/hubspot-emulator.ts';
import { assert, suite, until } from '../../support/suite.ts';
import { deliverOne, open, soon, strikeForGood, unmetered } from './rig.ts';

const failures = suite('hubspot failures');

/** Ten past three, and it stays so; timers run as ever. */
const now = new Date('2026-11-02T03:10:00.000Z');
const stoppedClock: Clock = { now: () => now, after: systemClock.after };
const at = (time: string) => new Date(`2026-11-02T${time}.000Z`);

/** What becomes of a call of a known caller when its only request is struck. */
async function outcomeOf(hubspot: HubSpotEmulator, fault: Fault): Promise<Outcome> {
  const tools = testTools({ clock: stoppedClock });
  const connection = await open(hubspot, {}, tools);
  await deliverOne(connection, deliveryOf([startPush('before')]));
  hubspot.forgetRequests();
  strikeForGood(hubspot, fault, 'calls/batch/create');
  const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
  assert.not(JSON.stringify(outcome).includes(hubspot.token), 'no secret in the outcome');
  return outcome;
}

interface Row {
  name: string;
  fault: Fault;
  kind: Outcome['kind'];
  reason: string;
  notBefore?: Date;
}

const missingScopes = {
  status: 'error',
  message: 'This app has not been granted all required scopes.',
  category: 'MISSING_SCOPES',
  errors: [{ message: 'x', context: { requiredGranularScopes: ['crm.objects.contacts.write', 'tickets'] } }],
};

const table: Row[] = [
  {
    name: 'an expired token',
    fault: faults.expiredToken,
    kind: 'blocked',
    reason: 'expired 12 second(s) ago',
  },
  {
    name: '401',
    fault: answering(401, { status: 'error', message: 'Authentication credentials not found.' }),
    kind: 'blocked',
    reason: 'refuses the access token. Create a service key',
  },
  {
    name: '403 with the scopes that are missing',
    fault: answering(403, missingScopes),
    kind: 'blocked',
    reason: 'Grant crm.objects.contacts.write, tickets to it',
  },
  {
    name: '403 for somebody, and not for a scope',
    fault: answering(403, {
      message: 'You do not have permission.',
      category: 'USER_DOES_NOT_HAVE_PERMISSIONS',
    }),
    kind: 'blocked',
    reason: 'HubSpot forbids this to the access token. Look at the permissions of the user who made it',
  },
  {
    name: '403 as a page',
    fault: {
      commits: false,
      answer: { status: 403, headers: { 'Content-Type': 'text/html' }, body: '<h1>No</h1>' },
    },
    kind: 'retry',
    reason: '"No"',
  },
  {
    name: 'the ten-second limit',
    fault: faults.rollingLimit,
    kind: 'retry',
    reason: 'ten_secondly_rolling limit',
    notBefore: at('03:10:10'),
  },
  {
    name: 'the secondly limit',
    fault: faults.secondlyLimit,
    kind: 'retry',
    reason: 'secondly limit',
    notBefore: at('03:10:01'),
  },
  {
    name: 'the secondly limit in its old form',
    fault: faults.secondlyLimitOldForm,
    kind: 'retry',
    reason: 'secondly limit',
    notBefore: at('03:10:10'),
  },
  {
    name: 'a limit that names its wait',
    fault: answering(429, { message: 'You have reached your limit.' }, { 'Retry-After': '45' }),
    kind: 'retry',
    reason: 'reached your limit',
    notBefore: at('03:10:45'),
  },
  {
    name: 'a limit without a word',
    fault: answering(429, {}),
    kind: 'retry',
    reason: 'with 429',
    notBefore: at('03:10:10'),
  },
  {
    name: 'the daily limit, until the next half hour: one of them is midnight',
    fault: faults.dailyLimit,
    kind: 'blocked',
    reason: 'for today are used up',
    notBefore: at('03:30:00'),
  },
  {
    name: 'the daily limit with a wait',
    fault: answering(429, { policyName: 'DAILY' }, { 'Retry-After': '7200' }),
    kind: 'blocked',
    reason: 'for today are used up',
    notBefore: at('05:10:00'),
  },
  { name: 'a lock', fault: faults.locked, kind: 'retry', reason: 'is locked', notBefore: at('03:10:02') },
  {
    name: 'an account on the move',
    fault: faults.moving,
    kind: 'blocked',
    reason: 'to another data centre',
    notBefore: at('04:10:00'),
  },
  {
    name: 'an account on the move that names no wait',
    fault: answering(477, {}),
    kind: 'blocked',
    reason: 'to another data centre',
    notBefore: at('03:11:00'),
  },
  { name: '500', fault: faults.serverError, kind: 'retry', reason: 'with 500: "internal error"' },
  { name: '502 as HTML', fault: faults.badGateway, kind: 'retry', reason: 'with 502: "502 Server Error"' },
  { name: '503 as HTML', fault: faults.unavailable, kind: 'retry', reason: 'with 503' },
  { name: '504 after the write', fault: faults.gatewayTimeout, kind: 'retry', reason: 'with 504' },
  { name: '524 after the write', fault: faults.originTimeout, kind: 'retry', reason: 'with 524' },
  ...[521, 522, 523, 525, 526].map(
    (status): Row => ({
      name: `${status}`,
      fault: answering(status, {}),
      kind: 'retry',
      reason: `with ${status}`,
    }),
  ),
  { name: 'a status nobody foresaw', fault: answering(418, {}), kind: 'retry', reason: 'with 418' },
  {
    name: 'a page that is not there',
    fault: answering(404, { message: 'no' }),
    kind: 'retry',
    reason: 'with 404',
  },
  { name: 'half an answer', fault: faults.brokenJson, kind: 'retry', reason: 'no usable answer' },
  { name: 'an answer lost', fault: faults.loseAnswer, kind: 'retry', reason: 'no usable answer' },
  { name: 'a connection cut', fault: faults.drop, kind: 'retry', reason: 'no usable answer' },
  {
    name: 'a 2xx that says nothing of the call',
    fault: emptyAnswer(201),
    kind: 'retry',
    reason: 'did not say what came of this record',
  },
  {
    name: 'a 2xx that the client did not expect',
    fault: answering(202, { status: 'PENDING' }),
    kind: 'retry',
    reason: 'no usable answer',
  },
  {
    name: 'a refused value',
    fault: answering(400, { message: 'Property values were not valid: [oops', category: 'VALIDATION_ERROR' }),
    kind: 'rejected',
    reason: 'Property values were not valid: [oops',
  },
  {
    name: '409',
    fault: answering(409, { category: 'CONFLICT', message: 'conflict' }),
    kind: 'rejected',
    reason: '"conflict"',
  },
  {
    name: '413',
    fault: answering(413, { status: 'error', message: 'too large' }),
    kind: 'rejected',
    reason: '"too large"',
  },
  {
    name: '414',
    fault: answering(414, { correlationId: 'a1', message: 'too long' }),
    kind: 'rejected',
    reason: '"too long"',
  },
];

for (const { name, fault, kind, reason, notBefore } of table) {
  failures(`${name}: ${kind}`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const outcome = await outcomeOf(hubspot, fault);
      assert.is(outcome.kind, kind, JSON.stringify(outcome));
      assert.ok(outcome.kind !== 'delivered' && outcome.reason.includes(reason), JSON.stringify(outcome));
      assert.equal('notBefore' in outcome ? outcome.notBefore : undefined, notBefore);
      if (kind !== 'rejected')
        assert.is(hubspot.countRequests('calls/batch/create'), 1, 'the client repeats nothing by itself');
    }),
  );
}

const rows: [string, object, Outcome['kind'], string][] = [
  ['a refused value', { category: 'VALIDATION_ERROR', message: 'not so' }, 'rejected', 'not so'],
  ['a conflict', { category: 'CONFLICT', message: 'exists' }, 'rejected', 'exists'],
  ['a limit', { category: 'RATE_LIMITS', message: 'secondly' }, 'retry', 'secondly'],
  ['a missing scope', missingScopes, 'blocked', 'Grant crm.objects.contacts.write'],
  ['what nobody foresaw', { category: 'INTERNAL', message: 'hm' }, 'retry', 'hm'],
  ['nothing but its name', {}, 'retry', 'calls/batch/create'],
];
for (const [name, error, kind, reason] of rows) {
  failures(`a row of a 207 with ${name}: ${kind}`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const time = now.toISOString();
      const body = {
        status: 'COMPLETE',
        results: [],
        numErrors: 1,
        errors: [{ ...error, context: { objectWriteTraceId: ['1'] } }],
        startedAt: time,
        completedAt: time,
      };
      const outcome = await outcomeOf(hubspot, answering(207, body));
      assert.is(outcome.kind, kind, JSON.stringify(outcome));
      assert.ok(outcome.kind !== 'delivered' && outcome.reason.includes(reason), JSON.stringify(outcome));
    }),
  );
}

failures('each of them passes: the next attempt writes the call once', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      for (const [i, { fault, kind }] of table.entries()) {
        if (kind === 'rejected') continue;
        const connection = await open(hubspot);
        hubspot.strike(fault, 'calls/batch/create');
        assert.is((await deliverOne(connection, deliveryOf([startPush(`c${i}`)]))).kind, kind);
        const outcome = await deliverOne(connection, deliveryOf([startPush(`c${i}`)]));
        assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
        assert.ok(outcome.records?.person && outcome.records.activity);
      }
      const keys = hubspot.calls().map((call) => call.properties['delacon_call_id']);
      assert.is(new Set(keys).size, keys.length);
      assert.is(hubspot.contacts().length, 1);
      assert.equal(new Set(hubspot.calls().map((call) => call.contactIds.join())), new Set(['501']));
    },
    { limits: unmetered },
  ),
);

for (const status of [400, 401, 403, 404, 409, 410, 413, 414, 418, 431, 500, 502, 503])
  failures(`a page, nothing or another's JSON with ${status} is a gateway's, and no verdict`, () => {
    const where = { request: 'calls/batch/create', connector: 'crm', now, secrets: [] };
    for (const body of ['<h1>No</h1>', '', undefined, null, {}, [], { message: 'Forbidden' }]) {
      const failure = failureOfAnswer({ status, headers: {}, body }, where);
      assert.is(failure.kind, 'retry', JSON.stringify(body));
      const isTooLong = [413, 414, 431].includes(status);
      assert.is(failure.scope, isTooLong ? undefined : 'connector', 'one long call says nothing of others');
    }
  });

failures('a batch that is too long for a gateway is halved until it passes', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const connection = await open(hubspot);
      hubspot.strike(
        {
          commits: false,
          answer: { status: 413, headers: { 'Content-Type': 'text/html' }, body: '<h1>413</h1>' },
        },
        'calls/batch/create',
      );
      const batch = ['1', '2', '3', '4'].map((id) => deliveryOf([startPush(id)]));
      const outcomes = await connection.deliver(batch, new AbortController().signal);
      assert.equal(
        outcomes.map(({ kind }) => kind),
        ['delivered', 'delivered', 'delivered', 'delivered'],
      );
      assert.is(hubspot.calls().length, 4);
    },
    { limits: unmetered },
  ),
);

failures('a token that HubSpot repeats is not shown', () =>
  withHubSpotEmulator(async (hubspot) => {
    const message = `Token ${hubspot.token} is unknown.`;
    const outcome = await outcomeOf(hubspot, answering(401, { status: 'error', message }));
    assert.match(outcome.kind === 'blocked' ? outcome.reason : '', 'Token [secret] is unknown.');
  }),
);

failures('without the own properties the first delivery says what to run, for contacts and for calls', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const connection = await open(hubspot, {}, testTools({ name: 'acme-hubspot' }));
      const first = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(first.kind, 'blocked', JSON.stringify(first));
      assert.match(first.kind === 'blocked' ? first.reason : '', 'no unique property delacon_caller');
      assert.match(first.kind === 'blocked' ? first.reason : '', '`delacon-bridge setup acme-hubspot`');
      const withheld = startPush('2', { PLA_Caller_Phone_Number: 'anonymous' });
      const second = await deliverOne(connection, deliveryOf([withheld]));
      assert.is(second.kind, 'blocked', JSON.stringify(second));
      assert.match(second.kind === 'blocked' ? second.reason : '', 'no unique property delacon_call_id');
    },
    { provisioned: false },
  ),
);

failures('an own property that is not unique blocks', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      hubspot.addProperty('calls', { name: 'delacon_call_id', hasUniqueValue: true });
      hubspot.addProperty('contacts', { name: 'delacon_caller' });
      const outcome = await deliverOne(await open(hubspot), deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
      assert.match(outcome.kind === 'blocked' ? outcome.reason : '', 'by non-unique');
    },
    { provisioned: false },
  ),
);

failures('a mapped property that HubSpot does not have blocks, until somebody creates it', () =>
  withHubSpotEmulator(async (hubspot) => {
    let now = Date.now();
    const tools = testTools({ clock: { now: () => new Date(now), after: systemClock.after } });
    const connection = await open(hubspot, { activity: { properties: { nope: '{{ call.id }}' } } }, tools);
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
    assert.is(
      outcome.kind === 'blocked' ? outcome.reason : '',
      'HubSpot has no property calls.nope. Create it in HubSpot or by `delacon-bridge setup test`, or take activity.properties.nope out of the configuration.',
    );
    hubspot.addProperty('calls', { name: 'nope' });
    now += 60_000;
    assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
    assert.is(hubspot.calls()[0]?.properties['nope'], '1');
  }),
);

failures('no answer within the time is unknown, and no second record comes of it', () =>
  withHubSpotEmulator(async (hubspot) => {
    let isHanging = false;
    const hurried: Clock = {
      now: systemClock.now,
      after: (ms, run) => systemClock.after(isHanging && ms === 30_000 ? 50 : ms, run),
    };
    const tools = testTools({ clock: hurried });
    await deliverOne(await open(hubspot, {}, tools), deliveryOf([startPush('before')]));
    const connection = await open(hubspot, {}, tools);
    hubspot.strike(faults.hang, 'calls/batch/create');
    isHanging = true;
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    isHanging = false; // a busy machine may take longer than that over what is answered
    assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    assert.match(outcome.kind === 'retry' ? outcome.reason : '', 'within 30 s');
    assert.is(outcome.unanswered, true);
    assert.equal(tools.counted.at(-1), { kind: 'calls/batch/create', status: 'failed' });
    assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
    assert.is(hubspot.calls().length, 2);
  }),
);

failures(
  'a first search that is never answered holds the others up until its time is over, and no longer',
  () =>
    withHubSpotEmulator(async (hubspot) => {
      const hurried: Clock = {
        now: systemClock.now,
        after: (ms, run) => systemClock.after(ms === 30_000 ? 600 : ms, run),
      };
      const tools = testTools({ clock: hurried });
      const connection = await open(hubspot, {}, tools);
      hubspot.strike(faults.hang, '/search');
      const outcomes = await Promise.all(
        ['+61411111111', '+61422222222'].map((number, i) =>
          deliverOne(connection, deliveryOf([startPush(`${i}`, { PLA_Caller_Phone_Number: number })])),
        ),
      );
      assert.equal(outcomes.map(({ kind }) => kind).sort(), ['delivered', 'retry']);
      const searches = tools.counted.filter(({ kind }) => kind === 'contacts/search');
      assert.equal(
        searches.map(({ status }) => status),
        ['failed', 200],
      );
    }),
);

failures('a shutdown does not wait for HubSpot', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    hubspot.strike(faults.hang);
    const shutdown = new AbortController();
    const delivering = connection.deliver([deliveryOf([startPush('1')])], shutdown.signal);
    await until('the request is out', () => hubspot.countRequests() === 1);
    shutdown.abort();
    const [outcome] = await delivering;
    assert.match(outcome?.kind === 'retry' ? outcome.reason : '', 'The bridge stopped before');
    const [late] = await connection.deliver([deliveryOf([startPush('2')])], shutdown.signal);
    assert.is(late?.kind, 'retry');
    assert.is(hubspot.countRequests(), 1, 'nothing is sent after the signal');
  }),
);

failures('a failed link keeps the record, and the next attempt links it', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    hubspot.strike(faults.loseAnswer, 'calls/batch/create');
    await deliverOne(connection, deliveryOf([startPush('1')]));
    hubspot.strike(faults.serverError, 'associate');
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    assert.equal(outcome.records, { activity: { type: 'call', id: '39001' } });
    const last = await deliverOne(
      connection,
      deliveryOf([startPush('1')], { records: outcome.records ?? {} }),
    );
    assert.equal(last.records, {
      activity: { type: 'call', id: '39001' },
      person: { type: 'contact', id: '501' },
    });
    assert.is(hubspot.calls().length, 1);
  }),
);

for (const errors of ['error', [null], { 0: 1 }, [{ context: 'none' }]]) {
  failures(`an answer whose errors are ${JSON.stringify(errors)} is read all the same`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const answer = answering(400, { category: 'VALIDATION_ERROR', message: 'no', errors });
      assert.is((await outcomeOf(hubspot, answer)).kind, 'rejected');
    }),
  );
}

const whole = (id: string) => deliveryOf([startPush(id), endPush(id, { PLA_SurveyOutcome: 'Sale' })]);
const sale = { when: "call.survey.outcome == 'Sale'", stage: 'closedwon' };

/*
 * The client takes whatever comes for what its types say. What HubSpot did not say was then found out by whoever needed
 * it, as a TypeError that took every call of the batch along, and told nobody which answer it was.
 */
for (const [request, body, part] of [
  ['pipelines/deals', null, 'the answer'],
  ['pipelines/deals', { results: [{ label: 'Sales' }] }, 'results.0.id'],
  ['contacts/search', { results: [{ id: '7' }] }, 'results.0.properties'],
  ['contacts/batch/read', { results: [{ properties: {} }] }, 'results.0.id'],
] as const)
  failures(`${JSON.stringify(body)} in answer to ${request} is no answer, and the reason says so`, () =>
    withHubSpotEmulator(async (hubspot) => {
      hubspot.strike(answering(200, body), request.replace('pipelines', 'pipelines/2026-09'));
      const connection = await open(hubspot, { sale });
      const outcome = await deliverOne(connection, whole('1'));
      assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
      const reason = `HubSpot gave no usable answer to ${request}: ${part} cannot be read.`;
      assert.ok((outcome as { reason: string }).reason.endsWith(reason), JSON.stringify(outcome));
      assert.is((await deliverOne(connection, whole('1'))).kind, 'delivered');
      assert.is(hubspot.calls().length, 1);
    }),
  );

failures('a row that cannot be read takes no other call along', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const rows = [{}, { id: '39001', properties: { delacon_call_id: '2' } }];
    hubspot.strike(answering(201, { status: 'COMPLETE', results: rows }), 'calls/batch/create');
    const [first, second] = await connection.deliver([whole('1'), whole('2')], AbortSignal.timeout(20_000));
    assert.is(first?.kind, 'retry', JSON.stringify(first));
    assert.match(JSON.stringify(first), /did not say what came of this record/);
    assert.is(second?.kind, 'delivered', JSON.stringify(second));
  }),
);

failures('pages that never end are not turned for ever', () =>
  withHubSpotEmulator(async (hubspot) => {
    for (let n = 0; n < 60; n++)
      hubspot.strike(answering(200, { results: [], paging: { next: { after: '0' } } }), 'contacts/search');
    const tools = testTools({ rateLimit: () => ({ take: async () => {}, allow() {} }) });
    await deliverOne(await open(hubspot, {}, tools), whole('1'));
    assert.is(hubspot.countRequests('contacts/search'), 50);
  }),
);

for (const [title, more] of Object.entries({ 'by trace': {}, 'as a whole': { partialSuccess: false } }))
  failures(
    `a property that the account demands is said, and costs only those who lack it (refused ${title})`,
    () =>
      withHubSpotEmulator(async (hubspot) => {
        hubspot.addProperty('calls', { name: 'reason' });
        hubspot.demand('calls', 'reason', { property: 'hs_call_status', value: 'COMPLETED' });
        const properties = { reason: "{% if call.id == '2' %}x{% endif %}" };
        const connection = await open(hubspot, { activity: { properties } });
        const batch = [deliveryOf([startPush('1'), endPush('1')]), whole('2'), deliveryOf([startPush('3')])];
        const [lacking, ...others] = await connection.deliver(batch, soon());
        assert.is(lacking?.kind, 'rejected', JSON.stringify(lacking));
        assert.match(
          lacking && 'reason' in lacking ? lacking.reason : '',
          'A rule of the account demands calls.reason. Map activity.properties.reason, or take the rule back in HubSpot.',
        );
        assert.equal(
          others.map(({ kind }) => kind),
          ['delivered', 'delivered'],
        );
      }, more),
  );

failures('a contact who lacks what the account demands costs no call', () =>
  withHubSpotEmulator(async (hubspot) => {
    const id = hubspot.addContact({ phone: '0444 444 444' });
    hubspot.demand('contacts', 'company', { property: 'phone', value: '0444 444 444' });
    hubspot.demand('contacts', 'company');
    const known = await deliverOne(await open(hubspot), deliveryOf([startPush('1'), endPush('1')]));
    assert.is(known.kind, 'delivered', JSON.stringify(known));
    assert.is(known.records?.person?.id, id);
    const other = { PLA_Caller_Phone_Number: '0444444402' };
    const fresh = await deliverOne(
      await open(hubspot),
      deliveryOf([startPush('2', other), endPush('2', other)]),
    );
    assert.is(fresh.kind, 'delivered', JSON.stringify(fresh));
    assert.match(String(fresh.notes), 'Map person.properties.company');
  }),
);

failures('what should be text and is none is read as nothing said', () => {
  const where = { request: 'read contacts', connector: 'acme-hubspot', now, secrets: [] };
  const odd = { constructor: 1, toString: 2, length: -1 };
  const errors = [{ code: odd, message: odd, context: { propertyName: [odd] } }];
  for (const body of [
    { message: odd },
    { category: odd, message: odd, errors },
    { message: `[{"error":{"toString":1},"name":"x"}]` },
  ])
    assert.is(failureOfRow({ ...body }, where as never).kind, 'retry');
});

failures.run();
