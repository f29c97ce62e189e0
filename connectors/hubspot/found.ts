import type { Findings } from '../../src/connector/contract.ts';

/** How an account differs from what HubSpot's documents say, as `probe` or `setup` found out. */
export interface Found {
  /** Call ids cannot be kept unique, or calls not be read by them: a call is searched for before it is made again. */
  callKeys: 'searched';
  /** How long the search index was behind, in milliseconds. */
  indexLagMs: number;
  /** HubSpot says in words we do not know that a key is taken, or a record gone: what is there tells instead. */
  refusals: 'unread';
  /** The statuses that calls may have. */
  statuses: string[];
  /** Calls show on the contact once they have ended, not before. */
  timeline: 'ended';
  /** The phone index holds numbers in a form of its own: what people typed is searched, too. */
  phoneIndex: 'odd';
  /** The most values that a search takes in one list. */
  longestList: number;
}

export type HubSpotFindings = Findings<Found>;
