import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { Hono } from 'hono';
import type { CallState } from '../../src/call/call.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { AddressList, senderAddress } from '../../src/receive/addresses.ts';
import { Ledger } from '../../src/receive/ledger.ts';
import { PushRate } from '../../src/receive/rate-limit.ts';
import { type Receiving, receiveRoutes } from '../../src/receive/routes.ts';
import { TokenTable } from '../../src/receive/tokens.ts';
import { listen } from '../../src/runtime/serve.ts';
import type { Recorded } from '../../src/store/intake.ts';
import { type Store, StoreUnavailable } from '../../src/store/store.ts';
import { endSample, startSample } from '../support/build-push.ts';
import { room } from '../support/rejections.ts';
import { assert, suite, until } from '../support/suite.ts';
import { openNewStore } from '../support/with-store.ts';

const receiving = suite('receiving');

const token = 'token-of-acme-0123456789';

interface Rig {
  app: Hono;
  store: Store;
  ledger: Ledger;
  current: Receiving;
  log: string[];
  /** `rate_limited acme`, as the metrics are told. */
  refused: string[];
  post(
    body: RequestInit['body'],
    options?: { path?: string; headers?: Record<string, string> },
  ): Promise<Answer>;
}

interface Answer {
  status: number;
  body: unknown;
  headers: Headers;
}

