import type { Attempt, SalesforceApi, Written } from './api.ts';
import { type Failure, RequestFailed } from './failures.ts';
import type { ObjectName } from './options.ts';
import { isKey } from './setup-names.ts';
import { isIn } from './soql.ts';

/** Fields that name another record, and the objects that its id may be of. */
const links = ['WhoId', 'WhatId', 'AccountId', 'ContactId'];
const linked: Record<string, ObjectName> = { '00Q': 'Lead', '003': 'Contact', '001': 'Account' };

/** Something to be looked for: a record, by its id or by a key of ours. */
interface Sought {
  object: ObjectName;
  field: string;
  value: string;
}

/**
 * What refusals mean, in an org whose words for it we do not know: that a record is there when its key is, and that it
 * or whom it was to be linked to is gone when Salesforce does not show them. A look that fails leaves the refusal as it
 * is.
 */
export async function secondLook(
  api: Pick<SalesforceApi, 'query'>,
  attempts: readonly Attempt[],
  written: readonly Written[],
  signal: AbortSignal,
): Promise<Written[]> {
  const unclear = new Set(attempts.filter((_, place) => isUnclear(written[place]?.failure)));
  if (unclear.size === 0) return [...written];
  const seen = await look(
    api,
    [...unclear].flatMap((attempt) => [...keysOf(attempt), ...idsOf(attempt)]),
    signal,
  );
  return attempts.map((attempt, place): Written => {
    const one = written[place] as Written;
    if (!one.failure || !unclear.has(attempt)) return one;
    const isThere = keysOf(attempt).some((key) => seen(key) === true);
    if (isThere) return { failure: { ...one.failure, cure: { what: 'taken' } } };
    const isGone = idsOf(attempt).some((id) => seen(id) === false);
    return isGone ? { failure: { ...one.failure, cure: { what: 'gone' } } } : one;
  });
}

function isUnclear(failure: Failure | undefined): boolean {
  if (!failure || failure.kind === 'blocked') return false;
  return failure.cure === undefined || failure.cure.what === 'fields';
}

/** Under which keys it was to be made. */
function keysOf({ object, id, fields }: Attempt): Sought[] {
  if (id !== undefined) return [];
  return Object.entries(fields).flatMap(([field, value]) =>
    isKey(field) && typeof value === 'string' ? [{ object, field, value }] : [],
  );
}

/** What has to be there: the record itself, and what it was to be linked to. */
function idsOf({ object, id, fields }: Attempt): Sought[] {
  const others = links.flatMap((name): Sought[] => {
    const value = fields[name];
    const other = typeof value === 'string' ? linked[value.slice(0, 3)] : undefined;
    return other ? [{ object: other, field: 'Id', value: String(value) }] : [];
  });
  return id === undefined ? others : [{ object, field: 'Id', value: id }, ...others];
}

/** Answers whether something is there, archived ones too; undefined where Salesforce did not say. */
async function look(
  api: Pick<SalesforceApi, 'query'>,
  all: readonly Sought[],
  signal: AbortSignal,
): Promise<(one: Sought) => boolean | undefined> {
  const places = new Map(all.map(({ object, field }) => [`${object}.${field}`, { object, field }]));
  const statements = [...places.values()].map(({ object, field }) => {
    const values = all.flatMap((one) => (one.object === object && one.field === field ? [one.value] : []));
    const names = field === 'Id' ? 'Id' : `Id,${field}`;
    // A converted lead is there, and cannot be written to; its key is still its own.
    const more = object === 'Lead' && field === 'Id' ? ' AND IsConverted = false' : '';
    return `SELECT ${names} FROM ${object} WHERE IsDeleted = false AND ${isIn(field, [...new Set(values)])}${more}`;
  });
  const found = await api.query(statements, signal, 'queryAll').catch((thrown: unknown) => {
    if (thrown instanceof RequestFailed) return [];
    throw thrown;
  });
  const seen = new Map(
    [...places.keys()].map((name, place) => {
      const field = name.slice(name.indexOf('.') + 1);
      return [name, found[place]?.rows && new Set(found[place].rows.map((row) => short(field, row[field])))];
    }),
  );
  return ({ object, field, value }) => seen.get(`${object}.${field}`)?.has(short(field, value));
}

/** Ids have 15 characters, and three more in some places. */
function short(field: string, value: unknown): string {
  return field === 'Id' ? String(value).slice(0, 15) : String(value);
}
