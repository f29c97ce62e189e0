import type { OwnerField, User } from '../../src/crm/index.ts';
import type { Row } from './answers.ts';
import type { SalesforceApi } from './api.ts';
import { RequestFailed } from './failures.ts';
import { objects } from './holds.ts';
import { isIn } from './soql.ts';

export function ownerField(api: SalesforceApi): OwnerField {
  return {
    name: 'OwnerId',
    ids: /^00[5G][A-Za-z0-9]{12}([A-Za-z0-9]{3})?$/, // of users and of queues
    async unowned(records, signal) {
      const statements = [...Map.groupBy(records, ({ type }) => objects[type])].map(([object, those]) => {
        const ids = those.map(({ id }) => id);
        return `SELECT Id,OwnerId FROM ${object} WHERE ${isIn('Id', ids)}`;
      });
      const found = await api.query(statements, signal, 'queryAll'); // archived Tasks, too
      return new Set(
        found.flatMap(({ rows, failure }) => {
          if (failure) throw new RequestFailed(failure);
          return rows.flatMap((row) => (row['OwnerId'] === api.user?.id ? [row.Id] : []));
        }),
      );
    },
  };
}

/** The users who have these e-mail addresses or usernames. @throws RequestFailed */
export async function usersOf(
  api: SalesforceApi,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, User>> {
  const whose = `${isIn('Username', addresses)} OR ${isIn('Email', addresses)}`;
  const statement = `SELECT Id,Username,Email,IsActive,UserType FROM User WHERE ${whose}`;
  const [found] = await api.query([statement], signal);
  if (!found?.rows)
    throw new RequestFailed(
      found?.failure ?? { kind: 'retry', reason: 'Salesforce did not answer the query for owners.' },
    );
  const { rows } = found;
  return new Map(addresses.map((address) => [address, userAmong(rows, address)]));
}

/** A username names one user; an address may be that of several, of whom some may have left. */
function userAmong(rows: readonly Row[], address: string): User {
  const has = (row: Row, field: string) => String(row[field] ?? '').toLowerCase() === address.toLowerCase();
  const named = rows.filter((row) => has(row, 'Username'));
  const theirs = named.length > 0 ? named : rows.filter((row) => has(row, 'Email'));
  const active = theirs.filter((row) => row['IsActive'] === true);
  const people = active.filter((row) => row['UserType'] === 'Standard');
  const candidates = people.length > 0 ? people : active;
  const [user] = candidates;
  if (user && candidates.length === 1) return { id: user.Id };
  if (theirs.length === 0)
    return {
      problem: `Salesforce has no user ${address}.`,
      fix: 'Correct `owner` in the configuration, or create the user. A queue is named by its id, 00G….',
    };
  if (active.length === 0)
    return {
      problem: `${address} is inactive in Salesforce.`,
      fix: 'Name somebody else in `owner`, or activate the user.',
    };
  return {
    problem: `Several active users of Salesforce have the address ${address}.`,
    fix: 'Write the username of one of them in `owner`.',
  };
}
