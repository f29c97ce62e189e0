import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Fields } from '../../../src/call/push.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import { type Store, StoreUnavailable } from '../../../src/store/store.ts';
import { endPush, startPush } from '../../support/build-push.ts';
import { assert, suite } from '../../support/suite.ts';
import { newPush, withFolder } from '../../support/with-store.ts';

const opened = suite('the opened file');

async function callsIn(file: string): Promise<string[]> {
  const store = await openSqliteStore(file, 'bridge');
  try {
    return (await store.calls({ limit: 10 })).map(({ state }) => state.callId);
  } finally {
    await store.close();
  }
}

/** The store's own clock keeps no process alive. */
async function lossOf(store: Store): Promise<string> {
  const awake = setInterval(() => {}, 1_000);
  try {
    return await store.lost;
  } finally {
    clearInterval(awake);
  }
}

function integrityOf(file: string): unknown {
  const database = new DatabaseSync(file);
  try {
    return database.prepare('pragma integrity_check').get()!['integrity_check'];
  } finally {
    database.close();
  }
}

/** A store in which call 1 is, and a backup of it that has call 0 alone. */
async function withStoreAndBackup(use: (store: Store, file: string, backup: string) => Promise<void>) {
  await withFolder(async (folder) => {
    const file = join(folder, 'data', 'bridge.db');
    const backup = join(folder, 'backup.db');
    const store = await openSqliteStore(file, 'bridge');
    await store.record(newPush(startPush('0')));
    await store.backup(backup);
    await store.record(newPush(startPush('1')));
    await use(store, file, backup);
  });
}

/*
 * A bridge whose file was taken away answered 200 and wrote on into what nobody could find again: all calls until the next
 * start were gone.
 */
for (const [name, deed, sentence, kept] of [
  [
    'removed',
    (file: string) => rmSync(file),
    /bridge\.db was removed or renamed while the bridge ran\. Pushes are refused, and the bridge ends\./,
    'saved',
  ],
  [
    'removed with all that is beside it',
    (file: string) => {
      for (const one of readdirSync(dirname(file))) rmSync(join(dirname(file), one));
    },
    /bridge\.db was removed or renamed/,
    'saved',
  ],
  [
    'replaced by a backup',
    (file: string, backup: string) => renameSync(backup, file),
    /bridge\.db was replaced by another file/,
    'saved',
  ],
  [
    'renamed',
    (file: string) => renameSync(file, `${file}.old`),
    /bridge\.db was removed or renamed/,
    'saved',
  ],
  [
    'renamed with its folder',
    (file: string) => renameSync(dirname(file), `${dirname(file)}.old`),
    /bridge\.db was removed or renamed/,
    'saved',
  ],
  [
    'hidden behind another folder',
    (file: string) => {
      renameSync(dirname(file), `${dirname(file)}.old`);
      mkdirSync(dirname(file));
      writeFileSync(file, '');
    },
    /bridge\.db was replaced by another file/,
    'saved',
  ],
  [
    'robbed of its log',
    (file: string) => rmSync(`${file}-wal`),
    /bridge\.db-wal was removed or renamed/,
    'in place',
  ],
  [
    'robbed of its index of the log',
    (file: string) => rmSync(`${file}-shm`),
    /bridge\.db-shm was removed or renamed/,
    'in place',
  ],
  [
    // Whoever tidies *.lock away lets a second bridge begin.
    'robbed of its claim',
    (file: string) => rmSync(`${file}.lock`),
    /bridge\.db\.lock was removed or renamed/,
    'in place',
  ],
  [
    'robbed of its claim, and had by another bridge by now,',
    (file: string) => {
      rmSync(`${file}.lock`);
      const another = new DatabaseSync(file);
      another.exec('pragma user_version=1; pragma wal_checkpoint');
      another.close();
    },
    /bridge\.db\.lock was removed or renamed/,
    'in place',
  ],
] as const) {
  opened(`of a file that is ${name} no push is acknowledged any more, and what it held is saved`, () =>
    withStoreAndBackup(async (store, file, backup) => {
      deed(file, backup);
      const reason = await store.record(newPush(startPush('2'))).catch((thrown: unknown) => thrown);
      assert.instance(reason, StoreUnavailable);
      assert.match((reason as Error).message, sentence);
      assert.is(await lossOf(store), (reason as Error).message);
      for (const write of [store.record(newPush(endPush('1'))), store.checkWritable()])
        assert.is(
          await write.then(
            () => 'taken',
            (thrown: Error) => thrown.message,
          ),
          (reason as Error).message,
        );
      const backupNow = existsSync(file) && kept === 'saved' ? readFileSync(file) : null;
      const said = await store.rescue();
      await store.close();
      if (backupNow) assert.ok(readFileSync(file).equals(backupNow), 'what was put there is left as it is');
      const saved = /is saved as (\S+\.saved-\S+)\. To go on with that, put it where store\.url points/.exec(
        said,
      )?.[1];
      assert.is(saved !== undefined, kept === 'saved', said);
      const calls = await callsIn(saved ?? file);
      assert.ok(calls.includes('1') && calls.includes('0'), `${calls}`);
    }),
  );
}

