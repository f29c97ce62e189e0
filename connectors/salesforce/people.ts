import type { RecordRef } from '../../src/connector/index.ts';
import {
  type Candidate,
  type CrmFailure,
  type Finder,
  type Made,
  type Newcomer,
  numberIn,
  type PeopleDriver,
  type Whereabouts,
} from '../../src/crm/index.ts';
import type { SalesforceApi } from './api.ts';
import { personOf } from './candidates.ts';
import type { Failure } from './failures.ts';
import { objects } from './holds.ts';
import { LookUp } from './look-up.ts';
import type { NewPeople } from './new-people.ts';
import type { ObjectName, SalesforceOptions } from './options.ts';
import { packQueries, packSearches } from './phone-search.ts';
import { isIn } from './soql.ts';

/** Leads, contacts and accounts: found by key and spelling, found by search, or made. */
export class People implements PeopleDriver {
  readonly whenUnseen = `If it stays so, give the bridge's user "View All" on Leads and Contacts.`;
  readonly finders: readonly Finder[];
  readonly #api: SalesforceApi;
  readonly #lookUp: LookUp;
  readonly #newPeople: NewPeople;

  constructor(api: SalesforceApi, options: SalesforceOptions, newPeople: NewPeople) {
    this.#api = api;
    this.#lookUp = new LookUp(api, options);
    this.#newPeople = newPeople;
    this.finders = [
      (callers) =>
        packQueries(callers, this.#lookUp.mostPhones).map((part) => ({
          callers: part,
          find: (signal) => this.#lookUp.byQuery(part, signal),
        })),
      (callers) =>
        packSearches(callers).map((search) => ({
          callers: search.callers,
          find: (signal) => this.#lookUp.bySearch(search, signal),
        })),
    ];
  }

  named(id: string): RecordRef {
    return personOf(id) ?? { type: 'contact', id };
  }

  byKey(keys: readonly string[], _: readonly string[], signal: AbortSignal): Promise<Candidate[]> {
    return this.#lookUp.byKey(keys, signal);
  }

  claim(
    claims: readonly { candidate: Candidate; key: string }[],
    signal: AbortSignal,
  ): Promise<{ failure?: CrmFailure | undefined }[]> {
    const changes = claims.map(({ candidate: { record, keyField }, key }) => ({
      object: objects[record.type] as ObjectName,
      id: record.id,
      fields: { [keyField as string]: key },
    }));
    return this.#api.update('people', changes, signal);
  }

  async make(newcomers: readonly Newcomer[], signal: AbortSignal): Promise<Made[]> {
    const made = await this.#newPeople.make(newcomers, signal);
    const known = await this.#lookUp.byIds(made.flatMap(similarTo), signal);
    return made.map((one, place) => {
      const person = theOne(newcomers[place] as Newcomer, similarTo(one), known);
      if (!person) return one;
      const why = `A duplicate rule of the org says that it is this ${person.type}.`;
      return { person, isNew: false, why };
    });
  }

  async whereabouts(
    people: readonly { person: RecordRef }[],
    signal: AbortSignal,
  ): Promise<Map<string, Whereabouts>> {
    const byObject = [...Map.groupBy(people, ({ person }) => successorIn(person))];
    const found = await this.#api.query(
      byObject.map(([object, those]) => {
        const ids = those.map(({ person }) => person.id);
        const into = object === 'Lead' ? 'MasterRecordId,ConvertedContactId' : 'MasterRecordId';
        return `SELECT Id,IsDeleted,${into} FROM ${object} WHERE ${isIn('Id', ids)}`;
      }),
      signal,
      'queryAll',
    );
    const told = new Map<string, Whereabouts>();
    byObject.forEach(([object, those], place) => {
      const { rows = [], failure } = found[place] ?? {};
      for (const { person } of those) {
        const row = rows.find(({ Id }) => Id === person.id);
        const successor = personOf(row?.['MasterRecordId'] ?? row?.['ConvertedContactId']);
        if (failure) told.set(person.id, { ...failure, kind: 'retry' });
        else if (successor) told.set(person.id, successor);
        // Whatever Salesforce complained of: who is there is not gone, but for a lead that leads to nobody.
        else if (row?.['IsDeleted'] === false && object !== 'Lead') told.set(person.id, 'there');
      }
    });
    return told;
  }
}

/** Whom the org's own rule takes a newcomer for. */
function similarTo({ failure }: Made): readonly string[] {
  const { cure } = (failure ?? {}) as Partial<Failure>;
  return cure?.what === 'similar' ? cure.ids : [];
}

/** Those who have the number come before others; of several, nobody can tell. */
function theOne(
  { number, works }: Newcomer,
  ids: readonly string[],
  known: readonly Candidate[],
): RecordRef | undefined {
  const region = works[0]?.delivery.source.region;
  const short = ids.map((id) => id.slice(0, 15));
  // What a lead has become may be gone: it is followed where it is found by its number.
  const similar = known.filter(
    ({ record, isConverted }) => !isConverted && short.includes(record.id.slice(0, 15)),
  );
  const theirs = similar.filter((one) => region && numberIn(one, { number, region }));
  const people = (theirs.length > 0 ? theirs : similar).flatMap(({ person }) => person ?? []);
  return new Set(people.map(({ id }) => id)).size === 1 ? people[0] : undefined;
}

/** Where Salesforce keeps what became of somebody. */
function successorIn({ type }: RecordRef): 'Contact' | 'Lead' | 'Account' {
  if (type === 'lead') return 'Lead';
  return type === 'account' ? 'Account' : 'Contact';
}
