import { mendOf, type RefusedPush, tokenEnd, toldOf } from '../call/refusal.ts';
import { type Clock, isRecent } from '../clock.ts';
import type { Log } from '../log.ts';
import type { NewRejection, Rejection, Rejections } from '../store/rejections.ts';

/** What is lost at most when the process is killed: counts, never bodies. */
const writeEveryMs = 1_000;
const toldEveryMs = 60_000;
/** Of a source and cause, that are told apart within one write, and within the log's minute. */
const mostMarks = 100;
const mostTold = 10;

export interface LedgerOptions {
  store: Pick<Rejections, 'reject'>;
  clock: Clock;
  log: Log;
  /** Of unreadable bodies, that are kept of a source; asked for each time. */
  bytesPerSource(): number;
  /** Called after each write. */
  written(): void;
}

/**
 * Notes what was not taken. Counts are kept in memory and written once a second, so that a million wrong tokens are no
 * more than some commits; a body is written before its sender is answered. The log has a line a minute at most for each
 * source, cause and token end.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  #counts = new Map<string, Rejection>();
  /** Of each source and cause, how many marks are among the counts. */
  #marks = new Map<string, number>();
  /** What the log was told within a minute, and what came since: that waits for its end. */
  readonly #told = new Map<string, { atMs: number; next: Rejection | undefined }>();
  #cancelWrite: (() => void) | undefined;
  #cancelTell: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /**
   * Resolves at once, or, for a push with a body, when that is kept.
   * @throws StoreUnavailable when a body could not be kept
   */
  async note({
    cause,
    reason,
    at,
    source = '',
    sender,
    token = '',
    before = '',
    body,
  }: RefusedPush): Promise<void> {
    const one = { source, cause, mark: '', reason, sender, firstAt: at, lastAt: at, count: 1 };
    if (body) {
      const { store, bytesPerSource, written } = this.#options;
      await store.reject([{ ...one, body }], bytesPerSource());
      const before = this.#told.get(groupOf(one))?.next; // other bodies, counted by themselves
      this.#tell(before ? { ...one, firstAt: before.firstAt, count: before.count + 1 } : one);
      return written();
    }
    if (cause === 'unknown_token') one.mark = tokenEnd(token);
    else if (cause === 'refused_address') one.mark = sender;
    else if (cause === 'wrong_path' && source !== '') one.mark = before;
    this.#count(one);
    this.#writeSoon();
  }

  /** Writes what was counted up to now. What the store does not take waits for the next time. */
  flush(): Promise<void> {
    this.#cancelWrite?.();
    this.#cancelWrite = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
    this.#cancelWrite?.();
    this.#cancelTell?.();
    for (const { next } of this.#told.values()) if (next) this.#say(next);
  }

  #writeSoon(): void {
    this.#cancelWrite ??= this.#options.clock.after(writeEveryMs, () => void this.flush());
  }

  #count(one: Rejection): void {
    const group = groupOf(one);
    let key = group + one.mark;
    if (one.mark !== '' && !this.#counts.has(key)) {
      const marks = this.#marks.get(group) ?? 0;
      if (marks < mostMarks) this.#marks.set(group, marks + 1);
      else {
        key = group;
        one.mark = '';
      }
    }
    const known = this.#counts.get(key);
    if (!known) this.#counts.set(key, one);
    else this.#counts.set(key, { ...one, firstAt: known.firstAt, count: known.count + one.count });
  }

  async #write(): Promise<void> {
    if (this.#counts.size === 0) return;
    const { store, bytesPerSource, written } = this.#options;
    const counts = [...this.#counts.values()];
    this.#counts = new Map();
    this.#marks = new Map();
    try {
      const totals = await store.reject(
        counts.map((one): NewRejection => ({ ...one, body: null })),
        bytesPerSource(),
      );
      for (const total of totals) this.#tell(total);
      written();
    } catch {
      // Why, is told with the pushes that it did not take.
      const meanwhile = [...this.#counts.values()];
      this.#counts = new Map();
      this.#marks = new Map();
      for (const one of [...counts, ...meanwhile]) this.#count(one);
      for (const one of counts) this.#tell(one);
      this.#writeSoon();
    }
  }

  #tell(rejection: Rejection): void {
    const group = groupOf(rejection);
    let key = group + rejection.mark;
    if (rejection.mark !== '' && !this.#told.has(key)) {
      // Noise has many marks: beyond some, they are told as one.
      const others = [...this.#told.keys()].filter((each) => each.startsWith(group)).length;
      if (others >= mostTold) key = group;
    }
    const told = this.#told.get(key);
    if (told) {
      told.next = rejection;
      return;
    }
    this.#told.set(key, { atMs: this.#options.clock.now().getTime(), next: undefined });
    this.#say(rejection);
    this.#tellSoon(toldEveryMs);
  }

  #tellSoon(ms: number): void {
    this.#cancelTell ??= this.#options.clock.after(ms, () => this.#tellLater());
  }

  /** Of some, the minute is over, and something may have come meanwhile. */
  #tellLater(): void {
    this.#cancelTell = undefined;
    const nowMs = this.#options.clock.now().getTime();
    let oldest = nowMs;
    for (const [key, { atMs, next }] of [...this.#told]) {
      if (isRecent(atMs, toldEveryMs, nowMs)) {
        oldest = Math.min(oldest, atMs);
        continue;
      }
      this.#told.delete(key);
      if (next) this.#tell(next);
    }
    if (oldest < nowMs) this.#tellSoon(oldest + toldEveryMs - nowMs);
  }

  #say(rejection: Rejection): void {
    const { source, cause, sender } = rejection;
    this.#options.log.warn(
      { ...(source === '' ? {} : { source }), cause, sender },
      `${toldOf(rejection, (at) => at.toISOString())}. ${mendOf(cause)}`,
    );
  }
}

function groupOf({ cause, source }: Rejection): string {
  return `${cause} ${source} `;
}
