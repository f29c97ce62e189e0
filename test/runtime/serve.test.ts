import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { Hono } from 'hono';
import { listen, readBody } from '../../src/runtime/serve.ts';
import { assert, suite, until } from '../support/suite.ts';

const serving = suite('serving');

/* It lasted until the time of a request was over, and then cut off what was being answered. */
serving('a stop is over when what was being answered has been, though who asked goes on asking', async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  let arrived = 0;
  const app = new Hono();
  app.get('/', async (context) => {
    arrived++;
    await released;
    return context.text('done');
  });
  const listening = await listen(app, '127.0.0.1', 0, { maxBodyBytes: 1_000, timeoutMs: 120_000 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = () =>
    new Promise<number | undefined>((resolve, reject) => {
      request({ port: listening.port, agent }, (answer) =>
        answer.resume().once('end', () => resolve(answer.statusCode)),
      )
        .once('error', reject)
        .end();
    });
  try {
    const first = ask();
    await until('it is asked', () => arrived === 1);
    let isOver = false;
    const stopped = listening.stop().then(() => (isOver = true));
    release();
    assert.is(await first, 200);
    while (!isOver && arrived < 500)
      await ask().catch(() => new Promise((resolve) => setTimeout(resolve, 5)));
    await until('it has stopped', () => isOver);
    await stopped;
  } finally {
    agent.destroy();
  }
});

/* Bun answered by itself what was four times over the limit: in no form that the sender knows, and noted nowhere. */
serving('however much is sent, the answer is ours', async () => {
  const bounds = { maxBodyBytes: 1_000, timeoutMs: 120_000 };
  const app = new Hono();
  app.post('/', async (context) => context.text(String(await readBody(context, bounds)), 413));
  const listening = await listen(app, '127.0.0.1', 0, bounds);
  try {
    for (const times of [2, 5]) {
      const answered = await fetch(`http://127.0.0.1:${listening.port}`, {
        method: 'POST',
        body: 'x'.repeat(times * bounds.maxBodyBytes),
      });
      assert.equal([answered.status, await answered.text()], [413, 'too long'], `${times} times`);
    }
  } finally {
    await listening.stop();
  }
});

/* On Bun, what an old proxy or a probe sent by HTTP/1.0 was answered 404. */
serving('who names no host is answered as anybody else', async () => {
  const bounds = { maxBodyBytes: 1_000, timeoutMs: 1_000 };
  const app = new Hono();
  app.post('/push/:token/create', async (context) => {
    const body = Buffer.from((await readBody(context, bounds)) as Uint8Array);
    return context.text(`${new URL(context.req.url).search} ${context.req.param('token')} ${body}`);
  });
  const listening = await listen(app, '127.0.0.1', 0, bounds);
  try {
    for (const head of ['HTTP/1.0', 'HTTP/1.0\r\nHost:', 'HTTP/1.1\r\nConnection: close\r\nHost:']) {
      const socket = connect(listening.port, '127.0.0.1');
      socket.write(`POST /push/abc/create?a=1 ${head}\r\nContent-Length: 4\r\n\r\nbody`);
      let answer = '';
      for await (const chunk of socket.setEncoding('utf8')) answer += chunk;
      assert.match(answer, /^HTTP\/1\.[01] 200 [\s\S]*\?a=1 abc body/, head);
    }
  } finally {
    await listening.stop();
  }
});

serving.run();
