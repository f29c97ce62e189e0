import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { openStore } from '../../src/store/open.ts';
import { pick } from '../support/random.ts';

/*
 * What people and programs do to the file of a bridge that runs, and what an operator then does by the bridge's words.
 */

export type Harm =
  | 'moved aside'
  | 'moved aside with its log'
  | 'removed'
  | 'removed with its log'
  | 'replaced by a backup'
  | 'overwritten by a backup'
  | 'log removed'
  | 'index of the log removed'
  | 'folder moved aside';

const harms: readonly Harm[] = [
  'moved aside',
  'moved aside with its log',
  'removed',
  'removed with its log',
  'replaced by a backup',
  'overwritten by a backup',
  'log removed',
  'index of the log removed',
  'folder moved aside',
];

export class StoreFile {
  readonly path: string;
  readonly harm: Harm;
  readonly #backup: string;

  /** @param path of a folder of its own, which another one stands beside */
  constructor(path: string, random: () => number) {
    this.path = path;
    this.#backup = `${dirname(path)}-backup/${basename(path)}`;
    this.harm = pick(random, harms);
  }

  /** Nothing but the backup is left then, so that it has to be the latest. */
  get needsQuiet(): boolean {
    return this.harm === 'overwritten by a backup';
  }

  /** Whether nothing is gone when the bridge dies before it saved anything. */
  get canBePutBack(): boolean {
    return this.harm.startsWith('moved') || this.harm.startsWith('folder');
  }

  async backUp(): Promise<void> {
    rmSync(dirname(this.#backup), { recursive: true, force: true });
    mkdirSync(dirname(this.#backup));
    const store = await openStore(`sqlite:${this.path}`, 'command');
    try {
      await store.backup(this.#backup);
    } finally {
      await store.close();
    }
  }

  doHarm(): void {
    const { path } = this;
    const logs = [`${path}-wal`, `${path}-shm`];
    switch (this.harm) {
      case 'moved aside':
        renameSync(path, `${path}.aside`);
        break;
      case 'moved aside with its log':
        for (const file of [path, ...logs]) renameSync(file, this.#aside(file));
        break;
      case 'removed':
        rmSync(path);
        break;
      case 'removed with its log':
        for (const file of [path, ...logs]) rmSync(file);
        break;
      case 'replaced by a backup':
        renameSync(this.#backup, path);
        break;
      case 'overwritten by a backup':
        copyFileSync(this.#backup, path);
        break;
      case 'log removed':
        rmSync(`${path}-wal`);
        break;
      case 'index of the log removed':
        rmSync(`${path}-shm`);
        break;
      case 'folder moved aside':
        renameSync(dirname(path), `${dirname(path)}-aside`);
        break;
    }
  }

  #aside(file: string): string {
    return file.replace(this.path, `${this.path}.aside`);
  }

  /**
   * Does what the bridge said before it ended; or, where it was killed before it could, puts back what was moved.
   * @throws when it said nothing that leads on
   */
  mend(output: string): void {
    const saved = /^All that it held is saved as (\S+)\. To go on with that, put it where store\.url points/m;
    const savedAs = saved.exec(output)?.[1];
    if (savedAs !== undefined) renameSync(savedAs, this.path);
    else if (/^All that it held has been put into \S+: nothing was lost\.$/m.test(output)) return;
    else if (/^What it held is gone, but for the latest changes/m.test(output) && this.needsQuiet) return;
    else if (this.canBePutBack) this.#putBack();
    else throw new Error(`${this.path} was ${this.harm}, and these words lead nowhere: ${output}`);
  }

  #putBack(): void {
    const { path } = this;
    const folder = dirname(path);
    if (existsSync(`${folder}-aside`)) {
      rmSync(folder, { recursive: true, force: true });
      renameSync(`${folder}-aside`, folder);
    }
    for (const file of [path, `${path}-wal`, `${path}-shm`])
      if (existsSync(this.#aside(file))) renameSync(this.#aside(file), file);
  }

  /** What lies about when all is well again. */
  tidy(): void {
    rmSync(`${dirname(this.path)}-aside`, { recursive: true, force: true });
    for (const file of [this.path, `${this.path}-wal`, `${this.path}-shm`])
      rmSync(this.#aside(file), { force: true });
  }
}
