import type { Candidate, Wanted } from '../../src/crm/index.ts';
import type { ObjectDescription } from './answers.ts';
import type { SalesforceApi } from './api.ts';
import { candidateOf } from './candidates.ts';
import { type Failure, RequestFailed } from './failures.ts';
import { type Match, matchOf, type PersonObject, type SalesforceOptions } from './options.ts';
import { digitsQuery, keyQuery, type Place, phoneQuery, phoneSearch, type Search } from './phone-search.ts';
import { ownFields, personAccountKey } from './setup-names.ts';
import { isIn } from './soql.ts';
import type { QueryResult } from './written.ts';

export type PlaceName = PersonObject | 'Account';

/** Where people keep the numbers that a person calls from. */
const phones: Record<PlaceName, readonly string[]> = {
  Contact: ['Phone', 'MobilePhone', 'HomePhone', 'OtherPhone'],
  Lead: ['Phone', 'MobilePhone'],
  Account: ['Phone'],
};

/** What an id is of, by its beginning. */
const objectsOf: Readonly<Record<string, PlaceName>> = { '003': 'Contact', '00Q': 'Lead', '001': 'Account' };

/** Fields that only orgs with person accounts have. */
const ofPersonAccounts: Record<PlaceName, { columns: readonly string[]; phones: readonly string[] }> = {
  Contact: { columns: ['IsPersonAccount', 'AccountId'], phones: [] },
  Lead: { columns: [], phones: [] },
  Account: {
    columns: ['IsPersonAccount', 'PersonContactId', personAccountKey],
    phones: ['PersonMobilePhone', 'PersonHomePhone', 'PersonOtherPhone'],
  },
};

/** Phone fields that queries may not compare, as Shield's encryption leaves them. */
export function encryptedPhones(object: PlaceName, { fields }: Pick<ObjectDescription, 'fields'>): string[] {
  const numbers = [...phones[object], ...ofPersonAccounts[object].phones];
  return fields.flatMap(({ name, filterable }) =>
    filterable === false && numbers.includes(name) ? [name] : [],
  );
}

/** Finds whoever has a number, by key, by spelling and by search, in the objects that the configuration names. */
export class LookUp {
  readonly #api: SalesforceApi;
  readonly #order: readonly Match[];
  /** Objects whose phone fields are looked at. */
  readonly #matched: readonly PlaceName[];
  /** Objects in which a key of ours may be: what is looked in, and what is made. */
  readonly #keyed: readonly PersonObject[];
  /** Columns that our user may not see, as Salesforce has said. */
  readonly #hidden = new Set<string>();
  /** Columns that a query may not compare, as the description of their object has it. */
  readonly #encrypted = new Set<string>();
  /** Until that takes the org too long. */
  #comparesDigits = true;
  /** Asked for until Salesforce says that there are none. */
  #withPersonAccounts: boolean;

  constructor(api: SalesforceApi, options: SalesforceOptions) {
    this.#api = api;
    const match = matchOf(options);
    this.#order = match;
    const { create } = options.person;
    this.#withPersonAccounts = match.includes('PersonAccount');
    this.#matched = [...new Set(match.map((one) => (one === 'PersonAccount' ? 'Account' : one)))];
    const keyed = match.flatMap((one): PersonObject[] =>
      one === 'PersonAccount' ? ['Contact'] : one === 'Account' ? [] : [one],
    );
    this.#keyed = [...new Set([...keyed, ...(create === false ? [] : [create])])];
  }

