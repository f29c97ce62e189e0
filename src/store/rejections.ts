import type { RawBody, Refusal } from '../call/refusal.ts';
import type { NewPush, Recorded } from './intake.ts';

/** Pushes of a kind that were not taken, and how often they came. */
export interface Rejection {
  /** '' where none is known by the token. */
  source: string;
  cause: Refusal;
  /** Tells some apart: the end of an unknown token, the address that is not allowed, a digest of a body. '': nothing does. */
  mark: string;
  /** In words, of the last one. */
  reason: string;
  /** The address that the last one came from. */
  sender: string;
  firstAt: Date;
  lastAt: Date;
  count: number;
}

export interface NewRejection extends Rejection {
  /** Kept, so that it can be read again. Its mark is made here. */
  body: RawBody | null;
}

export interface StoredRejection extends Rejection {
  row: number;
  /** Length of the body. Null: none is kept. */
  bytes: number | null;
  /** The first bytes of the body. */
  head: Uint8Array | null;
}

/** An unreadable push that is kept. */
export interface KeptPush extends Rejection {
  body: RawBody;
}

export interface RejectedFilter {
  /** Last came at or after. */
  since?: Date;
  source?: string | undefined;
  /** Only those with a body, or only those without. */
  kept?: boolean;
  /** Only those after this one: the last of the page before. */
  before?: { lastAt: Date; row: number };
  limit: number;
  /** How much of each body is read. */
  headBytes: number;
}

/** Unreadable bodies of a source. */
export interface RejectedKept {
  source: string;
  bodies: number;
  bytes: number;
}

export interface ReadAgain {
  /** What could be read by now, in the order it came. */
  taken: { push: NewPush; recorded: Recorded }[];
  /** What still could not: it stays. */
  left: number;
  /** What `read` left as it is. */
  passed: number;
  /** Where the next step goes on; null when nothing is left to look at. */
  lastRow: number | null;
}

/** Pushes that were not taken. */
export interface Rejections {
  /**
   * Counts pushes that were not taken, and keeps bodies: of a source so many bytes, the oldest of which go first, and are
   * counted. Of what the mark tells apart, the same; so a stranger's noise takes a bounded room, and none of a source's.
   * Returns each as it stands by then.
   */
  reject(rejections: readonly NewRejection[], bytesPerSource: number): Promise<Rejection[]>;
  /** The latest first. */
  rejections(filter: RejectedFilter): Promise<StoredRejection[]>;
  /** With the whole body as its head. */
  rejection(row: number): Promise<StoredRejection | null>;
  /** What came at or after a time, summed up by source and cause, and by mark but for bodies. The latest first. */
  tallyRejected(since: Date): Promise<Rejection[]>;
  rejectedKept(): Promise<RejectedKept[]>;
  /**
   * One step of reading kept bodies again. In the commit in which a body leaves, its push is recorded as if it had been
   * readable when it came: where its call has later pushes, it fills gaps and takes nothing back. What still cannot be
   * read stays, with the newer reason; null: as it is. `read` does no I/O.
   */
  readAgain(
    source: string | undefined,
    afterRow: number,
    read: (kept: KeptPush) => NewPush | { reason: string } | null,
  ): Promise<ReadAgain>;
  /** Removes up to `limit` of what was not taken and last came before a time. Returns how many those were. */
  purgeRejected(before: Date, limit: number): Promise<number>;
  /** How many rejected pushes are packed in what is not read, so that nobody can say whose number they hold. */
  countUnsearchable(): Promise<number>;
}
