import { Hono } from 'hono';
import type { Settings } from '../../src/config/settings.ts';
import { createLog } from '../../src/log.ts';
import { Access, type AccessEnv, ownPath, securityHeaders, smallBodies } from '../../src/operator/access.ts';
import { load } from '../config/with-config.ts';
import { assert, suite } from '../support/suite.ts';
import { VirtualTime } from '../support/virtual-clock.ts';

const access = suite('access to the page, the API and the metrics');

const operatorToken = 'the-operator-token';
const readOnlyToken = 'the-read-only-token';
const tokens = `operator: { token: ${operatorToken}, readOnlyToken: ${readOnlyToken} }`;

interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  peer?: string;
}

/** A small application behind the real guard. */
async function application(yaml: string) {
  let { settings } = await load(yaml);
  const time = new VirtualTime();
  const clock = time.clock();
  const log = createLog('silent');
  const guarded = new Access({
    settings: () => settings,
    peer: (context) => (context.env as { peer: string }).peer,
    clock,
    log,
  });
  const app = new Hono<AccessEnv>();
  app.use(securityHeaders, smallBodies);
  app.post('/sign-in', async (context) =>
    context.text(guarded.signIn(context, String((await context.req.parseBody())['token']))),
  );
  app.use(
    '/page',
    guarded.guard('page', (path) => path === '/page/preview'),
  );
  app.use(
    '/page/*',
    guarded.guard('page', (path) => path === '/page/preview'),
  );
  app.use('/api/*', guarded.guard('json'));
  app.all('/page/secret', guarded.operatorOnly('page'), (context) => context.text('secret'));
  app.post('/page/sign-out', (context) => {
    guarded.signOut(context);
    return context.text('signed out');
  });
  app.all('*', (context) => context.json(context.get('visitor')));

  const ask = async (path: string, { peer = '192.0.2.7', ...init }: Asked = {}) => {
    const headers = { host: 'bridge.example', ...init.headers };
    const answer = await app.request(path, { ...init, headers }, { peer });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text };
  };
  const form = (fields: Record<string, string>, more: Record<string, string> = {}): Asked => ({
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'same-origin',
      ...more,
    },
    body: new URLSearchParams(fields).toString(),
  });
  return {
    ask,
    form,
    time,
    pass: (ms: number) => time.pass(ms, async () => {}),
    configure: (changed: (settings: Settings) => Settings) => (settings = changed(settings)),
    async signIn(token: string, more: Record<string, string> = {}, peer?: string) {
      const answer = await ask('/sign-in', { ...form({ token }, more), ...(peer ? { peer } : {}) });
      const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
      const visitor = cookie ? JSON.parse((await ask('/page', { headers: { cookie } })).text) : undefined;
      return { ...answer, cookie, csrf: String(visitor?.csrf), visitor };
    },
  };
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

access('without a token everything answers on this machine, to the operator', async () => {
  const { ask } = await application('log: { level: info }');
  for (const [peer, host] of [
    ['127.0.0.1', 'localhost:8080'],
    ['::1', '[::1]:8080'],
    ['::ffff:127.0.0.1', '127.0.0.1:8080'],
  ] as const) {
    const answer = await ask('/api/overview', { peer, headers: { host } });
    assert.is(answer.status, 200);
    assert.is(JSON.parse(answer.text).role, 'operator');
    assert.is(JSON.parse(answer.text).via, 'local');
  }
});

const foreign: [what: string, peer: string, headers: Record<string, string>][] = [
  ['from another machine', '192.0.2.7', { host: 'localhost' }],
  ['through a proxy on this machine', '127.0.0.1', { host: 'localhost', 'x-forwarded-for': '192.0.2.7' }],
  ['through a proxy that says Forwarded', '127.0.0.1', { host: 'localhost', forwarded: 'for=192.0.2.7' }],
  ['under a name that was made to point here', '127.0.0.1', { host: 'attacker.example' }],
  ['under no name', '127.0.0.1', { host: '' }],
];
for (const [what, peer, headers] of foreign)
  access(`without a token nothing answers ${what}, and says what to do`, async () => {
    const { ask } = await application('log: { level: info }');
    for (const path of ['/page', '/api/overview']) {
      const answer = await ask(path, { peer, headers });
      assert.is(answer.status, 403);
      assert.match(answer.text, /operator\.token/);
    }
  });

