import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type BridgeProcess, pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { assert, suite, until } from '../support/suite.ts';

const disk = suite('the disk');

const yaml = `delivery: { retry: [50ms], giveUpAfter: 1m, probe: [100ms] }
sources: { acme: { tokens: [${pushToken}] } }
connectors: { try-it: { type: sandbox } }
`;

const preload = new URL('../support/survive-full-disk.ts', import.meta.url).pathname;
const env = { NODE_OPTIONS: `--import ${preload}`, BUN_OPTIONS: `--preload ${preload}` };

/** No file of the process may grow beyond this many bytes. */
function limitFiles({ pid }: BridgeProcess, bytes: number | 'unlimited'): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
  assert.is(status, 0, String(stderr));
}

disk('a full disk is answered 503, loses nothing, and is over when there is room again', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(yaml);
    const bridge = await folder.start(env);
    assert.is((await bridge.push(startPush('1'))).status, 200);
    const stateOf = async (callId: string) => {
      const { stdout } = await folder.run('calls', '--json');
      const calls: { state: { callId: string }; deliveries: { state: string }[] }[] = JSON.parse(stdout);
      return calls.find(({ state }) => state.callId === callId)?.deliveries[0]?.state;
    };
    await until('the first is delivered', async () => (await stateOf('1')) === 'delivered');

    limitFiles(bridge, statSync(join(folder.path, 'data/bridge.db-wal')).size);
    const refused = await bridge.push(startPush('2'));
    assert.is(refused.status, 503);
    assert.match(JSON.stringify(refused.body), /"success":"false".*Not stored: SQLite/);
    assert.is((await bridge.push(endPush('1'))).status, 503);
    assert.is((await fetch(`${bridge.url}/healthz`)).status, 200);
    assert.is(await stateOf('2'), undefined, 'not there at all');

    limitFiles(bridge, 'unlimited');
    assert.is((await bridge.push(startPush('2'))).status, 200, 'without a restart');
    assert.is((await bridge.push(endPush('1'))).status, 200);
    for (const callId of ['1', '2'])
      await until(`call ${callId} is delivered`, async () => (await stateOf(callId)) === 'delivered');
    assert.is(await bridge.kill('SIGTERM'), 0);
  }),
);

disk.run();
