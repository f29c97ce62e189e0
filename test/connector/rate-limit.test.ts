import { runBatch } from '../../src/connector/batch-context.ts';
import { ConcurrencyLimit } from '../../src/connector/concurrency-limit.ts';
import type { Urgency } from '../../src/connector/index.ts';
import { RateLimits, rateLimit } from '../../src/connector/rate-limit.ts';
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

const as = <T>(urgency: Urgency, work: () => Promise<T>) => runBatch(urgency, work);

limits('a backlog is spread over the window, so that a live call finds a place at any moment', async () => {
  const time = new VirtualTime();
  const limit = rateLimit(time.clock(), 10, 1_000);
  const times: Record<string, number[]> = { backlog: [], live: [] };
  const ask = (urgency: 'backlog' | 'live') =>
    void as(urgency, async () => {
      await limit.take();
      times[urgency]?.push(time.passed);
    });
  for (let i = 0; i < 40; i++) ask('backlog');
  for (const at of [1_530, 2_050]) {
    await passTo(time, at);
    ask('live');
  }
  await passTo(time, 6_000);
  assert.equal(times['live'], [1_600, 2_100]);
  // No slower for that than the limit has it, but for what the live ones took.
  assert.equal([times['backlog']?.length, times['backlog']?.at(-1)], [40, 4_100]);
});

limits('live calls come first, and of five turns one is for the others in turn', async () => {
  const time = new VirtualTime();
  const limit = rateLimit(time.clock(), 1, 100);
  const got: string[] = [];
  const ask = (urgency: Urgency, name: string) =>
    void as(urgency, async () => {
      await limit.take();
      got.push(name);
    });
  ask('backlog', 'first');
  for (let i = 0; i < 3; i++) ask('historic', 'historic');
  for (let i = 0; i < 3; i++) ask('backlog', 'backlog');
  for (let i = 0; i < 8; i++) ask('live', 'live');
  await passTo(time, 3_000);
  assert.equal(got, [
    'first',
    ...['live', 'live', 'live', 'historic'],
    ...['live', 'live', 'live', 'live', 'backlog'],
    ...['live', 'backlog', 'backlog', 'historic', 'historic'],
  ]);
});

limits('a connection that is opened anew goes on where the last one was', async () => {
  const time = new VirtualTime();
  const known = new RateLimits(time.clock());
  const opened = () => {
    const limitOf = known.of('crm');
    return [limitOf(3, 1_000), limitOf(1, 100)] as const;
  };
  assert.equal(await granted(time, opened()[0], 3), [0, 0, 0]);
  const [window, searches] = opened();
  assert.equal(await granted(time, searches, 2), [0, 100], 'another limit of the connector');
  assert.equal(await granted(time, window, 1), [900]);
  assert.equal(await granted(time, known.of('other')(3, 1_000), 1), [0], 'another connector');
});

limits('of those who wait for a turn, live calls come first', async () => {
  const turns = new ConcurrencyLimit(1);
  const got: string[] = [];
  const { promise: held, resolve: end } = Promise.withResolvers<void>();
  const first = turns.run(() => held);
  const others = (['backlog', 'historic', 'live'] as const).map((urgency) =>
    as(urgency, () => turns.run(async () => void got.push(urgency))),
  );
  end();
  await Promise.all([first, ...others]);
  assert.equal(got, ['live', 'backlog', 'historic']);
});

/** Lets time pass until then, with everything that waits for it done. */
async function passTo(time: VirtualTime, ms: number): Promise<void> {
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  await settle();
  await time.pass(ms - time.passed, settle);
}

limits.run();
