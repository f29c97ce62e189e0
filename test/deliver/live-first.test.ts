/*
 * The two rules of the delivery loop, in virtual time on a real store: live calls first, and the circuit.
 *
 *   LIVE_RUNS=500 node test/run.ts deliver/live-first      many runs of the properties
 */
import * as fc from 'fast-check';
import { readCall } from '../../src/call/call.ts';
import type { Fields } from '../../src/call/push.ts';
import { sleep } from '../../src/clock.ts';
import { withheldWords } from '../../src/config/withheld-words.ts';
import type { Delivery, Outcome } from '../../src/connector/index.ts';
import { Worker } from '../../src/deliver/worker.ts';
import { createLog } from '../../src/log.ts';
import type { Store } from '../../src/store/store.ts';
import { startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';
import { VirtualTime } from '../support/virtual-clock.ts';
import { newPush, withSqliteStore } from '../support/with-store.ts';

const live = suite('live first');
const circuit = suite('circuit in the loop');

const numRuns = Number(process.env['LIVE_RUNS'] ?? 15);
/** As config/default.yaml has them. */
const probeMs = [5, 15, 60, 120, 300, 900].map((seconds) => seconds * 1_000);
const schedule = {
  retryMs: [5, 15, 60, 300, 900, 3_600, 10_800, 21_600].map((seconds) => seconds * 1_000),
  giveUpAfterMs: 7 * 86_400_000,
  probeMs,
};

interface Batch {
  /** Milliseconds that had passed when it began. */
  at: number;
  ids: string[];
}

/** A CRM that takes its time, and may be down, or fall over one call. */
class SlowCrm {
  readonly time: VirtualTime;
  readonly batches: Batch[] = [];
  readonly writtenAt = new Map<string, number>();
  readonly worker: Worker;
  readonly store: Store;
  isDown = false;
  /** While it is down: somebody must act. */
  isBlocked = false;
  /** It fails a whole request that has one of these. */
  readonly poisons = new Set<string>();
  /** Somebody must let it write these. */
  readonly forbidden = new Set<string>();
  /** Of a batch. */
  tookMs = 1_000;
  #events = 0;
  #recorded = 0;

  constructor(store: Store, limits: { batch: number; parallel: number }, time = new VirtualTime()) {
    this.store = store;
    this.time = time;
    const clock = this.time.clock();
    this.worker = new Worker({
      connector: 'crm',
      connection: {
        limits,
        deliver: (batch) => this.#deliver(batch),
        check: async () => [],
        plan: async () => [],
        apply: async () => {},
        link: () => undefined,
        close: async () => {},
      },
      store,
      holder: 'this bridge',
      schedule,
      clock,
      log: createLog('silent'),
      leaseMs: 3_600_000,
      renewMs: 1_200_000,
      random: () => 0.5,
      read: ({ state, revision, records, failures, urgency }) => ({
        key: state.callId,
        call: readCall(state, { region: 'AU', timezone: 'UTC', withheldWords, missed: [], emailOnly: [] }),
        source: { name: state.source, region: 'AU', timezone: 'UTC' },
        revision,
        attempt: failures + 1,
        urgency,
        records,
      }),
      settled: () => void this.#events++,
    });
    this.worker.start();
  }

  async #deliver(batch: readonly Delivery[]): Promise<Outcome[]> {
    const ids = batch.map(({ call }) => call.id);
    this.batches.push({ at: this.time.passed, ids });
    this.#events++;
    const isDown = this.isDown;
    await sleep(this.time.clock(), isDown ? 100 : this.tookMs);
    this.#events++;
    if (isDown && this.isBlocked)
      return batch.map(() => ({ kind: 'blocked', reason: 'The CRM answered 503.' }));
    if (isDown || ids.some((id) => this.poisons.has(id))) throw new Error('The CRM answered 503.');
    return ids.map((id) => {
      if (this.forbidden.has(id)) return { kind: 'blocked', reason: 'Grant this.' };
      this.writtenAt.set(id, this.time.passed);
      return { kind: 'delivered', records: {} };
    });
  }

  /** Pushes of calls, each of its own caller. */
  async ring(count: number, id = (n: number) => `${n}`, fields: Fields = {}): Promise<string[]> {
    const ids = Array.from({ length: count }, (_, n) => id(this.#recorded + n));
    const receivedAt = this.time.now();
    await Promise.all(
      ids.map((one, n) => {
        const number = `04${`${this.#recorded + n}`.padStart(8, '0')}`;
        const push = startPush(one, { PLA_Caller_Phone_Number: number, ...fields });
        return this.store.record(newPush(push, { receivedAt }));
      }),
    );
    this.#recorded += count;
    this.worker.wake();
    await this.quiet();
    return ids;
  }

  /** Until nothing happens without time passing. */
  async quiet(): Promise<void> {
    let seen = -1;
    for (let still = 0; still < 12; still++) {
      await new Promise(setImmediate);
      if (this.#events === seen) continue;
      seen = this.#events;
      still = 0;
    }
  }

  async pass(ms: number): Promise<void> {
    await this.quiet();
    await this.time.pass(ms, () => this.quiet());
    await this.quiet();
  }

  /** Until all is written; returns how many milliseconds that took. */
  async drain(count: number, longestMs = 86_400_000): Promise<number> {
    const from = this.time.passed;
    while (this.writtenAt.size < count) {
      if (this.time.passed - from > longestMs)
        throw new Error(`${this.writtenAt.size} of ${count} are written after ${longestMs} ms`);
      await this.pass(Math.max(this.time.nextIn(), 1));
    }
    return this.time.passed - from;
  }

  begunSince(at: number): Batch[] {
    return this.batches.filter((batch) => batch.at >= at);
  }
}

async function withCrm(
  limits: { batch: number; parallel: number },
  use: (crm: SlowCrm) => Promise<void>,
): Promise<void> {
  await withSqliteStore(async (store) => {
    const crm = new SlowCrm(store, limits);
    try {
      await use(crm);
    } finally {
      const stopped = crm.worker.stop();
      await crm.pass(60_000);
      await stopped;
    }
  });
}

for (const age of ['a moment', 'an hour'])
  live(`while 3,000 calls of ${age} ago wait and every place is taken, one that rings is begun at once`, () =>
    withCrm({ batch: 100, parallel: 4 }, async (crm) => {
      crm.tookMs = 20_000;
      crm.isDown = age === 'an hour';
      await crm.ring(3_000);
      if (crm.isDown) {
        await crm.pass(3_600_000);
        crm.isDown = false;
        await crm.pass(900_000 + 20_000); // a probe
      }
      await crm.pass(100);
      const at = crm.time.passed;
      await crm.ring(1, () => 'now');
      assert.equal(crm.begunSince(at), [{ at, ids: ['now'] }]);
      // Those that ring while it is written go with the next.
      const later: string[] = [];
      for (let n = 0; n < 9; n++) later.push(...(await crm.ring(1, () => `later ${n}`)));
      await crm.pass(20_000);
      await crm.pass(20_000);
      for (const id of ['now', ...later]) assert.ok(crm.writtenAt.get(id)! <= at + 40_000, id);
    }),
  );

live('calls that ring one after the other wait for none of each other', () =>
  withCrm({ batch: 100, parallel: 4 }, async (crm) => {
    crm.tookMs = 20_000;
    await crm.ring(3_000);
    await crm.pass(100);
    for (const n of [1, 2, 3]) {
      const at = crm.time.passed;
      const [id] = await crm.ring(1, () => `now ${n}`);
      assert.equal(crm.begunSince(at), [{ at, ids: [id] }]);
      await crm.pass(100);
    }
    // Beside all others run a few, and no more: those that ring then share the next.
    const at = crm.time.passed;
    await crm.ring(1, () => 'now 4');
    await crm.ring(1, () => 'now 5');
    assert.equal(crm.begunSince(at), []);
    await crm.pass(20_000);
    const shared = crm.begunSince(at).find(({ ids }) => ids.includes('now 4'));
    assert.ok(shared?.ids.includes('now 5'));
  }),
);

live('a live call that the turn of the oldest passed over is begun beside them', () =>
  withCrm({ batch: 10, parallel: 2 }, async (crm) => {
    await crm.ring(200);
    crm.time.jump(3_600_000); // live no more
    crm.worker.wake();
    for (let n = 0; n < 20; n++) {
      const at = crm.time.passed;
      const [first, second] = await crm.ring(2, (i) => `now ${i}`);
      await crm.pass(500);
      for (const id of [first!, second!])
        assert.ok(
          crm.begunSince(at).some(({ ids }) => ids.includes(id)),
          `${id} waits`,
        );
      await crm.pass(500);
    }
  }),
);

live('while 3,000 calls that ended an hour ago are pushed, one that rings is begun at once', () =>
  withCrm({ batch: 100, parallel: 4 }, async (crm) => {
    crm.tookMs = 20_000;
    const hourAgo = `${crm.time.now().getTime() - 3_700_000}`;
    await crm.ring(3_000, undefined, { PLA_CallStartTime: hourAgo, PLA_Duration: '60' });
    await crm.ring(1, () => 'late', { PLA_CallStartTime: hourAgo });
    await crm.pass(100);
    const at = crm.time.passed;
    await crm.ring(1, () => 'now', { PLA_CallStartTime: `${crm.time.now().getTime() - 500}` });
    assert.equal(crm.begunSince(at), [{ at, ids: ['now'] }]);
    for (let n = 0; n < 9; n++) await crm.ring(1, (i) => `later ${i}`);
    await crm.pass(40_000);
    assert.equal([...crm.writtenAt.keys()].filter((id) => id.startsWith('later')).length, 9);
    assert.not(crm.writtenAt.has('late'), 'which counts with the others that came late');
    await crm.drain(3_011);
  }),
);

live(
  'historic calls come after the backlog, and a fifth of the batches is theirs where they are the oldest',
  () =>
    withCrm({ batch: 10, parallel: 1 }, async (crm) => {
      const lastWeek = `${crm.time.now().getTime() - 7 * 86_400_000}`;
      const imported = await crm.ring(50, (n) => `imported ${n}`, {
        PLA_CallStartTime: lastWeek,
        PLA_Duration: '60',
      });
      await crm.ring(100, (n) => `known ${n}`);
      crm.time.jump(3_600_000); // live no more
      for (let n = 0; n < 12; n++) {
        await crm.ring(20, (i) => `live ${i}`); // twice as many as it takes
        await crm.pass(1_000);
      }
      const done = imported.filter((id) => crm.writtenAt.has(id)).length;
      assert.ok(done >= 20 && done < 50, `${done} of the imported`);
      await crm.drain(150 + 240);
    }),
);

live('where the connection takes one batch at a time, a call that rings goes with the next', () =>
  withCrm({ batch: 10, parallel: 1 }, async (crm) => {
    await crm.ring(200);
    const at = crm.time.passed;
    await crm.ring(1, () => 'now');
    await crm.pass(1_000);
    assert.is(crm.begunSince(at + 1)[0]!.ids.includes('now'), true);
  }),
);

live('a stream of live calls starves nothing: each fifth batch is the oldest’s', () =>
  withCrm({ batch: 10, parallel: 1 }, async (crm) => {
    const old = await crm.ring(40);
    crm.time.jump(3_600_000); // live no more
    for (let n = 0; n < 40; n++) {
      await crm.ring(20, (i) => `live ${i}`); // twice as many as it takes
      await crm.pass(1_000);
    }
    for (const id of old) assert.ok(crm.writtenAt.has(id), id);
  }),
);

live('whatever waits, few batches are begun before the one of a call that rings', () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom({ batch: 50, parallel: 3 }, { batch: 10, parallel: 1 }, { batch: 1, parallel: 4 }),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 150 }), fc.integer({ min: 0, max: 200_000 })), {
        maxLength: 4,
      }),
      fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 5 }),
      (limits, waiting, rings) =>
        withCrm(limits, async (crm) => {
          for (const [count, agesMs] of waiting) {
            await crm.ring(count);
            crm.time.jump(agesMs);
          }
          for (const [n, ms] of rings.entries()) {
            await crm.pass(ms);
            const begun = crm.batches.length;
            await crm.ring(1, () => `now ${n}`);
            await crm.pass(30_000);
            const before = crm.batches.slice(begun).findIndex(({ ids }) => ids.includes(`now ${n}`));
            assert.ok(before >= 0 && before <= 1, `${before} batches were begun before`); // one of the oldest
          }
        }),
    ),
    { numRuns },
  ),
);

