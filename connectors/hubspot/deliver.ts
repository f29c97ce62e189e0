import type { Delivery, Outcome } from '../../src/connector/contract.ts';
import type { Properties } from './api.ts';
import { callDraft } from './call-draft.ts';
import type { CallJob, Calls } from './calls.ts';
import type { Contacts, Resolution } from './contacts.ts';
import { outcomeOf } from './failures.ts';
import type { Found, HubSpotFindings } from './found.ts';
import type { HubSpotOptions } from './options.ts';
import type { SearchedCalls } from './searched-calls.ts';
import { asText } from './values.ts';

/** What a batch is delivered with. */
export interface Means {
  options: HubSpotOptions;
  contacts: Contacts;
  calls: Calls;
  searchedCalls: SearchedCalls;
  findings: HubSpotFindings;
}

/** Persons first, then calls with their links; each delivery with an outcome of its own. */
export async function deliver(
  batch: readonly Delivery[],
  means: Means,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const outcomes = new Map<string, Outcome>(); // by key
  const due: Delivery[] = [];
  const found = await means.findings.all();
  const atEnd = means.options.write === 'atEnd' || found.timeline === 'ended';
  for (const delivery of newestOfEach(batch)) {
    if (atEnd && delivery.call.phase === 'ringing') {
      const notes = ['It waits for the end of the call.'];
      outcomes.set(delivery.key, { kind: 'delivered', records: delivery.records, notes });
    } else due.push(delivery);
  }
  const orphans = await deliverRound(due, 'first', means, found, outcomes, signal);
  await means.contacts.forget(orphans);
  await deliverRound(orphans, 'last', means, found, outcomes, signal);
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

/** Answers the calls whose contact turned out to be gone, as they stand now. */
async function deliverRound(
  due: readonly Delivery[],
  round: 'first' | 'last',
  { options, contacts, calls, searchedCalls }: Means,
  found: Partial<Found>,
  outcomes: Map<string, Outcome>,
  signal: AbortSignal,
): Promise<Delivery[]> {
  if (due.length === 0) return [];
  const people = await findPeople(due, round, contacts, signal);
  const notes = new Map<Delivery, string[]>();
  const jobs: CallJob[] = [];
  for (const [delivery, resolution] of people) {
    if (resolution.failure) {
      outcomes.set(delivery.key, outcomeOf(resolution.failure, delivery.records, []));
      continue;
    }
    const draft = callDraft(options, delivery);
    const told = [...draft.notes, ...resolution.notes];
    const properties = withKnownStatus(asText(draft.properties, told), found, told);
    jobs.push({ delivery, properties, contactId: resolution.contactId });
    notes.set(delivery, told);
  }
  const orphans: Delivery[] = [];
  const write = (due: readonly CallJob[]) => calls.write(due, signal);
  const written =
    found.callKeys === 'searched' ? await searchedCalls.write(jobs, found, write, signal) : await write(jobs);
  for (const [{ delivery }, { records, failure }] of written) {
    const told = notes.get(delivery) ?? [];
    if (!failure) {
      outcomes.set(delivery.key, { kind: 'delivered', records, ...(told.length > 0 ? { notes: told } : {}) });
    } else if (failure.cure?.what === 'association') {
      orphans.push({ ...delivery, records });
      // The search index may still show a contact that is gone. That passes.
      outcomes.set(delivery.key, outcomeOf({ ...failure, kind: 'retry' }, records, told));
    } else outcomes.set(delivery.key, outcomeOf(failure, records, told));
  }
  return orphans;
}

/** A status that the account does not have would refuse the call. */
function withKnownStatus(properties: Properties, { statuses }: Partial<Found>, notes: string[]): Properties {
  const status = properties['hs_call_status'];
  if (!statuses || status === undefined || statuses.includes(status)) return properties;
  const { hs_call_status: _, ...rest } = properties;
  const instead = statuses.includes('COMPLETED') ? { hs_call_status: 'COMPLETED' } : {};
  notes.push(`This HubSpot account has no call status ${status}.`);
  return { ...rest, ...instead };
}

async function findPeople(
  due: readonly Delivery[],
  round: 'first' | 'last',
  contacts: Contacts,
  signal: AbortSignal,
): Promise<Map<Delivery, Resolution>> {
  const people = await contacts.resolve(
    due.filter(({ records }) => !records.person),
    signal,
  );
  for (const delivery of due) {
    const { person } = delivery.records;
    if (person) people.set(delivery, { contactId: person.id, notes: [] });
    else if (round === 'last' && delivery.call.caller.number === null) people.set(delivery, noCatchAll);
  }
  const failures = await contacts.updateMapped(
    [...people].flatMap(([delivery, { contactId }]) =>
      contactId && delivery.call.caller.number !== null ? [{ delivery, contactId }] : [],
    ),
    signal,
  );
  for (const [delivery, failure] of failures) people.set(delivery, { failure });
  return people;
}

const noCatchAll: Resolution = {
  contactId: null,
  notes: ['HubSpot does not have the contact that person.withheld names, so none was linked.'],
};
