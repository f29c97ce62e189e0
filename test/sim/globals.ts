import type { Timeline } from './timeline.ts';

/** What the wall shows, which can be set, while timers go by the time that passes. */
export interface Wall {
  now(): number;
}

/**
 * Puts the simulation's time and chance in the place of the runtime's, for everything in this process. The returned
 * function takes that back.
 *
 * @param longerMs intervals shorter than this are made so long: looking twice a second at what never changes is most of
 * the work of a simulated month
 */
export function simulateGlobals(
  timeline: Timeline,
  wall: Wall,
  random: () => number,
  fetched: typeof fetch,
  longerMs = 0,
): () => void {
  const RealDate = Date;
  class SimulatedDate extends RealDate {
    constructor(...given: []) {
      if (given.length === 0) super(wall.now());
      else super(...given);
    }
    static override now(): number {
      return Math.floor(wall.now());
    }
  }
  class Timer {
    readonly #end: () => void;
    constructor(end: () => void) {
      this.#end = end;
    }
    cancel = () => this.#end();
    ref = () => this;
    unref = () => this;
    hasRef = () => true;
    [Symbol.dispose] = () => this.#end();
  }
  const cancel = (timer: unknown) => {
    if (timer instanceof Timer) timer.cancel();
  };
  const after = (run: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) =>
    new Timer(timeline.after(Math.max(Number(ms) || 0, 1), () => run(...given)));
  const every = (run: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) => {
    let end = () => {};
    const life = timeline.current;
    const next = () => {
      end = timeline.after(
        Math.max(Number(ms) || 0, longerMs, 1),
        () => {
          next();
          run(...given);
        },
        life,
      );
    };
    next();
    return new Timer(() => end());
  };
  const soon = (run: (...given: unknown[]) => void, ...given: unknown[]) =>
    new Timer(timeline.soon(() => run(...given)));

  const places: [object, string, unknown][] = [
    [globalThis, 'Date', SimulatedDate],
    [globalThis, 'setTimeout', after],
    [globalThis, 'setInterval', every],
    [globalThis, 'setImmediate', soon],
    [globalThis, 'clearTimeout', cancel],
    [globalThis, 'clearInterval', cancel],
    [globalThis, 'clearImmediate', cancel],
    [globalThis, 'fetch', fetched],
    [Math, 'random', random],
    [performance, 'now', () => timeline.passed],
    [
      AbortSignal,
      'timeout',
      (ms: number) => {
        const controller = new AbortController();
        timeline.after(ms, () => controller.abort(new DOMException('It took too long.', 'TimeoutError')));
        return controller.signal;
      },
    ],
  ];
  const before = places.map(([object, name]) => Object.getOwnPropertyDescriptor(object, name));
  for (const [object, name, value] of places)
    Object.defineProperty(object, name, { value, configurable: true, writable: true });
  return () => {
    for (const [place, [object, name]] of places.entries()) {
      const was = before[place];
      if (was) Object.defineProperty(object, name, was);
      else delete (object as Record<string, unknown>)[name];
    }
  };
}
