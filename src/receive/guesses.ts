import { LRUCache } from 'lru-cache';
import { isRecent } from '../clock.ts';
import type { Log } from '../log.ts';

const perMs = 60_000;
/** A token that was mistyped in the portal comes with every call: that many are no guesses. */
const freely = 30;
const slowlyMs = 1_000;
/** Of answers that are held back at once. Beyond, they are given at once: to hold more would be an attack on us. */
const mostHeld = 200;
const addresses = 10_000;

/**
 * Unknown tokens, by the address they come from: after the first ones of a minute, each is answered late. A right token is
 * never held up, whatever else comes from its address: behind a proxy that may be everybody's.
 */
export class Guesses {
  readonly #log: Log;
  readonly #counts = new LRUCache<string, { since: number; count: number }>({ max: addresses });
  #held = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Resolves when the guess may be answered. */
  async made(address: string, nowMs: number, wait: (ms: number) => Promise<void>): Promise<void> {
    const known = this.#counts.get(address);
    const entry = known && isRecent(known.since, perMs, nowMs) ? known : { since: nowMs, count: 0 };
    entry.count++;
    this.#counts.set(address, entry);
    if (entry.count <= freely) return;
    if (entry.count === freely + 1)
      this.#log.warn(
        { sender: address },
        'Many unknown tokens come from this address: they are answered late.',
      );
    if (this.#held >= mostHeld) return;
    this.#held++;
    await wait(slowlyMs);
    this.#held--;
  }
}
