/*
 * Runs the tests: `node test/run.ts [part of a path …]`, or the same with bun. uvu reports success when no file
 * matches; this does not.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parse } from 'uvu/parse';
import { run } from 'uvu/run';

Object.assign(globalThis, { UVU_DEFER: 1 }); // uvu reads it when first imported: suites wait for run()
// Hundreds of commands are run, of which compiling takes the most.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
  new URL('../node_modules/.cache/compiled', import.meta.url),
);
await import('./support/suite.ts'); // so that its count is printed even when a test file fails to load

const wanted = process.argv.slice(2);
const { suites } = await parse('test', /\.test\.ts$/);
/** The simulation puts its own files and clock where the bridge looks for the real ones, which only Node lets it (test/sim/mount.ts). */
const isOfNodeAlone = (name: string) => name.startsWith('sim/');
const chosen = suites.filter(
  ({ name }) =>
    (wanted.length === 0 || wanted.some((part) => name.includes(part))) &&
    !('Bun' in globalThis && isOfNodeAlone(name)),
);
if (chosen.length === 0) {
  console.error(`no test file matches ${wanted.join(', ') || 'test/**/*.test.ts'}`);
  process.exit(1);
}
// In a process of its own: it puts its own in the place of much that others use, and timers that they leave behind would be
// part of its worlds.
const ofSimulation = chosen.filter(({ name }) => isOfNodeAlone(name));
const others = chosen.filter(({ name }) => !isOfNodeAlone(name));
if (ofSimulation.length > 0 && others.length > 0) {
  const args = [fileURLToPath(import.meta.url), ...ofSimulation.map(({ name }) => name)];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
await run(others.length > 0 ? others : ofSimulation);
process.exit(); // suite.ts decides the code; a server that a test forgot must not keep CI waiting
