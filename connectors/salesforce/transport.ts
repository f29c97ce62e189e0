import { PassThrough } from 'node:stream';
import type { Connection, HttpRequest, HttpResponse, StreamPromise } from 'jsforce';
import { ConcurrencyLimit, Quota, type Tools } from '../../src/connector/index.ts';
import {
  type Asked,
  asJson,
  type CrmCircumstances,
  type Exchange,
  type LogIn,
  type RawAnswer,
  type Transport,
  type Wrap,
} from '../../src/crm/index.ts';
import { token } from './answers.ts';
import { type Circumstances, type Failure, failureOfAnswer, failureOfToken, salesforce } from './failures.ts';
import { adviceOn, Grant, secretsOf } from './grant.ts';
import type { SalesforceOptions } from './options.ts';

/**
 * The least that any org takes of requests that run for 20 s or longer (Developer Edition; others take 25).
 * https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm
 */
export const mostAtOnce = 5;

/** How requests reach Salesforce: by its client, a few at a time. */
export class SalesforceTransport implements Transport<Failure, Circumstances> {
  readonly crm = salesforce;
  /** Salesforce itself gives up on queries after two minutes; what takes a minute will hardly be worth the second. */
  readonly timeoutMs = 60_000;
  readonly access: LogIn;
  readonly exchange: Exchange;
  /** Requests of the last 24 hours, as Salesforce counts them. */
  readonly quota: Quota;
  readonly #conn: Connection;
  readonly #auth: SalesforceOptions['auth'];
  readonly #tools: Tools;
  readonly #mapped = new Map<string, string[]>();
  readonly #turns = new ConcurrencyLimit(mostAtOnce);

