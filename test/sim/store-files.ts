import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StatementSync } from 'node:sqlite';

/** When a process is to be killed. `within`: while a commit is being written; the log ends at any byte of it. */
export type Moment = 'before' | 'within' | 'after';

/**
 * The files of a store, so that a process can be killed: what is on the disk at that moment is put aside, and the next
 * process finds it, whatever the one that is no more still does to its own.
 */
export class StoreFiles {
  readonly #folder: string;
  #generation = 0;

  /** @param template a store's file to begin with */
  constructor(folder: string, template: string) {
    this.#folder = folder;
    mkdirSync(this.#generationFolder, { recursive: true });
    copyFileSync(template, this.file);
  }

  get file(): string {
    return join(this.#generationFolder, 'bridge.db');
  }

  get dataDir(): string {
    return this.#generationFolder;
  }

  get #generationFolder(): string {
    return join(this.#folder, String(this.#generation));
  }

  /** From now on, the files are a copy of what they are at this moment. @param log instead of SQLite's as it is */
  putAside(log?: Buffer): void {
    const from = this.file;
    const others = this.dataDir;
    this.#generation++;
    mkdirSync(dirname(this.file));
    copyFileSync(from, this.file);
    if (log) writeFileSync(`${this.file}-wal`, log);
    else if (existsSync(`${from}-wal`)) copyFileSync(`${from}-wal`, `${this.file}-wal`);
    for (const name of ['connectors/sandbox/sandbox.db', 'connectors/sandbox/sandbox.db-wal']) {
      if (!existsSync(join(others, name))) continue;
      mkdirSync(dirname(join(this.dataDir, name)), { recursive: true });
      copyFileSync(join(others, name), join(this.dataDir, name));
    }
  }

  get log(): Buffer {
    const file = `${this.file}-wal`;
    return existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What a simulation does at each commit that a store makes. */
export interface CommitWatcher {
  /** @throws what the disk refuses it with */
  before(): void;
  after(): void;
}

/** As SQLite tells of a disk that is full, or broken. */
export function diskRefusal(what: 'full' | 'I/O error'): Error {
  const [errcode, message] = what === 'full' ? [13, 'database or disk is full'] : [10, 'disk I/O error'];
  return Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode });
}

/** Watches the commits of this process's stores. The returned function ends it. */
export function watchCommits(watcher: CommitWatcher): () => void {
  const { run } = StatementSync.prototype;
  StatementSync.prototype.run = function (this: StatementSync, ...given: unknown[]) {
    if (this.sourceSQL !== 'commit') return Reflect.apply(run, this, given);
    watcher.before();
    const result = Reflect.apply(run, this, given);
    watcher.after();
    return result;
  } as typeof run;
  return () => {
    StatementSync.prototype.run = run;
  };
}
