import type { HubSpotApi } from './api.ts';
import { linksTo } from './associations.ts';
import { callDraft } from './call-draft.ts';
import { type Job, KeyedRecords } from './keyed-records.ts';
import type { HubSpotOptions } from './options.ts';
import type { Records } from './records.ts';
import type { Work } from './work.ts';

/** The call records: one for each call, the whole of it written each time. */
export class Calls {
  readonly #records: KeyedRecords;
  readonly #options: HubSpotOptions;

  constructor(api: HubSpotApi, records: Records, options: HubSpotOptions) {
    this.#records = new KeyedRecords(api, records, 'calls', 'keptUpToDate');
    this.#options = options;
  }

  async write(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const jobs = works.map((work) => this.#job(work));
    for (const [{ work }, { id, notes, failure }] of await this.#records.write(jobs, signal)) {
      work.notes.push(...notes);
      work.records = {
        ...work.records,
        ...(id === null ? {} : { activity: { type: 'call', id } }),
        ...(failure || work.contactId === null ? {} : { person: { type: 'contact', id: work.contactId } }),
      };
      if (failure) work.failures.push(failure);
    }
  }

  #job(work: Work): Job & { work: Work } {
    const { delivery, contactId, companyId, ownerId } = work;
    const { activity, person } = delivery.records;
    const draft = callDraft(this.#options, delivery, ownerId);
    work.notes.push(...draft.notes);
    return {
      work,
      key: delivery.key,
      values: draft.properties,
      timezone: delivery.source.timezone,
      links: linksTo(contactId, companyId),
      known: activity ? { id: activity.id, isLinked: person !== undefined } : null,
    };
  }
}
