import type { Clock, Memory } from '../../src/connector/index.ts';
import { type ActivityOwners, asFailure } from '../../src/crm/index.ts';
import type { HubSpotApi } from './api.ts';
import type { LinkFrom, LinkTo } from './associations.ts';
import { type Failure, RequestFailed } from './failures.ts';
import { areSearched, type Found, type HubSpotFindings } from './found.ts';
import { type Job, type JobResult, type KnownRecord, nothing, type Results } from './job.ts';
import { ownerName } from './owners.ts';
import type { Fate, Records } from './records.ts';
import { SearchedRecords } from './searched-records.ts';
import { secondLook } from './second-look.ts';
import { ownProperties } from './setup-names.ts';

/** What records are written with. */
export interface KeyedMeans {
  api: HubSpotApi;
  records: Records;
  findings: HubSpotFindings;
  memory: Memory;
  clock: Clock;
}

/**
 * Writes records of one kind so that each call has one, whatever was written before:
 *
 *     id known ──▶ update ──gone──▶ ┐
 *     id unknown ─────────────────▶ create under the key ──taken──▶ read by key ──▶ update ──▶ link
 *
 * A new record brings its links along. One that was there is linked unless it is known to have been. What is written
 * once is never updated: it is people's from then on, and so is its deletion. Where an account does not keep keys
 * unique, what an earlier attempt may have made is searched for first.
 */
export class KeyedRecords {
  readonly #api: HubSpotApi;
  readonly #records: Records;
  readonly #type: LinkFrom;
  readonly #owners: ActivityOwners | undefined;
  readonly #key: string;
  readonly #findings: HubSpotFindings;
  readonly #searched: SearchedRecords;

  /** @param owners of records that are kept up to date; without, they are written once */
  constructor(means: KeyedMeans, type: LinkFrom, owners?: ActivityOwners) {
    this.#api = means.api;
    this.#records = means.records;
    this.#type = type;
    this.#owners = owners;
    this.#key = ownProperties[type];
    this.#findings = means.findings;
    this.#searched = new SearchedRecords(means.api, type, means);
  }

  async write<J extends Job>(jobs: readonly J[], signal: AbortSignal): Promise<Results<J>> {
    if (jobs.length === 0) return new Map();
    const found = await this.#findings.all();
    const write = (due: readonly J[]) => this.#write(due, found, signal);
    return areSearched(this.#type, found) ? this.#searched.write(jobs, found, write, signal) : write(jobs);
  }

  async #write<J extends Job>(
    jobs: readonly J[],
    found: Partial<Found>,
    signal: AbortSignal,
  ): Promise<Results<J>> {
    const results: Results<J> = new Map();
    const known = new Map<J, KnownRecord>();
    for (const job of jobs) if (job.known) known.set(job, job.known);
    const gone = await this.#update(known, results, signal);
    const fresh = [...jobs.filter((job) => !known.has(job)), ...gone];
    const taken = await this.#create(fresh, results, signal);
    await this.#adopt(taken, found, results, signal);
    for (const to of ['contacts', 'companies', 'calls'] as const) await this.#link(to, results, signal);
    return results;
  }

