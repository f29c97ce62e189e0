import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type HttpBindings, serve } from '@hono/node-server';
import type { Context, Hono } from 'hono';
import { within } from './deadlines.ts';

/*
 * The only file that knows Node's HTTP server from Bun's.
 */

export interface Listening {
  port: number;
  /**
   * Takes no new connection, ends idle ones, and resolves when what was being answered has been: at the latest when its
   * time is over.
   */
  stop(): Promise<void>;
}

/** How long a connection may wait for its next request: longer than proxies keep one, so that they end it. */
const keepAliveMs = 65_000;
/** How exactly Node keeps the time of headers. */
const lookMs = 1_000;
/** How often a server that stops looks for connections that are idle by now. */
const idleLookMs = 50;

interface BunServer {
  port: number;
  stop(closeActive?: boolean): Promise<void>;
  requestIP(request: Request): { address: string } | null;
  /** How long the connection of a request may be silent from now until its next request. */
  timeout(request: Request, seconds: number): void;
}

interface BunRuntime {
  serve(options: {
    fetch(request: Request, server: BunServer): Response | Promise<Response>;
    hostname: string;
    port: number;
    idleTimeout: number;
    maxRequestBodySize: number;
  }): BunServer;
}

const bun = (globalThis as { Bun?: BunRuntime }).Bun;

export interface Bounds {
  maxBodyBytes: number;
  /** A request's headers must be whole within this time (on Bun within 12 s), and then its body: `readBody`. */
  timeoutMs: number;
}

/** @throws with a sentence for the operator when the address cannot be listened on. */
export async function listen(app: Hono, host: string, port: number, bounds: Bounds): Promise<Listening> {
  try {
    return await (bun ? listenOnBun(bun, app, host, port, bounds) : listenOnNode(app, host, port, bounds));
  } catch (reason) {
    throw new Error(sentenceFor(reason as NodeJS.ErrnoException, host, port), { cause: reason });
  }
}

/** The address at the other end of a request's connection. */
export function peerOf(context: Context): string {
  const env = context.env as Partial<HttpBindings> & { server?: BunServer };
  if (env.server) return env.server.requestIP(context.req.raw)?.address ?? '';
  return env.incoming?.socket?.remoteAddress ?? '';
}

/** Why there is no body: it is over the limit, did not come in time, or its sender went away. */
export type NoBody = 'too long' | 'too slow' | 'broken off';

/** A request's body. Of one without a length, no more is kept than the limit. */
export function readBody(
  context: Context,
  { maxBodyBytes, timeoutMs }: Bounds,
): Promise<Uint8Array | NoBody> {
  const incoming = (context.env as Partial<HttpBindings> | undefined)?.incoming;
  return new Promise((resolve, reject) => {
    const length = incoming ? incoming.headers['content-length'] : context.req.header('content-length');
    if (Number(length ?? 0) > maxBodyBytes) return resolve('too long');
    const inTime = within(timeoutMs, () => resolve('too slow'));
    const done = (body: Uint8Array | NoBody) => {
      inTime();
      resolve(body);
    };
    // Node's own stream: a web stream made of it costs more than everything else about a push.
    if (incoming) readIncoming(incoming as IncomingMessage, maxBodyBytes, done);
    else
      readRequest(context, maxBodyBytes).then(done, (reason) => {
        inTime();
        if (context.req.raw.signal.aborted || (reason as Error).name === 'AbortError') resolve('broken off');
        else reject(reason);
      });
  });
}

async function readRequest(context: Context, limit: number): Promise<Uint8Array | NoBody> {
  if (context.req.header('content-length') !== undefined)
    return new Uint8Array(await context.req.raw.arrayBuffer());
  const stream = context.req.raw.body;
  if (!stream) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > limit) return 'too long';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readIncoming(
  incoming: IncomingMessage,
  limit: number,
  done: (body: Uint8Array | NoBody) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const keep = (chunk: Buffer) => {
    size += chunk.length;
    if (size <= limit) return chunks.push(chunk);
    incoming.off('data', keep).pause(); // the server takes or cuts off what is left once it has answered
    return done('too long');
  };
  incoming.on('data', keep);
  incoming.once('end', () => done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
  incoming.once('error', () => done('broken off'));
}

function listenOnNode(app: Hono, host: string, port: number, { timeoutMs }: Bounds): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = serve({
      fetch: app.fetch,
      hostname: host,
      port,
      serverOptions: {
        headersTimeout: timeoutMs,
        requestTimeout: 2 * timeoutMs, // what was not answered when its body was late
        keepAliveTimeout: keepAliveMs,
        connectionsCheckingInterval: Math.min(lookMs, timeoutMs),
      },
    }) as Server;
    // Browsers open connections to spare, which Node does not count among the idle ones.
    const unused = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      unused.add(socket);
      socket.once('close', () => unused.delete(socket));
    });
    server.on('request', ({ socket }: IncomingMessage) => unused.delete(socket));
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve({
        port: (server.address() as AddressInfo).port,
        stop: () =>
          new Promise((stopped) => {
            const late = setTimeout(() => server.closeAllConnections(), timeoutMs);
            // Node leaves a connection open that was busy just now, for as many requests as come on it.
            const idle = setInterval(() => server.closeIdleConnections(), idleLookMs);
            server.prependListener('request', (_, response) => response.setHeader('connection', 'close'));
            server.close(() => {
              clearTimeout(late);
              clearInterval(idle);
              stopped();
            });
            server.closeIdleConnections();
            for (const socket of unused) socket.destroy();
          }),
      });
    });
  });
}

async function listenOnBun(
  { serve }: BunRuntime,
  app: Hono,
  host: string,
  port: number,
  { timeoutMs }: Bounds,
): Promise<Listening> {
  const timeoutSeconds = Math.ceil(timeoutMs / 1000);
  const server = serve({
    async fetch(request, server) {
      // Of who names no host, as HTTP/1.0 lets them, Bun gives the path alone, and what reads addresses errs.
      if (request.url.startsWith('/'))
        Object.defineProperty(request, 'url', { value: `http://localhost${request.url}` });
      const response = await app.fetch(request, { server });
      // Who was refused may have a body to send still, which nobody waits for.
      if (response.status >= 400) server.timeout(request, timeoutSeconds);
      return response;
    },
    hostname: host,
    port,
    idleTimeout: Math.max(keepAliveMs / 1000, timeoutSeconds),
    // Ours answers 413, in the prescribed form, and notes it. What nobody reads Bun does not keep.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  });
  return {
    port: server.port,
    async stop() {
      const late = setTimeout(() => void server.stop(true), timeoutMs);
      await server.stop();
      clearTimeout(late);
    },
  };
}

function sentenceFor({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is taken. Stop what uses it, or set listen.port to another one.`;
    case 'EACCES':
      return `Listening on ${host}:${port} is not permitted. Ports below 1024 need rights: set listen.port to 8080, say.`;
    case 'EADDRNOTAVAIL':
      return `This machine has no address ${host}. Set listen.host to 127.0.0.1, or to 0.0.0.0 for every interface.`;
    default:
      return `Listening on ${host}:${port} failed: ${message}`;
  }
}
