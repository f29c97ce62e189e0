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
 * it was to be linked to, is gone when HubSpot does not show it. A look that fails is tried again, with the record.
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
    idsThere(api, type, ids, undefined, signal).catch(orFailure);
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
    ).catch(orFailure),
    look(objectType, changed),
    look('contacts', linkedTo('contacts')),
    look('companies', linkedTo('companies')),
    look('calls', linkedTo('calls')),
  ]);
  const linked = { contacts, companies, calls };
  return refused.map((one) => {
    const { failure, id, links = [] } = one;
    if (!failure.isUnclear) return failure;
    const looks = [
      ...(one.key === undefined ? [] : [holders]),
      ...(id === undefined ? [] : [there]),
      ...links.map(({ to }) => linked[to]),
    ];
    const failed = looks.find((seen): seen is Failure => seen !== undefined && !(seen instanceof Map));
    if (failed) return failed;
    const meaning = (cure: Cure): Failure => ({ kind: 'rejected', reason: failure.reason, cure });
    const shows = (seen: Seen, what: string) => (seen instanceof Map ? seen.has(what) : undefined);
    if (id !== undefined && shows(there, id) === false) return meaning({ what: 'gone' });
    const holder = one.key !== undefined && holders instanceof Map ? holders.get(one.key) : undefined;
    if (holder !== undefined && holder !== id) return meaning({ what: 'conflict', property: key });
    const isOrphan = links.some((link) => shows(linked[link.to], link.id) === false);
    return isOrphan ? meaning({ what: 'association' }) : failure;
  });
}

/** What a look saw, or why it saw nothing. Undefined: HubSpot does not let this be looked at. */
type Seen = ReadonlyMap<string, string> | Failure | undefined;

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
    ...(idProperty === undefined ? {} : { idProperty, mayBeShared: true }),
    properties: idProperty ? [idProperty] : [],
  };
  const rows = await api.read(objectType, asked, what, signal);
  return new Map(
    rows.map((row) => [idProperty === undefined ? row.id : (row.properties[idProperty] ?? ''), row.id]),
  );
}

/** A look that fails leaves it open what the refusal meant: then that failure is the record's, too. */
function orFailure(thrown: unknown): Failure | undefined {
  if (!(thrown instanceof RequestFailed)) throw thrown;
  return thrown.failure.kind === 'rejected' ? undefined : thrown.failure;
}