live('one caller with very many calls holds up nobody else', () =>
  withSqliteStore(async (store) => {
    const crm = new SlowCrm(store, { batch: 10, parallel: 2 });
    crm.worker.lookAgain();
    const receivedAt = crm.time.now();
    const many = Array.from({ length: 3_000 }, (_, n) =>
      store.record(newPush(startPush(`m${n}`, { PLA_Caller_Phone_Number: '0412345678' }), { receivedAt })),
    );
    await Promise.all(many);
    crm.time.jump(3_600_000); // the others are not live
    crm.worker.wake();
    await crm.quiet();
    const later = new Date(receivedAt.getTime() + 1);
    for (const n of [1, 2, 3])
      await store.record(
        newPush(startPush(`other ${n}`, { PLA_Caller_Phone_Number: `041111111${n}` }), { receivedAt: later }),
      );
    crm.worker.wake();
    await crm.pass(2_500);
    for (const n of [1, 2, 3]) assert.ok(crm.writtenAt.has(`other ${n}`), `other ${n}`);
    await crm.drain(3_003);
    const stopped = crm.worker.stop();
    await crm.pass(60_000);
    await stopped;
  }),
);

for (const how of ['resumes it', 'replays a call'] as const)
  for (const isBlocked of [false, true])
    circuit(`${isBlocked ? 'blocked' : 'open'}, it is tried at once when somebody ${how}`, () =>
      withCrm({ batch: 100, parallel: 4 }, async (crm) => {
        crm.isDown = true;
        crm.isBlocked = isBlocked;
        await crm.ring(250);
        await crm.pass(600_000); // the next probe is minutes away
        const [known] = await crm.store.connectorStates();
        assert.is(known!.blockedReason ?? known!.openReason, 'The CRM answered 503.');
        assert.is(known!.blockedReason === null, !isBlocked);
        assert.ok(known!.probeAt! > new Date(crm.time.now().getTime() + 60_000), 'people are told when');
        crm.isDown = false;
        if (how === 'resumes it') await crm.store.pauseConnector('crm', null);
        else {
          const [call] = await crm.store.calls({ limit: 1 });
          await crm.store.replay([call!.row], () => ['crm'], crm.time.now());
        }
        crm.worker.lookAgain(); // as after any change by another process
        await crm.pass(5_000);
        assert.is(crm.writtenAt.size, 250);
        const [after] = await crm.store.connectorStates();
        assert.equal([after!.blockedReason, after!.openReason, after!.probeAt], [null, null, null]);
      }),
    );

