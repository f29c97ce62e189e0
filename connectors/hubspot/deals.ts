import { type Link, linksTo } from './associations.ts';
import { dealDraft, type Place } from './deal-draft.ts';
import { type Failure, RequestFailed } from './failures.ts';
import type { Job } from './job.ts';
import type { KeyedRecords } from './keyed-records.ts';
import type { HubSpotOptions } from './options.ts';
import type { Pipelines } from './pipelines.ts';
import type { Work } from './work.ts';

/** The sales: a deal for each call that was one, made once. */
export class Deals {
  readonly #keyed: KeyedRecords;
  readonly #options: HubSpotOptions;
  readonly #pipelines: Pipelines;

  constructor(keyed: KeyedRecords, options: HubSpotOptions, pipelines: Pipelines) {
    this.#keyed = keyed;
    this.#options = options;
    this.#pipelines = pipelines;
  }

  async write(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const sales = works.filter(
      ({ delivery }) => !delivery.records.sale && dealDraft(this.#options, delivery) !== undefined,
    );
    if (sales.length === 0) return;
    const place = await this.#place(signal);
    if ('reason' in place) {
      for (const work of sales) work.failures.push(withoutDeal(place));
      return;
    }
    const jobs = sales.map((work) => this.#job(work, place));
    for (const [{ work }, { id, notes, failure }] of await this.#keyed.write(jobs, signal)) {
      work.notes.push(...notes);
      if (id !== null) work.records = { ...work.records, sale: { type: 'deal', id } };
      if (failure) work.failures.push(withoutDeal(this.#soonKnown(failure)));
    }
  }

  async #place(signal: AbortSignal): Promise<Place | Failure> {
    try {
      const place = await this.#pipelines.place(signal);
      if (!('problem' in place)) return place;
      return { kind: 'rejected', reason: `${place.problem} ${place.fix} Then replay the call.` };
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      return thrown.failure;
    }
  }

  /** A stage that is gone since we looked: the next attempt looks again, and then knows what to say. */
  #soonKnown(failure: Failure): Failure {
    const isStage =
      failure.cure?.what === 'value' && ['pipeline', 'dealstage'].includes(failure.cure.property);
    const isMapped = 'dealstage' in (this.#options.sale?.properties ?? {});
    if (!isStage || isMapped) return failure;
    this.#pipelines.forget();
    return { ...failure, kind: 'retry' };
  }

  #job(work: Work, place: Place): Job & { work: Work } {
    const { delivery, contactId, companyId, ownerId, records } = work;
    const call: Link[] = records.activity ? [{ to: 'calls', id: records.activity.id }] : [];
    return {
      work,
      key: delivery.key,
      values: dealDraft(this.#options, delivery, place, ownerId)?.properties ?? {},
      timezone: delivery.source.timezone,
      links: [...linksTo(contactId, companyId), ...call],
      known: null,
    };
  }
}

function withoutDeal(failure: Failure): Failure {
  return { ...failure, reason: `The call is in HubSpot, its deal is not done yet. ${failure.reason}` };
}
