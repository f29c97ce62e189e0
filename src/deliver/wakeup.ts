import type { Clock } from '../clock.ts';

/** A bell that one loop waits for. Rung while nobody waits, it ends the next wait at once. Rung for each push. */
export class Wakeup {
  readonly #clock: Clock;
  #rung = false;
  #end: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    this.#end?.();
  }

  /** Until rung, or until the time comes if one is given. */
  async wait(until: Date | null): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const ms = until === null ? Number.MAX_SAFE_INTEGER : until.getTime() - this.#clock.now().getTime();
        const cancel = this.#clock.after(ms, () => this.#end?.());
        this.#end = () => {
          this.#end = undefined;
          cancel();
          resolve();
        };
      });
    }
    this.#rung = false;
  }
}
