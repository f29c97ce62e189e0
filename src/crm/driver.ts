import type { RecordRef } from '../call/records.ts';
import type { Values } from '../connector/values.ts';
import type { TouchFields } from './attribution.ts';
import type { Candidate, Wanted } from './candidates.ts';
import type { Failure } from './failure.ts';
import type { OwnerField } from './ownership.ts';
import type { PersonRecords } from './person-updates.ts';
import type { User } from './users.ts';
import type { CallRecord, Drafts, Existing, Work, Written } from './work.ts';

/*
 * What a CRM brings. The engine decides what is asked and told, in which order, and what follows from the answer; a driver
 * puts it into requests. What fails as a whole throws `RequestFailed`; what fails for one record is that record's answer.
 */

/** A record to be changed. */
export interface Change {
  record: CallRecord;
  id: string;
  /** What of it is to be written. */
  values: Values;
  /** Whom it is to be linked to with it, where links are fields. */
  link: RecordRef | null;
}

/**
 * The records that calls leave. What is changed of their values on the way is noted on them. A link to somebody who is not
 * there fails a record with the cure `orphan`.
 */
export interface RecordDriver {
  /** Makes records under their keys, with their links, and changes none that is there. Answers in order. */
  create(records: readonly CallRecord[], signal: AbortSignal): Promise<Written[]>;
  /** Answers in order. */
  update(changes: readonly Change[], signal: AbortSignal): Promise<Written[]>;
  /** By their keys, archived ones too; or why the one that has the key is not theirs. Those not shown are left out. */
  find(
    records: readonly CallRecord[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<CallRecord, Existing | Failure>>;
  /** What it means that a record has this key and is not shown. Undefined: that it is tried again. */
  unseen?(record: CallRecord, failure: Failure): Failure;
  /** Where links are fields: whom these records of ours are linked to by now. Undefined: as `find` tells. */
  look?(
    records: ReadonlyMap<CallRecord, Existing>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<CallRecord, Existing>>;
  /** Where links are apart from records: links those that were there before. */
  link?(
    records: ReadonlyMap<CallRecord, string>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<CallRecord, Failure | undefined>>;
  /** What has to be known or settled before sales can be made. Answers those that cannot be. */
  prepareSales?(
    records: readonly CallRecord[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<CallRecord, Failure>>;
  /** Completes follow-ups. Answers in order. */
  complete(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly { failure?: Failure | undefined }[]>;
  /** Types of records whose keys this CRM does not keep unique, and how far `find` may be behind, in ms. */
  unkeyed?(): Promise<{ types: readonly string[]; lagMs: number }>;
}

/** A caller whom the CRM does not have. */
export interface Newcomer {
  number: string;
  /** Under which they are made. */
  key: string;
  values: Values;
  timezone: string;
  /** Takes what was changed of the values. */
  notes: string[];
  /** Their calls, which may be made along with them. */
  works: readonly Work[];
}

/** What became of a newcomer. */
export type Made =
  | {
      person: RecordRef;
      /** False: somebody had the key, and is the caller. */
      isNew: boolean;
      /** How they were found, where the engine cannot tell. */
      why?: string;
      /** As they were written. */
      held?: Values;
      /** What became of activities that were made along with them. */
      along?: ReadonlyMap<Work, Written>;
      failure?: undefined;
    }
  | { failure: Failure; person?: undefined };

/** Some callers who are looked for together. */
export interface PersonSearch {
  callers: readonly Wanted[];
  /** Whoever may be one of them. */
  find(signal: AbortSignal): Promise<Candidate[]>;
}

/** What became of somebody whom a record could not be linked to: they are `there` all the same, or have become another. */
export type Whereabouts = 'there' | RecordRef | Failure;

/**
 * A way to find callers: how they are looked for together.
 * @param fields what else of them the engine would like to know, where that costs no request
 */
export type Finder = (
  callers: readonly Wanted[],
  fields: readonly string[],
) => PersonSearch[] | Promise<PersonSearch[]>;

/** A way in which all are looked for with one request. */
export function together(
  find: (callers: readonly Wanted[], fields: readonly string[], signal: AbortSignal) => Promise<Candidate[]>,
): Finder {
  return (callers, fields) => [{ callers, find: (signal) => find(callers, fields, signal) }];
}

/** Finds people, and makes them. */
export interface PeopleDriver {
  /** The surest and cheapest first: each is for those whom none before it found. */
  readonly finders: readonly Finder[];
  /** What to do where somebody has a caller's key and is not shown: a sentence. */
  readonly whenUnseen?: string;
  /** Whom an id of the configuration names. */
  named(id: string): RecordRef;
  /** Who holds these keys, of what was written a moment ago, too. */
  byKey(keys: readonly string[], fields: readonly string[], signal: AbortSignal): Promise<Candidate[]>;
  /** Writes the key on people who were found by their number. Answers in order. Undefined: they stay without. */
  claim?(
    claims: readonly { candidate: Candidate; key: string }[],
    signal: AbortSignal,
  ): Promise<{ failure?: Failure | undefined }[]>;
  /** Makes people under their keys, and writes over nobody. Answers in order. */
  make(newcomers: readonly Newcomer[], signal: AbortSignal): Promise<Made[]>;
  /** What became of people, by id; those left out are gone. Undefined: all are, and nobody becomes another. */
  whereabouts?(
    people: readonly { number: string; person: RecordRef }[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Whereabouts>>;
  /** Where this CRM does not keep the keys of people unique: how far the finders may be behind, in ms. */
  readonly unkeyed?: { lagMs: number } | undefined;
}

export interface CrmDriver {
  /** For sentences. */
  readonly name: string;
  /** Of a model, as `draftsFrom` makes them. */
  readonly drafts: Drafts;
  /** Undefined: this CRM has no fields for touches. */
  readonly touches?: TouchFields | undefined;
  readonly owner: OwnerField;
  /** The users whom these addresses name; it may tell of more than it was asked for. */
  users(addresses: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, User>>;
  readonly people: PeopleDriver;
  /** People who are there, as they are changed when they call again. */
  readonly personRecords: PersonRecords;
  readonly records: RecordDriver;
  /** Whether calls are seen in this CRM only once they are over. */
  showsOnlyEnded?(): Promise<boolean>;
}
