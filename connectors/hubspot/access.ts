import { RefreshTokens, type Tools } from '../../src/connector/index.ts';
import { token } from './answers.ts';
import { type Failure, RequestFailed } from './failures.ts';
import type { HubSpotOptions } from './options.ts';

/** More tokens than this in a minute help nobody: something refuses them all. */
const mostTokens = 6;
const perMs = 60_000;

/** A token that ends so soon is not begun with. */
const leastLeftMs = 60_000;

/** Sends a log-in. @throws RequestFailed */
type LogIn = (form: URLSearchParams) => Promise<unknown>;

/**
 * The token of an account. A service key is what it is; an OAuth token lasts half an hour and is asked for anew by all
 * requests together, ahead of its end or when it is refused.
 */
export class Access {
  readonly #options: HubSpotOptions;
  readonly #tools: Tools;
  readonly #logIn: LogIn;
  readonly #refreshTokens: RefreshTokens | undefined;
  #token: string | undefined;
  #endsAt = 0;
  #asking: Promise<void> | undefined;
  #askedAt: number[] = [];
  /** Why the last one was not issued. */
  #failure: Failure | undefined;

  constructor(options: HubSpotOptions, tools: Tools, logIn: LogIn) {
    this.#options = options;
    this.#tools = tools;
    this.#logIn = logIn;
    this.#refreshTokens = options.oauth && new RefreshTokens(options.oauth.refreshToken, tools);
  }

  /** Whether a refused token is worth asking for another one. */
  get renews(): boolean {
    return this.#options.oauth !== undefined;
  }

  /** Texts that must never be shown. */
  get secrets(): string[] {
    const { accessToken, oauth } = this.#options;
    const all = [accessToken, this.#token, oauth?.clientSecret, ...(this.#refreshTokens?.secrets ?? [])];
    return all.filter((text): text is string => text !== undefined && text !== '');
  }

  /** A token that should work. `refused` is the one to be done with. */
  async token(refused?: string): Promise<string> {
    const { accessToken, oauth } = this.#options;
    if (!oauth) return accessToken ?? '';
    const now = this.#tools.clock.now().getTime();
    const isOver = this.#token === undefined || this.#token === refused || this.#endsAt - now < leastLeftMs;
    if (isOver) {
      this.#asking ??= this.#ask(oauth).finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
    }
    return this.#token ?? '';
  }

  async #ask({ clientId, clientSecret, refreshToken }: NonNullable<HubSpotOptions['oauth']>): Promise<void> {
    this.#countOrRefuse();
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: clientId,
      client_secret: clientSecret,
      refresh_token: (await this.#refreshTokens?.current()) ?? refreshToken,
    });
    const read = token.safeParse(
      await this.#logIn(form).catch((thrown) => {
        this.#failure = thrown instanceof RequestFailed ? thrown.failure : undefined;
        throw thrown;
      }),
    );
    this.#failure = undefined;
    if (!read.success)
      throw new RequestFailed({
        kind: 'retry',
        scope: 'connector',
        reason: 'HubSpot let the bridge log in, and named no token.',
      });
    const { access_token: fresh, expires_in: seconds, refresh_token: issued } = read.data;
    await this.#refreshTokens?.keep(issued);
    this.#token = fresh;
    this.#endsAt = this.#tools.clock.now().getTime() + seconds * 1000;
  }

  #countOrRefuse(): void {
    const now = this.#tools.clock.now().getTime();
    this.#askedAt = this.#askedAt.filter((at) => at > now - perMs && at <= now); // later: the clock was set back
    const [oldest] = this.#askedAt;
    if (oldest !== undefined && this.#askedAt.length >= mostTokens) {
      const { kind, reason } = this.#failure ?? {
        kind: 'blocked',
        reason: 'HubSpot refuses the tokens that it issues.',
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
