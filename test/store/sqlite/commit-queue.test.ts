import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CommitQueue } from '../../../src/store/sqlite/commit-queue.ts';
import { SqliteFile } from '../../../src/store/sqlite/file.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import { StoreUnavailable } from '../../../src/store/store.ts';
import { startPush } from '../../support/build-push.ts';
import { assert, suite } from '../../support/suite.ts';
import { newPush, withFolder } from '../../support/with-store.ts';

const queue = suite('commits');

const reasonOf = (write: Promise<unknown>) =>
  write.then(
    () => 'taken',
    (thrown: Error) => thrown.message,
  );

/** Runs `use` while another process holds the lock; `release` ends that. */
async function whileLocked(file: string, use: (release: () => Promise<void>) => Promise<void>) {
  const script = new URL('hold-lock.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  const release = async () => {
    child.stdin.end();
    await ended;
  };
  try {
    await use(release);
  } finally {
    await release();
  }
}

/* SQLite waited for the lock within the event loop, five seconds for the group and then for each of its writes. */
queue('while another program holds the lock the loop goes on, and what waited is committed after it', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const store = await openSqliteStore(file, 'bridge');
    await whileLocked(file, async (release) => {
      let isStored = false;
      const recorded = Promise.all(
        Array.from({ length: 20 }, (_, n) => store.record(newPush(startPush(`${n}`)))),
      ).then(() => (isStored = true));
      let turns = 0;
      for (; turns < 100; turns++) await new Promise((resolve) => setTimeout(resolve, 1));
      assert.is(isStored, false);
      assert.equal(await store.calls({ limit: 10 }), [], 'what reads is not held up');
      assert.equal(
        (await store.indexCalls({ version: 'v', sources: {} }, () => assert.unreachable() as never, 8))
          .isDone,
        true,
      );
      await release();
      await recorded;
    });
    assert.is((await store.calls({ limit: 100 })).length, 20);
    await store.close();
  }),
);

queue('a write that has waited for long enough is refused, without what it would have written', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'queue.db');
    const database = new DatabaseSync(file);
    database.exec('pragma journal_mode=wal; create table t (a)');
    const commits = new CommitQueue(database, undefined);
    const add = database.prepare('insert into t values (?)');
    await whileLocked(file, async (release) => {
      let runs = 0;
      const hasty = Array.from({ length: 10 }, (_, n) =>
        commits.write(() => {
          runs++;
          add.run(n);
        }, 30),
      );
      const patient = commits.write(() => add.run(100), 60_000);
      const results = await Promise.allSettled(hasty);
      for (const result of results) {
        assert.instance((result as PromiseRejectedResult).reason, StoreUnavailable);
        assert.is(
          (result as PromiseRejectedResult).reason.message,
          'Another program holds a lock on the database (database is locked).',
        );
      }
      assert.is(runs, 0);
      await release();
      await patient;
    });
    assert.equal(
      database
        .prepare('select a from t')
        .all()
        .map(({ a }) => a),
      [100],
    );
    await commits.close();
    database.close();
  }),
);

queue('what is asked for while it waits for a lock is committed before it closes', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const store = await openSqliteStore(file, 'bridge');
    await whileLocked(file, async (release) => {
      const recorded = store.record(newPush(startPush('1')));
      const closed = store.close();
      await release();
      assert.is((await recorded).revision, 1);
      await closed;
    });
  }),
);

queue('a write that fails by itself fails alone; what the machine refuses is not tried one by one', () =>
  withFolder(async (folder) => {
    const database = new DatabaseSync(join(folder, 'queue.db'));
    database.exec('pragma journal_mode=wal; create table t (a unique)');
    const commits = new CommitQueue(database, undefined);
    const add = database.prepare('insert into t values (?)');
    let runs = 0;
    const write = (n: number | string) =>
      commits.write(() => {
        runs++;
        return add.run(n);
      });
    const alone = await Promise.all([1, 2, 2, 3].map((n) => reasonOf(write(n))));
    assert.equal(alone, ['taken', 'taken', 'SQLite: UNIQUE constraint failed: t.a', 'taken']);
    assert.ok(runs > 4);

    runs = 0;
    database.exec('pragma max_page_count=1'); // FULL, as of a full disk
    const refused = await Promise.all([4, 5, 6].map((n) => reasonOf(write('x'.repeat(10_000 + n)))));
    assert.equal(new Set(refused), new Set(['SQLite: database or disk is full']));
    assert.is(runs, 1);
    await commits.close();
    database.close();
  }),
);

