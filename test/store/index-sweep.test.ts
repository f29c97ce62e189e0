import { systemClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { indexedCall, readingVersion } from '../../src/operator/indexed-call.ts';
import { IndexSweep } from '../../src/store/index-sweep.ts';
import { load } from '../config/with-config.ts';
import { startPush } from '../support/build-push.ts';
import { assert, suite, until } from '../support/suite.ts';
import { newPush, withSqliteStore } from '../support/with-store.ts';

const sweep = suite('index sweep');

sweep('recording writes nothing of the index; the sweep follows, and tells what is new', () =>
  withSqliteStore(async (store) => {
    const { settings } = await load('sources: { acme: {} }\nconnectors: { crm: { type: sandbox } }\n');
    await store.record(newPush(startPush('1')));
    assert.equal(await store.findCalls({}, null, 10), []);
    assert.equal(await store.indexProgress(), { behind: 1, rebuilding: 0, lacksCalls: true });
    const told: { callId: string; isNew: boolean }[] = [];
    const running = new IndexSweep({
      store,
      clock: systemClock,
      log: createLog('silent'),
      reading: () => ({
        version: readingVersion(settings),
        read: (state) => indexedCall(settings, state),
      }),
      indexed: (calls) => told.push(...calls),
    });
    running.start();
    await until('the first call is found', async () => (await store.findCalls({}, null, 10)).length === 1);
    await store.record(newPush(startPush('2')));
    await store.record(newPush(startPush('2', { PLA_City: 'Perth' })));
    await until('the second call is found', async () => (await store.findCalls({}, null, 10)).length === 2);
    await until('nothing is behind', async () => (await store.indexProgress()).behind === 0);
    await running.stop();
    assert.equal(
      told.filter(({ isNew }) => isNew).map(({ callId }) => callId),
      ['1', '2'],
    );
    await store.record(newPush(startPush('3')));
    assert.equal(await store.indexProgress(), { behind: 1, rebuilding: null, lacksCalls: false });
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
    for (const id of ['1', '2', '3']) await store.record(newPush(startPush(id)));
    while (!(await store.indexCalls('one', read('answered'), 10)).isDone);
    await store.indexCalls('two', read('busy'), 1);
    const { rebuilding } = await store.indexProgress();
    assert.ok(rebuilding !== null && rebuilding > 0 && rebuilding < 1, String(rebuilding));
    assert.is((await store.findCalls({ result: 'busy' }, null, 10)).length, 1, 'the newest first');
    assert.is((await store.findCalls({}, null, 10)).length, 3);
    while (!(await store.indexCalls('two', read('busy'), 1)).isDone);
    assert.is((await store.findCalls({ result: 'busy' }, null, 10)).length, 3);
    assert.equal(await store.findCalls({ result: 'answered' }, null, 10), []);
    const [count] = await store.countCalls([{ since: 0, until: Date.parse('2027-01-01T00:00:00Z') }]);
    assert.equal([count!.calls, count!.busy, count!.answered], [3, 3, 0]);
  }),
);

sweep.run();
