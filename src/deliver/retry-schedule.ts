/** Delays spread by this much both ways, so that what failed together does not come back together. */
const jitter = 0.2;
/** What a CRM asks to wait is believed up to here. */
const longestAskedMs = 86_400_000;

export interface Schedule {
  /** The last one repeats. */
  retryMs: readonly number[];
  /** Of time in which it was tried. */
  giveUpAfterMs: number;
}

/** For how long a CRM asks to wait, as far as it is believed. */
function askedMs(notBefore: Date | undefined, now: Date, atMost: number): number {
  return Math.min((notBefore?.getTime() || 0) - now.getTime(), atMost, longestAskedMs); // 0 for an invalid date, too
}

/**
 * When to try again after `failures` attempts in a row (1 for the first), or null to give up. The CRM's own wait wins
 * where it is longer.
 */
export function nextTry(
  schedule: Schedule,
  failures: number,
  triedMs: number,
  now: Date,
  notBefore: Date | undefined,
  random: number,
): Date | null {
  if (triedMs >= schedule.giveUpAfterMs) return null;
  const { retryMs } = schedule;
  const delay = retryMs[Math.min(failures, retryMs.length) - 1] ?? 0;
  const spread = delay * (1 + jitter * (2 * random - 1));
  return new Date(now.getTime() + Math.max(spread, askedMs(notBefore, now, longestAskedMs)));
}

/**
 * When a connector whose circuit is open is tried: the nth time (0 for the first). The last wait repeats. The first time
 * a CRM's own word is taken for it.
 */
export function nextProbe(probeMs: readonly number[], probes: number, now: Date, notBefore?: Date): Date {
  const delay = probeMs[Math.min(probes, probeMs.length - 1)] ?? 60_000;
  // A CRM that names its time (a quota that refills) is still asked now and then: someone may have raised the limit.
  const asked = askedMs(notBefore, now, Math.max(...probeMs, delay));
  return new Date(now.getTime() + (probes === 0 && asked > 0 ? asked : Math.max(delay, asked)));
}
