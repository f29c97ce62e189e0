import { nextProbe } from './retry-schedule.ts';

/** What a batch of calls came to that a connector could not write, through no fault of any one of them. */
export interface Failure {
  /** Rows of the calls that failed so. */
  calls: readonly number[];
  reason: string;
  isBlocked: boolean;
  notBefore: Date | undefined;
  /** Other calls of the batch were answered. */
  isMixed: boolean;
}

/** Why a connector is not tried as usual. */
interface Trouble {
  since: Date;
  reason: string;
  isBlocked: boolean;
  /** Other calls fared no better: it is the connector's. Until then some calls alone may be the cause. */
  isSure: boolean;
  /** Somebody must act, as far as is known, or it is sure. */
  isTold: boolean;
  /** How many came to nothing since people were told. */
  probes: number;
  probeAt: Date;
  /** Those that failed, and of how many they were one: what is tried next is none of them, if there is another. */
  failed: Map<number, number>;
}

/** Calls that failed while others did not; beyond, it is hardly the calls. */
const mostSuspects = 2_000;
/** How often a call may be among those that open the circuit before it is held to be the cause. */
const patience = 2;

/**
 * Whether a connector is tried: a circuit breaker. Knows neither store nor connection.
 *
 *   closed ──the connector's failure──▶ doubted ──another call fails, too──▶ open
 *     ▲                                    │                                  │
 *     └──────── any answer to a call ──────┘◀──── a probe is answered ────────┘
 *
 * Doubted: a call that is none of those that failed is tried, by itself, at once (half-open). Where it is written, what
 * failed are suspects: they are tried again among themselves, half as many at a time, until the one that brings its
 * batch down stands alone. It then waits alone, as any call that fails. Nobody waits for suspects.
 * Open: one call is tried at each wait of `delivery.probe`, and never twice the same while there are others. A CRM that
 * names a time opens the circuit at once.
 * Blocked (somebody must act): people are told at once. But what one call meets may be its record's, so until a second
 * fares no better, others are tried as they come.
 */
export class Circuit {
  readonly #probeMs: readonly number[];
  #trouble: Trouble | null = null;
  /** Those tried of the ones that failed, since none other is there. */
  readonly probed = new Set<number>();
  readonly #suspects = new Map<number, { atOnce: number; times: number }>();

  constructor(probeMs: readonly number[]) {
    this.#probeMs = probeMs;
  }

  get isClosed(): boolean {
    return this.#trouble === null;
  }

  /** What people are told: nothing while it is only doubted, and nobody has to act. */
  get told(): Readonly<Omit<Trouble, 'failed'>> | null {
    return this.#trouble?.isTold ? this.#trouble : null;
  }

  /** When those may be tried that failed; others may at once while it is doubted. */
  get probeAt(): Date {
    return this.#trouble?.probeAt ?? new Date(0);
  }

  /** Whether a call that is none of `failed` may be tried now. */
  mayProbe(now: Date): boolean {
    return this.#trouble !== null && (!this.#trouble.isSure || now >= this.#trouble.probeAt);
  }

