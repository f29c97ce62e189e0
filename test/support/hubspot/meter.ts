import { overLimit } from './refusals.ts';

export interface Limits {
  /** Of one token. 100 for Free and Starter, 190 for Professional and Enterprise. */
  perTenSeconds: number;
  /** Of the account; searches are outside the ten-second window. */
  searchesPerSecond: number;
  perDay: number;
}

/** Counts requests and refuses those beyond a limit. Refused ones do not use the limits up. */
export class Meter {
  readonly #limits: Limits;
  readonly #now: () => number;
  #burst: number[] = [];
  #searches: number[] = [];
  #today = 0;

  constructor(limits: Limits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  take(isSearch: boolean): void {
    const now = this.#now();
    if (this.#today >= this.#limits.perDay) throw overLimit('daily');
    if (isSearch) {
      this.#searches = this.#searches.filter((at) => at > now - 1_000);
      if (this.#searches.length >= this.#limits.searchesPerSecond) throw overLimit('secondly');
      this.#searches.push(now);
    } else {
      this.#burst = this.#burst.filter((at) => at > now - 10_000);
      if (this.#burst.length >= this.#limits.perTenSeconds) throw overLimit('rolling');
      this.#burst.push(now);
    }
    this.#today++;
  }

  /** Search answers carry none, and those to an OAuth app tell nothing of the day. */
  headers(isSearch: boolean, isOAuth: boolean): Record<string, string> {
    if (isSearch) return {};
    const ofTheDay = {
      'X-HubSpot-RateLimit-Daily': String(this.#limits.perDay),
      'X-HubSpot-RateLimit-Daily-Remaining': String(this.#limits.perDay - this.#today),
    };
    return {
      'X-HubSpot-RateLimit-Max': String(this.#limits.perTenSeconds),
      'X-HubSpot-RateLimit-Remaining': String(this.#limits.perTenSeconds - this.#burst.length),
      'X-HubSpot-RateLimit-Interval-Milliseconds': '10000',
      ...(isOAuth ? {} : ofTheDay),
    };
  }
}
