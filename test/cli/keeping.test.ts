import { copyFileSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../src/runtime/sqlite.ts';
import { pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { assert, suite, until } from '../support/suite.ts';

const keeping = suite('backup and erase');

const yaml = `sources: { acme: { tokens: [${pushToken}] } }\nconnectors: { try-it: { type: sandbox } }\n`;
const other = { PLA_Caller_Phone_Number: '0411222333', PLA_Answering_Point: '0444444444' };

keeping('a backup is taken beside a running bridge, and a bridge started on it has every call', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(yaml);
    const bridge = await folder.startHere();
    await bridge.push(startPush('1'));
    await bridge.push(endPush('2', other));
    await until('both are delivered', async () => {
      const { stdout } = await folder.run('calls', '--state', 'delivered', '--json');
      return JSON.parse(stdout).length === 2;
    });
    const made = await folder.run('backup', 'copy.db', '--json');
    assert.is(made.code, 0, made.stderr);
    assert.is(JSON.parse(made.stdout).calls, 2);
    assert.is(statSync(join(folder.path, 'copy.db')).mode & 0o777, 0o600, 'its user alone may read it');
    await bridge.push(startPush('3'));
    const again = await folder.run('backup', 'copy.db');
    assert.is(again.code, 1);
    assert.match(again.stderr, /is there already/);
    await bridge.stop();

    const data = join(folder.path, 'data');
    copyFileSync(join(folder.path, 'copy.db'), join(data, 'bridge.db'));
    const restored = await folder.startHere();
    const { stdout } = await folder.run('calls', '--json');
    assert.equal(
      JSON.parse(stdout).map((call: { state: { callId: string } }) => call.state.callId),
      ['2', '1'],
    );
    await restored.stop();
  }),
);

for (const opened of ['a bridge', 'a command'] as const)
  keeping(
    `a backup is not spoilt by the log of a killed bridge in whose place it is put: ${opened} opens it`,
    () =>
      withBridgeFolder(async (folder) => {
        // SQLite takes any log beside a file for its own: the restored file was "malformed", and the backup lost with it.
        folder.configure(yaml);
        const bridge = await folder.start();
        await bridge.push(startPush('1'));
        assert.is((await folder.run('backup', 'copy.db')).code, 0);
        for (let id = 2; id < 60; id++) await bridge.push(startPush(String(id)));
        await bridge.kill('SIGKILL');

        const file = join(folder.path, 'data/bridge.db');
        assert.ok(statSync(`${file}-wal`).size > 0);
        copyFileSync(join(folder.path, 'copy.db'), file);
        if (opened === 'a bridge') await (await folder.start()).kill('SIGKILL');
        const { code, stdout, stderr } = await folder.run('calls', '--json');
        assert.is(code, 0, stderr);
        assert.is(JSON.parse(stdout).length, 1);
        const copy = openDatabase(file);
        assert.equal({ ...copy.prepare('pragma integrity_check').get() }, { integrity_check: 'ok' });
        copy.close();
      }),
  );

keeping("a person's number is erased with proof, and nobody else's", () =>
  withBridgeFolder(async (folder) => {
    folder.configure(yaml);
    const bridge = await folder.startHere();
    await bridge.push(startPush('1'));
    await bridge.push(endPush('1'));
    await bridge.push(endPush('2', other));
    // Named by an earlier push only: the call is somebody else's now.
    await bridge.push(startPush('3', { PLA_Caller_Phone_Number: '+61444444444' }));
    const areDelivered = async () => {
      const { stdout } = await folder.run('calls', '--state', 'delivered', '--json');
      return JSON.parse(stdout).length === 3;
    };
    await until('all are delivered', areDelivered);
    await bridge.push(startPush('3', { PLA_Caller_Phone_Number: '+61411222333' }));
    await until('the corrected one, too', areDelivered);
    const asked = await folder.run('erase', '0444 444 444');
    assert.is(asked.code, 2, 'not without being asked');
    assert.match(asked.stderr, /--yes/);

    const { code, stdout, stderr } = await folder.run('erase', '0444 444 444', '--yes', '--json');
    assert.is(code, 0, stderr);
    const { number, erased, left, inCrm } = JSON.parse(stdout);
    assert.is(number, '+6144***444');
    assert.equal([erased.calls, erased.pushes, erased.people, left], [2, 4, 1, 0]);
    assert.is(inCrm.length, 3, 'the person and both of their calls stay in the CRM');
    assert.equal(
      JSON.parse((await folder.run('calls', '--json')).stdout).map(
        (call: { state: { callId: string } }) => call.state.callId,
      ),
      ['2'],
    );
    await bridge.stop();
    for (const file of readdirSync(join(folder.path, 'data')).filter((name) =>
      name.startsWith('bridge.db'),
    )) {
      const bytes = readFileSync(join(folder.path, 'data', file)).toString('latin1');
      assert.not.match(bytes, /61444444444/, file);
    }

    const unreadable = await folder.run('erase', 'nobody', '--yes');
    assert.is(unreadable.code, 2);
    assert.match(unreadable.stderr, /is no telephone number in AU/);
  }),
);

keeping.run();
