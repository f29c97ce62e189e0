import type { Written } from './api.ts';
import type { Failure } from './failures.ts';

/**
 * Writes records in parts of at most `largest`, and tells what became of each, in their order. A part that is refused
 * as a whole, and records that are too many for the org's triggers, are halved until whoever is to blame stands alone.
 */
export async function halving<T>(
  records: readonly T[],
  largest: number,
  write: (part: readonly T[]) => Promise<Written[]>,
): Promise<Written[]> {
  const written: Written[] = new Array(records.length);
  const pending: number[][] = [];
  for (let start = 0; start < records.length; start += largest) {
    const end = Math.min(start + largest, records.length);
    pending.push(Array.from({ length: end - start }, (_, i) => start + i));
  }
  for (let part = pending.shift(); part; part = pending.shift()) {
    const fate = await write(part.map((place) => records[place] as T));
    const again: number[] = [];
    part.forEach((place, i) => {
      const one = fate[i] as Written;
      if (one.failure && part.length > 1 && isWorthHalving(one.failure)) again.push(place);
      else written[place] = one;
    });
    const middle = Math.ceil(again.length / 2);
    for (const half of [again.slice(0, middle), again.slice(middle)]) if (half.length > 0) pending.push(half);
  }
  return written;
}

function isWorthHalving(failure: Failure): boolean {
  return failure.isWhole === true || failure.cure?.what === 'smaller';
}
