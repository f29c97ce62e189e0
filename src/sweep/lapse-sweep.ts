import type { Clock } from '../clock.ts';
import { Wakeup } from '../deliver/wakeup.ts';
import type { Log } from '../log.ts';
import type { Intake, NewPush } from '../store/intake.ts';

const atOnce = 500;
const atLeastEveryMs = 60_000;

/** Closes calls whose end did not come in time. A late end opens them again, like any other push. */
export class LapseSweep {
  readonly #store: Pick<Intake, 'lapse' | 'nextLapseAt'>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #route: NewPush['route'];
  readonly #wake: (connectors: readonly string[]) => void;
  readonly #wakeup: Wakeup;
  #next = Number.POSITIVE_INFINITY;
  #stopping = false;
  #running: Promise<void> | undefined;

  constructor(options: {
    store: Pick<Intake, 'lapse' | 'nextLapseAt'>;
    clock: Clock;
    log: Log;
    route: NewPush['route'];
    wake(connectors: readonly string[]): void;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#route = options.route;
    this.#wake = options.wake;
    this.#wakeup = new Wakeup(options.clock);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** A call that just began to ring lapses then, unless it ends. */
  expect(lapseAt: number): void {
    if (lapseAt < this.#next) this.#wakeup.ring();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wakeup.ring();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      let next: Date | null = null;
      try {
        next = await this.#sweep();
      } catch (reason) {
        this.#log.error({ err: reason }, 'The store failed the lapse sweep; it goes on in a minute.');
      }
      const latest = this.#clock.now().getTime() + atLeastEveryMs;
      this.#next = Math.min(next?.getTime() ?? latest, latest);
      await this.#wakeup.wait(new Date(this.#next));
    }
  }

  async #sweep(): Promise<Date | null> {
    for (;;) {
      const { lapsed, due } = await this.#store.lapse(this.#clock.now(), this.#route, atOnce);
      if (lapsed > 0) {
        this.#log.info({ calls: lapsed }, 'Calls closed: their end did not come in time.');
        this.#wake(due);
      }
      if (lapsed < atOnce || this.#stopping) return this.#store.nextLapseAt();
    }
  }
}
