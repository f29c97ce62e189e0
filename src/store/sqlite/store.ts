import { copyFileSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Kysely } from 'kysely';
import {
  type CallState,
  foldFields,
  foldWithinBounds,
  gapsIn,
  hasEnd,
  laneOf,
  urgencyOf,
} from '../../call/call.ts';
import { type Fields, parsePush, UnreadablePush } from '../../call/push.ts';
import type { RecordRef, Records } from '../../call/records.ts';
import { makeFolder } from '../../runtime/folder.ts';
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
import type { CallFilter, CallStory, CallView, DeliveryView } from '../calls.ts';
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
import { rewriteAt, unansweredAt } from '../late-writes.ts';
import type { Lease } from '../leases.ts';
import type {
  KeptPush,
  NewRejection,
  ReadAgain,
  RejectedFilter,
  RejectedKept,
  Rejection,
  StoredRejection,
} from '../rejections.ts';
import type { CallRow, DeliveryRow, LeaseRow, Tables } from '../schema.ts';
import type { Store } from '../store.ts';
import { StoreUnavailable } from '../store.ts';
import type { Erased, Erasure, Holding, Purged } from '../upkeep.ts';
import { SqliteBacklog } from './backlog.ts';
import { SqliteCallCounts } from './call-counts.ts';
import { SqliteCallIndex } from './call-index.ts';
import { SqliteCallSearch } from './call-search.ts';
import { CommitQueue } from './commit-queue.ts';
import { again, fresh, SqliteDue } from './due.ts';
import { SqliteKept } from './kept.ts';
import { SqliteLedger } from './ledger.ts';
import { removeLeftOverLog } from './left-over-log.ts';
import type { OpenedFile } from './opened-file.ts';
import { Prepared } from './prepared.ts';
import { SqliteRemoval } from './removal.ts';
import { statements } from './statements.ts';

/** Marks our database files in the header, so that a foreign one is refused ("delB"). */
export const applicationId = 0x64656c42;
/** A call of more pushes has its folded fields stored, so that reading it does not read them all. */
const mostFoldedOnReading = 4;

/** When a lease ends that was released in order. */
export const released = 0;
/** When one ends whose holder is gone, or may have left something under way. */
export const lapsed = 1;

/** How long a look at whether the store can be written to waits for one: whoever asks does not wait for long. */
const probePatienceMs = 1_000;
/**
 * A push as receiving stores one, taken back: it meets what a push would meet of the pages that it changes. What is not
 * taken back writes one page as it was, which meets the disk.
 */
const probe = `pragma application_id=${applicationId};
savepoint probe;
insert into calls (source, call_id, revision, lane, first_received_at, last_received_at, lapsed, lapse_at)
  values ('', '', 1, '', 0, 0, 0, 0);
insert into pushes (call, received_at, body, repeats) values (last_insert_rowid(), 0, '{}', 0);
insert into deliveries
  (call, connector, state, wanted_revision, delivered_revision, due_at, attempts, failures, records)
  select max(id), '', 'due', 1, 0, 0, 0, 0, '{}' from calls;
rollback to probe;
release probe;`;

export class SqliteStore implements Store {
  readonly #path: string;
  readonly #database: Database;
  readonly #kysely: Kysely<Tables>;
  readonly #owner: Database | undefined;
  readonly #opened: OpenedFile | undefined;
  readonly #queue: CommitQueue;
  readonly #do: ReturnType<typeof statements>;
  readonly #index: SqliteCallIndex;
  readonly #search: SqliteCallSearch;
  readonly #counts: SqliteCallCounts;
  readonly #removal: SqliteRemoval;
  readonly #backlog: SqliteBacklog;
  readonly #due: SqliteDue;
  readonly #ledger: SqliteLedger;
  readonly #kept: SqliteKept;

