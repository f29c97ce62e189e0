/**
 * Work on keys that several ask for at the same time, each of which is done once: who comes later waits for whom came
 * before.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  /**
   * Does those of `keys` that nobody does yet with `work`, which answers for all that it is given, and returns what came
   * of all. The own ones come first and only then those of others are waited for, so that no two wait for each other.
   */
  async share(
    keys: readonly string[],
    work: (own: string[]) => Promise<Map<string, T>>,
  ): Promise<Map<string, T>> {
    const theirs = keys.flatMap((key) => {
      const flight = this.#flights.get(key);
      return flight ? [[key, flight] as const] : [];
    });
    const own = keys.filter((key) => !this.#flights.has(key));
    const working = work(own);
    for (const key of own) {
      const flight = working.then((done) => done.get(key) as T);
      flight.catch(() => {}); // whoever waits for it hears of it, and often nobody does
      this.#flights.set(key, flight);
    }
    try {
      const done = await working;
      for (const [key, flight] of theirs) done.set(key, await flight);
      return done;
    } finally {
      for (const key of own) this.#flights.delete(key);
    }
  }
}