circuit('the refusal of one record in a batch, which somebody must mend, holds up no other', () =>
  withCrm({ batch: 100, parallel: 1 }, async (crm) => {
    crm.forbidden.add('7');
    await crm.ring(100);
    const before = crm.batches.length;
    for (let n = 0; n < 20; n++) {
      const at = crm.time.passed;
      const [id] = await crm.ring(1, (i) => `now ${i}`);
      await crm.pass(2_500);
      assert.ok(crm.writtenAt.get(id!)! <= at + 2_500, `${id} waits`);
      assert.is((await crm.store.connectorStates())[0]?.blockedReason ?? null, null);
    }
    assert.ok(crm.batches.slice(before).filter(({ ids }) => ids.includes('7')).length > 1, 'tried again');
    assert.is(crm.writtenAt.size, 119);
  }),
);

circuit(
  'where one call alone meets what somebody must mend, people are told, and no other waits for it',
  () =>
    withCrm({ batch: 100, parallel: 4 }, async (crm) => {
      crm.forbidden.add('0');
      const told = async () => (await crm.store.connectorStates())[0]?.blockedReason ?? null;
      await crm.ring(1);
      await crm.pass(1_000);
      assert.is(await told(), 'Grant this.');
      for (let n = 0; n < 20; n++) {
        const at = crm.time.passed;
        const [id] = await crm.ring(1, (i) => `now ${i}`);
        await crm.pass(2_500);
        assert.ok(crm.writtenAt.get(id!)! <= at + 2_500, `${id} waits`);
        assert.is(await told(), null);
      }
      const at = crm.time.passed;
      await crm.pass(3_600_000);
      const tries = crm.begunSince(at).length;
      assert.ok(tries > 0 && tries < 20, `${tries} tries in an hour`);
      crm.forbidden.clear();
      await crm.drain(21);
    }),
);

