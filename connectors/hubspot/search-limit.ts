import type { RateLimit } from '../../src/connector/index.ts';

/**
 * Five searches a second for the whole account, counted as they arrive: evenly spread, five take 1.15 s, so that one
 * which was 0.15 s longer on its way than those behind it does not make the sixth too many.
 */
const searchEveryMs = 230;

/**
 * Keeps searches apart. The first one of all is on its way for as long as loading and connecting take, so that the
 * second could arrive with it: the others wait until it is over, and are counted from then on.
 */
export class SearchLimit {
  readonly #limit: RateLimit;
  #first: Promise<void> | undefined;

  constructor(rateLimit: (requests: number, perMs: number) => RateLimit) {
    this.#limit = rateLimit(1, searchEveryMs);
  }

  /** At once when `signal` aborts: it is for `search` to heed that. */
  async run<T>(search: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#first === undefined) {
      // A connection before this one may have searched just now.
      const searched = this.#limit.take(signal).then(search);
      const count = () => this.#limit.take();
      this.#first = searched.then(count, count);
      return searched;
    }
    await unlessAborted(this.#first, signal);
    await this.#limit.take(signal);
    return search();
  }
}

function unlessAborted(waiting: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    if (signal.aborted) return done();
    signal.addEventListener('abort', done, { once: true });
    waiting.then(done);
  });
}
