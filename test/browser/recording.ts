import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A host of recordings: one WAV of a second, asked for with `mode=direct` and in ranges, as audio players do. */
export async function withRecordings<T>(
  use: (host: { url: string; asked: string[] }) => Promise<T>,
): Promise<T> {
  const wav = oneSecond();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const from = Number(range?.[1] ?? 0);
    const to = range?.[2] ? Number(range[2]) : wav.length - 1;
    response.writeHead(range ? 206 : 200, {
      'content-type': 'audio/wav',
      'accept-ranges': 'bytes',
      'content-length': to - from + 1,
      ...(range ? { 'content-range': `bytes ${from}-${to}/${wav.length}` } : {}),
    });
    response.end(wav.subarray(from, to + 1));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    return await use({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** 8,000 samples a second, 8 bits, one channel: a tone. */
function oneSecond(): Buffer {
  const samples = Buffer.from(
    Array.from({ length: 8_000 }, (_, i) => 128 + Math.round(40 * Math.sin(i / 3))),
  );
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8_000, 24);
  head.writeUInt32LE(8_000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}
