import type { Values } from '../../src/connector/index.ts';
import {
  asFailure,
  type CallRecord,
  type Change,
  type CrmFailure,
  cacheOf,
  type Existing,
  isShown,
  type Written,
} from '../../src/crm/index.ts';
import type { Row } from './answers.ts';
import type { SalesforceApi } from './api.ts';
import { linkTo, personOf } from './candidates.ts';
import { type Failure, RequestFailed, takenForAnother } from './failures.ts';
import type { Draft, Fitted } from './fields.ts';
import { createOnly, madeOnly } from './model.ts';
import type { SalesforceOptions } from './options.ts';
import type { Fate, Records } from './records.ts';
import { ownFields } from './setup-names.ts';
import { isIn } from './soql.ts';
import type { Fields } from './written.ts';

const key = ownFields.Task;

/** The values of a Task that is to be made. */
export function valuesOfNew({ values, person, key: { property, value } }: CallRecord): Values {
  return { ...values, ...(person ? linkTo(person) : {}), [property]: value };
}

/**
 * A Task becomes a call only when it is made: TaskSubtype is refused afterwards. So an upsert always says it, which can
 * make a call but never a plain task, and is refused for a Task that is there. That one is then found and updated. A call
 * whose caller was made for it may have been sent along with them.
 */
export class Tasks {
  readonly #api: SalesforceApi;
  readonly #records: Records;
  readonly #madeOnly: readonly string[];
  /** What Tasks say that were given away: one that is of nobody may not even be seen afterwards. */
  readonly #given = cacheOf<string, Fields>(5_000);

  constructor(api: SalesforceApi, options: SalesforceOptions, records: Records) {
    this.#api = api;
    this.#records = records;
    this.#madeOnly = madeOnly(options);
  }

