import { readFileSync } from 'node:fs';
import { createServer as createHttp, request as sendHttp } from 'node:http';
import { createServer as createHttps, request as sendHttps } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { mayHaveLeft, whySilent } from '../../src/text/network-error.ts';
import { assert, suite } from '../support/suite.ts';

/** Errors as this runtime makes them, through `fetch` and through `node:http`, which the connectors use. */
const silence = suite('silence');

const pem = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));

async function serving<T>(server: Server, use: (port: number) => Promise<T>): Promise<T> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    return await use((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((closed) => server.close(closed));
  }
}

const answering = (answer: (socket: Socket) => void) =>
  createServer((socket) => socket.on('error', () => {}).once('data', () => answer(socket)));
const text = (head: string) => answering((socket) => socket.end(`${head}\r\n\r\n`));

const byFetch = (url: string, signal?: AbortSignal) =>
  fetch(url, { method: 'POST', body: '{}', ...(signal ? { signal } : {}) }).then(async (answer) => {
    await answer.text();
    return 'answered';
  }, whySilent);

const byHttp = (url: string, signal?: AbortSignal) =>
  new Promise<string>((resolve) => {
    const send = url.startsWith('https:') ? sendHttps : sendHttp;
    const failed = (thrown: unknown) => resolve(whySilent(thrown));
    send(url, { method: 'POST', ...(signal ? { signal } : {}) }, (answer) => {
      answer
        .on('error', failed)
        .on('end', () => resolve('answered'))
        .resume();
    })
      .on('error', failed)
      .end('{}');
  });

const cut = /^the connection was cut \(\w+\)$/;
/** Some runtimes tell of what is no HTTP as of a connection that was cut, and take any length of headers. */
const noHttp = /^(its answer is no HTTP( \(\w+\))?|the connection was cut \(\w+\))$/;

for (const [how, server, words] of [
  ['resets', answering((socket) => socket.resetAndDestroy()), cut],
  ['ends without a word', answering((socket) => socket.end()), cut],
  ['answers in another language', text('SSH-2.0-OpenSSH_9'), noHttp],
  [
    'answers with endless headers',
    text(`HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: ${'a'.repeat(300_000)}`),
    /^(its answer has too long headers \(\w+\)|the connection was cut \(\w+\)|answered)$/,
  ],
] as const)
  silence(`a server that ${how}`, () =>
    serving(server, async (port) => {
      assert.match(await byFetch(`http://127.0.0.1:${port}/`), words);
      assert.match(await byHttp(`http://127.0.0.1:${port}/`), words);
    }),
  );

silence('nobody there, by address and by a name of several addresses', async () => {
  const port = await serving(createServer(), async (free) => free);
  for (const host of ['127.0.0.1', 'localhost'])
    for (const send of [byFetch, byHttp])
      assert.match(await send(`http://${host}:${port}/`), /^nothing listens at its address \(\w+\)$/);
});

silence('a name that nobody knows', async () => {
  const words = /^(its name is not known here|the name server does not answer) \(E\w+\)$/;
  for (const send of [byFetch, byHttp]) assert.match(await send('http://no-such-host.invalid/'), words);
});

silence('certificates that are not trusted, and a port without TLS', async () => {
  const key = { key: pem('self-signed.key.pem'), cert: pem('self-signed.cert.pem') };
  await serving(createHttps(key), async (port) => {
    for (const send of [byFetch, byHttp])
      assert.match(await send(`https://localhost:${port}/`), /^its certificate is not trusted here \(\w+\)$/);
  });
  await serving(createHttp(), async (port) => {
    for (const send of [byFetch, byHttp])
      assert.match(
        await send(`https://127.0.0.1:${port}/`),
        /^(no TLS could be agreed on with it|the connection was cut) \(\w+\)$/,
      );
  });
});