  get failed(): number[] {
    return [...(this.#trouble?.failed.keys() ?? [])];
  }

  get probes(): number {
    return this.#trouble?.probes ?? 0;
  }

  /** What the one who ran it before had found; tried at once. One record may be what blocked it. */
  resume(reason: string, isBlocked: boolean, since: Date, now: Date): void {
    const failed = new Map();
    this.#trouble = {
      since,
      reason,
      isBlocked,
      isSure: !isBlocked,
      isTold: true,
      probes: 0,
      probeAt: now,
      failed,
    };
  }

  /** Whether a failure is held against the call itself: it waits by itself, and that counts. */
  isOwn({ calls, isBlocked, notBefore, isMixed }: Failure): boolean {
    const [call] = calls;
    if (calls.length !== 1 || call === undefined || this.#trouble?.isSure) return false;
    if (this.#isSuspect(call)) return true;
    return !this.#hasOther(calls) && (!isBlocked || isMixed) && notBefore === undefined;
  }

  /** Whether a call failed that is none of these, nor known to fail alone. */
  #hasOther(calls: readonly number[]): boolean {
    return this.failed.some((other) => !calls.includes(other) && !this.#isSuspect(other));
  }

  #isSuspect(call: number): boolean {
    return this.#suspects.get(call)?.atOnce === 1;
  }

  /** Returns whether people should hear of it. */
  fail(failure: Failure, isProbe: boolean, now: Date): boolean {
    const { calls, reason, isBlocked, notBefore, isMixed } = failure;
    const before = this.#trouble;
    const isOwn = this.isOwn(failure);
    if (isProbe) for (const call of calls) this.probed.add(call);
    const failed = new Map(calls.map((call) => [call, calls.length]));
    if (before?.isSure) {
      // A batch that was under way when it opened says nothing new, but that somebody must act.
      if (!isProbe && (before.isBlocked || !isBlocked)) return false;
      const probes = isProbe ? before.probes + 1 : 0;
      for (const [call, size] of before.failed) if (failed.size < mostSuspects) failed.set(call, size);
      this.#trouble = {
        ...before,
        reason,
        isBlocked,
        probes,
        failed,
        probeAt: this.#next(probes, now, notBefore),
      };
      return true;
    }
    const isShared = isBlocked
      ? !isMixed && (calls.length > 1 || this.#hasOther(calls))
      : isProbe && before !== null;
    const isSure = !isOwn && (notBefore !== undefined || isShared);
    const isNews = isSure || (isBlocked && !isMixed && !isOwn);
    const isTold = isNews || (before?.isTold ?? false);
    const probes = isSure ? 0 : (before?.probes ?? 0) + (isTold && isProbe ? 1 : 0);
    for (const [call, size] of before?.failed ?? []) failed.set(call, size);
    this.#trouble = {
      since: before?.since ?? now,
      reason: isNews || !before ? reason : before.reason,
      isBlocked: isNews ? isBlocked : (before?.isBlocked ?? false),
      isSure,
      isTold,
      probes,
      probeAt: isTold ? this.#next(probes, now, notBefore) : now,
      failed,
    };
    // Where nobody named a cause and others fail as well, it was none of the calls.
    if (isSure && !isBlocked && notBefore === undefined) this.#acquit();
    return isTold;
  }

  #next(probes: number, now: Date, notBefore: Date | undefined): Date {
    return nextProbe(this.#probeMs, probes, now, notBefore);
  }

  #acquit(): void {
    for (const [call, { atOnce }] of this.#suspects) if (atOnce > 1) this.#suspects.delete(call);
    const failed = this.#trouble?.failed;
    for (const [call, size] of failed ?? []) if (size > 1) failed?.set(call, 0);
  }

  /** The CRM answered some call, whatever it said. Returns whether a circuit that people were told of is closed. */
  answer(isProbe: boolean, answered: readonly number[]): boolean {
    const before = this.#trouble;
    if (!before || (before.isSure && !isProbe)) return false;
    this.#trouble = null;
    this.probed.clear();
    for (const [call, size] of before.failed) {
      if (answered.includes(call) || size === 0) continue;
      const known = this.#suspects.get(call);
      const times = (known?.times ?? 0) + 1;
      const isCause = !before.isSure || times > patience;
      const atOnce = isCause ? Math.max(1, Math.ceil(size / 2)) : (known?.atOnce ?? Number.MAX_SAFE_INTEGER);
      if (known || this.#suspects.size < mostSuspects) this.#suspects.set(call, { atOnce, times });
    }
    return before.isTold;
  }

  /** A call that was written, or is over otherwise. */
  clear(call: number): void {
    this.#suspects.delete(call);
  }

  /** Calls that are not to be tried with others. */
  get suspects(): number[] {
    return [...this.#suspects].flatMap(([call, { atOnce }]) =>
      atOnce < Number.MAX_SAFE_INTEGER ? [call] : [],
    );
  }

  /** How many suspects may be tried together, the given one among them. */
  atOnce(call: number): number {
    return this.#suspects.get(call)?.atOnce ?? Number.MAX_SAFE_INTEGER;
  }

  /** Nothing waits any more: what comes next finds out anew. */
  rest(): void {
    this.probed.clear();
    this.#trouble = null;
  }

  /** Somebody asks for it, or the clock was set back: it is tried now. */
  probeNow(now: Date): void {
    if (!this.#trouble) return;
    this.#trouble.probeAt = now;
    if (this.#trouble.since > now) this.#trouble.since = now;
  }
}
