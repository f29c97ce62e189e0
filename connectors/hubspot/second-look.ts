import type { HubSpotApi, ObjectType } from './api.ts';
import type { LinkFrom } from './associations.ts';
import { type Failure, RequestFailed } from './failures.ts';
import { ownProperties } from './setup-names.ts';

/** A record that was refused. */
interface Refused {
  failure: Failure;
  key: string;
  /** If it was to be changed. */
  id?: string | undefined;
  /** Whom it was to be linked to. */
  contactId: string | undefined;
}

/**
 * What refusals mean, in an account whose words for it we do not know: that the key is taken when a record has it, and
 * that the record or its contact is gone when HubSpot does not show it. A look that fails leaves the refusal as it is.
 */
export async function secondLook(
  api: HubSpotApi,
  objectType: LinkFrom,
  refused: readonly Refused[],
  signal: AbortSignal,
): Promise<Failure[]> {
  const key = ownProperties[objectType];
  const unclear = refused.filter(({ failure }) => failure.kind === 'rejected' && !failure.cure);
  if (unclear.length === 0) return refused.map(({ failure }) => failure);
  const [byKey, byId, contacts] = await Promise.all([
    thoseThere(
      api,
      objectType,
      unclear.flatMap((one) => (one.id === undefined ? one.key : [])),
      key,
      signal,
    ),
    thoseThere(
      api,
      objectType,
      unclear.flatMap(({ id }) => id ?? []),
      undefined,
      signal,
    ),
    thoseThere(
      api,
      'contacts',
      unclear.flatMap((one) => (one.id === undefined ? (one.contactId ?? []) : [])),
      undefined,
      signal,
    ),
  ]);
  return refused.map((one) => {
    const { failure, id, contactId } = one;
    if (!unclear.includes(one)) return failure;
    if (id !== undefined)
      return byId && !byId.has(id) ? { ...failure, cure: { what: 'gone' as const } } : failure;
    if (byKey?.has(one.key)) return { ...failure, cure: { what: 'conflict' as const, property: key } };
    const isOrphan = contactId !== undefined && contacts !== undefined && !contacts.has(contactId);
    return isOrphan ? { ...failure, cure: { what: 'association' as const } } : failure;
  });
}

async function thoseThere(
  api: HubSpotApi,
  objectType: ObjectType,
  ids: readonly string[],
  idProperty: string | undefined,
  signal: AbortSignal,
): Promise<Set<string> | undefined> {
  const asked = [...new Set(ids)];
  if (asked.length === 0) return new Set();
  try {
    const what = {
      ...(idProperty === undefined ? {} : { idProperty }),
      properties: idProperty ? [idProperty] : [],
    };
    const rows = await api.read(objectType, asked, what, signal);
    return new Set(
      rows.map((row) => (idProperty === undefined ? row.id : (row.properties[idProperty] ?? ''))),
    );
  } catch (thrown) {
    if (thrown instanceof RequestFailed) return undefined;
    throw thrown;
  }
}
