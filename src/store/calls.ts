import type { CallState } from '../call/call.ts';
import type { Fields } from '../call/push.ts';
import type { Records } from '../call/records.ts';
import type { Attempt, DeliveryState } from './deliveries.ts';

export interface CallView {
  row: number;
  state: CallState;
  revision: number;
  lastReceivedAt: Date;
  deliveries: DeliveryView[];
}

export interface DeliveryView {
  connector: string;
  state: DeliveryState;
  wantedRevision: number;
  deliveredRevision: number;
  dueAt: Date | null;
  /** When the state that was delivered is written once more. Null: it is not. */
  rewriteAt: Date | null;
  failures: number;
  /** Why it is skipped, or what the CRM last said against it. */
  lastReason: string | null;
  /** While it is skipped: the revision of the call at which that was decided. */
  skippedRevision: number | null;
  records: Records;
}

export interface CallStory extends CallView {
  pushes: StoredPush[];
  attempts: (Attempt & { connector: string })[];
  decisions: Decision[];
}

export interface StoredPush {
  receivedAt: Date;
  body: string;
  fields: Fields;
  /** How often the very same body came again, and when last. */
  repeats: number;
  lastRepeatAt: Date | null;
}

/** What a person decided on a call. */
export interface Decision {
  at: Date;
  /** Null: every connector. */
  connector: string | null;
  decision: 'replay' | 'skip';
  reason: string | null;
  revision: number;
}

export interface CallFilter {
  source?: string;
  callId?: string;
  /** As `laneOf` makes it: calls of one caller share it. */
  lane?: string;
  connector?: string;
  state?: DeliveryState | 'unrouted';
  /** First received at or after. */
  since?: Date;
  /** Only calls received before this one: the last of the page before. */
  beforeRow?: number;
  limit: number;
}

/** Calls as they stand, and how they came to. */
export interface Calls {
  /** Newest first. */
  calls(filter: CallFilter): Promise<CallView[]>;
  /** Every call with the id, one for each source that has it. */
  stories(callId: string, source?: string): Promise<CallStory[]>;
  /** In the order of the rows; those that are gone are left out. */
  views(rows: readonly number[]): Promise<CallView[]>;
  /** When the latest push of each source came, among so many latest ones. */
  latestPushes(among: number): Promise<Map<string, Date>>;
}
