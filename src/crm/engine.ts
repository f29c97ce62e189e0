import type { RecordRef } from '../call/records.ts';
import type { Delivery, Outcome, RecordDraft, Tools } from '../connector/contract.ts';
import { OpenFollowUps } from '../connector/open-follow-ups.ts';
import { ownerOf } from '../connector/owner.ts';
import type { CrmDriver } from './driver.ts';
import { type Failure, outcomeOf, RequestFailed } from './failure.ts';
import { KeyedRecords } from './keyed-records.ts';
import type { CrmOptions } from './options.ts';
import { ActivityOwners, UnownedPeople } from './ownership.ts';
import { People } from './people.ts';
import { PersonUpdates, type Updated } from './person-updates.ts';
import { passing, settleFollowUps } from './settled-follow-ups.ts';
import { Users } from './users.ts';
import { type CallRecord, type Drafts, type Result, type Work, workOn } from './work.ts';

/**
 * Makes calls appear in a CRM: people first, then activities with their links, then what else a call leaves; each delivery
 * with an outcome of its own. Somebody who turns out to be gone is followed, and everything is written once more.
 */
export class CrmEngine {
  /** The users whom the configuration names. */
  readonly users: Users;
  readonly #driver: CrmDriver;
  readonly #options: CrmOptions;
  readonly #people: People;
  readonly #updates: PersonUpdates;
  readonly #unowned: UnownedPeople | undefined;
  readonly #activities: KeyedRecords;
  readonly #left: KeyedRecords;
  readonly #followUps: OpenFollowUps;

  constructor(
    driver: CrmDriver,
    options: CrmOptions,
    tools: Pick<Tools, 'clock' | 'log' | 'memory' | 'people'>,
  ) {
    const { name, owner, personRecords, records, touches } = driver;
    const { onUpdate, properties } = options.person;
    this.#driver = driver;
    this.#options = options;
    this.users = new Users((addresses, signal) => driver.users(addresses, signal), owner, tools.clock);
    const updates = { onUpdate, properties, touches: options.attribution ? touches : undefined };
    this.#updates = new PersonUpdates(personRecords, updates, tools.clock);
    this.#unowned = options.owner ? new UnownedPeople(owner, personRecords, tools.memory) : undefined;
    const means = { users: this.users, updates: this.#updates, unowned: this.#unowned };
    this.#people = new People(driver, options.person, means, tools);
    const upkeep = { owners: new ActivityOwners(owner), ownerField: owner.name };
    this.#activities = new KeyedRecords(name, records, tools, upkeep);
    this.#left = new KeyedRecords(name, records, tools);
    this.#followUps = new OpenFollowUps(options.followUp, tools.memory);
  }

  async deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    const outcomes = new Map<string, Outcome>(); // by key
    const due: Delivery[] = [];
    const atEnd = this.#options.write === 'atEnd' || (await this.#driver.showsOnlyEnded?.()) === true;
    for (const delivery of newestOfEach(batch)) {
      if (atEnd && delivery.call.phase === 'ringing') {
        const notes = ['It waits for the end of the call.'];
        outcomes.set(delivery.key, { kind: 'delivered', records: delivery.records, notes });
      } else due.push(delivery);
    }
    const works = await this.#writeTwice(due, signal);
    await this.#settleFollowUps(works.filter(isWritten), signal);
    for (const work of works) outcomes.set(work.delivery.key, outcomeOf(work));
    return batch.map(({ key }) => outcomes.get(key) as Outcome);
  }