circuit('a log-in that was revoked costs two calls, and then a probe at a time', () =>
  withCrm({ batch: 100, parallel: 4 }, async (crm) => {
    crm.isDown = true;
    crm.isBlocked = true;
    for (let n = 0; n < 40; n++) {
      await crm.ring(1);
      await crm.pass(100);
    }
    assert.equal(
      crm.batches.map(({ ids }) => ids),
      [['0'], ['1']],
    );
    await crm.pass(86_400_000);
    const before = crm.batches.length;
    await crm.pass(3_600_000);
    assert.is(crm.batches.length - before, 4, 'one each 15 minutes');
    assert.ok(crm.batches.every(({ ids }) => ids.length === 1));
    crm.isDown = false;
    await crm.drain(40);
  }),
);

circuit('one call waits alone, blocked: it is tried at each probe, and less and less often', () =>
  withCrm({ batch: 100, parallel: 4 }, async (crm) => {
    crm.isDown = true;
    crm.isBlocked = true;
    await crm.ring(1);
    await crm.pass(86_400_000);
    const before = crm.batches.length;
    assert.ok(before < 150, `${before} tries`);
    await crm.pass(3_600_000);
    assert.is(crm.batches.length - before, 4, 'one each 15 minutes');
    const [call] = await crm.store.calls({ limit: 1 });
    assert.equal([call!.deliveries[0]!.state, call!.deliveries[0]!.failures], ['due', 0]);
    crm.isDown = false;
    await crm.drain(1);
  }),
);

