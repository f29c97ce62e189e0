import type { CallState, Urgency } from '../call/call.ts';
import type { Records } from '../call/records.ts';
import type { NewPush } from './intake.ts';
import type { Lease } from './leases.ts';

/** `skipped`: somebody decided that it be left out. */
export type DeliveryState = 'due' | 'delivered' | 'failed' | 'skipped';

export interface DueDelivery {
  callRow: number;
  connector: string;
  state: CallState;
  lane: string;
  urgency: Urgency;
  revision: number;
  records: Records;
  dueAt: Date;
  /** It is delivered, and written once more since a write may come late that takes it back. */
  isRewrite: boolean;
  /** All that were made. */
  attempts: number;
  /** Those in a row, up to now, that came to nothing. */
  failures: number;
  /** When the first of them was made. */
  failingSince: Date | null;
  /** For how long it has been tried since: in attempts, and in waits of its own. */
  triedMs: number;
}

export interface DueFilter {
  /** None of their calls. */
  exceptLanes?: Iterable<string>;
  /** Rows. */
  exceptCalls?: readonly number[] | ReadonlySet<number>;
  onlyCalls?: Iterable<number>;
  /** Only calls that ended or lapsed. */
  overOnly?: boolean;
  /** Only live calls: those of the callers who called last. */
  liveOnly?: boolean;
  /** The oldest, historic calls among them; else those come after all others. */
  oldestFirst?: boolean;
}

export interface Attempt {
  n: number;
  at: Date;
  tookMs: number;
  revision: number;
  outcome: 'delivered' | 'retry' | 'rejected' | 'blocked';
  reason: string | null;
  notes: string[];
  /** Requests to the CRM, of the whole batch. */
  requests: number;
  /** Calls in the batch. */
  batch: number;
}

/** What came of an attempt, and what follows from it for the delivery. */
export interface Settlement {
  callRow: number;
  /** The revision that was attempted. */
  revision: number;
  attempt: Omit<Attempt, 'n' | 'revision'>;
  /** What is now known to be in the CRM; names left out keep what was known before. */
  records: Records;
  /** A write of it was sent that may still be carried out. */
  unanswered?: boolean;
  next:
    | { state: 'delivered' }
    /** Where it failed by itself, due `at`, or at once if the call changed meanwhile; else as due as it was. */
    | { state: 'due'; at?: Date }
    /** Stays until replayed, or until the call changes. */
    | { state: 'failed' };
}

export interface ReplayFilter {
  /** Only its deliveries. */
  connector?: string | undefined;
  /** What somebody skipped stays so. */
  exceptSkipped?: boolean;
}

/** What of a connector's deliveries is not in the CRM. Neither number goes beyond the one that was asked for. */
export interface Backlog {
  due: number;
  failed: number;
  /** Since when the oldest one has been due, its failed attempts included. Null: none is. */
  waitingSince: Date | null;
  /** One of those that failed last. */
  latestFailed: { callId: string; reason: string | null } | null;
}

export interface DeliveryTally {
  connector: string;
  due: number;
  failed: number;
  skipped: number;
  oldestDueAt: Date | null;
}

/** What is to be brought to the CRMs, and what came of it. */
export interface Deliveries {
  /**
   * Due deliveries of a connector, longest due first, and among them those to be written once more. Costs the same however
   * many wait.
   */
  takeDue(connector: string, now: Date, limit: number, which?: DueFilter): Promise<DueDelivery[]>;
  /** When the next delivery falls due after the given time. Null when none will. */
  nextDueAt(connector: string, after: Date): Promise<Date | null>;
  /** Makes due what waits since a clock that ran ahead and has been set back. Returns how many those are. */
  bringForward(connector: string, now: Date): Promise<number>;
  /**
   * The clock was set forward by so many milliseconds, or nothing ran meanwhile: nobody knows whether that time passed, so
   * what is to be written once more waits as if it had not.
   */
  discountTime(connector: string, now: Date, ms: number): Promise<void>;
  /** Makes due whatever waits for its time, but for what is to be written once more. Returns how many those are. */
  makeAllDue(connector: string, now: Date): Promise<number>;
  /**
   * What is delivered while a write of the same call may still come is written once more when that is over: after an
   * attempt that says so, and after a holder of the lease who did not release it. Until then it is delivered.
   * False, with nothing written, when the lease is no longer the holder's.
   */
  settle(lease: Lease, settlements: readonly Settlement[]): Promise<boolean>;
  /**
   * Makes the deliveries of the calls due at once, whatever their state, and routes the calls again. Returns the
   * number of deliveries made due. Their connectors are tried at once, though their circuit be open.
   */
  replay(rows: readonly number[], route: NewPush['route'], now: Date, which?: ReplayFilter): Promise<number>;
  /**
   * Leaves a delivery out from now on, though the call may change, until it is replayed. What is delivered cannot be
   * skipped. Null: the call has no delivery for the connector.
   */
  skip(row: number, connector: string, reason: string, now: Date): Promise<'skipped' | 'delivered' | null>;
  /** Counts no further than `atMost`, so that it costs little however long the backlog is. */
  backlog(connector: string, atMost: number): Promise<Backlog>;
  /** Of connectors with anything due, failed or skipped. */
  openDeliveries(): Promise<DeliveryTally[]>;
}
