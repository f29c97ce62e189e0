import type { CallState } from '../call/call.ts';
import type { DeliveryState } from './deliveries.ts';

/** What the index of calls keeps of one, as its source's settings read it. */
export interface IndexedCall {
  result: string | null;
  missed: boolean;
  /** Digits, with the country's code. */
  caller: string | null;
  dealer: string | null;
  keyword: string | null;
  /** In lower case: letters and digits. */
  words: string[];
}

export interface IndexStep {
  calls: { source: string; callId: string; isNew: boolean }[];
  /** Nothing is left to look at. */
  isDone: boolean;
}

/** Names for how calls are read. */
export interface Readings {
  /** With another one than before, every call is looked at anew. */
  readonly version: string;
  /** By source: with another one, or none any more, the calls of that source are. */
  readonly sources: Readonly<Record<string, string>>;
}

export interface IndexProgress {
  /** Pushes, and what else changed a call, that are stored and not looked at. */
  behind: number;
  /** When the oldest of them came. */
  behindSince: Date | null;
  /** While calls are looked at anew: how far that is, 0 to 1. */
  rebuilding: number | null;
  /** Calls that were stored before it was first built are not all in it yet. */
  lacksCalls: boolean;
}

/** A call matches when it matches one of these; of words, all. */
export interface CallSearch {
  /** Beginnings of numbers, digits with the country's code. */
  callers: string[];
  callerEnds: string[];
  /** Whole numbers only. */
  exact: boolean;
  /** Beginnings. */
  callIds: string[];
  /** Beginnings, in lower case: letters and digits. */
  words: string[];
}

/** Calls as the index has them. */
export interface IndexFilter {
  search?: CallSearch | undefined;
  source?: string | undefined;
  connector?: string | undefined;
  state?: DeliveryState | 'unrouted' | undefined;
  result?: string | undefined;
  missed?: boolean | undefined;
  /** First received at or after. */
  since?: Date | undefined;
  until?: Date | undefined;
}

export interface CallsFound {
  calls: number;
  /** But for those that are skipped. */
  deliveries: number;
  /** Where the next step goes on; null when no call is left. */
  lastRow: number | null;
}

/** Calls by what came of them: `unknown` while nothing is known. Missed ones are among the others. */
export interface ResultCounts {
  calls: number;
  answered: number;
  unanswered: number;
  busy: number;
  other: number;
  unknown: number;
  missed: number;
}

export interface CallCount extends ResultCounts {
  /** When the range begins. */
  at: number;
}

export interface TopCount extends ResultCounts {
  name: string;
}

/** Calls received within a range, and where they are. */
export interface RangeCounts {
  /** A call is where its worst delivery is; null: no route took it. */
  calls: { source: string; missed: boolean; place: DeliveryState | null; count: number }[];
  deliveries: { connector: string; state: DeliveryState; count: number }[];
}

/** Calls that are not in every CRM they go to. Each is counted once, where it is first here. */
export interface CallTally {
  failed: number;
  waiting: number;
  skipped: number;
  unrouted: number;
  /** Of each connector that any of the calls go to, by name. */
  connectors: ConnectorTally[];
}

/** The calls of one connector, each in one place: what is not in its CRM as it is by now waits, failed or was skipped. */
export interface ConnectorTally {
  connector: string;
  calls: number;
  waiting: number;
  failed: number;
  skipped: number;
}

export interface LagCount {
  connector: string;
  at: number;
  /** As in time-buckets.ts. */
  step: number;
  deliveries: number;
}

/** When pushes of a kind came from a source, ever. */
export interface PushesSeen {
  source: string;
  kind: 'start' | 'end';
  firstAt: Date;
  lastAt: Date;
}

/** Finding calls, and counting them: follows the calls from behind. */
export interface CallIndex {
  /**
   * One step of bringing the index of calls up to the pushes: looks at `limit` calls, or a few more. What is read otherwise
   * than before is looked at anew, and found meanwhile as it was.
   * @param readings the same object until something of it changes: it is compared with what is kept when it is another one
   */
  indexCalls(readings: Readings, read: (state: CallState) => IndexedCall, limit: number): Promise<IndexStep>;
  indexProgress(): Promise<IndexProgress>;
  /** Whether the index has every call that was received before a time, as it is by now. */
  indexCovers(until: Date): Promise<boolean>;
  /** The rows of calls, newest first, as the index has them. */
  findCalls(filter: IndexFilter, beforeRow: number | null, limit: number): Promise<number[]>;
  /** One step of counting what matches, so that pushes come between. */
  countFound(filter: IndexFilter, beforeRow: number | null, limit: number): Promise<CallsFound>;
  /** Calls received within ranges of whole quarters of an hour, in their order; ranges without any are left out. */
  countCalls(ranges: readonly { since: number; until: number }[]): Promise<CallCount[]>;
  /** The names that most calls have, most first. */
  topCalls(
    facet: 'source' | 'keyword' | 'dealer',
    since: number,
    until: number,
    limit: number,
  ): Promise<TopCount[]>;
  tallyCalls(since: Date, until: Date): Promise<CallTally>;
  /** One by one, exactly: for ranges of no more than some hours. */
  countRange(since: Date, until: Date): Promise<RangeCounts>;
  /**
   * From the answer to a push until the CRM had it: by quarters of an hour, hours, days or weeks, the longer the range
   * the wider. In the order of connectors, times and steps.
   */
  countLag(since: number, until: number): Promise<LagCount[]>;
  pushesSeen(sources: readonly string[]): Promise<PushesSeen[]>;
}
