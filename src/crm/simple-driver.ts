import type { RecordRef } from '../call/records.ts';
import type { Values } from '../connector/values.ts';
import { candidate, type Wanted } from './candidates.ts';
import { type CrmDriver, together } from './driver.ts';
import { asFailure, type Failure, forAll } from './failure.ts';
import { type CrmModel, draftsFrom } from './model.ts';
import type { CrmOptions } from './options.ts';
import type { User } from './users.ts';
import type { CallRecord, Existing } from './work.ts';

/*
 * A driver for a CRM as most are: people of one kind, records with fields, and what links a record to its person is one
 * of them, as is its key. Such a CRM brings a model and five requests.
 */

export interface SimpleModel extends CrmModel {
  /** The field of a record that names its person. */
  link: string;
  /** Fields of people that hold phone numbers. */
  phones: readonly string[];
  /** The field that says when somebody was made, as ISO 8601. Undefined: lower ids are older. */
  createdAt?: string;
  /** What is written on a follow-up that is done. */
  completed: Values;
}

export interface Row {
  id: string;
  fields: Readonly<Record<string, unknown>>;
}

/**
 * What became of a record. A failure has the cure `taken` where another has its key, `gone` where it is not there any more,
 * and `orphan` where its person is not.
 */
export type Fate = { id: string; failure?: undefined } | { failure: Failure; id?: undefined };