circuit('who takes over what one record blocked tries others at once', () =>
  withCrm({ batch: 1, parallel: 1 }, async (crm) => {
    crm.forbidden.add('0');
    await crm.ring(1);
    await crm.pass(1_000);
    const stopped = crm.worker.stop();
    await crm.pass(20_000);
    await stopped;
    const next = new SlowCrm(crm.store, { batch: 1, parallel: 1 }, crm.time);
    next.forbidden.add('0');
    await next.pass(1_500);
    assert.equal(
      next.batches.map(({ ids }) => ids),
      [['0']],
    );
    const at = next.time.passed;
    await next.ring(1, () => 'now');
    await next.pass(2_500);
    assert.ok(next.writtenAt.get('now')! <= at + 2_500);
    const over = next.worker.stop();
    await next.pass(20_000);
    await over;
  }),
);

circuit('who takes over while it is open knows of it, and begins with one call', () =>
  withCrm({ batch: 100, parallel: 4 }, async (crm) => {
    crm.isDown = true;
    await crm.ring(250);
    await crm.pass(600_000);
    const stopped = crm.worker.stop();
    await crm.pass(20_000);
    await stopped;
    const next = new SlowCrm(crm.store, { batch: 100, parallel: 4 }, crm.time);
    await next.pass(1_500);
    assert.equal(
      next.batches.map(({ ids }) => ids.length),
      [1, 100, 100, 49],
    );
    await next.pass(5_000);
    assert.is(next.writtenAt.size, 250);
    const over = next.worker.stop();
    await next.pass(20_000);
    await over;
  }),
);

