/**
 * Tests that wait for the disk more than they work, run side by side: those that follow are begun while the first is
 * waited for. What one throws, its own test throws.
 */
export class Ahead {
  readonly #most: number;
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The body of a test. */
  add(run: () => Promise<void>): () => Promise<void> {
    const outcome = Promise.withResolvers<void>();
    outcome.promise.catch(() => {}); // until its test asks
    this.#waiting.push(() => run().then(outcome.resolve, outcome.reject));
    return () => {
      this.#begin();
      return outcome.promise;
    };
  }

  #begin(): void {
    while (this.#running < this.#most) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#running++;
      void next().finally(() => {
        this.#running--;
        this.#begin();
      });
    }
  }
}