access('with a token this machine needs it, too', async () => {
  const { ask } = await application(tokens);
  const answer = await ask('/api/overview', { peer: '127.0.0.1', headers: { host: 'localhost' } });
  assert.is(answer.status, 401);
});

access('a bearer token opens the API for its role', async () => {
  const { ask } = await application(tokens);
  assert.is(JSON.parse((await ask('/api/x', bearer(operatorToken))).text).role, 'operator');
  assert.is(JSON.parse((await ask('/api/x', bearer(readOnlyToken))).text).role, 'reader');
  assert.is((await ask('/api/x', { ...bearer(operatorToken), method: 'POST' })).status, 200);
  assert.is((await ask('/api/x', { ...bearer(readOnlyToken), method: 'POST' })).status, 403);
  for (const wrong of ['', 'x', `${operatorToken}x`, operatorToken.slice(1)])
    assert.is((await ask('/api/x', bearer(wrong))).status, 401);
  const none = await ask('/api/x');
  assert.is(none.status, 401);
  assert.is(none.headers.get('www-authenticate'), 'Bearer realm="delacon-bridge"');
});

access('who is not signed in is sent to the sign-in page, and back from there', async () => {
  const { ask } = await application(tokens);
  const plain = await ask('/page/calls?state=failed&text=a%20b');
  assert.equal(
    [plain.status, plain.headers.get('location')],
    [303, '/sign-in?to=%2Fpage%2Fcalls%3Fstate%3Dfailed%26text%3Da%2520b'],
  );
  const part = await ask('/page/part', { headers: { 'hx-request': 'true' } });
  assert.equal([part.status, part.headers.get('hx-redirect')], [401, '/sign-in']);
});

access('a link on another site, which brings no cookie, is followed once more from here', async () => {
  const { ask } = await application(tokens);
  const come = (site: string) => ask('/page/calls?a=%22', { headers: { 'sec-fetch-site': site } });
  const first = await come('cross-site');
  assert.is(first.status, 200);
  assert.match(first.text, '<meta http-equiv="refresh" content="0;url=/page/calls?a=%22">');
  assert.is((await come('same-origin')).status, 303);
});

