import type { Urgency } from '../call/call.ts';
import type { Clock } from '../clock.ts';
import { urgencyNow } from './batch-context.ts';
import { WaitingLine } from './waiting-line.ts';

/** At most so many requests in any window of time. */
export interface RateLimit {
  /** Resolves when a request may be sent, live calls' before others', else in the order of asking; at once when `signal` aborts. */
  take(signal?: AbortSignal): Promise<void>;
  /** From now on so many, as a CRM's answers tell what it grants. What was sent before counts on. */
  allow(requests: number): void;
}

/**
 * A sliding window: the nth request waits until the one n places before it is `perMs` old. What is not live is spread
 * over the window, so that one which is finds a place at any moment: sent all at once, a backlog would have everybody
 * wait for the window to pass.
 */
export function rateLimit(clock: Clock, requests: number, perMs: number): RateLimit {
  let allowed = requests;
  let sent: number[] = []; // times within the window, oldest first
  let spreadAt = Number.NEGATIVE_INFINITY; // when the last one was sent that was not live
  let cancelTimer = () => {};
  const waiting = new WaitingLine<() => void>();

  /** How long until one may be sent. */
  const waitOf = (urgency: Urgency, now: number): number => {
    const inTheWay = sent.at(-allowed);
    const ofWindow = inTheWay === undefined ? 0 : inTheWay + perMs - now;
    return urgency === 'live' ? ofWindow : Math.max(ofWindow, spreadAt + perMs / allowed - now);
  };
  const grant = () => {
    cancelTimer();
    cancelTimer = () => {};
    for (;;) {
      const now = clock.now().getTime();
      // What was sent later than now was sent before the clock was set back: no longer ago than now, as far as is known.
      sent = sent.map((at) => Math.min(at, now)).filter((at) => at > now - perMs);
      spreadAt = Math.min(spreadAt, now);
      const go = waiting.next((urgency) => waitOf(urgency, now) <= 0);
      if (!go) break;
      go();
    }
    if (waiting.isEmpty) return;
    const now = clock.now().getTime();
    const isLive = waiting.has('live');
    cancelTimer = clock.after(Math.ceil(Math.max(waitOf(isLive ? 'live' : 'backlog', now), 1)), grant);
  };
  return {
    take(signal) {
      if (signal?.aborted) return Promise.resolve();
      const urgency = urgencyNow();
      return new Promise((resolve) => {
        const leave = () => {
          waiting.remove(urgency, go);
          resolve();
        };
        const go = () => {
          signal?.removeEventListener('abort', leave);
          const now = clock.now().getTime();
          sent.push(now);
          if (urgency !== 'live') spreadAt = now;
          resolve();
        };
        signal?.addEventListener('abort', leave, { once: true });
        waiting.add(urgency, go);
        grant();
      });
    },
    allow(requests) {
      allowed = requests;
      grant();
    },
  };
}

/**
 * The limits of every connector, which outlive its connections: to the CRM it is all the same who counts, so one that is
 * opened anew goes on where the last one was.
 */
export class RateLimits {
  readonly #clock: Clock;
  readonly #known = new Map<string, RateLimit>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What one connection of a connector asks for, in turn: the nth limit of the same window is the same one again. */
  of(connector: string): (requests: number, perMs: number) => RateLimit {
    const asked = new Map<number, number>();
    return (requests, perMs) => {
      const nth = (asked.get(perMs) ?? 0) + 1;
      asked.set(perMs, nth);
      const name = `${connector} ${perMs} ${nth}`;
      const known = this.#known.get(name);
      known?.allow(requests);
      const limit = known ?? rateLimit(this.#clock, requests, perMs);
      this.#known.set(name, limit);
      return limit;
    };
  }
}
