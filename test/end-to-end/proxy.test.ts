import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import { startPush } from '../support/build-push.ts';
import { type ProxyOptions, withPlainProxy } from '../support/plain-proxy.ts';
import { assert, suite } from '../support/suite.ts';

/*
 * Behind a proxy on the same machine, as most people write it, everybody on the internet was the operator: their requests
 * came from 127.0.0.1, under the bridge's own name, with no word of a proxy.
 */
const proxy = suite('behind a proxy');

const operatorToken = 'a-token-of-the-operator';
const closed: [method: string, path: string][] = [
  ['GET', '/'],
  ['GET', '/calls'],
  ['GET', '/set-up-delacon'],
  ['GET', '/live'],
  ['GET', '/metrics'],
  ['GET', '/api/delacon'],
  ['GET', '/api/openapi.json'],
  ['GET', '/api/calls.csv'],
  ['GET', '/api/changes'],
  ['POST', '/api/erasures'],
  ['POST', '/api/connectors/box/findings'],
  ['POST', '/connectors/box/check'],
];

const ways: [string, string | undefined, RegExp, Omit<ProxyOptions, 'upstream'>, configured?: boolean][] = [
  ['that says nothing of itself', undefined, /./, {}, false],
  ['that says nothing of itself', undefined, /^delacon-bridge-session=[^;]+; .*Path=\/;/, {}],
  [
    'that names the sender',
    'https://calls.example',
    /^__Host-delacon-bridge-session=[^;]+; .*Path=\/; .*Secure/,
    { headers: { 'X-Forwarded-For': '127.0.0.1', 'X-Forwarded-Proto': 'http', 'X-Real-IP': '::1' } },
  ],
  [
    'that hands a folder on, and takes it off',
    'https://calls.example/bridge',
    /^__Secure-delacon-bridge-session=[^;]+; .*Path=\/bridge; .*Secure/,
    { folder: '/bridge' },
  ],
  [
    'that hands a folder on as it is',
    'https://calls.example/bridge/',
    /^__Secure-delacon-bridge-session=[^;]+; .*Path=\/bridge; .*Secure/,
    { folder: '/bridge', strips: false },
  ],
];

for (const [name, publicUrl, cookieForm, options, configured = true] of ways)
  proxy(
    `one ${name}: pushes arrive, and ${configured ? 'the token opens the rest' : 'nothing else opens, without a token in the configuration'}`,
    () =>
      withBridgeFolder(async (folder) => {
        writeFileSync(
          join(folder.path, 'bridge.yaml'),
          `listen: { host: 127.0.0.1, port: 0, publicUrl: ${publicUrl ?? ''} }
store: { url: "sqlite:${folder.path}/data/bridge.db" }
sources: { acme: { tokens: [${pushToken}], allowFrom: [127.0.0.1] } }
connectors: { box: { type: sandbox } }
operator: { token: ${configured ? operatorToken : ''} }
`,
        );
        const { url } = await folder.startHere();
        await withPlainProxy({ upstream: url, ...options }, async (base) => {
          for (const kind of ['', '/create']) {
            const body = JSON.stringify(startPush(`1${kind}`));
            const push = await fetch(`${base}/push/${pushToken}${kind}`, { method: 'POST', body });
            assert.equal(
              [push.status, await push.json()],
              [200, { PLA_Call_Id: `1${kind}`, success: 'true', error: '' }],
            );
          }
          for (const path of ['/healthz', '/readyz'])
            assert.match(await (await fetch(base + path)).text(), /ok|ready/);
          for (const [method, path] of closed) {
            const answer = await fetch(base + path, { method, redirect: 'manual' });
            assert.ok([303, 401].includes(answer.status), `${method} ${path}: ${answer.status}`);
            assert.not.match(await answer.text(), /push\/|acme/);
            if (answer.status !== 303) continue;
            const to = answer.headers.get('location') ?? '';
            assert.ok(to.startsWith(`${options.folder ?? ''}/sign-in`), to);
          }
          if (!configured) return;
          const signedIn = await fetch(`${base}/sign-in`, {
            method: 'POST',
            redirect: 'manual',
            headers: { origin: publicUrl ? new URL(publicUrl).origin : url },
            body: new URLSearchParams({ token: operatorToken, to: '/calls?state=due' }),
          });
          assert.match(signedIn.headers.get('set-cookie') ?? '', cookieForm);
          const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
          const onward = new URL(signedIn.headers.get('location') ?? '', base);
          const kept = await fetch(onward, { redirect: 'manual', headers: { cookie } });
          assert.is(kept.headers.get('location'), `${options.folder ?? ''}/calls?state=due`);
          const notKept = await (await fetch(onward)).text();
          assert.match(notKept, /role="alert"><p>That was right, but your browser did not keep the cookie\./);
          assert.match(
            notKept,
            publicUrl
              ? `Sign in at ${publicUrl.replace(/\/$/, '')}/, `
              : 'Let it keep cookies of this address',
          );
          await isWhole(base, cookie);
        });
      }),
  );

proxy('a sign-in from an address that is not known says which is, or how to make it known', () =>
  withBridgeFolder(async (folder) => {
    writeFileSync(join(folder.path, 'bridge.yaml'), 'listen: { host: 127.0.0.1, port: 0 }\n');
    const { url } = await folder.startHere();
    const refusedAt = async (origin: string) => {
      const answer = await fetch(`${url}/sign-in`, {
        method: 'POST',
        headers: { origin },
        body: new URLSearchParams({ token: 'any' }),
      });
      assert.is(answer.status, 403);
      return answer.text();
    };
    assert.match(
      await refusedAt('http://calls.example'),
      'listen: { publicUrl: &quot;http://calls.example&quot; }',
    );
    for (const odd of ['null', 'none at all', 'data:text/html,x'])
      assert.match(await refusedAt(odd), 'Load it again');
  }),
);

/** Every address on these pages leads somewhere. */
async function isWhole(base: string, cookie: string): Promise<void> {
  const targets = new Map<string, string>();
  for (const path of ['/', '/calls/acme/1', '/connectors/box', '/set-up-delacon']) {
    const page = await (await fetch(base + path, { headers: { cookie } })).text();
    for (const [, attribute = '', to = ''] of page.matchAll(
      / (href|src|hx-get|action|hx-sse:connect)="(\/[^"]*)"/g,
    )) {
      const target = new URL(to.replaceAll('&amp;', '&'), base).href;
      assert.ok(target.startsWith(base), `${attribute} ${to} on ${path}`);
      targets.set(target, attribute);
    }
  }
  assert.ok(targets.size > 20, [...targets.keys()].join('\n'));
  const live = [...targets].find(([, attribute]) => attribute === 'hx-sse:connect');
  await tellsAtOnce(live?.[0] ?? '', cookie);
  await Promise.all(
    [...targets].map(async ([target, attribute]) => {
      if (attribute === 'action' || attribute === 'hx-sse:connect') return;
      const answer = await fetch(target, { headers: { cookie }, redirect: 'manual' });
      await answer.arrayBuffer();
      assert.is(answer.status, 200, target);
    }),
  );
}

/** Behind a proxy that keeps what it reads until there is much of it, this would hang. */
async function tellsAtOnce(url: string, cookie: string): Promise<void> {
  const stream = await fetch(url, { headers: { cookie } });
  assert.equal(
    [stream.status, stream.headers.get('content-type'), stream.headers.get('x-accel-buffering')],
    [200, 'text/event-stream', 'no'],
  );
  const reader = stream.body!.getReader();
  assert.is((await reader.read()).done, false);
  await reader.cancel();
}

proxy.run();