access('signing in gives a cookie that scripts and other sites do not see', async () => {
  const { signIn } = await application(tokens);
  const plain = await signIn(operatorToken);
  const attributes = plain.headers.get('set-cookie') ?? '';
  assert.match(attributes, /; HttpOnly/);
  assert.match(attributes, /; SameSite=Strict/);
  assert.match(attributes, /; Path=\//);
  assert.match(attributes, /; Max-Age=43200/);
  assert.not.match(attributes, /Secure/);
  assert.not.match(attributes, /the-operator-token/);
  const secure = await signIn(operatorToken, { 'x-forwarded-proto': 'https' });
  assert.match(secure.headers.get('set-cookie') ?? '', /; Secure/);
  assert.is(plain.visitor.role, 'operator');
  assert.is((await signIn(readOnlyToken)).visitor.role, 'reader');
});

access('behind an https publicUrl the cookie is Secure', async () => {
  const { signIn } = await application(`${tokens}\nlisten: { publicUrl: https://bridge.example }`);
  assert.match((await signIn(operatorToken)).headers.get('set-cookie') ?? '', /; Secure/);
});

access('a session ends on sign-out, after its time, and with its token', async () => {
  const { ask, form, signIn, pass, configure } = await application(tokens);
  const isOpen = async (cookie: string) => (await ask('/page', { headers: { cookie } })).status === 200;

  const left = await signIn(operatorToken);
  assert.is(await isOpen(left.cookie), true);
  const out = await ask('/page/sign-out', form({ csrf: left.csrf }, { cookie: left.cookie }));
  assert.match(out.headers.get('set-cookie') ?? '', /Max-Age=0/);
  assert.is(await isOpen(left.cookie), false);

  const old = await signIn(operatorToken);
  await pass(12 * 3_600_000 - 1000);
  assert.is(await isOpen(old.cookie), true);
  await pass(1000);
  assert.is(await isOpen(old.cookie), false);

  const [operator, reader] = [await signIn(operatorToken), await signIn(readOnlyToken)];
  configure((settings) => ({
    ...settings,
    operator: { ...settings.operator, token: 'another-operator-token' },
  }));
  assert.equal([await isOpen(operator.cookie), await isOpen(reader.cookie)], [false, true]);
});

access('wrong tokens shut an address out for ten minutes, and no other one', async () => {
  const { signIn, ask, pass } = await application(tokens);
  for (let tries = 0; tries < 10; tries++) assert.is((await signIn('wrong')).text, 'wrong token');
  assert.is((await signIn(operatorToken)).text, 'too many tries');
  assert.is((await signIn(operatorToken, {}, '192.0.2.8')).text, 'signed in');
  assert.is((await ask('/api/x', bearer(operatorToken))).status, 200); // its commands and metrics go on
  await pass(10 * 60_000);
  assert.is((await signIn(operatorToken)).text, 'signed in');

  for (let tries = 0; tries < 10; tries++) await ask('/api/x', bearer('wrong'));
  const shut = await ask('/api/x', bearer(operatorToken));
  assert.equal([shut.status, shut.headers.get('retry-after')], [429, '600']);
  assert.is((await ask('/api/x', { ...bearer(operatorToken), peer: '192.0.2.8' })).status, 200);
});

access('behind a declared proxy the address is the one that the proxy names', async () => {
  const { signIn } = await application(`${tokens}\nlisten: { trustedProxies: [192.0.2.7] }`);
  for (let tries = 0; tries < 10; tries++) await signIn('wrong', { 'x-forwarded-for': '198.51.100.1' });
  assert.is((await signIn(operatorToken, { 'x-forwarded-for': '198.51.100.1' })).text, 'too many tries');
  assert.is((await signIn(operatorToken, { 'x-forwarded-for': '198.51.100.2' })).text, 'signed in');
});

access('a change must come from our own page, with the token of its forms', async () => {
  const { ask, form, signIn } = await application(tokens);
  const { cookie, csrf } = await signIn(operatorToken);
  const other = await signIn(operatorToken);
  const post = async (fields: Record<string, string>, headers: Record<string, string>) =>
    (await ask('/page/replay', form(fields, { cookie, ...headers }))).status;

  assert.is(await post({ csrf }, {}), 200);
  assert.is(await post({}, { 'x-csrf-token': csrf }), 200);
  assert.is(await post({}, {}), 403);
  assert.is(await post({ csrf: 'x' }, {}), 403);
  assert.is(await post({ csrf: other.csrf }, {}), 403);
  assert.is(await post({ csrf }, { 'sec-fetch-site': 'cross-site' }), 403);
  assert.is(await post({ csrf }, { 'sec-fetch-site': 'same-site' }), 403);
});

access('where a browser does not say what site a change comes from, its origin must be ours', async () => {
  const { ask, signIn } = await application(`${tokens}\nlisten: { publicUrl: https://calls.example }`);
  const { cookie, csrf } = await signIn(operatorToken);
  const from = async (origin: string | undefined) => {
    const headers = { cookie, 'x-csrf-token': csrf, ...(origin ? { origin } : {}) };
    return (await ask('/page/replay', { method: 'POST', headers })).status;
  };
  assert.is(await from('http://bridge.example'), 200);
  assert.is(await from('https://calls.example'), 200);
  assert.is(await from('https://attacker.example'), 403);
  assert.is(await from('null'), 403);
  assert.is(await from(undefined), 403);
});

access('on this machine without a token, pages of other sites cannot act', async () => {
  const { ask, form } = await application('log: { level: info }');
  const local = { peer: '127.0.0.1' };
  const host = 'localhost:8080';
  const { csrf } = JSON.parse((await ask('/page', { ...local, headers: { host } })).text);
  const post = async (asked: Asked) =>
    (await ask('/page/replay', { ...asked, ...local, headers: { host, ...asked.headers } })).status;

  assert.is(await post(form({ csrf })), 200);
  assert.is(await post(form({})), 403);
  assert.is(await post(form({ csrf }, { 'sec-fetch-site': 'cross-site' })), 403);
  const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
  assert.is(await post(json), 200); // a command
  assert.is(await post({ ...json, headers: { ...json.headers, origin: 'https://attacker.example' } }), 403);
  assert.is(await post({ ...json, headers: { 'content-type': 'text/plain' } }), 403);
});

access('a reader sees and does not act, but where nothing is changed', async () => {
  const { ask, form, signIn } = await application(tokens);
  const { cookie, csrf } = await signIn(readOnlyToken);
  const status = async (path: string, asked: Asked) =>
    (await ask(path, { ...asked, headers: { ...asked.headers, cookie } })).status;
  assert.is(await status('/page', {}), 200);
  assert.is(await status('/page/replay', form({ csrf })), 403);
  assert.is(await status('/page/preview', form({ csrf })), 200);
  assert.is(await status('/page/preview', form({})), 403);
  assert.is(await status('/page/secret', {}), 403);
});

access('numbers are masked for the reader, where the settings say so', async () => {
  const open = await application(tokens);
  assert.is((await open.signIn(readOnlyToken)).visitor.masked, false);
  const masking = await application(tokens.replace(' }', ', maskNumbers: true }'));
  assert.is((await masking.signIn(readOnlyToken)).visitor.masked, true);
  assert.is((await masking.signIn(operatorToken)).visitor.masked, false);
});

access('every answer has the headers that keep a browser careful', async () => {
  const { ask } = await application(tokens);
  for (const path of ['/page', '/api/x', '/sign-in']) {
    const { headers } = await ask(path);
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.not.match(policy, /unsafe|\*/);
    assert.is(headers.get('x-content-type-options'), 'nosniff');
    assert.is(headers.get('cache-control'), 'no-store');
  }
});

access('a body of more than a mebibyte is not read', async () => {
  const { ask, form, signIn } = await application(tokens);
  const { cookie, csrf } = await signIn(operatorToken);
  const long = form({ csrf, push: 'x'.repeat(1024 ** 2) }, { cookie });
  const headers = { ...long.headers, 'content-length': String(long.body?.length) };
  assert.is((await ask('/page/preview', { ...long, headers })).status, 413);
});

access('a clock that is set back shuts nobody out for longer', async () => {
  const { ask, time } = await application(tokens);
  const status = async (token: string) =>
    (await ask('/api/overview', { headers: { authorization: `Bearer ${token}` } })).status;
  for (let n = 0; n < 20; n++) await status('wrong');
  assert.is(await status(operatorToken), 429);
  time.jump(-3_600_000);
  assert.is(await status(operatorToken), 200);
});

access('the way back after signing in leads to this page only', () => {
  const tried = [
    '/calls?state=failed',
    '//attacker.example',
    '/\\attacker.example',
    'https://a.example',
    'x',
    undefined,
  ];
  assert.equal(tried.map(ownPath), ['/calls?state=failed', '/', '/', '/', '/', '/']);
});

access(
  'a presented token is compared with each that is configured, whatever the first comparison said',
  async () => {
    const { ask, form, configure } = await application(tokens);
    let compared: string[] = [];
    configure((settings) => ({
      ...settings,
      operator: {
        ...settings.operator,
        get token() {
          compared.push('operator');
          return operatorToken;
        },
        get readOnlyToken() {
          compared.push('reader');
          return readOnlyToken;
        },
      },
    }));
    const comparedFor = async (what: () => Promise<unknown>) => {
      compared = [];
      await what();
      return compared;
    };
    const presented = [
      operatorToken,
      readOnlyToken,
      `${operatorToken.slice(0, -1)}X`,
      'x',
      'x'.repeat(10_000),
    ];
    for (const token of presented) {
      const bearer = { headers: { authorization: `Bearer ${token}` } };
      // Whether there is one at all is asked first.
      assert.equal(await comparedFor(() => ask('/api/x', bearer)), ['operator', 'operator', 'reader'], token);
      assert.equal(
        await comparedFor(() => ask('/sign-in', form({ token }))),
        ['operator', 'operator', 'reader'],
        token,
      );
    }
  },
);

access.run();