  /** Once more, for calls whose person turned out to be gone: to whom that became, or to whoever has the number now. */
  async #writeTwice(due: readonly Delivery[], signal: AbortSignal): Promise<Work[]> {
    const works = due.map((delivery) => workOn(delivery, this.#driver.drafts));
    await this.#write(works.filter(leavesSomething), signal);
    const orphans = works.filter(isOrphan);
    await this.#people.moveOn(orphans, signal);
    const again = new Map(orphans.filter(isOrphan).map((work) => [work, this.#again(work)]));
    const rest = [...again.values()];
    await this.#write(rest, signal);
    for (const [{ person: before }, work] of again) {
      const { person, delivery, notes } = work;
      if (before && delivery.call.caller.number !== null && person?.id !== before.id)
        notes.push(
          `${this.#driver.name} no longer has the ${before.type} ${before.id}, so the caller was looked up again.`,
        );
      // Something in the CRM may still name somebody who is gone. That passes.
      work.failures = work.failures.map((one) => (isOfOrphan(one) ? { ...one, kind: 'retry' } : one));
    }
    await this.#people.moveOn(rest.filter(isOrphan), signal);
    return works.map((work) => again.get(work) ?? work);
  }

  #again({ delivery, records, person }: Work): Work {
    const { person: _, ...others } = records;
    const work = workOn({ ...delivery, records: others }, this.#driver.drafts);
    if (person !== null && delivery.call.caller.number === null) {
      work.isSettled = true;
      work.notes.push(
        `${this.#driver.name} does not have the record that person.withheld names, so none was linked.`,
      );
    }
    return work;
  }

  async #write(works: readonly Work[], signal: AbortSignal): Promise<void> {
    if (works.length === 0) return;
    const sound = () => works.filter(isSound);
    await this.#settleOwners(works, signal);
    await this.#people.find(
      sound().filter(({ isSettled }) => !isSettled),
      signal,
    );
    const meetings = meetingsOf(sound(), this.#driver.personRecords.types);
    tell(works, await this.#updates.write(meetings, signal));
    const claims = meetings.flatMap(({ delivery, person }) => {
      const ownerId = this.users.idOf(ownerOf(this.#options.owner, delivery));
      return ownerId === undefined ? [] : [{ delivery, person, ownerId }];
    });
    tell(works, (await this.#unowned?.give(claims, signal)) ?? new Map());
    await this.#writeActivities(sound(), signal);
    await this.#leave(works.filter(isWritten), signal);
    for (const work of works) work.failures.push(...work.late.splice(0));
  }

  /** The owners of all that calls leave, and of whoever is made of their callers. */
  async #settleOwners(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const field = this.#driver.owner.name;
    const named = works.flatMap((work) => {
      const drafts = [work.activity ?? [], ...work.left].flat();
      const owners = [
        ownerOf(this.#options.owner, work.delivery),
        ...drafts.map(({ values }) => values[field]),
      ];
      const addresses = owners.filter((owner) => this.users.isAddress(owner));
      return addresses.length > 0 ? [{ work, drafts, addresses }] : [];
    });
    try {
      await this.users.find(
        named.flatMap(({ addresses }) => addresses),
        signal,
      );
      await this.users.settle(
        named.flatMap(({ drafts }) => drafts),
        signal,
      );
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      for (const { work } of named) work.failures.push(thrown.failure);
    }
  }

  async #writeActivities(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const activities = works.flatMap(({ activity, person }) => {
      if (activity) activity.person = person;
      return activity ?? [];
    });
    const written = await this.#activities.write(activities, signal);
    for (const work of works) {
      const { activity } = work;
      if (!activity) {
        if (work.person) work.records = { ...work.records, person: work.person };
        continue;
      }
      const { id, person, failure } = written.get(activity) as Result;
      const { type } = activity;
      work.records = {
        ...work.records,
        ...(id === null ? {} : { activity: { type, id } }),
        ...(person ? { person } : {}),
      };
      work.notes.push(...activity.notes);
      if (failure) work.failures.push(failure);
    }
  }

  /**
   * What calls leave besides, each once. Where that fails, the call is not done, though its activity is there. An activity
   * that cannot be changed any more, such as one that people keep to themselves, does not cost the sale.
   */
  async #leave(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const workOf = new Map<CallRecord, Work>();
    for (const work of works)
      for (const record of work.left) {
        if (record.known) continue;
        Object.assign(record, { person: work.person, activity: work.records.activity });
        workOf.set(record, work);
      }
    if (workOf.size === 0) return;
    const sales = [...workOf.keys()].filter(({ role }) => role === 'sale');
    const refused: ReadonlyMap<CallRecord, Failure> =
      (sales.length > 0 && (await this.#driver.records.prepareSales?.(sales, signal))) || new Map();
    const written = await this.#left.write(
      [...workOf.keys()].filter((record) => !refused.has(record)),
      signal,
    );
    for (const [record, work] of workOf) {
      const { role, type, notes } = record;
      const id = written.get(record)?.id ?? null;
      const failure = refused.get(record) ?? written.get(record)?.failure;
      work.notes.push(...notes);
      if (id !== null) work.records = { ...work.records, [role]: { type, id } };
      if (failure) {
        const reason = `The call is in ${this.#driver.name}, its ${names[role]} is not done yet. ${failure.reason}`;
        work.failures.push({ ...passing(failure), reason });
      }
    }
    // Remembered before anything says that they are made: a crash in between finds them made, and remembers them then.
    await this.#followUps.add(
      works.flatMap(({ delivery, records: { followUp } }) =>
        followUp && !delivery.records.followUp ? [{ delivery, followUp }] : [],
      ),
    );
  }

  /** Completes the follow-ups of earlier calls that these calls settle. */
  async #settleFollowUps(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const told = await settleFollowUps(
      this.#followUps,
      works.map(({ delivery }) => delivery),
      (ids) => this.#driver.records.complete(ids, signal),
      signal,
    );
    for (const work of works) {
      const { notes = [], failures = [] } = told.get(work.delivery) ?? {};
      work.notes.push(...notes);
      work.failures.push(...failures);
    }
  }
}

/** What a call leaves under these drafts, for people to look at before anything is written. */
export function draftsOf(drafts: Drafts, delivery: Delivery): RecordDraft[] {
  const left = [drafts.activity(delivery), drafts.followUp(delivery), drafts.sale(delivery)].filter(
    (draft) => draft !== undefined,
  );
  // Nobody is made of a call that leaves nothing.
  return left.length === 0 ? [] : [drafts.person(delivery, [delivery.call]) ?? [], left].flat();
}

const names: Record<CallRecord['role'], string> = { activity: 'record', followUp: 'follow-up', sale: 'sale' };

/** A key is written once in a batch, with its latest state: CRMs refuse what names a record twice. */
function newestOfEach(batch: readonly Delivery[]): Delivery[] {
  const newest = new Map<string, Delivery>();
  for (const delivery of batch) {
    const other = newest.get(delivery.key);
    if (!other || other.revision <= delivery.revision) newest.set(delivery.key, delivery);
  }
  return [...newest.values()];
}

/** Calls of people who were there before them. */
function meetingsOf(
  works: readonly Work[],
  types: readonly string[],
): { delivery: Delivery; person: RecordRef }[] {
  return works.flatMap(({ delivery, person, isNew }) => {
    const isCaller = delivery.call.caller.number !== null;
    return person && isCaller && !isNew && types.includes(person.type) ? [{ delivery, person }] : [];
  });
}

function tell(works: readonly Work[], updated: ReadonlyMap<Delivery, Updated>): void {
  for (const work of works) {
    const { notes = [], failure } = updated.get(work.delivery) ?? {};
    work.notes.push(...notes);
    if (!failure) continue;
    const isTheirs = failure.kind === 'retry' && failure.scope !== 'connector';
    (isTheirs ? work.late : work.failures).push(failure);
  }
}

function leavesSomething({ activity, left }: Work): boolean {
  return activity !== undefined || left.length > 0;
}

function isSound({ failures }: Work): boolean {
  return failures.length === 0;
}

/** Its activity is there, where it is to have one, and nothing of it is to be tried again. */
function isWritten({ activity, records, failures }: Work): boolean {
  return (
    (activity === undefined || records.activity !== undefined) &&
    failures.every((one) => one.kind === 'rejected' && !isOfOrphan(one))
  );
}

function isOrphan({ failures }: Work): boolean {
  return failures.some(isOfOrphan);
}

function isOfOrphan({ cure }: Failure): boolean {
  return cure?.what === 'orphan';
}