  /** How many phone fields one statement compares at most. */
  get mostPhones(): number {
    return Math.max(1, ...this.#matched.map((name) => this.#place(name).phones.length));
  }

  /** By key and by spelling, in one request for all callers of a batch. */
  async byQuery(callers: readonly Wanted[], signal: AbortSignal): Promise<Candidate[]> {
    const keys = callers.map(({ number }) => number);
    const keyed = this.#keyStatements(keys);
    const typed = this.#matched
      .map((name) => this.#place(name))
      .filter((place) => place.compared.length > 0)
      .map((place) => ({ place, statement: phoneQuery(place, callers, this.#comparesDigits) }));
    const asked = [...keyed, ...typed];
    const found = await this.#api.query(
      asked.map(({ statement }) => statement),
      signal,
    );
    const dropped = await Promise.all(
      found.map(({ failure }, i) => this.#drop(failure, asked[i]?.place.object as PlaceName, signal)),
    );
    if (dropped.includes(true)) return this.byQuery(callers, signal);
    if (this.#comparesDigits && found.some(({ failure }) => failure?.cure?.what === 'slow')) {
      this.#comparesDigits = false;
      return this.byQuery(callers, signal);
    }
    return asked.flatMap(({ place }, i) => {
      const { rows = [], failure } = found[i] as QueryResult;
      // Without the keys, a person could be made twice. Spellings that take too long to compare are searched for.
      if (failure && (i < keyed.length || failure.cure?.what !== 'slow')) throw new RequestFailed(failure);
      return rows.map((row) => candidateOf(place.object, row, place.phones, this.#order));
    });
  }

  async byKey(keys: readonly string[], signal: AbortSignal): Promise<Candidate[]> {
    const asked = this.#keyStatements(keys);
    const found = await this.#api.query(
      asked.map(({ statement }) => statement),
      signal,
    );
    return asked.flatMap(({ place }, i) => {
      const { rows, failure } = found[i] as QueryResult;
      if (failure) throw new RequestFailed(failure);
      return rows.map((row) => candidateOf(place.object, row, place.phones, this.#order));
    });
  }

  /** Those that are there and may be seen. */
  async byIds(ids: readonly string[], signal: AbortSignal): Promise<Candidate[]> {
    const byObject = Map.groupBy(new Set(ids), (id) => objectsOf[id.slice(0, 3)]);
    const asked = [...byObject].flatMap(([object, those]) =>
      object === undefined ? [] : [{ place: this.#place(object), those }],
    );
    if (asked.length === 0) return [];
    const found = await this.#api.query(
      asked.map(
        ({ place, those }) =>
          `SELECT ${place.columns.join(',')} FROM ${place.object} WHERE ${isIn('Id', those)}`,
      ),
      signal,
    );
    return asked.flatMap(({ place }, i) => {
      const { rows = [], failure } = found[i] as QueryResult;
      if (failure?.kind === 'retry') throw new RequestFailed(failure);
      return rows.map((row) => candidateOf(place.object, row, place.phones, this.#order));
    });
  }

  /** However the number was typed: by the search index, or by a query where that does not see through separators. */
  async bySearch({ callers, text }: Search<Wanted>, signal: AbortSignal): Promise<Candidate[]> {
    const places = this.#matched.map((name) => this.#place(name)).filter((place) => place.phones.length > 0);
    if (places.length === 0) return [];
    const { search } = await this.#api.facts.all();
    const bySpelling = search === 'separators' ? places.filter(({ compared }) => compared.length > 0) : [];
    const typed = await this.#byDigits(bySpelling, callers, signal);
    const searched =
      search === 'separators' ? places.filter((one) => one.compared.length < one.phones.length) : places;
    if (searched.length === 0) return typed;
    const rows = await this.#api.search(phoneSearch(searched, text), signal);
    const found = rows.flatMap((row) => {
      const place = places.find(({ object }) => object === row.attributes.type);
      return place ? [candidateOf(place.object, row, place.phones, this.#order)] : [];
    });
    return [...typed, ...found];
  }

  /** Where that takes the org too long, nobody is found. */
  async #byDigits(
    places: readonly Place[],
    callers: readonly Wanted[],
    signal: AbortSignal,
  ): Promise<Candidate[]> {
    if (places.length === 0) return [];
    const found = await this.#api.query(
      places.map((place) => digitsQuery(place, callers)),
      signal,
    );
    return places.flatMap(({ object, phones }, i) => {
      const { rows = [], failure } = found[i] as QueryResult;
      if (failure && failure.cure?.what !== 'slow') throw new RequestFailed(failure);
      return rows.map((row) => candidateOf(object, row, phones, this.#order));
    });
  }

  #keyStatements(keys: readonly string[]): { place: Place; statement: string }[] {
    return this.#keyed.map((name) => {
      const place = this.#place(name);
      return { place, statement: keyQuery(place, ownFields[name], keys) };
    });
  }

  #place(name: PlaceName): Place {
    const persons = this.#withPersonAccounts ? ofPersonAccounts[name] : ofPersonAccounts.Lead;
    const seen = (fields: readonly string[]) =>
      fields.filter((field) => !this.#hidden.has(`${name}.${field}`));
    const numbers = seen([...phones[name], ...persons.phones]);
    const converted = name === 'Lead' ? ['IsConverted', 'ConvertedContactId'] : [];
    const key = name === 'Account' ? [] : [ownFields[name]];
    const columns = ['Id', 'CreatedDate', ...converted, ...key, ...seen(persons.columns), ...numbers];
    const compared = numbers.filter((field) => !this.#encrypted.has(`${name}.${field}`));
    return { object: name, columns, phones: numbers, compared };
  }

  /**
   * A field that our user may not see, or the org does not have, cannot be asked for: from now on it is not. What the
   * complaint does not name may be encrypted.
   */
  async #drop(failure: Failure | undefined, object: PlaceName, signal: AbortSignal): Promise<boolean> {
    if (failure?.cure?.what !== 'fields') return false;
    const { names } = failure.cure;
    if (names.includes('IsPersonAccount')) {
      this.#withPersonAccounts = false;
      return true;
    }
    const place = ofPersonAccounts[object];
    const optional = [...phones[object], ...place.columns, ...place.phones];
    const fresh = names.filter((name) => optional.includes(name) && !this.#hidden.has(`${object}.${name}`));
    for (const name of fresh) this.#hidden.add(`${object}.${name}`);
    if (fresh.length > 0) return true;
    const known = this.#encrypted.size;
    for (const name of encryptedPhones(object, await this.#api.describe(object, signal)))
      this.#encrypted.add(`${object}.${name}`);
    return this.#encrypted.size > known;
  }
}