  async create(records: readonly CallRecord[], signal: AbortSignal): Promise<Written[]> {
    const written = await this.#records.write(
      records.map((record) => draftOf(record, valuesOfNew(record))),
      (fitted) =>
        this.#api.upsert(
          'Task',
          key,
          fitted.map(({ fields }) => fields),
          signal,
        ),
      signal,
    );
    return records.map((record, place) => this.made(record, written[place] as Fate));
  }

  /** What became of one that was to be made. */
  made(record: CallRecord, { id, created, failure, values, notes }: Fate): Written {
    if (failure) return { failure: isThere(failure) ? asTaken(failure) : asOrphan(failure, record) };
    record.notes.push(...notes);
    const isOwned = created && 'OwnerId' in values;
    if (isOwned) this.#given.set(id, this.fit(record, values).fields);
    return { id, isOwned };
  }

  /** As the fields of a Task can hold it. */
  fit(record: CallRecord, values: Values): Fitted {
    return this.#records.descriptions.fit(draftOf(record, values));
  }

  async update(changes: readonly Change[], signal: AbortSignal): Promise<Written[]> {
    const drafts = changes.map((change) => draftOf(change.record, this.#valuesOf(change)));
    const written = await this.#records.write(
      drafts,
      (records) =>
        this.#api.update(
          'Task',
          records.map(({ object, fields: { Id, ...fields } }) => ({ object, id: String(Id), fields })),
          signal,
        ),
      signal,
    );
    await this.#forgive(drafts, written, signal);
    return changes.map(({ record, id }, place): Written => {
      const { failure, values, notes } = written[place] as Fate;
      if (failure) return { failure: failure.cure?.what === 'gone' ? failure : asOrphan(failure, record) };
      record.notes.push(...notes);
      const isOwned = 'OwnerId' in values;
      if (isOwned) this.#given.set(id, this.fit(record, values).fields);
      return { id, isOwned };
    });
  }

  #valuesOf({ id, values, link }: Change): Values {
    const changed = Object.entries(values).filter(([name]) => !this.#madeOnly.includes(name));
    return { ...Object.fromEntries(changed), ...(link ? linkTo(link) : {}), Id: id };
  }

  /**
   * Nothing is to be written to a Task that shows it all: one that was given away with this very state by an attempt
   * whose answer was lost, or that is replayed. Whoever has it now need not let us change it.
   */
  async #forgive(drafts: readonly Draft[], written: Fate[], signal: AbortSignal): Promise<void> {
    const refused = drafts.flatMap((draft, place) =>
      written[place]?.failure?.cure?.what === 'theirs'
        ? [{ place, fields: this.#records.descriptions.fit(draft).fields }]
        : [],
    );
    if (refused.length === 0) return;
    const names = new Set(['Id', ...refused.flatMap(({ fields }) => Object.keys(fields))]);
    const ids = refused.map(({ fields }) => String(fields['Id']));
    const statement = `SELECT ${[...names].join(',')} FROM Task WHERE IsDeleted = false AND ${isIn('Id', ids)}`;
    const rows = await this.#rows(statement, signal).catch(asFailure<Failure>);
    for (const { place, fields } of refused) {
      const { values, notes } = written[place] as Fate;
      if (!Array.isArray(rows)) {
        written[place] = { failure: rows, values, notes };
        continue;
      }
      const id = String(fields['Id']);
      const held = rows.find((row) => row.Id === id) ?? this.#given.get(id);
      const { Id: _, ...wanted } = fields;
      const shows = held && Object.entries(wanted).every(([name, value]) => isShown(held[name], value));
      if (shows) written[place] = { id, created: false, values, notes };
    }
  }

  async find(
    records: readonly CallRecord[],
    signal: AbortSignal,
  ): Promise<Map<CallRecord, Existing | CrmFailure>> {
    const wanted = records.map((record) => record.key.value);
    const found = await this.#find(key, wanted, signal);
    return new Map(
      records.flatMap((record): [CallRecord, Existing | CrmFailure][] => {
        const { value } = record.key;
        const one = found.get(value);
        if (one) return [[record, one]];
        const like = [...found].find(([other]) => other.toLowerCase() === value.toLowerCase());
        return like ? [[record, takenForAnother(key, value, { Id: like[1].id, [key]: like[0] })]] : [];
      }),
    );
  }

  /** Salesforce says that a Task has the key, and shows none that has this very one. */
  unseen(failure: CrmFailure): CrmFailure {
    if ((failure.cure as Taken | undefined)?.isTheirs !== true) return failure;
    const reason = `Either the Task of this call is there and somebody else's, so that the bridge's user may not even see it ("Owners" in connectors/salesforce/README.md), or the user may make none for this person. ${failure.reason}`;
    return { kind: 'rejected', reason };
  }

  async look(
    records: ReadonlyMap<CallRecord, Existing>,
    signal: AbortSignal,
  ): Promise<Map<CallRecord, Existing>> {
    const ids = [...records.values()].map(({ id }) => id);
    const found = await this.#find('Id', ids, signal);
    return new Map(
      [...records].flatMap(([record, { id }]) => {
        const one = found.get(id);
        return one ? [[record, one] as const] : [];
      }),
    );
  }

  /** Tasks by a field of theirs; archived ones too, which a plain query leaves out. */
  async #find(
    field: 'Id' | typeof key,
    values: readonly string[],
    signal: AbortSignal,
  ): Promise<Map<string, Existing>> {
    const statement = `SELECT Id,WhoId,WhatId,${key} FROM Task WHERE IsDeleted = false AND ${isIn(field, values)}`;
    const rows = await this.#rows(statement, signal);
    return new Map(
      rows.map((row) => {
        const linked = row['WhoId'] ?? row['WhatId'] ?? null;
        return [String(row[field]), { id: row.Id, person: personOf(linked), isLinked: linked !== null }];
      }),
    );
  }

  async #rows(statement: string, signal: AbortSignal): Promise<Row[]> {
    const [found] = await this.#api.query([statement], signal, 'queryAll');
    if (found?.rows) return found.rows;
    throw new RequestFailed((found as { failure: Failure }).failure);
  }
}

function draftOf({ timezone }: CallRecord, values: Values): Draft {
  return { object: 'Task', values, timezone };
}

/** Salesforce says so by refusing what can only be said of a new Task, by our key, or by whose Task it is. */
function isThere({ cure }: Failure): boolean {
  if (cure?.what === 'fields') return cure.names.some((name) => createOnly.includes(name));
  return cure?.what === 'taken' || cure?.what === 'theirs';
}

/** Or so it seems: that a Task is somebody else's may be said of one that is not there. */
type Taken = { what: 'taken'; isTheirs: boolean };

function asTaken(failure: Failure): CrmFailure {
  const cure: Taken = { what: 'taken', isTheirs: failure.cure?.what === 'theirs' };
  return { ...failure, cure };
}

/** Where the record itself is there, or is only being made, it is its person who is gone. */
export function asOrphan(failure: Failure, { person }: CallRecord): CrmFailure {
  const isGone = failure.cure?.what === 'gone' || failure.cure?.what === 'converted';
  return isGone && person ? { ...failure, cure: { what: 'orphan' } } : failure;
}
