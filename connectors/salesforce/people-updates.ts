import { LRUCache } from 'lru-cache';
import { type Delivery, mapFields, type RecordRef, type Values } from '../../src/connector/index.ts';
import type { FieldDescription } from './answers.ts';
import type { SalesforceApi } from './api.ts';
import { attributionChanges } from './attribution.ts';
import { type Failure, RequestFailed } from './failures.ts';
import type { Descriptions, Draft } from './fields.ts';
import type { PersonObject, SalesforceOptions } from './options.ts';
import { attributionFields } from './setup-names.ts';
import { isIn } from './soql.ts';

export interface Meeting {
  delivery: Delivery;
  person: RecordRef;
}

/** What came of it, if there is something to tell. */
export type Remark = { note: string; failure?: undefined } | { failure: Failure; note?: undefined };

interface Change {
  values: Values;
  delivery: Delivery;
}

const objects = ['Contact', 'Lead'] as const;

const attributionNames = Object.values(attributionFields).flatMap((fields) => Object.values<string>(fields));
/** What has to be read before attribution is written: when each touch was. */
const attributionTimes = Object.values(attributionFields).map(({ at }) => at);

/**
 * Writes to people who are in Salesforce already: mapped fields, as `onUpdate` allows, and how their calls came about.
 * Defaults are never written here: a placeholder is for new people only. The mapping is made for leads or for contacts,
 * so what the other kind does not have is passed over, and accounts are left alone.
 */
export class PeopleUpdates {
  readonly #api: SalesforceApi;
  readonly #options: SalesforceOptions['person'];
  readonly #descriptions: Descriptions;
  /** What mapped fields of a person hold, as far as read or written here. */
  readonly #held = new LRUCache<string, Record<string, unknown>>({ max: 5_000 });

  constructor(api: SalesforceApi, options: SalesforceOptions, descriptions: Descriptions) {
    this.#api = api;
    this.#options = options.person;
    this.#descriptions = descriptions;
  }

  async write(met: readonly Meeting[], signal: AbortSignal): Promise<Map<Delivery, Remark>> {
    const meetings = met.filter(({ person }) => person.type === 'lead' || person.type === 'contact');
    if (this.#names().length === 0 || meetings.length === 0) return new Map();
    try {
      const writable = await this.#writable(meetings, signal);
      const read = await this.#read(meetings, writable, signal);
      let changes = this.#changes(meetings, writable);
      const outdated = [...changes].filter(([id, { values }]) => !read.has(id) && this.#fills(values));
      if (outdated.length > 0) {
        for (const [id] of outdated) this.#held.delete(id);
        await this.#read(meetings, writable, signal);
        changes = this.#changes(meetings, writable);
      }
      return await this.#writeChanges(meetings, changes, signal);
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      const { failure } = thrown;
      return new Map(meetings.map(({ delivery }) => [delivery, { failure }]));
    }
  }

  /** What may be written at all. */
  #names(): string[] {
    const { onUpdate, properties, attribution } = this.#options;
    return [
      ...(onUpdate === 'never' ? [] : Object.keys(properties)),
      ...(attribution ? attributionNames : []),
    ];
  }

  /** What decides whether it is written. */
  #asked(): string[] {
    const { onUpdate, properties, attribution } = this.#options;
    return [
      ...(onUpdate === 'fillBlank' ? Object.keys(properties) : []),
      ...(attribution ? attributionTimes : []),
    ];
  }

