import { type Clock, systemClock } from '../../src/clock.ts';

/** A clock that is set on; timers run as ever. */
export function movingClock(): { clock: Clock; pass(ms: number): void } {
  let passed = 0;
  return {
    clock: { now: () => new Date(systemClock.now().getTime() + passed), after: systemClock.after },
    pass(ms) {
      passed += ms;
    },
  };
}
