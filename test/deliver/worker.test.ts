import { join } from 'node:path';
import { readCall } from '../../src/call/call.ts';
import type { Fields } from '../../src/call/push.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { withheldWords } from '../../src/config/withheld-words.ts';
import { type Connection, type Delivery, type Outcome, Quota } from '../../src/connector/index.ts';
import { Worker, type WorkerOptions } from '../../src/deliver/worker.ts';
import { createLog } from '../../src/log.ts';
import type { CallStory } from '../../src/store/calls.ts';
import type { DueDelivery } from '../../src/store/deliveries.ts';
import type { NewPush } from '../../src/store/intake.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { type Store, StoreUnavailable } from '../../src/store/store.ts';
import { LapseSweep } from '../../src/sweep/lapse-sweep.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { assert, suite, until } from '../support/suite.ts';
import { VirtualTime } from '../support/virtual-clock.ts';
import { newPush, withFolder, withSqliteStore } from '../support/with-store.ts';

const worker = suite('delivery worker');

type Answer = (batch: readonly Delivery[], signal: AbortSignal) => Outcome[] | Promise<Outcome[]>;

const delivered: Outcome = { kind: 'delivered', records: { activity: { type: 'call', id: '900' } } };
const retry: Outcome = { kind: 'retry', reason: 'The CRM answered 503.' };
const rejected: Outcome = { kind: 'rejected', reason: 'The CRM refused it.' };
const blocked: Outcome = { kind: 'blocked', reason: 'The token was revoked.' };
const every =
  (outcome: Outcome): Answer =>
  (batch) =>
    batch.map(() => outcome);

/** Waits that would be long take 20 ms. */
const hastyClock: Clock = {
  now: systemClock.now,
  after: (ms, run) => systemClock.after(Math.min(ms, 20), run),
};

function start(
  store: Store,
  answer: Answer,
  more: Partial<WorkerOptions> & Partial<Pick<Connection, 'limits' | 'quota'>> = {},
) {
  const batches: Delivery[][] = [];
  let isClosed = false;
  const { limits = { batch: 10, parallel: 1 }, quota, ...options } = more;
  const connection: Connection = {
    limits,
    quota,
    async deliver(batch, signal) {
      batches.push([...batch]);
      return answer(batch, signal);
    },
    check: async () => [],
    plan: async () => [],
    apply: async () => {},
    link: () => undefined,
    async close() {
      isClosed = true;
    },
  };
  const running = new Worker({
    connector: 'crm',
    connection,
    store,
    holder: 'this bridge',
    schedule: { retryMs: [5], giveUpAfterMs: 60_000, probeMs: [5] },
    clock: systemClock,
    log: createLog('silent'),
    read,
    ...options,
  });
  running.start();
  return {
    batches,
    /** The call ids of each batch, in order. */
    written: () => batches.map((batch) => batch.map(({ call }) => call.id)),
    isClosed: () => isClosed,
    async record(fields: Fields, push: Partial<NewPush> = {}) {
      await store.record(newPush(fields, push));
      running.wake();
    },
    wake: () => running.wake(),
    lookAgain: () => running.lookAgain(),
    stop: () => running.stop(),
  };
}

function read({ state, urgency, revision, records, failures }: DueDelivery): Delivery | null {
  if (state.source === 'gone') return null;
  const timezone = 'Australia/Sydney';
  return {
    key: state.callId,
    call: readCall(state, { region: 'AU', timezone, withheldWords, missed: [], emailOnly: [] }),
    source: { name: state.source, region: 'AU', timezone },
    revision,
    attempt: failures + 1,
    urgency,
    records,
  };
}

/** The store, with something to happen before each of its methods. What throws there is what the method rejects with. */
function before(store: Store, happen: (method: string) => void): Store {
  return new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
      return async (...args: unknown[]) => {
        happen(String(name));
        return method.apply(target, args);
      };
    },
  });
}

async function storyOf(store: Store, callId: string): Promise<CallStory> {
  const [story] = await store.stories(callId);
  return story as CallStory;
}

async function stateOf(store: Store, callId: string): Promise<string | undefined> {
  return (await storyOf(store, callId)).deliveries[0]?.state;
}

const settled = (store: Store, callId: string, state = 'delivered') =>
  until(`call ${callId} is ${state}`, async () => (await stateOf(store, callId)) === state);

const outcomesOf = ({ attempts }: CallStory) => attempts.map(({ outcome, reason }) => [outcome, reason]);

