import type { Delivery, Outcome } from '../../src/connector/index.ts';
import { outcomeOf, type PersonUpdates, type UnownedPeople, type Updated } from '../../src/crm/index.ts';
import type { Calls } from './calls.ts';
import type { Companies } from './companies.ts';
import type { Contacts } from './contacts.ts';
import type { Deals } from './deals.ts';
import { type Failure, RequestFailed } from './failures.ts';
import type { HubSpotFindings } from './found.ts';
import type { HubSpotOptions } from './options.ts';
import type { Owners } from './owners.ts';
import type { Tasks } from './tasks.ts';
import { type Work, workOn } from './work.ts';

/** What a batch is delivered with. */
export interface Means {
  options: HubSpotOptions;
  findings: HubSpotFindings;
  owners: Owners;
  contacts: Contacts;
  updates: PersonUpdates;
  unowned: UnownedPeople;
  /** Undefined where calls are not linked to companies. */
  companies: Companies | undefined;
  calls: Calls;
  tasks: Tasks;
  deals: Deals;
}

/** Persons first, then calls with their links, then what else a call leaves; each delivery with an outcome of its own. */
export async function deliver(
  batch: readonly Delivery[],
  means: Means,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const outcomes = new Map<string, Outcome>(); // by key
  const due: Delivery[] = [];
  const atEnd = means.options.write === 'atEnd' || (await means.findings.all()).timeline === 'ended';
  for (const delivery of newestOfEach(batch)) {
    if (atEnd && delivery.call.phase === 'ringing') {
      const notes = ['It waits for the end of the call.'];
      outcomes.set(delivery.key, { kind: 'delivered', records: delivery.records, notes });
    } else due.push(delivery);
  }
  const works = due.map(workOn);
  await write(works, means, signal);
  const done = await againWithoutTheGone(works, means, signal);
  await means.tasks.complete(
    done.filter(({ records }) => records.activity),
    signal,
  );
  for (const work of done) outcomes.set(work.delivery.key, outcomeOf(work));
  return batch.map((delivery) => outcomes.get(delivery.key) as Outcome);
}

/** A key is written once in a batch, with its latest state: HubSpot refuses a batch that names a record twice. */
function newestOfEach(batch: readonly Delivery[]): Delivery[] {
  const newest = new Map<string, Delivery>();
  for (const delivery of batch) {
    const other = newest.get(delivery.key);
    if (!other || other.revision <= delivery.revision) newest.set(delivery.key, delivery);
  }
  return [...newest.values()];
}

async function write(works: readonly Work[], means: Means, signal: AbortSignal): Promise<void> {
  const sound = () => works.filter(({ failures }) => failures.length === 0);
  await means.owners.find(works, signal);
  await means.contacts.find(
    sound().filter(({ isSettled }) => !isSettled),
    signal,
  );
  await updateContacts(sound(), means.updates, signal);
  await giveContacts(sound(), means.unowned, signal);
  await means.companies?.find(sound(), signal);
  await means.calls.write(sound(), signal);
  const written = sound(); // a task that fails is no reason to make no deal
  await means.tasks.write(written, signal);
  await means.deals.write(written, signal);
}

async function updateContacts(
  works: readonly Work[],
  updates: PersonUpdates,
  signal: AbortSignal,
): Promise<void> {
  const meetings = works.flatMap(({ delivery, contactId }) =>
    contactId !== null && delivery.call.caller.number !== null
      ? [{ delivery, person: { type: 'contact', id: contactId } }]
      : [],
  );
  tell(works, await updates.write(meetings, signal));
}

async function giveContacts(
  works: readonly Work[],
  unowned: UnownedPeople,
  signal: AbortSignal,
): Promise<void> {
  const claims = works.flatMap(({ delivery, ownerId, contactId }) =>
    ownerId === null || contactId === null
      ? []
      : [{ delivery, ownerId, person: { type: 'contact', id: contactId } }],
  );
  tell(works, await unowned.give(claims, signal));
}

function tell(works: readonly Work[], updated: ReadonlyMap<Delivery, Updated>): void {
  for (const work of works) {
    const { notes = [], failure } = updated.get(work.delivery) ?? {};
    work.notes.push(...notes);
    if (failure) work.failures.push(failure as Failure);
  }
}

/**
 * A record that was to be linked may be gone from HubSpot: a contact that was merged or deleted, or its company. Then
 * the caller is looked up again, and everything is written once more, as it stands now.
 */
async function againWithoutTheGone(
  works: readonly Work[],
  means: Means,
  signal: AbortSignal,
): Promise<Work[]> {
  const left = works.filter(isOrphan);
  if (left.length === 0) return [...works];
  let unsettled: Map<string, Failure>;
  try {
    unsettled = await means.contacts.forget(left, signal);
  } catch (thrown) {
    if (!(thrown instanceof RequestFailed)) throw thrown;
    for (const work of left) work.failures = [thrown.failure];
    return [...works];
  }
  const orphans: Work[] = [];
  for (const work of left) {
    const failure = unsettled.get(work.contactId ?? '');
    if (failure) work.failures = [failure];
    else orphans.push(work);
  }
  means.companies?.forget(orphans.flatMap(({ contactId }) => contactId ?? []));
  const again = new Map(orphans.map((work) => [work, orphanAgain(work)]));
  await write([...again.values()], means, signal);
  for (const [{ contactId }, work] of again) {
    if (contactId !== null && work.delivery.call.caller.number !== null && work.contactId !== contactId) {
      work.notes.push(`HubSpot no longer has the contact ${contactId}, so the caller was looked up again.`);
    }
    // The search index may still show a contact that is gone. That passes.
    work.failures = work.failures.map((failure) =>
      failure.cure?.what === 'association' ? { ...failure, kind: 'retry' } : failure,
    );
  }
  return works.map((work) => again.get(work) ?? work);
}

function isOrphan({ failures }: Work): boolean {
  return failures.some(({ cure }) => cure?.what === 'association');
}

function orphanAgain({ delivery, records, contactId }: Work): Work {
  const { person: _, ...others } = records;
  const work = workOn({ ...delivery, records: others });
  if (contactId !== null && delivery.call.caller.number === null) {
    work.isSettled = true;
    work.notes.push('HubSpot does not have the contact that person.withheld names, so none was linked.');
  }
  return work;
}
