import type { KindName } from './kinds.ts';

/** What nobody knows of an account before asking: the other answers to what a probe asks. */
export interface Oddities {
  /**
   * Kinds whose unique properties are refused when they are made, are made and then ignored, or are kept, but no record
   * is read by them.
   */
  keys: Partial<Record<KindName, 'refused' | 'ignored' | 'unread'>>;
  /** Words of its own, for a taken key, a contact and a record that are gone. */
  words: string | undefined;
  /** The phone index holds numbers as they were typed. */
  indexesAsTyped: boolean;
  /** Calls that are not completed are not listed with their contact. */
  hidesUnfinished: boolean;
  /** The most values in a list of a search. */
  longestList: number;
  /** Nobody is found by the ids of what was merged into them. */
  hidesMerged: boolean;
  /** What a record held that was deleted, or merged away, stays taken. */
  keepsDeletedKeys: boolean;
  /** An update by the id of a record that was merged away is taken for one of that record. */
  answersMergedIds: boolean;
}

export const noOddities: Oddities = {
  keys: {},
  words: undefined,
  indexesAsTyped: false,
  hidesUnfinished: false,
  longestList: Number.POSITIVE_INFINITY,
  hidesMerged: false,
  keepsDeletedKeys: false,
  answersMergedIds: false,
};
