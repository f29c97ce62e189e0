import type { AccountFacts } from '../../src/connector/index.ts';

/** How an org differs from what Salesforce's documents say, as `probe` found out. */
export interface Facts {
  /** Salesforce says in words we do not know that a Task is there, or a record gone: what is there tells instead. */
  refusals: 'unread';
  /** Searching does not see through the separators of Australian numbers: digits are compared, whatever is between. */
  search: 'separators';
}

export type SalesforceFacts = AccountFacts<Facts>;
