import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { Migrator } from 'kysely/migration';
import { kyselyOver } from '../../../src/runtime/sqlite.ts';
import { callsAndDeliveries } from '../../../src/store/migrations/001-calls-and-deliveries.ts';
import { memories } from '../../../src/store/migrations/002-memories.ts';
import { erasures } from '../../../src/store/migrations/003-erasures.ts';
import { lighterPushes } from '../../../src/store/migrations/004-lighter-pushes.ts';
import { dataDirOf, openStore } from '../../../src/store/open.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import { type Store, StoreUnavailable } from '../../../src/store/store.ts';
import { storeContract } from '../../conformance/store-contract.ts';
import { endPush, startPush } from '../../support/build-push.ts';
import { atStoreSteps } from '../../support/store-steps.ts';
import { assert, suite, until } from '../../support/suite.ts';
import { newPush, withFolder, withSqliteStore } from '../../support/with-store.ts';

storeContract('SQLite', withSqliteStore);

const sqlite = suite('SQLite file');
const now = new Date('2026-11-02T03:20:00.000Z');

/** The sentence with which opening is refused. */
async function refusal(file: string, role: 'bridge' | 'command' = 'bridge'): Promise<string> {
  try {
    await (await openSqliteStore(file, role)).close();
  } catch (reason) {
    return (reason as Error).message;
  }
  throw new Error('it was opened');
}

function execute(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

sqlite('what was recorded is there after close and open', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'deep', 'er', 'bridge.db');
    const first = await openSqliteStore(file, 'bridge');
    await first.record(newPush(startPush('1')));
    await first.rememberPeople('crm', new Map([['+61444444444', { type: 'contact', id: '5' }]]));
    await first.setConnectorState({ connector: 'crm', blockedReason: 'Revoked.', since: now });
    await first.close();

    const second = await openSqliteStore(file, 'bridge');
    const [story] = await second.stories('1');
    assert.equal({ ...story!.state.fields }, startPush('1'));
    assert.is(story!.pushes.length, 1);
    assert.is(story!.deliveries[0]!.state, 'due');
    assert.is((await second.findPeople('crm', ['+61444444444'])).size, 1);
    assert.equal(await second.connectorStates(), [
      {
        connector: 'crm',
        blockedReason: 'Revoked.',
        openReason: null,
        probeAt: null,
        since: now,
        paused: null,
        lastError: null,
      },
    ]);
    assert.is((await second.record(newPush(endPush('1')))).revision, 2);
    await second.close();
  }),
);

sqlite('close writes what was asked for, and refuses what is asked for afterwards', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const store = await openSqliteStore(file, 'bridge');
    const recorded = store.record(newPush(startPush('1')));
    await store.close();
    assert.is((await recorded).revision, 1);
    const reason = await store.record(newPush(startPush('2'))).catch((thrown: unknown) => thrown);
    assert.instance(reason, StoreUnavailable);
    assert.is((reason as Error).message, 'The store is closed.');
  }),
);

sqlite('a second bridge on the file is refused, a command beside it is not', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const bridge = await openSqliteStore(file, 'bridge');
    const sentence = `Another delacon-bridge runs on ${file}. Stop it first, or give this one another store.url.`;
    assert.is(await refusal(file), sentence);
    const command = await openSqliteStore(file, 'command');
    await command.record(newPush(startPush('1')));
    assert.is((await bridge.stories('1')).length, 1);
    await command.close();
    assert.is(await refusal(file), sentence, 'still after the command has gone');
    await bridge.close();
    await (await openSqliteStore(file, 'bridge')).close();
  }),
);

sqlite('the file is readable by its user alone, its write-ahead log too', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'data', 'bridge.db');
    const store = await openSqliteStore(file, 'bridge');
    await store.record(newPush(startPush('1')));
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    assert.equal(
      await Promise.all(
        [file, `${file}-wal`, `${file}-shm`, `${file}.lock`, join(folder, 'data')].map((path) => mode(path)),
      ),
      ['600', '600', '600', '600', '700'],
    );
    await store.close();
  }),
);