/** A door that holds who comes until it is opened. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const caller = (callId: string, number: string) => startPush(callId, { PLA_Caller_Phone_Number: number });

worker('what is due is delivered, and what the CRM made of it is known', () =>
  withSqliteStore(async (store) => {
    await store.record(newPush(startPush('1')));
    const crm = start(store, every({ ...delivered, notes: ['The city was cut.'] } as Outcome));
    await settled(store, '1');
    const { deliveries, attempts } = await storyOf(store, '1');
    assert.equal(deliveries, [
      {
        connector: 'crm',
        state: 'delivered',
        wantedRevision: 1,
        deliveredRevision: 1,
        dueAt: null,
        rewriteAt: null,
        failures: 0,
        lastReason: null,
        skippedRevision: null,
        records: { activity: { type: 'call', id: '900' } },
      },
    ]);
    const [{ at: _, tookMs: __, ...attempt } = {} as never] = attempts;
    assert.equal(attempt, {
      connector: 'crm',
      n: 1,
      revision: 1,
      outcome: 'delivered',
      reason: null,
      notes: ['The city was cut.'],
      requests: 0,
      batch: 1,
    });
    await crm.record(endPush('1'));
    await until(
      'the end is delivered',
      async () => (await storyOf(store, '1')).deliveries[0]!.deliveredRevision === 2,
    );
    assert.equal(
      crm.batches.map(([delivery]) => [delivery!.revision, delivery!.call.phase, delivery!.records]),
      [
        [1, 'ringing', {}],
        [2, 'ended', { activity: { type: 'call', id: '900' } }],
      ],
    );
    await crm.stop();
    assert.ok(crm.isClosed());
  }),
);

worker('both halves that came before the first attempt are one write', () =>
  withSqliteStore(async (store) => {
    await store.record(newPush(endPush('1')));
    await store.record(newPush(startPush('1')));
    const crm = start(store, every(delivered));
    await settled(store, '1');
    await crm.stop();
    assert.equal(
      crm.batches.map((batch) => batch.map(({ call, revision }) => [call.id, call.phase, revision])),
      [[['1', 'ended', 2]]],
    );
  }),
);

worker('a call that could not be written is tried again, and each failure counts', () =>
  withSqliteStore(async (store) => {
    const crm = start(store, ([delivery]) => [delivery!.attempt < 4 ? retry : delivered]);
    await crm.record(startPush('1'));
    await settled(store, '1');
    await crm.stop();
    assert.equal(
      crm.batches.map(([delivery]) => delivery!.attempt),
      [1, 2, 3, 4],
    );
    const story = await storyOf(store, '1');
    assert.equal(outcomesOf(story), [
      ['retry', 'The CRM answered 503.'],
      ['retry', 'The CRM answered 503.'],
      ['retry', 'The CRM answered 503.'],
      ['delivered', null],
    ]);
    assert.is(story.deliveries[0]!.failures, 0);
  }),
);

worker('the wait that a CRM asks for is kept', () =>
  withSqliteStore(async (store) => {
    const notBefore = new Date(Date.now() + 3_600_000);
    const crm = start(store, every({ ...retry, notBefore } as Outcome));
    await crm.record(startPush('1'));
    await until('one attempt', async () => (await storyOf(store, '1')).attempts.length > 0);
    await crm.stop();
    assert.equal((await storyOf(store, '1')).deliveries[0]!.dueAt, notBefore);
  }),
);

worker('after the time to give up a call has failed, in the words of the CRM', () =>
  withSqliteStore(async (store) => {
    const crm = start(store, every(retry), { schedule: { retryMs: [5], giveUpAfterMs: 30, probeMs: [5] } });
    await crm.record(startPush('1'));
    await settled(store, '1', 'failed');
    await crm.stop();
    assert.ok(crm.batches.length >= 2);
    assert.is((await storyOf(store, '1')).deliveries[0]!.lastReason, 'The CRM answered 503.');
  }),
);

worker('a rejected call fails at once, alone, and a replay tries it again', () =>
  withSqliteStore(async (store) => {
    for (const id of ['1', '2', '3']) await store.record(newPush(caller(id, `040000000${id}`)));
    let isMended = false;
    const crm = start(store, (batch) =>
      batch.map(({ call }) =>
        call.id === '2' && !isMended ? rejected : call.id === '3' && !isMended ? retry : delivered,
      ),
    );
    await settled(store, '1');
    await settled(store, '2', 'failed');
    isMended = true;
    await settled(store, '3');
    assert.equal(crm.written()[0], ['1', '2', '3']);
    assert.equal(outcomesOf(await storyOf(store, '1')), [['delivered', null]]);
    assert.equal(outcomesOf(await storyOf(store, '2')), [['rejected', 'The CRM refused it.']]);
    const { row } = await storyOf(store, '2');
    assert.is(await store.replay([row], () => ['crm'], new Date()), 1);
    crm.wake();
    await settled(store, '2');
    await crm.stop();
  }),
);

worker('a call that cannot be read waits with the reason, and the others are delivered', () =>
  withSqliteStore(async (store) => {
    const crm = start(store, every(delivered), {
      schedule: { retryMs: [60_000], giveUpAfterMs: 600_000, probeMs: [5] },
      read(due) {
        if (due.state.callId === '1') throw new Error('a broken setting');
        return read(due);
      },
    });
    await crm.record(startPush('1'));
    await crm.record(startPush('2'));
    await settled(store, '2');
    await until('the first is told of', async () => (await storyOf(store, '1')).attempts.length > 0);
    await crm.stop();
    assert.equal(outcomesOf(await storyOf(store, '1')), [
      ['retry', 'The call could not be read: a broken setting'],
    ]);
  }),
);

worker('a call whose source is configured no more fails, without the connector', () =>
  withSqliteStore(async (store) => {
    const crm = start(store, every(delivered));
    await crm.record(startPush('1'), { source: 'gone' });
    await settled(store, '1', 'failed');
    await crm.stop();
    assert.equal(outcomesOf(await storyOf(store, '1')), [
      ['rejected', 'The source "gone" is configured no more.'],
    ]);
    assert.equal(crm.batches, []);
  }),
);

const breaches: [what: string, answer: Answer, reason: string][] = [
  [
    'throws',
    () => {
      throw new Error('fetch failed');
    },
    'fetch failed',
  ],
  ['rejects with a text', () => Promise.reject('broken'), 'broken'],
  ['answers too few outcomes', () => [delivered], 'The connector answered 1 outcomes for 2 calls.'],
  [
    'answers too many',
    () => [delivered, delivered, delivered],
    'The connector answered 3 outcomes for 2 calls.',
  ],
  [
    'answers no outcomes',
    () => JSON.parse('[null, {"kind":"done"}]'),
    'The connector answered something that is not an outcome.',
  ],
];
for (const [what, answer, reason] of breaches) {
  worker(`a connector that ${what} is asked again`, () =>
    withSqliteStore(async (store) => {
      for (const id of ['1', '2']) await store.record(newPush(caller(id, `040000000${id}`)));
      let isFirst = true;
      const crm = start(store, (batch, signal) => {
        if (!isFirst) return batch.map(() => delivered);
        isFirst = false;
        return answer(batch, signal);
      });
      await settled(store, '1');
      await settled(store, '2');
      await crm.stop();
      for (const id of ['1', '2']) {
        assert.equal(outcomesOf(await storyOf(store, id)), [
          ['retry', reason],
          ['delivered', null],
        ]);
      }
    }),
  );
}

worker('what of an outcome cannot be read takes nothing from the rest of it', () =>
  withSqliteStore(async (store) => {
    const answers: unknown[] = [
      { kind: 'retry' },
      { kind: 'retry', reason: 'Later.', notBefore: '2026-11-02T03:20:00.000Z', notes: 'none' },
      { kind: 'retry', reason: 'Half.', records: { activity: 1n } },
      { kind: 'delivered' },
    ];
    const crm = start(store, ([delivery]) => [answers[delivery!.attempt - 1] as Outcome]);
    await crm.record(startPush('1'));
    await settled(store, '1');
    await crm.stop();
    assert.equal(outcomesOf(await storyOf(store, '1')), [
      ['retry', 'The connector gave no reason.'],
      ['retry', 'Later.'],
      ['retry', 'Half.'],
      ['delivered', null],
    ]);
  }),
);

worker(
  'a blocked connector probes with one call at a time, consumes no attempts, and resumes by itself',
  () =>
    withSqliteStore(async (store) => {
      for (const id of ['1', '2', '3']) await store.record(newPush(caller(id, `040000000${id}`)));
      let isBlocked = true;
      const crm = start(store, (batch) => batch.map(() => (isBlocked ? blocked : delivered)), {
        limits: { batch: 10, parallel: 4 },
        schedule: { retryMs: [5], giveUpAfterMs: 0, probeMs: [5] },
      });
      await until('some probes', () => crm.batches.length >= 4);
      const [state] = await store.connectorStates();
      assert.equal([state!.connector, state!.blockedReason], ['crm', 'The token was revoked.']);
      isBlocked = false;
      for (const id of ['1', '2', '3']) await settled(store, id);
      await until(
        'the state is cleared',
        async () => (await store.connectorStates())[0]!.blockedReason === null,
      );
      await crm.stop();
      const sizes = crm.batches.map(({ length }) => length);
      assert.equal(sizes.slice(0, 4), [3, 1, 1, 1]);
      for (const id of ['1', '2', '3']) {
        const story = await storyOf(store, id);
        assert.is(story.deliveries[0]!.failures, 0);
        assert.not(outcomesOf(story).some(([outcome]) => outcome === 'retry' || outcome === 'rejected'));
      }
      assert.ok(crm.batches.every(([delivery]) => delivery!.attempt === 1));
    }),
);

worker('a call that never reaches the connection does not end a block', () =>
  withSqliteStore(async (store) => {
    const crm = start(store, every(blocked));
    await crm.record(startPush('1'));
    await until('it is blocked', async () => !!(await store.connectorStates())[0]?.blockedReason);
    await crm.record(startPush('2'), { source: 'gone', receivedAt: new Date('2026-11-01T00:00:00.000Z') });
    await settled(store, '2', 'failed');
    const probes = crm.batches.length;
    await until('it goes on probing', () => crm.batches.length > probes);
    assert.is((await store.connectorStates())[0]!.blockedReason, 'The token was revoked.');
    await crm.stop();
  }),
);

worker('a paused connector takes nothing and makes no probe, over a restart, until it is resumed', () =>
  withSqliteStore(async (store) => {
    const held = gate();
    const crm = start(store, async (batch) => {
      await held.opened;
      return batch.map(() => delivered);
    });
    await crm.record(caller('1', '0400000001'));
    await until('a batch is under way', () => crm.batches.length === 1);
    await store.pauseConnector('crm', { since: new Date(), reason: 'The CRM is being moved.' });
    crm.lookAgain();
    held.open();
    await settled(store, '1'); // what was under way ends
    await crm.record(caller('2', '0400000002'));
    await crm.stop();
    assert.equal(crm.written(), [['1']]);

    let hasLooked = false;
    const watched = before(store, (name) => {
      if (name === 'connectorStates') hasLooked = true;
    });
    const again = start(watched, every(delivered), { clock: hastyClock });
    await until('it holds the lease, and has looked', () => hasLooked);
    await again.record(caller('3', '0400000003'));
    for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate);
    assert.equal(again.written(), []);
    assert.is(await stateOf(store, '2'), 'due');
    await store.pauseConnector('crm', null);
    again.lookAgain();
    await settled(store, '2');
    await settled(store, '3');
    await again.stop();
  }),
);

worker('a call that is skipped while it is being written is in the CRM, if it came there', () =>
  withSqliteStore(async (store) => {
    const held = gate();
    const crm = start(store, async (batch) => {
      await held.opened;
      return batch.map(({ call }) => (call.id === '1' ? delivered : retry));
    });
    await Promise.all(['1', '2'].map((id) => store.record(newPush(caller(id, `040000000${id}`)))));
    crm.wake();
    await until('a batch is under way', () => crm.batches.flat().length === 2);
    const rows = await store.calls({ limit: 2 });
    for (const { row } of rows) assert.is(await store.skip(row, 'crm', 'A test.', new Date()), 'skipped');
    held.open();
    await settled(store, '1');
    await until('the attempt is settled', async () => (await storyOf(store, '2')).attempts.length === 1);
    assert.is(await stateOf(store, '2'), 'skipped');
    assert.is((await storyOf(store, '2')).deliveries[0]!.lastReason, 'A test.');
    await crm.stop();
  }),
);

worker('a connector that was blocked when the bridge went down begins with a probe', () =>
  withSqliteStore(async (store) => {
    await store.setConnectorState({ connector: 'crm', blockedReason: 'Revoked.', since: new Date() });
    for (const id of ['1', '2', '3']) await store.record(newPush(caller(id, `040000000${id}`)));
    const crm = start(store, every(delivered));
    for (const id of ['1', '2', '3']) await settled(store, id);
    await crm.stop();
    assert.equal(crm.written(), [['1'], ['2', '3']]);
    assert.is((await store.connectorStates())[0]!.blockedReason, null);
  }),
);

worker('calls of one caller are never under way in two batches; those of others run side by side', () =>
  withSqliteStore(async (store) => {
    const numbers = ['0400000001', '0400000002', '0400000003'];
    for (let n = 0; n < 30; n++) await store.record(newPush(caller(`${n}`, numbers[n % 3] as string)));
    const underWay = new Set<string>();
    let mostAtOnce = 0;
    const both = gate();
    const crm = start(
      store,
      async (batch) => {
        const lanes = new Set(batch.map(({ call }) => call.caller.number as string));
        for (const lane of lanes) {
          if (underWay.has(lane)) throw new Error(`two batches with ${lane}`);
          underWay.add(lane);
        }
        mostAtOnce = Math.max(mostAtOnce, underWay.size);
        if (underWay.size >= 3) both.open();
        await both.opened;
        await new Promise((resolve) => setTimeout(resolve, 1));
        for (const lane of lanes) underWay.delete(lane);
        return batch.map(() => delivered);
      },
      { limits: { batch: 1, parallel: 8 } },
    );
    await until(
      'all are delivered',
      async () => (await store.calls({ state: 'due', limit: 1 })).length === 0,
    );
    await crm.stop();
    assert.is(mostAtOnce, 3);
    for (let n = 0; n < 30; n++) {
      assert.equal(outcomesOf(await storyOf(store, `${n}`)), [['delivered', null]], `call ${n}`);
    }
    const ofFirst = crm
      .written()
      .flat()
      .filter((id) => Number(id) % 3 === 0)
      .map(Number);
    assert.equal(
      ofFirst,
      [...ofFirst].sort((a, b) => a - b),
      'oldest first',
    );
  }),
);

worker('a call that changes its lane during an attempt is not attempted twice at once', () =>
  withSqliteStore(async (store) => {
    const end = gate();
    const crm = start(
      store,
      async (batch) => {
        if (batch[0]!.revision === 1 && batch[0]!.call.id === '1') await end.opened;
        return batch.map(() => delivered);
      },
      { limits: { batch: 1, parallel: 4 } },
    );
    await crm.record(endPush('1'));
    await until('the end is under way', () => crm.batches.length === 1);
    await crm.record(startPush('1'));
    await crm.record(caller('2', '0400000002'));
    // Call 1 is due in its new lane, for longer than call 2, and the connector has room.
    await settled(store, '2');
    assert.equal(crm.written(), [['1'], ['2']]);
    end.open();
    await settled(store, '1');
    await crm.stop();
    assert.equal(
      (await storyOf(store, '1')).attempts.map(({ revision }) => revision),
      [1, 2],
    );
  }),
);

worker('a revision that comes during an attempt is delivered next', () =>
  withSqliteStore(async (store) => {
    const ring = gate();
    const crm = start(store, async (batch) => {
      if (batch[0]!.revision === 1) await ring.opened;
      return batch.map(() => delivered);
    });
    await crm.record(startPush('1'));
    await until('the start is under way', () => crm.batches.length === 1);
    await crm.record(endPush('1'));
    ring.open();
    await settled(store, '1');
    await crm.stop();
    assert.equal(
      crm.batches.map(([delivery]) => [delivery!.revision, delivery!.call.phase]),
      [
        [1, 'ringing'],
        [2, 'ended'],
      ],
    );
  }),
);

worker('with few requests left for the day, calls are written once, when they are over, and together', () =>
  withSqliteStore(async (store) => {
    const quota = new Quota(0.1);
    quota.saw(99, 1_000);
    let passed = 0;
    const clock: Clock = {
      now: () => new Date(systemClock.now().getTime() + passed),
      after: hastyClock.after,
    };
    const crm = start(store, every(delivered), { quota, clock, limits: { batch: 3, parallel: 1 } });
    await crm.record(startPush('1'), { receivedAt: clock.now() });
    await crm.record(endPush('2'), { receivedAt: clock.now() });
    await crm.record(startPush('3', { PLA_Caller_Phone_Number: '0411111111' }), { receivedAt: clock.now() });
    await crm.record(endPush('3'), { receivedAt: clock.now() });
    assert.equal(crm.written(), []);
    await crm.record(endPush('4'), { receivedAt: clock.now() });
    await settled(store, '4');
    assert.equal(crm.written(), [['2', '3', '4']], 'a whole batch need not wait');

    await crm.record(endPush('5'), { receivedAt: clock.now() });
    await crm.record(endPush('6'), { receivedAt: clock.now() });
    assert.is(crm.batches.length, 1);
    passed = 60_000;
    await settled(store, '6');
    assert.equal(crm.written().slice(1), [['5', '6']], 'nor does any wait for longer than a minute');

    quota.saw(1_000, 1_000);
    crm.wake();
    await settled(store, '1');
    await crm.stop();
  }),
);

worker('with no request left for the day, one batch a minute finds out whether there are more', () =>
  withSqliteStore(async (store) => {
    const quota = new Quota(0.1);
    let passed = 0;
    const clock: Clock = {
      now: () => new Date(systemClock.now().getTime() + passed),
      after: hastyClock.after,
    };
    const crm = start(
      store,
      async (batch) => {
        quota.saw(-2, 1_000); // used by others, beyond what was granted
        return batch.map(() => delivered);
      },
      {
        quota,
        clock,
        limits: { batch: 1, parallel: 8 },
        schedule: { retryMs: [5], giveUpAfterMs: 60_000, probeMs: [60_000] },
      },
    );
    await crm.record(endPush('1'), { receivedAt: clock.now() });
    await settled(store, '1');
    for (const id of ['2', '3', '4']) await crm.record(endPush(id), { receivedAt: clock.now() });
    for (let commits = 0; commits < 5; commits++) await store.checkWritable();
    assert.is(crm.batches.length, 1);
    passed = 60_000;
    await settled(store, '4'); // the latest live call
    for (let commits = 0; commits < 5; commits++) await store.checkWritable();
    assert.is(crm.batches.length, 2, 'the others rest for another minute');
    passed = 120_000;
    await settled(store, '2'); // none is live any more

    quota.saw(1_000, 1_000);
    crm.wake();
    await settled(store, '3');
    await crm.stop();
  }),
);

worker('stop takes no more, and lets what is under way end and be settled', () =>
  withSqliteStore(async (store) => {
    for (const id of ['1', '2']) await store.record(newPush(caller(id, `040000000${id}`)));
    const door = gate();
    const crm = start(
      store,
      async (batch) => {
        await door.opened;
        return batch.map(() => delivered);
      },
      { limits: { batch: 1, parallel: 1 } },
    );
    await until('one is under way', () => crm.batches.length === 1);
    const stopped = crm.stop();
    for (let commits = 0; commits < 5; commits++) await store.checkWritable();
    assert.not(crm.isClosed());
    door.open();
    await stopped;
    assert.ok(crm.isClosed());
    assert.equal([await stateOf(store, '1'), await stateOf(store, '2')], ['delivered', 'due']);
    assert.equal(crm.written(), [['1']]);
    assert.ok(await store.acquireLease('crm', 'the next bridge', new Date(), 1_000), 'the lease is free');
  }),
);

worker('what does not end in time after stop is aborted, and stays due without a failure', () =>
  withSqliteStore(async (store) => {
    await store.record(newPush(startPush('1')));
    const crm = start(
      store,
      (_batch, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        }),
      { clock: hastyClock },
    );
    await until('it is under way', () => crm.batches.length === 1);
    await crm.stop();
    const { deliveries } = await storyOf(store, '1');
    assert.equal([deliveries[0]!.state, deliveries[0]!.failures], ['due', 0]);

    const next = start(store, every(delivered));
    await settled(store, '1');
    await next.stop();
    assert.ok((await storyOf(store, '1')).deliveries[0]!.rewriteAt, 'what was cut off may come late');
  }),
);

worker('what may come late is written over minutes later, together, with the urgency of a backlog', () =>
  withSqliteStore(async (store) => {
    const time = new VirtualTime();
    for (const id of ['1', '2'])
      await store.record(newPush(caller(id, `040000000${id}`), { receivedAt: time.now() }));
    let isFirst = true;
    const crm = start(
      store,
      (batch) => {
        if (!isFirst) return batch.map(() => delivered);
        isFirst = false;
        throw new Error('socket hang up');
      },
      { clock: time.clock(), limits: { batch: 10, parallel: 2 } },
    );
    await until('they failed', async () => (await storyOf(store, '2')).attempts.length > 0);
    await time.pass(10, async () => {});
    await settled(store, '1');
    await settled(store, '2');
    const before = crm.batches.length;
    const turn = () => new Promise<void>(setImmediate);
    const passMinutes = async (minutes: number) => {
      for (let seconds = 0; seconds < minutes * 60; seconds += 5) await time.pass(5_000, turn).then(turn);
    };
    await passMinutes(4);
    assert.is(crm.batches.length, before, 'not while it may come still');
    await passMinutes(2);
    await until('they are written once more', () => crm.batches.length > before);
    await until('it is known', async () => (await storyOf(store, '1')).deliveries[0]!.rewriteAt === null);
    const [again] = crm.batches.slice(before);
    assert.equal(
      again!.map(({ call, urgency, revision }) => [call.id, urgency, revision]),
      [
        ['1', 'backlog', 1],
        ['2', 'backlog', 1],
      ],
    );
    const { attempts, deliveries } = await storyOf(store, '1');
    assert.equal([deliveries[0]!.state, deliveries[0]!.failures], ['delivered', 0]);
    assert.match(attempts[0]!.notes.join(), /was not answered/);
    assert.match(attempts.at(-1)!.notes.join(), /Written once more/);
    await passMinutes(10);
    assert.is(crm.batches.length, before + 1);
    await crm.stop();
  }),
);

worker('a clock that is set forward leaves a late write no less time to come', () =>
  withSqliteStore(async (store) => {
    const time = new VirtualTime();
    let answer = every({ ...retry, unanswered: true });
    const crm = start(store, (batch, signal) => answer(batch, signal), { clock: time.clock() });
    await crm.record(startPush('1'), { receivedAt: time.now() });
    await until('it was not answered', async () => (await storyOf(store, '1')).attempts.length === 1);
    answer = every(delivered);
    time.jump(10 * 60_000);
    await time.pass(15_000, async () => {}); // it renews its lease
    await settled(store, '1');
    assert.ok((await storyOf(store, '1')).deliveries[0]!.rewriteAt, 'it is written once more');
    await crm.stop();
  }),
);

worker(
  'a killed bridge may have had a write under way: what the next one delivers is written once more',
  () =>
    withFolder(async (folder) => {
      const file = join(folder, 'bridge.db');
      const killed = await openSqliteStore(file, 'bridge');
      await killed.record(newPush(startPush('1'), { receivedAt: new Date() }));
      await killed.acquireLease('crm', 'the killed one', new Date(), 30_000);
      await killed.close();
      const store = await openSqliteStore(file, 'bridge');
      const crm = start(store, every(delivered));
      await settled(store, '1');
      await crm.record(startPush('2'), { receivedAt: new Date() });
      await settled(store, '2');
      await crm.stop();
      const [second, first] = await store.calls({ limit: 2 });
      assert.ok(first!.deliveries[0]!.rewriteAt);
      assert.is(second!.deliveries[0]!.rewriteAt, null, 'it came afterwards');
      await store.close();
    }),
);

worker('what a killed bridge had written but not settled is written again, under the same key', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const inCrm = new Map<string, number>();
    const write = (batch: readonly Delivery[]) => {
      for (const { key } of batch) inCrm.set(key, (inCrm.get(key) ?? 0) + 1);
    };
    const killed = gate();
    const early = await openSqliteStore(file, 'bridge');
    await early.record(newPush(startPush('1')));
    const first = start(early, async (batch) => {
      write(batch);
      await killed.opened;
      return batch.map(() => delivered);
    });
    await until('the CRM has it', () => inCrm.size === 1);
    await early.close(); // whatever the first one still learns, it cannot write down

    const late = await openSqliteStore(file, 'bridge');
    assert.is(await stateOf(late, '1'), 'due');
    const second = start(late, (batch) => {
      write(batch);
      return batch.map(() => delivered);
    });
    await settled(late, '1');
    assert.equal([...inCrm], [['1', 2]]);
    await second.stop();
    await late.close();
    const stopped = first.stop();
    killed.open();
    await stopped;
  }),
);

worker('what is settled after another instance took over counts for nothing', () =>
  withSqliteStore(async (store) => {
    const door = gate();
    const crm = start(store, async (batch) => {
      await door.opened;
      return batch.map(() => delivered);
    });
    await crm.record(startPush('1'));
    await until('it is under way', () => crm.batches.length === 1);
    const inAnHour = new Date(Date.now() + 3_600_000);
    assert.ok(await store.acquireLease('crm', 'another bridge', inAnHour, 30_000));
    const stopped = crm.stop();
    door.open();
    await stopped;
    const story = await storyOf(store, '1');
    assert.equal([story.deliveries[0]!.state, story.attempts], ['due', []]);
  }),
);

worker('an attempt that another instance overtook does not give up the lease that was acquired since', () =>
  withSqliteStore(async (store) => {
    const time = new VirtualTime();
    const door = gate();
    let acquired = 0;
    const watched = before(store, (name) => {
      if (name === 'acquireLease') acquired++;
    });
    const crm = start(
      watched,
      async (batch) => {
        await door.opened;
        return batch.map(() => delivered);
      },
      { clock: time.clock() },
    );
    await crm.record(startPush('1'), { receivedAt: time.now() });
    await until('it is under way', () => crm.batches.length === 1);
    time.jump(60_000);
    const other = await store.acquireLease('crm', 'another bridge', time.now(), 30_000);
    await store.releaseLease(other!);
    await time.pass(10_000, () => until('it acquired the lease again', () => acquired === 2));
    door.open();
    await settled(store, '1'); // without a second's delay
    await crm.stop();
    assert.is((await storyOf(store, '1')).attempts.length, 1);
  }),
);

worker('who takes over a connector that was blocked meanwhile begins with a probe, and ends the block', () =>
  withSqliteStore(async (store) => {
    const time = new VirtualTime();
    const receivedAt = time.now();
    const other = await store.acquireLease('crm', 'another bridge', receivedAt, 60_000);
    let asked = 0;
    const watched = before(store, (name) => {
      if (name === 'acquireLease') asked++;
    });
    const crm = start(watched, every(delivered), { clock: time.clock() });
    await until('it asked for the lease', () => asked > 0 && time.nextIn() === 10_000);
    for (const id of ['1', '2', '3']) await crm.record(caller(id, `040000000${id}`), { receivedAt });
    await store.setConnectorState({ connector: 'crm', blockedReason: 'Revoked.', since: receivedAt });
    await store.releaseLease(other!);
    crm.wake();
    for (const id of ['1', '2', '3']) await settled(store, id);
    assert.equal(crm.written(), [['3'], ['1', '2']]);
    assert.is((await store.connectorStates())[0]!.blockedReason, null);
    await crm.stop();
  }),
);

for (const [outcome, isOver] of [
  [{ ...retry, scope: 'connector' }, true],
  [blocked, false],
] as const) {
  worker(
    `with nothing left to wait for it, a connector is ${isOver ? 'no longer said not to get through' : 'blocked still'}`,
    () =>
      withSqliteStore(async (store) => {
        const crm = start(store, every(outcome as Outcome), { clock: hastyClock });
        const reason = async () => {
          const [state] = await store.connectorStates();
          return state?.openReason ?? state?.blockedReason ?? null;
        };
        for (const id of ['1', '2']) await crm.record(caller(id, `040000000${id}`));
        await until('people hear of it', async () => (await reason()) !== null);
        for (const id of ['1', '2'])
          await store.skip((await storyOf(store, id)).row, 'crm', 'A test.', new Date());
        const tried = crm.batches.length;
        crm.wake();
        if (isOver) await until('it is over', async () => (await reason()) === null);
        await crm.record(caller('3', '0400000003'));
        await until('the next is tried', () => crm.batches.length > tried);
        assert.is((await reason()) !== null, !isOver);
        await crm.stop();
      }),
  );
}

worker('without the lease nothing is taken, and with it everything', () =>
  withSqliteStore(async (store) => {
    const other = await store.acquireLease('crm', 'another bridge', new Date(), 60_000);
    await store.record(newPush(startPush('1')));
    let looked = 0;
    const watched = before(store, (name) => {
      if (name === 'acquireLease') looked++;
    });
    const crm = start(watched, every(delivered), { clock: hastyClock });
    await until('it asked twice', () => looked >= 2);
    assert.equal(crm.batches, []);
    await store.releaseLease(other!);
    await settled(store, '1');
    await crm.stop();
  }),
);

worker('the log numbers the attempts of a call as its story does', () =>
  withSqliteStore(async (store) => {
    const told: { attempt?: number; msg?: string }[] = [];
    const log = createLog('info', [], { write: (line) => void told.push(JSON.parse(line)) });
    const answers = [delivered, retry, delivered];
    const crm = start(store, (batch) => batch.map(() => answers.shift() as Outcome), { log });
    await crm.record(startPush('1'));
    await settled(store, '1');
    await crm.record(endPush('1'));
    await until('all three are told', () => told.filter(({ attempt }) => attempt !== undefined).length === 3);
    await crm.stop();
    const attempts = told.flatMap(({ attempt, msg }) => (attempt === undefined ? [] : [[attempt, msg]]));
    assert.equal(attempts, [
      [1, 'Call delivered.'],
      [2, 'Call not delivered yet.'],
      [3, 'Call delivered.'],
    ]);
    assert.equal(
      (await storyOf(store, '1')).attempts.map(({ n }) => n),
      [1, 2, 3],
    );
  }),
);

worker('a clock that is set back makes no attempt shorter than nothing, and no sleep longer', () =>
  withSqliteStore(async (store) => {
    const time = new VirtualTime();
    let renewed = 0;
    const watched = before(store, (name) => {
      if (name === 'renewLease') renewed++;
    });
    const crm = start(
      watched,
      (batch) => {
        time.jump(-3_600_000);
        return batch.map(() => delivered);
      },
      { clock: time.clock() },
    );
    await crm.record(startPush('1'), { receivedAt: time.now() });
    await settled(store, '1');
    for (const times of [1, 2, 3]) {
      await until('it sleeps', () => time.nextIn() > 0 && time.nextIn() <= 10_000);
      await time.pass(time.nextIn(), () => until('the lease was renewed', () => renewed >= times));
    }
    await crm.stop();
    assert.is((await storyOf(store, '1')).attempts[0]!.tookMs, 0);
  }),
);

/*
 * A clock that ran a day ahead and was put right left what it had stored until the day was over: retries waited, calls
 * that had come meanwhile were not due, and a blocked connector was not tried.
 */
