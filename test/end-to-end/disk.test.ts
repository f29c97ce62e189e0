import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
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

/*
 * A folder or file that the bridge may not write to was answered with SQLite's words, with those of chmod, or with
 * "another delacon-bridge runs".
 */
disk('what may not be written to is refused with words that say what to do, and is left as it is', () =>
  withBridgeFolder(async (folder) => {
    const isRoot = process.getuid?.() === 0;
    const data = join(folder.path, 'data');
    const database = join(data, 'bridge.db');
    folder.configure(yaml);
    const refused = async (expected: RegExp) => {
      const { code, stderr } = await folder.runWithoutRights('start');
      assert.is(code, 1);
      assert.match(stderr, expected, stderr);
      assert.not.match(stderr, /Another delacon-bridge|\n\s+at /);
    };
    for (const path of [folder.path, join(folder.path, 'bridge.yaml')]) chmodSync(path, 0o555);
    await refused(
      /The folder \S+data cannot be made \(EACCES\)\. Set store\.url to a file in a folder that this user/,
    );

    chmodSync(folder.path, 0o755);
    mkdirSync(data);
    chmodSync(data, 0o555);
    await refused(
      /bridge\.db\.lock cannot be opened .*Set store\.url to a file in a folder that this user may write to\./,
    );

    chmodSync(data, 0o755);
    const bridge = await folder.start();
    assert.is((await bridge.push(startPush('1'))).status, 200);
    await bridge.kill('SIGTERM');
    const before = readFileSync(database);
    for (const file of readdirSync(data)) chmodSync(join(data, file), file === 'connectors' ? 0o555 : 0o444);
    chmodSync(data, 0o555);
    await refused(/bridge\.db cannot be written .*Give it, the files beside it and its folder to the user/);

    // A database that was made by another user, in a folder that is everybody's.
    if (isRoot) {
      chmodSync(data, 0o777);
      rmSync(`${database}.lock`);
      await refused(/bridge\.db cannot be written .*Give it, the files beside it and its folder to the user/);
    }
    assert.equal(readFileSync(database), before);
    chmodSync(data, 0o755);
    for (const file of readdirSync(data)) chmodSync(join(data, file), file === 'connectors' ? 0o755 : 0o600);
    const again = await folder.start();
    assert.is((await again.push(endPush('1'))).status, 200);
    await again.kill('SIGTERM');
  }),
);

disk('whatever the bridge makes is readable by its user alone', () =>
  withBridgeFolder(async (folder) => {
    // The second source has a token made for it.
    folder.configure(
      `${yaml.replace('sources: {', 'sources: { kept: { callIdPrefix: k- },')}routes: [{ to: [try-it] }]\n`,
    );
    const bridge = await folder.start();
    await bridge.push(startPush('1'));
    const data = join(folder.path, 'data');
    const modes = () =>
      readdirSync(data, { recursive: true, withFileTypes: true })
        .map((entry) => join(entry.parentPath, entry.name))
        .flatMap((path) => {
          const mode = statSync(path, { throwIfNoEntry: false })?.mode; // SQLite's own come and go
          return mode === undefined ? [] : [`${relative(data, path)} ${(mode & 0o777).toString(8)}`];
        });
    const made = ['bridge.db', 'bridge.db-wal', 'kept.push-token', 'connectors/try-it/sandbox.db'];
    const has = (file: string) => modes().some((one) => one.startsWith(`${file} `));
    for (const file of made) await until(`there is ${file}`, () => has(file));
    assert.equal(
      modes().filter((one) => !/ [67]00$/.test(one)),
      [],
    );
    await bridge.kill('SIGTERM');
  }),
);

disk.run();
