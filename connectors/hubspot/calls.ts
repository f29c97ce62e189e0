import type { HubSpotApi } from './api.ts';
import { linksTo } from './associations.ts';
import { callDraft } from './call-draft.ts';
import type { Found, HubSpotFindings } from './found.ts';
import { type Job, KeyedRecords } from './keyed-records.ts';
import type { HubSpotOptions } from './options.ts';
import type { Records } from './records.ts';
import type { SearchedCalls } from './searched-calls.ts';
import type { Values } from './values.ts';
import type { Work } from './work.ts';

/** The call records: one for each call, the whole of it written each time. */
export class Calls {
  readonly #records: KeyedRecords;
  readonly #options: HubSpotOptions;
  readonly #searched: SearchedCalls;
  readonly #findings: HubSpotFindings;

  constructor(
    api: HubSpotApi,
    records: Records,
    options: HubSpotOptions,
    searched: SearchedCalls,
    findings: HubSpotFindings,
  ) {
    this.#records = new KeyedRecords(api, records, 'calls', 'keptUpToDate', () => findings.all());
    this.#options = options;
    this.#searched = searched;
    this.#findings = findings;
  }

  async write(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const found = await this.#findings.all();
    const jobs = works.map((work) => this.#job(work, found));
    const write = (due: typeof jobs) => this.#records.write(due, signal);
    const results =
      found.callKeys === 'searched'
        ? await this.#searched.write(jobs, found, (due) => write([...due]), signal)
        : await write(jobs);
    for (const [{ work }, { id, notes, failure }] of results) {
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
      known: activity ? { id: activity.id, isLinked: person !== undefined } : null,
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
