import type { Connection } from 'jsforce';
import type * as z from 'zod';
import { ConcurrencyLimit, Quota, type Tools, Unanswered } from '../../src/connector/index.ts';
import { Exchange } from './exchange.ts';
import {
  type Circumstances,
  type Failure,
  failureOfAnswer,
  failureOfSilence,
  RequestFailed,
  salesforce,
} from './failures.ts';
import { secretsOf } from './grant.ts';
import type { SalesforceOptions } from './options.ts';
import { Session, stopping } from './session.ts';

/** Salesforce itself gives up on queries after two minutes; what takes a minute will hardly be worth the second. */
const timeoutMs = 60_000;

/**
 * The least that any org takes of requests that run for 20 s or longer (Developer Edition; others take 25).
 * https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm
 */
export const mostAtOnce = 5;

export interface Request {
  /** What `explain` and the metrics call it. */
  kind: string;
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Of a call: that it may be done later is to be told. */
  writes?: true;
}

/** Every request to Salesforce goes through here: authorised, counted, timed out, and its failures read. */
export class Requests {
  readonly #conn: Connection;
  readonly #session: Session;
  readonly #options: SalesforceOptions;
  readonly #tools: Tools;
  readonly #mapped = new Map<string, string[]>();
  /** Requests of the last 24 hours, as Salesforce counts them. */
  readonly quota: Quota;
  readonly #turns = new ConcurrencyLimit(mostAtOnce);
  readonly unanswered = new Unanswered();

  private constructor(conn: Connection, options: SalesforceOptions, tools: Tools) {
    this.#conn = conn;
    this.#options = options;
    this.#tools = tools;
    this.#session = new Session(conn, options, tools);
    this.quota = new Quota(options.reserve);
    const { person, activity, followUp, sale } = options;
    for (const [name, part] of Object.entries({ person, activity, followUp, sale }))
      for (const field of Object.keys(part?.properties ?? {}))
        this.#mapped.set(field, [...(this.#mapped.get(field) ?? []), `${name}.properties.${field}`]);
  }

  /** The client is loaded here, so that a bridge without Salesforce does not pay for it. */
  static async open(options: SalesforceOptions, tools: Tools): Promise<Requests> {
    const { Connection } = await import('jsforce');
    const { loginUrl, clientId } = options.auth;
    const secret = 'clientSecret' in options.auth ? options.auth.clientSecret : undefined;
    const conn = new Connection({
      version: options.apiVersion, // its default is years old
      loginUrl,
      oauth2: { clientId, loginUrl, ...(secret === undefined ? {} : { clientSecret: secret }) },
    });
    conn._refreshDelegate = undefined; // refused tokens are the Session's business
    return new Requests(conn, options, tools);
  }

  get connector(): string {
    return this.#tools.name;
  }

  get apiVersion(): string {
    return this.#options.apiVersion;
  }

  /** Where people see records. Known for certain once a token was issued. */
  get instanceUrl(): string {
    return this.#conn.instanceUrl || this.#options.auth.loginUrl;
  }

  /** Who we are, after the first request. */
  get user(): { id: string; organizationId: string } | undefined {
    return this.#conn.userInfo ?? undefined;
  }

  /** The requests of the last 24 hours, as Salesforce counted them. */
  get usage(): { used: number; limit: number } | undefined {
    return this.#conn.limitInfo.apiUsage;
  }

