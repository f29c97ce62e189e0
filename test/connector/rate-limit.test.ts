import { rateLimit } from '../../src/connector/rate-limit.ts';
import { assert, suite } from '../support/suite.ts';
import { VirtualTime } from '../support/virtual-clock.ts';

const limits = suite('rate limit');

/** Takes so many, leaping over what has to be waited for; answers when each was granted, in ms from the start. */
async function granted(time: VirtualTime, limit: { take(): Promise<void> }, count: number) {
  const start = time.passed;
  const times: number[] = [];
  const all = Array.from({ length: count }, () =>
    limit.take().then(() => void times.push(time.passed - start)),
  );
  while (times.length < count) {
    await new Promise(setImmediate);
    if (times.length < count && time.nextIn() < 10_000) await time.pass(time.nextIn(), async () => {});
  }
  await Promise.all(all);
  return times;
}

limits(
  'so many at once, and each further one when the one so many places before it is out of the window',
  async () => {
    const time = new VirtualTime();
    assert.equal(
      await granted(time, rateLimit(time.clock(), 3, 1_000), 7),
      [0, 0, 0, 1_000, 1_000, 1_000, 2_000],
    );
  },
);

limits('what was sent before counts when more is allowed', async () => {
  const time = new VirtualTime();
  const limit = rateLimit(time.clock(), 3, 1_000);
  await granted(time, limit, 3);
  limit.allow(5);
  assert.equal(await granted(time, limit, 4), [0, 0, 1_000, 1_000]);
});

limits('when less is allowed, the window empties first', async () => {
  const time = new VirtualTime();
  const limit = rateLimit(time.clock(), 4, 1_000);
  await granted(time, limit, 4);
  limit.allow(2);
  assert.equal(await granted(time, limit, 3), [1_000, 1_000, 2_000]);
});

limits('a clock that is set back an hour makes nobody wait longer than the window is', async () => {
  const time = new VirtualTime();
  const limit = rateLimit(time.clock(), 2, 1_000);
  await granted(time, limit, 2);
  time.jump(-3_600_000);
  assert.equal(await granted(time, limit, 3), [1_000, 1_000, 2_000]);
});

limits('one that gives up waits no longer, and takes nothing from the others', async () => {
  const time = new VirtualTime();
  const limit = rateLimit(time.clock(), 1, 1_000);
  await limit.take();
  const stop = new AbortController();
  const waiting = limit.take(stop.signal);
  await new Promise(setImmediate);
  stop.abort();
  await waiting;
  assert.equal(await granted(time, limit, 1), [1_000]);
});

limits.run();
