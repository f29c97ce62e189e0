import { LRUCache } from 'lru-cache';
import { type Clock, isRecent } from '../../src/connector/index.ts';
import type { HubSpotApi } from './api.ts';
import { RequestFailed } from './failures.ts';
import type { Work } from './work.ts';

/** How long a contact is believed to work where it did. */
const keptMs = 3_600_000;

/** The companies of contacts, for accounts that want calls on their timelines, too. */
export class Companies {
  readonly #api: HubSpotApi;
  readonly #clock: Clock;
  readonly #known = new LRUCache<string, { companyId: string | null; at: number }>({ max: 5_000 });

  constructor(api: HubSpotApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  /** Only a record that is yet to be made brings a link along. */
  async find(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const wanted = works.flatMap((work) =>
      work.contactId === null ? [] : [{ work, contactId: work.contactId }],
    );
    const now = this.#clock.now().getTime();
    const unknown = wanted
      .map(({ contactId }) => contactId)
      .filter((id) => !isRecent(this.#known.get(id)?.at ?? Number.NEGATIVE_INFINITY, keptMs, now));
    try {
      if (unknown.length > 0) {
        const ids = [...new Set(unknown)];
        const found = await this.#api.companiesOf(ids, signal);
        for (const id of ids) this.#known.set(id, { companyId: found.get(id) ?? null, at: now });
      }
      for (const { work, contactId } of wanted)
        work.companyId = this.#known.get(contactId)?.companyId ?? null;
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      for (const { work } of wanted) work.failures.push(thrown.failure);
    }
  }

  /** The contact or its company is gone. */
  forget(contactIds: readonly string[]): void {
    for (const id of contactIds) this.#known.delete(id);
  }
}
