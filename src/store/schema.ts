import type { Generated } from 'kysely';

/** The tables as migrations/ makes them. Times are epoch milliseconds, JSON is text, truth is 0 or 1. */
export interface Tables {
  calls: CallsTable;
  pushes: PushesTable;
  deliveries: DeliveriesTable;
  attempts: AttemptsTable;
  people: PeopleTable;
  memories: MemoriesTable;
  leases: LeasesTable;
  connectors: ConnectorsTable;
  unreadable: UnreadableTable;
  erasures: ErasuresTable;
}

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

export interface LeasesTable {
  name: string;
  holder: string;
  fence: number;
  expires_at: number;
}

export interface ConnectorsTable {
  connector: string;
  blocked_reason: string | null;
  since: number;
}

export interface UnreadableTable {
  id: Generated<number>;
  received_at: number;
  source: string;
  reason: string;
  body: string;
}

/** What was erased at somebody's request. */
export interface ErasuresTable {
  at: number;
  /** Masked. */
  number: string;
  calls: number;
  pushes: number;
}