  /** @param bridge's claim on the file, and its eye on it */
  constructor(
    path: string,
    database: Database,
    kysely: Kysely<Tables>,
    { owner, opened }: { owner?: Database; opened?: OpenedFile } = {},
  ) {
    this.#path = path;
    this.#database = database;
    this.#kysely = kysely;
    this.#owner = owner;
    this.#opened = opened;
    this.#queue = new CommitQueue(database, opened);
    this.#do = statements(database, kysely);
    this.#backlog = new SqliteBacklog(database, kysely);
    this.#due = new SqliteDue(database, this.#queue);
    this.#kept = new SqliteKept(database, kysely, this.#queue);
    const sql = new Prepared(database);
    this.#search = new SqliteCallSearch(sql);
    this.#counts = new SqliteCallCounts(sql);
    this.#index = new SqliteCallIndex(database, sql, this.#counts, (row) => this.#stateOf(row), fieldsOf);
    this.#ledger = new SqliteLedger(database, kysely);
    this.#removal = new SqliteRemoval(
      database,
      kysely,
      sql,
      this.#index,
      this.#counts,
      this.#ledger,
      (call) => {
        const row = this.#do.callById.get({ id: call });
        return JSON.stringify(row ? this.#stateOf(row).fields : {});
      },
    );
  }

  record(push: NewPush): Promise<Recorded> {
    return this.#queue.write(() => this.#record(push));
  }

  /** @param when late: it came before pushes that are stored, and is stored after them */
  #record(push: NewPush, when: 'now' | 'late' = 'now'): Recorded {
    const at = push.receivedAt.getTime();
    // A start nearly always begins its call: adding it tells so without a look before.
    const begins = hasEnd(push.fields) ? null : this.#recordFirst(push, at);
    if (begins) return begins;
    const found = this.#do.callByKey.get({ source: push.source, callId: push.callId });
    if (!found) return this.#recordFirst(push, at)!;

    const call = found.id;
    const pushes = found.fields === null ? this.#do.bodiesOf.all({ call }) : null;
    const before = stateOf(found, pushes ?? []);
    const isOlder = when === 'late' && at < found.last_received_at;
    const { fields, isWhole } = foldWithinBounds(
      before.fields,
      isOlder ? gapsIn(before.fields, push.fields) : push.fields,
      push.body.length + lengthOf(found, pushes),
    );
    const changed = fields !== before.fields;
    // What was said before and comes again after something else was said is no repeat: it corrects that.
    const same = changed
      ? undefined
      : pushes
        ? pushes.findLast(({ body }) => body === push.body)
        : this.#do.pushWithBody.get({ call, body: push.body });
    if (same) {
      this.#do.repeatPush.run({ id: same.id, at });
      return { repeat: true, revision: found.revision, state: before, due: [] };
    }