for (const restarts of [false, true])
  worker(
    `what waits by a clock that ran ahead is due when that is set back${restarts ? ', before a restart' : ''}`,
    () =>
      withSqliteStore(async (store) => {
        const time = new VirtualTime();
        const day = 86_400_000;
        let answer = every(retry);
        let crm = start(store, (batch, signal) => answer(batch, signal), { clock: time.clock() });
        time.jump(day);
        await crm.record(startPush('1'), { receivedAt: time.now() });
        await until('it was tried', async () => (await storyOf(store, '1')).attempts.length === 1);
        if (restarts) await crm.stop();
        const ahead = time.now();
        time.jump(-day);
        answer = every(delivered);
        await store.record(newPush(startPush('2'), { receivedAt: ahead, route: () => ['crm'] }));
        if (restarts) crm = start(store, (batch, signal) => answer(batch, signal), { clock: time.clock() });
        else await time.pass(10_000, async () => {}); // it renews its lease
        for (const id of ['1', '2']) await settled(store, id);
        await crm.stop();
      }),
  );

worker('an attempt that is stored only after the clock was set back waits no longer for that', () =>
  withSqliteStore(async (store) => {
    const time = new VirtualTime();
    let refusals = 0;
    let looks = 0;
    const failing = before(store, (name) => {
      if (name === 'bringForward') looks++;
      if (name === 'settle' && refusals++ === 0)
        throw new StoreUnavailable('SQLite: database or disk is full');
    });
    const crm = start(
      failing,
      (batch) => batch.map(({ call }) => (call.id === '1' && refusals === 0 ? retry : delivered)),
      { clock: time.clock() },
    );
    await crm.record(startPush('1'), { receivedAt: time.now() });
    await until('it could not be stored', () => refusals === 1);
    time.jump(-86_400_000);
    await crm.record(startPush('2'), { receivedAt: time.now() });
    await until('the worker has seen the clock', () => looks === 2); // the first was at its start
    await time.pass(1_000, async () => {}); // the store is asked again
    for (const id of ['1', '2']) await settled(store, id);
    await crm.stop();
  }),
);

