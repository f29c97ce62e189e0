/*
 * Runs all tests on Node and on Bun, side by side: each runs its files one after the other and leaves the other cores
 * idle. Node's output comes as it is printed, Bun's in one piece after it. Exit code 1 when either fails.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const run = fileURLToPath(new URL('run.ts', import.meta.url));
const binary = (runtime: string) =>
  fileURLToPath(new URL(`../node_modules/.bin/${runtime}`, import.meta.url));

function tests(runtime: 'node' | 'bun', print: (chunk: Buffer) => void): Promise<boolean> {
  const child = spawn(binary(runtime), [run], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', print);
  child.stderr.on('data', print);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0));
  });
}

const printedByBun: Buffer[] = [];
const onBun = tests('bun', (chunk) => printedByBun.push(chunk));
console.log('On Node (and on Bun beside it):');
const passesOnNode = await tests('node', (chunk) => process.stdout.write(chunk));
console.log('\nOn Bun:');
const passesOnBun = await onBun;
process.stdout.write(Buffer.concat(printedByBun));
if (!passesOnNode || !passesOnBun)
  console.error(`\nThe tests failed on ${passesOnNode ? 'Bun' : passesOnBun ? 'Node' : 'Node and on Bun'}.`);
process.exitCode = passesOnNode && passesOnBun ? 0 : 1;
