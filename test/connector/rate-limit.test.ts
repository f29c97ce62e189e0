import { rateLimit } from '../../src/connector/rate-limit.ts';
import { LeapingClock } from '../support/leaping-clock.ts';
import { assert, suite } from '../support/suite.ts';

const limits = suite('rate limit');

/** Takes so many, leaping over what has to be waited for; answers when each was granted, in ms from the start. */
async function granted(clock: LeapingClock, limit: { take(): Promise<void> }, count: number) {
  const start = clock.now().getTime();
  const times: number[] = [];
  const all = Array.from({ length: count }, () =>
    limit.take().then(() => void times.push(clock.now().getTime() - start)),
  );
  while (times.length < count) {
    await new Promise(setImmediate);
    if (times.length < count) clock.leap();
  }
  await Promise.all(all);
  return times;
}

limits(
  'so many at once, and each further one when the one so many places before it is out of the window',
  async () => {
    const clock = new LeapingClock();
    assert.equal(await granted(clock, rateLimit(clock, 3, 1_000), 7), [0, 0, 0, 1_000, 1_000, 1_000, 2_000]);
  },
);

limits('what was sent before counts when more is allowed', async () => {
  const clock = new LeapingClock();
  const limit = rateLimit(clock, 3, 1_000);
  await granted(clock, limit, 3);
  limit.allow(5);
  assert.equal(await granted(clock, limit, 4), [0, 0, 1_000, 1_000]);
});

limits('when less is allowed, the window empties first', async () => {
  const clock = new LeapingClock();
  const limit = rateLimit(clock, 4, 1_000);
  await granted(clock, limit, 4);
  limit.allow(2);
  assert.equal(await granted(clock, limit, 3), [1_000, 1_000, 2_000]);
});

limits('one that gives up waits no longer, and takes nothing from the others', async () => {
  const clock = new LeapingClock();
  const limit = rateLimit(clock, 1, 1_000);
  await limit.take();
  const stop = new AbortController();
  const waiting = limit.take(stop.signal);
  await new Promise(setImmediate);
  stop.abort();
  await waiting;
  assert.equal(await granted(clock, limit, 1), [1_000]);
});

limits.run();
