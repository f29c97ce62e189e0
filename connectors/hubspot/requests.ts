import type { Client } from '@hubspot/api-client';
import type * as z from 'zod';
import { Quota, type RateLimit, type Tools } from '../../src/connector/contract.ts';
import { Access } from './access.ts';
import {
  type Circumstances,
  type FailedAnswer,
  type Failure,
  failureOfAnswer,
  failureOfSilence,
  RequestFailed,
} from './failures.ts';
import type { HubSpotOptions } from './options.ts';
import { SearchLimit } from './search-limit.ts';

/** The client has no timeout of its own, and HubSpot gives up after 100 s. */
const timeoutMs = 30_000;

/** 100 requests in ten seconds is the least that any account is granted. A tenth of it stays for others. */
const leastWindow = 100;
const windowMs = 10_000;
const ourShare = 0.9;

/** An answer as the client gives it. */
export interface Answer<T> {
  httpStatusCode: number;
  headers: Record<string, string>;
  data: T;
}

/** Every request to HubSpot goes through here: limited, counted, timed out, and its failures read. */
export class Requests {
  readonly #access: Access;
  readonly #tools: Tools;
  readonly #window: RateLimit;
  readonly #searches: SearchLimit;
  /** Requests of the day, of the whole account. */
  readonly quota: Quota;

  constructor(client: Client, options: HubSpotOptions, tools: Tools) {
    this.#access = new Access(client, options, tools);
    this.#tools = tools;
    this.#window = tools.rateLimit(Math.floor(leastWindow * ourShare), windowMs);
    this.#searches = new SearchLimit(tools.rateLimit);
    this.quota = new Quota(options.reserve);
  }

  /**
   * One request; a second time with a new token if the first is refused and can be renewed, and never a third. An answer
   * that is not as `schema` has it is none: whatever was asked may have been done.
   */
  async send<S extends z.ZodType>(
    request: string,
    signal: AbortSignal,
    schema: S,
    send: () => Promise<Answer<unknown>>,
  ): Promise<z.infer<S>> {
    const read = schema.safeParse(await this.#send(request, signal, send));
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    const unread = `${issue?.path.join('.') || 'the answer'} cannot be read`;
    throw new RequestFailed(failureOfSilence(unread, this.circumstances(request)), read.error);
  }

  async #send<T>(request: string, signal: AbortSignal, send: () => Promise<Answer<T>>): Promise<T> {
    const ask = <A>(name: string, asked: () => Promise<A>) => this.#askForToken(name, signal, asked);
    const token = await this.#access.ready(ask);
    try {
      return await this.#sendOnce(request, signal, send);
    } catch (thrown) {
      const isRefused = thrown instanceof RequestFailed && thrown.failure.cure?.what === 'token';
      if (!isRefused || !this.#access.renews) throw thrown;
    }
    await this.#access.ready(ask, token);
    return this.#sendOnce(request, signal, send);
  }

  /** What HubSpot refuses here stays refused until somebody looks at the app. */
  async #askForToken<A>(request: string, signal: AbortSignal, asked: () => Promise<A>): Promise<A> {
    try {
      const send = async () => ({ httpStatusCode: 200, headers: {}, data: await asked() });
      return await this.#sendOnce(request, signal, send);
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed) || thrown.failure.kind !== 'rejected') throw thrown;
      const advice =
        'Check oauth.clientId and oauth.clientSecret, and install the app again for a new oauth.refreshToken.';
      const reason = `HubSpot does not let the bridge log in. ${advice} ${thrown.failure.reason}`;
      throw new RequestFailed({ kind: 'blocked', reason }, thrown);
    }
  }

  async #sendOnce<T>(request: string, signal: AbortSignal, send: () => Promise<Answer<T>>): Promise<T> {
    const sendNow = () => this.#sendNow(request, signal, send);
    if (request.endsWith('/search')) return this.#searches.run(sendNow, signal);
    await this.#window.take(signal);
    return sendNow();
  }

  async #sendNow<T>(request: string, signal: AbortSignal, send: () => Promise<Answer<T>>): Promise<T> {
    const where = this.circumstances(request);
    if (signal.aborted) throw new RequestFailed(stopping(where));
    try {
      const answer = await this.#inTime(send(), signal, where);
      this.#tools.countRequest(request, answer.httpStatusCode);
      this.#heed(answer.headers);
      return answer.data;
    } catch (thrown) {
      if (thrown instanceof RequestFailed) {
        this.#tools.countRequest(request, 'failed');
        throw thrown;
      }
      const answer = asAnswer(thrown);
      this.#tools.countRequest(request, answer?.status ?? 'failed');
      const now = this.circumstances(request);
      throw new RequestFailed(answer ? failureOfAnswer(answer, now) : failureOfSilence(thrown, now), thrown);
    }
  }

  /** The client cannot abort what it sent, so we stop waiting; what comes of it is then unknown. */
  async #inTime<T>(answer: Promise<T>, signal: AbortSignal, where: Circumstances): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = () => finish(() => reject(new RequestFailed(stopping(where))));
      const late = `HubSpot did not answer ${where.request} within ${timeoutMs / 1000} s.`;
      const cancel = this.#tools.clock.after(timeoutMs, () =>
        finish(() => reject(new RequestFailed({ kind: 'retry', reason: late }))),
      );
      const finish = (settle: () => void) => {
        cancel();
        signal.removeEventListener('abort', stop);
        settle();
      };
      signal.addEventListener('abort', stop, { once: true });
      answer.then(
        (value) => finish(() => resolve(value)),
        (problem) => finish(() => reject(problem)),
      );
    });
  }

  /** Accounts differ in what they are granted, and every answer but a search's says how much that is. */
  #heed(headers: Record<string, string>): void {
    const granted = Math.floor(Number(headers['x-hubspot-ratelimit-max']) * ourShare);
    if (granted > 0) this.#window.allow(granted);
    this.quota.saw(
      Number(headers['x-hubspot-ratelimit-daily-remaining']),
      Number(headers['x-hubspot-ratelimit-daily']),
    );
  }

  circumstances(request: string): Circumstances {
    const { name, clock } = this.#tools;
    const { renews: logsIn, secrets } = this.#access;
    return { request, connector: name, now: clock.now(), logsIn, secrets };
  }
}

function stopping(where: Circumstances): Failure {
  return { kind: 'retry', reason: `The bridge stopped before HubSpot answered ${where.request}.` };
}

/** What the client throws for a status that it does not accept; anything else that it throws is no answer. */
function asAnswer(thrown: unknown): FailedAnswer | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'number') return undefined;
  const { code, body, headers } = thrown as Error & { code: number; body?: unknown; headers?: unknown };
  // A 2xx that the client did not expect tells nothing of the write.
  if (code >= 200 && code < 300) return undefined;
  return { status: code, body, headers: (headers ?? {}) as Record<string, string> };
}
