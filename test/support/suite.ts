import { suite as uvuSuite } from 'uvu';
import * as assert from 'uvu/assert';

export { until } from './until.ts';
export { assert };

type TestBody = () => void | Promise<void>;

export interface Suite {
  (name: string, body: TestBody): void;
  run(): void;
}

/**
 * uvu 0.5.6 passes in silence when a suite is not run, when a hook throws, when something other than an Error is
 * thrown, when the process ends before a test did (lukeed/uvu issues 60, 80, 201, 205), and waits for ever for a test that
 * never ends. So there are no hooks here, and a test that was declared and did not finish fails the run.
 */
export function suite(name: string): Suite {
  const inner = uvuSuite(name);
  const declare = (title: string, body: TestBody) => {
    const full = `${name}: ${title}`;
    if (unfinished.has(full)) throw new Error(`two tests are called "${full}"`);
    unfinished.add(full);
    inner(title, async () => {
      const givenUp = setTimeout(giveUp, longestMs, full);
      givenUp.unref();
      const begunMs = now();
      try {
        await body();
        passed++;
      } catch (thrown) {
        failed++;
        throw thrown instanceof Error
          ? thrown
          : new Error(`a test threw ${String(thrown)}`, { cause: thrown });
      } finally {
        clearTimeout(givenUp);
        unfinished.delete(full);
        seconds.set(name, (seconds.get(name) ?? 0) + (now() - begunMs) / 1_000);
      }
    });
  };
  return Object.assign(declare, { run: () => inner.run() });
}

/** No test takes nearly as long. Bun waits for ever, at full load, for a promise that nothing is left to settle. */
const longestMs = 15 * 60_000;

function giveUp(title: string): void {
  console.error(`after ${longestMs / 60_000} minutes this test has not finished: ${title}`);
  process.exit(1);
}

const unfinished = new Set<string>();
/** By suite. */
const seconds = new Map<string, number>();
/** The real one, whatever a test puts in its place. */
const now = performance.now.bind(performance);
let passed = 0;
let failed = 0;

process.on('exit', () => {
  for (const title of unfinished) console.error(`did not finish: ${title}`);
  failed += unfinished.size;
  if (passed + failed === 0) console.error('no test ran');
  if (failed > 0 || passed === 0) process.exitCode = 1;
  const slowest = [...seconds].sort(([, a], [, b]) => b - a).slice(0, 15);
  if (seconds.size > 20)
    console.log(`\nSlowest: ${slowest.map(([name, spent]) => `${name} ${Math.round(spent)} s`).join(', ')}`);
  console.log(`\n${passed} passed, ${failed} failed`);
});
