import { type Clock, sleep } from '../clock.ts';

/** At most so many requests in any window of time. */
export interface RateLimit {
  /** Resolves when a request may be sent, in the order of asking; at once when `signal` aborts. */
  take(signal?: AbortSignal): Promise<void>;
}

/** A sliding window: the nth request waits until the one n places before it is `perMs` old. */
export function rateLimit(clock: Clock, requests: number, perMs: number): RateLimit {
  const sent: number[] = []; // times, oldest first, at most `requests` of them
  let turn: Promise<void> = Promise.resolve();
  return {
    take(signal) {
      turn = turn.then(async () => {
        const oldest = sent.length < requests ? undefined : sent.shift();
        const wait = oldest === undefined ? 0 : oldest + perMs - clock.now().getTime();
        if (wait > 0) await sleep(clock, wait, signal);
        sent.push(clock.now().getTime());
      });
      return turn;
    },
  };
}
