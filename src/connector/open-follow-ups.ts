import type { RecordRef } from '../call/records.ts';
import type { Delivery } from './contract.ts';
import { type FollowUpOptions, settlesFollowUps } from './follow-up.ts';
import type { Memory } from './memory.ts';

interface Open extends RecordRef {
  /** When the call was that made it. */
  at: string;
}

/** More than this of one caller, and the oldest are left to people. */
const mostOfOneCaller = 20;

/**
 * Follow-ups that the bridge made and has not yet completed, by caller: a later call settles them. Calls may reach the
 * CRM in another order than they were made in, so it is remembered until when a caller's follow-ups are settled.
 */
export class OpenFollowUps {
  readonly #options: FollowUpOptions | undefined;
  readonly #memory: Memory;

  constructor(options: FollowUpOptions | undefined, memory: Memory) {
    this.#options = options;
    this.#memory = memory;
  }

  /** After follow-ups were made, or found made. Doing it twice is doing it once. */
  async add(made: readonly { delivery: Delivery; followUp: RecordRef }[]): Promise<void> {
    if (!this.#isAsked() || made.length === 0) return;
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

  /**
   * Those of the callers that are settled, by one of these calls or by one that came before them, with a call to tell of
   * it. To be completed, then removed.
   */
  async settledBy(deliveries: readonly Delivery[]): Promise<{ followUp: RecordRef; by: Delivery }[]> {
    if (!this.#isAsked()) return [];
    const until = await this.#settledUntil(deliveries);
    const open = await this.#of(deliveries);
    const callOf = new Map(deliveries.map((delivery) => [delivery.call.caller.number, delivery]));
    return [...open].flatMap(([number, known]) =>
      known
        .filter(({ at }) => new Date(at).getTime() < (until.get(number) ?? 0))
        .map(({ type, id }) => ({ followUp: { type, id }, by: callOf.get(number) as Delivery })),
    );
  }

  /** When the latest call was that settles those before it, by caller. */
  async #settledUntil(deliveries: readonly Delivery[]): Promise<Map<string, number>> {
    const numbers = numbersOf(deliveries);
    const texts = await this.#memory.recall(numbers.map(settledName));
    const known = (number: string) => Date.parse(texts.get(settledName(number)) ?? '') || 0;
    const until = new Map(numbers.map((number) => [number, known(number)]));
    for (const delivery of deliveries) {
      const { number } = delivery.call.caller;
      if (number === null || !settlesFollowUps(this.#options, delivery)) continue;
      until.set(number, Math.max(until.get(number) ?? 0, delivery.call.startedAt.getTime()));
    }
    const news = [...until].filter(([number, at]) => at > known(number));
    if (news.length > 0) {
      await this.#memory.remember(
        new Map(news.map(([number, at]) => [settledName(number), new Date(at).toISOString()])),
      );
    }
    return until;
  }

  async remove(completed: readonly { followUp: RecordRef; by: Delivery }[]): Promise<void> {
    if (completed.length === 0) return;
    const open = await this.#of(completed.map(({ by }) => by));
    const done = new Set(completed.map(({ followUp }) => followUp.id));
    await this.#keep(
      new Map([...open].map(([number, known]) => [number, known.filter(({ id }) => !done.has(id))])),
    );
  }

  #isAsked(): boolean {
    return this.#options !== undefined && this.#options.doneWhen !== 'closedByHand';
  }

  async #keep(open: ReadonlyMap<string, readonly Open[]>): Promise<void> {
    const texts = [...open].filter(([, known]) => known.length > 0);
    const none = [...open].filter(([, known]) => known.length === 0);
    if (texts.length > 0) {
      await this.#memory.remember(
        new Map(texts.map(([number, known]) => [openName(number), JSON.stringify(known)])),
      );
    }
    if (none.length > 0) await this.#memory.forget(none.map(([number]) => openName(number)));
  }

  async #of(deliveries: readonly Delivery[]): Promise<Map<string, Open[]>> {
    const numbers = numbersOf(deliveries);
    const texts = await this.#memory.recall(numbers.map(openName));
    return new Map(
      numbers.flatMap((number) => {
        const text = texts.get(openName(number));
        return text === undefined ? [] : [[number, JSON.parse(text) as Open[]]];
      }),
    );
  }
}

function numbersOf(deliveries: readonly Delivery[]): string[] {
  return [...new Set(deliveries.flatMap(({ call }) => call.caller.number ?? []))];
}

// The number comes last: erasing a caller erases what ends with it.

function openName(number: string): string {
  return `openFollowUps/${number}`;
}

function settledName(number: string): string {
  return `followUpsSettled/${number}`;
}
