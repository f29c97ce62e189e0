import { asFailure, type Look, readBack, type Seen } from '../../src/crm/index.ts';
import type { HubSpotApi } from './api.ts';
import type { Link } from './associations.ts';
import type { Cure, Failure } from './failures.ts';
import { type ObjectType, ownProperties } from './setup-names.ts';

/** A record that was refused. */
export interface Refused {
  failure: Failure;
  key?: string | undefined;
  /** If it was to be changed. */
  id?: string | undefined;
  /** What it was to be linked to when it is made. */
  links?: readonly Link[] | undefined;
}

const idField = 'hs_object_id';

/** What refusals mean that no code explains. */
export async function secondLook(
  api: HubSpotApi,
  objectType: ObjectType,
  refused: readonly Refused[],
  signal: AbortSignal,
): Promise<Failure[]> {
  const property = ownProperties[objectType];
  const cures: Record<string, Cure> = {
    gone: { what: 'gone' },
    taken: { what: 'conflict', property },
    orphan: { what: 'association' },
  };
  const unclear = refused.filter(({ failure }) => failure.isUnclear);
  const meanings = await readBack(
    unclear.map(({ key, id, links = [] }) => ({
      self: id === undefined ? undefined : { object: objectType, field: idField, value: id },
      keys: key === undefined ? [] : [{ object: objectType, field: property, value: key }],
      links: links.map((link) => ({ object: link.to, field: idField, value: link.id })),
    })),
    (looks) => Promise.all(looks.map((one) => idsThere(api, one, signal).catch(asFailure<Failure>))),
  );
  return refused.map((one) => {
    const meaning = meanings[unclear.indexOf(one)];
    if (meaning === undefined || typeof meaning === 'object') return meaning ?? one.failure;
    return { kind: 'rejected', reason: one.failure.reason, cure: cures[meaning] as Cure };
  });
}

/** @throws RequestFailed */
async function idsThere(
  api: HubSpotApi,
  { object, field, values }: Look,
  signal: AbortSignal,
): Promise<Seen<Failure>> {
  const isKey = field !== idField;
  const what = isKey ? { idProperty: field, mayBeShared: true, properties: [field] } : { properties: [] };
  const rows = await api.read(object as ObjectType, values, what, signal);
  return new Map(rows.map((row) => [isKey ? (row.properties[field] ?? '') : row.id, row.id]));
}
