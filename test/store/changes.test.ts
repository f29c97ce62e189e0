import fc from 'fast-check';
import { type CallState, foldFields, hasEnd, laneOf, urgencyOf, urgencyOfPush } from '../../src/call/call.ts';
import type { Fields } from '../../src/call/push.ts';
import { fieldsOf, stateOf } from '../../src/store/call-state.ts';
import {
  type CallChange,
  firstPushChanges,
  lapseChanges,
  newConnectors,
  pushChanges,
  settlementChanges,
} from '../../src/store/changes.ts';
import type { Settlement } from '../../src/store/deliveries.ts';
import { behind, fresh, historic, late, lineOf, lines } from '../../src/store/lines.ts';
import type { CallRow, DeliveryRow } from '../../src/store/schema.ts';
import { assert, suite } from '../support/suite.ts';
import { newPush } from '../support/with-store.ts';

const changes = suite('changes');

/** A store of one call: it loads, asks, and applies the answer. */
class OneCall {
  row: CallRow | null = null;
  readonly bodies: { id: number; body: string }[] = [];
  /** Where the last push put it. */
  line = -1;
  repeats = 0;

  push(fields: Fields, receivedAt: Date, when: 'now' | 'late' = 'now') {
    const push = newPush(fields, { callId: '1', receivedAt });
    const known = this.row;
    if (!known) {
      const { call, state, heldFields, line } = firstPushChanges(push);
      this.line = line;
      this.row = {
        id: 1,
        source: call.source,
        call_id: call.callId,
        revision: 1,
        fields: heldFields,
        lane: call.lane,
        first_received_at: call.at,
        last_received_at: call.at,
        end_received_at: call.endReceivedAt,
        lapsed: 0,
        lapse_at: call.lapseAt,
        not_folded: heldFields === null ? 0 : 1,
      };
      this.bodies.push({ id: 1, body: push.body });
      return state;
    }
    Object.freeze(known);
    const pushes = known.fields === null ? this.bodies : null;
    const made = pushChanges(known, pushes, push, when, (body) =>
      this.bodies.findLast((one) => one.body === body),
    );
    if (made.repeatOf !== null) {
      this.repeats++;
      assert.is(this.bodies.find(({ id }) => id === made.repeatOf)?.body, push.body);
      return made.state;
    }
    this.line = made.line;
    this.bodies.push({ id: this.bodies.length + 1, body: push.body });
    this.row = applied(known, made.call);
    if (made.heldFields !== null)
      this.row = { ...this.row, fields: made.heldFields, not_folded: known.not_folded + 1 };
    return made.state;
  }
}

const applied = (row: CallRow, change: CallChange): CallRow => ({
  ...row,
  revision: change.revision,
  fields: change.fields,
  lane: change.lane,
  last_received_at: change.at,
  end_received_at: change.endReceivedAt,
  lapsed: change.lapsed,
  lapse_at: change.lapseAt,
});

const folded = (bodies: readonly { body: string }[]) =>
  bodies.reduce((known: Fields | undefined, { body }) => foldFields(known, fieldsOf(body)), undefined)!;
const plain = (fields: Fields) => ({ ...fields });
const plainly = (state: CallState) => ({ ...state, fields: plain(state.fields) });
const at = (second: number) => new Date(Date.UTC(2026, 10, 2) + second * 1_000);