opened('a file that another was copied over is noticed, and the two are not mixed', () =>
  withStoreAndBackup(async (store, file, backup) => {
    writeFileSync(file, readFileSync(backup)); // as cp does it: the same file, other content
    const reason = await store.record(newPush(startPush('2'))).catch((thrown: unknown) => thrown);
    assert.instance(reason, StoreUnavailable);
    assert.match((reason as Error).message, /bridge\.db was overwritten while the bridge ran\./);
    assert.match(
      await store.rescue(),
      /What it held is gone, but for the latest changes: SQLite's log is saved as \S+bridge\.db-wal\.saved-/,
    );
    await store.close();
    assert.ok(readFileSync(file).equals(readFileSync(backup)));
    assert.equal(await callsIn(file), ['0']);
    assert.is(integrityOf(file), 'ok');
  }),
);

opened('so is one that was copied over by the file of an earlier run, and one that was emptied', async () => {
  for (const deed of [
    (file: string, earlier: string) => writeFileSync(file, readFileSync(earlier)),
    (file: string) => truncateSync(file),
  ])
    await withFolder(async (folder) => {
      const file = join(folder, 'bridge.db');
      const earlier = join(folder, 'earlier.db');
      let store = await openSqliteStore(file, 'bridge');
      await store.record(newPush(startPush('0')));
      await store.close();
      copyFileSync(file, earlier);
      store = await openSqliteStore(file, 'bridge');
      await store.record(newPush(startPush('1')));
      deed(file, earlier);
      assert.match(await lossOf(store), /bridge\.db was overwritten while the bridge ran\./);
      await store.rescue();
      await store.close();
    });
});

opened('while nothing comes it is noticed, too', () =>
  withStoreAndBackup(async (store, file) => {
    rmSync(file);
    assert.match(await lossOf(store), /was removed or renamed/);
    await store.close();
  }),
);

opened('revisions given after a backup was restored are above all that were given before', () =>
  withStoreAndBackup(async (store, file, backup) => {
    await store.close();
    renameSync(backup, file);
    await (await openSqliteStore(file, 'command')).close(); // `check`, before the start
    const restored = await openSqliteStore(file, 'bridge');
    const told = async (fields: Fields) => {
      const { begins, revision } = await restored.record(newPush(fields));
      return [begins, revision];
    };
    const [known] = await restored.stories('0');
    assert.is(known!.revision, 1);
    assert.equal(await told(endPush('0')), [false, 1_000_001]);
    assert.equal(await told(startPush('1')), [true, 1_000_001]);
    assert.equal(await told(endPush('1')), [false, 1_000_002]);
    await restored.close();
    const again = await openSqliteStore(file, 'bridge');
    assert.is((await again.record(newPush(startPush('2')))).revision, 1_000_001, 'a start is no restore');
    await again.close();
  }),
);

opened('commands beside the bridge, backups, checkpoints and a new start are no such thing', () =>
  withStoreAndBackup(async (store, file) => {
    for (let n = 0; n < 3; n++) {
      const command = await openSqliteStore(file, 'command');
      await command.record(newPush(startPush(`c${n}`)));
      await command.close();
      await store.backup(`${file}.${n}`);
      const other = new DatabaseSync(file);
      other.exec('pragma wal_checkpoint(truncate); vacuum');
      other.close();
      assert.is((await store.record(newPush(startPush(`b${n}`)))).revision, 1);
    }
    await store.close();
    assert.is((await callsIn(file)).length, 8);
  }),
);

opened.run();
