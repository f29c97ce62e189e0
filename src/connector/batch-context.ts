import { AsyncLocalStorage } from 'node:async_hooks';
import type { Urgency } from '../call/call.ts';

const current = new AsyncLocalStorage<{ urgency: Urgency; requests: number }>();

/**
 * Runs the delivery of a batch: what it asks of a limit waits as its calls' urgency has it, and the CRM requests made
 * within it are counted, apart from those of batches that run beside it.
 */
export async function runBatch<T>(
  urgency: Urgency,
  work: () => Promise<T>,
): Promise<{ result: T; requests: number }> {
  const batch = { urgency, requests: 0 };
  const result = await current.run(batch, work);
  return { result, requests: batch.requests };
}

export function countRequest(): void {
  const batch = current.getStore();
  if (batch) batch.requests++;
}

/** Of the batch that asks; outside of one, such as a check, somebody waits for the answer. */
export function urgencyNow(): Urgency {
  return current.getStore()?.urgency ?? 'live';
}