  private constructor(conn: Connection, options: SalesforceOptions, tools: Tools, wrap: Wrap) {
    this.exchange = wrap((...asked) => this.#exchange(...asked));
    this.#conn = conn;
    this.#auth = options.auth;
    this.#tools = tools;
    this.access = logInOf(conn, options.auth, tools);
    this.quota = new Quota(options.reserve);
    const { person, activity, followUp, sale } = options;
    for (const [name, part] of Object.entries({ person, activity, followUp, sale }))
      for (const field of Object.keys(part?.properties ?? {}))
        this.#mapped.set(field, [...(this.#mapped.get(field) ?? []), `${name}.properties.${field}`]);
  }

  /** The client is loaded here, so that a bridge without Salesforce does not pay for it. */
  static async open(options: SalesforceOptions, tools: Tools, wrap: Wrap): Promise<SalesforceTransport> {
    const { Connection } = await import('jsforce');
    const { loginUrl, clientId } = options.auth;
    const secret = 'clientSecret' in options.auth ? options.auth.clientSecret : undefined;
    const conn = new Connection({
      version: options.apiVersion, // its default is years old
      loginUrl,
      oauth2: { clientId, loginUrl, ...(secret === undefined ? {} : { clientSecret: secret }) },
    });
    conn._refreshDelegate = undefined; // refused tokens are the business of Access
    return new SalesforceTransport(conn, options, tools, wrap);
  }

  /** Where people see records. Known for certain once a token was issued. */
  get instanceUrl(): string {
    return this.#conn.instanceUrl;
  }

  /** Who we are, after the first request. */
  get user(): { id: string; organizationId: string } | undefined {
    return this.#conn.userInfo ?? undefined;
  }

  /** The requests of the last 24 hours, as Salesforce counted them. */
  get usage(): { used: number; limit: number } | undefined {
    return this.#conn.limitInfo.apiUsage;
  }

  paced<T>(_: Asked, send: () => Promise<T>): Promise<T> {
    return this.#turns.run(send);
  }

  /** What the client makes of an answer does not matter: it takes redirects for success, and hides the status. */
  async #exchange(
    { method, path, headers, body }: Asked,
    token: string | undefined,
    over: AbortSignal,
  ): Promise<RawAnswer> {
    const conn = this.#conn;
    conn.accessToken = token ?? null; // the very one that was given for this request
    let answer: RawAnswer | undefined;
    const transport = carrier(async ({ url, method, headers = {}, body }) => {
      const { 'content-length': _, ...rest } = headers; // fetch counts for itself
      const response = await this.#tools.fetch(url, {
        method,
        headers: rest,
        ...(typeof body === 'string' ? { body } : {}),
        redirect: 'manual',
        signal: over,
      });
      const text = await response.text();
      const { status } = response;
      answer = { status, headers: Object.fromEntries(response.headers.entries()), body: asJson(text) };
      // What is no JSON, or more than is read: the client would try, and take minutes for it.
      const isUnread = typeof answer.body === 'string' && text.length > longestForClient;
      return { statusCode: status, headers: answer.headers, body: isUnread ? '' : text };
    });
    const sent =
      body instanceof URLSearchParams
        ? this.#logIn(body, transport)
        : conn.request(
            {
              method,
              url: path,
              headers: { 'content-type': 'application/json', ...headers },
              ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
            },
            { transport },
          );
    const problem = await sent.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (answer) return answer;
    throw problem;
  }

  #logIn(form: URLSearchParams, transport: ReturnType<typeof carrier>): Promise<unknown> {
    this.#conn.oauth2._transport = transport;
    return this.#conn.oauth2.requestToken(Object.fromEntries(form) as { grant_type: string });
  }

  heed(): void {
    if (this.usage) this.quota.saw(this.usage.limit - this.usage.used, this.usage.limit);
  }

  failureOf = failureOfAnswer;
  failureOfLogIn = (answer: RawAnswer, where: Circumstances) =>
    failureOfToken(answer, adviceOn(this.#auth), where);

  circumstances(where: CrmCircumstances): Circumstances {
    return { ...where, mapped: this.#mapped, usage: this.usage };
  }

  /**
   * The Metadata API has no REST form for some things; the client writes the envelope, with a token that it must have.
   * @throws with what `send` threw, or with the client's error
   */
  async soap<T>(
    call: (conn: Connection) => Promise<T>,
    send: (asked: Omit<Asked, 'request'>) => Promise<RawAnswer>,
  ): Promise<T> {
    let problem: unknown;
    this.#conn._transport = carrier(async ({ url, headers = {}, body }) => {
      const { pathname: path } = new URL(url);
      try {
        const answer = await send({ method: 'POST', path, headers, body });
        return { statusCode: answer.status, headers: answer.headers, body: String(answer.body) };
      } catch (thrown) {
        problem = thrown;
        throw thrown;
      }
    });
    return call(this.#conn).catch((thrown) => {
      throw problem ?? thrown;
    });
  }
}

function logInOf(conn: Connection, auth: SalesforceOptions['auth'], tools: Tools): LogIn {
  const grant = new Grant(auth, tools);
  return {
    async wanted() {
      const form = new URLSearchParams(await grant.parameters());
      return { request: 'token', path: '/services/oauth2/token', form };
    },
    async issued(body) {
      const { data } = token.safeParse(body);
      if (!data) return undefined;
      await grant.keep(data.refresh_token);
      const [organizationId = '', id = ''] = data.id.split('/').slice(-2);
      conn.userInfo = { id, organizationId, url: data.id };
      conn.instanceUrl = data.instance_url;
      conn.accessToken = data.access_token; // for envelopes
      return { token: data.access_token };
    },
    get secrets() {
      return [...secretsOf(auth), ...grant.secrets];
    },
  };
}

/** In characters: no page, and no refusal, says more to it. */
const longestForClient = 1_000_000;

/**
 * What carries the client's requests: jsforce's own transport repeats GETs, waits half an hour, sends everything through a
 * proxy that the environment names, follows redirects with a GET, and hides the status.
 */
function carrier(send: (request: HttpRequest) => Promise<HttpResponse>) {
  return {
    httpRequest: (request: HttpRequest): StreamPromise<HttpResponse> =>
      Object.assign(send(request), { stream: () => new PassThrough() }),
    getRequestStreamCreator(): never {
      throw new Error('requests are not streamed');
    },
  };
}
