import { LRUCache } from 'lru-cache';
import type { Delivery, RecordRef, Records, Values } from '../../src/connector/index.ts';
import { ActivityOwners, asFailure, isShown } from '../../src/crm/index.ts';
import type { Row } from './answers.ts';
import type { Fields, SalesforceApi, Written } from './api.ts';
import { linkTo, personOf } from './candidates.ts';
import { type Failure, RequestFailed, takenForAnother } from './failures.ts';
import type { Descriptions, Draft, Fitted } from './fields.ts';
import type { SalesforceOptions } from './options.ts';
import { ownerField } from './owners.ts';
import { ownFields } from './setup-names.ts';
import { isIn } from './soql.ts';
import { createOnly, madeOnly } from './task-draft.ts';

/** A call to be written. */
export interface TaskJob extends Draft {
  delivery: Delivery;
  /** Whom it belongs to, once that is known. */
  person: RecordRef | null;
  /** What became of it when it was sent along with a person who was made for it. */
  along?: Written | undefined;
}

/** What became of a call, and what of it is in Salesforce: after a failure too, there may be something. */
export interface TaskResult {
  records: Records;
  failure?: Failure;
  /** The person who turned out not to be there any more. */
  orphanOf?: RecordRef;
}

type Results = Map<TaskJob, TaskResult>;

/** A Task that is there, and whom it is linked to already: a person, or something else that somebody chose. */
interface Existing {
  id: string;
  person: RecordRef | undefined;
  isLinked: boolean;
}

const key = ownFields.Task;

/** The values of a Task that is to be made. */
export function valuesOfNew({ values, person, delivery }: TaskJob): Values {
  return { ...values, ...(person ? linkTo(person) : {}), [key]: delivery.key };
}

/**
 * Writes calls so that each is one Task, whatever was written before:
 *
 *     id known ──▶ update ──gone──▶ ┐
 *     id unknown ─────────────────▶ upsert as a new call ──there──▶ look up by key ──▶ update
 *
 * A Task becomes a call only when it is made: TaskSubtype is refused afterwards. So an upsert always says it, which can
 * make a call but never a plain task, and is refused for a Task that is there. That one is then found and updated.
 * The person is linked once, and never sent again: a lead may have become a contact meanwhile. A call whose caller was
 * made for it may have been sent along with them.
 */
export class Tasks {
  readonly #api: SalesforceApi;
  readonly #descriptions: Descriptions;
  readonly #madeOnly: readonly string[];
  readonly #owners: ActivityOwners;
  /** What Tasks say that were given away: one that is of nobody may not even be seen afterwards. */
  readonly #given = new LRUCache<string, Fields>({ max: 5_000 });

  constructor(api: SalesforceApi, options: SalesforceOptions, descriptions: Descriptions) {
    this.#api = api;
    this.#descriptions = descriptions;
    this.#madeOnly = madeOnly(options);
    this.#owners = new ActivityOwners(ownerField(api));
  }

  async write(jobs: readonly TaskJob[], signal: AbortSignal): Promise<Results> {
    const results: Results = new Map();
    const known = new Map<TaskJob, Existing>();
    for (const job of jobs) {
      const { activity, person } = job.delivery.records;
      if (activity) known.set(job, { id: activity.id, person, isLinked: person !== undefined });
      else if (job.along) this.#keep(job, job.along, results);
    }
    await this.#lookAtLinks(known, results, signal);
    const gone = await this.#update(known, results, signal);
    const fresh = [...jobs.filter((job) => !known.has(job) && !results.has(job)), ...gone];
    const there = await this.#upsert(fresh, results, signal);
    await this.#adopt(there, results, signal);
    return results;
  }

