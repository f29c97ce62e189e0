import type { Clock } from '../../src/clock.ts';

interface Timer {
  at: number;
  run(): void;
  of: VirtualClock;
}

/**
 * Time that passes when told to. What the wall shows can jump; timers, like real ones, go by the time that passes.
 */
export class VirtualTime {
  /** Milliseconds that have passed. */
  passed = 0;
  #wall = Date.parse('2026-11-02T03:15:00.000Z');
  readonly #timers = new Set<Timer>();

  now(): Date {
    return new Date(this.#wall + this.passed);
  }

  jump(ms: number): void {
    this.#wall += ms;
  }

  clock(): VirtualClock {
    return new VirtualClock(this, this.#timers);
  }

  /** How long until the next timer of a running clock. */
  nextIn(): number {
    return (this.#next()?.at ?? Number.POSITIVE_INFINITY) - this.passed;
  }

  /** Lets time pass; `settle` runs after each timer. */
  async pass(ms: number, settle: () => Promise<void>): Promise<void> {
    const end = this.passed + ms;
    for (let timer = this.#next(); timer && timer.at <= end; timer = this.#next()) {
      this.#timers.delete(timer);
      this.passed = Math.max(timer.at, this.passed); // those of a clock that stood still are late
      timer.run();
      await settle();
    }
    this.passed = end;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (!timer.of.standsStill && (!first || timer.at < first.at)) first = timer;
    }
    return first;
  }
}

/** The clock of one instance: the time goes on while its timers may stand still, as in a process that hangs. */
export class VirtualClock implements Clock {
  standsStill = false;
  readonly #time: VirtualTime;
  readonly #timers: Set<Timer>;

  constructor(time: VirtualTime, timers: Set<Timer>) {
    this.#time = time;
    this.#timers = timers;
  }

  now(): Date {
    return this.#time.now();
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#time.passed + Math.max(ms, 0), run, of: this };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** How long until its next timer. */
  nextIn(): number {
    const own = [...this.#timers].filter((timer) => timer.of === this);
    return Math.min(...own.map((timer) => timer.at)) - this.#time.passed;
  }
}