async function withReceiving(
  use: (rig: Rig) => Promise<void>,
  options: {
    allowFrom?: string[];
    proxies?: string[];
    peer?: string;
    perSecond?: number;
    record?: Store['record'];
    clock?: Clock;
  } = {},
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'receiving-'));
  const store = await openNewStore(join(folder, 'bridge.db'));
  const log: string[] = [];
  const refused: string[] = [];
  const current: Receiving = {
    tokens: new TokenTable({ acme: { tokens: [token, 'the-token-before-0123456'] } }),
    sources: new Map([
      [
        'acme',
        {
          allowFrom: new AddressList(options.allowFrom ?? []),
          rate: options.perSecond === undefined ? undefined : new PushRate(options.perSecond, Date.now()),
          lapseAfterMs: 1000,
        },
      ],
    ]),
    proxies: new AddressList(options.proxies ?? []),
    maxBodyBytes: 4096,
    timeoutMs: 30_000,
    closing: false,
  };
  const logged = createLog('debug', [token], { write: (line: string) => log.push(line) });
  const ledger = new Ledger({
    store,
    clock: systemClock,
    log: logged,
    bytesPerSource: () => room,
    written: () => {},
  });
  const app = receiveRoutes({
    current: () => current,
    record: options.record ?? ((push) => store.record(push)),
    route: () => ['crm'],
    recorded: () => {},
    async refused(push) {
      refused.push(`${push.cause} ${push.source ?? '-'}`);
      await ledger.note(push);
    },
    peer: () => options.peer ?? '198.51.100.7',
    clock: options.clock ?? systemClock,
    log: logged,
  });
  const post: Rig['post'] = async (body, { path = `/push/${token}`, headers = {} } = {}) => {
    const answer = await app.request(path, { method: 'POST', body: body ?? null, headers });
    return { status: answer.status, body: await answer.json(), headers: answer.headers };
  };
  try {
    await use({ app, store, ledger, current, log, refused, post });
  } finally {
    await ledger.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const stored = { PLA_Call_Id: '1122334', success: 'true', error: '' };

for (const path of ['', '/create', '/update']) {
  receiving(`both kinds are taken at /push/<token>${path}`, () =>
    withReceiving(async ({ post, store }) => {
      for (const body of [startSample, endSample]) {
        const answer = await post(body, { path: `/push/${token}${path}` });
        assert.equal([answer.status, answer.body], [200, stored]);
        assert.match(answer.headers.get('content-type') ?? '', 'application/json');
      }
      const [story] = await store.stories('1122334');
      assert.is(story?.pushes.length, 2);
    }),
  );
}

for (const path of [
  '/',
  '/Create',
  '/create/',
  '/UPDATE//',
  '/created',
  '/create%20',
  '%20',
  '?a=b',
  '/create/?a=b',
])
  receiving(`a push is taken at /push/<token>${path}`, () =>
    withReceiving(async ({ post }) => {
      assert.equal((await post(startSample, { path: `/push/${token}${path}` })).body, stored);
    }),
  );

receiving('a push is taken at /PUSH/<token>, and behind slashes that a proxy doubled', () =>
  withReceiving(async ({ post }) => {
    for (const path of [
      `/PUSH/${token}`,
      `/Push/${token}/Update`,
      `//push/${token}/create`,
      `/push//${token}`,
    ])
      assert.equal((await post(startSample, { path })).body, stored, path);
  }),
);

receiving('a token in another letter case is another token', () =>
  withReceiving(async ({ post }) => {
    for (const path of [`/push/${token.toUpperCase()}/create`, `/push/${token}x/create`, '/push/%zz/create'])
      assert.is((await post(startSample, { path })).status, 404, path);
  }),
);

receiving('paths that are none of a push are nobody’s here', () =>
  withReceiving(async ({ app }) => {
    for (const path of ['/push', '/push/', '/pushes/x', '/a/push/x', '/'])
      assert.is(await (await app.request(path, { method: 'POST' })).text(), '404 Not Found', path);
  }),
);

const codings: [coding: string | undefined, encode: (body: string) => Uint8Array][] = [
  ['gzip', gzipSync],
  ['X-GZIP', gzipSync],
  ['deflate', deflateSync],
  ['deflate ', deflateRawSync], // without the header that it should have
  ['br', brotliCompressSync],
  ['identity', Buffer.from],
  ['UTF-8', Buffer.from],
  ['iso-8859-1, gzip', gzipSync],
  [undefined, gzipSync],
  ['deflate, gzip', (body) => gzipSync(deflateSync(body))],
  ['gzip ', Buffer.from], // a proxy decompressed it, and left the header
];
for (const [coding, encode] of codings)
  receiving(`a body in ${coding ?? 'gzip that nothing tells of'} is read, and kept as text`, () =>
    withReceiving(async ({ post, store }) => {
      const answer = await post(encode(endSample) as RequestInit['body'], {
        headers: coding === undefined ? {} : { 'content-encoding': coding },
      });
      assert.equal([answer.status, answer.body], [200, stored]);
      assert.is((await store.stories('1122334'))[0]?.pushes[0]?.body, endSample);
    }),
  );

receiving(
  'a body that is over the limit once it is decompressed is answered 413, however small it came',
  () =>
    withReceiving(async ({ post, refused }) => {
      const long = 'x'.repeat(1_000_000);
      for (const [coding, body] of [
        ['gzip', gzipSync(long)],
        ['deflate', deflateRawSync(long)],
        ['br', brotliCompressSync(long)],
        ['gzip, gzip', gzipSync(gzipSync(long))],
      ] as const) {
        const answer = await post(body as RequestInit['body'], { headers: { 'content-encoding': coding } });
        assert.equal(
          [answer.status, answer.body],
          [413, { PLA_Call_Id: '', success: 'false', error: 'The body is longer than 4096 bytes.' }],
        );
      }
      assert.is(refused.length, 4);
    }),
);

const unread: [headers: Record<string, string>, body: string | Uint8Array, error: string][] = [
  [
    { 'content-encoding': 'zstd' },
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    'The body\'s Content-Encoding "zstd" is not read: send it as it is, or with gzip, deflate or br.',
  ],
  [
    { 'content-encoding': 'gzip' },
    gzipSync(endSample).subarray(0, 60),
    'The body\'s Content-Encoding "gzip" is not what it is in: send it as it is, or with gzip, deflate or br.',
  ],
  [
    { 'content-encoding': 'gzip, gzip, gzip' },
    'x',
    'The body\'s Content-Encoding "gzip, gzip, gzip" is not read: send it as it is, or with gzip, deflate or br.',
  ],
  [
    { 'content-encoding': 'constructor' },
    'x',
    'The body\'s Content-Encoding "constructor" is not read: send it as it is, or with gzip, deflate or br.',
  ],
  [
    { 'content-type': 'text/xml' },
    '<call id="1"/>',
    'The body is XML or HTML, which is not read: send JSON.',
  ],
  [
    { 'content-type': 'text/csv' },
    'PLA_Call_Id,PLA_City\n1,Perth',
    'The body is neither a JSON object nor a form. Its Content-Type is "text/csv": send JSON, as application/json.',
  ],
];
for (const [headers, body, error] of unread)
  receiving(`a body with ${JSON.stringify(headers)} that is not read is answered 415, and kept`, () =>
    withReceiving(async ({ post, store }) => {
      const answer = await post(body as RequestInit['body'], { headers });
      assert.equal([answer.status, answer.body], [415, { PLA_Call_Id: '', success: 'false', error }]);
      const kept = await store.rejections({ limit: 10, headBytes: 1_000 });
      assert.equal(
        kept.map(({ source, cause, head, reason }) => [source, cause, Buffer.from(head!), reason]),
        [['acme', 'unreadable', Buffer.from(body), error]],
      );
    }),
  );

receiving('a form in parts, and one under a content type that says otherwise, are read', () =>
  withReceiving(async ({ post }) => {
    const form = new FormData();
    form.set('PLA_Call_Id', '1122334');
    assert.equal((await post(form)).body, stored);
    const xml = { headers: { 'content-type': 'text/xml' } };
    assert.equal((await post(startSample, xml)).body, stored);
  }),
);

receiving('what was answered is stored, as it came', () =>
  withReceiving(async ({ post, store }) => {
    await post(endSample);
    const [story] = await store.stories('1122334');
    assert.is(story?.pushes[0]?.body, endSample);
    assert.is(story?.deliveries[0]?.state, 'due');
  }),
);

receiving('an exact repeat is acknowledged, counted, and changes nothing', () =>
  withReceiving(async ({ post, store }) => {
    for (let i = 0; i < 3; i++) assert.equal((await post(startSample)).body, stored);
    const [story] = await store.stories('1122334');
    assert.is(story?.revision, 1);
    assert.equal(
      story?.pushes.map((push) => push.repeats),
      [2],
    );
  }),
);

receiving('a second token of the source works as well', () =>
  withReceiving(async ({ post }) => {
    assert.is((await post(startSample, { path: '/push/the-token-before-0123456' })).status, 200);
  }),
);

for (const [title, body, error] of [
  ['not JSON', '{"PLA_Call_Id"', 'The body is not JSON.'],
  ['empty', '', 'The body is empty.'],
  ['not an object', '["PLA_Call_Id"]', 'The body is JSON, but not an object.'],
  [
    'of an object for a call id',
    '{"PLA_Call_Id":{"a":1}}',
    'PLA_Call_Id is not usable: it must be a text or a number. The push was not stored.',
  ],
  [
    'without a call id',
    '{"PLA_CID":"1","PLA_Call_Id":" "}',
    'PLA_Call_Id is missing: the push cannot be told from others, so it was not stored.',
  ],
] as const) {
  receiving(`a body that is ${title} is answered 400, and kept for the operator`, () =>
    withReceiving(async ({ post, store }) => {
      const answer = await post(body);
      assert.equal([answer.status, answer.body], [400, { PLA_Call_Id: '', success: 'false', error }]);
      const kept = await store.rejections({ limit: 10, headBytes: 1_000 });
      assert.equal(
        kept.map(({ source, cause, head, reason }) => [
          source,
          cause,
          new TextDecoder().decode(head ?? undefined),
          reason,
        ]),
        [['acme', 'unreadable', body, error]],
      );
    }),
  );
}

receiving('an unknown token is answered 404, and nothing is stored', () =>
  withReceiving(async ({ post, store, log }) => {
    const answer = await post(startSample, { path: '/push/token-of-acme-012345678X/create' });
    assert.equal(
      [answer.status, answer.body],
      [404, { PLA_Call_Id: '', success: 'false', error: 'Unknown token.' }],
    );
    assert.equal(await store.stories('1122334'), []);
    assert.not.match(log.join(''), 'token-of-acme');
  }),
);

receiving('an answer does not tell how near a guess came', () =>
  withReceiving(async ({ post }) => {
    const right = 'token-of-acme-0123456789';
    const guesses = [right.slice(0, 1), right.slice(0, -1), `${right}0`, right.toUpperCase(), 'x'.repeat(24)];
    const answers = await Promise.all(
      guesses.map(async (guess) => {
        const { status, body } = await post(startSample, { path: `/push/${guess}` });
        return { status, body };
      }),
    );
    const body = { PLA_Call_Id: '', success: 'false', error: 'Unknown token.' };
    assert.equal(
      answers,
      guesses.map(() => ({ status: 404, body })),
    );
  }),
);

receiving('who guesses tokens is answered late, and the right token from there is not', () => {
  const waits: (() => void)[] = [];
  const clock: Clock = {
    now: systemClock.now,
    after(_, run) {
      waits.push(run);
      return () => {};
    },
  };
  return withReceiving(
    async ({ post, log }) => {
      const guess = () => post(startSample, { path: '/push/token-of-acme-012345678X' });
      for (let n = 0; n < 30; n++) assert.is((await guess()).status, 404);
      assert.is(waits.length, 0);
      const late = guess();
      await until('the answer is held back', () => waits.length === 1);
      assert.is((await post(startSample)).status, 200);
      waits[0]?.();
      const answered = await late;
      assert.equal(answered.body, { PLA_Call_Id: '', success: 'false', error: 'Unknown token.' });
      assert.is(log.filter((line) => line.includes('Many unknown tokens')).length, 1);
    },
    { clock },
  );
});

receiving('an address outside allowFrom is answered 403', () =>
  withReceiving(
    async ({ post, store }) => {
      const answer = await post(startSample);
      assert.equal(
        [answer.status, answer.body],
        [403, { PLA_Call_Id: '', success: 'false', error: 'Address not allowed.' }],
      );
      const forged = await post(startSample, { headers: { 'x-forwarded-for': '203.0.113.9' } });
      assert.is(forged.status, 403, 'only a declared proxy is believed');
      assert.equal(await store.stories('1122334'), []);
    },
    { allowFrom: ['203.0.113.0/24'] },
  ),
);

receiving('behind a declared proxy the sender is whom the proxy names', () =>
  withReceiving(
    async ({ post }) => {
      const forwarded = (list: string) => ({ headers: { 'x-forwarded-for': list } });
      assert.is((await post(startSample, forwarded('203.0.113.9'))).status, 200);
      assert.is((await post(startSample, forwarded('203.0.113.9, 198.51.100.200'))).status, 403);
      assert.is((await post(startSample, forwarded('198.51.100.1, 203.0.113.9, 10.0.0.2'))).status, 200);
    },
    { allowFrom: ['203.0.113.0/24'], proxies: ['10.0.0.0/8'], peer: '::ffff:10.1.2.3' },
  ),
);

receiving('a body over the limit is answered 413, with and without a length', () =>
  withReceiving(async ({ post, store }) => {
    const long = JSON.stringify({ PLA_Call_Id: '1', PLA_URL: 'x'.repeat(5000) });
    const expected = [
      413,
      { PLA_Call_Id: '', success: 'false', error: 'The body is longer than 4096 bytes.' },
    ];
    const withLength = await post(long, { headers: { 'content-length': String(long.length) } });
    assert.equal([withLength.status, withLength.body], expected);
    const chunked = await post(long);
    assert.equal([chunked.status, chunked.body], expected);
    assert.equal(await store.stories('1'), []);
  }),
);

receiving('over a socket, a body in pieces is taken whole, and one over the limit refused', () =>
  withReceiving(async ({ app, store, current }) => {
    const server = await listen(app, '127.0.0.1', 0, current);
    const send = async (body: string) => {
      const bytes = new TextEncoder().encode(body);
      const pieces = new ReadableStream({
        start(stream) {
          for (let at = 0; at < bytes.length; at += 100) stream.enqueue(bytes.subarray(at, at + 100));
          stream.close();
        },
      });
      const url = `http://127.0.0.1:${server.port}/push/${token}`;
      const answer = await fetch(url, { method: 'POST', body: pieces, duplex: 'half' } as RequestInit);
      await answer.arrayBuffer();
      return answer.status;
    };
    try {
      assert.is(await send(startSample), 200);
      assert.is(await send(`${startSample}${' '.repeat(100_000)}`), 413);
      assert.is(await send(''), 400);
      assert.is(await send(endSample), 200);
      const compressed = await fetch(`http://127.0.0.1:${server.port}//PUSH/${token}/Create/`, {
        method: 'POST',
        body: gzipSync(endSample),
        headers: { 'content-encoding': 'gzip' },
      });
      assert.is(compressed.status, 200);
    } finally {
      await server.stop();
    }
    assert.equal(
      (await store.stories('1122334'))[0]!.pushes.map(({ body }) => body),
      [startSample, endSample],
    );
  }),
);

receiving('a connection is kept for the next push, and not for what nobody reads', () =>
  withReceiving(async ({ app, current }) => {
    const server = await listen(app, '127.0.0.1', 0, { ...current, timeoutMs: 1_000 });
    const connection = (path: string, opens: string) => {
      const seen = { answers: '', isClosed: false };
      const head = `POST ${path} HTTP/1.1\r\nHost: bridge\r\nContent-Length: ${startSample.length}\r\n\r\n`;
      const socket = connect(server.port, '127.0.0.1', () => socket.write(head + opens));
      socket.setEncoding('utf8').on('data', (text) => {
        seen.answers += text;
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        seen.isClosed = true;
      });
      return { seen, socket, again: () => socket.write(head + opens) };
    };
    const answersOf = (text: string, status: number) => text.split(`HTTP/1.1 ${status} `).length - 1;
    const good = connection(`/push/${token}`, startSample);
    try {
      await until('the first push', () => answersOf(good.seen.answers, 200) === 1);
      const unread = connection('/push/unknown', startSample.slice(0, 20));
      await until('the end of who sends what nobody reads', () => unread.seen.isClosed, 20_000);
      assert.is(answersOf(unread.seen.answers, 404), 1, unread.seen.answers);
      assert.is(good.seen.isClosed, false);
      good.again();
      await until('the second push', () => answersOf(good.seen.answers, 200) === 2);
    } finally {
      good.socket.destroy();
      await server.stop();
    }
  }),
);

for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
  receiving(`${method} is answered 405`, () =>
    withReceiving(async ({ app }) => {
      const answer = await app.request(`/push/${token}/create`, { method });
      assert.is(answer.status, 405);
      assert.is(answer.headers.get('allow'), 'POST');
      assert.equal(await answer.json(), {
        PLA_Call_Id: '',
        success: 'false',
        error: 'Pushes are sent with POST.',
      });
    }),
  );
}

