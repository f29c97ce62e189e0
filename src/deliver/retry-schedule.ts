/** Delays spread by this much both ways, so that what failed together does not come back together. */
const jitter = 0.2;

export interface Schedule {
  /** The last one repeats. */
  retryMs: readonly number[];
  giveUpAfterMs: number;
}

/**
 * When to try again after `failures` attempts in a row (1 for the first), or null to give up. The CRM's own wait wins
 * where it is longer.
 */
export function nextTry(
  schedule: Schedule,
  failures: number,
  failingSince: Date,
  now: Date,
  notBefore: Date | undefined,
  random: number,
): Date | null {
  if (now.getTime() - failingSince.getTime() >= schedule.giveUpAfterMs) return null;
  const { retryMs } = schedule;
  const delay = retryMs[Math.min(failures, retryMs.length) - 1] ?? 0;
  const spread = delay * (1 + jitter * (2 * random - 1));
  return new Date(Math.max(now.getTime() + spread, notBefore?.getTime() || 0)); // 0 for an invalid date, too
}

/** How long a blocked connector waits before it tries one call: the nth time (0 for the first). The last repeats. */
export function nextProbe(probeMs: readonly number[], probes: number, now: Date, notBefore?: Date): Date {
  const delay = probeMs[Math.min(probes, probeMs.length - 1)] ?? 60_000;
  // A CRM that names its time (a quota that refills) is still asked now and then: someone may have raised the limit.
  const longest = Math.max(...probeMs, delay);
  const wanted = Math.min((notBefore?.getTime() || 0) - now.getTime(), longest);
  return new Date(now.getTime() + Math.max(delay, wanted));
}
