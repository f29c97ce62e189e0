import type { Delivery, Outcome } from '../../src/connector/index.ts';
import { outcomeOf, type PersonUpdates, type UnownedPeople, type Updated } from '../../src/crm/index.ts';
import type { AfterCall } from './after-call.ts';
import { type Failure, RequestFailed } from './failures.ts';
import type { SalesforceOptions } from './options.ts';
import type { Owners } from './owners.ts';
import type { Orphan, People } from './people.ts';
import type { Resolution } from './resolution.ts';
import { taskDraft } from './task-draft.ts';
import type { TaskJob, Tasks } from './tasks.ts';

/** What a batch is delivered with. */
export interface Means {
  options: SalesforceOptions;
  people: People;
  updates: PersonUpdates;
  unowned: UnownedPeople;
  owners: Owners;
  tasks: Tasks;
  afterCall: AfterCall;
}

/** Why each call, by key, went to its person, where that was found out. */
type Whys = Map<string, string>;

/** Persons, then Tasks with their links, then what calls leave besides; each delivery with an outcome of its own. */
export async function deliver(
  batch: readonly Delivery[],
  means: Means,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const outcomes = new Map<string, Outcome>(); // by key
  const due: Delivery[] = [];
  for (const delivery of newestOfEach(batch)) {
    if (means.options.write === 'atEnd' && delivery.call.phase === 'ringing') {
      const notes = ['It waits for the end of the call.'];
      outcomes.set(delivery.key, { kind: 'delivered', records: delivery.records, notes });
    } else due.push(delivery);
  }
  const whys: Whys = new Map();
  const orphans = await deliverRound(due, 'first', means, outcomes, whys, signal);
  if (orphans.length > 0) await deliverAgain(orphans, means, outcomes, whys, signal);
  await leave(due, means, outcomes, signal);
  return batch.map(({ key }) => {
    const whyPerson = whys.get(key);
    return { ...(outcomes.get(key) as Outcome), ...(whyPerson ? { whyPerson } : {}) };
  });
}

/**
 * What calls leave besides their Tasks. Where that fails, the call is not done, though its Task is there. A Task that
 * cannot be changed any more, such as one that the org keeps to its owner, does not cost the sale.
 */
async function leave(
  due: readonly Delivery[],
  { afterCall }: Means,
  outcomes: Map<string, Outcome>,
  signal: AbortSignal,
): Promise<void> {
  const written = due.flatMap((delivery) => {
    const outcome = outcomes.get(delivery.key);
    const isThere =
      outcome?.kind === 'delivered' || (outcome?.kind === 'rejected' && outcome.records?.activity);
    return isThere ? [{ delivery, records: { ...delivery.records, ...outcome.records } }] : [];
  });
  for (const [{ key }, { records, notes, failures }] of await afterCall.write(written, signal)) {
    const outcome = outcomes.get(key) as Outcome;
    const all = outcome.kind === 'delivered' ? failures : [outcome, ...failures];
    outcomes.set(key, outcomeOf({ records, notes: [...(outcome.notes ?? []), ...notes], failures: all }));
  }
}

/** Once more, for calls whose person turned out to be gone: to whom that became, or to whoever has the number now. */
async function deliverAgain(
  orphans: readonly Orphan[],
  means: Means,
  outcomes: Map<string, Outcome>,
  whys: Whys,
  signal: AbortSignal,
): Promise<void> {
  const again = orphans.map(({ delivery }) => delivery);
  let lost = orphans;
  try {
    await means.people.moveOn(orphans, signal);
    lost = await deliverRound(again, 'last', means, outcomes, whys, signal);
    await means.people.moveOn(lost, signal);
  } catch (thrown) {
    if (!(thrown instanceof RequestFailed)) throw thrown;
    for (const { delivery } of lost)
      outcomes.set(
        delivery.key,
        outcomeOf({ records: delivery.records, notes: [], failures: [thrown.failure] }),
      );
  }
}

/** A key is written once in a batch, with its latest state: Salesforce refuses every record of a key that comes twice. */
function newestOfEach(batch: readonly Delivery[]): Delivery[] {
  const newest = new Map<string, Delivery>();
  for (const delivery of batch) {
    const other = newest.get(delivery.key);
    if (!other || other.revision <= delivery.revision) newest.set(delivery.key, delivery);
  }
  return [...newest.values()];
}