receiving('a store that cannot take the push is answered 503 with Retry-After', () =>
  withReceiving(
    async ({ post }) => {
      const answer = await post(startSample);
      assert.is(answer.status, 503);
      assert.is(answer.headers.get('retry-after'), '5');
      assert.equal(answer.body, {
        PLA_Call_Id: '1122334',
        success: 'false',
        error: 'Not stored: SQLite: database or disk is full',
      });
    },
    { record: () => Promise.reject(new StoreUnavailable('SQLite: database or disk is full')) },
  ),
);

/** A disk that takes nothing until it is told to. */
function heldDisk() {
  const waiting: (() => void)[] = [];
  const record = () =>
    new Promise<Recorded>((resolve) => {
      waiting.push(() =>
        resolve({ repeat: true, begins: false, revision: 1, state: {} as CallState, due: [] }),
      );
    });
  return {
    record,
    waiting: () => waiting.length,
    take() {
      for (const done of waiting.splice(0)) done();
    },
  };
}

receiving(
  'long bodies beyond what memory should hold are answered 503, until the disk has taken some',
  () => {
    const disk = heldDisk();
    return withReceiving(
      async ({ post, current }) => {
        current.maxBodyBytes = 16 * 1024 ** 2;
        const long = (n: number) =>
          JSON.stringify({ PLA_Call_Id: `${n}`, PLA_URL: 'x'.repeat(15 * 1024 ** 2) });
        const held = [1, 2, 3, 4].map((n) => post(long(n)));
        await until('the disk has four', () => disk.waiting() === 4);
        const refused = await post(long(5));
        assert.is(refused.status, 503);
        assert.is(refused.headers.get('retry-after'), '5');
        assert.equal(refused.body, {
          PLA_Call_Id: '5',
          success: 'false',
          error: 'Not stored: more arrives than the disk takes.',
        });
        disk.take();
        assert.equal(
          (await Promise.all(held)).map(({ status }) => status),
          [200, 200, 200, 200],
        );
        const again = post(long(5));
        await until('the disk has it', () => disk.waiting() === 1);
        disk.take();
        assert.is((await again).status, 200);
      },
      { record: disk.record },
    );
  },
);

