import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and what is missing above it, readable by this user alone. One after the other: Node's own recursive
 * way never returns where the system has no such folder to give, as in /proc.
 * @throws with a sentence for the operator
 */
export function makeFolder(folder: string): void {
  if (isFolder(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST' && isFolder(folder)) return; // somebody else was quicker
    throw new Error(
      `The folder ${folder} cannot be made (${code}). Set store.url to a file in a folder that this user may write to.`,
      { cause },
    );
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
