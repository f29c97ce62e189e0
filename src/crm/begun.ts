import type { Clock } from '../clock.ts';
import type { Memory } from '../connector/memory.ts';

/** A record that was made and is not found after this was not made, whatever became of the answer. */
const leastPatienceMs = 5 * 60_000;
/** Times the lag that was seen: it is not always the same. */
const lags = 10;

/**
 * What is about to be made in a CRM that keeps no key of it unique. Whoever finds it noted looks for what was made, and makes
 * it again only when searching must have shown it.
 */
export class Begun {
  readonly #memory: Memory;
  readonly #clock: Clock;

  constructor({ memory, clock }: { memory: Memory; clock: Clock }) {
    this.#memory = memory;
    this.#clock = clock;
  }

  /** Those of these that are noted, each with when searching must show it. */
  async of(names: readonly string[], lagMs: number): Promise<Map<string, Date>> {
    const notes = names.length === 0 ? new Map<string, string>() : await this.#memory.recall(names);
    const now = this.#clock.now().getTime();
    // Noted before the clock was set back, nobody knows when: as if it were now.
    const ahead = [...notes].filter(([, at]) => Number(at) > now).map(([name]) => name);
    if (ahead.length > 0) await this.note(ahead);
    const patienceMs = Math.max(leastPatienceMs, lags * lagMs);
    return new Map([...notes].map(([name, at]) => [name, new Date(Math.min(Number(at), now) + patienceMs)]));
  }

  async note(names: readonly string[]): Promise<void> {
    const now = String(this.#clock.now().getTime());
    if (names.length > 0) await this.#memory.remember(new Map(names.map((name) => [name, now])));
  }

  /** It is known what became of them. */
  async settle(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#memory.forget(names);
  }
}
