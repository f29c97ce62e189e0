import type { RecordRef } from '../call/records.ts';

/**
 * A connector's own map of people: E.164 number → the record it was found or made as. The way to few requests, and
 * never the authority: the CRM is, and a record that it no longer has is to be forgotten and resolved again.
 */
export interface People {
  /** The known ones among the numbers. */
  find(numbers: readonly string[]): Promise<Map<string, RecordRef>>;
  remember(people: ReadonlyMap<string, RecordRef>): Promise<void>;
  forget(numbers: readonly string[]): Promise<void>;
}