worker('a connector that was blocked by a clock that ran ahead is tried when that is set back', () =>
  withSqliteStore(async (store) => {
    const time = new VirtualTime();
    const day = 86_400_000;
    let answer = every({ ...blocked, notBefore: new Date(time.now().getTime() + 10 * day) });
    const crm = start(store, (batch, signal) => answer(batch, signal), { clock: time.clock() });
    time.jump(day);
    await crm.record(startPush('1'), { receivedAt: time.now() });
    const reason = async () => (await store.connectorStates())[0]?.blockedReason;
    await until('it is blocked', async () => (await reason()) === 'The token was revoked.');
    time.jump(-day);
    answer = every(delivered);
    await time.pass(10_000, async () => {});
    await settled(store, '1');
    await until('it is no longer blocked', async () => (await reason()) === null);
    await crm.stop();
  }),
);

worker('a wait that a CRM asked for is kept over a restart, however long', () =>
  withSqliteStore(async (store) => {
    const time = new VirtualTime();
    const notBefore = new Date(time.now().getTime() + 86_400_000);
    for (const n of [1, 2]) {
      const crm = start(store, every({ ...retry, notBefore }), { clock: time.clock() });
      if (n === 1) await crm.record(startPush('1'), { receivedAt: time.now() });
      await until('it waits', async () => {
        const [delivery] = (await storyOf(store, '1')).deliveries;
        return delivery?.dueAt?.getTime() === notBefore.getTime() && time.nextIn() === 10_000;
      });
      await crm.stop();
    }
    assert.is((await storyOf(store, '1')).attempts.length, 1);
  }),
);

