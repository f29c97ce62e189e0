/*
 * Runs the tests: `node test/run.ts [part of a path …]`, or the same with bun. uvu reports success when no file
 * matches; this does not.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statfsSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parse } from 'uvu/parse';
import { run } from 'uvu/run';

Object.assign(globalThis, { UVU_DEFER: 1 }); // uvu reads it when first imported: suites wait for run()
// Hundreds of commands are run, of which compiling takes the most.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
  new URL('../node_modules/.cache/compiled', import.meta.url),
);
// Tests wait for thousands of writes to be on the disk, which none can tell from their being in memory: what a power cut leaves
// is tried on the simulation's own disk.
const memoryDisk = '/dev/shm';
if (hasRoom(memoryDisk)) process.env['TMPDIR'] ??= memoryDisk;
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
// In a process of its own, beside the others: it puts its own in the place of much that others use, and timers that they
// leave behind would be part of its worlds.
const ofSimulation = chosen.filter(({ name }) => isOfNodeAlone(name));
const others = chosen.filter(({ name }) => !isOfNodeAlone(name));
if (ofSimulation.length > 0 && others.length > 0) {
  const args = [fileURLToPath(import.meta.url), ...ofSimulation.map(({ name }) => name)];
  const simulation = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => simulation.kill());
  const [[status], printed] = await Promise.all([
    once(simulation, 'close'),
    buffer(simulation.stdout),
    run(others),
  ]);
  process.stdout.write(printed);
  if (status !== 0) process.exitCode = 1;
} else await run(chosen);
process.exit(); // suite.ts decides the code; a server that a test forgot must not keep CI waiting

function hasRoom(disk: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(disk);
    return bavail * bsize > 2 ** 30;
  } catch {
    return false;
  }
}
