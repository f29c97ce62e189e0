import type { Clock } from '../clock.ts';

interface Timer {
  at: number;
  run(): void;
  cancel(): void;
}

/** A clock that can be put forward, with its timers: a day is played in seconds. In between it goes as others do. */
export class PlayedClock implements Clock {
  #aheadMs: number;
  readonly #timers = new Set<Timer>();

  constructor(start: Date) {
    this.#aheadMs = start.getTime() - Date.now();
  }

  now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }

  after(ms: number, run: () => void): () => void {
    const timer: Timer = { at: this.now().getTime() + Math.max(ms, 0), run, cancel: () => {} };
    this.#timers.add(timer);
    this.#wait(timer);
    return () => {
      timer.cancel();
      this.#timers.delete(timer);
    };
  }

  /** Puts it forward. An earlier time than it shows changes nothing. */
  putTo(time: Date): void {
    this.#aheadMs = Math.max(this.#aheadMs, time.getTime() - Date.now());
    for (const timer of this.#timers) {
      timer.cancel();
      this.#wait(timer);
    }
  }

  #wait(timer: Timer): void {
    const waitMs = Math.min(Math.max(timer.at - this.now().getTime(), 0), 2 ** 31 - 1);
    const real = setTimeout(() => {
      this.#timers.delete(timer);
      timer.run();
    }, waitMs);
    timer.cancel = () => clearTimeout(real);
  }
}
