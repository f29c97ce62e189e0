import type { RecordRef } from '../../src/connector/contract.ts';
import type { SalesforceApi } from './api.ts';
import { type Failure, RequestFailed } from './failures.ts';
import { ownFields } from './setup-names.ts';
import { isIn } from './soql.ts';

/** A Task that was refused. */
interface Refused {
  failure: Failure;
  key: string;
  /** Of the Task, if it was to be changed. */
  id?: string | undefined;
  /** Whom it was to be linked to. */
  person: RecordRef | null;
}

const key = ownFields.Task;

/**
 * What refusals mean, in an org whose words for it we do not know: that the Task is there when its key is, and that it
 * or its person is gone when Salesforce does not show them. A look that fails leaves the refusal as it is.
 */
export async function secondLook(
  api: SalesforceApi,
  refused: readonly Refused[],
  signal: AbortSignal,
): Promise<Failure[]> {
  const unclear = refused.filter(({ failure }) => isUnclear(failure));
  if (unclear.length === 0) return refused.map(({ failure }) => failure);
  const people = unclear.flatMap(({ person }) => person ?? []);
  const idsOf = (type: string) => people.flatMap((person) => (person.type === type ? person.id : []));
  const keys = unclear.flatMap((one) => (one.id === undefined ? one.key : []));
  const ids = unclear.flatMap(({ id }) => id ?? []);
  const [byKey, byId, leads, contacts] = await Promise.all([
    there(api, 'Task', key, keys, signal),
    there(api, 'Task', 'Id', ids, signal),
    there(api, 'Lead', 'Id', idsOf('lead'), signal, ' AND IsConverted = false'),
    there(api, 'Contact', 'Id', idsOf('contact'), signal),
  ]);
  return refused.map((one): Failure => {
    const { failure, id, person } = one;
    if (!unclear.includes(one)) return failure;
    if (id === undefined && byKey?.has(one.key)) return { ...failure, cure: { what: 'taken' } };
    const known = person?.type === 'lead' ? leads : contacts;
    const isGone =
      (id !== undefined && byId && !byId.has(id)) || (person !== null && known && !known.has(person.id));
    return isGone ? { ...failure, cure: { what: 'gone' } } : failure;
  });
}

function isUnclear({ kind, cure }: Failure): boolean {
  return kind !== 'blocked' && (cure === undefined || cure.what === 'fields');
}

/** Archived ones too. */
async function there(
  api: SalesforceApi,
  object: string,
  field: string,
  values: readonly string[],
  signal: AbortSignal,
  more = '',
): Promise<Set<string> | undefined> {
  if (values.length === 0) return new Set();
  const names = field === 'Id' ? 'Id' : `Id,${field}`;
  const condition = `IsDeleted = false AND ${isIn(field, [...new Set(values)])}${more}`;
  try {
    const statement = `SELECT ${names} FROM ${object} WHERE ${condition}`;
    const [found] = await api.query([statement], signal, 'queryAll');
    return found?.rows && new Set(found.rows.map((row) => String(row[field])));
  } catch (thrown) {
    if (thrown instanceof RequestFailed) return undefined;
    throw thrown;
  }
}
