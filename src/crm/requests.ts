import type * as z from 'zod';
import type { Tools } from '../connector/contract.ts';
import { Unanswered } from '../connector/unanswered.ts';
import { Access, type LogIn } from './access.ts';
import { type Circumstances, type FailingCrm, type Failure, RequestFailed } from './failure.ts';

/** What is asked of a CRM. */
export interface Asked {
  /** What people, `explain` and the metrics call it: `calls/batch/create`, `upsert Task`. */
  request: string;
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With its query, without the host. */
  path: string;
  headers?: Record<string, string>;
  /** Sent as JSON; a form as a form, and text as it is. */
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

/**
 * Sends once, as the CRM's client does, and answers whatever the status is. Given up when `over` aborts, as far as the
 * client can. @throws where nothing came back, or no end of it
 */
export type Exchange = (asked: Asked, token: string | undefined, over: AbortSignal) => Promise<RawAnswer>;

/** What a CRM brings for requests to be sent to it. */
export interface Transport<F extends Failure, C extends Circumstances> {
  readonly crm: FailingCrm;
  /** How long an answer is waited for. */
  readonly timeoutMs: number;
  /** A token that lasts, or how to get one. */
  readonly access: string | LogIn;
  readonly exchange: Exchange;
  /** Has it sent when the CRM's limits allow it; at once when `signal` aborts. */
  paced<T>(asked: Asked, send: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** What an answer, but a log-in's, tells of those limits. */
  heed(answer: RawAnswer): void;
  /** Of an answer that is no 2xx. A cure that is `token`: another may not be refused. */
  readonly failureOf: (answer: RawAnswer, where: C) => F;
  /** The same of a log-in: why no token was issued. */
  readonly failureOfLogIn: (answer: RawAnswer, where: C) => F;
  /** With what reading this CRM's failures needs beside. */
  circumstances(where: Circumstances): C;
}

/** Salesforce has 300 for something else. */
const redirects = new Set([301, 302, 303, 307, 308]);

/** Every request to a CRM goes through here: let in, paced, counted, bounded in time, and its failures read. */
export class Requests<F extends Failure, C extends Circumstances> {
  readonly unanswered = new Unanswered();
  readonly #transport: Transport<F, C>;
  readonly #access: Access;
  readonly #tools: Tools;

  constructor(transport: Transport<F, C>, tools: Tools) {
    this.#transport = transport;
    this.#tools = tools;
    const { crm, access } = transport;
    // Nobody's in particular, so that nobody's end ends it for the others who wait for it.
    const never = new AbortController().signal;
    this.#access = new Access(crm.name, access, tools.clock, ({ form, ...wanted }) =>
      this.#sendOnce({ ...wanted, method: 'POST', body: form }, never, undefined),
    );
  }

  /**
   * One request; a second time with a new token if the first is refused and can be renewed, and never a third. An answer
   * that is not as `schema` has it is none: whatever was asked may have been done. @throws RequestFailed
   */
  async send<S extends z.ZodType>(asked: Asked, signal: AbortSignal, schema: S): Promise<z.infer<S>> {
    const read = schema.safeParse((await this.ask(asked, signal)).body);
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    throw this.#unread(asked, `${issue?.path.join('.') || 'the answer'} cannot be read`, read.error);
  }

