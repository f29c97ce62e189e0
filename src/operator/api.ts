import { type Context, Hono } from 'hono';
import type * as z from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import type { Log } from '../log.ts';
import { type Access, type AccessEnv, smallBodies } from './access.ts';
import { callSelection } from './calls.ts';
import { csvOf } from './csv.ts';
import { type Endpoint, endpoints } from './endpoints.ts';
import { openApi } from './openapi.ts';
import type { Operator } from './operator.ts';
import { OperatorProblem } from './problem.ts';

export interface ApiOptions {
  operator: Operator;
  access: Access;
  log: Log;
}

const statuses = { wrong: 400, forbidden: 403, 'not found': 404, conflict: 409, 'not yet': 503 } as const;
const retryAfterSeconds = 10;
/** The last line of an export that is not whole. */
const brokenOff = '"NOT WHOLE: the bridge could not read on. Export again."\r\n';
const mostStreams = 100;
/** Within what proxies and Bun take for idle. */
const heartbeatMs = 15_000;

/** `/api/*`: what the operator can ask and do, as JSON. */
export class Api {
  readonly routes = new Hono<AccessEnv>();
  readonly #options: ApiOptions;
  readonly #streams = new Set<() => void>();
  #document: string | undefined;

  constructor(options: ApiOptions) {
    this.#options = options;
    const { access } = options;
    const readersMayPost = endpoints
      .filter(({ method, isReading }) => method === 'post' && isReading)
      .map(({ path }) => new RegExp(`^/api${path.replace(/\{\w+\}/g, '[^/]+')}$`));
    const { routes } = this;
    routes.use('/api/*', smallBodies);
    routes.use(
      '/api/*',
      access.guard('json', (path) => readersMayPost.some((one) => one.test(path))),
    );
    routes.get('/api/openapi.json', (context) => {
      this.#document ??= JSON.stringify(openApi(packageJson.version));
      return context.body(this.#document, 200, { 'content-type': 'application/json' });
    });
    routes.get('/api/changes', (context) => this.#changes(context));
    routes.get('/api/calls.csv', (context) => this.#answering(context, () => this.#csv(context)));
    for (const endpoint of endpoints) {
      const path = `/api${endpoint.path.replace(/\{(\w+)\}/g, ':$1')}`;
      routes.on(endpoint.method.toUpperCase(), path, (context) =>
        this.#answering(context, () => this.#run(context, endpoint)),
      );
    }
    for (const { path } of endpoints) {
      const allowed = endpoints.filter((one) => one.path === path).map(({ method }) => method.toUpperCase());
      routes.all(`/api${path.replace(/\{(\w+)\}/g, ':$1')}`, (context) =>
        context.json({ error: `This is asked for with ${allowed.join(' or ')}.` }, 405, {
          allow: allowed.join(', '),
        }),
      );
    }
    routes.all('/api/*', (context) =>
      context.json({ error: 'There is nothing here. What there is: /api/openapi.json' }, 404),
    );
  }

  /** Ends the streams of changes, which would keep the server from ending. */
  close(): void {
    for (const end of [...this.#streams]) end();
  }

  async #answering(context: Context<AccessEnv>, answer: () => Promise<Response>): Promise<Response> {
    try {
      return await answer();
    } catch (reason) {
      if (reason instanceof OperatorProblem)
        return context.json(
          { error: reason.message },
          statuses[reason.kind],
          reason.kind === 'not yet' ? { 'retry-after': String(retryAfterSeconds) } : {},
        );
      this.#options.log.error({ err: reason, path: context.req.routePath }, 'A request to the API failed.');
      return context.json({ error: 'An unexpected error: the log of the bridge has more.' }, 500);
    }
  }

  #operator(context: Context<AccessEnv>): Operator {
    return this.#options.operator.for(context.get('visitor'));
  }

  async #run(context: Context<AccessEnv>, { method, query, body, answer, run }: Endpoint): Promise<Response> {
    const given = read(query, context.req.query(), 'The query');
    const sent = read(body, method === 'post' ? await jsonOf(context) : {}, 'The body');
    const found = await run(
      this.#operator(context),
      context.req.param() as Record<string, string>,
      given,
      sent,
    );
    return context.json(answer.parse(found) as object);
  }

  async #csv(context: Context<AccessEnv>): Promise<Response> {
    const selection = read(callSelection, context.req.query(), 'The query');
    const rows = csvOf(await this.#operator(context).everyCall(selection));
    const first = await rows.next();
    const encoder = new TextEncoder();
    const { log } = this.#options;
    let failure: unknown;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode(first.value ?? '')),
      // Asked for when the reader has room, so a slow one does not pile up pages here.
      async pull(controller) {
        if (failure !== undefined) return controller.error(failure);
        try {
          const { value, done } = await rows.next();
          if (done) controller.close();
          else controller.enqueue(encoder.encode(value));
        } catch (reason) {
          log.error({ err: reason }, 'An export of calls broke off.');
          // Behind a proxy that speaks HTTP/1.0, an answer that breaks off looks like one that has ended. An error takes
          // with it what was not read yet, so it comes when that line has been.
          controller.enqueue(encoder.encode(brokenOff));
          failure = reason;
        }
      },
      async cancel() {
        await rows.return(undefined);
      },
    });
    return new Response(stream, {
      headers: {
        'content-type': 'text/csv; charset=utf-8',
        'content-disposition': 'attachment; filename="calls.csv"',
      },
    });
  }

  #changes(context: Context<AccessEnv>): Response {
    if (this.#streams.size >= mostStreams)
      return context.json({ error: `${mostStreams} already listen: close one of them.` }, 409);
    const operator = this.#operator(context);
    const encoder = new TextEncoder();
    let end = () => {};
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        // Somebody who reads no more is let go: changes would pile up here.
        const send = (text: string) =>
          (controller.desiredSize ?? 0) > -1_000_000 ? controller.enqueue(encoder.encode(text)) : end();
        const unlisten = operator.changes((change) => send(`data: ${JSON.stringify(change)}\n\n`));
        const heartbeat = setInterval(() => send(': here\n\n'), heartbeatMs);
        end = () => {
          if (!this.#streams.delete(end)) return;
          clearInterval(heartbeat);
          unlisten();
          try {
            controller.close();
          } catch {
            // whoever listened has gone already
          }
        };
        this.#streams.add(end);
        send(': here\n\n');
      },
      cancel: () => end(),
    });
    context.req.raw.signal?.addEventListener('abort', () => end(), { once: true });
    return new Response(stream, {
      headers: {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      },
    });
  }
}

async function jsonOf(context: Context): Promise<unknown> {
  const text = await context.req.text();
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new OperatorProblem('wrong', 'The body is not JSON.');
  }
}

function read<Schema extends z.ZodType>(schema: Schema, given: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    ({ path, message }) => `${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`,
  );
  throw new OperatorProblem(
    'wrong',
    `${what} is wrong. ${problems.join('; ')} (what it may be: /api/openapi.json)`,
  );
}