/** Spoils the first page of a table or index. */
function spoil(file: string, name: string): void {
  const database = new DatabaseSync(file);
  const { page } = database
    .prepare('select rootpage as page from sqlite_master where name = ?')
    .get(name) as {
    page: number;
  };
  const size = Number(database.prepare('pragma page_size').get()!['page_size']);
  database.close();
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.alloc(size, 0xff), 0, size, (page - 1) * size);
  closeSync(fd);
}

/* Of a damaged database it said that it could be written to, since what it wrote was on another page. */
for (const name of ['calls', 'calls_key', 'pushes', 'deliveries'])
  queue(`that a push would be refused is known before one comes: ${name} is damaged`, () =>
    withFolder(async (folder) => {
      const file = join(folder, 'bridge.db');
      await (await openSqliteStore(file, 'bridge')).close();
      spoil(file, name);
      const store = await openSqliteStore(file, 'bridge');
      assert.is(await reasonOf(store.checkWritable()), 'SQLite: database disk image is malformed');
      assert.is(
        await reasonOf(store.record(newPush(startPush('1')))),
        'SQLite: database disk image is malformed',
      );
      await store.close();
    }),
  );

queue('a damaged page that only some pushes meet is known after the first of them', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    let store = await openSqliteStore(file, 'bridge');
    await Promise.all(Array.from({ length: 2_000 }, (_, n) => store.record(newPush(startPush(`call ${n}`)))));
    await store.close();
    const database = new DatabaseSync(file);
    const size = Number(database.prepare('pragma page_size').get()!['page_size']);
    const root = Number(
      database.prepare("select rootpage as page from sqlite_master where name = 'calls_key'").get()!['page'],
    );
    database.close();
    const fd = openSync(file, 'r+');
    const page = Buffer.alloc(size);
    readSync(fd, page, 0, size, (root - 1) * size);
    // The child of the second cell of the index's first page (https://sqlite.org/fileformat.html).
    const leaf = page.readUInt32BE(page.readUInt16BE(12 + 2));
    writeSync(fd, Buffer.alloc(size, 0xff), 0, size, (leaf - 1) * size);
    closeSync(fd);

    store = await openSqliteStore(file, 'bridge');
    await store.checkWritable();
    const reasons = new Set<string>();
    for (let n = 0; n < 2_000 && reasons.size < 2; n += 7)
      reasons.add(await reasonOf(store.record(newPush(startPush(`call ${n}`), { body: `{"n":${n}}` }))));
    assert.equal(reasons, new Set(['taken', 'SQLite: database disk image is malformed']));
    assert.is(await reasonOf(store.checkWritable()), 'SQLite: database disk image is malformed');
    await store.close();
  }),
);

/* With room for some pages, what it looked with fitted and a push did not: it said that it could be written to. */
queue('a disk that had no room for a push is full until it has, whatever smaller fits', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'bridge.db');
    await (await openSqliteStore(path, 'bridge')).close();
    const database = new DatabaseSync(path);
    const commits = new CommitQueue(database, undefined);
    const file = new SqliteFile(path, database, commits, undefined);
    const add = database.prepare('insert or replace into kept (name, text) values (?, ?)');
    const push = () => reasonOf(commits.write(() => add.run('x', 'x'.repeat(250_000))));
    const pages = Number(database.prepare('pragma page_count').get()!['page_count']);
    database.exec(`pragma max_page_count=${pages + 8}`);
    assert.is(await reasonOf(file.checkWritable()), 'taken', 'nobody knows yet');
    assert.is(await push(), 'SQLite: database or disk is full');
    for (const _ of [1, 2])
      assert.is(await reasonOf(file.checkWritable()), 'SQLite: database or disk is full');
    database.exec('pragma max_page_count=1000000');
    assert.is(await reasonOf(file.checkWritable()), 'taken', 'without a push');
    assert.is(await push(), 'taken');
    assert.is(
      database.prepare('select count(*) as n from kept').get()!['n'],
      1,
      'and nothing is left behind',
    );
    await commits.close();
    database.close();
  }),
);

queue('to look whether it can be written to leaves nothing behind', () =>
  withFolder(async (folder) => {
    const store = await openSqliteStore(join(folder, 'bridge.db'), 'bridge');
    const recorded = store.record(newPush(startPush('1')));
    await Promise.all([store.checkWritable(), store.checkWritable()]);
    await recorded;
    await store.checkWritable();
    assert.is((await store.calls({ limit: 10 })).length, 1);
    assert.equal(
      (await store.openDeliveries()).map(({ connector, due }) => [connector, due]),
      [['crm', 1]],
    );
    await store.close();
  }),
);

queue.run();
