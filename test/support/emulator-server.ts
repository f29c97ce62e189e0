import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as an emulator gets it, from a socket or from a simulated network. */
export interface Asked {
  method: string;
  /** With its query, without the host. */
  path: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
}

/** What comes back: an answer, a connection that is cut, or nothing at all. */
export type Given = { status: number; headers: Record<string, string>; body?: string } | 'cut' | 'silence';

export type Handle = (asked: Asked) => Promise<Given>;

export interface ServedEmulator {
  url: string;
  close(): Promise<void>;
}

/** Answers over HTTP on the loopback. @param port 0: any free one */
export async function serveEmulator(name: string, handle: Handle, port = 0): Promise<ServedEmulator> {
  const server = createServer(async (request, response) => {
    try {
      const { method = 'GET', url: path = '/', headers } = request;
      const given = await handle({ method, path, headers, body: await readText(request) });
      if (given === 'silence') return;
      if (given === 'cut') return void request.socket.destroy();
      response.writeHead(given.status, given.headers);
      response.end(given.body);
    } catch (problem) {
      console.error(`the ${name} emulator failed:`, problem);
      request.socket.destroy();
    }
  });
  server.keepAliveTimeout = 0; // or a machine under load has a request meet a connection that is just closed
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
