import type { Client } from '@hubspot/api-client';
import type { Tools } from '../../src/connector/contract.ts';
import { token } from './answers.ts';
import { RequestFailed } from './failures.ts';
import type { HubSpotOptions } from './options.ts';

/** More tokens than this in a minute help nobody: something refuses them all. */
const mostTokens = 6;
const perMs = 60_000;

/** A token that ends so soon is not begun with. */
const leastLeftMs = 60_000;

/**
 * A Client made later, by anyone in this process, changes the retries and limits of every API that is not built yet. So
 * all of them are built at once.
 */
export function buildApis(client: Client): void {
  void [
    client.crm.objects.batchApi,
    client.crm.properties.coreApi,
    client.crm.associations.v4.batchApi,
    client.crm.owners.ownersApi,
    client.crm.pipelines.pipelinesApi,
  ];
}

type Ask = <T>(request: string, send: () => Promise<T>) => Promise<T>;

/**
 * The token of an account. A service key is what it is; an OAuth token lasts half an hour and is asked for anew by all
 * requests together, ahead of its end or when it is refused.
 */
export class Access {
  readonly #client: Client;
  readonly #options: HubSpotOptions;
  readonly #tools: Tools;
  #token: string | undefined;
  #endsAt = 0;
  #asking: Promise<void> | undefined;
  #askedAt: number[] = [];

  constructor(client: Client, options: HubSpotOptions, tools: Tools) {
    this.#client = client;
    this.#options = options;
    this.#tools = tools;
  }

  /** Whether a refused token is worth asking for another one. */
  get renews(): boolean {
    return this.#options.oauth !== undefined;
  }

  /** Texts that must never be shown. */
  get secrets(): string[] {
    const { accessToken, oauth } = this.#options;
    return [accessToken, this.#token, oauth?.clientSecret, oauth?.refreshToken].filter(
      (text): text is string => text !== undefined && text !== '',
    );
  }

  /** Gives the client a token that should work. `refused` is the one to be done with. */
  async ready(ask: Ask, refused?: string): Promise<string> {
    const { accessToken, oauth } = this.#options;
    if (!oauth) return accessToken ?? '';
    const now = this.#tools.clock.now().getTime();
    const isOver = this.#token === undefined || this.#token === refused || this.#endsAt - now < leastLeftMs;
    if (isOver) {
      this.#asking ??= this.#ask(oauth, ask).finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
    }
    return this.#token ?? '';
  }

  async #ask(oauth: NonNullable<HubSpotOptions['oauth']>, ask: Ask): Promise<void> {
    this.#countOrRefuse();
    const { clientId, clientSecret, refreshToken } = oauth;
    const { tokensApi } = this.#client.oauth;
    const answer = await ask('oauth/token', () =>
      tokensApi.create('refresh_token', undefined, undefined, clientId, clientSecret, refreshToken),
    );
    const read = token.safeParse(answer);
    if (!read.success)
      throw new RequestFailed({ kind: 'retry', reason: 'HubSpot answered oauth/token, and named no token.' });
    const { accessToken, expiresIn } = read.data;
    this.#token = accessToken;
    this.#endsAt = this.#tools.clock.now().getTime() + expiresIn * 1000;
    this.#client.setAccessToken(accessToken);
    buildApis(this.#client); // it has thrown away those it had
  }

  #countOrRefuse(): void {
    const now = this.#tools.clock.now().getTime();
    this.#askedAt = this.#askedAt.filter((at) => at > now - perMs && at <= now); // later: the clock was set back
    const [oldest] = this.#askedAt;
    if (oldest !== undefined && this.#askedAt.length >= mostTokens) {
      throw new RequestFailed({
        kind: 'blocked',
        reason: `HubSpot refused ${mostTokens} tokens within a minute, so none is asked for until the minute is over.`,
        notBefore: new Date(oldest + perMs),
      });
    }
    this.#askedAt.push(now);
  }
}
