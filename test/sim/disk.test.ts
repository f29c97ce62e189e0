import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { type Store, StoreUnavailable } from '../../src/store/store.ts';
import { storeContract } from '../conformance/store-contract.ts';
import { startPush } from '../support/build-push.ts';
import { seeded } from '../support/random.ts';
import { assert, suite, until } from '../support/suite.ts';
import { newPush } from '../support/with-store.ts';
import { Disk, type DiskError, loseAll, type Step } from './disk.ts';
import { mountDisk } from './mount.ts';
import { diskWithStore, type Mishap, storeFile, storeTrial, type Verdict } from './store-trial.ts';
import { SimulatedDatabase } from './wasm-sqlite.ts';

const start = await diskWithStore();

async function withStoreOnDisk<T>(use: (store: Store, disk: Disk) => Promise<T>): Promise<T> {
  const disk = start.copy(seeded(1));
  using _ = mountDisk(disk);
  const store = await openSqliteStore(storeFile, 'bridge');
  try {
    return await use(store, disk);
  } finally {
    await store.close();
  }
}

storeContract('simulated disk', withStoreOnDisk);

const disks = suite('simulated disk');

const text = (disk: Disk, path: string) => Buffer.from(disk.find(path)?.content() ?? []).toString();
const sector = (letter: string) => letter.repeat(512);

function opened(disk: Disk, path = '/file') {
  return disk.open(disk.find(path) ?? disk.create(path));
}

disks('a power cut keeps what was synced, and of the rest any sectors of any write', () => {
  const ends = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const disk = new Disk(seeded(seed));
    const file = opened(disk);
    file.write(Buffer.from(sector('a') + sector('a')), 0);
    file.sync();
    disk.syncFolder('/');
    file.write(Buffer.from(sector('b') + sector('b')), 0);
    file.write(Buffer.from('c'), 512);
    disk.cutPower();
    disk.start();
    ends.add(text(disk, '/file').replace(/(.)\1+/g, '$1'));
  }
  // The second sector has c only with the b before it: a sector is written whole, with all that is in it.
  assert.equal([...ends].sort(), ['a', 'ab', 'acb', 'b', 'ba', 'bcb']);
});

disks(
  'names, sizes and removals last from the sync of the folder or the file on, in the order they were made',
  () => {
    const ends = new Set<string>();
    for (let seed = 0; seed < 300; seed++) {
      const disk = new Disk(seeded(seed));
      const old = opened(disk, '/old');
      old.write(Buffer.from('12345678'), 0);
      old.sync();
      disk.syncFolder('/');
      old.truncate(4);
      opened(disk, '/new').sync();
      disk.remove('/old');
      disk.rename('/new', '/newer');
      disk.cutPower();
      disk.start();
      ends.add(
        disk
          .list('/')
          .map((name) => name + text(disk, `/${name}`))
          .join(' '),
      );
    }
    assert.equal([...ends].sort(), [
      'new',
      'new old1234',
      'new old12345678',
      'newer',
      'old1234',
      'old12345678',
    ]);
  },
);

disks('a sync that failed leaves what no later sync writes, and is seen until the system forgets it', () => {
  const disk = new Disk(loseAll);
  const file = opened(disk);
  disk.before = ({ kind }) => (kind === 'sync' ? 'EIO' : undefined);
  file.write(Buffer.from(sector('a')), 0);
  assert.throws(
    () => file.sync(),
    (reason: DiskError) => reason.code === 'EIO',
  );
  disk.before = null;
  file.sync();
  assert.is(text(disk, '/file'), sector('a'));
  file.write(Buffer.from('bb'), 512);
  file.sync();
  disk.dropCaches();
  assert.is(text(disk, '/file'), `${'\0'.repeat(512)}bb`);
});

disks(
  'a full disk takes what fits and says that it is full; a killed process loses nothing that it wrote',
  () => {
    const disk = new Disk(loseAll);
    disk.capacity = 10;
    const me = {};
    const file = disk.open(disk.create('/file'), me);
    file.write(Buffer.from('12345'), 0);
    assert.throws(
      () => file.write(Buffer.from('6789012'), 5),
      (reason: DiskError) => reason.code === 'ENOSPC',
    );
    disk.kill(me);
    assert.throws(() => file.write(Buffer.from('x'), 0));
    assert.throws(() => disk.open(disk.find('/file')!, me));
    assert.is(text(disk, '/file'), '1234567890');
  },
);