  /** A Task without a person, which is to get one now, may have got one from people meanwhile. */
  async #lookAtLinks(known: Map<TaskJob, Existing>, results: Results, signal: AbortSignal): Promise<void> {
    const late = [...known].filter(([{ person }, { isLinked }]) => person !== null && !isLinked);
    if (late.length === 0) return;
    const ids = late.map(([, { id }]) => id);
    const found = await this.#find('Id', ids, signal).catch(asFailure<Failure>);
    for (const [job, { id }] of late) {
      if (!(found instanceof Map)) {
        results.set(job, { records: recordsOf(id, undefined), failure: found });
        known.delete(job);
      } else if (found.has(id)) known.set(job, found.get(id) as Existing);
    }
  }

  /** Updates by id; answers the jobs whose Task, or else whose person, is gone. */
  async #update(
    existing: ReadonlyMap<TaskJob, Existing>,
    results: Results,
    signal: AbortSignal,
  ): Promise<TaskJob[]> {
    const owned = [...existing].filter(([{ values }]) => 'OwnerId' in values);
    const tasks = owned.map(([, { id }]) => ({ type: 'task', id }));
    const free = await this.#owners.free(tasks, signal).catch(asFailure<Failure>);
    const unseen = 'kind' in free ? owned : [];
    for (const [job, { id, person }] of unseen)
      results.set(job, { records: recordsOf(id, person), failure: free as Failure });
    const jobs = [...existing.keys()].filter((job) => !unseen.some(([one]) => one === job));
    const mayOwn = (id: string) => 'has' in free && free.has(id);
    const valuesOf = (job: TaskJob): Values => {
      const { id, isLinked } = existing.get(job) as Existing;
      const link = !isLinked && job.person ? linkTo(job.person) : {};
      const kept = mayOwn(id) ? this.#madeOnly : [...this.#madeOnly, 'OwnerId'];
      return { ...without(kept, job.values), ...link, Id: id };
    };
    const written = await this.#send(
      jobs,
      valuesOf,
      (records) =>
        this.#api.update(
          'Task',
          records.map(({ object, fields: { Id, ...fields } }) => ({ object, id: String(Id), fields })),
          signal,
        ),
      signal,
    );
    await this.#forgive(jobs, valuesOf, written, signal);
    const gone: TaskJob[] = [];
    jobs.forEach((job, place) => {
      const { failure } = written[place] as Written;
      const { id, person, isLinked } = existing.get(job) as Existing;
      if (!failure && mayOwn(id)) this.#give(id, { ...job, values: valuesOf(job) });
      if (!failure) results.set(job, { records: recordsOf(id, isLinked ? person : job.person) });
      else if (failure.cure?.what === 'gone') gone.push(job);
      else results.set(job, failed(failure, recordsOf(id, person), job.person));
    });
    return gone;
  }

  /**
   * Nothing is to be written to a Task that shows it all: one that was given away with this very state by an attempt
   * whose answer was lost, or that is replayed. Whoever has it now need not let us change it.
   */
  async #forgive(
    jobs: readonly TaskJob[],
    valuesOf: (job: TaskJob) => Values,
    written: Written[],
    signal: AbortSignal,
  ): Promise<void> {
    const refused = jobs.flatMap((job, place) => {
      if (written[place]?.failure?.cure?.what !== 'theirs') return [];
      return [{ place, fields: this.#descriptions.fit({ ...job, values: valuesOf(job) }).fields }];
    });
    if (refused.length === 0) return;
    const names = new Set(['Id', ...refused.flatMap(({ fields }) => Object.keys(fields))]);
    const ids = refused.map(({ fields }) => String(fields['Id']));
    const statement = `SELECT ${[...names].join(',')} FROM Task WHERE IsDeleted = false AND ${isIn('Id', ids)}`;
    const rows = await this.#rows(statement, signal).catch(asFailure<Failure>);
    for (const { place, fields } of refused) {
      if (!Array.isArray(rows)) {
        written[place] = { failure: rows };
        continue;
      }
      const id = String(fields['Id']);
      const held = rows.find((row) => row.Id === id) ?? this.#given.get(id);
      const { Id: _, ...wanted } = fields;
      const shows = held && Object.entries(wanted).every(([name, value]) => isShown(held[name], value));
      if (shows) written[place] = { id, created: false };
    }
  }

  #give(id: string, draft: Draft): void {
    this.#owners.given(id);
    this.#given.set(id, this.#descriptions.fit(draft).fields);
  }

  /** What became of a Task that was to be made. */
  #keep(job: TaskJob, { id, created, failure }: Written, results: Results): void {
    if (id !== undefined && created && 'OwnerId' in job.values)
      this.#give(id, { ...job, values: valuesOfNew(job) });
    if (failure) results.set(job, failed(failure, {}, job.person));
    else results.set(job, { records: recordsOf(id, job.person) });
  }

  /** Makes Tasks; answers the jobs whose key a Task has already, from an attempt whose answer was lost. */
  async #upsert(jobs: readonly TaskJob[], results: Results, signal: AbortSignal): Promise<TaskJob[]> {
    const written = await this.#send(
      jobs,
      valuesOfNew,
      (records) =>
        this.#api.upsert(
          'Task',
          key,
          records.map(({ fields }) => fields),
          signal,
        ),
      signal,
    );
    const there: TaskJob[] = [];
    jobs.forEach((job, place) => {
      const one = written[place] as Written;
      this.#keep(job, one, results); // should nothing be found
      if (one.failure && isThere(one.failure)) there.push(job);
    });
    return there;
  }

  /** Finds the Tasks that have these keys, and updates them. */
  async #adopt(jobs: readonly TaskJob[], results: Results, signal: AbortSignal): Promise<void> {
    if (jobs.length === 0) return;
    const found = await this.#find(
      key,
      jobs.map(({ delivery }) => delivery.key),
      signal,
    ).catch(asFailure<Failure>);
    const existing = new Map<TaskJob, Existing>();
    for (const job of jobs) {
      if (!(found instanceof Map)) results.set(job, { records: {}, failure: found });
      else {
        const task = found.get(job.delivery.key);
        if (task) existing.set(job, task);
        else this.#explain(job, found, results);
      }
    }
    for (const job of await this.#update(existing, results, signal)) {
      // It was there a moment ago, so whoever is gone is the person.
      const { id, person, isLinked } = existing.get(job) as Existing;
      const failure = { kind: 'retry' as const, reason: 'The person of this call is gone from Salesforce.' };
      const orphan = !isLinked && job.person ? { orphanOf: job.person } : {};
      results.set(job, {
        records: recordsOf(id, person),
        failure: { ...failure, cure: { what: 'gone' } },
        ...orphan,
      });
    }
  }

  /** Salesforce says that a Task has the key, and shows none that has this very one. */
  #explain(job: TaskJob, found: ReadonlyMap<string, Existing>, results: Results): void {
    const wanted = job.delivery.key;
    const like = [...found].find(([one]) => one.toLowerCase() === wanted.toLowerCase());
    if (like) {
      const failure = takenForAnother(key, wanted, { Id: like[1].id, [key]: like[0] });
      results.set(job, { records: {}, failure });
      return;
    }
    const { failure } = results.get(job) as { failure: Failure };
    if (failure.cure?.what !== 'theirs') return;
    const reason = `Either the Task of this call is there and somebody else's, so that the bridge's user may not even see it ("Owners" in connectors/salesforce/README.md), or the user may make none for this person. ${failure.reason}`;
    results.set(job, { records: {}, failure: { kind: 'rejected', reason } });
  }

  /** Tasks by a field of theirs; archived ones too, which a plain query leaves out. */
  async #find(
    field: 'Id' | typeof key,
    values: readonly string[],
    signal: AbortSignal,
  ): Promise<Map<string, Existing>> {
    const statement = `SELECT Id,WhoId,WhatId,${key} FROM Task WHERE IsDeleted = false AND ${isIn(field, values)}`;
    const rows = await this.#rows(statement, signal);
    return new Map(
      rows.map((row) => {
        const linked = row['WhoId'] ?? row['WhatId'] ?? null;
        return [String(row[field]), { id: row.Id, person: personOf(linked), isLinked: linked !== null }];
      }),
    );
  }

  async #rows(statement: string, signal: AbortSignal): Promise<Row[]> {
    const [found] = await this.#api.query([statement], signal, 'queryAll');
    if (found?.rows) return found.rows;
    throw new RequestFailed((found as { failure: Failure }).failure);
  }

  async #send(
    jobs: readonly TaskJob[],
    valuesOf: (job: TaskJob) => Values,
    write: (records: readonly Fitted[]) => Promise<Written[]>,
    signal: AbortSignal,
  ): Promise<Written[]> {
    if (jobs.length === 0) return [];
    const drafts = jobs.map((job): Draft => ({ ...job, values: valuesOf(job) }));
    return this.#descriptions.writeFitted(drafts, write, signal);
  }
}

function without(names: readonly string[], values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));
}

/** Salesforce says so by refusing what can only be said of a new Task, by our key, or by whose Task it is. */
function isThere({ cure }: Failure): boolean {
  if (cure?.what === 'fields') return cure.names.some((name) => createOnly.includes(name));
  return cure?.what === 'taken' || cure?.what === 'theirs';
}

function failed(failure: Failure, records: Records, person: RecordRef | null): TaskResult {
  const isOrphan = failure.cure?.what === 'gone' || failure.cure?.what === 'converted';
  return { records, failure, ...(isOrphan && person ? { orphanOf: person } : {}) };
}

function recordsOf(id: string, person: RecordRef | null | undefined): Records {
  return { activity: { type: 'task', id }, ...(person ? { person } : {}) };
}
