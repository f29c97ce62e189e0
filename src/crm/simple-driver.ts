import type { RecordRef } from '../call/records.ts';
import type { Values } from '../connector/values.ts';
import { candidate, type Wanted } from './candidates.ts';
import { type CrmDriver, together } from './driver.ts';
import { type Failure, forAll } from './failure.ts';
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
  /** What the ids of its users look like. Undefined: one word with digits. */
  readonly userIds?: RegExp;
  /** The most records, ids, keys, numbers or addresses of one request. Undefined: any number. */
  readonly most?: number | undefined;
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
  /** The users whom these addresses name; those of nobody are left out. */
  users(addresses: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, User>>;
}

export function simpleDriver(simple: SimpleCrm, model: SimpleModel, options: CrmOptions): CrmDriver {
  const crm = inParts(simple);
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
      ...(simple.userIds ? { ids: simple.userIds } : {}),
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
        const bySort = Map.groupBy(records, (record) => `${record.type} ${keyOf(record)}`);
        for (const those of bySort.values()) {
          const [{ type: one, key }] = those as [CallRecord, ...CallRecord[]];
          const field = key.property;
          const by = { field, values: those.map((record) => record.key.value) };
          const rows = await crm.read(one, by, [field, link], signal);
          for (const record of those) {
            const those = rows.filter(({ fields }) => fields[field] === record.key.value);
            const row = those.find(({ id }) => id === record.known?.id) ?? those[0];
            if (row) found.set(record, existingOf(row));
          }
        }
        return found;
      },
      complete: (ids, signal) =>
        crm.update(
          model.followUp.type,
          ids.map((id) => ({ id, fields: model.completed })),
          signal,
        ),
      unkeyed: async () => ({
        types: lag ? [...new Set([model.activity, model.followUp, model.sale].map((one) => one.type))] : [],
        lagMs: lag?.lagMs ?? 0,
      }),
    },
  };
}

/** The same CRM, asked for no more at once than it takes. */
function inParts(crm: SimpleCrm): SimpleCrm {
  const most = crm.most ?? Number.POSITIVE_INFINITY;
  return {
    name: crm.name,
    keys: crm.keys,
    create: (type, records, signal) => fatesOf(records, most, (part) => crm.create(type, part, signal)),
    update: (type, changes, signal) => fatesOf(changes, most, (part) => crm.update(type, part, signal)),
    read: (type, { field, values }, fields, signal) =>
      answersOf(values, most, (part) => crm.read(type, { field, values: part }, fields, signal)),
    search: (callers, fields, signal) => answersOf(callers, most, (part) => crm.search(part, fields, signal)),
    async users(addresses, signal) {
      const problem = (address: string): User => ({
        problem: `${crm.name} has no user ${address}.`,
        fix: 'Invite them, or correct the owners of the configuration.',
      });
      const found = await answersOf(addresses, most, async (part) => [...(await crm.users(part, signal))]);
      return new Map([...addresses.map((one) => [one, problem(one)] as const), ...found]);
    },
  };
}

/**
 * For a CRM that takes one record a request: what becomes of each. `send` answers its id, and throws `RequestFailed`; after
 * trouble that is every record's, no more is sent.
 */
export function oneByOne<T>(records: readonly T[], send: (record: T) => Promise<string>): Promise<Fate[]> {
  return fatesOf(records, 1, async ([record]) => [{ id: await send(record as T) }]);
}

/** What becomes of each, part by part. */
async function fatesOf<T>(
  records: readonly T[],
  most: number,
  write: (part: readonly T[]) => Promise<Fate[]>,
): Promise<Fate[]> {
  const fates: Fate[] = [];
  for (const part of partsOf(records, most)) {
    const last = fates.at(-1)?.failure;
    const isOver = last?.kind === 'blocked' || last?.scope === 'connector';
    if (isOver) fates.push(...part.map(() => ({ failure: unsent(last) })));
    else fates.push(...(await write(part).catch(forAll(part.length))));
  }
  return fates;
}

function unsent({ isUnanswered: _, ...failure }: Failure): Failure {
  return { ...failure, isUndone: true };
}

async function answersOf<T, A>(
  asked: readonly T[],
  most: number,
  ask: (part: readonly T[]) => Promise<A[]>,
): Promise<A[]> {
  const answers: A[] = [];
  for (const part of partsOf(asked, most)) answers.push(...(await ask(part)));
  return answers;
}

function partsOf<T>(all: readonly T[], most: number): (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let start = 0; start < all.length; start += most) parts.push(all.slice(start, start + most));
  return parts;
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

/** The same, in order. */
async function inOrder<T extends { type: string }>(
  all: readonly T[],
  write: (type: string, those: readonly T[]) => Promise<Fate[]>,
): Promise<Fate[]> {
  const fates = new Map<T, Fate>();
  await byType(all, async (type, those) => {
    const answers = await write(type, those);
    those.forEach((one, place) => {
      fates.set(one, answers[place] as Fate);
    });
    return [];
  });
  return all.map((one) => fates.get(one) as Fate);
}
