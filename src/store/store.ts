import type { CallState, Urgency } from '../call/call.ts';
import type { Fields } from '../call/push.ts';
import type { RecordRef, Records } from '../call/records.ts';
import type { RawBody, Refusal } from '../call/refusal.ts';

/*
 * What a store promises. test/conformance/store-contract.ts checks it for every implementation.
 *
 * A method that writes resolves after the commit: what it wrote survives a kill of the process and, with the disk
 * honest about fsync, of the machine. A method that rejects has written nothing.
 */

/** The store cannot take a write now: disk full, I/O error, closing. Nothing was written; trying later may succeed. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable';
}

/** A push to record. */
export interface NewPush {
  source: string;
  callId: string;
  fields: Fields;
  /** The body as it came. */
  body: string;
  receivedAt: Date;
  /** How long its call may stay without an end before it lapses. */
  lapseAfterMs: number;
  /** The connectors that get the call in this state. Runs within the commit, so it does no I/O. */
  route(state: CallState): Iterable<string>;
}

export interface Recorded {
  /** The very same body was stored before: counted, and nothing changed. */
  repeat: boolean;
  /** Of the call, after this push. */
  revision: number;
  state: CallState;
  /** Connectors that have something to deliver now. */
  due: string[];
}

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
  exceptCalls?: Iterable<number>;
  onlyCalls?: Iterable<number>;
  /** Only calls that ended or lapsed. */
  overOnly?: boolean;
  /** Only live calls: those of the callers who called last. */
  liveOnly?: boolean;
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

/** `skipped`: somebody decided that it be left out. */
export type DeliveryState = 'due' | 'delivered' | 'failed' | 'skipped';

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

/** What a person decided on a call. */
export interface Decision {
  at: Date;
  /** Null: every connector. */
  connector: string | null;
  decision: 'replay' | 'skip';
  reason: string | null;
  revision: number;
}

export interface CallView {
  row: number;
  state: CallState;
  revision: number;
  lastReceivedAt: Date;
  deliveries: DeliveryView[];
}

export interface StoredPush {
  receivedAt: Date;
  body: string;
  fields: Fields;
  /** How often the very same body came again, and when last. */
  repeats: number;
  lastRepeatAt: Date | null;
}

export interface CallStory extends CallView {
  pushes: StoredPush[];
  attempts: (Attempt & { connector: string })[];
  decisions: Decision[];
}

/** The right to run a connector. Who acquires it later has a higher fence, and what the earlier holder writes is refused. */
export interface Lease {
  name: string;
  holder: string;
  fence: number;
}

/** A connector's circuit: as deliver/circuit.ts has it. */
export interface CircuitState {
  connector: string;
  /** Why nothing is being written until somebody acts, in the connector's words. Null while nobody has to. */
  blockedReason: string | null;
  /** Why nothing is being written though nobody has to act. Null while it works, or is blocked. */
  openReason?: string | null;
  since: Date;
  /** When it is tried next. Null while it is not known, or works. */
  probeAt?: Date | null;
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

export interface ConnectorState extends Required<CircuitState> {
  /** Since when and why a person lets it rest. Null while nobody does. */
  paused: { since: Date; reason: string | null } | null;
  /** The last attempt that came to nothing. */
  lastError: {
    at: Date;
    outcome: 'retry' | 'rejected' | 'blocked';
    reason: string;
    source: string;
    callId: string;
  } | null;
}

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

export interface ReplayFilter {
  /** Only its deliveries. */
  connector?: string | undefined;
  /** What somebody skipped stays so. */
  exceptSkipped?: boolean;
}

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
  /** Counts the pushes that were ever stored, more or less. */
  lastPush: number;
}

/** Names for how calls are read. */
export interface Readings {
  /** With another one than before, every call is looked at anew. */
  readonly version: string;
  /** By source: with another one, or none any more, the calls of that source are. */
  readonly sources: Readonly<Record<string, string>>;
}

