import type { Failure } from './failure.ts';

/** What an answer says of the records of a request. */
export interface PartWritten<T, W> {
  written: ReadonlyMap<T, W>;
  /** Those that were refused together, or were too many: it is not known yet who is to blame. */
  refused: ReadonlyMap<T, W>;
}

/**
 * Writes records in requests of at most `largest`, and tells what became of each. Those that are refused together are sent
 * again in halves, until whoever is to blame stands alone. Where a refusal is of something that only some of them have,
 * these are to blame, and the others are sent again at once.
 */
export async function bisect<T, W extends { failure?: Failure | undefined }>(
  records: readonly T[],
  largest: number,
  write: (part: readonly T[]) => Promise<PartWritten<T, W>>,
  isToBlame: (record: T, fate: W) => boolean,
): Promise<Map<T, W>> {
  const fates = new Map<T, W>();
  const pending: (readonly T[])[] = [];
  for (let start = 0; start < records.length; start += largest)
    pending.push(records.slice(start, start + largest));
  for (let part = pending.shift(); part; part = pending.shift()) {
    const { written, refused } = await write(part);
    const alone = part.length === 1;
    const named = [...refused].filter(([record, fate]) => isToBlame(record, fate));
    const isOver =
      named.length === 0 && ![...refused.values()].some((fate) => isWorthHalving(fate, alone, refused.size));
    const over = isOver ? refused : new Map(named);
    for (const [record, fate] of [...written, ...over]) fates.set(record, fate);
    const again = [...refused.keys()].filter((record) => !over.has(record));
    const middle = named.length > 0 ? again.length : Math.ceil(again.length / 2);
    for (const half of [again.slice(0, middle), again.slice(middle)]) if (half.length > 0) pending.push(half);
  }
  return fates;
}

/** One that stands alone is to blame, be it beside others that were written, unless those made them too many. */
function isWorthHalving(
  { failure }: { failure?: Failure | undefined },
  isAlone: boolean,
  count: number,
): boolean {
  if (failure?.cure?.what === 'smaller') return !isAlone;
  return failure?.kind === 'rejected' && count > 1;
}
