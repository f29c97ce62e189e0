import {
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as sendHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as sendHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Tools } from '../../src/connector/index.ts';
import { guardedLookup, type Resolve } from './addresses.ts';
import type { WebhookOptions } from './options.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** The beginning of its body. */
  text: string;
}

/** Whoever gets the events. */
export interface Receiver {
  /** @throws when there is no answer: PrivateAddress, NoAnswerInTime, or what the connection failed with */
  send(
    method: 'POST' | 'HEAD',
    headers: Record<string, string>,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<Answer>;
  close(): void;
}

export class NoAnswerInTime extends Error {
  override name = 'NoAnswerInTime';
}

/** How much of an answer is read: enough to quote, and to keep a connection with a short answer for the next event. */
const longestAnswer = 16 * 1024;

/** How long a connection waits for the next event. Common servers close theirs after five seconds. */
const idleMs = 4_000;

/**
 * A receiver at a URL. Not with fetch: a connection must go to the very address that was looked at, and neither Node's
 * fetch nor Bun's lets its caller look the name up. `node:http` does on both, and it follows no redirect.
 */
export class HttpReceiver implements Receiver {
  readonly #options: WebhookOptions;
  readonly #tools: Tools;
  readonly #lookup: LookupFunction;
  readonly #agent: HttpAgent;

  constructor(options: WebhookOptions, tools: Tools, resolve?: Resolve) {
    this.#options = options;
    this.#tools = tools;
    this.#lookup = guardedLookup(options.allowPrivate, resolve);
    const Agent = options.url.startsWith('https:') ? HttpsAgent : HttpAgent;
    this.#agent = new Agent({ keepAlive: true, timeout: idleMs });
  }

  async send(
    method: 'POST' | 'HEAD',
    headers: Record<string, string>,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { timeout } = this.#options;
    const controller = new AbortController();
    const stop = () => controller.abort();
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    let isLate = false;
    const cancel = this.#tools.clock.after(timeout, () => {
      isLate = true;
      stop();
    });
    try {
      const response = await this.#request(method, headers, body, controller.signal);
      const status = response.statusCode ?? 0;
      // The status is the answer. What follows it is for people: as much of it as comes.
      const text = await beginningOf(response).catch(() => '');
      this.#tools.countRequest(method, status);
      return { status, headers: response.headers, text };
    } catch (thrown) {
      this.#tools.countRequest(method, 'failed');
      throw isLate ? new NoAnswerInTime(`no answer within ${timeout / 1000} s`, { cause: thrown }) : thrown;
    } finally {
      cancel();
      signal.removeEventListener('abort', stop);
    }
  }

  #request(
    method: string,
    headers: Record<string, string>,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { url } = this.#options;
    return new Promise((resolve, reject) => {
      const send = url.startsWith('https:') ? sendHttps : sendHttp;
      const options = { method, headers, agent: this.#agent, lookup: this.#lookup, signal };
      send(url, options, resolve).on('error', reject).end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function beginningOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= longestAnswer) break; // which closes the connection
  }
  return Buffer.concat(chunks).subarray(0, longestAnswer).toString('utf8');
}
