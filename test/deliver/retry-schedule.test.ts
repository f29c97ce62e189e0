import { nextProbe, nextTry } from '../../src/deliver/retry-schedule.ts';
import { assert, suite } from '../support/suite.ts';

const schedule = suite('retry schedule');

const now = new Date('2026-11-02T03:15:00.000Z');
const after = (ms: number) => new Date(now.getTime() + ms);
const retry = { retryMs: [1_000, 10_000, 60_000], giveUpAfterMs: 3_600_000 };

const tries: [failures: number, random: number, delayMs: number][] = [
  [1, 0.5, 1_000],
  [2, 0.5, 10_000],
  [3, 0.5, 60_000],
  [4, 0.5, 60_000],
  [400, 0.5, 60_000],
  [2, 0, 8_000],
  [2, 0.75, 11_000],
  [2, 1, 12_000],
];
for (const [failures, random, delayMs] of tries) {
  schedule(`failure ${failures} with chance ${random} waits ${delayMs} ms`, () => {
    assert.equal(nextTry(retry, failures, 0, now, undefined, random), after(delayMs));
  });
}

schedule("the CRM's own wait wins where it is longer", () => {
  assert.equal(nextTry(retry, 1, 0, now, after(30_000), 0.5), after(30_000));
  assert.equal(nextTry(retry, 1, 0, now, after(500), 0.5), after(1_000));
  assert.equal(nextTry(retry, 1, 0, now, after(-500), 0.5), after(1_000));
  assert.equal(nextTry(retry, 1, 0, now, new Date(Number.NaN), 0.5), after(1_000), 'no time at all');
  assert.equal(nextTry(retry, 1, 0, now, after(999_999_999), 0.5), after(86_400_000), 'up to a day');
});

schedule('it gives up after the time given in which it was tried, however often that was', () => {
  assert.ok(nextTry(retry, 100, 3_599_999, now, undefined, 0.5));
  assert.is(nextTry(retry, 2, 3_600_000, now, undefined, 0.5), null);
  assert.is(nextTry(retry, 2, 3_600_000, now, after(1), 0.5), null);
});

schedule('probes are ever further apart, up to the last step', () => {
  const steps = [60_000, 300_000, 900_000];
  const delays = [0, 1, 2, 3, 50].map((probes) => nextProbe(steps, probes, now).getTime() - now.getTime());
  assert.equal(delays, [60_000, 300_000, 900_000, 900_000, 900_000]);
});

schedule('a CRM that names its time is waited for, but asked now and then', () => {
  const steps = [60_000, 900_000];
  assert.equal(nextProbe(steps, 0, now, after(300_000)), after(300_000));
  assert.equal(nextProbe(steps, 0, now, after(5)), after(5), 'its own word, the first time');
  assert.equal(nextProbe(steps, 1, now, after(5)), after(900_000));
  assert.equal(nextProbe(steps, 0, now, after(86_400_000)), after(900_000));
  assert.equal(nextProbe(steps, 0, now, new Date(Number.NaN)), after(60_000));
});

schedule.run();
