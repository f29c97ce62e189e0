import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RecordedRequest {
  method: string;
  /** With its query. */
  path: string;
  /** Of JSON, what it says; otherwise the text; undefined if there was none. */
  body: unknown;
  /** The text that was answered, once it is. */
  answer?: string;
}

export interface RecordingProxy {
  url: string;
  /** What passed so far, oldest first. */
  passed: RecordedRequest[];
}

/** Stands before a server and notes what passes. Where an answer names the server, it names the proxy instead. */
export async function withRecordingProxy<T>(
  target: string,
  use: (proxy: RecordingProxy) => Promise<T>,
): Promise<T> {
  const passed: RecordedRequest[] = [];
  const server = createServer(async (request, response) => {
    const text = await textOf(request);
    const method = request.method ?? 'GET';
    const recorded: RecordedRequest = { method, path: request.url ?? '', body: read(text) };
    passed.push(recorded);
    const { authorization = '', 'content-type': type = 'application/json' } = request.headers;
    const answer = await fetch(`${target}${request.url}`, {
      method,
      headers: { 'content-type': type, ...(authorization === '' ? {} : { authorization }) },
      ...(text === '' ? {} : { body: text }),
    });
    const { 'content-encoding': _, 'content-length': __, ...headers } = Object.fromEntries(answer.headers);
    response.writeHead(answer.status, headers);
    recorded.answer = (await answer.text()).replaceAll(target, url);
    response.end(recorded.answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    return await use({ url, passed });
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function read(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
