import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** Answers that are none, whatever was asked. */
export const badAnswers = {
  /** Sends for as long as somebody reads. */
  endless: (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"results":["');
    pour(response, Buffer.alloc(64 * 1024, 'x'));
  },
  /** The same in place of a refusal. */
  endlessRefusal: (response: ServerResponse) => {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.write('{"message":"');
    pour(response, Buffer.alloc(64 * 1024, 'x'));
  },
  /** A few bytes that unpack to a thousand times as many: one bomb after the other, as one body. */
  gzipBomb: (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    pour(response, bomb());
  },
  /** A byte now and then. */
  drip: (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{');
    const drops = setInterval(() => response.write(' '), 20);
    response.once('close', () => clearInterval(drops));
  },
} satisfies Record<string, (response: ServerResponse) => void>;

export type BadAnswer = keyof typeof badAnswers;

let packed: Buffer | undefined;

/** 64 MB of blanks, in 64 kB. */
function bomb(): Buffer {
  packed ??= gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '));
  return packed;
}

function pour(response: ServerResponse, chunk: Buffer): void {
  let isOpen = true;
  response.once('close', () => {
    isOpen = false;
  });
  const more = () => {
    while (isOpen && response.write(chunk));
  };
  response.on('drain', more);
  more();
}

/** A server that answers everything in one of these ways. */
export async function withBadAnswers<T>(
  use: (server: { url: string; answer: BadAnswer; sent(): number; open(): number }) => Promise<T>,
): Promise<T> {
  const state = { answer: 'endless' as BadAnswer };
  const sockets = new Set<import('node:net').Socket>();
  let closedBytes = 0;
  const server = createServer((request, response) => {
    request.resume();
    badAnswers[state.answer](response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      sockets.delete(socket);
      closedBytes += socket.bytesWritten;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(
      Object.assign(state, {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        sent: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, closedBytes),
        open: () => sockets.size,
      }),
    );
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
