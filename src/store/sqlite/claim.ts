import { existsSync, lstatSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { makeFolder } from '../../runtime/folder.ts';
import { type Database, failureOf, openDatabase } from '../../runtime/sqlite.ts';

/*
 * One bridge for each file, whatever name it is given. SQLite keeps its log, and we our lock, under names beside the
 * file: so all who use it must come to one name. A link or a mounted folder leads to it; from a second hard link, or from
 * a file that is mounted by itself, there is no way to it, and two logs beside one file destroy it.
 */

/**
 * The path of the database itself, which need not be there yet. Its folder is made.
 * @param file as the operator named it
 * @throws with a sentence for the operator when it cannot be a database, or is not to be reached by one name alone
 */
export function ownPath(file: string): string {
  const path = resolve(file);
  if (!existsSync(path)) {
    makeFolder(dirname(path));
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
    if (isLink) return ownPath(resolve(dirname(path), readlinkSync(path)));
    return join(realpathSync(dirname(path)), basename(path));
  }
  const own = realpathSync(path);
  const found = statSync(own);
  if (found.isDirectory()) throw new Error(`${file} is a folder, not a database.`);
  if (!found.isFile()) throw new Error(`${file} is no file. Set store.url to a file in a folder of its own.`);
  if (found.nlink > 1)
    throw new Error(
      `${file} has ${found.nlink} names (hard links), and whoever opened it by another one would destroy it. Remove the others (find them with: find / -xdev -samefile ${own}), or put a copy in its place.`,
    );
  if (isMountPoint(own, mountsHere()))
    throw new Error(
      `${file} is mounted by itself: SQLite's log beside it, with the latest calls, would stay behind. Mount the folder that it is in.`,
    );
  return own;
}

/**
 * Whether a file is mounted by itself, as a container may have it.
 * @param mounts as in man 5 proc_pid_mountinfo: the fifth field of a line, with blanks and the like in octal
 */
export function isMountPoint(path: string, mounts: string): boolean {
  const shown = path.replace(/[ \t\n\\]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return mounts.split('\n').some((line) => line.split(' ')[4] === shown);
}

function mountsHere(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return ''; // no Linux
  }
}

/**
 * The claim is a lock on a file beside the database, that the operating system drops when the process dies, however it
 * dies.
 * @throws SQLite's error, or with a sentence when another bridge has it
 */
export function claim(path: string, shown: string): Database {
  const owner = openDatabase(`${path}.lock`);
  try {
    owner.exec('pragma busy_timeout=0; pragma locking_mode=exclusive; begin exclusive;');
    return owner;
  } catch (cause) {
    owner.close();
    if (failureOf(cause) !== 'locked') throw cause;
    throw new Error(
      `Another delacon-bridge runs on ${shown}. Stop it first, or give this one another store.url.`,
      { cause },
    );
  }
}
