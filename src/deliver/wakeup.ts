import { type Clock, sleep } from '../clock.ts';

/** A bell that one loop waits for. Rung while nobody waits, it ends the next wait at once. */
export class Wakeup {
  readonly #clock: Clock;
  #rung = false;
  #waiting: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    this.#waiting?.abort();
  }

  /** Until rung, or until the time comes if one is given. */
  async wait(until: Date | null): Promise<void> {
    if (!this.#rung) {
      this.#waiting = new AbortController();
      const ms = until === null ? Number.MAX_SAFE_INTEGER : until.getTime() - this.#clock.now().getTime();
      await sleep(this.#clock, ms, this.#waiting.signal);
      this.#waiting = undefined;
    }
    this.#rung = false;
  }
}
