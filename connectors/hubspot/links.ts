import type { RecordRef } from '../../src/connector/index.ts';
import type { HubSpotApi } from './api.ts';

/** HubSpot's numbers of its kinds of objects, which its addresses use. */
const objectTypeIds: Record<string, string> = { contact: '0-1', deal: '0-3', task: '0-27', call: '0-48' };

const askedTooLongMs = 10_000;

/** Addresses of records. They need the account's number, which is asked for when the first is wanted. */
export class RecordLinks {
  readonly #api: HubSpotApi;
  #account: { portalId: string; uiDomain: string } | undefined;
  #isAsking = false;

  constructor(api: HubSpotApi) {
    this.#api = api;
  }

  /** Undefined until HubSpot has said which account it is. */
  of(record: RecordRef): string | undefined {
    const objectTypeId = objectTypeIds[record.type];
    if (objectTypeId === undefined) return undefined;
    if (!this.#account) {
      void this.#ask();
      return undefined;
    }
    const { uiDomain, portalId } = this.#account;
    return `https://${uiDomain}/contacts/${portalId}/record/${objectTypeId}/${record.id}`;
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      this.#account = await this.#api.account(AbortSignal.timeout(askedTooLongMs));
    } catch {
      // A page without links is no failure; the next look at it asks again.
    } finally {
      this.#isAsking = false;
    }
  }
}
