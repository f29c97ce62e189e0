import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<{ requests: number }>();

/** Runs `work` and counts the CRM requests made within it, apart from those of batches that run beside it. */
export async function countingRequests<T>(work: () => Promise<T>): Promise<{ result: T; requests: number }> {
  const count = { requests: 0 };
  const result = await current.run(count, work);
  return { result, requests: count.requests };
}

export function countRequest(): void {
  const count = current.getStore();
  if (count) count.requests++;
}
