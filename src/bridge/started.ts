/** What was started, and how each of it is ended. */
export class Started {
  readonly #ends: (() => unknown)[] = [];

  add(end: () => unknown): void {
    this.#ends.push(end);
  }

  /** Ends all of it, what was started last first. @throws the first error, when all are ended */
  async end(): Promise<void> {
    const errors: unknown[] = [];
    for (let end = this.#ends.pop(); end; end = this.#ends.pop()) {
      try {
        await end();
      } catch (reason) {
        errors.push(reason);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