receiving(
  'more pushes at once than the queue takes: each is stored or answered 503, and then all are taken',
  () =>
    withReceiving(async ({ post, store }) => {
      const of = (n: number) => JSON.stringify({ PLA_Call_Id: String(n + 1) });
      const answers = await Promise.all(Array.from({ length: 6_000 }, (_, n) => post(of(n))));
      const refused = answers.filter(({ status }) => status === 503);
      const taken = answers.filter(({ status }) => status === 200);
      assert.is(taken.length + refused.length, 6_000);
      assert.ok(refused.length > 0, 'the queue has an end');
      for (const { headers } of refused) assert.is(headers.get('retry-after'), '5');
      assert.is((await post(of(7_000))).status, 200, 'at once');
      assert.is((await store.calls({ limit: 10_000 })).length, taken.length + 1);
    }),
);

receiving('while shutting down the answer is 503 with Retry-After', () =>
  withReceiving(async ({ post, current, store }) => {
    current.closing = true;
    const answer = await post(startSample);
    assert.is(answer.status, 503);
    assert.is(answer.headers.get('retry-after'), '5');
    assert.equal(await store.stories('1122334'), []);
  }),
);

receiving('more pushes than the source may send are answered 503', () =>
  withReceiving(
    async ({ post }) => {
      const statuses = [];
      for (let i = 0; i < 3; i++)
        statuses.push((await post(JSON.stringify({ PLA_Call_Id: String(i + 1) }))).status);
      assert.equal(statuses, [200, 200, 503]);
    },
    // Time stands still: on a busy machine a second may pass between two of them.
    { perSecond: 2, clock: { ...systemClock, now: () => new Date(0) } },
  ),
);