sqlite('a file of another program is refused and left as it is', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'other.db');
    execute(file, 'create table invoices (id integer); insert into invoices values (7)');
    const [before, mode] = [await readFile(file), (await stat(file)).mode];
    for (const role of ['bridge', 'command'] as const) {
      assert.is(
        await refusal(file, role),
        `${file} belongs to another program. It was left as it is: set store.url to a file of its own.`,
      );
    }
    assert.ok(before.equals(await readFile(file)));
    assert.is((await stat(file)).mode, mode);
  }),
);

sqlite('a file that is no database is refused and left as it is', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'notes.txt');
    await writeFile(file, 'these are my notes\n'.repeat(500));
    const before = await readFile(file);
    assert.is(
      await refusal(file),
      `${file} is not a readable SQLite database (file is not a database). It was left as it is: ` +
        'restore a backup, or set store.url to a new file.',
    );
    assert.ok(before.equals(await readFile(file)));
  }),
);

sqlite('a database that lost its end is refused and left as it is', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const store = await openSqliteStore(file, 'bridge');
    await Promise.all(Array.from({ length: 50 }, (_, n) => store.record(newPush(startPush(`${n}`)))));
    await store.close();
    const whole = await readFile(file);
    const half = whole.subarray(0, whole.length / 2);
    await writeFile(file, half);
    assert.is(
      await refusal(file),
      `${file} is not a readable SQLite database (database disk image is malformed). It was left as it is: ` +
        'restore a backup, or set store.url to a new file.',
    );
    assert.ok(half.equals(await readFile(file)));
  }),
);

sqlite('a folder is refused', () =>
  withFolder(async (folder) => {
    await mkdir(join(folder, 'bridge.db'));
    assert.is(
      await refusal(join(folder, 'bridge.db')),
      `${join(folder, 'bridge.db')} is a folder, not a database.`,
    );
  }),
);

/*
 * In /proc there is no folder to be had, and Node's recursive mkdir looks for one for ever: the bridge began to start, and
 * never said why it did not.
 */
for (const [path, sentence] of [
  [
    '/proc/none/bridge.db',
    'The folder /proc/none cannot be made (ENOENT). Set store.url to a file in a folder that this user may write to.',
  ],
  [
    '/dev/null/bridge.db',
    'The folder /dev/null cannot be made (EEXIST). Set store.url to a file in a folder that this user may write to.',
  ],
  [
    '/proc/bridge.db',
    '/proc/bridge.db.lock cannot be opened (unable to open database file). Set store.url to a file in a folder that this user may write to.',
  ],
] as const) {
  sqlite(`${path} cannot be, and a sentence says so`, async () => {
    assert.is(await refusal(path), sentence);
  });
}

sqlite('a database that a newer version wrote is refused', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    await (await openSqliteStore(file, 'bridge')).close();
    execute(file, "insert into kysely_migration values ('999-from-the-future', '2030-01-01T00:00:00.000Z')");
    assert.is(
      await refusal(file),
      'The database was written by a newer delacon-bridge: use that version or a later one. Nothing was changed.',
    );
    execute(file, "delete from kysely_migration where name like '999%'");
    await (await openSqliteStore(file, 'bridge')).close();
  }),
);

/** A database of the first version: call 1 has both its pushes, the start thrice more, and a due delivery; call 2 rings. */
async function writeFirstVersion(file: string): Promise<{ start: string; end: string }> {
  const database = new DatabaseSync(file);
  database.exec('pragma journal_mode=wal');
  const provider = { getMigrations: async () => ({ '001-calls-and-deliveries': callsAndDeliveries }) };
  await new Migrator({ db: kyselyOver(database), provider }).migrateToLatest();
  const [start, end] = [startPush('1'), endPush('1')].map((fields) => JSON.stringify(fields)) as [
    string,
    string,
  ];
  const call = database.prepare(
    "insert into calls values (?, 'acme', ?, ?, ?, '44444444', 1000, 2000, ?, 0, ?)",
  );
  call.run(1, '1', 2, JSON.stringify({ ...startPush('1'), ...endPush('1') }), 2000, null);
  call.run(2, '2', 1, JSON.stringify(startPush('2')), null, 9000);
  const push = database.prepare('insert into pushes values (?, ?, ?, ?, ?, ?)');
  push.run(2, 1, 1500, JSON.stringify(startPush('2')), 0, null);
  push.run(1, 2, 2000, end, 0, null);
  push.run(1, 1, 1000, start, 3, 1200);
  database.exec(
    `insert into deliveries values (1, 'crm', 'due', 2, 1, 2000, 1, 0, null, null, '{"activity":{"type":"call","id":"5"}}');
     pragma application_id=${0x64656c42}`,
  );
  database.close();
  return { start, end };
}

