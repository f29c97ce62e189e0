import type { AccountFacts } from '../../src/connector/index.ts';
import type { LinkFrom } from './associations.ts';
import type { ObjectType } from './setup-names.ts';

/** How an account differs from what HubSpot's documents say, as `probe` or `setup` found out. */
export interface Facts {
  /** Their keys cannot be kept unique, or they not be read by them: they are searched for before they are made again. */
  callKeys: 'searched';
  taskKeys: 'searched';
  dealKeys: 'searched';
  /** How long the search index was behind, in milliseconds. */
  indexLagMs: number;
  /** The statuses that calls may have. */
  statuses: string[];
  /** Calls show on the contact once they have ended, not before. */
  timeline: 'ended';
  /** The phone index holds numbers in a form of its own: what people typed is searched, too. */
  phoneIndex: 'odd';
  /** The most values that a search takes in one list. */
  longestList: number;
}

export type HubSpotFacts = AccountFacts<Facts>;

/** Under which name it is kept that records are to be searched for. */
export const keyFacts = {
  calls: 'callKeys',
  tasks: 'taskKeys',
  deals: 'dealKeys',
} as const satisfies Record<LinkFrom, keyof Facts>;

/** Contacts never are: they are made by upserts. */
export function areSearched(objectType: ObjectType, found: Partial<Facts>): objectType is LinkFrom {
  return objectType !== 'contacts' && found[keyFacts[objectType]] === 'searched';
}
