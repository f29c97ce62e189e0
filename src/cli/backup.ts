import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { openDatabase } from '../runtime/sqlite.ts';
import { counted } from '../text/plural.ts';
import type { CommandOptions } from './command-options.ts';
import { withStore } from './opened.ts';
import { printJson } from './tables.ts';

/** Copies the store to a file, while the bridge runs or not, and proves that the copy can be read. */
export async function backup(file: string, options: CommandOptions): Promise<void> {
  const target = resolve(file);
  if (existsSync(target))
    throw new Error(`${file} is there already. Name a new file: a backup overwrites none.`);
  try {
    accessSync(dirname(target), constants.W_OK);
  } catch (cause) {
    throw new Error(`${file} cannot be made: ${dirname(target)} is no folder that this user may write to.`, {
      cause,
    });
  }
  removeLeftOvers(dirname(target));
  const unfinished = `${target}.${process.pid}.unfinished`;
  let calls: number;
  try {
    await withStore(options.config, (_, store) => store.backup(unfinished));
    calls = verified(unfinished);
    // It has its name only when it is whole and on the disk.
    flush(unfinished);
    renameSync(unfinished, target);
    flush(dirname(target));
  } catch (cause) {
    rmSync(unfinished, { force: true });
    throw new Error(`No backup was made: ${(cause as Error).message}`, { cause });
  }
  const { size } = statSync(target);
  if (options.json) return printJson({ file: target, calls, bytes: size });
  console.log(`${file} holds ${counted(calls, 'call')} (${(size / 1e6).toFixed(1)} MB).`);
  console.log('To restore it: stop the bridge, put the file where store.url points, start the bridge.');
}

/** What backups that were killed left in the folder. */
function removeLeftOvers(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = /\.(\d+)\.unfinished(-journal)?$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(folder, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (reason) {
    return (reason as NodeJS.ErrnoException).code === 'EPERM'; // somebody else's
  }
}

/** Puts a file, or the names in a folder, on the disk. */
function flush(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function verified(file: string): number {
  const copy = openDatabase(file);
  try {
    const verdict = copy.prepare('pragma integrity_check').get()?.['integrity_check'];
    if (verdict !== 'ok') throw new Error(`The copy is damaged (${verdict}). Is the disk all right?`);
    return Number(copy.prepare('select count(*) as n from calls').get()?.['n']);
  } finally {
    copy.close();
  }
}
