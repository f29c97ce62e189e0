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
 * thrown, and when the process ends before a test did (lukeed/uvu issues 60, 80, 201, 205). So there are no hooks
 * here, and at exit a test that was declared and did not finish fails the run.
 */
export function suite(name: string): Suite {
  const inner = uvuSuite(name);
  const declare = (title: string, body: TestBody) => {
    const full = `${name}: ${title}`;
    if (unfinished.has(full)) throw new Error(`two tests are called "${full}"`);
    unfinished.add(full);
    inner(title, async () => {
      try {
        await body();
        passed++;
      } catch (thrown) {
        failed++;
        throw thrown instanceof Error
          ? thrown
          : new Error(`a test threw ${String(thrown)}`, { cause: thrown });
      } finally {
        unfinished.delete(full);
      }
    });
  };
  return Object.assign(declare, { run: () => inner.run() });
}

const unfinished = new Set<string>();
let passed = 0;
let failed = 0;

process.on('exit', () => {
  for (const title of unfinished) console.error(`did not finish: ${title}`);
  failed += unfinished.size;
  if (passed + failed === 0) console.error('no test ran');
  if (failed > 0 || passed === 0) process.exitCode = 1;
  console.log(`\n${passed} passed, ${failed} failed`);
});
