import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { madeOperatorToken, pushTokens } from '../../src/bridge/made-tokens.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';
import { withBridgeFolder } from '../support/bridge-process.ts';
import { startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';
import { withFolder } from '../support/with-store.ts';

const tokens = suite('tokens that the bridge makes');

const sources = { acme: { tokens: [] }, beta: { tokens: ['a-token-of-the-configuration'] } };

async function opened<T>(folder: string, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openSqliteStore(join(folder, 'bridge.db'), 'bridge');
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Of a store in the folder, opened for it alone. */
const made = (folder: string, moved: string[] = []) =>
  opened(folder, async (store) => ({
    push: await pushTokens({ sources }, { store, dataDir: folder, moved: (file) => moved.push(file) }),
    operator: await madeOperatorToken({ store }),
  }));

tokens('stay the same from start to start, are nobody else’s, and lie in the store alone', () =>
  withFolder(async (folder) => {
    const first = await made(folder);
    assert.equal(first.push['beta'], ['a-token-of-the-configuration']);
    assert.match(first.push['acme']?.[0] ?? '', /^[\w-]{32}$/);
    assert.match(first.operator, /^[\w-]{32}$/);
    assert.is.not(first.operator, first.push['acme']?.[0]);
    assert.equal(await made(folder), first);
    assert.equal(
      readdirSync(folder).filter((name) => !name.startsWith('bridge.db')),
      [],
    );
    await withFolder(async (other) => assert.is.not((await made(other)).operator, first.operator));
  }),
);

tokens('of many sources are kept with no wait for the disk between them', () =>
  withFolder((folder) =>
    opened(folder, async (store) => {
      const sources = Object.fromEntries(
        Array.from({ length: 1_000 }, (_, n) => [`client-${n}`, { tokens: [] }]),
      );
      let waiting = 0;
      let most = 0;
      const counting = {
        kept: (name: string) => store.kept(name),
        async keepFirst(name: string, text: string) {
          most = Math.max(most, ++waiting);
          const kept = await store.keepFirst(name, text);
          waiting--;
          return kept;
        },
      };
      const made = await pushTokens({ sources }, { store: counting, dataDir: folder });
      assert.is(new Set(Object.values(made).flat()).size, 1_000);
      assert.is(most, 1_000, 'all are asked for before one is kept');
      assert.equal(await pushTokens({ sources }, { store, dataDir: folder }), made);
    }),
  ),
);

/* They lay beside the store, outside of its backups: a restored one had other URLs than the portal, and calls were lost. */
tokens('that lie beside the store move into it once, and so into its backups', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'acme.push-token');
    const moved: string[] = [];
    writeFileSync(file, 'the-token-of-before\n');
    assert.equal((await made(folder, moved)).push['acme'], ['the-token-of-before']);
    assert.equal([moved, existsSync(file)], [[file], false]);
    await opened(folder, (store) => store.backup(join(folder, 'copy.db')));

    // Killed between the two: it is in both places.
    writeFileSync(file, 'the-token-of-before\n');
    assert.equal((await made(folder, moved)).push['acme'], ['the-token-of-before']);
    assert.is(existsSync(file), false);
    // Another one has nothing to say any more.
    writeFileSync(file, 'a-token-that-came-later\n');
    assert.equal((await made(folder, moved)).push['acme'], ['the-token-of-before']);
    assert.is(moved.length, 2);

    await withFolder(async (elsewhere) => {
      copyFileSync(join(folder, 'copy.db'), join(elsewhere, 'bridge.db'));
      assert.equal((await made(elsewhere)).push['acme'], ['the-token-of-before']);
    });
  }),
);

tokens('beside the store that cannot be read stop the start: another one would be another URL', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'acme.push-token');
    const said = () => made(folder).then(String, (reason: Error) => reason.message);
    writeFileSync(file, 'short\n');
    assert.match(await said(), `${file} should hold a push token and does not.`);
    rmSync(file);
    mkdirSync(file);
    assert.match(await said(), `The push token in ${file} cannot be read (EISDIR`);
  }),
);

