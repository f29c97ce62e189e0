import { type Doubtful, type Look, readBack, type Seen } from '../../src/crm/index.ts';
import type { Failure } from './failures.ts';
import type { ObjectName } from './options.ts';
import { isKey } from './setup-names.ts';
import { isIn } from './soql.ts';
import type { Attempt, QueryResult, Written } from './written.ts';

/** Fields that name another record, and the objects that its id may be of. */
const links = ['WhoId', 'WhatId', 'AccountId', 'ContactId'];
const linked: Record<string, ObjectName> = { '00Q': 'Lead', '003': 'Contact', '001': 'Account' };

/** Asks for what is there, the archived too. */
type Query = (statements: string[]) => Promise<QueryResult[]>;

/** What refusals mean, in an org whose words for it we do not know. */
export async function secondLook(
  query: Query,
  attempts: readonly Attempt[],
  written: readonly Written[],
): Promise<Written[]> {
  const unclear = attempts.filter((_, place) => isUnclear(written[place]?.failure));
  const meanings = await readBack(unclear.map(doubtful), (looks) => look(query, looks));
  return attempts.map((attempt, place): Written => {
    const one = written[place] as Written;
    const meaning = meanings[unclear.indexOf(attempt)];
    if (!one.failure || meaning === undefined) return one;
    if (typeof meaning === 'object') return { failure: meaning };
    return { failure: { ...one.failure, cure: { what: meaning === 'taken' ? 'taken' : 'gone' } } };
  });
}

function isUnclear(failure: Failure | undefined): boolean {
  if (!failure || failure.kind === 'blocked') return false;
  return failure.cure === undefined || ['fields', 'content'].includes(failure.cure.what);
}

function doubtful({ object, id, fields }: Attempt): Doubtful {
  const texts = Object.entries(fields).filter((one): one is [string, string] => typeof one[1] === 'string');
  const keys = texts.filter(([field]) => id === undefined && isKey(field));
  return {
    self: id === undefined ? undefined : { object, field: 'Id', value: id },
    keys: keys.map(([field, value]) => ({ object, field, value })),
    links: texts.flatMap(([name, value]) => {
      const other = links.includes(name) ? linked[value.slice(0, 3)] : undefined;
      return other ? [{ object: other, field: 'Id', value }] : [];
    }),
  };
}

/** Archived ones are there, too. A converted lead is there, and cannot be written to; its key is still its own. */
async function look(query: Query, looks: readonly Look[]): Promise<Seen<Failure>[]> {
  const statements = looks.map(({ object, field, values }) => {
    const names = field === 'Id' ? 'Id' : `Id,${field}`;
    const more = object === 'Lead' && field === 'Id' ? ' AND IsConverted = false' : '';
    return `SELECT ${names} FROM ${object} WHERE IsDeleted = false AND ${isIn(field, values)}${more}`;
  });
  const found = await query(statements);
  return looks.map(({ field, values }, place) => {
    const { rows, failure } = found[place] as QueryResult;
    if (failure) return failure;
    const ids = new Map(rows.map((row) => [short(field, row[field]), row.Id]));
    const there = values.filter((value) => ids.has(short(field, value)));
    return new Map(there.map((value) => [value, ids.get(short(field, value)) as string]));
  });
}

/** Ids have 15 characters, and three more in some places. */
function short(field: string, value: unknown): string {
  return field === 'Id' ? String(value).slice(0, 15) : String(value);
}
