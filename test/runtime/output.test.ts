import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, suite } from '../support/suite.ts';
import { withFolder } from '../support/with-store.ts';

const output = suite('output');

const script = new URL('talkative.ts', import.meta.url).pathname;

async function withTalker(
  lines: number,
  stdout: 'pipe' | number,
  use: (child: ChildProcess, logged: Promise<unknown>, ended: Promise<[number | null]>) => Promise<void>,
): Promise<void> {
  const child = spawn(process.execPath, [script, `${lines}`], { stdio: ['pipe', stdout, 'pipe'] });
  const ended = once(child, 'close') as Promise<[number | null]>;
  try {
    await use(child, once(child.stderr!, 'data'), ended);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** By what they say: lines, and how many are missing. */
function read(text: string): { lines: number; missing: number; last: string } {
  const messages = text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
  const missing = messages.flatMap(
    (message) => /^([\d,]+) lines? of the log (?:is|are) missing here/.exec(message)?.[1] ?? [],
  );
  return {
    lines: messages.filter((message) => message.startsWith('A line.')).length,
    missing: missing.reduce((sum, n) => sum + Number(n.replace(',', '')), 0),
    last: messages.at(-1) as string,
  };
}

/* A pipe that nobody emptied held the whole bridge up: no push was answered. */
output('nobody reads: nothing waits for that, and who reads again is told how much is missing', () =>
  withTalker(9_000, 'pipe', async (child, logged, ended) => {
    await logged; // while nobody reads
    let text = '';
    child.stdout!.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (/missing here/.test(text)) child.stdin!.end();
    });
    assert.equal(await ended, [7, null]);
    const { lines, missing, last } = read(text);
    assert.is(lines + missing, 9_000);
    assert.ok(missing > 0 && lines > 5_000, `${lines} and ${missing}`);
    assert.is(last, 'The last line.');
  }),
);

output('who never reads does not hold the end up', () =>
  withTalker(9_000, 'pipe', async (child, logged, ended) => {
    await logged;
    child.stdin!.end();
    assert.equal(await ended, [7, null]);
  }),
);

output('a reader that went away ends nothing', () =>
  withTalker(9_000, 'pipe', async (child, logged, ended) => {
    child.stdout!.destroy();
    await logged;
    child.stdin!.end();
    assert.equal(await ended, [7, null]);
  }),
);

output('what was logged right before the end is in the log, which may be a file', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'log');
    const fd = openSync(file, 'w');
    await withTalker(2_000, fd, async (child, logged, ended) => {
      closeSync(fd);
      await logged;
      child.stdin!.end();
      assert.equal(await ended, [7, null]);
    });
    assert.equal(read(readFileSync(file, 'utf8')), { lines: 2_000, missing: 0, last: 'The last line.' });
  }),
);

output('a log on a full disk ends nothing', async () => {
  const fd = openSync('/dev/full', 'w');
  await withTalker(2_000, fd, async (child, logged, ended) => {
    closeSync(fd);
    await logged;
    child.stdin!.end();
    assert.equal(await ended, [7, null]);
  });
});

output.run();
