import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
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

    limitFiles(bridge, 1);
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
    const made = ['bridge.db', 'bridge.db-wal', 'connectors/try-it/sandbox.db'];
    const has = (file: string) => modes().some((one) => one.startsWith(`${file} `));
    for (const file of made) await until(`there is ${file}`, () => has(file));
    assert.equal(
      modes().filter((one) => !/ [67]00$/.test(one)),
      [],
    );
    await bridge.kill('SIGTERM');
  }),
);

/*
 * Pushes were answered 200 and readiness was told, while all went into a file that nobody could find again.
 */
disk('a bridge whose file is taken away says so everywhere, saves what it held, and ends', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(yaml);
    const bridge = await folder.start();
    assert.is((await bridge.push(startPush('1'))).status, 200);
    const database = join(folder.path, 'data/bridge.db');
    for (const file of [database, `${database}-wal`, `${database}-shm`]) rmSync(file);

    const refused = await bridge.push(startPush('2'));
    assert.is(refused.status, 503);
    assert.match(
      JSON.stringify(refused.body),
      /Not stored: \S+bridge\.db was removed or renamed while the bridge ran/,
    );
    await until('readiness tells', async () => (await fetch(`${bridge.url}/readyz`)).status === 503);
    const readiness = await (await fetch(`${bridge.url}/readyz`)).text();
    assert.match(readiness, /was removed or renamed.*Stop it before you touch its files/);
    assert.is(await bridge.end(), 1);
    const lines = bridge.output().split('\n');
    assert.ok(
      lines.some((line) => /^\{"level":"error".*was removed or renamed/.test(line)),
      bridge.output(),
    );
    const saved = /All that it held is saved as (\S+)\. To go on/.exec(bridge.output())?.[1] as string;

    renameSync(saved, database);
    const again = await folder.start();
    const { stdout } = await folder.run('calls', '--json');
    // The second may be there, too, where it was written before that was noticed.
    assert.is(JSON.parse(stdout).at(-1).state.callId, '1');
    assert.is((await again.push(startPush('2'))).status, 200);
    assert.is(await again.kill('SIGTERM'), 0);
  }),
);

/* It was saved when the last body had come, or half a minute was over: too late for what was killed meanwhile. */
disk('what a bridge held whose file is taken away is saved while a body still comes', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(yaml);
    const bridge = await folder.start();
    assert.is((await bridge.push(startPush('1'))).status, 200);
    const { hostname, port } = new URL(bridge.url);
    const slow = connect(Number(port), hostname);
    slow.on('error', () => {});
    slow.write(`POST /push/${pushToken} HTTP/1.1\r\nHost: bridge\r\nContent-Length: 100\r\n\r\n{`);
    rmSync(join(folder.path, 'data/bridge.db'));
    await until('it is saved', () => bridge.output().includes('All that it held is saved as'), 20_000);
    slow.destroy();
    assert.is(await bridge.end(), 1);
  }),
);

disk('two bridges on one file, by two names: the second is refused', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(yaml);
    const bridge = await folder.start();
    symlinkSync(join(folder.path, 'data/bridge.db'), join(folder.path, 'link.db'));
    writeFileSync(
      join(folder.path, 'bridge.yaml'),
      `listen: { host: 127.0.0.1, port: 0 }\nstore: { url: "sqlite:${folder.path}/link.db" }\n${yaml}`,
    );
    const { code, stderr } = await folder.run('start');
    assert.is(code, 1);
    assert.match(stderr, /^Another delacon-bridge runs on \S+link\.db\. Stop it first/);
    assert.is((await bridge.push(startPush('1'))).status, 200);
    await bridge.kill('SIGKILL');
    const second = await folder.start();
    assert.is((await second.push(endPush('1'))).status, 200);
    await second.kill('SIGTERM');
  }),
);

/* For as long as somebody else held the lock nothing was answered, /healthz neither. */
disk(
  'while another program holds a lock on the file, pushes are answered 503 in time and the rest lives',
  () =>
    withBridgeFolder(async (folder) => {
      folder.configure(yaml);
      const bridge = await folder.start();
      const holder = spawn(process.execPath, [
        new URL('../store/sqlite/hold-lock.ts', import.meta.url).pathname,
        join(folder.path, 'data/bridge.db'),
      ]);
      await once(holder.stdout, 'data');
      const pushed = [1, 2, 3].map((n) => bridge.push(startPush(`${n}`)));
      let isAnswered = false;
      const answers = Promise.all(pushed).finally(() => (isAnswered = true));
      let looks = 0;
      let isReady = true; // as it was tried within the second before
      for (; !isAnswered; looks++) {
        assert.is((await fetch(`${bridge.url}/healthz`)).status, 200);
        isReady &&= (await fetch(`${bridge.url}/readyz`)).ok;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      for (const { status, body } of await answers) {
        assert.is(status, 503);
        assert.match(JSON.stringify(body), /Not stored: Another program holds a lock on the database/);
      }
      assert.ok(looks > 5 && !isReady, `${looks} looks`);
      const last = bridge.push(startPush('4'));
      holder.stdin.end();
      assert.is((await last).status, 200);
      assert.is(await bridge.kill('SIGTERM'), 0);
    }),
);

disk('a start on a full disk ends in a sentence, and so does a command', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(yaml);
    for (const bytes of [0, 8_192, 60_000])
      for (const command of ['start', 'calls']) {
        rmSync(join(folder.path, 'data'), { recursive: true, force: true });
        const { code, stderr } = await folder.runWithFilesOf(bytes, env, command);
        assert.is(code, 1);
        assert.match(
          stderr,
          /bridge\.db cannot be written \(.*\)\. Make room on its disk/,
          `${bytes} ${stderr}`,
        );
        assert.not.match(stderr, /\n\s+at /);
      }
    const bridge = await folder.start();
    assert.is((await bridge.push(startPush('1'))).status, 200, 'what is there now is opened');
    const seen = await folder.runWithFilesOf(0, env, 'calls');
    assert.equal([seen.code, seen.stderr], [0, ''], 'who only looks needs no room');
    assert.match(seen.stdout, startPush('1')['PLA_Call_Id'] as string);
    await bridge.kill('SIGTERM');
  }),
);

disk(
  'a backup that is killed, or finds no room, leaves nothing under its name, and the next one tidies up',
  () =>
    withBridgeFolder(async (folder) => {
      folder.configure(yaml);
      const bridge = await folder.start();
      assert.is((await bridge.push(startPush('1'))).status, 200);
      const { code, stderr } = await folder.runWithFilesOf(20_000, env, 'backup', 'copy.db');
      assert.is(code, 1);
      assert.match(stderr, /^No backup was made: .*(disk|full)/, stderr);
      const left = () => readdirSync(folder.path).filter((name) => name.startsWith('copy'));
      assert.equal(left(), []);

      // As those leave it that were killed; a process of the number 4194305 there cannot be on Linux.
      for (const name of ['copy.db.4194305.unfinished', 'copy.db.4194305.unfinished-journal'])
        writeFileSync(join(folder.path, name), 'half');
      writeFileSync(join(folder.path, `copy-of-another.${process.pid}.unfinished`), 'half');
      assert.is((await folder.run('backup', 'copy-2.db')).code, 0);
      assert.equal(left().sort(), ['copy-2.db', `copy-of-another.${process.pid}.unfinished`]);
      await bridge.kill('SIGTERM');
    }),
);

disk.run();
