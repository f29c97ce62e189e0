import { once } from 'node:events';
import { connect } from 'node:net';
import { Hono } from 'hono';
import { systemClock } from '../../src/clock.ts';
import { Live } from '../../src/operator/live.ts';
import { listen } from '../../src/runtime/serve.ts';
import { assert, suite, until } from '../support/suite.ts';
import { VirtualTime } from '../support/virtual-clock.ts';

const live = suite('live pages');

/** What is told of changes, and to whom. */
class Source {
  readonly listeners = new Set<() => void>();

  readonly listen = (changed: () => void) => {
    this.listeners.add(changed);
    return () => this.listeners.delete(changed);
  };

  change(): void {
    for (const changed of this.listeners) changed();
  }
}

/** Streams without a network, on a clock that passes when told to. */
function streams() {
  const time = new VirtualTime();
  const source = new Source();
  const told = new Live(time.clock(), source.listen);
  const app = new Hono();
  app.get('/live', (context) => told.stream(context, context.req.query('after')));
  return {
    source,
    told,
    pass: (ms: number) => time.pass(ms, async () => {}),
    async open(after?: string, headers: Record<string, string> = {}) {
      const answer = await app.request(`/live${after === undefined ? '' : `?after=${after}`}`, { headers });
      const reader = answer.body?.getReader();
      const next = async () => new TextDecoder().decode((await reader?.read())?.value);
      return { status: answer.status, next, leave: () => reader?.cancel() };
    },
  };
}

const event = (mark: string) => `event: changed\nid: ${mark}\ndata: ${mark}\n\n`;

live('a page is told of what happens after it was made, and of nothing that it shows', async () => {
  const { source, told, pass, open } = streams();
  const mark = told.mark();
  const page = await open(mark);
  assert.is(await page.next(), ': listening\n\n');
  source.change();
  await pass(0);
  assert.is(await page.next(), event(told.mark()));
  assert.is.not(told.mark(), mark);
});

live('what happens between a page and its stream is told at once', async () => {
  const { source, told, open } = streams();
  const mark = told.mark();
  source.change();
  const page = await open(mark);
  assert.is(await page.next(), event(told.mark()));
});

live('a page that was out of touch is told at once, also after a restart', async () => {
  const { told, open } = streams();
  const page = await open(told.mark(), { 'last-event-id': 'another-run.7' });
  assert.is(await page.next(), event(told.mark()));
});

live('much that happens is told twice a second', async () => {
  const { source, told, pass, open } = streams();
  const page = await open(told.mark());
  await page.next();
  const marks: string[] = [];
  source.change();
  await pass(0);
  marks.push(await page.next());
  for (let i = 0; i < 1000; i++) source.change();
  await pass(500);
  marks.push(await page.next());
  assert.equal(
    marks.map((mark) => /data: .*\.(\d+)/.exec(mark)?.[1]),
    ['1', '1001'],
  );
});

live('nothing is kept for a page that does not read', async () => {
  const { source, told, pass, open } = streams();
  const page = await open(told.mark());
  for (let i = 0; i < 50; i++) {
    source.change();
    await pass(500);
  }
  assert.is(await page.next(), ': listening\n\n');
  source.change();
  await pass(500);
  assert.is(await page.next(), event(told.mark()));
});

live('a page that reads nothing for long is let go', async () => {
  const { told, pass, open } = streams();
  await open(told.mark());
  assert.is(told.listeners, 1);
  await pass(120_000);
  assert.is(told.listeners, 0);
});

live('no more than a hundred pages listen at once', async () => {
  const { told, open } = streams();
  const pages = await Promise.all(Array.from({ length: 100 }, () => open(told.mark())));
  assert.is((await open(told.mark())).status, 503);
  await pages[0]?.leave();
  assert.is((await open(told.mark())).status, 200);
});

live('while nobody looks, nobody is asked what changes', async () => {
  const { source, told, pass, open } = streams();
  assert.is(source.listeners.size, 0);
  const page = await open(told.mark());
  assert.is(source.listeners.size, 1);
  await page.leave();
  await pass(60_000);
  assert.is(source.listeners.size, 0);
  const mark = told.mark(); // a page of before may have missed something
  assert.match(mark, /\.1$/);
});

live(
  'the end of the server is not held up by open streams, and a browser that leaves is forgotten',
  async () => {
    const told = new Live(systemClock, () => () => {});
    const app = new Hono();
    app.get('/live', (context) => told.stream(context, undefined));
    const server = await listen(app, '127.0.0.1', 0, { maxBodyBytes: 1024, timeoutMs: 5_000 });
    const open = async () => {
      const leaving = new AbortController();
      const answer = await fetch(`http://127.0.0.1:${server.port}/live`, { signal: leaving.signal });
      const reader = answer.body!.getReader();
      await reader.read();
      return { leave: () => leaving.abort(), ended: async () => (await reader.read()).done };
    };
    const toSpare = connect(server.port, '127.0.0.1'); // as browsers open them
    await once(toSpare, 'connect');
    const gone = await open();
    const stays = await open();
    assert.is(told.listeners, 2);
    gone.leave();
    await until('the one that left to be forgotten', () => told.listeners === 1);
    told.close();
    await server.stop();
    assert.is(await stays.ended(), true);
    toSpare.destroy();
  },
);

live.run();