  async #writable(
    meetings: readonly Meeting[],
    signal: AbortSignal,
  ): Promise<Record<PersonObject, ReadonlySet<string>>> {
    const namesOf = async (object: PersonObject) => {
      if (!meetings.some(({ person }) => objectOf(person) === object)) return new Set<string>();
      const described: ReadonlyMap<string, FieldDescription> = await this.#descriptions.of(object, signal);
      return new Set(this.#names().filter((name) => described.get(name)?.updateable));
    };
    return { Contact: await namesOf('Contact'), Lead: await namesOf('Lead') };
  }

  /** Whether that is right depends on what is blank, which somebody may have filled since we looked. */
  #fills(values: Values): boolean {
    const { onUpdate, properties } = this.#options;
    const isFill = (name: string) =>
      name === attributionFields.first.at || (onUpdate === 'fillBlank' && name in properties);
    return Object.keys(values).some(isFill);
  }

  /** What those people hold whom we have not met yet. Answers who that is. */
  async #read(
    meetings: readonly Meeting[],
    writable: Record<PersonObject, ReadonlySet<string>>,
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    const read = new Set<string>();
    const statements = objects.flatMap((object) => {
      const strangers = meetings.filter(
        ({ person }) => objectOf(person) === object && !this.#held.has(person.id),
      );
      const ids = [...new Set(strangers.map(({ person }) => person.id))];
      const asked = this.#asked().filter((name) => writable[object].has(name));
      if (ids.length === 0 || asked.length === 0) return [];
      return [`SELECT ${['Id', ...asked].join(',')} FROM ${object} WHERE ${isIn('Id', ids)}`];
    });
    if (statements.length === 0) return read;
    for (const { rows, failure } of await this.#api.query(statements, signal)) {
      if (failure) throw new RequestFailed(failure);
      for (const { Id, attributes: _, ...held } of rows) {
        this.#held.set(Id, held);
        read.add(Id);
      }
    }
    return read;
  }

  /** By person: several calls of one add up. */
  #changes(
    meetings: readonly Meeting[],
    writable: Record<PersonObject, ReadonlySet<string>>,
  ): Map<string, Change> {
    const { onUpdate, properties, attribution } = this.#options;
    const changes = new Map<string, Change>();
    for (const { delivery, person } of meetings) {
      const { call, source } = delivery;
      const before = changes.get(person.id)?.values ?? {};
      const held: Record<string, unknown> = { ...this.#held.get(person.id), ...before };
      const isWanted = (name: string, value: unknown) =>
        onUpdate === 'fillBlank' ? isBlank(held[name]) : onUpdate === 'overwrite' && held[name] !== value;
      const mapped = Object.entries(mapFields(properties, { call, timezone: source.timezone })).filter(
        ([name, value]) => isWanted(name, value),
      );
      const touched = attribution ? Object.entries(attributionChanges(held, call)) : [];
      const change = [...mapped, ...touched].filter(([name]) => writable[objectOf(person)].has(name));
      if (change.length === 0) continue;
      changes.set(person.id, { delivery, values: { ...before, ...Object.fromEntries(change) } });
    }
    return changes;
  }

  async #writeChanges(
    meetings: readonly Meeting[],
    changes: ReadonlyMap<string, Change>,
    signal: AbortSignal,
  ): Promise<Map<Delivery, Remark>> {
    const remarks = new Map<string, Remark>(); // by person
    for (const object of objects) {
      const ids = [...changes.keys()].filter((id) =>
        meetings.some(({ person }) => person.id === id && objectOf(person) === object),
      );
      if (ids.length > 0) await this.#writeTo(object, ids, changes, remarks, signal);
    }
    return new Map(
      meetings.flatMap(({ delivery, person }) => {
        const remark = remarks.get(person.id);
        return remark ? [[delivery, remark] as const] : [];
      }),
    );
  }

  async #writeTo(
    object: PersonObject,
    ids: readonly string[],
    changes: ReadonlyMap<string, Change>,
    remarks: Map<string, Remark>,
    signal: AbortSignal,
  ): Promise<void> {
    const drafts = ids.map((id): Draft => {
      const { values, delivery } = changes.get(id) as Change;
      return { object, values: { ...values, Id: id }, timezone: delivery.source.timezone, notes: [] };
    });
    const written = await this.#descriptions.writeFitted(
      drafts,
      (records) =>
        this.#api.update(
          'people',
          records.map(({ fields: { Id, ...fields } }) => ({ object, id: String(Id), fields })),
          signal,
        ),
      signal,
    );
    ids.forEach((id, place) => {
      const failure = written[place]?.failure;
      const { notes } = drafts[place] as Draft;
      // Of somebody who is not there any more, the link tells.
      if (failure?.cure?.what === 'gone' || failure?.cure?.what === 'converted') return;
      if (!failure) {
        this.#held.set(id, { ...this.#held.get(id), ...(changes.get(id) as Change).values });
        if (notes.length > 0) remarks.set(id, { note: notes.join(' ') });
      } else if (failure.kind === 'rejected') {
        remarks.set(id, { note: `What the mapping says of the person was not written. ${failure.reason}` });
      } else remarks.set(id, { failure });
    });
  }
}

function objectOf({ type }: RecordRef): PersonObject {
  return type === 'lead' ? 'Lead' : 'Contact';
}

function isBlank(value: unknown): boolean {
  return value === null || value === undefined || value === '';
}
