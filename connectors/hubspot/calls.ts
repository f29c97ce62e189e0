import type { Delivery, RecordRef, Records } from '../../src/connector/contract.ts';
import type { HubSpotApi, Properties, UpdateInput, Written } from './api.ts';
import { type Failure, RequestFailed } from './failures.ts';
import type { Found } from './found.ts';
import { secondLook } from './second-look.ts';
import { ownProperties } from './setup-names.ts';

/** A call to be written, and the contact it belongs to. */
export interface CallJob {
  delivery: Delivery;
  properties: Properties;
  contactId: string | null;
}

/** What became of a call, and what of it is in HubSpot: after a failure too, there may be something. */
export interface CallResult {
  records: Records;
  failure?: Failure;
}

type Results = Map<CallJob, CallResult>;

const key = ownProperties.calls;

/**
 * Writes calls so that each is one record, whatever was written before:
 *
 *     id known ──▶ update ──gone──▶ ┐
 *     id unknown ─────────────────▶ create under the key ──taken──▶ read by key ──▶ update ──▶ link
 *
 * A new record brings its link along. One that was there is linked unless it is known to have been.
 */
export class Calls {
  readonly #api: HubSpotApi;
  readonly #found: () => Promise<Partial<Found>>;

  constructor(api: HubSpotApi, found: () => Promise<Partial<Found>>) {
    this.#api = api;
    this.#found = found;
  }

  async write(jobs: readonly CallJob[], signal: AbortSignal): Promise<Results> {
    const results: Results = new Map();
    const known = new Map<CallJob, string>();
    for (const job of jobs) {
      const id = job.delivery.records.activity?.id;
      if (id !== undefined) known.set(job, id);
    }
    const gone = await this.#update(known, (job) => job.delivery.records, results, signal);
    const fresh = [...jobs.filter((job) => !known.has(job)), ...gone];
    const taken = await this.#create(fresh, results, signal);
    await this.#adopt(taken, results, signal);
    await this.#link(results, signal);
    return results;
  }

  /** Updates by id; answers the jobs whose record is gone. */
  async #update(
    ids: ReadonlyMap<CallJob, string>,
    before: (job: CallJob) => Records,
    results: Results,
    signal: AbortSignal,
  ): Promise<CallJob[]> {
    if (ids.size === 0) return [];
    const inputs = [...ids].map(([job, id]) => ({ ...input(job), id }));
    const written = await orFailAll(inputs, () => this.#api.update('calls', inputs, signal));
    await this.#lookAgain(written, [...ids.keys()], ids, signal);
    const gone: CallJob[] = [];
    for (const [job, id] of ids) {
      const { failure } = written.get(job.delivery.key) as Written;
      const records = { ...before(job), activity: activity(id) };
      if (failure?.cure?.what === 'gone') gone.push(job);
      else results.set(job, failure ? { records, failure } : { records });
    }
    return gone;
  }

  /** Creates; answers the jobs whose key a record has already, from an attempt whose answer was lost. */
  async #create(jobs: readonly CallJob[], results: Results, signal: AbortSignal): Promise<CallJob[]> {
    if (jobs.length === 0) return [];
    const inputs = jobs.map((job) => ({ ...input(job), contactId: job.contactId ?? undefined }));
    const written = await orFailAll(inputs, () => this.#api.create('calls', inputs, signal));
    await this.#lookAgain(written, jobs, new Map(), signal);
    const taken: CallJob[] = [];
    for (const job of jobs) {
      const { row, failure } = written.get(job.delivery.key) as Written;
      if (row) results.set(job, { records: { activity: activity(row.id), ...person(job) } });
      else if (isOurKey(failure)) taken.push(job);
      else results.set(job, { records: {}, failure: failure as Failure });
    }
    return taken;
  }

  /** Where a probe found that HubSpot refuses in words we do not know. */
  async #lookAgain(
    written: Map<string, Written>,
    jobs: readonly CallJob[],
    ids: ReadonlyMap<CallJob, string>,
    signal: AbortSignal,
  ): Promise<void> {
    if ((await this.#found()).refusals !== 'unread') return;
    const refused = jobs.flatMap((job) => {
      const failure = written.get(job.delivery.key)?.failure;
      return failure ? [{ failure, key: job.delivery.key, id: ids.get(job), contactId: job.contactId }] : [];
    });
    const meant = await secondLook(this.#api, refused, signal);
    refused.forEach(({ key }, place) => {
      written.set(key, { failure: meant[place] as Failure });
    });
  }

  /** Finds the records that have these keys, and updates them. */
  async #adopt(taken: readonly CallJob[], results: Results, signal: AbortSignal): Promise<void> {
    if (taken.length === 0) return;
    const keys = taken.map(({ delivery }) => delivery.key);
    try {
      const rows = await this.#api.read('calls', keys, { idProperty: key, properties: [key] }, signal);
      const idOf = new Map(rows.map((row) => [row.properties[key], row.id]));
      const found = new Map<CallJob, string>();
      const hidden: CallJob[] = [];
      for (const job of taken) {
        const id = idOf.get(job.delivery.key);
        if (id === undefined) hidden.push(job);
        else found.set(job, id);
      }
      hidden.push(...(await this.#update(found, () => ({}), results, signal)));
      for (const job of hidden) results.set(job, { records: {}, failure: isHidden(job) });
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      for (const job of taken) results.set(job, { records: {}, failure: thrown.failure });
    }
  }

  /** Links what was updated and is not known to be linked. */
  async #link(results: Results, signal: AbortSignal): Promise<void> {
    const links = [...results].flatMap(([job, { records, failure }]) => {
      if (failure || !records.activity || records.person || job.contactId === null) return [];
      const callId = records.activity.id;
      return [{ job, callId, contactId: job.contactId, objectWriteTraceId: callId }];
    });
    if (links.length === 0) return;
    const linked = await orFailAll(links, () => this.#api.linkToContacts(links, signal));
    for (const { job, callId } of links) {
      const failure = linked.get(callId)?.failure;
      const records = { activity: activity(callId) };
      results.set(job, failure ? { records, failure } : { records: { ...records, ...person(job) } });
    }
  }
}

function input({ delivery, properties }: CallJob): Omit<UpdateInput, 'id'> {
  return { objectWriteTraceId: delivery.key, properties: { ...properties, [key]: delivery.key } };
}

function activity(id: string): RecordRef {
  return { type: 'call', id };
}

function person({ contactId }: CallJob): Pick<Records, 'person'> {
  return contactId === null ? {} : { person: { type: 'contact', id: contactId } };
}

/** HubSpot's complaint may leave out which property it is about; then it is taken to be the key. */
function isOurKey(failure: Failure | undefined): boolean {
  return failure?.cure?.what === 'conflict' && (failure.cure.property ?? key) === key;
}

function isHidden({ delivery }: CallJob): Failure {
  const reason = `HubSpot says that a call has ${key} ${delivery.key} already, but does not show it.`;
  return { kind: 'retry', reason };
}

/** A request that failed as a whole failed for each of its inputs. */
async function orFailAll(
  inputs: readonly { objectWriteTraceId: string }[],
  send: () => Promise<Map<string, Written>>,
): Promise<Map<string, Written>> {
  try {
    return await send();
  } catch (thrown) {
    if (!(thrown instanceof RequestFailed)) throw thrown;
    return new Map(inputs.map((one) => [one.objectWriteTraceId, { failure: thrown.failure }]));
  }
}
