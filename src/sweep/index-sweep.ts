import type { CallState } from '../call/call.ts';
import { type Clock, sleep } from '../clock.ts';
import { Wakeup } from '../deliver/wakeup.ts';
import type { Log } from '../log.ts';
import type { CallIndex, IndexedCall, IndexStep, Readings } from '../store/call-index.ts';

/** Small enough that a push never waits for a step to be felt. */
const callsInAStep = 8;
/** How long a new call waits to be looked at, with those that come meanwhile. */
const gatherMs = 100;
/** How often it looks without being told of anything. */
const idleMs = 10_000;
/** Over how long pushes are counted: between two steps there may be none in the middle of a flood. */
const countMs = 250;
/** From so many pushes a second on, receiving has the processor nearly to itself, and the index follows when it is over. */
const flood = 2_000;
const storeRetryMs = 5_000;

/** Keeps the index of calls up to the pushes, in small steps behind them. */
export class IndexSweep {
  readonly #options: IndexSweepOptions;
  readonly #abort = new AbortController();
  readonly #wakeup: Wakeup;
  #running: Promise<void> | undefined;
  #told = 0;
  #countedAt = performance.now();
  #pushesPerSecond = 0;

  constructor(options: IndexSweepOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** There may be something to look at. Called for each push. */
  wake(): void {
    this.#told++;
    this.#wakeup.ring();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { store, clock, log, reading, indexed } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      let pauseMs = 0;
      try {
        const { readings, read } = reading();
        const started = performance.now();
        const { calls, isDone } = await store.indexCalls(readings, read, callsInAStep);
        if (calls.length > 0) indexed(calls);
        const now = performance.now();
        this.#count(now);
        if (isDone) {
          await this.#wakeup.wait(new Date(clock.now().getTime() + idleMs));
          pauseMs = gatherMs;
        } else pauseMs = pauseOf(now - started, this.#pushesPerSecond);
      } catch (reason) {
        log.error({ err: reason }, 'The store failed the index of calls; it goes on in seconds.');
        pauseMs = storeRetryMs;
      }
      // Even without a pause, what has arrived goes first.
      if (pauseMs === 0) await new Promise(setImmediate);
      else await sleep(clock, pauseMs, signal);
    }
  }

  #count(now: number): void {
    const forMs = now - this.#countedAt;
    if (forMs < countMs) return;
    this.#pushesPerSecond = (this.#told * 1000) / forMs;
    this.#told = 0;
    this.#countedAt = now;
  }
}

export interface IndexSweepOptions {
  store: Pick<CallIndex, 'indexCalls'>;
  clock: Clock;
  log: Log;
  /** How calls are read, and names for it; asked for each step. */
  reading(): { readings: Readings; read(state: CallState): IndexedCall };
  /** Called with what a step looked at. */
  indexed(calls: IndexStep['calls']): void;
}

/** All of the time while nothing comes; a third of a quiet bridge's, a hundredth of a busy one's. */
function pauseOf(tookMs: number, pushesPerSecond: number): number {
  if (pushesPerSecond <= 0) return 0;
  return (pushesPerSecond > flood ? 100 : 2) * tookMs;
}