  /**
   * One request; a second time with a new token if the first is refused, and never a third. An answer that is not as
   * `schema` has it is none: whatever was asked may have been done.
   */
  async send<S extends z.ZodType>(request: Request, signal: AbortSignal, schema: S): Promise<z.infer<S>> {
    const read = schema.safeParse(await this.#send(request, signal));
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    const unread = `${issue?.path.join('.') || 'the answer'} cannot be read`;
    if (request.writes) this.unanswered.note();
    throw new RequestFailed(failureOfSilence(unread, this.circumstances(request.kind)), read.error);
  }

  async #send(request: Request, signal: AbortSignal): Promise<unknown> {
    const where = this.circumstances(request.kind);
    const token = await this.#session.token(signal, where);
    try {
      return await this.#sendOnce(request, signal);
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed) || thrown.failure.cure?.what !== 'session') throw thrown;
    }
    await this.#session.token(signal, where, token);
    return this.#sendOnce(request, signal);
  }

  /** One request to which a refusal is an answer, too. Not being let in, or the day's limit, is none. */
  async ask(request: Request, signal: AbortSignal): Promise<{ status: number; body: unknown }> {
    try {
      return { status: 200, body: await this.#send(request, signal) };
    } catch (thrown) {
      const answer = thrown instanceof RequestFailed ? thrown.answer : undefined;
      if (!answer || answer.status < 300 || answer.status === 401 || answer.status >= 500) throw thrown;
      if (answer.body.includes('REQUEST_LIMIT_EXCEEDED')) throw thrown;
      return { status: answer.status, body: asJson(answer.body) };
    }
  }

  #sendOnce(request: Request, signal: AbortSignal): Promise<unknown> {
    return this.#turns.run(() => this.#exchange(request, signal));
  }

  async #exchange(
    { kind, method, path, body, headers, writes }: Request,
    signal: AbortSignal,
  ): Promise<unknown> {
    if (signal.aborted) throw new RequestFailed(stopping(this.circumstances(kind)));
    const exchange = new Exchange(this.#tools, timeoutMs, signal);
    let answer: unknown;
    let problem: unknown;
    try {
      answer = await this.#conn.request<unknown>(
        {
          method,
          url: path,
          headers: { 'content-type': 'application/json', ...headers },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        },
        { transport: exchange },
      );
    } catch (thrown) {
      problem = thrown;
    }
    const { status } = exchange.answer ?? {};
    this.#tools.countRequest(kind, status ?? 'failed');
    if (this.usage) this.quota.saw(this.usage.limit - this.usage.used, this.usage.limit);
    // The client takes redirects for success, and hands over what it cannot parse as text.
    if (
      status === 204 ||
      (status !== undefined && status < 300 && typeof answer === 'object' && answer !== null)
    ) {
      return answer;
    }
    const failure = this.#read(exchange, problem, signal, this.circumstances(kind));
    if (writes && failure.isUnanswered) this.unanswered.note();
    throw new RequestFailed(failure, problem, exchange.answer);
  }

  #read({ answer, isLate }: Exchange, problem: unknown, signal: AbortSignal, where: Circumstances): Failure {
    if (answer && answer.status >= 300) return failureOfAnswer(answer, where);
    if (answer) return failureOfSilence('it cannot be read', where);
    if (isLate) {
      const reason = `Salesforce did not answer ${where.request} within ${timeoutMs / 1000} s.`;
      return { kind: 'retry', scope: 'connector', reason, isUnanswered: true };
    }
    return signal.aborted ? { ...stopping(where), isUnanswered: true } : failureOfSilence(problem, where);
  }

  /** What reading a failure of this request needs to know. */
  circumstances(request: string): Circumstances {
    return {
      request,
      connector: this.#tools.name,
      now: this.#tools.clock.now(),
      secrets: [...secretsOf(this.#options.auth), this.#conn.accessToken ?? ''],
      mapped: this.#mapped,
      usage: this.usage,
    };
  }

  /** The Metadata API has no REST form for some things; the client writes the envelope. */
  async soap<T>(kind: string, signal: AbortSignal, call: (conn: Connection) => Promise<T>): Promise<T> {
    await this.#session.token(signal, this.circumstances(kind));
    const exchange = new Exchange(this.#tools, timeoutMs, signal);
    this.#conn._transport = exchange;
    try {
      return await call(this.#conn);
    } catch (thrown) {
      const words = thrown instanceof Error ? thrown.message : String(thrown);
      const reason = salesforce.quote('', words, this.circumstances(kind));
      throw new RequestFailed({ kind: 'rejected', reason }, thrown);
    } finally {
      this.#tools.countRequest(kind, exchange.answer?.status ?? 'failed');
    }
  }
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
