import type { Delivery, OpenFollowUps, RecordRef, Records, Values } from '../../src/connector/index.ts';
import { settleFollowUps } from '../../src/crm/index.ts';
import type { Found, SalesforceApi, Written } from './api.ts';
import { linkTo, personOf } from './candidates.ts';
import { type Failure, RequestFailed, takenForAnother } from './failures.ts';
import type { Descriptions, Draft } from './fields.ts';
import { followUpDraft } from './follow-up-draft.ts';
import type { SalesforceOptions } from './options.ts';
import type { Owners } from './owners.ts';
import { saleDraft } from './sale-draft.ts';
import { fitSale } from './sales.ts';
import { isIn } from './soql.ts';

/** A call that is in Salesforce, and all that is there of it. */
export interface WrittenCall {
  delivery: Delivery;
  records: Records;
}

/** What a call left besides its Task. With failures, some of it is still to be written. */
export interface Left {
  records: Records;
  notes: string[];
  failures: Failure[];
}

/** A record that a call leaves once: never changed afterwards, since it belongs to people then. */
interface Job extends Draft {
  object: 'Task' | 'Opportunity';
  role: 'followUp' | 'sale';
  key: { property: string; value: string };
  call: WrittenCall;
}

/** Where a call is in Salesforce by now: a lead may have become a contact, or two people one. */
interface Whereabouts {
  person: RecordRef | null;
  accountId: string | null;
}

const names: Record<Job['role'], string> = { followUp: 'follow-up', sale: 'sale' };

/**
 * Writes what calls leave besides their Tasks: a follow-up for one that was missed, an Opportunity for a sale, each once
 * under a unique key. A record that is there already refuses its key, and is then looked up and left as people have it.
 */
export class AfterCall {
  readonly #api: SalesforceApi;
  readonly #options: SalesforceOptions;
  readonly #descriptions: Descriptions;
  readonly #owners: Owners;
  readonly #openFollowUps: OpenFollowUps;

  constructor(
    api: SalesforceApi,
    options: SalesforceOptions,
    descriptions: Descriptions,
    owners: Owners,
    openFollowUps: OpenFollowUps,
  ) {
    this.#api = api;
    this.#options = options;
    this.#descriptions = descriptions;
    this.#owners = owners;
    this.#openFollowUps = openFollowUps;
  }

  async write(calls: readonly WrittenCall[], signal: AbortSignal): Promise<Map<Delivery, Left>> {
    const left = new Map<Delivery, Left>(
      calls.map(({ delivery, records }) => [delivery, { records: { ...records }, notes: [], failures: [] }]),
    );
    const jobs = calls.flatMap((call) => this.#jobsOf(call));
    const of = (job: Job) => left.get(job.call.delivery) as Left;
    for (const [job, { id, failure }] of await this.#make(jobs, signal)) {
      const { records, notes, failures } = of(job);
      notes.push(...job.notes);
      if (failure) {
        const reason = `The call is in Salesforce, its ${names[job.role]} is not. ${failure.reason}`;
        failures.push(passing({ ...failure, reason }));
      } else records[job.role] = { type: job.object.toLowerCase(), id };
    }
    await this.#keepFollowUps(left);
    await this.#settleFollowUps(left, signal);
    return left;
  }

  #jobsOf(call: WrittenCall): Job[] {
    const { delivery } = call;
    const drafts = [followUpDraft(this.#options, delivery), saleDraft(this.#options, delivery)];
    return drafts.flatMap((draft): Job[] => {
      if (!draft?.key || call.records[draft.role]) return [];
      return [
        {
          call,
          role: draft.role as Job['role'],
          object: draft.role === 'sale' ? 'Opportunity' : 'Task',
          key: draft.key,
          values: draft.properties,
          timezone: delivery.source.timezone,
          notes: [...draft.notes],
        },
      ];
    });
  }

  async #make(jobs: readonly Job[], signal: AbortSignal): Promise<Map<Job, Written>> {
    const results = new Map<Job, Written>();
    if (jobs.length === 0) return results;
    try {
      await this.#owners.settle(jobs, signal);
      await this.#fitSales(jobs, results, signal);
      const due = jobs.filter((job) => !results.has(job)).sort((a, b) => (a.object < b.object ? -1 : 1));
      // A sale names the account, which the call's Task knows; a follow-up asks only when its person is gone.
      const sales = due.filter(({ role }) => role === 'sale');
      const places = await this.#whereabouts(sales, signal);
      const orphans = await this.#insert(due, places, results, signal);
      const moved = await this.#moved(orphans, places, signal);
      for (const job of await this.#insert(orphans, moved, results, signal)) {
        const { failure } = results.get(job) as { failure: Failure };
        results.set(job, { failure: { ...failure, kind: 'retry' } });
      }
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      for (const job of jobs) {
        const failed = results.get(job)?.failure;
        if (!results.has(job) || (failed && isOfGone(failed))) results.set(job, { failure: thrown.failure });
      }
    }
    return results;
  }

  async #fitSales(jobs: readonly Job[], results: Map<Job, Written>, signal: AbortSignal): Promise<void> {
    const sales = jobs.filter(({ role }) => role === 'sale');
    if (sales.length === 0) return;
    try {
      const opportunity = await this.#descriptions.object('Opportunity', signal);
      for (const job of sales) {
        const problem = fitSale(job, opportunity);
        if (problem !== undefined) results.set(job, { failure: { kind: 'rejected', reason: problem } });
      }
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      const { failure } = thrown;
      const { reason } = failure;
      const hidden = `The bridge's user may not see Opportunities. Grant it, or take \`sale\` out. ${reason}`;
      for (const job of sales) {
        results.set(job, { failure: failure.isMissing ? { kind: 'retry', reason: hidden } : failure });
      }
    }
  }

