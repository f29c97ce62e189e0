import type { Delivery, RecordRef } from './contract.ts';
import { type FollowUpOptions, settlesFollowUps } from './follow-up.ts';
import type { Memory } from './memory.ts';

interface Open extends RecordRef {
  /** When the call was that made it. */
  at: string;
}

/** More than this of one caller, and the oldest are left to people. */
const mostOfOneCaller = 20;

/** Follow-ups that the bridge made and has not yet completed, by caller: a later call may settle them. */
export class OpenFollowUps {
  readonly #options: FollowUpOptions | undefined;
  readonly #memory: Memory;

  constructor(options: FollowUpOptions | undefined, memory: Memory) {
    this.#options = options;
    this.#memory = memory;
  }

  /** After follow-ups were made, or found made. Doing it twice is doing it once. */
  async add(made: readonly { delivery: Delivery; followUp: RecordRef }[]): Promise<void> {
    if (this.#options === undefined || this.#options.doneWhen === 'closedByHand') return;
    const open = await this.#of(made.map(({ delivery }) => delivery));
    for (const { delivery, followUp } of made) {
      const { number } = delivery.call.caller;
      if (number === null) continue;
      const known = (open.get(number) ?? []).filter(({ id }) => id !== followUp.id);
      const one = { ...followUp, at: delivery.call.startedAt.toISOString() };
      open.set(number, [...known, one].slice(-mostOfOneCaller));
    }
    await this.#keep(open);
  }

  /** Those that the calls settle: made by earlier calls of the same callers. To be completed, then removed. */
  async settledBy(deliveries: readonly Delivery[]): Promise<{ followUp: RecordRef; by: Delivery }[]> {
    const settling = deliveries.filter((delivery) => settlesFollowUps(this.#options, delivery));
    const open = await this.#of(settling);
    return settling.flatMap((by) =>
      (open.get(by.call.caller.number ?? '') ?? [])
        .filter(({ at }) => new Date(at) < by.call.startedAt)
        .map(({ type, id }) => ({ followUp: { type, id }, by })),
    );
  }

  async remove(completed: readonly { followUp: RecordRef; by: Delivery }[]): Promise<void> {
    const open = await this.#of(completed.map(({ by }) => by));
    const done = new Set(completed.map(({ followUp }) => followUp.id));
    await this.#keep(
      new Map([...open].map(([number, known]) => [number, known.filter(({ id }) => !done.has(id))])),
    );
  }

  async #keep(open: ReadonlyMap<string, readonly Open[]>): Promise<void> {
    const texts = [...open].filter(([, known]) => known.length > 0);
    const none = [...open].filter(([, known]) => known.length === 0);
    await this.#memory.remember(
      new Map(texts.map(([number, known]) => [nameOf(number), JSON.stringify(known)])),
    );
    await this.#memory.forget(none.map(([number]) => nameOf(number)));
  }

  async #of(deliveries: readonly Delivery[]): Promise<Map<string, Open[]>> {
    const numbers = [...new Set(deliveries.flatMap(({ call }) => call.caller.number ?? []))];
    const texts = await this.#memory.recall(numbers.map(nameOf));
    return new Map(
      numbers.flatMap((number) => {
        const text = texts.get(nameOf(number));
        return text === undefined ? [] : [[number, JSON.parse(text) as Open[]]];
      }),
    );
  }
}

function nameOf(number: string): string {
  return `openFollowUps/${number}`;
}
