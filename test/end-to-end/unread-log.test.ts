import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pushToken } from '../support/bridge-process.ts';
import { startPush } from '../support/build-push.ts';
import { assert, suite, until } from '../support/suite.ts';
import { withFolder } from '../support/with-store.ts';

/*
 * A bridge whose output nobody reads: it starts, takes pushes and stops in good order all the same. What it says besides
 * its log held it up, or ended it.
 */
const unread = suite('a bridge that nobody hears');

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;

/** Known beforehand: this bridge cannot say which one it took. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

async function takesPushesAndStops(
  folder: string,
  output: number | 'pausedTerminal',
  started = () => {},
): Promise<void> {
  const port = await freePort();
  const config = join(folder, 'bridge.yaml');
  writeFileSync(
    config,
    `listen: { host: 127.0.0.1, port: ${port} }
store: { url: "sqlite:${folder}/bridge.db" }
sources: { acme: { tokens: [${pushToken}] } }
connectors: { box: { type: sandbox } }
`,
  );
  const command = [process.execPath, main, '--config', config, 'start'];
  const [program = '', ...words] = output === 'pausedTerminal' ? onPausedTerminal(folder, command) : command;
  const bridge: ChildProcess = spawn(program, words, {
    cwd: folder,
    stdio: output === 'pausedTerminal' ? ['pipe', 'ignore', 'ignore'] : ['ignore', output, 'ignore'],
  });
  const kill = (signal: NodeJS.Signals) => {
    const pid = output === 'pausedTerminal' ? Number(readFileSync(join(folder, 'pid'), 'utf8')) : bridge.pid;
    if (pid) process.kill(pid, signal);
  };
  const ended = once(bridge, 'exit');
  try {
    const url = `http://127.0.0.1:${port}`;
    const isReady = () =>
      fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until('the bridge to be ready', isReady, 30_000);
    started();
    const body = JSON.stringify(startPush('1'));
    const push = await fetch(`${url}/push/${pushToken}`, { method: 'POST', body });
    assert.is(push.status, 200);
    kill('SIGTERM');
    const left = sleep(20_000, 'it did not end', { ref: false });
    assert.equal(await Promise.race([ended, left]), [0, null]);
  } finally {
    if (bridge.exitCode === null && bridge.signalCode === null) kill('SIGKILL');
    bridge.kill('SIGKILL');
  }
}

/** As somebody's Ctrl-S does: nothing of what is written gets on. `script` ends as the command does, whose pid is in a file. */
function onPausedTerminal(folder: string, command: string[]): string[] {
  const pause = 'open F, ">", shift; print F $$; close F; tcflow(1, TCOOFF); exec @ARGV';
  const words = ['perl', '-MPOSIX=:termios_h', '-e', pause, join(folder, 'pid'), ...command];
  const line = words.map((word) => `'${word}'`).join(' ');
  return ['script', '--quiet', '--return', '--command', line, '/dev/null'];
}

/** A pipe with a name: the end that is read from, and the one that is written to. */
function pipeIn(folder: string): [reading: number, writing: number] {
  const path = join(folder, 'pipe');
  assert.is(spawnSync('mkfifo', [path]).status, 0);
  const reading = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return [reading, openSync(path, 'w')];
}

unread('its output is a pipe that was full before it began', () =>
  withFolder(async (folder) => {
    const [reading, writing] = pipeIn(folder);
    assert.throws(() => {
      for (;;) writeSync(reading, 'x'.repeat(4_096));
    }, /EAGAIN/);
    await takesPushesAndStops(folder, writing);
    closeSync(reading);
    closeSync(writing);
  }),
);

unread('its output is a terminal that somebody paused', () =>
  withFolder((folder) => takesPushesAndStops(folder, 'pausedTerminal')),
);

unread('whoever read its output has gone', () =>
  withFolder(async (folder) => {
    const [reading, writing] = pipeIn(folder);
    await takesPushesAndStops(folder, writing, () => {
      closeSync(reading);
      closeSync(writing);
    });
  }),
);

unread.run();
