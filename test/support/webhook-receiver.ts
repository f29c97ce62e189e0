import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Payload, payload } from '../../connectors/webhook/payload.ts';

/*
 * A receiver as connectors/webhook/README.md tells its author to build one: it verifies each event by the Standard
 * Webhooks specification (with Web Crypto, and nothing of the connector's), drops repeats by webhook-id, and keeps the
 * highest revision of each call under its key.
 */

export interface ReceivedEvent {
  id: string;
  headers: IncomingMessage['headers'];
  path: string;
  payload: Payload;
  /** The secrets whose signature it carries. */
  signedWith: string[];
}

/** What comes of one request instead of 204. */
export interface Fault {
  /** Whether the event is taken. */
  commits: boolean;
  /** Undefined: the connection is cut. */
  answer?: { status: number; headers?: Record<string, string>; body?: string };
  /** Nothing is answered, and the connection stays open. `body`: after the status, in the middle of the body. */
  hangs?: 'answer' | 'body';
}

export interface WebhookReceiver {
  url: string;
  port: number;
  /** Replaced in a rotation; any of them will do. */
  secrets: string[];
  /** Every event that was verified, repeats and those of faults that commit too, in order. */
  received: ReceivedEvent[];
  /** The present state of each call, by key. */
  filed: Map<string, Payload>;
  /** Methods and paths of all requests. */
  requests: string[];
  connections(): number;
  /** Strikes once, after `skip` other requests. */
  strike(fault: Fault, skip?: number): void;
  clear(): void;
  /** Undefined takes the answer back. */
  answerAll(answer: Fault['answer']): void;
  /** Refuses one call. */
  refuse(matches: (payload: Payload) => boolean): void;
  /** Requests wait until the returned function is called. */
  hold(): () => void;
}

const toleranceSeconds = 5 * 60;

export const testSecret = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;

export async function withWebhookReceiver<T>(
  use: (receiver: WebhookReceiver) => Promise<T>,
  now: () => Date = () => new Date(),
): Promise<T> {
  let connections = 0;
  let always: Fault['answer'];
  let refused: (payload: Payload) => boolean = () => false;
  let planned: { fault: Fault; skip: number } | undefined;
  let held: Promise<void> | undefined;
  const seen = new Set<string>();
  const receiver: WebhookReceiver = {
    url: '',
    port: 0,
    secrets: [testSecret],
    received: [],
    filed: new Map(),
    requests: [],
    connections: () => connections,
    strike: (fault, skip = 0) => {
      planned = { fault, skip };
    },
    clear: () => {
      planned = undefined;
    },
    answerAll: (answer) => {
      always = answer;
    },
    refuse: (matches) => {
      refused = matches;
    },
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return () => {
        held = undefined;
        resolve();
      };
    },
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((thrown) => response.writeHead(500).end(String(thrown)));
  });
  server.on('connection', () => connections++);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    receiver.requests.push(`${request.method} ${request.url}`);
    const body = await text(request);
    await held;
    const fault = nextFault();
    const respond = (given: Fault['answer']) =>
      response.writeHead(given?.status ?? 204, given?.headers).end(given?.body ?? '');
    if (always) return void respond(always);
    if (fault && !fault.commits) return void fail(fault);
    if (request.method !== 'POST') return void respond({ status: 405 });
    const event = await verify(request, body);
    if (event === 'test') return void respond(undefined);
    if (typeof event === 'string') return void respond({ status: 401, body: event });
    if (refused(event.payload)) return void respond({ status: 422, body: 'not this one' });
    receiver.received.push(event);
    if (!seen.has(event.id)) file(event.payload);
    seen.add(event.id);
    if (fault) return void fail(fault);
    respond(undefined);

    function fail({ answer, hangs }: Fault): void {
      if (hangs === 'answer') return;
      if (hangs === 'body') return void response.writeHead(answer?.status ?? 200).write('half of it');
      if (answer) respond(answer);
      else request.socket.destroy();
    }
  }

  function nextFault(): Fault | undefined {
    if (!planned || planned.skip-- > 0) return undefined;
    const { fault } = planned;
    planned = undefined;
    return fault;
  }

  async function verify(request: IncomingMessage, body: string): Promise<ReceivedEvent | string> {
    const header = (name: string) => String(request.headers[name] ?? '');
    if (header('content-type') !== 'application/json') return 'not JSON';
    const id = header('webhook-id');
    const timestamp = header('webhook-timestamp');
    if (id === '' || id.includes('.')) return 'no usable id';
    if (!/^\d{10}$/.test(timestamp)) return 'no timestamp';
    if (Math.abs(now().getTime() / 1000 - Number(timestamp)) > toleranceSeconds) return 'too old';
    const signatures = header('webhook-signature').split(' ');
    const signedWith: string[] = [];
    for (const secret of receiver.secrets) {
      const verdicts = signatures.map((signature) =>
        isSignature(secret, signature, `${id}.${timestamp}.${body}`),
      );
      if ((await Promise.all(verdicts)).includes(true)) signedWith.push(secret);
    }
    if (signedWith.length === 0) return 'no signature of ours';
    if ((JSON.parse(body) as { type?: unknown }).type === 'test') return 'test';
    return {
      id,
      headers: request.headers,
      path: request.url ?? '',
      payload: payload.parse(JSON.parse(body)),
      signedWith,
    };
  }

  function file(event: Payload): void {
    const { key, revision } = event.data;
    if (revision > (receiver.filed.get(key)?.data.revision ?? 0)) receiver.filed.set(key, event);
  }

  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  receiver.port = (server.address() as AddressInfo).port;
  receiver.url = `http://127.0.0.1:${receiver.port}/hooks/calls`;
  try {
    return await use(receiver);
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
}

/** By the specification, with Web Crypto. */
export async function isSignature(secret: string, signature: string, content: string): Promise<boolean> {
  const [version, mac = ''] = signature.split(',');
  if (version !== 'v1') return false;
  const bytes = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const raw = bytes(secret.replace(/^whsec_/, ''));
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  return crypto.subtle.verify('HMAC', key, bytes(mac), new TextEncoder().encode(content));
}