/** Answers the calls whose person turned out to be gone, as they stand now. */
async function deliverRound(
  due: readonly Delivery[],
  round: 'first' | 'last',
  means: Means,
  outcomes: Map<string, Outcome>,
  whys: Whys,
  signal: AbortSignal,
): Promise<Orphan[]> {
  if (due.length === 0) return [];
  const { options, owners, tasks } = means;
  const jobs = due.map((delivery): TaskJob => {
    const { properties, notes } = taskDraft(options, delivery);
    const { timezone } = delivery.source;
    return { delivery, object: 'Task', values: properties, timezone, notes: [...notes], person: null };
  });
  let ownerIds: ReadonlyMap<Delivery, string>;
  try {
    await owners.settle(jobs, signal);
    ownerIds = await owners.of(options.owner, due, signal);
  } catch (thrown) {
    if (!(thrown instanceof RequestFailed)) throw thrown;
    const { failure } = thrown;
    for (const { delivery, notes } of jobs) {
      outcomes.set(delivery.key, outcomeOf({ records: delivery.records, notes, failures: [failure] }));
    }
    return [];
  }
  const belonging: TaskJob[] = [];
  for (const [job, resolution] of await findPeople(jobs, round, means, ownerIds, signal)) {
    const { key, records } = job.delivery;
    if (resolution.failure) {
      outcomes.set(key, outcomeOf({ records, notes: [], failures: [resolution.failure] }));
      continue;
    }
    if (resolution.why) whys.set(key, resolution.why);
    else if (!resolution.person) whys.delete(key); // whoever was found first is not there any more
    job.person = resolution.person;
    job.along = resolution.along?.get(job);
    job.notes.push(...resolution.notes);
    belonging.push(job);
  }
  const orphans: Orphan[] = [];
  for (const [{ delivery, notes }, { records, failure, orphanOf }] of await tasks.write(belonging, signal)) {
    if (!failure) {
      outcomes.set(delivery.key, { kind: 'delivered', records, ...(notes.length > 0 ? { notes } : {}) });
    } else if (orphanOf) {
      const isDeleted = failure.cure?.what === 'gone';
      orphans.push({ delivery: { ...delivery, records }, person: orphanOf, isDeleted });
      // Something in Salesforce may still name a person who is gone. That passes.
      outcomes.set(delivery.key, outcomeOf({ records, notes, failures: [{ ...failure, kind: 'retry' }] }));
    } else outcomes.set(delivery.key, outcomeOf({ records, notes, failures: [failure] }));
  }
  return orphans;
}

async function findPeople(
  jobs: readonly TaskJob[],
  round: 'first' | 'last',
  { people, updates, unowned }: Means,
  ownerIds: ReadonlyMap<Delivery, string>,
  signal: AbortSignal,
): Promise<Map<TaskJob, Resolution>> {
  const found = await people.resolve(
    jobs.filter(({ delivery }) => !delivery.records.person),
    signal,
  );
  for (const job of jobs) {
    const { person } = job.delivery.records;
    if (person) found.set(job, { person, notes: [] });
    else if (round === 'last' && job.delivery.call.caller.number === null) found.set(job, noCatchAll);
  }
  const meetings = [...found].flatMap(([{ delivery }, resolution]) => {
    const isCaller = delivery.call.caller.number !== null;
    const person = resolution.failure || resolution.isNew || !isCaller ? null : resolution.person;
    // Accounts, be they a person's, are left alone.
    return person?.type === 'lead' || person?.type === 'contact' ? [{ delivery, person }] : [];
  });
  tell(found, await updates.write(meetings, signal));
  const claims = meetings.flatMap((meeting) => {
    const ownerId = ownerIds.get(meeting.delivery);
    return ownerId === undefined ? [] : [{ ...meeting, ownerId }];
  });
  tell(found, await unowned.give(claims, signal));
  return found;
}

function tell(found: Map<TaskJob, Resolution>, updated: ReadonlyMap<Delivery, Updated>): void {
  for (const [job, resolution] of found) {
    const { notes = [], failure } = updated.get(job.delivery) ?? {};
    if (failure) found.set(job, { failure: failure as Failure });
    else if (!resolution.failure) found.set(job, { ...resolution, notes: [...resolution.notes, ...notes] });
  }
}

const noCatchAll: Resolution = {
  person: null,
  notes: ['Salesforce does not have the record that person.withheld names, so none was linked.'],
};
