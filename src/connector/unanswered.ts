import { AsyncLocalStorage } from 'node:async_hooks';
import type { Outcome } from './contract.ts';

/**
 * Notes which batches had a request that writes and was left unanswered, far below `deliver`, where it is known. All of
 * a batch are marked: it shares its requests, and writing once more what needs it not is harmless.
 */
export class Unanswered {
  readonly #batches = new AsyncLocalStorage<{ isUnanswered: boolean }>();

  /** Of the batch that the request was sent for. */
  note(): void {
    const batch = this.#batches.getStore();
    if (batch) batch.isUnanswered = true;
  }

  async in(deliver: () => Promise<Outcome[]>): Promise<Outcome[]> {
    const batch = { isUnanswered: false };
    const outcomes = await this.#batches.run(batch, deliver);
    return batch.isUnanswered ? outcomes.map((outcome) => ({ ...outcome, unanswered: true })) : outcomes;
  }
}
