import type { Request as ClientRequest } from '@hubspot/api-client/lib/src/services/http/Request.js';
import { Quota, type RateLimit, RefreshTokens, type Tools } from '../../src/connector/index.ts';
import {
  type Asked,
  asJson,
  type Exchange,
  type LogIn,
  type RawAnswer,
  type Requests,
  type Transport,
  type Wrap,
} from '../../src/crm/index.ts';
import { token } from './answers.ts';
import { pathOf } from './api-version.ts';
import { type Circumstances, type Failure, failureOfAnswer, failureOfLogIn, hubspot } from './failures.ts';
import type { HubSpotOptions } from './options.ts';
import { SearchLimit } from './search-limit.ts';

/** 100 requests in ten seconds is the least that any account is granted. A tenth of it stays for others. */
const leastWindow = 100;
const windowMs = 10_000;
const ourShare = 0.9;

export type HubSpotRequests = Requests<Failure, Circumstances>;

/** How requests reach HubSpot: by its client, within its limits. */
export class HubSpotTransport implements Transport<Failure, Circumstances> {
  readonly crm = hubspot;
  /** The client has no timeout of its own, and HubSpot gives up after 100 s. */
  readonly timeoutMs = 30_000;
  readonly access: string | LogIn;
  readonly exchange: Exchange;
  /** Requests of the day, of the whole account. */
  readonly quota: Quota;
  readonly #Request: typeof ClientRequest;
  readonly #baseUrl: string;
  readonly #fetch: Tools['fetch'];
  readonly #window: RateLimit;
  readonly #searches: SearchLimit;

  private constructor(Request: typeof ClientRequest, options: HubSpotOptions, tools: Tools, wrap: Wrap) {
    this.exchange = wrap((...asked) => this.#exchange(...asked));
    this.#Request = Request;
    this.#baseUrl = options.baseUrl;
    this.#fetch = tools.fetch;
    this.access = options.oauth ? logInOf(options.oauth, tools) : (options.accessToken ?? '');
    this.#window = tools.rateLimit(Math.floor(leastWindow * ourShare), windowMs);
    this.#searches = new SearchLimit(tools.rateLimit);
    this.quota = new Quota(options.reserve);
  }

  /** The client is loaded here, so that a bridge without HubSpot does not pay for it. */
  static async open(options: HubSpotOptions, tools: Tools, wrap: Wrap): Promise<HubSpotTransport> {
    const { Request } = await import('@hubspot/api-client/lib/src/services/http/Request.js');
    return new HubSpotTransport(Request, options, tools, wrap);
  }

  async paced<T>({ request }: Asked, send: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (request.endsWith('/search')) return this.#searches.run(send, signal);
    await this.#window.take(signal);
    return send();
  }

  /**
   * Requests are the client's, and sent here: it would read an answer without end, and follow redirects, which takes client
   * secrets and callers' numbers to whatever host an answer names.
   */
  async #exchange(
    { method, path, body }: Asked,
    token: string | undefined,
    over: AbortSignal,
  ): Promise<RawAnswer> {
    const isForm = body instanceof URLSearchParams;
    const request = new this.#Request(
      { basePath: this.#baseUrl },
      {
        method,
        path,
        authType: 'none', // below: the very token that was given for this request
        defaultJson: !isForm,
        headers: {
          ...(isForm ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body }),
      },
    );
    const response = await this.#fetch(request.getUrl(), {
      ...request.getSendData(),
      redirect: 'manual',
      signal: over,
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers.entries()),
      body: asJson(text),
    };
  }

  /** Accounts differ in what they are granted, and every answer but a search's says how much that is. */
  heed({ headers }: RawAnswer): void {
    const granted = Math.floor(Number(headers['x-hubspot-ratelimit-max']) * ourShare);
    if (granted > 0) this.#window.allow(granted);
    this.quota.saw(
      Number(headers['x-hubspot-ratelimit-daily-remaining']),
      Number(headers['x-hubspot-ratelimit-daily']),
    );
  }

  failureOf = failureOfAnswer;
  failureOfLogIn = failureOfLogIn;

  circumstances(where: Circumstances): Circumstances {
    return where;
  }
}

/** An OAuth token lasts half an hour. */
function logInOf(oauth: NonNullable<HubSpotOptions['oauth']>, tools: Tools): LogIn {
  const { clientId, clientSecret, refreshToken } = oauth;
  const refreshTokens = new RefreshTokens(refreshToken, tools);
  return {
    async wanted() {
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: clientId,
        client_secret: clientSecret,
        refresh_token: await refreshTokens.current(),
      });
      return { request: 'oauth/token', path: pathOf('oauth', 'token'), form };
    },
    async issued(body) {
      const { data } = token.safeParse(body);
      if (!data) return undefined;
      await refreshTokens.keep(data.refresh_token);
      return { token: data.access_token, lastsMs: data.expires_in * 1000 };
    },
    get secrets() {
      return [clientSecret, ...refreshTokens.secrets];
    },
  };
}