/** The same, as the version before the index of calls and the decisions left it. */
async function writeFourthVersion(file: string): Promise<void> {
  await writeFirstVersion(file);
  const database = new DatabaseSync(file);
  const provider = {
    getMigrations: async () => ({
      '001-calls-and-deliveries': callsAndDeliveries,
      '002-memories': memories,
      '003-erasures': erasures,
      '004-lighter-pushes': lighterPushes,
    }),
  };
  const { error } = await new Migrator({ db: kyselyOver(database), provider }).migrateToLatest();
  assert.is(error, undefined);
  database.close();
}

sqlite('a database of the first version is taken over whole', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const { start, end } = await writeFirstVersion(file);

    const store = await openSqliteStore(file, 'bridge');
    const [story] = await store.stories('1');
    assert.equal({ ...story!.state.fields }, { ...startPush('1'), ...endPush('1') });
    assert.equal(
      story!.pushes.map(({ body, repeats }) => [body, repeats]),
      [
        [start, 3],
        [end, 0],
      ],
    );
    assert.is(story!.deliveries[0]!.records.activity!.id, '5');
    assert.is((await store.record(newPush(startPush('1')))).repeat, true);
    const { revision, state } = await store.record(newPush(endPush('2')));
    assert.equal(
      [revision, state.fields['PLA_CallResult'], state.fields['PLA_City']],
      [2, 'Answered', 'abc'],
    );
    await store.close();
  }),
);

sqlite('a refused file is not held: the next one can have it', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    await writeFile(file, 'x'.repeat(5_000));
    await refusal(file);
    await writeFile(file, '');
    await (await openSqliteStore(file, 'bridge')).close();
  }),
);

sqlite('leases are free again when a bridge opens the file, and stay when a command does', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const first = await openSqliteStore(file, 'bridge');
    const lease = await first.acquireLease('crm', 'first', now, 3_600_000);
    await (await openSqliteStore(file, 'command')).close();
    assert.is(await first.acquireLease('crm', 'second', now, 3_600_000), null);
    await first.close();
    const second = await openSqliteStore(file, 'bridge');
    const taken = await second.acquireLease('crm', 'second', now, 3_600_000);
    assert.ok(taken!.fence > lease!.fence);
    await second.close();
  }),
);

sqlite('watch tells of what another connection wrote, and not of its own writes', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const bridge = await openSqliteStore(file, 'bridge');
    const command = await openSqliteStore(file, 'command');
    await bridge.record(newPush(startPush('1')));
    let seenByCommand = 0;
    let seenByBridge = 0;
    const unwatch = [bridge.watch(() => seenByBridge++), command.watch(() => seenByCommand++)];
    await command.replay([1], () => ['crm'], now);
    await until('the bridge sees the replay', () => seenByBridge > 0);
    assert.is(seenByCommand, 0);
    for (const end of unwatch) end();
    await command.close();
    await bridge.close();
  }),
);

sqlite('an error of SQLite says that the store is unavailable, and nothing is written', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const store = await openSqliteStore(file, 'bridge');
    await store.record(newPush(startPush('1')));
    execute(file, 'alter table pushes rename to elsewhere');
    const reason = await store.record(newPush(startPush('2'))).catch((thrown: unknown) => thrown);
    assert.instance(reason, StoreUnavailable);
    assert.match((reason as Error).message, /^SQLite: no such table/);
    execute(file, 'alter table elsewhere rename to pushes');
    assert.equal(
      (await store.calls({ limit: 10 })).map(({ state }) => state.callId),
      ['1'],
    );
    await store.close();
  }),
);