/** What a browser does with a link: it shows the page, and its script sends what stands behind the #. */
async function follow(link: string): Promise<{ status: number; cookie: string }> {
  const { origin, hash } = new URL(link);
  const answer = await fetch(`${origin}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ token: hash.slice(1), to: '/' }),
  });
  return { status: answer.status, cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' };
}

tokens('link signs a browser in, over a restart too; the log has neither it nor a token', () =>
  withBridgeFolder(async (folder) => {
    folder.configure('sources: { acme: {} }\nconnectors: { box: { type: sandbox } }\n');
    const before = await folder.run('link');
    assert.equal([before.code, before.stdout], [1, '']);
    assert.match(
      before.stderr,
      /No bridge has run on sqlite:\S+ yet\. Start it: \S+ \S+src\/cli\/main\.ts start --config /,
    );

    const running = await folder.start();
    const show = async () => JSON.parse((await folder.run('link', '--json')).stdout).url as string;
    const links = [await show(), await show()];
    assert.match(
      (await folder.run('link')).stdout,
      /once, within 15 minutes:\n\n {2}http:\/\/127\.0\.0\.1:\d+\/sign-in#/,
    );
    // What the log advises works where the bridge was started, which is not the checkout.
    const [, advised = ''] = /\n {2}(.* link --config .*)\n/.exec(running.output()) ?? [];
    const { stdout } = await promisify(execFile)('sh', ['-c', advised], { cwd: folder.path });
    assert.match(stdout, /\/sign-in#/);
    const [first, second] = links as [string, string];
    const signedIn = await follow(first);
    assert.is(signedIn.status, 303);
    const page = await fetch(`${running.url}/set-up-delacon`, { headers: { cookie: signedIn.cookie } });
    const push = /http:[^<]*\/push\/[\w-]{32}\/create/.exec(await page.text())?.[0] ?? '';
    assert.is((await fetch(push, { method: 'POST', body: JSON.stringify(startPush('1')) })).status, 200);
    assert.is((await follow(first)).status, 401, 'used up');
    await running.kill('SIGKILL');
    const { code, stderr } = await folder.run('link');
    assert.is(code, 1);
    assert.match(stderr, `No bridge answers at ${running.url}, where the last one on`);

    const again = await folder.start();
    assert.is((await follow(second.replace(running.url, again.url))).status, 303);
    await again.kill('SIGTERM');
    const log = running.output() + again.output();
    const token = push.split('/')[4] ?? '';
    for (const secret of [token, ...links.map((link) => new URL(link).hash.slice(1))])
      assert.is(log.includes(secret), false, `in the log: ${secret}`);
    const data = join(folder.path, 'data');
    for (const file of readdirSync(data).filter((name) => name.startsWith('bridge.db')))
      assert.is((await readFile(join(data, file), 'latin1')).includes(new URL(second).hash.slice(1)), false);
  }),
);

tokens('one that was made is hidden, wherever somebody quotes it', () =>
  withBridgeFolder(async (folder) => {
    folder.configure('sources: { acme: {} }\nconnectors: { box: { type: sandbox } }\n');
    const running = await folder.startHere();
    const store = await openSqliteStore(join(folder.path, 'data/bridge.db'), 'command');
    const operator = (await store.kept('operator token')) ?? '';
    const push = (await store.kept('push token of acme')) ?? '';
    await store.close();
    const asOperator = { authorization: `Bearer ${operator}` };
    assert.is((await fetch(`${running.url}/api/overview`, { headers: asOperator })).status, 200);
    const quoting = `{"PLA_Call_Id":{"${push}":"${operator}"}`;
    await fetch(`${running.url}/push/${push}`, { method: 'POST', body: quoting });
    await running.stop();
    for (const secret of [operator, push]) assert.is(running.output().includes(secret), false);
  }),
);

tokens.run();