receiving('names of objects are keys like any other, and change nothing but their push', () =>
  withReceiving(async ({ post, store }) => {
    const hostile =
      '{"PLA_Call_Id":"7","__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}},"toString":"x"}';
    assert.is((await post(hostile)).status, 200);
    assert.is((await post('PLA_Call_Id=8&__proto__=x&__proto__[polluted]=yes')).status, 200);
    assert.is(({} as Record<string, unknown>)['polluted'], undefined);
    const [story] = await store.stories('7');
    assert.is(story?.state.fields['toString'], 'x');
    assert.ok(Object.entries(story?.state.fields ?? {}).some(([, value]) => value === '{"polluted":"yes"}'));
  }),
);

receiving('every answer is alike but for what it says, and is not to be kept or taken for a page', () =>
  withReceiving(async ({ app, post }) => {
    const shown = (headers: Headers) => [...headers.keys()].sort().join();
    const near = await post(startSample, { path: `/push/${token.slice(0, -1)}X` });
    const far = await post('', { path: '/push/x/create' });
    const long = await post(startSample, { path: `/push/${'x'.repeat(5_000)}` });
    for (const answer of [far, long]) {
      assert.equal([answer.status, answer.body], [near.status, near.body]);
      assert.is(shown(answer.headers), shown(near.headers));
    }
    const others = [await post(startSample), await post('x'), await app.request(`/push/${token}`)];
    for (const { headers } of [near, ...others]) {
      assert.is(headers.get('x-content-type-options'), 'nosniff');
      assert.is(headers.get('cache-control'), 'no-store');
      assert.is(headers.get('server') ?? headers.get('x-powered-by'), null);
    }
  }),
);

