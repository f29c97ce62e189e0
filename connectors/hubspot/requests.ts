import type { Client } from '@hubspot/api-client';
import type * as z from 'zod';
import { bounded, Quota, type RateLimit, type Tools, Unanswered } from '../../src/connector/index.ts';
import { Access } from './access.ts';
import { pathOf } from './api-version.ts';
import {
  type Circumstances,
  type Failure,
  failureOfAnswer,
  failureOfLogIn,
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

/** What is asked of HubSpot. */
export interface Asked {
  method: 'GET' | 'POST' | 'DELETE';
  /** With its query, without the host. */
  path: string;
  /** Sent as JSON, or a form as a form. */
  body?: unknown;
  /** Of a call: that it may be done later is to be told. */
  writes?: true;
}

/** What came back, whole. */
export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  /** Of JSON, what it says; of anything else, the text; undefined for nothing. */
  body: unknown;
}

/** Every request to HubSpot goes through here: limited, counted, bounded in bytes and time, and its failures read. */
export class Requests {
  readonly #client: Client;
  readonly #access: Access;
  readonly #tools: Tools;
  readonly #window: RateLimit;
  readonly #searches: SearchLimit;
  /** Requests of the day, of the whole account. */
  readonly quota: Quota;
  readonly unanswered = new Unanswered();

  constructor(client: Client, options: HubSpotOptions, tools: Tools) {
    this.#client = client;
    this.#access = new Access(options, tools, (form) => this.#logIn(form));
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
    asked: Asked,
  ): Promise<z.infer<S>> {
    const read = schema.safeParse((await this.ask(request, signal, asked)).body);
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    const unread = `${issue?.path.join('.') || 'the answer'} cannot be read`;
    throw this.#failed(asked, failureOfSilence(unread, this.circumstances(request)), read.error);
  }

  /** @param isAnswer the statuses beside 2xx that are an answer here, and no failure */
  async ask(
    request: string,
    signal: AbortSignal,
    asked: Asked,
    isAnswer: (status: number) => boolean = () => false,
  ): Promise<RawAnswer> {
    const token = await this.#token(request, signal);
    try {
      return await this.#sendOnce(request, signal, asked, token, isAnswer);
    } catch (thrown) {
      const isRefused = thrown instanceof RequestFailed && thrown.failure.cure?.what === 'token';
      if (!isRefused || !this.#access.renews) throw thrown;
    }
    return this.#sendOnce(request, signal, asked, await this.#token(request, signal, token), isAnswer);
  }

  #token(request: string, signal: AbortSignal, refused?: string): Promise<string> {
    return orStopped(this.#access.token(refused), signal, () => stopping(this.circumstances(request)));
  }

  /** Nobody's in particular, so that nobody's end ends it for the others who wait for it. */
  async #logIn(form: URLSearchParams): Promise<unknown> {
    const asked: Asked = { method: 'POST', path: pathOf('oauth', 'token'), body: form };
    const never = new AbortController().signal;
    const { body } = await this.#sendOnce('oauth/token', never, asked, undefined, undefined, failureOfLogIn);
    return body;
  }

  async #sendOnce(
    request: string,
    signal: AbortSignal,
    asked: Asked,
    token: string | undefined,
    isAnswer: (status: number) => boolean = () => false,
    read: typeof failureOfAnswer = failureOfAnswer,
  ): Promise<RawAnswer> {
    const sendNow = () => this.#sendNow(request, signal, asked, token, isAnswer, read);
    if (request.endsWith('/search')) return this.#searches.run(sendNow, signal);
    await this.#window.take(signal);
    return sendNow();
  }

  async #sendNow(
    request: string,
    signal: AbortSignal,
    asked: Asked,
    token: string | undefined,
    isAnswer: (status: number) => boolean,
    read: typeof failureOfAnswer,
  ): Promise<RawAnswer> {
    if (signal.aborted) throw new RequestFailed(stopping(this.circumstances(request)));
    let answer: RawAnswer;
    try {
      answer = await this.#inTime((over) => this.#exchange(asked, token, over), signal, request);
    } catch (thrown) {
      this.#tools.countRequest(request, 'failed');
      const failure =
        thrown instanceof RequestFailed
          ? thrown.failure
          : failureOfSilence(thrown, this.circumstances(request));
      throw this.#failed(asked, failure, thrown);
    }
    const { status, headers } = answer;
    this.#tools.countRequest(request, status);
    if (token !== undefined) this.#heed(headers); // a log-in is not counted with the others
    if ((status >= 200 && status < 300) || isAnswer(status)) return answer;
    throw this.#failed(asked, read(answer, this.circumstances(request)));
  }

  #failed({ writes }: Asked, failure: Failure, cause?: unknown): RequestFailed {
    if (writes && failure.isUnanswered) this.unanswered.note();
    return new RequestFailed(failure, cause);
  }

  /** The client sends it; it has no time-out of its own, and reads without end, so that is done here. */
  async #exchange(
    { method, path, body }: Asked,
    token: string | undefined,
    over: AbortSignal,
  ): Promise<RawAnswer> {
    const isForm = body instanceof URLSearchParams;
    const response = await this.#client.apiRequest({
      method,
      path,
      authType: 'none', // below: the very token that was given for this request
      defaultJson: !isForm,
      headers: {
        ...(isForm ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await bounded(response, undefined, over).text();
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers.entries()),
      body: asJson(text),
    };
  }

  /** Waits until then, and no longer. What comes of what was sent is unknown after that, and is not read any more. */
  async #inTime<T>(
    work: (over: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    request: string,
  ): Promise<T> {
    const over = new AbortController();
    return new Promise((resolve, reject) => {
      const give = (failure: Failure) => {
        finish(() => reject(new RequestFailed(failure)));
        over.abort();
      };
      const where = this.circumstances(request);
      const stop = () => give({ ...stopping(where), isUnanswered: true });
      const late = `HubSpot did not answer ${request} within ${timeoutMs / 1000} s.`;
      const cancel = this.#tools.clock.after(timeoutMs, () =>
        give({ kind: 'retry', scope: 'connector', reason: late, isUnanswered: true }),
      );
      const finish = (settle: () => void) => {
        cancel();
        signal.removeEventListener('abort', stop);
        settle();
      };
      signal.addEventListener('abort', stop, { once: true });
      work(over.signal).then(
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

async function orStopped<T>(work: Promise<T>, signal: AbortSignal, stopped: () => Failure): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new RequestFailed(stopped()));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function asJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}
