import { type SpawnOptions, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { assert, suite } from '../support/suite.ts';

const memory = suite('memory');

const file = fileURLToPath(new URL('../support/small-heap.ts', import.meta.url));
const isBun = process.versions['bun'] !== undefined;

async function begun(words: string[], options: SpawnOptions = {}, flags: string[] = []) {
  const child = spawn(process.execPath, [...flags, file, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  });
  const told = JSON.parse(await text(child.stdout!)) as { pid: number; flags: string[]; words: string[] };
  return { ...told, isSame: told.pid === child.pid };
}

memory(
  'a process begins anew with a small heap, once, under its own id and with all that it was told',
  async () => {
    const { flags, words, isSame } = await begun(['a b', '--config=c'], {}, isBun ? [] : ['--no-warnings']);
    assert.ok(isSame);
    assert.equal(words, ['a b', '--config=c']);
    assert.equal(flags, isBun ? [] : ['--max-semi-space-size=8', '--no-warnings']);
  },
);

memory('whoever set the young space has decided', async () => {
  const env = { ...process.env, NODE_OPTIONS: '--max-semi-space-size=16' };
  assert.equal((await begun([], { env })).flags, []);
});

memory('a parent that listens is not cut off', async () => {
  assert.equal((await begun([], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })).flags, []);
});

memory.run();