receiving('no log line has the token or the whole number', () =>
  withReceiving(async ({ post, log }) => {
    await post(startSample);
    await post('{"caller": "+61444444444", ');
    await post(startSample, { path: `/push/${token}x` });
    assert.not.match(log.join(''), token);
    assert.not.match(log.join(''), '444444444');
  }),
);

const senders: [peer: string, header: string | undefined, proxies: string[], sender: string][] = [
  ['198.51.100.7', undefined, [], '198.51.100.7'],
  ['::ffff:198.51.100.7', undefined, [], '198.51.100.7'],
  ['198.51.100.7', '203.0.113.9', [], '198.51.100.7'],
  ['10.0.0.1', '203.0.113.9:4711', ['10.0.0.0/8'], '203.0.113.9'],
  ['fd00::1', '[2001:db8::9]:443', ['fd00::/8'], '2001:db8::9'],
  ['10.0.0.1', '10.0.0.2, 10.0.0.3', ['10.0.0.0/8'], '10.0.0.2'],
];
for (const [peer, header, proxies, sender] of senders) {
  receiving(`the sender behind ${peer} with X-Forwarded-For ${header} is ${sender}`, () => {
    assert.is(senderAddress(peer, header, new AddressList(proxies)), sender);
  });
}

receiving('a push that is not taken is in the ledger: by source and cause, with sender and count', () =>
  withReceiving(
    async ({ app, post, store, ledger }) => {
      for (const end of ['9f2c', '9f2c', '77aa'])
        await post(startSample, { path: `/push/the-token-of-before-${end}/update` });
      await post(startSample, { path: '/push/admin' });
      await post('x'.repeat(5_000));
      await app.request(`/push/${token}`, { method: 'PUT', body: startSample });
      await post('{"PLA_Call_Id"');
      await post('{"PLA_Call_Id"');
      await ledger.flush();
      const told = (await store.tallyRejected(new Date(0))).map(({ source, cause, mark, count, sender }) =>
        [source || '-', cause, mark || '-', count, sender].join(' '),
      );
      assert.equal(told.sort(), [
        '- unknown_token - 1 203.0.113.9',
        '- unknown_token 77aa 1 203.0.113.9',
        '- unknown_token 9f2c 2 203.0.113.9',
        'acme too_large - 1 203.0.113.9',
        'acme unreadable - 2 203.0.113.9',
        'acme wrong_method - 1 203.0.113.9',
      ]);
      assert.is((await store.rejectedKept())[0]?.bodies, 1, 'the very same body once');
    },
    { peer: '::ffff:203.0.113.9' },
  ),
);