circuit('time in which nothing was tried does not count towards giving up', () =>
  withCrm({ batch: 1, parallel: 1 }, async (crm) => {
    crm.poisons.add('0');
    await crm.ring(1);
    const tries = () => crm.batches.filter(({ ids }) => ids[0] === '0').length;
    for (let week = 0; week < 3; week++) {
      await crm.pass(60_000);
      await crm.store.pauseConnector('crm', { since: crm.time.now(), reason: null });
      crm.worker.lookAgain();
      await crm.pass(7 * 86_400_000);
      await crm.store.pauseConnector('crm', null);
      crm.worker.lookAgain();
    }
    await crm.pass(1_000);
    const before = tries();
    await crm.pass(6 * 86_400_000);
    assert.ok(tries() > before, 'it is tried still');
    await crm.pass(3 * 86_400_000);
    const [call] = await crm.store.calls({ limit: 1 });
    assert.is(call!.deliveries[0]!.state, 'failed', 'after a week of trying');
  }),
);

/** Batches and time of 2,500 calls with nothing wrong. */
async function plainDrain(): Promise<{ batches: number; ms: number }> {
  let plain = { batches: 0, ms: 0 };
  await withCrm({ batch: 100, parallel: 4 }, async (crm) => {
    await crm.ring(2_500);
    const ms = await crm.drain(2_500);
    plain = { batches: crm.batches.length, ms };
  });
  return plain;
}

for (const outageMs of [40_000, 1_800_000])
  for (const jumpMs of [0, -7_200_000, 7_200_000])
    circuit(
      `2,500 calls, ${outageMs / 1_000} s of outage, a clock that jumps by ${jumpMs / 1_000} s`,
      async () => {
        const plain = await plainDrain();
        await withCrm({ batch: 100, parallel: 4 }, async (crm) => {
          crm.isDown = true;
          await crm.ring(2_500);
          await crm.pass(outageMs / 2);
          crm.time.jump(jumpMs);
          await crm.pass(outageMs / 2);
          const during = crm.batches.length;
          assert.ok(during <= 20, `${during} requests to a CRM that was down`);
          crm.isDown = false;
          const ms = await crm.drain(2_500);
          const after = crm.batches.length - during;
          assert.ok(after <= plain.batches * 1.2 + 1, `${after} requests instead of ${plain.batches}`);
          const wait = probeMs.find((_, n) => probeMs.slice(0, n + 1).reduce((a, b) => a + b, 0) > outageMs);
          const longest = (wait ?? 900_000) + plain.ms * 1.2 + 2_000;
          assert.ok(ms <= longest, `${ms} ms instead of ${longest}`);
        });
      },
    );

circuit('a call that brings its batch down is found, waits alone, and holds nobody up', () =>
  withCrm({ batch: 100, parallel: 4 }, async (crm) => {
    crm.poisons.add('150');
    await crm.ring(1_000);
    await crm.drain(999, 60_000);
    assert.not(crm.writtenAt.has('150'));
    // Alone from now on, by its own waits, and later calls are written at once.
    const from = crm.time.passed;
    for (let n = 0; n < 20; n++) {
      const at = crm.time.passed;
      const [id] = await crm.ring(1, (i) => `later ${i}`);
      await crm.pass(15_000);
      assert.ok(crm.writtenAt.get(id!)! <= at + 4_000, `${id} waited`);
    }
    const withIt = crm.begunSince(from).filter(({ ids }) => ids.includes('150'));
    assert.ok(withIt.length >= 2 && withIt.length <= 6, `${withIt.length} more tries`);
    assert.ok(withIt.every(({ ids }) => ids.length === 1));
    crm.poisons.clear();
    await crm.drain(1_020);
  }),
);