  /** Updates by id; answers the jobs whose record is gone. */
  async #update<J extends Job>(
    known: ReadonlyMap<J, KnownRecord>,
    results: Results<J>,
    signal: AbortSignal,
  ): Promise<J[]> {
    const owners = this.#owners;
    if (!owners) {
      for (const [job, one] of known) results.set(job, { ...one, notes: [] });
      return [];
    }
    const owned = [...known].filter(([{ values }]) => ownerName in values);
    const free = await owners
      .free(
        owned.map(([, { id }]) => ({ type: 'call', id })),
        signal,
      )
      .catch(asFailure<Failure>);
    if ('kind' in free)
      for (const [job, one] of owned) results.set(job, { ...one, notes: [], failure: free });
    const due = [...known].filter(([job]) => !results.has(job));
    const drafts = due.map(([job, { id }]) => {
      const draft = this.#draft(job);
      const { [ownerName]: _, ...values } = draft.values;
      return { ...draft, id, values: 'has' in free && free.has(id) ? draft.values : values };
    });
    const written = await this.#records.update(this.#type, drafts, signal);
    const gone: J[] = [];
    for (const [job, one] of due) {
      const { row, failure, notes } = written.get(job.key) as Fate;
      if (row?.properties[ownerName]) owners.given(row.id);
      if (failure?.cure?.what === 'gone') gone.push(job);
      else results.set(job, { ...one, notes, ...(failure ? { failure } : {}) });
    }
    return gone;
  }

  /** Creates; answers the jobs whose key a record has already, from an attempt whose answer was lost. */
  async #create<J extends Job>(jobs: readonly J[], results: Results<J>, signal: AbortSignal): Promise<J[]> {
    const drafts = jobs.map((job) => ({ ...this.#draft(job), links: job.links }));
    const written = await this.#records.create(this.#type, drafts, signal);
    const taken: J[] = [];
    for (const job of jobs) {
      const { row, failure, notes } = written.get(job.key) as Fate;
      if (row?.properties[ownerName]) this.#owners?.given(row.id);
      if (row) results.set(job, { id: row.id, isNew: true, isLinked: true, notes });
      else if (this.#isOurKey(failure)) taken.push(job);
      else results.set(job, { ...nothing(failure), notes });
    }
    return taken;
  }

  /** Finds the records that have these keys, and updates them. */
  async #adopt<J extends Job>(
    taken: readonly J[],
    found: Partial<Found>,
    results: Results<J>,
    signal: AbortSignal,
  ): Promise<void> {
    if (taken.length === 0) return;
    try {
      const idOf = areSearched(this.#type, found)
        ? await this.#searched.find(taken, signal)
        : await this.#read(taken, signal);
      const shown = new Map<J, KnownRecord>();
      const hidden: J[] = [];
      for (const job of taken) {
        const id = idOf.get(job.key);
        if (id === undefined) hidden.push(job);
        else shown.set(job, { id, isLinked: false, isNew: true });
      }
      hidden.push(...(await this.#update(shown, results, signal)));
      for (const job of hidden) results.set(job, nothing(this.#isHidden(job)));
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      for (const job of taken) results.set(job, nothing(thrown.failure));
    }
  }

  async #read(jobs: readonly Job[], signal: AbortSignal): Promise<Map<string, string>> {
    const keys = jobs.map((job) => job.key);
    const what = { idProperty: this.#key, properties: [this.#key] };
    const rows = await this.#api.read(this.#type, keys, what, signal);
    return new Map(rows.map((row) => [row.properties[this.#key] ?? '', row.id]));
  }

  /** Links what was there and is not known to be linked. */
  async #link<J extends Job>(to: LinkTo, results: Results<J>, signal: AbortSignal): Promise<void> {
    const links = [...results].flatMap(([job, { id, isLinked, failure }]) => {
      const target = job.links.find((link) => link.to === to);
      return failure || id === null || isLinked || !target ? [] : [{ job, fromId: id, toId: target.id }];
    });
    if (links.length === 0) return;
    const linked = await this.#api.link(this.#type, to, links, signal);
    const refused = links.flatMap(({ job, fromId, toId }) => {
      const failure = linked.get(fromId)?.failure;
      return failure ? [{ job, failure, links: [{ to, id: toId }] }] : [];
    });
    const meant = await secondLook(this.#api, this.#type, refused, signal);
    const failures = new Map(refused.map(({ job }, place) => [job, meant[place]]));
    for (const { job } of links) {
      const result = results.get(job) as JobResult;
      const failure = failures.get(job);
      results.set(job, { ...result, ...(failure ? { failure } : {}) });
    }
  }

  #draft({ key, values, timezone, instead }: Job) {
    return { objectWriteTraceId: key, values: { ...values, [this.#key]: key }, timezone, instead };
  }

  /** HubSpot's complaint may leave out which property it is about; then it is taken to be the key. */
  #isOurKey(failure: Failure): boolean {
    return failure.cure?.what === 'conflict' && (failure.cure.property ?? this.#key) === this.#key;
  }

  #isHidden({ key }: Job): Failure {
    const reason = `HubSpot says that one of its ${this.#type} has ${this.#key} ${key} already, but does not show it.`;
    return { kind: 'retry', reason };
  }
}