/* What is found out with the driver of the simulation is worth no more than that is like the real one. */
disks('the driver reads, binds and fails as node:sqlite does', () => {
  const script: ((database: DatabaseSync) => unknown)[] = [
    (db) => db.exec('create table t (a integer primary key, b blob, c text, d) -- the end'),
    (db) => db.prepare('insert into t values (?, ?, ?, ?)').run(1, new Uint8Array([0, 255]), 'Zoë 🙂', null),
    (db) => db.prepare('insert into t values (?, ?, ?, ?)').run(2, new Uint8Array(), '', 2.5),
    (db) => db.prepare('insert into t values (:a, @b, $c, :d)').run({ a: 3, '@b': null, c: 'x', d: 1n }),
    (db) => db.prepare('select *, typeof(a), typeof(b), typeof(c), typeof(d) from t').all(),
    (db) => [...db.prepare('select a from t order by a desc').iterate()],
    (db) => db.prepare('select ?1 x, :n y, typeof(:n) z').get({ n: 4 }, 3),
    (db) => db.prepare('select ?, ? y').get(1),
    (db) => db.prepare('select a, b as other, 1 + 1 from t').columns(),
    (db) => db.prepare('select a from t where a = ?').get(9),
    (db) => db.prepare('update t set d = ? where a > 1').run('later'),
    (db) => db.prepare('select count(*) filter (where d = ?) n from t').get('later'),
    (db) => db.prepare('insert into t (a) values (1)').run(),
    (db) => db.exec('select 1; selec'),
    (db) => db.prepare('selec'),
    (db) => db.prepare(''),
    (db) => db.prepare('select "no name"').get(),
    (db) => db.prepare('select ?').get(undefined as never),
    (db) => db.prepare('select ?').get(true as never),
    (db) => db.prepare('select ?').get(2n ** 70n),
    (db) => db.prepare('select ?').get(1, 2),
    (db) => db.prepare('select :a').get({ b: 1 }),
    (db) => db.prepare('select 9007199254740993').get(),
    (db) => [db.isTransaction, db.exec('begin'), db.isTransaction, db.exec('rollback'), db.isTransaction],
    (db) => {
      const all = db.prepare('select * from t where a = 2');
      return [all.get(), db.exec('alter table t add column e default 5'), all.get()];
    },
    (db) =>
      ['page_size', 'foreign_keys', 'synchronous', 'busy_timeout'].map((name) =>
        db.prepare(`pragma ${name}`).get(),
      ),
    (db) => [db.close(), db.isOpen],
    (db) => db.prepare('select 1'),
    (db) => db.close(),
    () => new DatabaseSync('/nowhere/file'),
  ];
  const answer = (database: DatabaseSync, run: (database: DatabaseSync) => unknown) => {
    try {
      return run(database);
    } catch (reason) {
      const { name, message, code, errcode, errstr } = reason as Error & Record<string, unknown>;
      return { name, message, code, errcode, errstr };
    }
  };
  const disk = new Disk(loseAll);
  using _ = mountDisk(disk);
  const real = new DatabaseSync(':memory:');
  const simulated = new SimulatedDatabase('/simulated/file') as unknown as DatabaseSync;
  for (const run of script.slice(0, -1)) assert.equal(answer(simulated, run), answer(real, run), String(run));
  assert.equal(
    answer(real, () => new SimulatedDatabase('/simulated/nowhere/file')),
    answer(real, script.at(-1)!),
  );
});

const stores = suite('store on a simulated disk');

const everything: readonly Mishap[] = ['powerCut', 'kill', 'EIO', 'ENOSPC'];

async function trials(from: number, to: number, mishaps: readonly Mishap[]): Promise<Verdict> {
  const sum: Verdict = { wrong: [], acknowledged: 0, keptUnanswered: 0, refused: 0, restarts: 0, steps: 0 };
  for (let seed = from; seed < to; seed++) {
    const verdict = await storeTrial(seed, start, mishaps);
    sum.wrong.push(...verdict.wrong.map((what) => `seed ${seed}: ${what}`));
    for (const key of ['acknowledged', 'keptUnanswered', 'refused', 'restarts', 'steps'] as const)
      sum[key] += verdict[key];
  }
  return sum;
}

stores('power cuts at any write: it opens, is whole, and holds all that it had answered', async () => {
  const { wrong, restarts, acknowledged } = await trials(0, 24, ['powerCut']);
  assert.equal(wrong, []);
  assert.ok(restarts > 60 && acknowledged > 300);
});

stores(
  'a broken disk, a full one, kills and power cuts: what is refused is said, what is answered stays',
  async () => {
    const { wrong, restarts, acknowledged, refused } = await trials(0, 24, everything);
    assert.equal(wrong, []);
    assert.ok(restarts > 20 && acknowledged > 300 && refused > 40);
  },
);

for (const [planted, instead] of [
  ['nothing is synced', 'off'],
  ['a commit is answered before its sync', 'normal'],
] as const)
  stores(`it is found when ${planted}`, async () => {
    const { exec } = SimulatedDatabase.prototype;
    SimulatedDatabase.prototype.exec = function (sql) {
      exec.call(this, sql.replaceAll('synchronous=full', `synchronous=${instead}`));
    };
    try {
      assert.ok((await trials(0, 3, ['powerCut'])).wrong.length > 0);
    } finally {
      SimulatedDatabase.prototype.exec = exec;
    }
  });

stores('the same seed ends the same', async () => {
  assert.equal(await trials(100, 104, everything), await trials(100, 104, everything));
});

