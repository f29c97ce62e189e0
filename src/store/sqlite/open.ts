import { randomInt } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { type Database, failureOf, kyselyOver, openDatabase } from '../../runtime/sqlite.ts';
import { mendEarlierShapes } from '../migrations/earlier-shapes.ts';
import { migrate, migrationNames } from '../migrations/index.ts';
import type { Tables } from '../schema.ts';
import type { Store } from '../store.ts';
import { claim, ownPath } from './claim.ts';
import { lapsed, released } from './connectors.ts';
import { applicationId } from './file.ts';
import { hasLeftOverLog, removeLeftOverLog, saysNoLog } from './left-over-log.ts';
import { OpenedFile } from './opened-file.ts';
import { noteRestored } from './restored.ts';
import { SqliteStore } from './store.ts';

/** How long a start, or a command, waits for a lock of another program. */
const startPatienceMs = 5_000;

/** Who opens the store: the one bridge that runs on it, or a command beside it. */
export type Role = 'bridge' | 'command';

/**
 * Opens the SQLite store in `file`, creating it if need be.
 * @throws with a sentence for the operator when another bridge runs on it, or the file is not ours.
 */
export async function openSqliteStore(file: string, role: Role): Promise<Store> {
  let owner: Database | undefined;
  let database: Database | undefined;
  try {
    const path = ownPath(file);
    // A command looks, and claims the file for as long as it takes to remove a log: a bridge may be starting on it.
    if (role === 'bridge' || hasLeftOverLog(path)) owner = claim(path, file);
    if (owner && hasLeftOverLog(path)) removeLeftOverLog(path);
    if (role === 'command') {
      owner?.close();
      owner = undefined;
    }
    const isRestored = saysNoLog(path);
    database = openDatabase(path);
    const isOurs = refuseForeign(database, file);
    chmodSync(path, 0o600);
    if (isOurs && isRestored) {
      database.exec(`pragma busy_timeout=${startPatienceMs}; pragma synchronous=full`);
      if (!isUpToDate(database)) await bringUpToDate(database);
      noteRestored(database);
    }
    database.exec(
      // FULL: a commit is on the disk before it is answered. The log goes into the file in SQLite's own small steps: pushes
      // would have to wait for larger ones.
      `pragma journal_mode=wal; pragma synchronous=full; pragma busy_timeout=${startPatienceMs}; pragma cache_size=-16000; pragma secure_delete=fast;`,
    );
    // Before there is any table: killed between the two, the file would be taken for another program's.
    // Not again: who only looks needs no room on a disk that is full.
    if (!isOurs) database.exec(`pragma application_id=${applicationId}`);
    if (!isOurs || !isUpToDate(database)) await bringUpToDate(database);
    if (role === 'command') return new SqliteStore(path, database);
    // Whoever held a lease on this file is dead, or `claim` would have failed.
    database.exec(`update leases set expires_at = ${lapsed} where expires_at > ${released}`);
    const mark = randomInt(1, 2 ** 31);
    // From here on nothing waits for a lock within the event loop: the queue of commits does.
    database.exec(`pragma user_version=${mark}; pragma wal_checkpoint; pragma busy_timeout=0`);
    return new SqliteStore(path, database, {
      owner: owner!,
      opened: new OpenedFile(file, path, mark),
    });
  } catch (reason) {
    database?.close();
    owner?.close();
    throw sentenceFor(file, reason);
  }
}

/** Asked beforehand: to find that there is nothing to do, Kysely looks at every table. */
function isUpToDate(database: Database): boolean {
  if (!database.prepare("select 1 from sqlite_master where name = 'kysely_migration'").get()) return false;
  const done = database.prepare('select name from kysely_migration order by name').all();
  return done.map(({ name }) => name).join() === migrationNames.join();
}

/** In a transaction of ours: Kysely takes SQLite's DDL for what none holds, and leaves a half-made database after a kill. */
async function bringUpToDate(database: Database): Promise<void> {
  const kysely = kyselyOver<Tables>(database);
  database.exec('begin immediate');
  await mendEarlierShapes(kysely);
  await migrate(kysely);
  database.exec('commit');
}

/** What a failed start says: a sentence where SQLite or the system has but a code. */
function sentenceFor(file: string, cause: unknown): unknown {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const failure = failureOf(cause);
  const say = (what: string) => new Error(`${file} ${what}`, { cause });
  if (failure === 'forbidden' || ['EACCES', 'EPERM', 'EROFS'].includes(code))
    return say(
      `cannot be written (${message}). Give it, the files beside it and its folder to the user that the bridge runs as, or set store.url to a file in a folder of that user.`,
    );
  if (failure === 'machine' || ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'].includes(code))
    return say(
      `cannot be written (${message}). Make room on its disk, or see what else is wrong with it (dmesg tells), then start again: nothing was lost.`,
    );
  if (failure === 'locked')
    return say(
      `is locked by another program (${message}). See which one has it open (fuser ${file}), end that, then start again.`,
    );
  if (failure === 'damaged')
    return say(
      `is damaged (${message}). It was left as it is: restore a backup, or set store.url to a new file.`,
    );
  return cause;
}

/** False: it is empty, and may become ours. */
function refuseForeign(database: Database, file: string): boolean {
  let id: unknown;
  let tables: unknown;
  try {
    id = database.prepare('pragma application_id').get()?.['application_id'];
    tables = database.prepare('select count(*) as n from sqlite_master').get()?.['n'];
  } catch (cause) {
    if (failureOf(cause) !== 'damaged') throw cause;
    throw new Error(
      `${file} is not a readable SQLite database (${(cause as Error).message}). It was left as it is: restore a backup, or set store.url to a new file.`,
      { cause },
    );
  }
  if (tables !== 0 && id !== applicationId) {
    throw new Error(
      `${file} belongs to another program. It was left as it is: set store.url to a file of its own.`,
    );
  }
  return id === applicationId;
}
