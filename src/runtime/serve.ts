import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type HttpBindings, serve } from '@hono/node-server';
import type { Context, Hono } from 'hono';

/*
 * The only file that knows Node's HTTP server from Bun's.
 */

export interface Listening {
  port: number;
  /** Takes no new connection, ends idle ones, and resolves when what was being answered has been. */
  stop(): Promise<void>;
}

/** A request must be whole within this time, headers and body. */
const requestMs = 30_000;

interface BunServer {
  port: number;
  stop(closeActive?: boolean): Promise<void>;
  requestIP(request: Request): { address: string } | null;
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

/** @throws with a sentence for the operator when the address cannot be listened on. */
export async function listen(
  app: Hono,
  host: string,
  port: number,
  maxBodyBytes: number,
): Promise<Listening> {
  try {
    return await (bun ? listenOnBun(bun, app, host, port, maxBodyBytes) : listenOnNode(app, host, port));
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

/** A request's body, or null if it is longer than the limit. Of a body without a length, no more is kept. */
export async function readBody(context: Context, limit: number): Promise<Uint8Array | null> {
  const incoming = (context.env as Partial<HttpBindings> | undefined)?.incoming;
  // Node's own stream: a web stream made of it costs more than everything else about a push.
  if (incoming) return readIncoming(incoming as IncomingMessage, limit);
  const length = context.req.header('content-length');
  if (length !== undefined) {
    return Number(length) > limit ? null : new Uint8Array(await context.req.raw.arrayBuffer());
  }
  const stream = context.req.raw.body;
  if (!stream) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > limit) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readIncoming(incoming: IncomingMessage, limit: number): Promise<Uint8Array | null> {
  return new Promise((resolve, reject) => {
    if (Number(incoming.headers['content-length'] ?? 0) > limit) return resolve(null);
    const chunks: Buffer[] = [];
    let size = 0;
    const keep = (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) return chunks.push(chunk);
      incoming.off('data', keep).pause(); // the server takes or cuts off what is left once it has answered
      return resolve(null);
    };
    incoming.on('data', keep);
    incoming.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    incoming.once('error', reject);
  });
}

function listenOnNode(app: Hono, host: string, port: number): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = serve({
      fetch: app.fetch,
      hostname: host,
      port,
      serverOptions: { requestTimeout: requestMs, headersTimeout: requestMs, keepAliveTimeout: 65_000 },
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
            server.close(() => stopped());
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
  maxBodyBytes: number,
): Promise<Listening> {
  const server = serve({
    fetch: (request, server) => app.fetch(request, { server }),
    hostname: host,
    port,
    idleTimeout: requestMs / 1000,
    // Ours answers 413 in the prescribed form; Bun's own limit stays behind it for bodies without a length.
    maxRequestBodySize: maxBodyBytes * 4,
  });
  return { port: server.port, stop: () => server.stop() };
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
