import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { rawBody, rejection, room } from '../support/rejections.ts';
import { assert, suite, until } from '../support/suite.ts';

const rejected = suite('commands on what was not taken');

const yaml = `sources: { acme: { tokens: [${pushToken}], lapseAfter: 1h } }\nconnectors: { try-it: { type: sandbox } }\n`;

rejected(
  'what was refused is listed, over a kill, and what can be read by now is delivered beside a bridge',
  () =>
    withBridgeFolder(async (folder) => {
      folder.configure(yaml);
      const first = await folder.start();
      const post = (path: string, body: string, method = 'POST') =>
        fetch(`${first.url}${path}`, { method, body }).then(({ status }) => status);
      const wrong = '/push/the-token-of-before-9f2c/create';
      assert.equal([await post(wrong, '{}'), await post(wrong, '{}')], [404, 404]);
      // Below paths of ours, too: sent to where one signs in, who follows takes that for a yes.
      for (const folder of ['/bridge', '/calls', '/api'])
        assert.is(await post(`${folder}/push/${pushToken}/create`, '{}'), 404, folder);
      for (const path of ['/', '/push', '/create', `/${pushToken}`, `/push%2F${pushToken}`])
        assert.is(await post(path, '{"PLA_Call_Id":"1"}'), 404, path);
      const ofPages = ['/calls', '/calls/acme/7', '/try', '/sign-in', '/api/calls', '/healthz'];
      for (const path of ofPages) {
        const json = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
        const init = { method: 'POST', headers: json, body: gzipSync('{"PLA_Call_Id":"1"}') };
        const answer = await fetch(first.url + path, { ...init, redirect: 'manual' });
        assert.is(answer.status, 404, path);
        assert.match(await answer.text(), /"success":"false".*\/push\//);
      }
      for (const path of ['/', '/wp-login.php']) assert.is(await post(path, '{"a":"1"}'), 404, path);
      assert.is(await post(`/push/${pushToken}`, 'x'.repeat(300_000)), 413);
      assert.is(await post(`/push/${pushToken}`, '{"PLA_Call_Id"'), 400);
      assert.is(await post(`/push/${pushToken}`, '{}', 'PUT'), 405);
      const list = async (...more: string[]) =>
        JSON.parse((await folder.run('rejected', '--json', ...more)).stdout);
      await until('the counts are written', async () => (await list()).refused.length === 7);
      await first.kill('SIGKILL');

      const said = await folder.run('rejected');
      assert.is(said.code, 0, said.stderr);
      for (const words of [
        /A URL with a token that is none of ours: ends …9f2c, 2 pushes since .*\n {2}Was the configuration or the store changed\?/,
        /URLs without a token, or with ones that are none of ours, .*: 11 pushes since/,
        /acme: 1 push had too long a body since .*\n {2}Raise receive\.maxBodyBytes/,
        /acme: 1 push came to a path that is none of ours, with more before \/push \(\/bridge\)/,
        /acme: 1 push came to a path that is none of ours, with more before \/push \(\/calls\)/,
        /acme: 1 push came otherwise than with POST \(PUT instead of POST\)/,
        /Unreadable, and kept:[\s\S]* acme +14 +The body is not JSON\./,
      ])
        assert.match(said.stdout, words);
      assert.not.match(said.stdout, 'the-token');

      // As an earlier version left them: today's reads them.
      const store = await openSqliteStore(join(folder.path, 'data/bridge.db'), 'command');
      const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
      const unreadable = (fields: object, minutes: number, source = 'acme') =>
        rejection({
          ...{
            source,
            cause: 'unreadable',
            reason: 'Too hard.',
            firstAt: ago(minutes),
            lastAt: ago(minutes),
          },
          body: rawBody(JSON.stringify(fields)),
        });
      await store.reject(
        [unreadable(startPush('7'), 30), unreadable(endPush('7'), 28), unreadable(startPush('8'), 90)],
        room,
      );
      await store.reject([unreadable(startPush('9'), 20, 'gone')], room);
      await store.close();

      const bridge = await folder.startHere();
      assert.is((await folder.run('replay', '--rejected')).code, 2, 'not without being asked');
      assert.is((await folder.run('replay', '--rejected', '--state', 'failed', '--yes')).code, 2);
      const unknown = await folder.run('replay', '--rejected', '--source', 'acmee', '--yes');
      assert.is(unknown.code, 1);
      assert.match(unknown.stderr, /Did you mean "acme"/);
      const done = await folder.run('replay', '--rejected', '--yes', '--json');
      assert.equal(JSON.parse(done.stdout), { read: 3, left: 2, withoutSource: 1 });
      const calls = async () =>
        JSON.parse((await folder.run('calls', '--json')).stdout).map(
          ({
            state,
            deliveries,
          }: {
            state: { callId: string; lapsed: boolean };
            deliveries: { state: string }[];
          }) => [state.callId, state.lapsed, deliveries.map((one) => one.state).join()].join(' '),
        );
      await until(
        'the bridge has noticed',
        async () => (await calls()).sort().join() === '7 false delivered,8 true delivered',
      );
      const again = await folder.run('replay', '--rejected', '--yes');
      assert.match(again.stdout, /0 pushes could be read/);
      assert.match(again.stdout, /2 pushes still cannot be read, and stay/);
      assert.match(again.stdout, /1 of those are of a source that is configured no more/);
      assert.equal((await list('--source', 'gone')).kept[0].isConfigured, false);
      assert.is((await folder.run('rejected', '--source', 'nobody')).code, 2);
      await bridge.stop();
    }),
);

rejected.run();
