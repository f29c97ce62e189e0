import { cacheOf } from '../cache.ts';
import { isRecent } from '../clock.ts';
import type { Log } from '../log.ts';

const perMs = 60_000;
const slowlyMs = 1_000;
/** Of answers that are held back at once. Beyond, they are given at once: to hold more would be an attack on us. */
const mostHeld = 200;
const addresses = 10_000;

export interface GuessLimit {
  /** What is guessed, in the plural, for the log. */
  of: string;
  /** So many in a minute are no guesses: a token that was mistyped in the portal comes with every call. */
  freely: number;
}

/**
 * Unknown tokens, by the address they come from: after the first ones of a minute, each is answered late. A right token is
 * never held up, whatever else comes from its address: behind a proxy that may be everybody's.
 */
export class TokenThrottle {
  readonly #log: Log;
  readonly #limit: GuessLimit;
  readonly #counts = cacheOf<string, { since: number; count: number }>(addresses);
  #held = 0;

  constructor(log: Log, limit: GuessLimit = { of: 'unknown tokens', freely: 30 }) {
    this.#log = log;
    this.#limit = limit;
  }

  /** Resolves when the guess may be answered. */
  async made(address: string, nowMs: number, wait: (ms: number) => Promise<void>): Promise<void> {
    const known = this.#counts.get(address);
    const entry = known && isRecent(known.since, perMs, nowMs) ? known : { since: nowMs, count: 0 };
    entry.count++;
    this.#counts.set(address, entry);
    const { of, freely } = this.#limit;
    if (entry.count <= freely) return;
    if (entry.count === freely + 1)
      this.#log.warn({ sender: address }, `Many ${of} come from this address: they are answered late.`);
    if (this.#held >= mostHeld) return;
    this.#held++;
    await wait(slowlyMs);
    this.#held--;
  }
}
