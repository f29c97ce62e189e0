import type { RecordRef, Values } from '../../src/connector/index.ts';
import type { CallRecord, CrmFailure, Existing, Written } from '../../src/crm/index.ts';
import type { SalesforceApi } from './api.ts';
import { linkTo, personOf } from './candidates.ts';
import { type Failure, RequestFailed, takenForAnother } from './failures.ts';
import type { Draft } from './fields.ts';
import { objects } from './holds.ts';
import type { Fate, Records } from './records.ts';
import { fitSale } from './sales.ts';
import { isIn } from './soql.ts';
import { asOrphan } from './tasks.ts';
import type { QueryResult, Written as Saved } from './written.ts';

/** Where a call is in Salesforce by now: a lead may have become a contact, or two people one. */
interface Place {
  person: RecordRef | null;
  accountId: string | null;
}

/** What calls leave besides their Tasks: a follow-up for one that was missed, an Opportunity for a sale. */
export class AfterCall {
  readonly #api: SalesforceApi;
  readonly #records: Records;

  constructor(api: SalesforceApi, records: Records) {
    this.#api = api;
    this.#records = records;
  }

  /** A stage or a record type that the org does not have fails its sale. */
  async prepareSales(
    sales: readonly CallRecord[],
    signal: AbortSignal,
  ): Promise<Map<CallRecord, CrmFailure>> {
    const failures = new Map<CallRecord, CrmFailure>();
    try {
      const opportunity = await this.#records.descriptions.object('Opportunity', signal);
      for (const sale of sales) {
        const problem = fitSale(sale, opportunity);
        if (problem !== undefined) failures.set(sale, { kind: 'rejected', reason: problem });
      }
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      const { failure } = thrown;
      const reason = `The bridge's user may not see Opportunities. Grant it, or take \`sale\` out. ${failure.reason}`;
      const told: CrmFailure = failure.isMissing ? { kind: 'retry', reason } : failure;
      for (const sale of sales) failures.set(sale, told);
    }
    return failures;
  }

  async create(records: readonly CallRecord[], signal: AbortSignal): Promise<Written[]> {
    const sorted = [...records].sort((a, b) => (objectOf(a) < objectOf(b) ? -1 : 1));
    const places = await this.#places(
      records.filter(({ role }) => role === 'sale'),
      signal,
    );
    const described = records.some(({ role }) => role === 'sale')
      ? await this.#records.descriptions.of('Opportunity', signal)
      : undefined;
    const isCreateable = (name: string) => described?.get(name)?.createable === true;
    const written = await this.#records.write(
      sorted.map((record): Draft => {
        const { values, key, timezone } = record;
        const links = linksOf(record, places.get(record), isCreateable);
        return {
          object: objectOf(record),
          values: { ...links, ...values, [key.property]: key.value },
          timezone,
        };
      }),
      (fitted) => this.#api.insert('what calls left', fitted, signal),
      signal,
    );
    return records.map((record): Written => {
      const { id, failure, notes } = written[sorted.indexOf(record)] as Fate;
      record.notes.push(...notes);
      return failure ? { failure: asOrphan(failure, record) } : { id, isOwned: false };
    });
  }

  /** By the keys that Salesforce says are taken, archived ones too. */
  async find(
    records: readonly CallRecord[],
    signal: AbortSignal,
  ): Promise<Map<CallRecord, Existing | CrmFailure>> {
    const byField = [...Map.groupBy(records, (record) => `${objectOf(record)}.${record.key.property}`)];
    const found = await this.#api.query(
      byField.map(([, [one, ...more]]) => {
        const { property } = (one as CallRecord).key;
        const keys = [one as CallRecord, ...more].map(({ key }) => key.value);
        return `SELECT Id,${property} FROM ${objectOf(one as CallRecord)} WHERE IsDeleted = false AND ${isIn(property, keys)}`;
      }),
      signal,
      'queryAll',
    );
    const told = new Map<CallRecord, Existing | CrmFailure>();
    byField.forEach(([, those], place) => {
      const { rows = [], failure } = found[place] as QueryResult;
      for (const record of those) {
        const { property, value } = record.key;
        const row = rows.find((one) => one[property] === value);
        const like = rows.find((one) => String(one[property]).toLowerCase() === value.toLowerCase());
        if (row) told.set(record, { id: row.Id, isLinked: true });
        else if (like) told.set(record, takenForAnother(property, value, like));
        else if (failure) told.set(record, failure);
      }
    });
    return told;
  }

  /** Another unique field of the org's may be meant, which this call will never satisfy. */
  unseen({ key }: CallRecord, failure: CrmFailure): CrmFailure {
    return failure.reason.includes(key.property) ? failure : { ...failure, kind: 'rejected' };
  }

  complete(ids: readonly string[], signal: AbortSignal): Promise<Saved[]> {
    return this.#api.update(
      'follow-ups',
      ids.map((id) => ({ object: 'Task', id, fields: { Status: 'Completed' } })),
      signal,
    );
  }

  /** As Salesforce has them by now: it moves a call along when it converts or merges its person. */
  async #places(records: readonly CallRecord[], signal: AbortSignal): Promise<Map<CallRecord, Place>> {
    const ids = [...new Set(records.flatMap(({ activity }) => activity?.id ?? []))];
    if (ids.length === 0) return new Map();
    const statement = `SELECT Id,WhoId,WhatId,AccountId FROM Task WHERE ${isIn('Id', ids)}`;
    const [found] = await this.#api.query([statement], signal, 'queryAll');
    if (!found?.rows) throw new RequestFailed((found as { failure: Failure }).failure);
    const { rows } = found;
    return new Map(
      records.flatMap((record) => {
        const row = rows.find(({ Id }) => Id === record.activity?.id);
        if (!row) return [];
        const accountId = typeof row['AccountId'] === 'string' ? row['AccountId'] : null;
        const person = personOf(row['WhoId'] ?? row['WhatId']) ?? null;
        return [[record, { person, accountId }] as const];
      }),
    );
  }
}

function objectOf({ type }: CallRecord): 'Task' | 'Opportunity' {
  return objects[type] as 'Task' | 'Opportunity';
}

function linksOf(
  { role, person: wanted }: CallRecord,
  place: Place | undefined,
  isCreateable: (name: string) => boolean,
): Values {
  const person = place ? place.person : wanted;
  if (role === 'followUp') return person ? linkTo(person) : {};
  const accountId = person?.type === 'account' ? person.id : (place?.accountId ?? null);
  const isContact = person !== null && person.type !== 'account' && person.type !== 'lead';
  return {
    ...(accountId !== null && isCreateable('AccountId') ? { AccountId: accountId } : {}),
    ...(isContact && isCreateable('ContactId') ? { ContactId: person.id } : {}),
  };
}
