import type { CallState } from '../../call/call.ts';
import type { RecordRef } from '../../call/records.ts';
import type { Database } from '../../runtime/sqlite.ts';
import type {
  CallCount,
  CallsFound,
  CallTally,
  IndexedCall,
  IndexFilter,
  IndexProgress,
  IndexStep,
  LagCount,
  PushesSeen,
  RangeCounts,
  Readings,
  TopCount,
} from '../call-index.ts';
import { asDate, fieldsOf } from '../call-state.ts';
import type { CallFilter, CallStory, CallView } from '../calls.ts';
import type { CircuitState, ConnectorState } from '../connector-state.ts';
import type {
  Backlog,
  DeliveryTally,
  DueDelivery,
  DueFilter,
  ReplayFilter,
  Settlement,
} from '../deliveries.ts';
import type { NewPush, Recorded } from '../intake.ts';
import type { Lease } from '../leases.ts';
import {
  countCalls,
  countLag,
  countRange,
  openDeliveries,
  pushesSeen,
  tallyCalls,
  topCalls,
} from '../queries/call-counts.ts';
import { calls, stories, views } from '../queries/calls.ts';
import { connectorStates } from '../queries/connectors.ts';
import type { Db, Question } from '../queries/question.ts';
import { rejectedKept, rejectedWith, rejection, rejections, tallyRejected } from '../queries/rejections.ts';
import type {
  KeptPush,
  NewRejection,
  ReadAgain,
  RejectedFilter,
  RejectedKept,
  Rejection,
  StoredRejection,
} from '../rejections.ts';
import type { Store } from '../store.ts';
import type { Erased, Erasure, Holding, Purged } from '../upkeep.ts';
import { SqliteBacklog } from './backlog.ts';
import { SqliteCallCounts } from './call-counts.ts';
import { SqliteCallIndex } from './call-index.ts';
import { SqliteCallSearch } from './call-search.ts';
import { SqliteCalls } from './calls.ts';
import { CommitQueue } from './commit-queue.ts';
import { SqliteConnectors } from './connectors.ts';
import { db } from './db.ts';
import { SqliteDeliveries } from './deliveries.ts';
import { SqliteDue } from './due.ts';
import { SqliteFile } from './file.ts';
import { SqliteIntake } from './intake.ts';
import { SqliteKept } from './kept.ts';
import { SqliteLedger } from './ledger.ts';
import type { OpenedFile } from './opened-file.ts';
import { Prepared } from './prepared.ts';
import { SqliteRemoval } from './removal.ts';
import { revisionsTaken } from './restored.ts';
import { statements } from './statements.ts';
/** SQLite's store: hands each request to the part that it is for. */
export class SqliteStore implements Store {
  /** Of what is in no hurry. */
  readonly #ask: <T>(question: (db: Db) => Question<T>) => T;
  readonly #database: Database;
  readonly #owner: Database | undefined;
  readonly #opened: OpenedFile | undefined;
  readonly #queue: CommitQueue;
  readonly #file: SqliteFile;
  readonly #calls: SqliteCalls;
  readonly #intake: SqliteIntake;
  readonly #ledger: SqliteLedger;
  readonly #due: SqliteDue;
  readonly #deliveries: SqliteDeliveries;
  readonly #backlog: SqliteBacklog;
  readonly #connectors: SqliteConnectors;
  readonly #kept: SqliteKept;
  readonly #index: SqliteCallIndex;
  readonly #search: SqliteCallSearch;
  readonly #removal: SqliteRemoval;