circuit('with nobody else there, a call that fails does not keep the next one waiting', () =>
  withCrm({ batch: 100, parallel: 4 }, async (crm) => {
    crm.poisons.add('bad');
    await crm.ring(1, () => 'bad');
    await crm.pass(7_200_000);
    const at = crm.time.passed;
    await crm.ring(1, () => 'good');
    await crm.pass(1_000);
    assert.is(crm.writtenAt.get('good'), at + 1_000);
  }),
);

circuit('what waits by itself since the outage began is due when it is over', () =>
  withCrm({ batch: 100, parallel: 4 }, async (crm) => {
    crm.isDown = true;
    await crm.ring(1, () => 'first');
    await crm.pass(10_000_000); // alone, it is tried once an hour by now
    await crm.ring(5);
    crm.isDown = false;
    await crm.pass(8_000); // a probe
    assert.ok(crm.writtenAt.has('first'));
  }),
);

type Event = ['ring', number] | ['pass', number] | ['outage', number] | ['jump', number] | ['poison'];

const event = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('ring'), fc.integer({ min: 1, max: 60 })) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('pass'), fc.integer({ min: 1, max: 20_000 })) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('outage'), fc.integer({ min: 1_000, max: 600_000 })) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('jump'), fc.integer({ min: -900_000, max: 900_000 })) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('poison')) },
) as fc.Arbitrary<Event>;

circuit(
  'whatever happens: an outage costs a handful, ends with a probe, and all is written in the end',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 1, maxLength: 12 }),
        fc.constantFrom({ batch: 10, parallel: 3 }, { batch: 1, parallel: 4 }, { batch: 5, parallel: 1 }),
        async (events, limits) => {
          await withCrm(limits, async (crm) => {
            let calls = 0;
            for (const [what, value] of events) {
              if (what === 'ring') calls += (await crm.ring(value)).length;
              if (what === 'pass') await crm.pass(value);
              if (what === 'jump') crm.time.jump(value);
              if (what === 'poison') {
                crm.poisons.add(`${calls}`);
                calls += (await crm.ring(1)).length;
              }
              if (what === 'outage') {
                await crm.pass(1); // what is under way goes on, and fails within the outage or before
                crm.isDown = true;
                const from = crm.batches.length;
                await crm.pass(value);
                const cost = crm.batches.length - from;
                assert.ok(cost <= 12 + crm.poisons.size, `${cost} requests in ${value} ms`);
                crm.isDown = false;
                const [next] = await crm.ring(1);
                calls++;
                const sum = (n: number) => probeMs.slice(0, n + 1).reduce((a, b) => a + b, 0);
                const wait = probeMs.find((_, n) => sum(n) > value && crm.poisons.size === 0);
                await crm.pass((wait ?? 900_000) + 2_000);
                if (crm.poisons.size === 0) assert.is(crm.worker.condition.openSince, null, 'it is over');
                await crm.pass(300_000); // the plain drain
                assert.ok(crm.writtenAt.has(next!), 'written with the next probe');
              }
            }
            await crm.pass(10_001); // a clock that was set back is noticed
            await crm.pass(5_400_000);
            const good = calls - crm.poisons.size;
            assert.is(crm.writtenAt.size, good, 'all but those that fail by themselves');
            crm.poisons.clear();
            await crm.drain(calls, 2 * 86_400_000);
          });
        },
      ),
      {
        numRuns,
        // Live no more when the two are found out, so that the oldest are tried beside those that failed.
        examples: [
          [
            [['poison'], ['poison'], ['outage', 1_000], ['ring', 45], ['outage', 1_000], ['pass', 1]],
            { batch: 5, parallel: 1 },
          ],
        ],
      },
    );
  },
);

live.run();
circuit.run();
