import type { AccountFacts } from '../../src/connector/index.ts';
import type { FieldDescription } from './answers.ts';

/** How an org differs from what Salesforce's documents say, as `probe` found out. */
export interface Facts {
  /** Salesforce says in words we do not know that a Task is there, or a record gone: what is there tells instead. */
  refusals: 'unread';
  /** Searching does not see through the separators of Australian numbers: digits are compared, whatever is between. */
  search: 'separators';
}

/** What descriptions told, which deliveries would pay a request for. */
export type Described = AccountFacts<{
  /** Tasks have this type, and our user may write it. */
  taskType: typeof callType;
}>;

/** The type of a Task that is a call, where an org has it. */
export const callType = 'Call';

export function takesCallType(fields: readonly FieldDescription[]): boolean {
  const type = fields.find(({ name }) => name === 'Type');
  const isKnown = type?.picklistValues.some(({ active, value }) => active && value === callType);
  return isKnown === true && type?.createable === true;
}

export type SalesforceFacts = AccountFacts<Facts>;
