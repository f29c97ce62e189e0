import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';
import { assert, suite } from '../support/suite.ts';
import { withFolder } from '../support/with-store.ts';

const migrations = suite('migrations');

/*
 * Stores that the code of these commits made, each with the same calls: every version of the migrations that there ever
 * was. They are named for what became of the call in `crm`: `store-of-<commit>.db.gz`.
 */
const fixtures = new URL('fixtures/', import.meta.url).pathname;
const commits = readdirSync(fixtures).map((file) => /^store-of-(\w+)\.db\.gz$/.exec(file)![1]!);

const start = Date.parse('2026-11-23T02:00:00.000Z');
const at = (seconds: number) => new Date(start + seconds * 1000);

function schemaOf(file: string): unknown[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare('select type, name, sql from sqlite_master order by type, name').all();
  } finally {
    database.close();
  }
}

async function withFixture(commit: string, use: (store: Store, file: string) => Promise<void>) {
  await withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    writeFileSync(file, gunzipSync(readFileSync(join(fixtures, `store-of-${commit}.db.gz`))));
    const store = await openSqliteStore(file, 'bridge');
    try {
      await use(store, file);
    } finally {
      await store.close();
    }
  });
}

migrations('there is a store of each earlier version', () => {
  assert.equal(commits.sort(), [
    '191a466',
    '23c4199',
    '3695bb2',
    '8d09dc9',
    'c5cae88',
    'd1db961',
    'da569a5',
    'fc3d7ae',
    'fc8aa78',
  ]);
});

for (const commit of commits) {
  migrations(`a store that ${commit} made opens, is read whole, and what is due in it is delivered`, () =>
    withFixture(commit, async (store, file) => {
      const calls = await store.calls({ limit: 100 });
      const shown = Object.fromEntries(
        calls.map(({ state, revision, deliveries }) => [
          state.callId,
          [revision, ...deliveries.map((one) => `${one.state} ${one.deliveredRevision}`)],
        ]),
      );
      const { skipped, ...others } = shown;
      if (skipped) assert.equal(skipped, [1, 'skipped 0']);
      assert.equal(others, {
        delivered: [2, 'delivered 2'],
        due: [2, 'due 1'],
        retry: [1, 'due 0'],
        failed: [1, 'failed 0'],
        ringing: [1, 'due 0'],
        unrouted: [1],
        lapsed: [2, 'due 0'],
        long: [6, 'due 0'],
      });
      const [story] = await store.stories('delivered');
      assert.equal(
        story!.pushes.map(({ receivedAt, repeats }) => [receivedAt, repeats]),
        [
          [at(0), 1],
          [at(60), 0],
        ],
      );
      assert.is(story!.state.fields['PLA_CallResult'], 'Answered');
      assert.is(story!.deliveries[0]!.records.activity!.id, '9delivered');
      assert.equal(
        story!.attempts.map(({ outcome, tookMs, requests }) => [outcome, tookMs, requests]),
        [['delivered', 100, 2]],
      );
      const [failed] = await store.stories('failed');
      assert.is(failed!.deliveries[0]!.lastReason, 'HubSpot answered 400.');
      assert.is((await store.stories('long'))[0]!.state.fields['PLA_ExtraTracking'], 'step 5');
      assert.equal((await store.findPeople('crm', ['+61491570001'])).get('+61491570001'), {
        type: 'contact',
        id: '51',
      });

      const lease = (await store.acquireLease('crm', 'today', at(1_000), 30_000))!;
      const due = await store.takeDue('crm', at(1_000), 100);
      assert.equal(due.map(({ state }) => state.callId).sort(), [
        'due',
        'lapsed',
        'long',
        'retry',
        'ringing',
      ]);
      await store.settle(
        lease,
        due.map(({ callRow, revision }) => ({
          callRow,
          revision,
          attempt: {
            connector: 'crm',
            at: at(1_001),
            tookMs: 5,
            outcome: 'delivered' as const,
            reason: null,
            notes: [],
            requests: 1,
            batch: due.length,
          },
          records: {},
          next: { state: 'delivered' as const },
        })),
      );
      const left = await store.takeDue('crm', at(2_000), 100);
      assert.equal(
        left.filter(({ isRewrite }) => !isRewrite),
        [],
      );

      // The index, which some of them had and others did not.
      const read = () => ({
        result: null,
        missed: false,
        caller: null,
        dealer: null,
        keyword: null,
        words: [],
      });
      const index = async (version: string) => {
        while (!(await store.indexCalls({ version, sources: { acme: 'r1' } }, read, 8)).isDone);
        return store.countCalls([{ since: at(0).getTime(), until: at(3_600).getTime() }]);
      };
      const n = calls.length;
      const [followed] = await index('v1');
      assert.is(followed?.calls, n, 'goes on where it was');
      assert.equal(await store.pushesSeen(['acme']), [
        { source: 'acme', kind: 'end', firstAt: at(60), lastAt: skipped ? at(900) : at(500) },
        { source: 'acme', kind: 'start', firstAt: at(0), lastAt: skipped ? at(900) : at(805) },
      ]);
      const [counted] = await index('today');
      assert.equal(counted, {
        at: at(0).getTime(),
        calls: n,
        answered: 0,
        unanswered: 0,
        busy: 0,
        other: 0,
        unknown: n,
        missed: 0,
      });

      const fresh = `${file}.new`;
      await (await openSqliteStore(fresh, 'bridge')).close();
      assert.equal(schemaOf(file), schemaOf(fresh), 'as if it had been made today');
    }),
  );
}

/*
 * A changed migration opens no store that was made before: at fc8aa78 the sixth was, and stores of the day before could
 * not be opened.
 */
const frozen: Record<string, string> = {
  '001-calls-and-deliveries': 'e15fed8f46e6610b',
  '002-memories': '46f2730d52a4f8c1',
  '003-erasures': '0946e338724617ab',
  '004-lighter-pushes': 'fc941f864f0f7fa4',
  '005-decisions': '8d461dfb5b529d83',
  '006-call-index': '70a884a35466f04d',
  '007-weeks': 'd8e62fdcbf6e475f',
  '008-lines': 'db908c4bd4c92016',
  '009-rejected': 'fd76a49074e6bd25',
  '010-kept': 'e4e1085c9236840a',
  '013-connector-counts': '243d3d95cf78cf8b',
  '014-erasures-under-way': 'a17e26cc76a01019',
  '020-not-folded': '66834ee2362da900',
  '021-source-readings': '7748440c82a2af72',
  '022-unanswered': '5268352d7a00fa9e',
  '023-calls-to-index': 'f86cc97770b5e643',
};

migrations('no migration is edited: what is to be otherwise is a new one', () => {
  const folder = new URL('../../src/store/migrations/', import.meta.url);
  const files = readdirSync(folder).filter((file) => /^\d{3}-/.test(file));
  const digests = files.map((file) => [
    basename(file, '.ts'),
    createHash('sha256')
      .update(readFileSync(new URL(file, folder)))
      .digest('hex')
      .slice(0, 16),
  ]);
  // Of a new one the digest is added here when it is released, and a store of the version before to the fixtures.
  assert.equal(Object.fromEntries(digests), frozen);
});

migrations.run();
