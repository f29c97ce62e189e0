import type { RecordRef, RecordRole, Records } from '../call/records.ts';
import type { Delivery, RecordDraft } from '../connector/contract.ts';
import type { Values } from '../connector/values.ts';
import type { Failure } from './failure.ts';

/** The records of a call, as the mapping makes them: no I/O, and owners by their addresses. */
export interface Drafts {
  /** Undefined: nobody is made of this caller. @param calls all of theirs that are known by then */
  person(delivery: Delivery, calls: readonly Delivery['call'][]): RecordDraft | undefined;
  /** Undefined where calls leave no record of their own. */
  activity(delivery: Delivery): RecordDraft | undefined;
  /** Undefined for a call that leaves none. */
  followUp(delivery: Delivery): RecordDraft | undefined;
  /** Undefined for a call that was none. */
  sale(delivery: Delivery): RecordDraft | undefined;
}

/**
 * What became of a record that was to be written. Of the cures, the engine acts on `taken`: a record has its key already;
 * `gone`: it is not there any more; `orphan`: whom or what it was to be linked to is not.
 */
export type Written =
  | {
      id: string;
      /** Whether it has an owner now. Undefined: if one was written. */
      isOwned?: boolean;
      failure?: undefined;
    }
  | { failure: Failure; id?: undefined; isOwned?: undefined };

/** A record that is in the CRM. */
export interface Existing {
  id: string;
  /** Whether it is linked to somebody, or to something else that people chose. */
  isLinked: boolean;
  person?: RecordRef | undefined;
}

/** A record that a call leaves in the CRM, as it should be. */
export interface CallRecord {
  readonly delivery: Delivery;
  readonly role: Exclude<RecordRole, 'person'>;
  readonly type: string;
  /** The property and value that make it unique. */
  readonly key: { property: string; value: string };
  values: Values;
  readonly timezone: string;
  /** What was changed or left out of it, for people to read. */
  readonly notes: string[];
  /** What is there of it, as far as is known. */
  known: Existing | null;
  /** Whom it belongs to, once that is known. */
  person: RecordRef | null;
  /** Of what a call leaves besides: the call's own record. */
  activity?: RecordRef | undefined;
  /** What became of it when it was made along with its person. */
  along?: Written | undefined;
}

/** What became of a record. After a failure, too, something of it may be there. */
export interface Result {
  id: string | null;
  isLinked: boolean;
  /** Whom it is linked to. */
  person?: RecordRef | undefined;
  failure?: Failure | undefined;
}

export type Results = Map<CallRecord, Result>;

/** A delivery on its way: what has been found out for it, what of it is in the CRM, and what went wrong. */
export interface Work {
  readonly delivery: Delivery;
  records: Records;
  person: RecordRef | null;
  /** Whether `person` is final, as for a call that is to have none. */
  isSettled: boolean;
  /** They were made for this call. */
  isNew: boolean;
  /** Once it was found out. */
  whyPerson?: string | undefined;
  /** Undefined where calls leave no record of their own. */
  readonly activity: CallRecord | undefined;
  /** A follow-up, a sale. */
  readonly left: readonly CallRecord[];
  notes: string[];
  failures: Failure[];
  /** What is to be tried again of its person alone: the call is written all the same. */
  late: Failure[];
}

export function workOn(delivery: Delivery, drafts: Drafts): Work {
  const { records } = delivery;
  const all = [drafts.activity(delivery), drafts.followUp(delivery), drafts.sale(delivery)].flatMap(
    (draft): CallRecord[] => {
      if (!draft?.key) return [];
      const { type, key, properties, notes } = draft;
      const { timezone } = delivery.source;
      const role = draft.role as CallRecord['role'];
      const existing = records[role];
      const known = existing
        ? { id: existing.id, isLinked: records.person !== undefined, person: records.person }
        : null;
      return [
        { delivery, role, type, key, values: properties, timezone, notes: [...notes], known, person: null },
      ];
    },
  );
  return {
    delivery,
    records,
    person: records.person ?? null,
    isSettled: records.person !== undefined,
    isNew: false,
    activity: all.find(({ role }) => role === 'activity'),
    left: all.filter(({ role }) => role !== 'activity'),
    notes: [],
    failures: [],
    late: [],
  };
}
