import type { Values } from '../../src/connector/contract.ts';
import { linksTo } from './associations.ts';
import { callDraft } from './call-draft.ts';
import type { Found, HubSpotFindings } from './found.ts';
import type { Job } from './job.ts';
import type { KeyedRecords } from './keyed-records.ts';
import type { HubSpotOptions } from './options.ts';
import type { Work } from './work.ts';

/** The call records: one for each call, the whole of it written each time. */
export class Calls {
  readonly #keyed: KeyedRecords;
  readonly #options: HubSpotOptions;
  readonly #findings: HubSpotFindings;

  constructor(keyed: KeyedRecords, options: HubSpotOptions, findings: HubSpotFindings) {
    this.#keyed = keyed;
    this.#options = options;
    this.#findings = findings;
  }

  async write(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const found = await this.#findings.all();
    const jobs = works.map((work) => this.#job(work, found));
    for (const [{ work }, { id, notes, failure }] of await this.#keyed.write(jobs, signal)) {
      work.notes.push(...notes);
      work.records = {
        ...work.records,
        ...(id === null ? {} : { activity: { type: 'call', id } }),
        ...(failure || work.contactId === null ? {} : { person: { type: 'contact', id: work.contactId } }),
      };
      if (failure) work.failures.push(failure);
    }
  }

  #job(work: Work, found: Partial<Found>): Job & { work: Work } {
    const { delivery, contactId, companyId, ownerId } = work;
    const { activity, person } = delivery.records;
    const draft = callDraft(this.#options, delivery, ownerId);
    work.notes.push(...draft.notes);
    return {
      work,
      key: delivery.key,
      values: withKnownStatus(draft.properties, found, work.notes),
      timezone: delivery.source.timezone,
      links: linksTo(contactId, companyId),
      known: activity ? { id: activity.id, isLinked: person !== undefined, isNew: false } : null,
    };
  }
}

/** A status that the account does not have would be left out: `COMPLETED` says at least that the call is over. */
function withKnownStatus(values: Values, { statuses }: Partial<Found>, notes: string[]): Values {
  const status = values['hs_call_status'];
  if (!statuses || status === undefined || statuses.includes(String(status))) return values;
  const { hs_call_status: _, ...rest } = values;
  const instead = statuses.includes('COMPLETED') ? { hs_call_status: 'COMPLETED' } : {};
  notes.push(`This HubSpot account has no call status ${status}.`);
  return { ...rest, ...instead };
}
