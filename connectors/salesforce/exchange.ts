import { PassThrough } from 'node:stream';
import type { HttpRequest, HttpResponse, StreamPromise } from 'jsforce';
import type { Tools } from '../../src/connector/index.ts';

export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/**
 * One request of the client, sent by us: jsforce's own transport repeats GETs, waits half an hour, sends everything
 * through a proxy that the environment names, follows redirects with a GET, and hides the status.
 */
export class Exchange {
  readonly #tools: Tools;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  /** What came back, once it has; whatever the client makes of it. */
  answer: RawAnswer | undefined;
  isLate = false;

  constructor(tools: Tools, timeoutMs: number, signal?: AbortSignal) {
    this.#tools = tools;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
  }

  httpRequest(request: HttpRequest): StreamPromise<HttpResponse> {
    return Object.assign(this.#send(request), { stream: () => new PassThrough() });
  }

  getRequestStreamCreator(): never {
    throw new Error('requests are not streamed');
  }

  async #send({ url, method, headers = {}, body }: HttpRequest): Promise<HttpResponse> {
    const { 'content-length': _, ...rest } = headers; // fetch counts for itself
    const controller = new AbortController();
    const stop = () => controller.abort();
    if (this.#signal?.aborted) stop();
    this.#signal?.addEventListener('abort', stop, { once: true });
    const cancel = this.#tools.clock.after(this.#timeoutMs, () => {
      this.isLate = true;
      stop();
    });
    try {
      const response = await this.#tools.fetch(url, {
        method,
        headers: rest,
        ...(typeof body === 'string' ? { body } : {}),
        redirect: 'manual',
        signal: controller.signal,
      });
      const answer = {
        status: response.status,
        headers: Object.fromEntries(response.headers.entries()),
        body: await response.text(),
      };
      this.answer = answer;
      return { statusCode: answer.status, headers: answer.headers, body: answer.body };
    } finally {
      cancel();
      this.#signal?.removeEventListener('abort', stop);
    }
  }
}
