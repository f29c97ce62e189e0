import type { CallIndex, CallsFound, IndexFilter } from '../store/call-index.ts';
import type { ReplayCount, Replayed } from './actions.ts';

const atOnce = 500;
const countedAtOnce = 2_000;

/** How many calls a replay of all that match would write again, and how many deliveries. */
export async function countFound(store: CallIndex, filter: IndexFilter): Promise<ReplayCount> {
  const count = { calls: 0, deliveries: 0 };
  for (let before: number | null = null; ; ) {
    const found: CallsFound = await store.countFound(filter, before, countedAtOnce);
    count.calls += found.calls;
    count.deliveries += found.deliveries;
    before = found.lastRow;
    if (before === null) return count;
    await new Promise(setImmediate); // pushes come first
  }
}

/** @param replay of these calls, by their rows; answers how many deliveries became due */
export async function replayFound(
  store: CallIndex,
  filter: IndexFilter,
  replay: (rows: readonly number[]) => Promise<number>,
): Promise<Replayed> {
  const done = { calls: 0, deliveries: 0 };
  for (let before: number | null = null; ; ) {
    const rows: number[] = await store.findCalls(filter, before, atOnce);
    done.calls += rows.length;
    done.deliveries += await replay(rows);
    before = rows.at(-1) ?? null;
    if (rows.length < atOnce) return done;
  }
}
