import type { HubSpotApi, ObjectType } from './api.ts';
import type { Link } from './associations.ts';
import { type Cure, type Failure, RequestFailed } from './failures.ts';
import { ownProperties } from './setup-names.ts';

/** A record that was refused. */
export interface Refused {
  failure: Failure;
  key?: string | undefined;
  /** If it was to be changed. */
  id?: string | undefined;
  /** What it was to be linked to when it is made. */
  links?: readonly Link[] | undefined;
}

/**
 * What refusals mean that no code explains: that the key is taken when another record has it, and that the record, or what
 * it was to be linked to, is gone when HubSpot does not show it. A look that fails leaves the refusal as it is.
 */
export async function secondLook(
  api: HubSpotApi,
  objectType: ObjectType,
  refused: readonly Refused[],
  signal: AbortSignal,
): Promise<Failure[]> {
  const key = ownProperties[objectType];
  const unclear = refused.filter(({ failure }) => failure.isUnclear);
  if (unclear.length === 0) return refused.map(({ failure }) => failure);
  const look = (type: ObjectType | 'companies', ids: readonly string[]) =>
    idsThere(api, type, ids, undefined, signal).catch(unknown);
  const linkedTo = (to: Link['to']) =>
    unclear.flatMap(({ links = [] }) => links.flatMap((link) => (link.to === to ? link.id : [])));
  const changed = unclear.flatMap(({ id }) => id ?? []);
  const [holders, there, contacts, companies, calls] = await Promise.all([
    idsThere(
      api,
      objectType,
      unclear.flatMap((one) => one.key ?? []),
      key,
      signal,
    ).catch(blockedOrUnknown),
    look(objectType, changed),
    look('contacts', linkedTo('contacts')),
    look('companies', linkedTo('companies')),
    look('calls', linkedTo('calls')),
  ]);
  const linked = { contacts, companies, calls };
  return refused.map((one) => {
    const { failure, id, links = [] } = one;
    if (!failure.isUnclear) return failure;
    const meaning = (cure: Cure): Failure => ({ kind: 'rejected', reason: failure.reason, cure });
    if (id !== undefined && there && !there.has(id)) return meaning({ what: 'gone' });
    if (holders && !(holders instanceof Map)) return holders; // there is no such key
    const holder = one.key === undefined ? undefined : holders?.get(one.key);
    if (holder !== undefined && holder !== id) return meaning({ what: 'conflict', property: key });
    const isOrphan = links.some((link) => linked[link.to]?.has(link.id) === false);
    return isOrphan ? meaning({ what: 'association' }) : failure;
  });
}

/** Those that are there: what they were asked by → id. @throws RequestFailed */
async function idsThere(
  api: HubSpotApi,
  objectType: ObjectType | 'companies',
  ids: readonly string[],
  idProperty: string | undefined,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const asked = [...new Set(ids)];
  if (asked.length === 0) return new Map();
  const what = {
    ...(idProperty === undefined ? {} : { idProperty }),
    properties: idProperty ? [idProperty] : [],
  };
  const rows = await api.read(objectType, asked, what, signal);
  return new Map(
    rows.map((row) => [idProperty === undefined ? row.id : (row.properties[idProperty] ?? ''), row.id]),
  );
}

function blockedOrUnknown(thrown: unknown): Failure | undefined {
  if (!(thrown instanceof RequestFailed)) throw thrown;
  return thrown.failure.kind === 'blocked' ? thrown.failure : undefined;
}

function unknown(thrown: unknown): undefined {
  if (!(thrown instanceof RequestFailed)) throw thrown;
}
