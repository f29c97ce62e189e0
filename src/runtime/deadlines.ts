/*
 * Many things that should end in time, nearly all of which do: one timer looks after them all, since one for each
 * would cost a push more than its parsing.
 */

interface Awaited {
  until: number;
  late(): void;
}

const awaited = new Set<Awaited>();
/** How exactly the time is kept. */
const lookMs = 1_000;
let looking: ReturnType<typeof setInterval> | undefined;

/** Calls `late` after `ms` or a little later, unless the returned function was called before. */
export function within(ms: number, late: () => void): () => void {
  const one = { until: performance.now() + ms, late };
  awaited.add(one);
  looking ??= setInterval(look, lookMs);
  return () => void awaited.delete(one);
}

/** Nobody is late any more: as with a process that dies, for a simulation of several in one. */
export function forgetDeadlines(): void {
  awaited.clear();
  clearInterval(looking);
  looking = undefined;
}

/**
 * How many are told at a time that they are late. Bun ends each answer within the one before, so that thousands of slow
 * senders who came together ran it out of stack, and out of life.
 */
const atOnce = 50;

function look(): void {
  const now = performance.now();
  let told = 0;
  for (const one of awaited) {
    if (one.until > now) continue;
    if (told++ === atOnce) return void setImmediate(look);
    awaited.delete(one);
    one.late();
  }
  if (awaited.size > 0) return;
  clearInterval(looking);
  looking = undefined;
}
