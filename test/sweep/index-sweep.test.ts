import type { CallState } from '../../src/call/call.ts';
import { systemClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { indexedCall, readingsOf } from '../../src/operator/indexed-call.ts';
import { IndexSweep } from '../../src/sweep/index-sweep.ts';
import { load } from '../config/with-config.ts';
import { startPush } from '../support/build-push.ts';
import { assert, suite, until } from '../support/suite.ts';
import { newPush, withSqliteStore } from '../support/with-store.ts';

const sweep = suite('index sweep');

sweep('recording puts a call where the index takes it from; the sweep follows, and tells what is new', () =>
  withSqliteStore(async (store) => {
    const { settings } = await load('sources: { acme: {} }\nconnectors: { crm: { type: sandbox } }\n');
    await store.record(newPush(startPush('1')));
    assert.equal(await store.findCalls({}, null, 10), []);
    const receivedAt = new Date('2026-11-02T03:15:00Z');
    assert.equal(await store.indexProgress(), {
      behind: 1,
      behindSince: receivedAt,
      rebuilding: 0,
      lacksCalls: true,
    });
    const told: { callId: string; isNew: boolean }[] = [];
    const running = new IndexSweep({
      store,
      clock: systemClock,
      log: createLog('silent'),
      reading: () => ({
        readings: readingsOf(settings),
        read: (state) => indexedCall(settings, state),
      }),
      indexed: (calls) => told.push(...calls),
    });
    running.start();
    await until('the first call is found', async () => (await store.findCalls({}, null, 10)).length === 1);
    await store.record(newPush(startPush('2')));
    await store.record(newPush(startPush('2', { PLA_City: 'Perth' })));
    running.wake();
    await until('the second call is found', async () => (await store.findCalls({}, null, 10)).length === 2);
    await until('nothing is behind', async () => (await store.indexProgress()).behind === 0);
    await running.stop();
    assert.equal(
      told.filter(({ isNew }) => isNew).map(({ callId }) => callId),
      ['1', '2'],
    );
    await store.record(newPush(startPush('3')));
    assert.equal(await store.indexProgress(), {
      behind: 1,
      behindSince: receivedAt,
      rebuilding: null,
      lacksCalls: false,
    });
  }),
);

sweep('calls that are read otherwise are looked at anew, and found meanwhile', () =>
  withSqliteStore(async (store) => {
    const read = (result: string) => () => ({
      result,
      missed: false,
      caller: null,
      dealer: null,
      keyword: null,
      words: [],
    });
    const readings = (version: string) => ({ version, sources: {} });
    for (const id of ['1', '2', '3']) await store.record(newPush(startPush(id)));
    while (!(await store.indexCalls(readings('one'), read('answered'), 10)).isDone);
    await store.indexCalls(readings('two'), read('busy'), 1);
    const { rebuilding } = await store.indexProgress();
    assert.ok(rebuilding !== null && rebuilding > 0 && rebuilding < 1, String(rebuilding));
    assert.is((await store.findCalls({ result: 'busy' }, null, 10)).length, 1, 'the newest first');
    assert.is((await store.findCalls({}, null, 10)).length, 3);
    while (!(await store.indexCalls(readings('two'), read('busy'), 1)).isDone);
    assert.is((await store.findCalls({ result: 'busy' }, null, 10)).length, 3);
    assert.equal(await store.findCalls({ result: 'answered' }, null, 10), []);
    const [count] = await store.countCalls([{ since: 0, until: Date.parse('2027-01-01T00:00:00Z') }]);
    assert.equal([count!.calls, count!.busy, count!.answered], [3, 3, 0]);
  }),
);

sweep('a source that is added, changed or removed has its own calls looked at anew, and no others', () =>
  withSqliteStore(async (store) => {
    for (const source of ['acme', 'beta', 'gone'])
      for (const id of ['1', '2', '3']) await store.record({ ...newPush(startPush(id)), source });
    const looked: string[] = [];
    /** Each source's calls have the result that its reading is called for. */
    const index = async (sources: Record<string, string>, steps = 100) => {
      looked.length = 0;
      const readings = { version: 'one', sources };
      const read = ({ source, callId }: CallState) => {
        looked.push(`${source} ${callId}`);
        const result = sources[source] ?? 'other';
        return { result, missed: false, caller: null, dealer: null, keyword: null, words: [] };
      };
      for (let step = 0; step < steps && !(await store.indexCalls(readings, read, 2)).isDone; step++);
      return [...looked].sort();
    };
    const found = async (source: string, result: string) =>
      (await store.findCalls({ source, result }, null, 10)).length;
    const before = { acme: 'answered', beta: 'busy', gone: 'busy' };
    assert.is(new Set(await index(before)).size, 9);
    assert.equal(await index({ ...before }), [], 'the same, as after a restart');
    assert.equal(await index({ ...before, added: 'busy' }), []);
    const after = { acme: 'answered', beta: 'unanswered', gone: 'busy', added: 'busy' };
    assert.equal(await index(after), ['beta 1', 'beta 2', 'beta 3']);
    assert.equal([await found('beta', 'unanswered'), await found('beta', 'busy')], [3, 0]);
    assert.is(await found('acme', 'answered'), 3);
    const { gone: _, ...left } = after;
    assert.equal(await index(left), ['gone 1', 'gone 2', 'gone 3']);
    assert.is(await found('gone', 'other'), 3);
    assert.equal(await index({ ...left }), []);

    // What is under way is told, and goes on where it was.
    const changed = { ...left, acme: 'busy' };
    assert.equal(await index(changed, 1), ['acme 2', 'acme 3']);
    const { rebuilding, lacksCalls } = await store.indexProgress();
    assert.ok(rebuilding !== null && rebuilding > 0 && rebuilding < 1, String(rebuilding));
    assert.is(lacksCalls, false);
    assert.is(await store.indexCovers(new Date('2030-01-01')), false);
    assert.equal(await index({ ...changed }), ['acme 1']);
    assert.is((await store.indexProgress()).rebuilding, null);
    assert.is(await store.indexCovers(new Date('2030-01-01')), true);
  }),
);

sweep.run();