silence('what took too long, and what was given up', () =>
  serving(
    answering(() => {}),
    async (port) => {
      const url = `http://127.0.0.1:${port}/`;
      const given = AbortSignal.abort();
      assert.is(await byFetch(url, AbortSignal.timeout(20)), 'it took too long');
      assert.match(await byFetch(url, given), /^it was given up/);
      assert.match(await byHttp(url, given), /^(it was given up|ABORT_ERR)/);
    },
  ),
);

silence('half an answer, and one that is not compressed as it says', async () => {
  const half = answering((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
    setImmediate(() => socket.destroy());
  });
  const bad = text('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc');
  const read = (url: string) =>
    fetch(url).then(
      (answer) => answer.text(),
      (thrown) => Promise.reject(thrown),
    );
  await serving(half, async (port) => {
    assert.match(await read(`http://127.0.0.1:${port}/`).then(() => 'answered', whySilent), cut);
  });
  await serving(bad, async (port) => {
    const why = await read(`http://127.0.0.1:${port}/`).then(() => 'answered', whySilent);
    assert.match(why, /^its answer cannot be decompressed \(\w+\)$/);
  });
});

const wrapped = (message: string, cause: unknown) => new Error(message, { cause });
const withCode = (code: unknown, message = 'x') => Object.assign(new Error(message), { code });
const round = new Error('round');
round.cause = round;

for (const [title, thrown, words] of [
  ['a code that is not there', withCode(undefined, 'it broke'), 'it broke'],
  ['a code that is a number', withCode(7, 'it broke'), 'it broke'],
  ['a code that nobody knows', withCode('E_NEW'), 'E_NEW'],
  ['a cause that is undefined', wrapped('it broke', undefined), 'it broke'],
  ['a cause that is a text', wrapped('it broke', 'because'), 'it broke'],
  [
    'what wraps what wraps',
    wrapped('a', wrapped('b', withCode('ECONNRESET'))),
    'the connection was cut (ECONNRESET)',
  ],
  ['words that wrap words', wrapped('fetch failed', new Error('bad port')), 'bad port'],
  [
    'errors of several addresses',
    new AggregateError([withCode('ENETUNREACH'), withCode('ECONNREFUSED')], ''),
    'there is no way to its address from here (ENETUNREACH)',
  ],
  ['several without a code', new AggregateError([new Error('one'), new Error('two')], ''), 'two'],
  ['none of several', new AggregateError([], ''), 'no reason was given'],
  ['no words', new Error(''), 'no reason was given'],
  ['an error that is its own cause', round, 'round'],
  ['words of several lines', new Error('\nhalf an answer\nat line 1'), 'half an answer'],
  ['a text', 'gone', 'gone'],
  ['nothing', undefined, 'no reason was given'],
  ['null', null, 'no reason was given'],
  ['an object', {}, 'no reason was given'],
  ['an object with words', { message: 'gone' }, 'gone'],
  ['a client’s own', Object.assign(new Error('terminated'), { errorCode: 'ERROR_HTTP_503' }), 'terminated'],
] as const)
  silence(`thrown: ${title}`, () => assert.is(whySilent(thrown), words));

silence('what could not connect did not leave; what was cut, or took too long, may have', async () => {
  const thrown = async (url: string, signal?: AbortSignal) =>
    fetch(url, { method: 'POST', body: '{}', ...(signal ? { signal } : {}) }).then(
      () => assert.unreachable(),
      (reason: unknown) => reason,
    );
  const port = await serving(createServer(), async (free) => free); // nobody is there any more
  assert.is(mayHaveLeft(await thrown(`http://127.0.0.1:${port}/`)), false);
  await serving(
    answering((socket) => socket.resetAndDestroy()),
    async (used) => assert.is(mayHaveLeft(await thrown(`http://127.0.0.1:${used}/`)), true),
  );
  await serving(
    answering(() => {}),
    async (used) =>
      assert.is(mayHaveLeft(await thrown(`http://127.0.0.1:${used}/`, AbortSignal.timeout(50))), true),
  );
});

silence.run();
