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
const madeToken = 'a-token-that-the-bridge-made';
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
  const links = new Set(['the-code-of-a-link']);
  const guarded = new Access({
    settings: () => settings,
    operatorToken: () => settings.operator.token ?? madeToken,
    useLink: async (code) => links.delete(code),
    peer: (context) => (context.env as { peer: string }).peer,
    clock,
    log,
  });
  const app = new Hono<AccessEnv>();
  app.use(securityHeaders, smallBodies);
  app.post('/sign-in', async (context) =>
    context.json(await guarded.signIn(context, String((await context.req.parseBody())['token']))),
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

/*
 * Behind a proxy as most people write it, `proxy_pass http://127.0.0.1:8080;`, everybody came from this machine, under its
 * own name, and was the operator.
 */
for (const [peer, host] of [
  ['127.0.0.1', 'localhost:8080'],
  ['::1', '[::1]:8080'],
  ['::ffff:127.0.0.1', '127.0.0.1:8080'],
] as const)
  for (const yaml of ['log: { level: info }', tokens])
    access(`from ${peer} nothing opens without a token, be one configured or not: ${yaml}`, async () => {
      const { ask } = await application(yaml);
      for (const headers of [{ host }, { host, 'x-forwarded-for': '127.0.0.1' }] as Record<
        string,
        string
      >[]) {
        assert.is((await ask('/api/overview', { peer, headers })).status, 401);
        assert.is((await ask('/page', { peer, headers })).status, 303);
        assert.is((await ask('/page', { peer, headers, method: 'POST' })).status, 303);
        const command = { ...headers, 'content-type': 'application/json' };
        assert.is((await ask('/api/x', { peer, method: 'POST', headers: command, body: '{}' })).status, 401);
      }
    });

access('where no token is configured the one that was made opens, as that would', async () => {
  const { ask, signIn } = await application('log: { level: info }');
  assert.is(JSON.parse((await ask('/api/x', bearer(madeToken))).text).role, 'operator');
  assert.is((await signIn(madeToken)).visitor.role, 'operator');
  assert.is((await ask('/api/x', bearer(''))).status, 401);
});

access('a link signs in once, until the token is another one', async () => {
  for (const yaml of ['log: { level: info }', tokens]) {
    const { ask, signIn, configure } = await application(yaml);
    const first = await signIn('the-code-of-a-link');
    assert.equal([first.visitor.role, first.visitor.via], ['operator', 'session']);
    assert.equal([(await signIn('the-code-of-a-link')).text], ['false']);
    assert.is((await ask('/api/x', bearer('the-code-of-a-link'))).status, 401);
    const token = 'another-operator-token';
    configure((settings) => ({ ...settings, operator: { ...settings.operator, token } }));
    assert.is((await ask('/page', { headers: { cookie: first.cookie } })).status, 303);
  }
});

access('what a proxy in front asks for itself leaves the session as it is', async () => {
  const { ask, signIn } = await application(tokens);
  const { cookie } = await signIn(operatorToken);
  assert.is((await ask('/page', { headers: { cookie, authorization: 'Basic am9lOnB3' } })).status, 200);
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

/* A neighbour in the domain is another site, and its requests bring the cookie. */
access(
  'what a page elsewhere asks for tells and costs nothing; a link there is followed once more from here',
  async () => {
    const { ask, signIn } = await application(tokens);
    const { cookie } = await signIn(operatorToken);
    const come = (site: string, mode: string, path = '/page/calls?a=%22') =>
      ask(path, { headers: { cookie, 'sec-fetch-site': site, 'sec-fetch-mode': mode } });
    for (const site of ['cross-site', 'same-site']) {
      const link = await come(site, 'navigate');
      assert.is(link.status, 200);
      assert.match(link.text, '<meta http-equiv="refresh" content="0;url=/page/calls?a=%22">');
      for (const mode of ['no-cors', 'cors']) {
        const { status, text } = await come(site, mode);
        assert.equal([status, /operator/.test(text)], [403, false]);
      }
      assert.is((await come(site, 'navigate', '/api/calls.csv')).status, 403);
    }
    for (const site of ['same-origin', 'none'])
      for (const path of ['/page', '/api/x'])
        assert.match((await come(site, 'navigate', path)).text, '"role":"operator"');
    const script = { ...bearer(operatorToken).headers, 'sec-fetch-site': 'cross-site' };
    assert.is((await ask('/api/x', { headers: script })).status, 200); // a browser adds no token by itself
  },
);

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

/* As nginx sends it without a word on headers: the host is its own word for us, and nothing tells of https. */
for (const [publicUrl, name, path] of [
  ['https://bridge.example', '__Host-delacon-bridge-session', '/'],
  ['https://acme.example/bridge/', '__Secure-delacon-bridge-session', '/bridge'],
  ['HTTPS://Bridge.example', '__Host-delacon-bridge-session', '/'],
] as const)
  access(`at ${publicUrl} the cookie is Secure, whatever the proxy says`, async () => {
    const { ask, form, signIn } = await application(`${tokens}\nlisten: { publicUrl: ${publicUrl} }`);
    for (const more of [{ host: '127.0.0.1:8080' }, { host: 'x', 'x-forwarded-proto': 'http' }, {}]) {
      const answer = await signIn(operatorToken, more as Record<string, string>);
      const [cookie, ...attributes] = (answer.headers.get('set-cookie') ?? '').split('; ');
      assert.is(cookie?.split('=')[0], name);
      assert.equal(attributes.sort(), [
        'HttpOnly',
        'Max-Age=43200',
        `Path=${path}`,
        'SameSite=Strict',
        'Secure',
      ]);
      const { csrf, cookie: sent } = answer;
      const out = await ask('/page/sign-out', form({ csrf }, { cookie: sent }));
      assert.match(
        out.headers.get('set-cookie') ?? '',
        new RegExp(`^${name}=; Max-Age=0; Path=${path};.*Secure`),
      );
      assert.is((await ask('/page', { headers: { cookie: sent } })).status, 303);
    }
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

/*
 * Ten wrong tokens shut an address out. Behind a proxy that nobody has declared it is everybody's: any stranger could keep
 * the operator out for good.
 */
access('wrong tokens of an address are answered late after ten, and a right one is not', async () => {
  const { signIn, ask, pass } = await application(tokens);
  for (let tries = 0; tries < 5; tries++) {
    assert.is((await signIn('wrong')).text, 'false');
    assert.is((await ask('/api/x', bearer('wrong'))).status, 401);
  }
  const answered: string[] = [];
  const late = [signIn('wrong'), ask('/api/x', bearer('wrong'))].map((asked) =>
    asked.then(({ status }) => answered.push(`${status}`)),
  );
  assert.is((await ask('/api/x', bearer(operatorToken))).status, 200);
  assert.is((await signIn(operatorToken)).visitor.role, 'operator');
  assert.is((await ask('/api/x', { ...bearer('wrong'), peer: '192.0.2.8' })).status, 401);
  assert.equal(answered, []);
  await pass(1_000);
  await Promise.all(late);
  assert.equal(answered.sort(), ['200', '401']);
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
      const both = ['operator', 'reader'];
      assert.equal(await comparedFor(() => ask('/api/x', bearer)), both, token);
      // Whoever is signed in by it has their session bound to it.
      assert.equal((await comparedFor(() => ask('/sign-in', form({ token })))).slice(0, 2), both, token);
    }
  },
);

access.run();