/** Few values of few fields, so that pushes often say the same, or take it back. */
const somePush = fc.record(
  {
    PLA_City: fc.constantFrom('', 'Perth', 'Cairns'),
    PLA_Caller_Phone_Number: fc.constantFrom('0412 345 678', '+61 412 345 678', '03 9000 1111'),
    PLA_Duration: fc.constantFrom('', '30', '31'),
    // Two of them are more than a call holds.
    long: fc.constantFrom('a', 'b', 'c', 'd', 'x'.repeat(300_000)),
    longer: fc.constantFrom('a', 'b', 'c', 'd', 'y'.repeat(300_000)),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Fields>;

/** Some pushes, in any order and some of them again. */
const somePushes = fc
  .tuple(
    fc.array(somePush, { minLength: 1, maxLength: 4 }),
    fc.array(fc.nat(3), { minLength: 1, maxLength: 12 }),
  )
  .map(([kinds, order]) => order.map((n) => ({ PLA_Call_Id: '1', ...kinds[n % kinds.length] })));

changes('whatever is pushed, what is stored says what the pushes said, in their order', () => {
  fc.assert(
    fc.property(somePushes, (pushed) => {
      const call = new OneCall();
      let before = '';
      let revision = 0;
      let ended: number | null = null;
      for (const [second, fields] of pushed.entries()) {
        const bodies = call.bodies.map(({ body }) => body);
        const state = call.push(fields, at(second));
        const row = call.row!;
        assert.equal(plainly(stateOf(row, call.bodies)), plainly(state), 'it is read as it was told');
        if (row.not_folded === 0)
          assert.equal(plain(state.fields), plain(folded(call.bodies)), 'and as its pushes say it');

        const isChanged = JSON.stringify(state.fields) !== before;
        const isRepeat = !isChanged && bodies.includes(JSON.stringify(fields));
        assert.is(
          call.bodies.length - bodies.length,
          isRepeat ? 0 : 1,
          'what says the same again is counted',
        );
        if (row.not_folded === 0 && !isRepeat)
          assert.is(row.fields === null, call.bodies.length <= 4, 'of many pushes the fields are held');

        if (isChanged) revision++;
        if (hasEnd(state.fields)) ended ??= at(second).getTime();
        assert.is(row.revision, revision, 'a revision is a change of what is known');
        assert.is(row.lane, laneOf('1', state.fields));
        assert.is(row.end_received_at, ended, 'it ended when an end was first heard of');
        assert.is(row.lapse_at === null, ended !== null, 'and lapses unless it ends');
        before = JSON.stringify(state.fields);
      }
      assert.is(call.bodies.length + call.repeats, pushed.length);
    }),
    { numRuns: 50 },
  );
});

changes('a call that lapsed stays lapsed until an end comes, and then has one', () => {
  const call = new OneCall();
  const ringing = call.push({ PLA_Call_Id: '1', PLA_City: 'Perth' }, at(0));
  const { call: change, state } = lapseChanges(Object.freeze(call.row!), ringing);
  call.row = applied(call.row!, change);
  assert.equal([state.lapsed, change.revision, change.lapseAt], [true, 2, null]);
  assert.equal(call.push({ PLA_City: 'Cairns' }, at(60)).lapsed, true);
  assert.equal(call.row?.lapse_at, null, 'it does not lapse twice');
  assert.equal(call.push({ PLA_Duration: '30' }, at(90)).endReceivedAt, at(90));
});

changes('a push that is stored after later ones fills gaps, and takes nothing back', () => {
  const call = new OneCall();
  call.push({ PLA_Call_Id: '1', PLA_City: 'Perth' }, at(60));
  const state = call.push({ PLA_Call_Id: '1', PLA_City: 'Cairns', PLA_State: 'QLD' }, at(0), 'late');
  assert.equal(plain(state.fields), { PLA_Call_Id: '1', PLA_City: 'Perth', PLA_State: 'QLD' });
  assert.equal(plainly(stateOf(call.row!, call.bodies)), plainly(state), 'read again it still does');
  assert.is(call.row?.last_received_at, at(60).getTime());
});

const ms = (date: Date) => `${date.getTime()}`.padStart(20, '0');
const hour = 3_600;
const day = 24 * hour;
for (const [what, began, ended, came, line] of [
  ['rings', -1, null, 0, fresh],
  ['began a moment ago', -119, null, 0, fresh],
  ['rang a while ago', -121, null, 0, late],
  ['rang long ago', -2 * hour, null, 0, historic],
  ['ended a moment ago', -400, '300', 0, fresh],
  ['ended a while ago', -400, '0:02:00', 0, late],
  ['ended long ago', -3 * hour, '5m', 0, historic],
  ['ended long ago, and was heard of in time', -3 * hour, '5m', -3 * hour + 300, late],
  ['is over, nobody knows since when', -1_800, '', 0, fresh],
  ['is over, and few last so long', -3 * hour, 'about a minute', 0, historic],
  ['is told of by a clock that is ahead', 13 * hour, '50', 0, fresh],
  ['is told of by one that is slow', -10 * 60, '50', 0, late],
  ['is told of by one that was never set', -20_000 * day, '50', 0, fresh],
  ['was in another year', -399 * day, '50', 0, historic],
] as const)
  changes(`a call that ${what} stands where its own times put it, whenever it came`, () => {
    const call = new OneCall();
    const start = { PLA_CallStartTime: ms(at(began)) };
    const end = ended === null ? {} : { PLA_CallResult: 'Answered', PLA_Duration: ended };
    if (came < 0) call.push({ ...start, PLA_City: 'Perth' }, at(came));
    call.push({ ...start, ...end }, at(0));
    assert.is(call.line, line);
  });

changes('however slow or fast the clocks of senders are, no call is live that came two minutes ago', () => {
  fc.assert(
    fc.property(fc.integer({ min: -500 * day, max: 500 * day }), fc.nat(600), (ahead, sinceIt) => {
      const call = new OneCall();
      const state = call.push({ PLA_CallStartTime: ms(at(ahead)) }, at(0));
      const live = call.line === fresh && urgencyOf(at(0), at(sinceIt)) === 'live';
      if (live) assert.ok(sinceIt < 120);
      if (ahead >= -119) assert.is(live, sinceIt < 120);
      assert.is(lineOf[urgencyOfPush(state, at(0))], call.line);
    }),
  );
});

const someRow = fc.record({
  call: fc.integer({ min: 1, max: 3 }),
  connector: fc.constant('crm'),
  state: fc.constantFrom('due', 'delivered', 'failed', 'skipped'),
  wanted_revision: fc.integer({ min: 1, max: 3 }),
  delivered_revision: fc.integer({ min: 0, max: 3 }),
  due_at: fc.option(fc.integer({ min: 0, max: 10_000 })),
  attempts: fc.nat(5),
  failures: fc.nat(5),
  failing_since: fc.option(fc.nat(10_000)),
  last_reason: fc.constantFrom(null, 'before'),
  records: fc.constantFrom('{}', '{"person":{"type":"contacts","id":"1"}}'),
  skipped_revision: fc.option(fc.integer({ min: 1, max: 3 })),
  line: fc.constantFrom(...lines),
  lane: fc.constantFrom(null, '1'),
  tried_ms: fc.nat(10_000),
  unanswered_at: fc.option(fc.nat(1_000_000)),
}) as fc.Arbitrary<DeliveryRow>;

const someNext = fc.oneof(
  fc.constant({ state: 'delivered' as const }),
  fc.constant({ state: 'failed' as const }),
  fc.constant({ state: 'due' as const }),
  fc.nat(1_000_000).map((ms) => ({ state: 'due' as const, at: new Date(ms) })),
);
const outcomes = { delivered: 'delivered', failed: 'rejected', due: 'retry' } as const;

const someSettlement: fc.Arbitrary<Settlement> = fc
  .record({
    revision: fc.integer({ min: 1, max: 3 }),
    at: fc.nat(1_000_000),
    tookMs: fc.nat(1_000),
    unanswered: fc.boolean(),
    next: someNext,
  })
  .map(({ at: began, tookMs, next, ...more }) => ({
    ...more,
    callRow: 1,
    next,
    records: { activity: { type: 'calls', id: '2' } },
    attempt: {
      at: new Date(began),
      tookMs,
      outcome: outcomes[next.state],
      reason: 'now',
      notes: [],
      requests: 1,
      batch: 1,
    },
  }));

const someLease = fc.record({ left_at: fc.option(fc.nat(1_000_000)), left_call: fc.option(fc.nat(3)) });

changes(
  'after any attempt on any delivery nothing is lost: what is not in the CRM is due, failed or skipped',
  () => {
    fc.assert(
      fc.property(someRow, someSettlement, someLease, (row, settlement, lease) => {
        const change = settlementChanges(Object.freeze(row), settlement, lease);
        const { revision, next } = settlement;
        const isInCrm = next.state === 'delivered' && row.wanted_revision <= revision;
        if (change.state === 'delivered')
          assert.ok(isInCrm, 'only the wanted revision, once written, is delivered');
        if (isInCrm) assert.is(change.state, 'delivered', 'whatever was decided meanwhile');
        else if (row.state === 'skipped') assert.is(change.state, 'skipped');
        else if (row.wanted_revision > revision) assert.is(change.state, 'due', 'it changed meanwhile');
        else assert.is(change.state, next.state);

        if (change.state === 'due') assert.type(change.dueAt, 'number');
        if (change.state === 'failed' || change.state === 'skipped') assert.is(change.dueAt, null);
        if (change.state === 'delivered')
          assert.is(
            change.dueAt === null,
            change.unansweredAt === null,
            'once more, where a write may still come',
          );
        assert.is(change.skippedRevision, change.state === 'skipped' ? row.skipped_revision : null);
        assert.is(change.reason, change.state === 'skipped' ? row.last_reason : 'now');

        assert.is(change.attempts, row.attempts + 1);
        assert.is(change.deliveredRevision, next.state === 'delivered' ? revision : row.delivered_revision);
        assert.equal(JSON.parse(change.records), { ...JSON.parse(row.records), ...settlement.records });
        assert.ok(change.triedMs >= 0);
        assert.is(change.line & behind, 0, 'it waits for no lane any more');
        const stood = row.line & ~behind;
        if (stood !== fresh && row.state !== 'skipped')
          assert.is(change.line, stood, 'what came late stays so, however often it is tried');
        if (next.state !== 'due')
          assert.equal([change.failures, change.failingSince, change.triedMs], [0, null, 0]);
      }),
      { numRuns: 2_000 },
    );
  },
);

changes('a write that was left unanswered is remembered while it may come, whoever sent it', () => {
  const row = {
    ...fc.sample(someRow, { numRuns: 1, seed: 1 })[0]!,
    state: 'due' as const,
    wanted_revision: 1,
  };
  const delivered = fc.sample(someSettlement, { numRuns: 1, seed: 1 })[0]!;
  const attempt = { ...delivered.attempt, at: new Date(1_000_000), tookMs: 500 };
  const settled = (unansweredBefore: number | null, leftAt: number | null, leftCall: number) =>
    settlementChanges(
      { ...row, call: 2, unanswered_at: unansweredBefore },
      { ...delivered, revision: 1, attempt, unanswered: false, next: { state: 'delivered' } },
      { left_at: leftAt, left_call: leftCall },
    ).unansweredAt;
  assert.is(settled(null, null, 0), null);
  assert.is(settled(900_000, null, 0), 900_000, 'an attempt of before');
  assert.is(settled(null, 950_000, 2), 950_000, 'a holder of the lease who did not release it');
  assert.is(settled(null, 950_000, 1), null, 'who had not got this call');
  assert.is(settled(600_000, null, 0), null, 'long ago');
});

changes('a call goes to each connector once', () => {
  assert.equal(newConnectors(['a', 'b', 'a', 'c'], ['b']), ['a', 'c']);
  assert.equal(newConnectors(['a', 'b', 'c'], ['b'], 'b'), []);
  assert.equal(newConnectors(['a', 'b', 'c'], ['b'], 'c'), ['c']);
});

changes('what a stored push says is read also where its call id would be refused by now', () => {
  for (const id of ['0', 'null'])
    assert.is(fieldsOf(JSON.stringify({ PLA_Call_Id: id, PLA_City: 'Perth' }))['PLA_City'], 'Perth');
});

changes.run();
