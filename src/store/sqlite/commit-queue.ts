import type { StatementSync } from 'node:sqlite';
import { type Database, failureOf } from '../../runtime/sqlite.ts';
import { StoreUnavailable } from '../store.ts';
import type { OpenedFile } from './opened-file.ts';

interface Write {
  run(): unknown;
  resolve(value: never): void;
  reject(reason: unknown): void;
  /** By `performance.now()`: when it is refused if another program still holds a lock. */
  waitsUntil: number;
}

/** Beyond this many waiting writes the disk has fallen behind what arrives: better to say so than to pile up. */
const longestQueue = 5_000;
/** How long a write waits for a lock that another program holds, and how often it asks for it meanwhile. */
const lockPatienceMs = 5_000;
const lockRetryMs = 10;

/**
 * Group commit: writes asked for while the event loop hands out what arrived share one transaction and one fsync, and
 * are answered after it. The loop turns once more before the commit, since senders that were answered by the commit
 * before are about to be heard again: a turn costs microseconds, a commit of its own for half a group far more. A write
 * that throws fails alone: the others are then committed without it. What the disk or a lock refuses, it would refuse to
 * each of them.
 *
 * Nothing waits within the loop: while another program holds a lock the group stands by, and everything else goes on.
 */
export class CommitQueue {
  readonly #database: Database;
  readonly #opened: OpenedFile | undefined;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  #waiting: Write[] = [];
  #isCalled = false;
  #closed = false;
  #damage: StoreUnavailable | null = null;
  /** A write met a disk that is full or broken, and none was told since that as much fits as any push takes. */
  wantsRoom = false;

  constructor(database: Database, opened: OpenedFile | undefined) {
    this.#database = database;
    this.#opened = opened;
    this.#begin = database.prepare('begin immediate');
    this.#end = database.prepare('commit');
  }

  /** Why some pushes are refused, since a write met a damaged page: others may still be taken. */
  get damage(): StoreUnavailable | null {
    return this.#damage;
  }

  /** Runs `run`, which must not wait for anything, within a transaction. Resolves after the commit. */
  write<T>(run: () => T, patienceMs = lockPatienceMs): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new StoreUnavailable('The store is closed.'));
      if (this.#waiting.length >= longestQueue) {
        return reject(new StoreUnavailable('More arrives than the disk takes.'));
      }
      this.#waiting.push({ run, resolve, reject, waitsUntil: performance.now() + patienceMs });
      if (this.#isCalled) return;
      this.#isCalled = true;
      setImmediate(() => setImmediate(() => this.#flush()));
    });
  }

  /** Commits what waits, and refuses what is asked for from now on. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#flush();
    while (this.#waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, lockRetryMs));
  }

  #flush(): void {
    this.#isCalled = false;
    if (this.#waiting.length === 0) return;
    try {
      this.#start();
    } catch (reason) {
      this.#standBy(reason);
      return;
    }
    const writes = this.#waiting;
    this.#waiting = [];
    try {
      this.#commit(writes);
    } catch (reason) {
      this.#oneByOne(writes, reason);
    }
  }

  /** A lock of somebody else is waited for, as long as the writes are patient. */
  #standBy(reason: unknown): void {
    const now = performance.now();
    const isLocked = failureOf(reason) === 'locked';
    const writes = this.#waiting;
    this.#waiting = isLocked ? writes.filter(({ waitsUntil }) => waitsUntil > now) : [];
    for (const write of writes)
      if (!isLocked || write.waitsUntil <= now) write.reject(this.#asUnavailable(reason));
    if (this.#waiting.length === 0) return;
    this.#isCalled = true;
    setTimeout(() => this.#flush(), lockRetryMs);
  }

  #oneByOne(writes: readonly Write[], ofAll: unknown): void {
    let common = writes.length === 1 || isEverybodys(ofAll) ? { reason: ofAll } : null;
    for (const write of writes) {
      try {
        if (common) throw common.reason;
        this.#start();
        this.#commit([write]);
      } catch (reason) {
        if (isEverybodys(reason)) common = { reason };
        write.reject(this.#asUnavailable(reason));
      }
    }
  }

  #start(): void {
    this.#opened?.mustHaveItsContent();
    this.#begin.run();
  }

  #commit(writes: readonly Write[]): void {
    const results: unknown[] = [];
    try {
      for (const write of writes) results.push(write.run());
      this.#end.run();
    } catch (reason) {
      // SQLite rolls back by itself on some errors (disk full): then there is nothing left to roll back.
      if (this.#database.isTransaction) this.#database.exec('rollback');
      throw reason;
    }
    this.#opened?.mustBeThere();
    for (const [i, write] of writes.entries()) write.resolve(results[i] as never);
  }

  /** SQLite's own errors (full disk, I/O, locked, read-only) say that the store cannot take a write. */
  #asUnavailable(reason: unknown): unknown {
    const failure = failureOf(reason);
    if (failure === undefined) return reason;
    const { message } = reason as Error;
    const words =
      failure === 'locked'
        ? `Another program holds a lock on the database (${message}).`
        : `SQLite: ${message}`;
    const unavailable = new StoreUnavailable(words, { cause: reason });
    if (failure === 'damaged') this.#damage = unavailable;
    if (failure === 'machine') this.wantsRoom = true;
    return unavailable;
  }
}

/** What is no fault of one write: the file is lost, the disk is full or broken, somebody else is at it. */
function isEverybodys(reason: unknown): boolean {
  return (
    reason instanceof StoreUnavailable || ['locked', 'forbidden', 'machine'].includes(failureOf(reason) ?? '')
  );
}