  /** Answers the jobs whose person or account turned out to be gone. */
  async #insert(
    jobs: readonly Job[],
    places: ReadonlyMap<Job, Whereabouts>,
    results: Map<Job, Written>,
    signal: AbortSignal,
  ): Promise<Job[]> {
    if (jobs.length === 0) return [];
    const described = jobs.some(({ role }) => role === 'sale')
      ? await this.#descriptions.of('Opportunity', signal)
      : undefined;
    const drafts = jobs.map((job): Draft => {
      const links = linksOf(job, places.get(job), (name) => described?.get(name)?.createable === true);
      return { ...job, values: { ...links, ...job.values, [job.key.property]: job.key.value } };
    });
    const written = await this.#descriptions.writeFitted(
      drafts,
      (records) => this.#api.insert('what calls left', records, signal),
      signal,
    );
    const taken: Job[] = [];
    const orphans: Job[] = [];
    jobs.forEach((job, place) => {
      const one = written[place] as Written;
      results.set(job, one);
      if (one.failure?.cure?.what === 'taken') taken.push(job);
      else if (one.failure && isOfGone(one.failure)) orphans.push(job);
    });
    await this.#adopt(taken, results, signal);
    return orphans;
  }

  /** Finds the records that these keys name, archived ones too. */
  async #adopt(jobs: readonly Job[], results: Map<Job, Written>, signal: AbortSignal): Promise<void> {
    const properties = [
      ...new Map(jobs.map(({ object, key }) => [key.property + object, { object, key }])).values(),
    ];
    if (properties.length === 0) return;
    const found = await this.#api.query(
      properties.map(({ object, key: { property } }) => {
        const keys = jobs.flatMap((job) => (job.object === object ? [job.key.value] : []));
        return `SELECT Id,${property} FROM ${object} WHERE IsDeleted = false AND ${isIn(property, keys)}`;
      }),
      signal,
      'queryAll',
    );
    properties.forEach(({ object, key: { property } }, place) => {
      const { rows = [], failure } = found[place] as Found;
      for (const job of jobs.filter((one) => one.object === object)) {
        const row = rows.find((one) => one[property] === job.key.value);
        const refused = (results.get(job) as { failure: Failure }).failure;
        const wanted = job.key.value.toLowerCase();
        const like = rows.find((one) => String(one[property]).toLowerCase() === wanted);
        if (row) results.set(job, { id: row.Id, created: false });
        else if (like) results.set(job, { failure: takenForAnother(property, job.key.value, like) });
        else if (failure) results.set(job, { failure });
        // Another unique field of the org's, which this call will never satisfy.
        else if (!refused.reason.includes(property))
          results.set(job, { failure: { ...refused, kind: 'rejected' } });
      }
    });
  }

  /** As Salesforce has them by now: it moves a call along when it converts or merges its person. */
  async #whereabouts(jobs: readonly Job[], signal: AbortSignal): Promise<Map<Job, Whereabouts>> {
    const ids = [...new Set(jobs.flatMap(({ call }) => call.records.activity?.id ?? []))];
    if (ids.length === 0) return new Map();
    const statement = `SELECT Id,WhoId,WhatId,AccountId FROM Task WHERE ${isIn('Id', ids)}`;
    const [found] = await this.#api.query([statement], signal, 'queryAll');
    if (!found?.rows) throw new RequestFailed((found as { failure: Failure }).failure);
    const { rows } = found;
    return new Map(
      jobs.flatMap((job) => {
        const row = rows.find(({ Id }) => Id === job.call.records.activity?.id);
        if (!row) return [];
        const text = (name: string) => (typeof row[name] === 'string' ? (row[name] as string) : null);
        const person = personOf(row['WhoId'] ?? row['WhatId']) ?? null;
        return [[job, { person, accountId: text('AccountId') }] as const];
      }),
    );
  }

  /** Where jobs belong whose person was refused: to whom that became, and to nobody if Salesforce still names the same. */
  async #moved(
    orphans: readonly Job[],
    before: ReadonlyMap<Job, Whereabouts>,
    signal: AbortSignal,
  ): Promise<Map<Job, Whereabouts>> {
    const places = await this.#whereabouts(orphans, signal);
    for (const job of orphans) {
      const refused = before.has(job) ? before.get(job)?.person : job.call.records.person;
      const place = places.get(job);
      if (place?.person && place.person.id !== refused?.id) continue;
      places.set(job, { person: null, accountId: null });
      job.notes.push(`The ${names[job.role]} has no person: the one of the call is gone from Salesforce.`);
    }
    return places;
  }

  /** Before an outcome tells of them: a later call has to find those that are open. */
  async #keepFollowUps(left: ReadonlyMap<Delivery, Left>): Promise<void> {
    await this.#openFollowUps.add(
      [...left].flatMap(([delivery, { records }]) => {
        const { followUp } = records;
        return followUp && !delivery.records.followUp ? [{ delivery, followUp }] : [];
      }),
    );
  }

  /** Completes the follow-ups of earlier calls that these calls settle. */
  async #settleFollowUps(left: ReadonlyMap<Delivery, Left>, signal: AbortSignal): Promise<void> {
    const told = await settleFollowUps(this.#openFollowUps, [...left.keys()], async (ids) => {
      const written = await this.#api.update(
        'follow-ups',
        ids.map((id) => ({ object: 'Task', id, fields: { Status: 'Completed' } })),
        signal,
      );
      return new Map(ids.map((id, place) => [id, passing(written[place]?.failure)]));
    });
    for (const [delivery, { notes, failures }] of told) {
      const one = left.get(delivery) as Left;
      one.notes.push(...notes);
      one.failures.push(...(failures as Failure[]));
    }
  }
}

function linksOf(job: Job, place: Whereabouts | undefined, isCreateable: (name: string) => boolean): Values {
  const person = place ? place.person : (job.call.records.person ?? null);
  if (job.role === 'followUp') return person ? linkTo(person) : {};
  const accountId = person?.type === 'account' ? person.id : (place?.accountId ?? null);
  const isContact = person !== null && person.type !== 'account' && person.type !== 'lead';
  return {
    ...(accountId !== null && isCreateable('AccountId') ? { AccountId: accountId } : {}),
    ...(isContact && isCreateable('ContactId') ? { ContactId: person.id } : {}),
  };
}

function isOfGone({ cure }: Failure): boolean {
  return cure?.what === 'gone' || cure?.what === 'converted';
}

/** The call itself is written: what is wrong with one kind of record must not stop other calls. */
function passing<F extends Failure | undefined>(failure: F): F {
  return failure?.kind === 'blocked' && failure.isOfKind ? { ...failure, kind: 'retry' } : failure;
}