export interface IndexProgress {
  /** Pushes that are stored and not looked at. */
  behind: number;
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

export interface DeliveryTally {
  connector: string;
  due: number;
  failed: number;
  skipped: number;
  oldestDueAt: Date | null;
}

/** When pushes of a kind came from a source, ever. */
export interface PushesSeen {
  source: string;
  kind: 'start' | 'end';
  firstAt: Date;
  lastAt: Date;
}

export interface Purged {
  /** Pushes, or calls. */
  removed: number;
  /** Where the next step goes on; null when no call further on is old enough. */
  lastRow: number | null;
}

/** What a part of the store has of a number. */
export interface Holding {
  /** Calls that hold it in a push or in what their pushes said. */
  calls: number[];
  /** Calls of which a CRM or a person said something that holds it. */
  told: number[];
  /** Where the next part begins; null when this was the last. */
  lastRow: number | null;
  /** How much of all calls has been looked at, 0 to 1. */
  share: number;
}

/** What to erase of a caller. */
export interface Erasure {
  /** The calls, by their rows. */
  rows: readonly number[];
  /** E.164. */
  number: string;
  /** Masked: what is kept of it, to tell that it was erased. */
  shown: string;
  /** Other calls of which something was told that holds the number, and what to put in its place. */
  told: readonly number[];
  mask(text: string): string;
  /** Whether a body holds the number: such rejected pushes go, too. */
  holds(text: string): boolean;
  /** Rejected pushes that cannot be searched whole, since they are packed in what is not read, go as well. */
  unsearchable: boolean;
  at: Date;
}

/** How much was erased. */
export interface Erased {
  calls: number;
  pushes: number;
  deliveries: number;
  attempts: number;
  /** Entries of connectors' maps of people. */
  people: number;
  unreadable: number;
  /** The text is gone from the tables and still in SQLite's log: somebody reads the file. `finishErasures` sees to it. */
  inLog: boolean;
}

export interface Store {
  /** Records a push, its call and its deliveries in one commit. Pushes that come together share a commit. */
  record(push: NewPush): Promise<Recorded>;

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

  /**
   * Due deliveries of a connector, longest due first, and among them those to be written once more. Costs the same however
   * many wait.
   */
  takeDue(connector: string, now: Date, limit: number, which?: DueFilter): Promise<DueDelivery[]>;
  /** When the next delivery falls due after the given time. Null when none will. */
  nextDueAt(connector: string, after: Date): Promise<Date | null>;
  /** Makes due what waits since a clock that ran ahead and has been set back. Returns how many those are. */
  bringForward(connector: string, now: Date): Promise<number>;
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
  /** Closes calls whose end did not come in time. Returns the connectors that have something to deliver. */
  lapse(now: Date, route: NewPush['route'], limit: number): Promise<{ lapsed: number; due: string[] }>;
  /** When the next call lapses, if no end comes. */
  nextLapseAt(): Promise<Date | null>;

  findPeople(connector: string, numbers: readonly string[]): Promise<Map<string, RecordRef>>;
  rememberPeople(connector: string, people: ReadonlyMap<string, RecordRef>): Promise<void>;
  forgetPeople(connector: string, numbers: readonly string[]): Promise<void>;

  /** A connector's memory, as in connector/memory.ts. */
  recall(connector: string, names: readonly string[]): Promise<Map<string, string>>;
  remember(connector: string, texts: ReadonlyMap<string, string>): Promise<void>;
  forget(connector: string, names: readonly string[]): Promise<void>;

  /** What the bridge keeps for itself between runs, and in its backups, by name. Null: nothing. */
  kept(name: string): Promise<string | null>;
  keep(name: string, text: string): Promise<void>;
  /** Keeps the text unless one is kept already. Returns the one that is: of several that ask at once, all get the same. */
  keepFirst(name: string, text: string): Promise<string>;
  /** A link that signs a browser in: what it carries is known by its digest alone. Those whose time is over are removed. */
  addSignInLink(digest: string, now: Date, expiresAt: Date): Promise<void>;
  /** Uses the link up. False when there is none, or its time is over. */
  useSignInLink(digest: string, now: Date): Promise<boolean>;