    this.#do.addPush.run({ call, at, body: push.body });
    const ended = before.endReceivedAt !== null || hasEnd(fields);
    const endReceivedAt = before.endReceivedAt ?? (ended ? push.receivedAt : null);
    const revision = changed ? found.revision + 1 : found.revision;
    this.#do.changeCall.run({
      id: call,
      revision,
      // Folded on reading, an older push would be taken for the latest.
      fields:
        pushes && pushes.length < mostFoldedOnReading && !isOlder
          ? null
          : changed || found.fields === null
            ? JSON.stringify(fields)
            : found.fields,
      lane: laneOf(push.callId, fields),
      at: isOlder ? found.last_received_at : at,
      endReceivedAt: endReceivedAt?.getTime() ?? null,
      lapsed: found.lapsed,
      lapseAt: ended ? null : found.lapse_at,
    });
    const state: CallState = { ...before, fields, endReceivedAt };
    if (!isWhole) {
      // Its pushes do not say any more what it holds.
      this.#do.notFolded.run({ id: call, fields: JSON.stringify(fields) });
      state.notFolded = (before.notFolded ?? 0) + 1;
    }
    const due = changed ? this.#want(call, revision, push.route(state), at, fresh) : [];
    return { repeat: false, revision, state, due };
  }

  /** Null if the call is known. */
  #recordFirst(push: NewPush, at: number): Recorded | null {
    const { source, callId } = push;
    const { fields, isWhole } = foldWithinBounds(undefined, push.fields, push.body.length);
    const ended = hasEnd(fields);
    const state: CallState = {
      source,
      callId,
      fields,
      firstReceivedAt: push.receivedAt,
      endReceivedAt: ended ? push.receivedAt : null,
      lapsed: false,
    };
    const call = this.#do.addCall.insert({
      source,
      callId,
      lane: laneOf(callId, fields),
      at,
      endReceivedAt: ended ? at : null,
      lapseAt: ended ? null : at + push.lapseAfterMs,
    });
    if (call === 0) return null;
    this.#do.addPush.run({ call, at, body: push.body });
    if (!isWhole) {
      this.#do.notFolded.run({ id: call, fields: JSON.stringify(fields) });
      state.notFolded = 1;
    }
    const due = [...push.route(state)];
    for (const connector of due) this.#do.addDelivery.run({ call, connector, revision: 1, at, line: fresh });
    return { repeat: false, revision: 1, state, due };
  }

  /** Every delivery of the call wants its new revision, and connectors that newly match get one. Returns what is due. */
  #want(call: number, revision: number, matching: Iterable<string>, at: number, line: number): string[] {
    const known = this.#do.wantRevision.all({ call, revision, at, line });
    const due = known.filter(({ state }) => state === 'due').map(({ connector }) => connector);
    const had = new Set(known.map(({ connector }) => connector));
    for (const connector of matching) {
      if (had.has(connector)) continue;
      had.add(connector);
      due.push(connector);
      this.#do.addDelivery.run({ call, connector, revision, at, line });
    }
    return due;
  }

  /** What is known of a call. Reads its pushes when they are all that says it. */
  #stateOf(row: CallRow): CallState {
    return stateOf(row, row.fields === null ? this.#do.bodiesOf.all({ call: row.id }) : []);
  }

  reject(rejections: readonly NewRejection[], bytesPerSource: number): Promise<Rejection[]> {
    return this.#queue.write(() => this.#ledger.add(rejections, bytesPerSource));
  }

  async rejections(filter: RejectedFilter): Promise<StoredRejection[]> {
    return this.#ledger.list(filter);
  }

  async rejection(row: number): Promise<StoredRejection | null> {
    return this.#ledger.one(row);
  }

  async tallyRejected(since: Date): Promise<Rejection[]> {
    return this.#ledger.tally(since);
  }

  async rejectedKept(): Promise<RejectedKept[]> {
    return this.#ledger.kept();
  }

  readAgain(
    source: string | undefined,
    afterRow: number,
    read: (kept: KeptPush) => NewPush | { reason: string } | null,
  ): Promise<ReadAgain> {
    return this.#queue.write(() =>
      this.#ledger.readAgain(source, afterRow, read, (push, { count, lastAt }) => {
        const recorded = this.#record(push, 'late');
        const { source, callId, body } = push;
        // It came several times, and was kept once.
        if (count > 1)
          this.#do.addRepeats.run({ source, callId, body, repeats: count - 1, at: lastAt.getTime() });
        return recorded;
      }),
    );
  }

  async takeDue(connector: string, now: Date, limit: number, which: DueFilter = {}): Promise<DueDelivery[]> {
    const rows = await this.#due.take(connector, now.getTime(), limit, which);
    return rows.map((row) => ({
      callRow: row.id,
      connector,
      state: this.#stateOf(row),
      lane: row.lane,
      urgency: row.state === 'delivered' ? 'backlog' : urgencyOf(new Date(row.last_received_at), now),
      isRewrite: row.state === 'delivered',
      revision: row.revision,
      records: JSON.parse(row.records) as Records,
      dueAt: new Date(row.due_at),
      attempts: row.attempts,
      failures: row.failures,
      failingSince: asDate(row.failing_since),
      triedMs: row.tried_ms,
    }));
  }

  async nextDueAt(connector: string, after: Date): Promise<Date | null> {
    return asDate(this.#due.nextAt(connector, after.getTime()));
  }

  bringForward(connector: string, now: Date): Promise<number> {
    return this.#due.hasten(connector, now.getTime(), 'impossible');
  }

  makeAllDue(connector: string, now: Date): Promise<number> {
    return this.#due.hasten(connector, now.getTime(), 'all');
  }

  settle(lease: Lease, settlements: readonly Settlement[]): Promise<boolean> {
    return this.#queue.write(() => {
      const held = this.#do.leaseHeld.get({ name: lease.name, fence: lease.fence });
      if (!held) return false;
      for (const settlement of settlements) this.#settle(lease.name, settlement, held);
      return true;
    });
  }

  #settle(
    connector: string,
    { callRow: call, revision, attempt, records, unanswered = false, next }: Settlement,
    lease: Pick<LeaseRow, 'left_at' | 'left_call'>,
  ): void {
    const key = { call, connector };
    const row = this.#do.delivery.get(key);
    if (!row) return; // erased meanwhile
    const n = row.attempts + 1;
    const at = attempt.at.getTime();
    if (attempt.outcome === 'delivered') this.#countLag(row, revision, at + attempt.tookMs);
    else this.#do.noteError.run({ ...key, at, outcome: attempt.outcome, reason: attempt.reason ?? '' });
    this.#do.addAttempt.run({
      ...key,
      n,
      at,
      tookMs: Math.round(attempt.tookMs),
      revision,
      outcome: attempt.outcome,
      reason: attempt.reason,
      notes: JSON.stringify(attempt.notes),
      requests: attempt.requests,
      batch: attempt.batch,
    });
    const known = JSON.stringify({ ...(JSON.parse(row.records) as Records), ...records });
    const delivered = next.state === 'delivered';
    const ended = at + attempt.tookMs;
    // Whoever left the lease may have had any call under way that there was.
    const left = call <= (lease.left_call ?? 0) ? lease.left_at : null;
    const unansweredSince = unansweredAt([row.unanswered_at, left, unanswered ? ended : null], at);
    if (row.state === 'skipped' && !(delivered && row.wanted_revision <= revision)) {
      // Somebody decided while it was being written. What is in the CRM by now is known all the same.
      this.#do.settleDelivery.run({
        ...key,
        attempts: n,
        state: 'skipped',
        dueAt: null,
        deliveredRevision: delivered ? revision : row.delivered_revision,
        failures: 0,
        failingSince: null,
        triedMs: 0,
        line: again,
        reason: row.last_reason,
        records: known,
        skippedRevision: row.skipped_revision,
        unansweredAt: unansweredSince,
      });
      return;
    }
    // The call changed while it was being written: whatever came of the older state, the newer one is due.
    const changed = row.wanted_revision > revision;
    const isDue = next.state === 'due';
    const failedUntil = isDue ? (next.at?.getTime() ?? null) : null;
    const waits = failedUntil !== null && !changed;
    this.#do.settleDelivery.run({
      ...key,
      attempts: n,
      state: changed ? 'due' : next.state,
      dueAt: waits
        ? failedUntil
        : isDue || changed
          ? (row.due_at ?? at)
          : delivered && unansweredSince !== null
            ? rewriteAt(unansweredSince)
            : null,
      deliveredRevision: delivered ? revision : row.delivered_revision,
      failures: isDue ? row.failures + (failedUntil === null ? 0 : 1) : 0,
      failingSince: isDue ? (row.failing_since ?? (failedUntil === null ? null : at)) : null,
      triedMs:
        failedUntil === null
          ? isDue
            ? row.tried_ms
            : 0
          : row.tried_ms + attempt.tookMs + (waits ? Math.max(0, failedUntil - ended) : 0),
      line: waits ? again : row.line % 2,
      reason: attempt.reason,
      records: known,
      skippedRevision: null,
      unansweredAt: unansweredSince,
    });
  }

  /** From the last push until the CRM had what it says. Writing the same again, after a replay, is no delivery of a push. */
  #countLag({ call, connector, attempts }: DeliveryRow, revision: number, at: number): void {
    if (attempts > 0 && this.#do.deliveredBefore.get({ call, connector, revision })) return;
    const known = this.#do.callById.get({ id: call });
    if (known) this.#counts.delivered(connector, at, at - known.last_received_at);
  }

  replay(
    rows: readonly number[],
    route: NewPush['route'],
    now: Date,
    { connector, exceptSkipped = false }: ReplayFilter = {},
  ): Promise<number> {
    const at = now.getTime();
    const only = connector ?? null;
    return this.#queue.write(() => {
      let replayed = 0;
      const tried = new Set<string>();
      for (const id of rows) {
        const call = this.#do.callById.get({ id });
        if (!call) continue;
        const made = this.#do.dueAgain.all({
          call: id,
          at,
          connector: only,
          exceptSkipped: exceptSkipped ? 1 : 0,
        });
        replayed += made.length;
        for (const name of made) tried.add(name.connector);
        const had = new Set(this.#do.deliveriesOf.all({ call: id }).map((delivery) => delivery.connector));
        for (const matching of route(this.#stateOf(call))) {
          if (had.has(matching) || (only !== null && matching !== only)) continue;
          had.add(matching);
          tried.add(matching);
          replayed++;
          this.#do.addDelivery.run({
            call: id,
            connector: matching,
            revision: call.revision,
            at,
            line: again,
          });
          this.#index.lookAgain(id);
        }
        this.#decide(id, now, only, 'replay', null, call.revision);
      }
      for (const name of tried) this.#do.probeNow.run({ connector: name });
      return replayed;
    });
  }

  skip(call: number, connector: string, reason: string, now: Date): Promise<'skipped' | 'delivered' | null> {
    return this.#queue.write(() => {
      const delivery = this.#do.delivery.get({ call, connector });
      if (!delivery) return null;
      if (delivery.state === 'delivered') return 'delivered';
      this.#do.skip.run({ call, connector, reason });
      this.#decide(call, now, connector, 'skip', reason, delivery.wanted_revision);
      return 'skipped';
    });
  }

  #decide(
    call: number,
    now: Date,
    connector: string | null,
    decision: 'replay' | 'skip',
    reason: string | null,
    revision: number,
  ): void {
    this.#do.addDecision.run({ call, at: now.getTime(), connector, decision, reason, revision });
  }

  lapse(now: Date, route: NewPush['route'], limit: number): Promise<{ lapsed: number; due: string[] }> {
    return this.#queue.write(() => {
      const at = now.getTime();
      const calls = [
        ...this.#do.lapsing.all({ now: at, limit }),
        ...this.#do.lapsingByWrongClock.all({ now: at, limit }),
      ].slice(0, limit);
      const due = new Set<string>();
      for (const call of calls) {
        const revision = call.revision + 1;
        this.#do.changeCall.run({
          id: call.id,
          revision,
          fields: call.fields,
          lane: call.lane,
          at: call.last_received_at,
          endReceivedAt: null,
          lapsed: 1,
          lapseAt: null,
        });
        this.#index.lookAgain(call.id);
        const state = { ...this.#stateOf(call), lapsed: true };
        for (const connector of this.#want(call.id, revision, route(state), at, again)) due.add(connector);
      }
      return { lapsed: calls.length, due: [...due] };
    });
  }

  async nextLapseAt(): Promise<Date | null> {
    return asDate(this.#do.nextLapse.get({})?.at ?? null);
  }

  async findPeople(connector: string, numbers: readonly string[]): Promise<Map<string, RecordRef>> {
    const found = new Map<string, RecordRef>();
    for (const number of numbers) {
      const row = this.#do.person.get({ connector, number });
      if (row) found.set(number, { type: row.type, id: row.id });
    }
    return found;
  }

  async rememberPeople(connector: string, people: ReadonlyMap<string, RecordRef>): Promise<void> {
    if (people.size === 0) return;
    await this.#queue.write(() => {
      for (const [number, { type, id }] of people)
        if (!this.#removal.isBeingErased(number))
          this.#do.rememberPerson.run({ connector, number, type, id });
    });
  }

  async forgetPeople(connector: string, numbers: readonly string[]): Promise<void> {
    if (numbers.length === 0) return;
    await this.#queue.write(() => {
      for (const number of numbers) this.#do.forgetPerson.run({ connector, number });
    });
  }

  async recall(connector: string, names: readonly string[]): Promise<Map<string, string>> {
    return new Map(
      names.flatMap((name) => {
        const row = this.#do.memory.get({ connector, name });
        return row ? [[name, row.text] as const] : [];
      }),
    );
  }

  async remember(connector: string, texts: ReadonlyMap<string, string>): Promise<void> {
    if (texts.size === 0) return;
    await this.#queue.write(() => {
      for (const [name, text] of texts) {
        const number = /\+\d+$/.exec(name)?.[0]; // of a caller: by convention at the end
        if (number === undefined || !this.#removal.isBeingErased(number))
          this.#do.remember.run({ connector, name, text });
      }
    });
  }

  async forget(connector: string, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await this.#queue.write(() => {
      for (const name of names) this.#do.forget.run({ connector, name });
    });
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

  acquireLease(name: string, holder: string, now: Date, forMs: number): Promise<Lease | null> {
    return this.#queue.write(() => {
      const expiresAt = now.getTime() + forMs;
      // Nobody holds one for longer; twice that, since clocks of several servers differ a little.
      const tooLate = now.getTime() + 2 * forMs;
      const taken = this.#do.takeLease.run({ name, holder, now: now.getTime(), expiresAt, tooLate });
      if (taken === 0) return null;
      return { name, holder, fence: this.#do.fenceOf.get({ name })!.fence };
    });
  }

  renewLease(lease: Lease, now: Date, forMs: number): Promise<boolean> {
    return this.#queue.write(
      () =>
        this.#do.extendLease.run({ name: lease.name, fence: lease.fence, expiresAt: now.getTime() + forMs }) >
        0,
    );
  }

  async releaseLease(lease: Lease, left: 'nothing' | 'something' = 'nothing'): Promise<void> {
    const expiresAt = left === 'nothing' ? released : lapsed;
    await this.#queue.write(() => {
      this.#do.extendLease.run({ name: lease.name, fence: lease.fence, expiresAt });
    });
  }

  async setConnectorState(state: CircuitState, lease?: Lease): Promise<void> {
    const { connector, blockedReason, openReason = null, since, probeAt } = state;
    await this.#queue.write(() => {
      if (lease && !this.#do.leaseHeld.get({ name: lease.name, fence: lease.fence })) return;
      this.#do.setConnector.run({
        connector,
        reason: blockedReason,
        openReason,
        since: since.getTime(),
        probeAt: probeAt?.getTime() ?? null,
      });
    });
  }

  async pauseConnector(connector: string, pause: ConnectorState['paused']): Promise<void> {
    const at = pause?.since.getTime() ?? null;
    await this.#queue.write(() => {
      this.#do.pauseConnector.run({ connector, now: at ?? 0, at, reason: pause?.reason ?? null });
      if (!pause) this.#do.probeNow.run({ connector });
    });
  }

  async connectorStates(): Promise<ConnectorState[]> {
    const rows = this.#do.connectorStates.all();
    return rows.map((row) => ({
      connector: row.connector,
      blockedReason: row.blocked_reason,
      openReason: row.open_reason,
      since: new Date(row.since),
      probeAt: asDate(row.probe_at),
      paused: row.paused_at === null ? null : { since: new Date(row.paused_at), reason: row.paused_reason },
      lastError:
        row.error_at === null
          ? null
          : {
              at: new Date(row.error_at),
              outcome: row.outcome!,
              reason: row.reason!,
              source: row.source!,
              callId: row.call_id!,
            },
    }));
  }

  async calls(filter: CallFilter): Promise<CallView[]> {
    let query = this.#kysely.selectFrom('calls').selectAll().orderBy('id', 'desc').limit(filter.limit);
    if (filter.source !== undefined) query = query.where('source', '=', filter.source);
    if (filter.callId !== undefined) query = query.where('call_id', '=', filter.callId);
    if (filter.lane !== undefined) query = query.where('lane', '=', filter.lane);
    if (filter.since !== undefined) query = query.where('first_received_at', '>=', filter.since.getTime());
    if (filter.beforeRow !== undefined) query = query.where('id', '<', filter.beforeRow);
    const { connector, state } = filter;
    if (state === 'unrouted') {
      query = query.where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom('deliveries').select('call').whereRef('deliveries.call', '=', 'calls.id'))),
      );
    } else if (connector !== undefined || state !== undefined) {
      query = query.where(({ exists, selectFrom }) => {
        let wanted = selectFrom('deliveries').select('call').whereRef('deliveries.call', '=', 'calls.id');
        if (connector !== undefined) wanted = wanted.where('connector', '=', connector);
        if (state !== undefined) wanted = wanted.where('state', '=', state);
        return exists(wanted);
      });
    }
    return (await query.execute()).map((row) => this.#viewOf(row));
  }

  async stories(callId: string, source?: string): Promise<CallStory[]> {
    let query = this.#kysely.selectFrom('calls').selectAll().where('call_id', '=', callId).orderBy('id');
    if (source !== undefined) query = query.where('source', '=', source);
    return (await query.execute()).map((row) => ({
      ...this.#viewOf(row),
      pushes: this.#do.pushesOf.all({ call: row.id }).map((push) => ({
        receivedAt: new Date(push.received_at),
        body: push.body,
        fields: fieldsOf(push.body),
        repeats: push.repeats,
        lastRepeatAt: asDate(push.last_repeat_at),
      })),
      attempts: this.#do.attemptsOf.all({ call: row.id }).map((attempt) => ({
        connector: attempt.connector,
        n: attempt.n,
        at: new Date(attempt.at),
        tookMs: attempt.took_ms,
        revision: attempt.revision,
        outcome: attempt.outcome,
        reason: attempt.reason,
        notes: JSON.parse(attempt.notes) as string[],
        requests: attempt.requests,
        batch: attempt.batch,
      })),
      decisions: this.#do.decisionsOf.all({ call: row.id }).map((made) => ({
        at: new Date(made.at),
        connector: made.connector,
        decision: made.decision,
        reason: made.reason,
        revision: made.revision,
      })),
    }));
  }

  async views(rows: readonly number[]): Promise<CallView[]> {
    return rows.flatMap((id) => {
      const row = this.#do.callById.get({ id });
      return row ? [this.#viewOf(row)] : [];
    });
  }

  #viewOf(row: CallRow): CallView {
    return {
      row: row.id,
      state: this.#stateOf(row),
      revision: row.revision,
      lastReceivedAt: new Date(row.last_received_at),
      deliveries: this.#do.deliveriesOf.all({ call: row.id }).map(
        (delivery): DeliveryView => ({
          connector: delivery.connector,
          state: delivery.state,
          wantedRevision: delivery.wanted_revision,
          deliveredRevision: delivery.delivered_revision,
          dueAt: delivery.state === 'delivered' ? null : asDate(delivery.due_at),
          rewriteAt: delivery.state === 'delivered' ? asDate(delivery.due_at) : null,
          failures: delivery.failures,
          lastReason: delivery.last_reason,
          skippedRevision: delivery.skipped_revision,
          records: JSON.parse(delivery.records) as Records,
        }),
      ),
    };
  }

  async backlog(connector: string, atMost: number): Promise<Backlog> {
    return this.#backlog.of(connector, atMost);
  }

  async latestPushes(among: number): Promise<Map<string, Date>> {
    return this.#backlog.latestPushes(among);
  }

  async size(): Promise<Record<string, number>> {
    const bytesOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    return { database: bytesOf(this.#path), wal: bytesOf(`${this.#path}-wal`) };
  }

  async indexCalls(
    readings: Readings,
    read: (state: CallState) => IndexedCall,
    limit: number,
  ): Promise<IndexStep> {
    if (this.#opened?.loss) throw new StoreUnavailable(this.#opened.loss.sentence);
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
    return this.#counts.counts(ranges);
  }

  async topCalls(
    facet: 'source' | 'keyword' | 'dealer',
    since: number,
    until: number,
    limit: number,
  ): Promise<TopCount[]> {
    return this.#counts.top(facet, since, until, limit);
  }

  async tallyCalls(since: Date, until: Date): Promise<CallTally> {
    return this.#counts.tally(since, until);
  }

  async countRange(since: Date, until: Date): Promise<RangeCounts> {
    return this.#counts.countRange(since, until);
  }

  async countLag(since: number, until: number): Promise<LagCount[]> {
    return this.#counts.lag(since, until);
  }

  async openDeliveries(): Promise<DeliveryTally[]> {
    return this.#counts.open();
  }

  async pushesSeen(sources: readonly string[]): Promise<PushesSeen[]> {
    return this.#counts.pushesSeen(sources);
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
    return this.#ledger.countUnsearchable();
  }

  async finishErasures(now: Date): Promise<{ inLog: boolean }> {
    const inLog = this.#removal.isInLog && !this.#removal.clearLog();
    await this.#queue.write(() => {
      if (!inLog) this.#removal.noteCleared();
      this.#removal.endErasures(now);
    });
    return { inLog };
  }

  async backup(file: string): Promise<void> {
    // A reader among others: the bridge writes on meanwhile, and the copy is as of now.
    this.#database.prepare('vacuum into ?').run(file);
  }

  async checkWritable(): Promise<void> {
    await this.#queue.write(() => this.#database.exec(probe), probePatienceMs);
    if (this.#queue.damage) throw this.#queue.damage;
  }

  watch(changed: () => void): () => void {
    const version = this.#database.prepare('pragma data_version');
    const read = () => version.get()?.['data_version'];
    let seen = read();
    const timer = setInterval(() => {
      let now: typeof seen;
      try {
        now = read();
      } catch {
        return; // whoever needs the store says what is wrong with it; the next look may be let
      }
      if (now === seen) return;
      seen = now;
      changed();
    }, 500);
    timer.unref();
    return () => clearInterval(timer);
  }

  get lost(): Promise<string> {
    return this.#opened?.lost.then(({ sentence }) => sentence) ?? new Promise(() => {});
  }

  async rescue(): Promise<string> {
    const path = this.#path;
    const at = new Date().toISOString().replace(/[:.]/g, '-');
    switch (this.#opened?.loss?.kind) {
      case undefined:
        return 'Nothing was lost.';
      case 'log':
        this.#database.exec('pragma wal_checkpoint(truncate)');
        return `All that it held has been put into ${path}: nothing was lost.`;
      case 'moved': {
        const copy = `${path}.saved-${at}`;
        makeFolder(dirname(copy)); // it may be the folder that was renamed
        await this.backup(copy);
        return `All that it held is saved as ${copy}. To go on with that, put it where store.url points before you start the bridge.`;
      }
      case 'overwritten':
        // When it is closed, or opened again, SQLite would write the log of the one over the other.
        copyFileSync(`${path}-wal`, `${path}-wal.saved-${at}`);
        truncateSync(`${path}-wal`);
        removeLeftOverLog(path);
        return `What it held is gone, but for the latest changes: SQLite's log is saved as ${path}-wal.saved-${at}.`;
    }
  }

  async close(): Promise<void> {
    await this.#queue.close();
    this.#database.close();
    this.#opened?.close();
    this.#owner?.close();
  }
}

/** In characters, of what a call is folded from. */
function lengthOf({ fields }: CallRow, pushes: readonly { body: string }[] | null): number {
  return fields?.length ?? pushes?.reduce((sum, { body }) => sum + body.length, 0) ?? 0;
}

function stateOf(row: CallRow, pushes: readonly { body: string }[]): CallState {
  let fields: Fields | undefined;
  if (row.fields !== null) fields = Object.setPrototypeOf(JSON.parse(row.fields), null) as Fields;
  else for (const { body } of pushes) fields = foldFields(fields, fieldsOf(body));
  const state: CallState = {
    source: row.source,
    callId: row.call_id,
    fields: fields ?? Object.create(null),
    firstReceivedAt: new Date(row.first_received_at),
    endReceivedAt: asDate(row.end_received_at),
    lapsed: row.lapsed === 1,
  };
  if (row.not_folded > 0) state.notFolded = row.not_folded;
  return state;
}

/** What a stored body says. It was readable when it was stored. */
function fieldsOf(body: string): Fields {
  try {
    return parsePush(body).fields;
  } catch (reason) {
    if (reason instanceof UnreadablePush) return {};
    throw reason;
  }
}

function asDate(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}
