import { join } from 'node:path';
import type { Clock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { indexedCall } from '../../src/operator/indexed-call.ts';
import { openDatabase } from '../../src/runtime/sqlite.ts';
import type { Settlement } from '../../src/store/deliveries.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';
import { RetentionSweep } from '../../src/sweep/retention-sweep.ts';
import { load } from '../config/with-config.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { rawBody, rejection, room } from '../support/rejections.ts';
import { assert, suite, until } from '../support/suite.ts';
import { newPush, withFolder, withSqliteStore } from '../support/with-store.ts';

const retention = suite('retention');

const day = 86_400_000;
const first = Date.parse('2026-01-01T00:00:00Z');
const on = (days: number) => new Date(first + days * day);

async function settle(store: Store, next: Settlement['next']): Promise<void> {
  const lease = (await store.acquireLease('crm', 'test', new Date(0), 1_000_000_000_000_000))!;
  const due = await store.takeDue('crm', on(10_000), 10_000);
  const attempt = {
    at: on(0),
    tookMs: 1,
    outcome: 'delivered' as const,
    reason: null,
    notes: [],
    requests: 1,
    batch: 1,
  };
  await store.settle(
    lease,
    due.map(({ callRow, revision }) => ({ callRow, revision, attempt, records: {}, next })),
  );
  await store.releaseLease(lease);
}

const kept = async (store: Store) =>
  (await store.calls({ limit: 10_000 })).map(({ state }) => state.callId).reverse();

/** Runs one sweep on the given day. */
async function sweepOn(
  store: Store,
  days: number,
  keptMs = { pushesMs: 90 * day, callsMs: 400 * day, rejectedMs: 90 * day },
) {
  let sweeps = 0;
  const clock: Clock = {
    now: () => on(days),
    after(ms, run) {
      if (ms >= 3_600_000) {
        sweeps++;
        return () => {};
      }
      const timer = setTimeout(run, 0);
      return () => clearTimeout(timer);
    },
  };
  const sweep = new RetentionSweep({ store, clock, log: createLog('silent'), kept: () => keptMs });
  sweep.start();
  await until('the sweep is done', () => sweeps > 0);
  await sweep.stop();
}

retention('raw pushes go first, then whole calls; a day before they are due nothing goes', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const store = await openSqliteStore(file, 'bridge');
    await store.record(newPush(startPush('1'), { receivedAt: on(0) }));
    await store.record(newPush(endPush('1'), { receivedAt: on(1) }));
    await store.record(newPush(endPush('2'), { receivedAt: on(50) }));
    await settle(store, { state: 'delivered' });

    const pushes = async (callId: string) => (await store.stories(callId))[0]?.pushes.length;
    await sweepOn(store, 90.5);
    assert.equal([await pushes('1'), await pushes('2')], [2, 1]);
    await sweepOn(store, 92);
    assert.equal([await pushes('1'), await pushes('2')], [0, 1]);
    const [story] = await store.stories('1');
    assert.is(story?.state.fields['PLA_City'], 'abc', 'what the pushes said is kept');
    assert.is(story?.attempts.length, 1);

    await sweepOn(store, 400.5);
    assert.equal(await kept(store), ['1', '2']);
    await sweepOn(store, 402);
    assert.equal(await kept(store), ['2']);
    assert.equal(await store.stories('1'), []);
    await store.close();
    const database = openDatabase(file);
    assert.is(database.prepare('select count(*) as n from deliveries').get()?.['n'], 1);
    database.close();
  }),
);

retention('what still has to be delivered, or failed, stays; what no route took goes', () =>
  withSqliteStore(async (store) => {
    await store.record(newPush(endPush('failed'), { receivedAt: on(0) }));
    await settle(store, { state: 'failed' });
    await store.record(newPush(endPush('due'), { receivedAt: on(0) }));
    await store.record(newPush(endPush('unrouted'), { receivedAt: on(0), route: () => [] }));
    await sweepOn(store, 1_000);
    assert.equal(await kept(store), ['failed', 'due']);
  }),
);

retention('a call that came while the clock was ahead holds up no other', () =>
  withSqliteStore(async (store) => {
    const days = [0, 3_650, ...new Array(199).fill(1)];
    await Promise.all(
      days.map((day, n) =>
        store.record(newPush(endPush(String(n)), { receivedAt: on(day), route: () => [] })),
      ),
    );
    await sweepOn(store, 500);
    assert.equal(await kept(store), ['1']);
  }),
);

/*
 * A sweep ended at the first calls that were all too young, as many as it looks at together: behind a night of calls that
 * a wrong clock had dated years ahead, nothing was ever removed.
 */
retention('more calls that came while the clock was ahead than are looked at together hold up no other', () =>
  withSqliteStore(async (store) => {
    const days = [...new Array(3).fill(0), ...new Array(700).fill(3_650), ...new Array(300).fill(1), 499];
    await Promise.all(
      days.map((day, n) =>
        store.record(newPush(endPush(String(n)), { receivedAt: on(day), route: () => [] })),
      ),
    );
    const { settings } = await load('sources: { acme: {} }\nconnectors: { crm: { type: sandbox } }\n');
    while (
      !(await store.indexCalls({ version: '1', sources: {} }, (state) => indexedCall(settings, state), 500))
        .isDone
    );
    const ahead = Array.from({ length: 700 }, (_, n) => String(n + 3));
    await sweepOn(store, 500);
    assert.equal(await kept(store), [...ahead, '1003']);
    const pushes = async () => (await store.stories('1003'))[0]?.pushes.length;
    assert.is(await pushes(), 1);
    await sweepOn(store, 600);
    assert.is(await pushes(), 0, 'they are older than 90 days');
  }),
);

retention('a sweep of many calls goes in small steps, and removes each that is old enough', () =>
  withSqliteStore(async (store) => {
    await Promise.all(
      Array.from({ length: 1_000 }, (_, n) =>
        store.record(newPush(endPush(String(n)), { receivedAt: on(n), route: () => [] })),
      ),
    );
    let most = 0;
    const counting = new Proxy(store, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
        if (name !== 'purge') return method.bind(target);
        return async (...args: Parameters<Store['purge']>) => {
          const step = await target.purge(...args);
          most = Math.max(most, step.removed);
          return step;
        };
      },
    });
    await sweepOn(counting, 1_000, { pushesMs: 100 * day, callsMs: 250 * day, rejectedMs: day });
    assert.is((await kept(store)).length, 250);
    assert.ok(most <= 200, String(most));
  }),
);

retention('what was not taken goes by when it last came', () =>
  withSqliteStore(async (store) => {
    const unreadable = { cause: 'unreadable', source: 'acme' } as const;
    const bodies = Array.from({ length: 450 }, (_, n) => rawBody(`${n}`));
    await store.reject(
      bodies.map((body) => rejection({ ...unreadable, firstAt: on(0), body })),
      room,
    );
    await store.reject([rejection({ mark: '9f2c', firstAt: on(0), lastAt: on(50) })], room);
    const left = async () => (await store.rejections({ limit: 1_000, headBytes: 0 })).length;
    await sweepOn(store, 89);
    assert.is(await left(), 451);
    await sweepOn(store, 91);
    assert.is(await left(), 1);
    await sweepOn(store, 141);
    assert.is(await left(), 0);
  }),
);

retention.run();
