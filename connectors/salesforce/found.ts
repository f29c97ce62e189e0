import type { Findings } from '../../src/connector/index.ts';

/** How an org differs from what Salesforce's documents say, as `probe` found out. */
export interface Found {
  /** Salesforce says in words we do not know that a Task is there, or a record gone: what is there tells instead. */
  refusals: 'unread';
  /** Searching does not see through the separators of Australian numbers: digits are compared, whatever is between. */
  search: 'separators';
}

export type SalesforceFindings = Findings<Found>;
