import type { Generated, Selectable } from 'kysely';
import type { Refusal } from '../call/refusal.ts';
import type { Span } from './time-buckets.ts';

/** The tables as migrations/ makes them. Times are epoch milliseconds, JSON is text, truth is 0 or 1. */
export interface Tables {
  calls: CallsTable;
  pushes: PushesTable;
  deliveries: DeliveriesTable;
  attempts: AttemptsTable;
  people: PeopleTable;
  memories: MemoriesTable;
  kept: KeptTable;
  sign_in_links: SignInLinksTable;
  leases: LeasesTable;
  connectors: ConnectorsTable;
  rejected: RejectedTable;
  erasures: ErasuresTable;
  decisions: DecisionsTable;
  connector_errors: ConnectorErrorsTable;
  call_index: CallIndexTable;
  call_words: CallWordsTable;
  call_connectors: CallConnectorsTable;
  call_counts: CallCountsTable;
  call_hours: CallHoursTable;
  lag_counts: LagCountsTable;
  source_pushes: SourcePushesTable;
  calls_to_index: CallsToIndexTable;
  call_index_state: CallIndexStateTable;
  source_readings: SourceReadingsTable;
}

/** As they are read. */
export type CallRow = Selectable<CallsTable>;
export type DeliveryRow = Selectable<DeliveriesTable>;
export type LeaseRow = Selectable<LeasesTable>;

export interface CallsTable {
  id: Generated<number>;
  source: string;
  call_id: string;
  revision: number;
  /**
   * Folded fields, JSON. Null while the call has few pushes: then they are folded on reading, so whoever removes
   * pushes writes this first.
   */
  fields: string | null;
  lane: string;
  first_received_at: number;
  last_received_at: number;
  end_received_at: number | null;
  lapsed: number;
  /** While ringing: when it lapses. Null afterwards. */
  lapse_at: number | null;
  /** How many of its pushes say more than a call holds. */
  not_folded: Generated<number>;
}

export interface PushesTable {
  /** In the order they came. */
  id: Generated<number>;
  call: number;
  received_at: number;
  body: string;
  repeats: number;
  last_repeat_at: number | null;
}

export interface DeliveriesTable {
  call: number;
  connector: string;
  state: 'due' | 'delivered' | 'failed' | 'skipped';
  wanted_revision: number;
  delivered_revision: number;
  due_at: number | null;
  attempts: number;
  failures: number;
  failing_since: number | null;
  last_reason: string | null;
  /** JSON of `Records`. */
  records: string;
  /** While it is skipped: what the call was at when somebody decided so. */
  skipped_revision: Generated<number | null>;
  /** Where it stands while it is due: see lines.ts. */
  line: Generated<number>;
  /** The lane that it waits for, or waited for last. */
  lane: Generated<string | null>;
  /** For how long it has been tried since it first failed, the wait until `due_at` included. */
  tried_ms: Generated<number>;
  /**
   * When a write of it was last under way that nobody answered. What is delivered then is written once more, at `due_at`;
   * else that is null for what is delivered.
   */
  unanswered_at: Generated<number | null>;
}

export interface AttemptsTable {
  call: number;
  connector: string;
  n: number;
  at: number;
  took_ms: number;
  revision: number;
  outcome: 'delivered' | 'retry' | 'rejected' | 'blocked';
  reason: string | null;
  /** JSON list of sentences. */
  notes: string;
  requests: number;
  batch: number;
}

export interface PeopleTable {
  connector: string;
  /** E.164. */
  number: string;
  type: string;
  id: string;
}

/** What connectors keep between runs. */
export interface MemoriesTable {
  connector: string;
  name: string;
  text: string;
}

export interface KeptTable {
  name: string;
  text: string;
}

export interface SignInLinksTable {
  digest: string;
  expires_at: number;
}

export interface LeasesTable {
  name: string;
  holder: string;
  fence: number;
  /** 0: it was released in order, with nothing under way. */
  expires_at: number;
  /** When it was last acquired after somebody who did not release it so, and the last call that there was. */
  left_at: Generated<number | null>;
  left_call: Generated<number | null>;
}

