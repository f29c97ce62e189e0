import { syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';
import type { Disk } from './disk.ts';
import { addMount, type Mount, mountOf, removeMount } from './mounts.ts';
import { simulatedFiles } from './simulated-files.ts';
import { abandon, SimulatedDatabase, seedSqlite } from './wasm-sqlite.ts';

/*
 * Puts a simulated disk where the bridge looks for files: `node:sqlite` and `node:fs` lead to it for paths below its folder, and to
 * the real ones for all others. On Node alone: Bun's `import { statSync } from 'node:fs'` stays what it was.
 */

/** Where a disk is found unless another folder is named. There is none of this name on a real one. */
export const simulatedFolder = '/simulated';

/**
 * Until it is disposed of, `openSqliteStore('/simulated/bridge.db', 'bridge')` opens a store on `disk`.
 * @param process what runs at the moment, for `disk.kill`; without it all is one process
 * @param seed of SQLite's own random numbers
 */
export function mountDisk(
  disk: Disk,
  {
    folder = simulatedFolder,
    process = () => undefined,
    seed = 1,
  }: { folder?: string; process?: () => unknown; seed?: number } = {},
): Disposable {
  install();
  const mount: Mount = { folder, disk, process, descriptors: new Map() };
  addMount(mount);
  if (!disk.isFolder(folder)) disk.makeFolder(folder);
  seedSqlite(seed);
  return {
    [Symbol.dispose]() {
      abandon((file) => mountOf(file) === mount);
      removeMount(mount);
    },
  };
}

let isInstalled = false;

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  const fs = process.getBuiltinModule('node:fs');
  const real = { ...fs };
  Object.assign(fs, simulatedFiles(real));
  const files = process.getBuiltinModule('node:fs/promises');
  for (const name of [
    'stat',
    'lstat',
    'access',
    'readdir',
    'readFile',
    'writeFile',
    'rm',
    'mkdir',
  ] as const) {
    const really = files[name] as (...args: unknown[]) => Promise<unknown>;
    const simulated = fs[`${name}Sync`] as (...args: unknown[]) => unknown;
    const either = async (...args: unknown[]) =>
      isSimulated(args[0]) ? simulated(...args) : really(...args);
    Object.assign(files, { [name]: either });
  }
  // What is imported by name is bound anew. Not so of `node:sqlite`: the bridge takes its class from the module.
  syncBuiltinESMExports();

  const sqlite = process.getBuiltinModule('node:sqlite');
  sqlite.DatabaseSync = new Proxy(sqlite.DatabaseSync, {
    construct(target, args, newTarget) {
      if (!isSimulated(args[0])) return Reflect.construct(target, args, newTarget);
      return new SimulatedDatabase(resolve(args[0]), args[1]);
    },
  });
}

function isSimulated(path: unknown): path is string {
  return typeof path === 'string' && mountOf(resolve(path)) !== undefined;
}
