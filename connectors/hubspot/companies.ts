import { type Clock, isRecent } from '../../src/connector/index.ts';
import { cacheOf } from '../../src/crm/index.ts';
import type { HubSpotApi } from './api.ts';

/** How long a contact is believed to work where it did. */
const keptMs = 3_600_000;

/** The companies of contacts, for accounts that want calls on their timelines, too. */
export class Companies {
  readonly #api: HubSpotApi;
  readonly #clock: Clock;
  readonly #known = cacheOf<string, { companyId: string | null; at: number }>(5_000);

  constructor(api: HubSpotApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  /** By contact. Only a record that is yet to be made brings a link along. @throws RequestFailed */
  async of(contactIds: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const now = this.#clock.now().getTime();
    const isUnknown = (id: string) =>
      !isRecent(this.#known.get(id)?.at ?? Number.NEGATIVE_INFINITY, keptMs, now);
    const unknown = [...new Set(contactIds.filter(isUnknown))];
    if (unknown.length > 0) {
      const found = await this.#api.companiesOf(unknown, signal);
      for (const id of unknown) this.#known.set(id, { companyId: found.get(id) ?? null, at: now });
    }
    return new Map(
      contactIds.flatMap((id) => {
        const companyId = this.#known.get(id)?.companyId;
        return companyId ? [[id, companyId] as const] : [];
      }),
    );
  }

  /** The contact or its company is gone. */
  forget(contactIds: readonly string[]): void {
    for (const id of contactIds) this.#known.delete(id);
  }
}
