import { touchNames } from '../../src/crm/index.ts';
import { touchFields } from './attribution.ts';

export type ObjectType = 'contacts' | 'calls' | 'tasks' | 'deals';

/** The properties of our own, by object: what makes a second write of the same call or caller find the first. */
export const ownProperties = {
  calls: 'delacon_call_id',
  contacts: 'delacon_caller',
  tasks: 'delacon_call_id',
  deals: 'delacon_call_id',
} as const satisfies Record<ObjectType, string>;

/** HubSpot's own limit for text properties, in characters. */
export const longestText = 65_536;

/** Each once. */
export const keyNames: readonly string[] = [...new Set(Object.values(ownProperties))];

const ownTouches: readonly string[] = touchNames(touchFields);

/** Whose a record is. */
export const ownerName = 'hubspot_owner_id';

/** Properties whose values are kept apart from them: owners, and pipelines with their stages. */
export const listedElsewhere: ReadonlySet<string> = new Set([ownerName, 'pipeline', 'dealstage']);

export function isOwn(property: string): boolean {
  return keyNames.includes(property) || ownTouches.includes(property);
}

export const ownGroup = { name: 'delacon', label: 'Delacon' } as const;

/** Where the configuration maps the properties of an object. */
export const mappedAt: Record<ObjectType, string> = {
  calls: 'activity.properties',
  contacts: 'person.properties',
  tasks: 'followUp.properties',
  deals: 'sale.properties',
};
