import { type Clock, sleep } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Rejections } from '../store/rejections.ts';
import type { Purged, Upkeep } from '../store/upkeep.ts';

const everyMs = 3_600_000;
const erasuresEveryMs = 60_000;
/** Small enough that a push never waits for a step to be felt, with room for pushes between steps. */
const callsInAStep = 200;
const betweenStepsMs = 20;

/** Removes raw pushes, whole calls and pushes that were not taken, that are older than the operator wants to keep. */
export class RetentionSweep {
  readonly #store: Rejections & Upkeep;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #kept: () => { pushesMs: number; callsMs: number; rejectedMs: number };
  readonly #abort = new AbortController();
  #running: Promise<unknown> | undefined;

  constructor(options: {
    store: Rejections & Upkeep;
    clock: Clock;
    log: Log;
    /** Read anew for each sweep. */
    kept(): { pushesMs: number; callsMs: number; rejectedMs: number };
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#kept = options.kept;
  }

  start(): void {
    this.#running = Promise.all([this.#run(), this.#finishErasures()]);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#sweep(signal);
      } catch (reason) {
        this.#log.error({ err: reason }, 'The store failed the retention sweep; it goes on in an hour.');
      }
      await sleep(this.#clock, everyMs, signal);
    }
  }

  /** What somebody's reading of the file kept an erasure from doing. */
  async #finishErasures(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      await this.#store
        .finishErasures(this.#clock.now())
        .catch((reason) =>
          this.#log.error(
            { err: reason },
            'The store failed to finish an erasure; it tries again in a minute.',
          ),
        );
      await sleep(this.#clock, erasuresEveryMs, signal);
    }
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const now = this.#clock.now().getTime();
    const { pushesMs, callsMs, rejectedMs } = this.#kept();
    const calls = await this.#purge('calls', new Date(now - callsMs), signal);
    const pushes = await this.#purge('pushes', new Date(now - pushesMs), signal);
    const rejected = await this.#purgeRejected(new Date(now - rejectedMs), signal);
    if (calls + pushes + rejected > 0)
      this.#log.info({ calls, pushes, rejected }, 'Removed what is older than retention keeps.');
  }

  async #purge(what: 'pushes' | 'calls', before: Date, signal: AbortSignal): Promise<number> {
    let total = 0;
    for (let row: number | null = 0; row !== null && !signal.aborted; ) {
      const { removed, lastRow }: Purged = await this.#store.purge(what, before, row, callsInAStep);
      total += removed;
      row = lastRow;
      if (row !== null) await sleep(this.#clock, betweenStepsMs, signal);
    }
    return total;
  }

  async #purgeRejected(before: Date, signal: AbortSignal): Promise<number> {
    let total = 0;
    while (!signal.aborted) {
      const removed = await this.#store.purgeRejected(before, callsInAStep);
      total += removed;
      if (removed < callsInAStep) break;
      await sleep(this.#clock, betweenStepsMs, signal);
    }
    return total;
  }
}