sqlite('the folder beside the database is the folder for what belongs to it', async () => {
  assert.is(dataDirOf('sqlite:/var/lib/bridge/bridge.db'), '/var/lib/bridge');
  await withFolder(async (folder) => {
    await (await openStore(`sqlite:${join(folder, 'named.db')}`, 'bridge')).close();
    assert.ok((await stat(join(folder, 'named.db'))).isFile());
  });
});

sqlite('what was acknowledged survives a kill, and the next bridge starts at once', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    for (const callId of ['1', '2']) {
      const script = fileURLToPath(new URL('record-and-wait.ts', import.meta.url));
      const child = spawn(process.execPath, [script, file, callId], { stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(child, 'exit');
      const [said] = await once(child.stdout, 'data');
      assert.is(String(said), 'recorded\n');
      child.kill('SIGKILL');
      await ended;
    }
    const store = await openSqliteStore(file, 'bridge');
    assert.equal(
      (await store.calls({ limit: 10 })).map(({ state, deliveries }) => [state.callId, deliveries.length]),
      [
        ['2', 1],
        ['1', 1],
      ],
    );
    assert.ok(await store.acquireLease('crm', 'the next one', now, 1_000));
    await store.close();
  }),
);

/**
 * Starts on what a bridge would leave that is killed at one step of its start after another, until it has recorded call
 * 3: a kill leaves the files as they are.
 * @param every 2: all of them, since after one step is before the next
 */
async function killAtSteps(
  every: number,
  prepare: (file: string) => Promise<unknown>,
  look: (store: Store, step: number) => Promise<void>,
): Promise<number> {
  return withFolder(async (folder) => {
    const at = (step: number | 'start') => join(folder, String(step), 'bridge.db');
    await mkdir(dirname(at('start')));
    await prepare(at('start'));
    let steps = 0;
    let recordedAt = 0;
    const kept: number[] = [];
    const keep = () => {
      cpSync(dirname(at('start')), dirname(at(steps)), { recursive: true });
      kept.push(steps);
    };
    const end = atStoreSteps(() => {
      if (steps++ % every === 0) keep();
    });
    try {
      const killed = await openSqliteStore(at('start'), 'bridge');
      await killed.record(newPush(startPush('3')));
      recordedAt = ++steps;
      keep();
      await killed.close();
    } finally {
      end();
    }
    for (const step of kept) {
      const store = await openSqliteStore(at(step), 'bridge');
      await store.record(newPush(startPush('4')));
      const calls = (await store.calls({ limit: 10 })).map(({ state }) => state.callId);
      assert.ok(calls.includes('4') && (step < recordedAt || calls.includes('3')), `step ${step}: ${calls}`);
      await look(store, step);
      await store.close();
      await rm(dirname(at(step)), { recursive: true });
    }
    return kept.length;
  });
}

sqlite('killed at any step of making the database, the next start finishes it', async () => {
  const kills = await killAtSteps(
    2,
    async () => {},
    async () => {},
  );
  assert.ok(kills > 20, `${kills} kills`);
});

for (const [version, write] of [
  ['the first', writeFirstVersion],
  ['the fourth', writeFourthVersion],
] as const)
  sqlite(
    `killed at steps all along the taking over of a database of ${version} version, the next start finishes it`,
    async () => {
      const kills = await killAtSteps(6, write, async (store, step) => {
        const [first] = await store.stories('1');
        const [second] = await store.stories('2');
        assert.equal(
          [first, second].map((story) => story?.pushes.map(({ repeats }) => repeats)),
          [[3, 0], [0]],
          `step ${step}`,
        );
        assert.equal({ ...first!.state.fields }, { ...startPush('1'), ...endPush('1') });
        assert.is(first!.deliveries[0]!.records.activity!.id, '5');
      });
      assert.ok(kills > 20, `${kills} kills`);
    },
  );

sqlite.run();
