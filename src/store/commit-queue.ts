import type { StatementSync } from 'node:sqlite';
import type { Database } from '../runtime/sqlite.ts';
import { StoreUnavailable } from './store.ts';

interface Write {
  run(): unknown;
  resolve(value: never): void;
  reject(reason: unknown): void;
}

/** Beyond this many waiting writes the disk has fallen behind what arrives: better to say so than to pile up. */
const longestQueue = 5_000;

/**
 * Group commit: writes asked for while the event loop hands out what arrived share one transaction and one fsync, and
 * are answered after it. The loop turns once more before the commit, since senders that were answered by the commit
 * before are about to be heard again: a turn costs microseconds, a commit of its own for half a group far more. A write that throws fails alone: the others are then committed without it.
 */
export class CommitQueue {
  readonly #database: Database;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  #waiting: Write[] = [];
  #closed = false;

  constructor(database: Database) {
    this.#database = database;
    this.#begin = database.prepare('begin immediate');
    this.#end = database.prepare('commit');
  }

  /** Runs `run`, which must not wait for anything, within a transaction. Resolves after the commit. */
  write<T>(run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new StoreUnavailable('The store is closed.'));
      if (this.#waiting.length >= longestQueue) {
        return reject(new StoreUnavailable('More arrives than the disk takes.'));
      }
      this.#waiting.push({ run, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => setImmediate(() => this.flush()));
    });
  }

  /** Commits what waits, now. */
  flush(): void {
    const writes = this.#waiting;
    this.#waiting = [];
    if (writes.length === 0) return;
    try {
      this.#commit(writes);
    } catch (reason) {
      for (const write of writes) {
        try {
          if (writes.length === 1) throw reason;
          this.#commit([write]);
        } catch (own) {
          write.reject(asUnavailable(own));
        }
      }
    }
  }

  close(): void {
    this.flush();
    this.#closed = true;
  }

  #commit(writes: readonly Write[]): void {
    const results: unknown[] = [];
    this.#begin.run();
    try {
      for (const write of writes) results.push(write.run());
      this.#end.run();
    } catch (reason) {
      // SQLite rolls back by itself on some errors (disk full): then there is nothing left to roll back.
      if (this.#database.isTransaction) this.#database.exec('rollback');
      throw reason;
    }
    for (const [i, write] of writes.entries()) write.resolve(results[i] as never);
  }
}

/** SQLite's own errors (full disk, I/O, locked, read-only) say that the store cannot take a write. */
function asUnavailable(reason: unknown): unknown {
  const code = (reason as { code?: unknown } | null)?.code;
  if (code !== 'ERR_SQLITE_ERROR' && !String(code).startsWith('SQLITE_')) return reason;
  return new StoreUnavailable(`SQLite: ${(reason as Error).message}`, { cause: reason });
}