  /**
   * The lease, if nobody else holds it. Acquiring raises the fence. One that lasts for far longer than anybody is given
   * was taken before the clock was set back, and is over.
   */
  acquireLease(name: string, holder: string, now: Date, forMs: number): Promise<Lease | null>;
  /** False when somebody else has acquired it. */
  renewLease(lease: Lease, now: Date, forMs: number): Promise<boolean>;
  /** @param left whether anything that was under way may not have been settled */
  releaseLease(lease: Lease, left?: 'nothing' | 'something'): Promise<void>;

  /** Changes nothing when the lease is no longer the holder's. */
  setConnectorState(state: CircuitState, lease?: Lease): Promise<void>;
  /**
   * Null ends the pause, and lets the connector be tried at once. A pause is kept apart from the circuit, which opens and
   * closes meanwhile.
   */
  pauseConnector(connector: string, pause: ConnectorState['paused']): Promise<void>;
  connectorStates(): Promise<ConnectorState[]>;

  /** Newest first. */
  calls(filter: CallFilter): Promise<CallView[]>;
  /** Every call with the id, one for each source that has it. */
  stories(callId: string, source?: string): Promise<CallStory[]>;
  /** How many deliveries are in each state. */
  countDeliveries(): Promise<{ connector: string; state: DeliveryState; count: number }[]>;

  /** Counts no further than `atMost`, so that it costs little however long the backlog is. */
  backlog(connector: string, atMost: number): Promise<Backlog>;
  /** When the latest push of each source came, among so many latest ones. */
  latestPushes(among: number): Promise<Map<string, Date>>;
  /** The room that it takes on the disk, in bytes. */
  size(): Promise<Record<string, number>>;

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
  /** In the order of the rows; those that are gone are left out. */
  views(rows: readonly number[]): Promise<CallView[]>;
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
  /** Of connectors with anything due, failed or skipped. */
  openDeliveries(): Promise<DeliveryTally[]>;
  pushesSeen(sources: readonly string[]): Promise<PushesSeen[]>;

  /**
   * One step of removing the raw pushes of calls, or whole calls, that were last heard of before a time: looks at
   * `limit` calls after `afterRow`. A call that still has something to deliver, or failed, is not removed.
   */
  purge(what: 'pushes' | 'calls', before: Date, afterRow: number, limit: number): Promise<Purged>;
  /** Removes up to `limit` of what was not taken and last came before a time. Returns how many those were. */
  purgeRejected(before: Date, limit: number): Promise<number>;
  /**
   * Calls whose pushes or fields, and calls of which what was told, `holds`: among up to `limit` calls after `afterRow`.
   */
  callsHolding(holds: (text: string) => boolean, afterRow: number, limit: number): Promise<Holding>;
  /**
   * Removes the calls, whatever their state, and what else is known of the number. A delivery that is under way does not
   * bring it back: of a number that no later call has, nothing is remembered until `finishErasures` says that it is over.
   */
  erase(erasure: Erasure): Promise<Erased>;
  /** How many rejected pushes are packed in what is not read, so that nobody can say whose number they hold. */
  countUnsearchable(): Promise<number>;
  /** Does what is left to do for earlier erasures. `inLog`: something still reads the file. */
  finishErasures(now: Date): Promise<{ inLog: boolean }>;
  /** Writes a copy of everything as it stands to a new file, while the bridge goes on. */
  backup(file: string): Promise<void>;

  /** Tries what a push does, and takes it back. Rejects unless each push would be taken now. */
  checkWritable(): Promise<void>;
  /** Calls `changed` after another process, such as a command, wrote to the store. The returned function ends it. */
  watch(changed: () => void): () => void;
  /**
   * Resolves with a sentence for the operator when the store's file has been removed, replaced or written over by somebody
   * else: from then on nothing is taken, and all that is left is to rescue and to end. A command's store does not tell.
   */
  readonly lost: Promise<string>;
  /** Saves what can be saved of a store that is lost, and says where. @throws when that fails */
  rescue(): Promise<string>;
  close(): Promise<void>;
}
