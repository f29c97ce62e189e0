import type { Client } from '@hubspot/api-client';
import { bounded, Quota, type RateLimit, RefreshTokens, type Tools } from '../../src/connector/index.ts';
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
  readonly #client: Client;
  readonly #window: RateLimit;
  readonly #searches: SearchLimit;

  constructor(client: Client, options: HubSpotOptions, tools: Tools, wrap: Wrap) {
    this.exchange = wrap((...asked) => this.#exchange(...asked));
    this.#client = client;
    this.access = options.oauth ? logInOf(options.oauth, tools) : (options.accessToken ?? '');
    this.#window = tools.rateLimit(Math.floor(leastWindow * ourShare), windowMs);
    this.#searches = new SearchLimit(tools.rateLimit);
    this.quota = new Quota(options.reserve);
  }

  async paced<T>({ request }: Asked, send: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (request.endsWith('/search')) return this.#searches.run(send, signal);
    await this.#window.take(signal);
    return send();
  }

  /** The client reads without end, so that is done here. */
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
