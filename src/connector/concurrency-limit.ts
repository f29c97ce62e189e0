import { urgencyNow } from './batch-context.ts';
import { WaitingLine } from './waiting-line.ts';

/** At most so many at once; of the others, live calls' come first, else they wait in the order of asking. */
export class ConcurrencyLimit {
  #free: number;
  readonly #waiting = new WaitingLine<() => void>();

  constructor(most: number) {
    this.#free = most;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else {
      const urgency = urgencyNow();
      await new Promise<void>((resolve) => this.#waiting.add(urgency, resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.next();
      if (next) next();
      else this.#free++;
    }
  }
}
