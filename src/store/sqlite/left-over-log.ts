import { closeSync, existsSync, openSync, readSync, rmSync } from 'node:fs';

/*
 * A database that was not closed, as after a kill, leaves its write-ahead log. When somebody restores a backup by putting
 * it in the place of such a database, SQLite takes the log for the backup's, and writes pages of the one over the other.
 *
 * A backup's header says that it has no such log. Whoever opens it writes that it has one before there is one: so a log
 * beside a file that says otherwise is of another database.
 */

/** Whether there is a write-ahead log that is not of the database. */
export function hasLeftOverLog(database: string): boolean {
  // The log first: if it is made between the two looks, the header has been changed before.
  return existsSync(`${database}-wal`) && saysNoLog(database);
}

export function removeLeftOverLog(database: string): void {
  for (const file of [`${database}-wal`, `${database}-shm`]) rmSync(file, { force: true });
}

/**
 * Whether it is a backup that was put in place, and not opened since: by the file format's read version
 * (https://sqlite.org/fileformat.html), 1 without a write-ahead log, 2 with one.
 */
export function saysNoLog(database: string): boolean {
  if (!existsSync(database)) return false;
  const header = Buffer.alloc(20);
  const file = openSync(database, 'r');
  try {
    readSync(file, header, 0, header.length, 0);
  } finally {
    closeSync(file);
  }
  return header.toString('latin1', 0, 15) === 'SQLite format 3' && header[19] === 1;
}