worker('a store that fails for a while is asked until it works, and nothing is written twice', () =>
  withSqliteStore(async (store) => {
    const failures: string[] = [];
    const failing = before(store, (name) => {
      if (name !== 'takeDue' && name !== 'settle') return;
      if (failures.filter((failed) => failed === name).length === 2) return;
      failures.push(name);
      throw new StoreUnavailable('SQLite: database or disk is full');
    });
    await store.record(newPush(startPush('1')));
    const crm = start(failing, every(delivered), { clock: hastyClock });
    await settled(store, '1');
    await crm.stop();
    assert.equal(failures, ['takeDue', 'takeDue', 'settle', 'settle']);
    assert.equal(crm.written(), [['1']]);
  }),
);

worker('that a block began or ended is told, even by a store that failed just then', () =>
  withSqliteStore(async (store) => {
    let failures = 0;
    const failing = before(store, (name) => {
      if (name === 'setConnectorState' && failures++ % 2 === 0)
        throw new StoreUnavailable('SQLite: disk full');
    });
    await store.record(newPush(startPush('1')));
    let isBlocked = true;
    const crm = start(failing, (batch) => batch.map(() => (isBlocked ? blocked : delivered)), {
      clock: hastyClock,
    });
    const told = async () => (await store.connectorStates())[0]?.blockedReason;
    await until('the block is told', async () => (await told()) === 'The token was revoked.');
    isBlocked = false;
    await until('its end is told', async () => (await told()) === null);
    assert.is(await stateOf(store, '1'), 'delivered');
    await crm.stop();
  }),
);