/** The requests of a simple CRM. What fails as a whole throws `RequestFailed`. */
export interface SimpleCrm {
  /** For sentences. */
  readonly name: string;
  /** Whether it refuses a second record with a key; else how far reading by a key and searching may be behind, in ms. */
  readonly keys: 'unique' | { lagMs: number };
  /** Makes records, and changes none that is there. Answers in order. */
  create(type: string, records: readonly Values[], signal: AbortSignal): Promise<Fate[]>;
  /** What is not named stays as it is. Answers in order. */
  update(
    type: string,
    changes: readonly { id: string; fields: Readonly<Record<string, unknown>> }[],
    signal: AbortSignal,
  ): Promise<Fate[]>;
  /** Those that are there: by their ids, or by their keys. */
  read(
    type: string,
    by: { field: 'id' | (string & {}); values: readonly string[] },
    fields: readonly string[],
    signal: AbortSignal,
  ): Promise<Row[]>;
  /** Whoever may have one of these numbers, in any spelling: they are compared before they are believed. */
  search(callers: readonly Wanted[], fields: readonly string[], signal: AbortSignal): Promise<Row[]>;
  /** The users whom these addresses name. */
  users(addresses: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, User>>;
}

export function simpleDriver(crm: SimpleCrm, model: SimpleModel, options: CrmOptions): CrmDriver {
  const { link, owner, phones, createdAt } = model;
  const { type, key } = model.person;
  const person = (id: string): RecordRef => ({ type, id });
  const text = (value: unknown) => (value === null || value === undefined ? '' : String(value));
  const known = [key, ...phones, createdAt ?? []].flat();
  const candidateOf = ({ id, fields }: Row) =>
    candidate({
      record: person(id),
      key: text(fields[key]) || null,
      keyField: key,
      createdAt: createdAt === undefined ? '' : text(fields[createdAt]),
      numbers: phones.map((field) => ({ field, text: text(fields[field]) })),
      held: fields,
    });
  const existingOf = ({ id, fields }: Row): Existing => {
    const linked = text(fields[link]);
    return linked === '' ? { id, isLinked: false } : { id, isLinked: true, person: person(linked) };
  };
  const byKey = async (keys: readonly string[], fields: readonly string[], signal: AbortSignal) =>
    (await crm.read(type, { field: key, values: keys }, [...known, ...fields], signal)).map(candidateOf);
  const linkTo = (one: RecordRef | null) => (one ? { [link]: one.id } : {});
  const lag = crm.keys === 'unique' ? undefined : crm.keys;
  return {
    name: crm.name,
    drafts: draftsFrom(model, options),
    touches: model.touches,
    owner: {
      name: owner,
      async unowned(records, signal) {
        const rows = await byType(records, (one, those) => {
          const by = { field: 'id', values: those.map(({ id }) => id) };
          return crm.read(one, by, [owner], signal);
        });
        return new Set(rows.flatMap(({ id, fields }) => (text(fields[owner]) === '' ? [id] : [])));
      },
    },
    users: (addresses, signal) => crm.users(addresses, signal),
    people: {
      finders: [
        together((callers, fields, signal) =>
          byKey(
            callers.map(({ number }) => number),
            fields,
            signal,
          ),
        ),
        together(async (callers, fields, signal) =>
          (await crm.search(callers, [...known, ...fields], signal)).map(candidateOf),
        ),
      ],
      named: person,
      byKey,
      claim: (claims, signal) =>
        crm.update(
          type,
          claims.map((one) => ({ id: one.candidate.record.id, fields: { [key]: one.key } })),
          signal,
        ),
      async make(newcomers, signal) {
        const records = newcomers.map((one) => ({ ...one.values, [key]: one.key }));
        const fates = await crm.create(type, records, signal);
        return fates.map((one, place) =>
          one.failure ? one : { person: person(one.id), isNew: true, held: newcomers[place]?.values ?? {} },
        );
      },
      async whereabouts(people, signal) {
        const by = { field: 'id', values: people.map((one) => one.person.id) };
        const rows = await crm.read(type, by, [], signal);
        return new Map(rows.map(({ id }) => [id, 'there' as const]));
      },
      unkeyed: lag,
    },
    personRecords: {
      types: [type],
      async read(people, fields, signal) {
        const by = { field: 'id', values: people.map(({ id }) => id) };
        return new Map((await crm.read(type, by, fields, signal)).map((row) => [row.id, row.fields]));
      },
      write: (changes, signal) =>
        crm.update(
          type,
          changes.map((one) => ({ id: one.person.id, fields: one.values })),
          signal,
        ),
    },
    records: {
      create: (records, signal) =>
        inOrder(records, (one, those) => {
          const values = those.map((record) => ({
            ...record.values,
            [record.key.property]: record.key.value,
            ...linkTo(record.person),
          }));
          return crm.create(one, values, signal);
        }),
      update: (changes, signal) =>
        inOrder(
          changes.map((change) => ({ ...change, type: change.record.type })),
          (one, those) =>
            crm.update(
              one,
              those.map(({ id, values, link }) => ({ id, fields: { ...values, ...linkTo(link) } })),
              signal,
            ),
        ),
      async find(records, signal) {
        const keyOf = ({ key }: CallRecord) => key.property;
        const found = new Map<CallRecord, Existing>();
        await byType(records, async (one, those) => {
          const field = keyOf(those[0] as CallRecord);
          const by = { field, values: those.map((record) => record.key.value) };
          const rows = await crm.read(one, by, [field, link], signal);
          for (const record of those) {
            const those = rows.filter(({ fields }) => fields[field] === record.key.value);
            const row = those.find(({ id }) => id === record.known?.id) ?? those[0];
            if (row) found.set(record, existingOf(row));
          }
          return [];
        });
        return found;
      },
      complete: (ids, signal) =>
        crm.update(
          model.followUp.type,
          ids.map((id) => ({ id, fields: model.completed })),
          signal,
        ),
      unkeyed: async () => ({
        types: lag ? [model.activity, model.followUp, model.sale].map((one) => one.type) : [],
        lagMs: lag?.lagMs ?? 0,
      }),
    },
  };
}

/**
 * For a CRM that takes one record a request: what becomes of each. `send` answers its id, and throws `RequestFailed`; after
 * trouble that is every record's, no more is sent.
 */
export async function oneByOne<T>(
  records: readonly T[],
  send: (record: T) => Promise<string>,
): Promise<Fate[]> {
  const fates: Fate[] = [];
  for (const record of records) {
    const last = fates.at(-1)?.failure;
    const isOver = last?.kind === 'blocked' || last?.scope === 'connector';
    if (isOver) fates.push({ failure: last });
    else
      fates.push(
        await send(record).then(
          (id) => ({ id }),
          (thrown) => ({ failure: asFailure<Failure>(thrown) }),
        ),
      );
  }
  return fates;
}

/** A request is for records of one type. */
async function byType<T extends { type: string }, A>(
  all: readonly T[],
  ask: (type: string, those: readonly T[]) => Promise<A[]>,
): Promise<A[]> {
  const answers: A[] = [];
  for (const [type, those] of Map.groupBy(all, (one) => one.type)) answers.push(...(await ask(type, those)));
  return answers;
}

/** The same, in order; one that fails as a whole costs the other types nothing. */
async function inOrder<T extends { type: string }>(
  all: readonly T[],
  write: (type: string, those: readonly T[]) => Promise<Fate[]>,
): Promise<Fate[]> {
  const fates = new Map<T, Fate>();
  await byType(all, async (type, those) => {
    const answers = await write(type, those).catch(forAll(those.length));
    those.forEach((one, place) => {
      fates.set(one, answers[place] as Fate);
    });
    return [];
  });
  return all.map((one) => fates.get(one) as Fate);
}
