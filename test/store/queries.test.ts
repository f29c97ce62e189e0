import { join } from 'node:path';
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import { kyselyOver, openDatabase } from '../../src/runtime/sqlite.ts';
import * as counts from '../../src/store/queries/call-counts.ts';
import * as calls from '../../src/store/queries/calls.ts';
import { connectorStates } from '../../src/store/queries/connectors.ts';
import type { Db, Question } from '../../src/store/queries/question.ts';
import * as ledger from '../../src/store/queries/rejections.ts';
import type { Tables } from '../../src/store/schema.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { toQuarters } from '../../src/store/time-buckets.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';
import { newPush, withFolder } from '../support/with-store.ts';

const queries = suite('queries');

const postgres = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/** What only SQLite has, or understands so. */
const ofSqlite =
  /\b(not )?indexed\b|json_|->>|\browid\b|\bmatch\b|\b(instr|iif|ifnull|zeroblob|octet_length|glob|pragma)\b|[ (]\+|\?|\bin \(\)|limit -|\b(min|max)\([^()]*,/;

queries('each question asks both databases the same, and PostgreSQL nothing that only SQLite has', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const store = await openSqliteStore(file, 'bridge');
    const now = newPush(startPush('1')).receivedAt;
    await store.record(newPush(startPush('1')));
    await store.record(newPush(endPush('2'), { route: () => ['crm', 'other'] }));
    await store.record(newPush(startPush('3'), { route: () => [] }));
    await store.skip(1, 'crm', 'A test call.', now);
    await store.pauseConnector('crm', { since: now, reason: null });
    const body = { bytes: Buffer.from('{'), contentType: '', contentCoding: '' };
    const [source, cause, mark, reason, sender] = ['acme', 'unreadable' as const, '', 'Not JSON.', ''];
    const rejection = { source, cause, mark, reason, sender, firstAt: now, lastAt: now, count: 1, body };
    await store.reject([rejection], 1_000);
    const read = () => ({ result: 'busy', missed: true, caller: null, dealer: 'A', keyword: 'b', words: [] });
    while (!(await store.indexCalls({ version: '1', sources: {} }, read, 8)).isDone);
    await store.close();

    const database = openDatabase(file);
    const sqlite = kyselyOver<Tables>(database);
    const until = new Date(now.getTime() + 86_400_000);
    const since = new Date(now.getTime() - 10 * 86_400_000);
    const range = toQuarters(since, until);
    const questions: ((db: Db) => Question<unknown>)[] = [
      (db) => calls.calls(db, { source, callId: '1', lane: '', since, beforeRow: 9, limit: 5 }),
      (db) => calls.calls(db, { state: 'unrouted', limit: 5 }),
      (db) => calls.calls(db, { connector: 'crm', state: 'due', limit: 5 }),
      (db) => calls.views(db, [2, 1]),
      (db) => calls.stories(db, '1', source),
      (db) => counts.countCalls(db, [range]),
      (db) => counts.topCalls(db, 'dealer', range.since, range.until, 5),
      (db) => counts.countLag(db, range.since, range.until),
      (db) => counts.tallyCalls(db, new Date(range.since), new Date(range.until)),
      (db) => counts.countRange(db, since, until),
      (db) => counts.openDeliveries(db),
      (db) => counts.pushesSeen(db, [source]),
      (db) => counts.pushesSeen(db, []),
      (db) => connectorStates(db),
      (db) =>
        ledger.rejections(db, {
          since,
          source,
          kept: true,
          before: { lastAt: until, row: 9 },
          limit: 5,
          headBytes: 9,
        }),
      (db) => ledger.rejection(db, 1),
      (db) => ledger.tallyRejected(db, since),
      (db) => ledger.rejectedKept(db),
      (db) => ledger.rejectedWith(db, () => true),
    ];
    let asked = 0;
    for (const question of questions) {
      const here = question(sqlite);
      const there = question(postgres);
      let step = here.next([]);
      let other = there.next([]);
      while (!step.done && !other.done) {
        asked++;
        const { sql, parameters } = step.value.compile();
        const same = other.value.compile();
        assert.equal(same.parameters, parameters, sql);
        assert.not.match(same.sql, ofSqlite);
        const rows = database.prepare(sql).all(...(parameters as string[]));
        step = here.next(rows);
        other = there.next(rows);
      }
      assert.equal([step.done, other.done], [true, true]);
      assert.equal(other.value, step.value);
    }
    assert.ok(asked > questions.length, `${asked}`);
    database.close();
  }),
);

queries.run();