export interface ConnectorsTable {
  connector: string;
  blocked_reason: string | null;
  since: number;
  /** Null while it is not paused. */
  paused_at: Generated<number | null>;
  paused_reason: Generated<string | null>;
  open_reason: Generated<string | null>;
  probe_at: Generated<number | null>;
}

/** Pushes that were not taken: a row for each source, cause and mark. */
export interface RejectedTable {
  id: Generated<number>;
  /** '': none is known. */
  source: string;
  cause: Refusal;
  /** With a body: a digest of it. Else the end of a token, or an address; '': none, or all those that had no room. */
  mark: string;
  count: number;
  first_at: number;
  last_at: number;
  /** Of the last one, as the sender. */
  reason: string;
  sender: string;
  content_type: string | null;
  content_coding: string | null;
  /** Length of the body. Null: none is kept. */
  bytes: number | null;
  body: Uint8Array | null;
}

/** What was erased at somebody's request. */
export interface ErasuresTable {
  at: number;
  /** Masked. */
  number: string;
  calls: number;
  pushes: number;
  /** Of the number, salted. Null once nothing that was under way can write it any more. */
  mark: string | null;
  /** Calls in later rows came afterwards. */
  last_call: number | null;
  /** 1: what was erased is still in the write-ahead log, since somebody reads the file. */
  in_log: number;
}

/** What people decided on a call. */
export interface DecisionsTable {
  id: Generated<number>;
  call: number;
  at: number;
  /** Null: every connector. */
  connector: string | null;
  decision: 'replay' | 'skip';
  reason: string | null;
  revision: number;
}

/** The last attempt of each connector that came to nothing. */
export interface ConnectorErrorsTable {
  connector: string;
  call: number;
  at: number;
  outcome: 'retry' | 'rejected' | 'blocked';
  reason: string;
}

/** A row for each call, as it was when the index last looked. */
export interface CallIndexTable {
  call: number;
  received_at: number;
  source: string;
  /** `unknown` while there is none. */
  result: string;
  missed: number;
  /** 1: no connector gets it. */
  unrouted: number;
  /** Digits with the country's code, and the same read backwards. */
  caller: string | null;
  caller_reversed: string | null;
  dealer: string | null;
  keyword: string | null;
  /** In lower case, with a blank before each. */
  words: string;
}

/** Full text over `call_index.words`. */
export interface CallWordsTable {
  rowid: number;
  words: string;
  /** The table's own name: a match, or a command. */
  call_words: string;
}

export interface CallConnectorsTable {
  connector: string;
  call: number;
}

/** Calls by when they were received. They are in each span: short ones for the ends of a range, long ones for its middle. */
export interface CallCountsTable {
  span: Span;
  facet: 'source' | 'keyword' | 'dealer';
  at: number;
  name: string;
  calls: number;
  answered: number;
  unanswered: number;
  busy: number;
  other: number;
  unknown: number;
  missed: number;
}

export interface CallHoursTable {
  hour: number;
  first_call: number;
  last_call: number;
}

/** Deliveries by how long they took: a step is an eighth of an octave of milliseconds. */
export interface LagCountsTable {
  span: 'quarter' | 'day';
  connector: string;
  at: number;
  step: number;
  deliveries: number;
}

export interface SourcePushesTable {
  source: string;
  kind: 'start' | 'end';
  first_at: number;
  last_at: number;
}

/** An outbox: what the index has to look at, written in the commit that changes it. */
export interface CallsToIndexTable {
  id: Generated<number>;
  call: number;
  /** The push that changed it. Null: something else did. */
  push: number | null;
}

/** One row. */
export interface CallIndexStateTable {
  /** Of what an index row holds. Another one: every call is looked at anew. */
  version: string;
  /** While every call is looked at: the last one that was, and where that ends. */
  scanned_call: number | null;
  scan_until: number | null;
}

export interface SourceReadingsTable {
  source: string;
  /** Of how its calls are read; empty when it is configured no more. Another one: its calls are looked at anew. */
  version: string;
  /** While they are: the last one that was. */
  scanned_call: number | null;
}
