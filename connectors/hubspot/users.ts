import type { OwnerField, User } from '../../src/crm/index.ts';
import type { Owner } from './answers.ts';
import type { HubSpotApi } from './api.ts';
import { objectTypes } from './holds.ts';
import { type ObjectType, ownerName } from './setup-names.ts';

export function ownerField(api: HubSpotApi): OwnerField {
  return {
    name: ownerName,
    ids: /^\d+$/,
    async unowned(records, signal) {
      const unowned = new Set<string>();
      for (const [type, those] of Map.groupBy(records, (record) => record.type)) {
        const ids = those.map(({ id }) => id);
        const what = { properties: [ownerName] };
        for (const { id, properties } of await api.read(objectTypes[type] as ObjectType, ids, what, signal))
          if (!properties[ownerName]) unowned.add(id);
      }
      return unowned;
    },
  };
}

/** All users who are there, whoever was asked for, and why the others are not. @throws RequestFailed */
export async function usersOf(
  api: HubSpotApi,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, User>> {
  const users = new Map<string, User>();
  // An address may have been given to somebody else: those who are active come last.
  for (const owner of (await api.owners(signal)).sort((a, b) => Number(isActive(a)) - Number(isActive(b)))) {
    const { id, email } = owner;
    if (!email) continue;
    const problem = `${email} is deactivated in HubSpot.`;
    users.set(email.toLowerCase(), isActive(owner) ? { id } : { problem, fix: advice });
  }
  for (const address of addresses)
    if (!users.has(address))
      users.set(
        address,
        address.includes('@') && (await api.isArchivedOwner(address, signal))
          ? { problem: `${address} was removed from HubSpot.`, fix: advice }
          : {
              problem: `HubSpot has no user ${address}.`,
              fix: 'Invite them, or correct `owner` in the configuration.',
            },
      );
  return users;
}

const advice = 'Name somebody else in `owner`, or bring the user back.';

function isActive({ archived, userId, userIdIncludingInactive }: Owner): boolean {
  return !archived && !(userId === undefined && userIdIncludingInactive !== undefined);
}
