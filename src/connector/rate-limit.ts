import { type Clock, sleep } from '../clock.ts';

/** At most so many requests in any window of time. */
export interface RateLimit {
  /** Resolves when a request may be sent, in the order of asking; at once when `signal` aborts. */
  take(signal?: AbortSignal): Promise<void>;
  /** From now on so many, as a CRM's answers tell what it grants. What was sent before counts on. */
  allow(requests: number): void;
}

/** A sliding window: the nth request waits until the one n places before it is `perMs` old. */
export function rateLimit(clock: Clock, requests: number, perMs: number): RateLimit {
  let allowed = requests;
  let sent: number[] = []; // times within the window, oldest first
  let turn: Promise<void> = Promise.resolve();
  const wait = () => {
    const now = clock.now().getTime();
    // What was sent later than now was sent before the clock was set back: no longer ago than now, as far as is known.
    sent = sent.map((at) => Math.min(at, now)).filter((at) => at > now - perMs);
    const inTheWay = sent.at(-allowed);
    return inTheWay === undefined ? 0 : inTheWay + perMs - now;
  };
  return {
    take(signal) {
      turn = turn.then(async () => {
        for (let ms = wait(); ms > 0 && !signal?.aborted; ms = wait()) await sleep(clock, ms, signal);
        if (!signal?.aborted) sent.push(clock.now().getTime());
      });
      return turn;
    },
    allow(requests) {
      allowed = requests;
    },
  };
}
