import type { Connection } from 'jsforce';
import type { Tools } from '../../src/connector/index.ts';
import { token } from './answers.ts';
import { Exchange } from './exchange.ts';
import {
  type Circumstances,
  type Failure,
  failureOfSilence,
  failureOfToken,
  RequestFailed,
} from './failures.ts';
import { adviceOn, Grant, secretsOf } from './grant.ts';
import type { SalesforceOptions } from './options.ts';

const timeoutMs = 30_000;

/** More tokens than this in a minute help nobody: something refuses them all. */
const mostTokens = 6;
const perMs = 60_000;

/**
 * The access token of a connection. Asked for when first needed and again when one is refused, by all requests
 * together; the client's own way is to ask again for as long as the answer is 401.
 */
export class Session {
  readonly #conn: Connection;
  readonly #tools: Tools;
  readonly #auth: SalesforceOptions['auth'];
  readonly #grant: Grant;
  #asking: Promise<void> | undefined;
  #askedAt: number[] = [];
  /** Why the last one was not issued. */
  #failure: Failure | undefined;

  constructor(conn: Connection, options: SalesforceOptions, tools: Tools) {
    this.#conn = conn;
    this.#tools = tools;
    this.#auth = options.auth;
    this.#grant = new Grant(options.auth, tools);
  }

  /** A token to send requests with. `refused` is the one to be done with. */
  async token(signal: AbortSignal, where: Circumstances, refused?: string): Promise<string> {
    // Somebody else may have replaced the refused one meanwhile.
    if (refused !== undefined && this.#conn.accessToken === refused) this.#conn.accessToken = null;
    if (!this.#conn.accessToken) {
      this.#asking ??= this.#ask(where).finally(() => {
        this.#asking = undefined;
      });
      await orAborted(this.#asking, signal, where);
    }
    return this.#conn.accessToken as string;
  }

  async #ask(where: Circumstances): Promise<void> {
    this.#countOrRefuse(where);
    const exchange = new Exchange(this.#tools, timeoutMs);
    this.#conn.oauth2._transport = exchange;
    try {
      const answered = token.safeParse(await this.#conn.oauth2.requestToken(await this.#grant.parameters()));
      if (!answered.success) throw new Error('it names no token');
      const issued = answered.data;
      await this.#grant.keep(issued.refresh_token);
      const [organizationId = '', id = ''] = issued.id.split('/').slice(-2);
      this.#conn.userInfo = { id, organizationId, url: issued.id };
      this.#conn.instanceUrl = issued.instance_url;
      this.#conn.accessToken = issued.access_token;
      this.#failure = undefined;
    } catch (thrown) {
      this.#conn.accessToken = null;
      const { answer } = exchange;
      const at = {
        ...where,
        request: 'the request for a token',
        secrets: [...where.secrets, ...secretsOf(this.#auth), ...this.#grant.secrets],
      };
      const failed = answer !== undefined && answer.status >= 400;
      this.#failure = failed
        ? failureOfToken(answer, adviceOn(this.#auth), at)
        : failureOfSilence(thrown, at);
      throw new RequestFailed(this.#failure, thrown);
    } finally {
      this.#tools.countRequest('token', exchange.answer?.status ?? 'failed');
    }
  }

  #countOrRefuse(where: Circumstances): void {
    const now = where.now.getTime();
    this.#askedAt = this.#askedAt.filter((at) => at > now - perMs && at <= now); // later: the clock was set back
    const [oldest] = this.#askedAt;
    if (oldest !== undefined && this.#askedAt.length >= mostTokens) {
      const { kind, reason } = this.#failure ?? {
        kind: 'blocked',
        reason: 'Salesforce refuses the tokens that it issues.',
      };
      throw new RequestFailed({
        ...this.#failure,
        kind,
        reason: `${reason} Asked for ${mostTokens} tokens within a minute, the bridge asks for none until the minute is over.`,
        notBefore: new Date(oldest + perMs),
      });
    }
    this.#askedAt.push(now);
  }
}

function orAborted(work: Promise<void>, signal: AbortSignal, where: Circumstances): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new RequestFailed(stopping(where)));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

export function stopping(where: Circumstances) {
  return {
    kind: 'retry' as const,
    reason: `The bridge stopped before Salesforce answered ${where.request}.`,
  };
}
