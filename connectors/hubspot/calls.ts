import type { Delivery, Values } from '../../src/connector/index.ts';
import { linksTo } from './associations.ts';
import { callDraft } from './call-draft.ts';
import type { Instead } from './fields.ts';
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
    const instead = insteadOn(delivery);
    return {
      work,
      key: delivery.key,
      values: withKnownStatus(draft.properties, instead, found, work.notes),
      instead,
      timezone: delivery.source.timezone,
      links: linksTo(contactId, companyId),
      known: activity ? { id: activity.id, isLinked: person !== undefined, isNew: false } : null,
    };
  }
}

/** Statuses that say that a call is over, `COMPLETED` in front: it says no more than that. */
const over = ['COMPLETED', 'NO_ANSWER', 'BUSY', 'CANCELED', 'FAILED'];
/** A call that rings is rather shown as over than as nothing. */
const notOver = ['CONNECTING', 'RINGING', 'COMPLETED'];

/**
 * What to write where an account does not take what a call should show. One that is over never stays open, though the
 * account lacks its status, or the mapping names one that does not exist.
 */
function insteadOn({ call }: Delivery): Instead {
  return { hs_call_status: call.phase === 'ringing' ? notOver : over, hs_timestamp: [call.startedAt] };
}

/** A status that a probe found the account not to have need not be tried. */
function withKnownStatus(
  values: Values,
  { hs_call_status: others = [] }: Instead,
  { statuses }: Partial<Found>,
  notes: string[],
): Values {
  const status = values['hs_call_status'];
  if (!statuses || status === undefined || statuses.includes(String(status))) return values;
  const { hs_call_status: _, ...rest } = values;
  const instead = others.find((one) => statuses.includes(String(one)));
  notes.push(`This HubSpot account has no call status ${status}.`);
  return { ...rest, ...(instead === undefined ? {} : { hs_call_status: instead }) };
}