receiving('an unreadable body is kept whole, byte by byte, and one that cannot be kept is answered 503', () =>
  withReceiving(async ({ post, store, current }) => {
    current.maxBodyBytes = 200_000;
    const bytes = Buffer.from(`{"PLA_City":"${'M\u00fcnchen\u0000'.repeat(10_000)}`, 'latin1');
    assert.is((await post(bytes)).status, 400);
    const [kept] = await store.rejections({ limit: 1, headBytes: 0 });
    assert.ok(Buffer.from((await store.rejection(kept!.row))!.head!).equals(bytes));
    store.reject = () => Promise.reject(new StoreUnavailable('SQLite: database or disk is full'));
    const answer = await post('{');
    assert.equal(
      [answer.status, answer.headers.get('retry-after'), answer.body],
      [
        503,
        '5',
        { PLA_Call_Id: '', success: 'false', error: 'Not stored: SQLite: database or disk is full' },
      ],
    );
  }),
);

receiving('each push that is not taken is told of, with its source where that is known', async () => {
  await withReceiving(async ({ app, post, current, refused }) => {
    await app.request(`/push/${token}`);
    await post(startSample, { path: '/push/no-such-token' });
    await post('x'.repeat(5_000));
    await post('{');
    await post(startSample);
    current.closing = true;
    await post(startSample);
    assert.equal(refused, [
      'wrong_method acme',
      'unknown_token -',
      'too_large acme',
      'unreadable acme',
      'closing acme',
    ]);
  });
  await withReceiving(
    async ({ post, refused }) => {
      await post(startSample);
      assert.equal(refused, ['refused_address acme']);
    },
    { allowFrom: ['203.0.113.7'] },
  );
  await withReceiving(
    async ({ post, refused }) => {
      await post(startSample);
      await post(endSample);
      assert.equal(refused, ['not_stored acme', 'rate_limited acme']);
    },
    { perSecond: 1, record: () => Promise.reject(new StoreUnavailable('SQLite: database or disk is full')) },
  );
});

receiving.run();
