import type { RecordRef, Values } from '../../src/connector/index.ts';
import type { FittedPerson, PersonRecords, Updated } from '../../src/crm/index.ts';
import type { FieldDescription } from './answers.ts';
import type { SalesforceApi } from './api.ts';
import { RequestFailed, unwritableField } from './failures.ts';
import type { Draft } from './fields.ts';
import { matchOf, type PersonObject, type SalesforceOptions } from './options.ts';
import type { Records } from './records.ts';
import { isIn } from './soql.ts';

/**
 * Leads and contacts as they are changed when they call again. The mapping is made for what callers become, so what the
 * other kind does not have is passed over.
 */
export class PeopleToUpdate implements PersonRecords {
  readonly types = ['lead', 'contact'];
  readonly #api: SalesforceApi;
  readonly #records: Records;
  readonly #options: SalesforceOptions;
  readonly #described = new Map<PersonObject, ReadonlyMap<string, FieldDescription>>();

  constructor(api: SalesforceApi, options: SalesforceOptions, records: Records) {
    this.#api = api;
    this.#options = options;
    this.#records = records;
  }

  async describe(people: readonly RecordRef[], signal: AbortSignal): Promise<void> {
    for (const object of byObject(people).keys())
      this.#described.set(object, await this.#records.descriptions.of(object, signal));
  }

  fit(person: RecordRef, values: Values, timezone: string): FittedPerson {
    const object = objectOf(person);
    const writable = Object.entries(values).filter(([name]) => this.#field(object, name)?.updateable);
    const draft = { object, values: Object.fromEntries(writable), timezone };
    const lacking = Object.keys(values).find((name) => this.#lacks(object, name));
    const failure =
      lacking === undefined ? undefined : unwritableField(lacking, this.#api.circumstances('describe'), '');
    const { fields, notes } = this.#records.descriptions.fit(draft);
    return { values: fields, notes, failure };
  }

  /** What the mapping names, and callers have nowhere. What can be said of new people alone is there. */
  #lacks(object: PersonObject, name: string): boolean {
    const { create, properties } = this.#options.person;
    const field = this.#field(object, name);
    if (!(name in properties) || field?.createable || field?.updateable) return false;
    if (create !== false) return create === object;
    const kinds = matchOf(this.#options).filter((kind) => kind === 'Contact' || kind === 'Lead');
    return kinds.every((kind) => kind === object);
  }

  async read(people: readonly RecordRef[], names: readonly string[], signal: AbortSignal) {
    const held = new Map<string, Readonly<Record<string, unknown>>>();
    const statements = [...byObject(people)].flatMap(([object, those]) => {
      const asked = names.filter((name) => this.#field(object, name)?.updateable);
      const ids = those.map(({ id }) => id);
      if (asked.length > 0)
        return [`SELECT ${['Id', ...asked].join(',')} FROM ${object} WHERE ${isIn('Id', ids)}`];
      for (const id of ids) held.set(id, {}); // there is nothing to be looked at
      return [];
    });
    if (statements.length === 0) return held;
    for (const { rows, failure } of await this.#api.query(statements, signal)) {
      if (failure) throw new RequestFailed(failure);
      for (const { Id, attributes: _, ...values } of rows) held.set(Id, values);
    }
    return held;
  }

  async write(
    changes: readonly { person: RecordRef; values: Record<string, unknown> }[],
    signal: AbortSignal,
  ): Promise<Updated[]> {
    const updated = new Map<string, Updated>();
    for (const [object, those] of byObject(changes.map(({ person }) => person))) {
      const drafts = those.map(({ id }): Draft => {
        const { values } = changes.find(({ person }) => person.id === id) as (typeof changes)[number];
        return { object, values: { ...(values as Values), Id: id }, timezone: 'UTC' };
      });
      const written = await this.#records.write(
        drafts,
        (records) =>
          this.#api.update(
            'people',
            records.map(({ fields: { Id, ...fields } }) => ({ object, id: String(Id), fields })),
            signal,
          ),
        signal,
      );
      those.forEach(({ id }, place) => {
        updated.set(id, written[place] as Updated);
      });
    }
    return changes.map(({ person }) => updated.get(person.id) as Updated);
  }

  #field(object: PersonObject, name: string): FieldDescription | undefined {
    return this.#described.get(object)?.get(name);
  }
}

function byObject(people: readonly RecordRef[]): Map<PersonObject, RecordRef[]> {
  return Map.groupBy(people, objectOf);
}

function objectOf({ type }: RecordRef): PersonObject {
  return type === 'lead' ? 'Lead' : 'Contact';
}