stores('a disk that is full for a while refuses pushes and takes the next', () =>
  withStoreOnDisk(async (store, disk) => {
    await store.record(newPush(startPush('1')));
    disk.capacity = disk.find(storeFile)!.size;
    const refused = await store.record(newPush(startPush('2'))).catch((reason: unknown) => reason);
    assert.instance(refused, StoreUnavailable);
    disk.capacity = Number.POSITIVE_INFINITY;
    await store.record(newPush(startPush('3')));
    assert.equal(
      (await store.calls({ limit: 9 })).map(({ state }) => state.callId),
      ['3', '1'],
    );
  }),
);

/* Said as "an unexpected error", with a stack trace in the log for each push. */
stores('a file that cannot be looked at is told as such, whatever it is looked at for', () =>
  withStoreOnDisk(async (store, disk) => {
    const says = async (fault: (step: Step) => boolean) => {
      disk.before = (step) => (fault(step) ? 'EIO' : undefined);
      const refused = await store.record(newPush(startPush('1'))).catch((reason: unknown) => reason);
      disk.before = null;
      assert.instance(refused, StoreUnavailable);
      return (refused as Error).message;
    };
    assert.match(await says(() => true), /bridge\.db cannot be looked at \(EIO/);
    let isSynced = false;
    const afterwards = await says(({ kind }) => {
      isSynced ||= kind === 'sync';
      return isSynced && kind === 'read';
    });
    assert.match(afterwards, /bridge\.db cannot be looked at \(EIO/);
    await store.record(newPush(startPush('2')));
  }),
);

stores('a second bridge is refused, a command reads beside, and a killed bridge leaves no lock', async () => {
  const bridge = {};
  let running: object | undefined = bridge;
  const disk = start.copy(seeded(1));
  using _ = mountDisk(disk, { process: () => running });
  const first = await openSqliteStore(storeFile, 'bridge');
  await first.record(newPush(startPush('1')));
  running = {};
  await assertRejects(openSqliteStore(storeFile, 'bridge'), /Another delacon-bridge runs on/);
  const command = await openSqliteStore(storeFile, 'command');
  assert.is((await command.calls({ limit: 9 })).length, 1);
  disk.kill(bridge);
  const second = await openSqliteStore(storeFile, 'bridge');
  await second.record(newPush(startPush('2')));
  assert.is((await command.calls({ limit: 9 })).length, 2);
  await command.close();
  await second.close();
  await first.close();
});

stores('a disk that cannot be read for a while ends no bridge that watches it for what others write', () =>
  withStoreOnDisk(async (store, disk) => {
    const command = await openSqliteStore(storeFile, 'command');
    let seen = 0;
    const unwatch = command.watch(() => seen++);
    let refused = 0;
    await store.record(newPush(startPush('1')));
    disk.before = ({ kind }) => (kind === 'read' && refused++ < 3 ? 'EIO' : undefined);
    await until('the change is seen', () => seen > 0);
    assert.ok(refused >= 3, `${refused}`);
    unwatch();
    await command.close();
  }),
);

stores('a backup that is put in the place of a killed store is not spoilt by its log', () =>
  withStoreOnDisk(async (store, disk) => {
    await store.record(newPush(startPush('1')));
    await store.backup('/simulated/backup.db');
    for (const id of ['2', '3', '4']) await store.record(newPush(startPush(id)));
    disk.kill();
    assert.ok(statSync(`${storeFile}-wal`).size > 0);
    copyFileSync('/simulated/backup.db', storeFile);
    const restored = await openSqliteStore(storeFile, 'bridge');
    assert.equal(
      (await restored.calls({ limit: 9 })).map(({ state }) => state.callId),
      ['1'],
    );
    await restored.close();
  }),
);

stores('a file that is taken away is noticed before a push is answered', () =>
  withStoreOnDisk(async (store, disk) => {
    await store.record(newPush(startPush('1')));
    renameSync(storeFile, '/simulated/elsewhere.db');
    await assertRejects(store.record(newPush(startPush('2'))), /removed or renamed/);
    assert.match(await store.rescue(), /is saved as/);
    assert.is(disk.list('/simulated').filter((name) => name.startsWith('bridge.db.saved-')).length, 1);
  }),
);

stores('files elsewhere stay real', () =>
  withStoreOnDisk(async () => {
    writeFileSync('/simulated/note', 'here');
    assert.is(readFileSync('/simulated/note', 'utf8'), 'here');
    rmSync('/simulated/note');
    assert.not(existsSync('/simulated/note'));
    closeSync(openSync(new URL(import.meta.url).pathname, 'r'));
    assert.match(readFileSync(new URL(import.meta.url), 'utf8'), /files elsewhere stay real/);
  }),
);

async function assertRejects(promise: Promise<unknown>, expected: RegExp): Promise<void> {
  const reason = await promise.then(
    () => assert.unreachable('nothing was refused'),
    (thrown: Error) => thrown,
  );
  assert.match(String(reason), expected);
}

disks.run();
stores.run();