  /** @param bridge's claim on the file, and its eye on it */
  constructor(
    path: string,
    database: Database,
    { owner, opened }: { owner?: Database; opened?: OpenedFile } = {},
  ) {
    this.#database = database;
    this.#owner = owner;
    this.#opened = opened;
    this.#queue = new CommitQueue(database, opened);
    this.#file = new SqliteFile(path, database, this.#queue, opened);
    const all = statements(database);
    const sql = new Prepared(database);
    this.#ask = (question) => sql.answer(question(db));
    this.#calls = new SqliteCalls(all);
    this.#search = new SqliteCallSearch(sql);
    const counts = new SqliteCallCounts(sql);
    this.#index = new SqliteCallIndex(database, sql, counts, (row) => this.#calls.stateOf(row), fieldsOf);
    this.#kept = new SqliteKept(database, this.#queue);
    this.#intake = new SqliteIntake(all, this.#calls, revisionsTaken(this.#kept));
    this.#ledger = new SqliteLedger(database, sql);
    this.#due = new SqliteDue(database, this.#queue);
    this.#deliveries = new SqliteDeliveries(this.#queue, all, this.#due, this.#calls, counts);
    this.#backlog = new SqliteBacklog(database);
    this.#removal = new SqliteRemoval(database, sql, this.#index, counts, this.#ledger, (call) =>
      this.#calls.fieldsOf(call),
    );
    this.#connectors = new SqliteConnectors(this.#queue, all, this.#removal);
  }

  record(push: NewPush): Promise<Recorded> {
    return this.#queue.write(() => this.#intake.record(push));
  }

  lapse(now: Date, route: NewPush['route'], limit: number): Promise<{ lapsed: number; due: string[] }> {
    return this.#queue.write(() => this.#intake.lapse(now, route, limit));
  }

  async nextLapseAt(): Promise<Date | null> {
    return this.#intake.nextLapseAt();
  }

  reject(rejections: readonly NewRejection[], bytesPerSource: number): Promise<Rejection[]> {
    return this.#queue.write(() => this.#ledger.add(rejections, bytesPerSource));
  }

  async rejections(filter: RejectedFilter): Promise<StoredRejection[]> {
    return this.#ask((db) => rejections(db, filter));
  }

  async rejection(row: number): Promise<StoredRejection | null> {
    return this.#ask((db) => rejection(db, row));
  }

  async tallyRejected(since: Date): Promise<Rejection[]> {
    return this.#ask((db) => tallyRejected(db, since));
  }

  async rejectedKept(): Promise<RejectedKept[]> {
    return this.#ask(rejectedKept);
  }

  readAgain(
    source: string | undefined,
    afterRow: number,
    read: (kept: KeptPush) => NewPush | { reason: string } | null,
  ): Promise<ReadAgain> {
    return this.#queue.write(() =>
      this.#ledger.readAgain(source, afterRow, read, (push, { count, lastAt }) => {
        const recorded = this.#intake.record(push, 'late');
        if (count > 1) this.#intake.addRepeats(push, count - 1, lastAt);
        return recorded;
      }),
    );
  }

  takeDue(connector: string, now: Date, limit: number, which: DueFilter = {}): Promise<DueDelivery[]> {
    return this.#deliveries.take(connector, now, limit, which);
  }

  async nextDueAt(connector: string, after: Date): Promise<Date | null> {
    return asDate(this.#due.nextAt(connector, after.getTime()));
  }

  bringForward(connector: string, now: Date): Promise<number> {
    return this.#due.hasten(connector, now.getTime(), 'impossible');
  }

  discountTime(connector: string, now: Date, ms: number): Promise<void> {
    return this.#due.discountTime(connector, now.getTime(), ms);
  }

  makeAllDue(connector: string, now: Date): Promise<number> {
    return this.#due.hasten(connector, now.getTime(), 'all');
  }

  settle(lease: Lease, settlements: readonly Settlement[]): Promise<boolean> {
    return this.#deliveries.settle(lease, settlements);
  }

  replay(
    rows: readonly number[],
    route: NewPush['route'],
    now: Date,
    which: ReplayFilter = {},
  ): Promise<number> {
    return this.#deliveries.replay(rows, route, now, which);
  }

  skip(call: number, connector: string, reason: string, now: Date): Promise<'skipped' | 'delivered' | null> {
    return this.#deliveries.skip(call, connector, reason, now);
  }

  findPeople(connector: string, numbers: readonly string[]): Promise<Map<string, RecordRef>> {
    return this.#connectors.findPeople(connector, numbers);
  }

  rememberPeople(connector: string, people: ReadonlyMap<string, RecordRef>): Promise<void> {
    return this.#connectors.rememberPeople(connector, people);
  }

  forgetPeople(connector: string, numbers: readonly string[]): Promise<void> {
    return this.#connectors.forgetPeople(connector, numbers);
  }

  recall(connector: string, names: readonly string[]): Promise<Map<string, string>> {
    return this.#connectors.recall(connector, names);
  }

  remember(connector: string, texts: ReadonlyMap<string, string>): Promise<void> {
    return this.#connectors.remember(connector, texts);
  }

  forget(connector: string, names: readonly string[]): Promise<void> {
    return this.#connectors.forget(connector, names);
  }

  acquireLease(name: string, holder: string, now: Date, forMs: number): Promise<Lease | null> {
    return this.#connectors.acquireLease(name, holder, now, forMs);
  }

  renewLease(lease: Lease, now: Date, forMs: number): Promise<boolean> {
    return this.#connectors.renewLease(lease, now, forMs);
  }

  releaseLease(lease: Lease, left: 'nothing' | 'something' = 'nothing'): Promise<void> {
    return this.#connectors.releaseLease(lease, left);
  }

  setConnectorState(state: CircuitState, lease?: Lease): Promise<void> {
    return this.#connectors.setConnectorState(state, lease);
  }

  pauseConnector(connector: string, pause: ConnectorState['paused']): Promise<void> {
    return this.#connectors.pauseConnector(connector, pause);
  }

  async connectorStates(): Promise<ConnectorState[]> {
    return this.#ask(connectorStates);
  }

  async kept(name: string): Promise<string | null> {
    return this.#kept.text(name);
  }

  keep(name: string, text: string): Promise<void> {
    return this.#kept.keep(name, text);
  }

  keepFirst(name: string, text: string): Promise<string> {
    return this.#kept.keepFirst(name, text);
  }

  addSignInLink(digest: string, now: Date, expiresAt: Date): Promise<void> {
    return this.#kept.addLink(digest, now, expiresAt);
  }

  useSignInLink(digest: string, now: Date): Promise<boolean> {
    return this.#kept.useLink(digest, now);
  }

  async calls(filter: CallFilter): Promise<CallView[]> {
    return this.#ask((db) => calls(db, filter));
  }

  async stories(callId: string, source?: string): Promise<CallStory[]> {
    return this.#ask((db) => stories(db, callId, source));
  }

  async views(rows: readonly number[]): Promise<CallView[]> {
    return this.#ask((db) => views(db, rows));
  }

  async backlog(connector: string, atMost: number): Promise<Backlog> {
    return this.#backlog.of(connector, atMost);
  }

  async latestPushes(among: number): Promise<Map<string, Date>> {
    return this.#backlog.latestPushes(among);
  }

  size(): Promise<Record<string, number>> {
    return this.#file.size();
  }

  async indexCalls(
    readings: Readings,
    read: (state: CallState) => IndexedCall,
    limit: number,
  ): Promise<IndexStep> {
    this.#file.mustBeThere();
    return this.#index.step(readings, read, limit);
  }

  async indexProgress(): Promise<IndexProgress> {
    return this.#index.progress();
  }

  async indexCovers(until: Date): Promise<boolean> {
    return this.#index.covers(until);
  }

  async findCalls(filter: IndexFilter, beforeRow: number | null, limit: number): Promise<number[]> {
    return this.#search.find(filter, beforeRow, limit);
  }

  async countFound(filter: IndexFilter, beforeRow: number | null, limit: number): Promise<CallsFound> {
    return this.#search.count(filter, beforeRow, limit);
  }

  async countCalls(ranges: readonly { since: number; until: number }[]): Promise<CallCount[]> {
    return this.#ask((db) => countCalls(db, ranges));
  }

  async topCalls(
    facet: 'source' | 'keyword' | 'dealer',
    since: number,
    until: number,
    limit: number,
  ): Promise<TopCount[]> {
    return this.#ask((db) => topCalls(db, facet, since, until, limit));
  }

  async tallyCalls(since: Date, until: Date): Promise<CallTally> {
    return this.#ask((db) => tallyCalls(db, since, until));
  }

  async countRange(since: Date, until: Date): Promise<RangeCounts> {
    return this.#ask((db) => countRange(db, since, until));
  }

  async countLag(since: number, until: number): Promise<LagCount[]> {
    return this.#ask((db) => countLag(db, since, until));
  }

  async openDeliveries(): Promise<DeliveryTally[]> {
    return this.#ask(openDeliveries);
  }

  async pushesSeen(sources: readonly string[]): Promise<PushesSeen[]> {
    return this.#ask((db) => pushesSeen(db, sources));
  }

  purge(what: 'pushes' | 'calls', before: Date, afterRow: number, limit: number): Promise<Purged> {
    return this.#queue.write(() => this.#removal.purge(what, before, afterRow, limit));
  }

  purgeRejected(before: Date, limit: number): Promise<number> {
    return this.#queue.write(() => this.#ledger.purge(before, limit));
  }

  async callsHolding(holds: (text: string) => boolean, afterRow: number, limit: number): Promise<Holding> {
    return this.#removal.callsHolding(holds, afterRow, limit);
  }

  async erase(erasure: Erasure): Promise<Erased> {
    const erased = await this.#queue.write(() => {
      const done = this.#removal.erase(erasure);
      this.#removal.noteInLog(erasure.at); // until it is known that it is not
      return done;
    });
    return { ...erased, ...(await this.finishErasures(erasure.at)) };
  }

  async countUnsearchable(): Promise<number> {
    return this.#ask((db) => rejectedWith(db, ({ isAll }) => !isAll)).length;
  }

  async finishErasures(now: Date): Promise<{ inLog: boolean }> {
    const inLog = this.#removal.isInLog && !this.#removal.clearLog();
    await this.#queue.write(() => {
      if (!inLog) this.#removal.noteCleared();
      this.#removal.endErasures(now);
    });
    return { inLog };
  }

  backup(file: string): Promise<void> {
    return this.#file.backup(file);
  }

  checkWritable(): Promise<void> {
    return this.#file.checkWritable();
  }

  watch(changed: () => void): () => void {
    return this.#file.watch(changed);
  }

  rescue(): Promise<string> {
    return this.#file.rescue();
  }

  get lost(): Promise<string> {
    return this.#file.lost;
  }

  async close(): Promise<void> {
    await this.#queue.close();
    this.#database.close();
    this.#opened?.close();
    this.#owner?.close();
  }
}