  /** @param isAnswer of what is no 2xx: whether it is an answer here, and no failure. @throws RequestFailed */
  async ask(
    asked: Asked,
    signal: AbortSignal,
    isAnswer: (answer: RawAnswer) => boolean = () => false,
  ): Promise<RawAnswer> {
    const token = await this.token(asked.request, signal);
    try {
      return await this.#sendOnce(asked, signal, token, isAnswer);
    } catch (thrown) {
      const isRefused = thrown instanceof RequestFailed && thrown.failure.cure?.what === 'token';
      if (!isRefused || !this.#access.renews) throw thrown;
    }
    return this.#sendOnce(asked, signal, await this.token(asked.request, signal, token), isAnswer);
  }

  /** To ask `request` with. `refused` is the one to be done with. @throws RequestFailed */
  token(request: string, signal: AbortSignal, refused?: string): Promise<string> {
    return orStopped(this.#access.token(refused), signal, () => this.#stopping(request));
  }

  /** What reading a failure of this request needs to know. */
  circumstances(request: string): C {
    const { name: connector, clock } = this.#tools;
    const { secrets, renews: logsIn } = this.#access;
    return this.#transport.circumstances({ request, connector, now: clock.now(), secrets, logsIn });
  }

  #sendOnce(
    asked: Asked,
    signal: AbortSignal,
    token: string | undefined,
    isAnswer: (answer: RawAnswer) => boolean = () => false,
  ): Promise<RawAnswer> {
    return this.#transport.paced(asked, () => this.#sendNow(asked, signal, token, isAnswer), signal);
  }

  async #sendNow(
    asked: Asked,
    signal: AbortSignal,
    token: string | undefined,
    isAnswer: (answer: RawAnswer) => boolean,
  ): Promise<RawAnswer> {
    const { request } = asked;
    const transport = this.#transport;
    if (signal.aborted) throw new RequestFailed({ ...this.#stopping(request), isUndone: true });
    let answer: RawAnswer;
    try {
      answer = await this.#inTime((over) => transport.exchange(asked, token, over), signal, request);
    } catch (thrown) {
      this.#tools.countRequest(request, 'failed');
      const failure =
        thrown instanceof RequestFailed
          ? thrown.failure
          : transport.crm.silence(thrown, this.circumstances(request));
      throw this.#failed(asked, failure, thrown);
    }
    const { status, body } = answer;
    this.#tools.countRequest(request, status);
    if (token !== undefined) transport.heed(answer);
    if (isAnswer(answer)) return answer;
    if (status >= 200 && status < 300) {
      // A page that is in the CRM's place, or half an answer.
      if (status !== 204 && (typeof body !== 'object' || body === null))
        throw this.#unread(asked, 'the answer cannot be read');
      return answer;
    }
    const where = this.circumstances(request);
    const location = redirects.has(status) ? answer.headers['location'] : undefined;
    if (location !== undefined)
      throw this.#failed(asked, transport.crm.redirection(status, location, where), undefined, status);
    const read = token === undefined ? transport.failureOfLogIn : transport.failureOf;
    throw this.#failed(asked, read(answer, where), undefined, status);
  }

  #unread(asked: Asked, why: string, cause?: unknown): RequestFailed {
    const { request } = asked;
    return this.#failed(asked, this.#transport.crm.silence(why, this.circumstances(request)), cause);
  }

  #failed({ writes }: Asked, failure: Failure, cause?: unknown, status?: number): RequestFailed {
    if (writes && failure.isUnanswered) this.unanswered.note();
    return new RequestFailed(failure, cause, status);
  }

  /** Waits until then, and no longer. What comes of what was sent is unknown after that, and is not read any more. */
  #inTime<T>(work: (over: AbortSignal) => Promise<T>, signal: AbortSignal, request: string): Promise<T> {
    const { crm, timeoutMs } = this.#transport;
    const over = new AbortController();
    return new Promise((resolve, reject) => {
      const give = (failure: Failure) => {
        finish(() => reject(new RequestFailed(failure)));
        over.abort();
      };
      const stop = () => give({ ...this.#stopping(request), isUnanswered: true });
      const late = `${crm.name} did not answer ${request} within ${timeoutMs / 1000} s.`;
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

  #stopping(request: string): Failure {
    const { name } = this.#transport.crm;
    return { kind: 'retry', reason: `The bridge stopped before ${name} answered ${request}.` };
  }
}

/**
 * What a body says, if it is JSON. What would unfold to more than a CRM ever says, such as megabytes of brackets, is not
 * read: it would take a hundred times its size, and every push would wait meanwhile.
 */
export function asJson(text: string): unknown {
  if (text === '') return undefined;
  if (text.length > mostValues && hasMoreValues(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The fields of the largest object, with their options, are some hundred thousand. */
const mostValues = 1_000_000;
const beginsOne = new Set(['[', '{', ','].map((one) => one.charCodeAt(0)));

/** Commas of texts count, too: there are never so many. */
function hasMoreValues(text: string): boolean {
  let values = 0;
  for (let at = 0; at < text.length && values <= mostValues; at++)
    if (beginsOne.has(text.charCodeAt(at))) values++;
  return values > mostValues;
}

function orStopped<T>(work: Promise<T>, signal: AbortSignal, stopped: () => Failure): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new RequestFailed(stopped()));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
