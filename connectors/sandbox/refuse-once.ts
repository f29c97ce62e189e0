import { type Condition, type Delivery, holds, type Memory } from '../../src/connector/index.ts';

/** Refuses a call the first time that it meets a condition, so that a failure can be looked at and replayed. */
export class RefuseOnce {
  readonly #when: Condition | undefined;
  readonly #memory: Memory;

  constructor(when: Condition | undefined, memory: Memory) {
    this.#when = when;
    this.#memory = memory;
  }

  /** Of a batch, what is refused this time. */
  async of(batch: readonly Delivery[]): Promise<Set<Delivery>> {
    const when = this.#when;
    if (!when) return new Set();
    const met = batch.filter(({ call, source }) => holds(when, { call, timezone: source.timezone }));
    const nameOf = ({ key }: Delivery) => `refused ${key}`;
    const before = await this.#memory.recall(met.map(nameOf));
    const refused = met.filter((delivery) => !before.has(nameOf(delivery)));
    if (refused.length > 0)
      await this.#memory.remember(new Map(refused.map((delivery) => [nameOf(delivery), 'yes'])));
    return new Set(refused);
  }
}