worker('what an overtaken attempt learned of a block is not told', () =>
  withSqliteStore(async (store) => {
    const door = gate();
    const crm = start(store, async (batch) => {
      await door.opened;
      return batch.map(() => blocked);
    });
    await crm.record(startPush('1'));
    await until('it is under way', () => crm.batches.length === 1);
    const inAnHour = new Date(Date.now() + 3_600_000);
    assert.ok(await store.acquireLease('crm', 'another bridge', inAnHour, 30_000));
    door.open();
    await crm.stop();
    assert.equal(await store.connectorStates(), []);
  }),
);

const sweep = suite('lapse sweep');

sweep('closes a call whose end does not come, tells its connectors, and a late end opens it again', () =>
  withSqliteStore(async (store) => {
    const woken: string[] = [];
    let swept = 0;
    const running = new LapseSweep({
      store: before(store, (name) => {
        if (name === 'nextLapseAt') swept++;
      }),
      clock: systemClock,
      log: createLog('silent'),
      route: () => ['follow-up'],
      wake: (connectors) => void woken.push(...connectors),
    });
    running.start();
    await until('it found nothing to close', () => swept > 0);
    await store.checkWritable();
    const receivedAt = new Date();
    await store.record(newPush(startPush('1'), { receivedAt, lapseAfterMs: 20 }));
    await store.record(newPush(startPush('2'), { receivedAt, lapseAfterMs: 3_600_000 }));
    running.expect(receivedAt.getTime() + 20);
    await until('it lapsed', async () => (await storyOf(store, '1')).state.lapsed);
    await until('the connectors were told', () => woken.length > 0);
    assert.equal(woken.sort(), ['crm', 'follow-up']);
    assert.not((await storyOf(store, '2')).state.lapsed);
    await store.record(newPush(endPush('1')));
    const { state } = await storyOf(store, '1');
    assert.is(
      readCall(state, { region: 'AU', timezone: 'UTC', withheldWords, missed: [], emailOnly: [] }).phase,
      'ended',
    );
    await running.stop();
  }),
);

sweep('closes what lapsed while no bridge ran, however much', () =>
  withSqliteStore(async (store) => {
    await Promise.all(
      Array.from({ length: 1_100 }, (_, n) => store.record(newPush(startPush(`${n}`), { lapseAfterMs: 1 }))),
    );
    const running = new LapseSweep({
      store,
      clock: systemClock,
      log: createLog('silent'),
      route: () => [],
      wake: () => {},
    });
    running.start();
    await until('none is left', async () => (await store.nextLapseAt()) === null);
    await running.stop();
  }),
);

worker.run();
sweep.run();
