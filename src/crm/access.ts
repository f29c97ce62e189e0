import type { Clock } from '../clock.ts';
import { asFailure, type Failure, RequestFailed } from './failure.ts';

/** What is posted for a token. */
export interface TokenRequest {
  /** As people and the metrics call it. */
  request: string;
  path: string;
  form: URLSearchParams;
}

/** How a token is got. */
export interface LogIn {
  wanted(): Promise<TokenRequest>;
  /** Keeps what was issued with it. Undefined: it names no token. */
  issued(body: unknown): Promise<Issued | undefined>;
  /** Texts that must never be shown, beside the token. */
  readonly secrets: readonly string[];
}

export interface Issued {
  token: string;
  /** Undefined: until it is refused. */
  lastsMs?: number;
}

/** More tokens than this in a minute help nobody: something refuses them all. */
const mostTokens = 6;
const perMs = 60_000;

/** A token that ends so soon is not begun with. */
const leastLeftMs = 60_000;

/**
 * The token of an account: one that lasts, or one that is asked for when first needed, ahead of its end, and when it is
 * refused, by all requests together.
 */
export class Access {
  readonly #crm: string;
  readonly #logIn: LogIn | undefined;
  readonly #clock: Clock;
  readonly #send: (wanted: TokenRequest) => Promise<{ body: unknown }>;
  #issued: (Issued & { at: number }) | undefined;
  #asking: Promise<void> | undefined;
  #askedAt: number[] = [];
  /** Why the last one was not issued. */
  #failure: Failure | undefined;

  /** @param how a token that lasts, or how to get one, for which `send` posts */
  constructor(
    crm: string,
    how: string | LogIn,
    clock: Clock,
    send: (wanted: TokenRequest) => Promise<{ body: unknown }>,
  ) {
    this.#crm = crm;
    this.#clock = clock;
    this.#send = send;
    if (typeof how === 'string') this.#issued = { token: how, at: 0 };
    else this.#logIn = how;
  }

  /** Whether a refused token is worth asking for another one. */
  get renews(): boolean {
    return this.#logIn !== undefined;
  }

  /** Texts that must never be shown. */
  get secrets(): string[] {
    return [this.#issued?.token ?? '', ...(this.#logIn?.secrets ?? [])].filter(Boolean);
  }

  /** A token that should work. `refused` is the one to be done with. @throws RequestFailed */
  async token(refused?: string): Promise<string> {
    const logIn = this.#logIn;
    // Somebody else may have replaced the refused one meanwhile.
    if (logIn && refused !== undefined && this.#issued?.token === refused) this.#issued = undefined;
    if (logIn && !this.#isGood()) {
      this.#asking ??= this.#ask(logIn).finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
    }
    return this.#issued?.token ?? '';
  }

  #isGood(): boolean {
    if (!this.#issued) return false;
    const { at, lastsMs } = this.#issued;
    return lastsMs === undefined || at + lastsMs - this.#clock.now().getTime() >= leastLeftMs;
  }

  async #ask(logIn: LogIn): Promise<void> {
    this.#countOrRefuse();
    try {
      const { body } = await this.#send(await logIn.wanted());
      const issued = await logIn.issued(body).catch((problem: Error) => {
        const reason = `What ${this.#crm} issued cannot be kept (${problem.message}).`;
        throw new RequestFailed({ kind: 'retry', scope: 'connector', reason }, problem);
      });
      if (!issued) {
        const reason = `${this.#crm} let the bridge log in, and named no token.`;
        throw new RequestFailed({ kind: 'retry', scope: 'connector', reason });
      }
      this.#issued = { ...issued, at: this.#clock.now().getTime() };
      this.#failure = undefined;
    } catch (thrown) {
      this.#failure = asFailure(thrown);
      throw thrown;
    }
  }

  #countOrRefuse(): void {
    const now = this.#clock.now().getTime();
    this.#askedAt = this.#askedAt.filter((at) => at > now - perMs && at <= now); // later: the clock was set back
    const [oldest] = this.#askedAt;
    if (oldest !== undefined && this.#askedAt.length >= mostTokens) {
      const failure = this.#failure ?? {
        kind: 'blocked',
        reason: `${this.#crm} refuses the tokens that it issues.`,
      };
      const reason = `${failure.reason} Asked for ${mostTokens} tokens within a minute, the bridge asks for none until the minute is over.`;
      throw new RequestFailed({ ...failure, reason, notBefore: new Date(oldest + perMs) });
    }
    this.#askedAt.push(now);
  }
}
