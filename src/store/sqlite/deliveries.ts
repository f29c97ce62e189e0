import { type Urgency, urgencyOf } from '../../call/call.ts';
import type { Records } from '../../call/records.ts';
import { asDate } from '../call-state.ts';
import { newConnectors, settlementChanges } from '../changes.ts';
import type { DueDelivery, DueFilter, ReplayFilter, Settlement } from '../deliveries.ts';
import type { NewPush } from '../intake.ts';
import type { Lease } from '../leases.ts';
import { again, historic, late } from '../lines.ts';
import type { DeliveryRow, LeaseRow } from '../schema.ts';
import type { SqliteCallCounts } from './call-counts.ts';
import type { SqliteCalls } from './calls.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { DueRow, SqliteDue } from './due.ts';
import type { Statements } from './statements.ts';

/** What is taken to be delivered, what came of it, and what people decide on it. */
export class SqliteDeliveries {
  readonly #queue: CommitQueue;
  readonly #do: Statements;
  readonly #due: SqliteDue;
  readonly #calls: SqliteCalls;
  readonly #counts: SqliteCallCounts;

  constructor(
    queue: CommitQueue,
    statements: Statements,
    due: SqliteDue,
    calls: SqliteCalls,
    counts: SqliteCallCounts,
  ) {
    this.#queue = queue;
    this.#do = statements;
    this.#due = due;
    this.#calls = calls;
    this.#counts = counts;
  }

  async take(connector: string, now: Date, limit: number, which: DueFilter): Promise<DueDelivery[]> {
    const rows = await this.#due.take(connector, now.getTime(), limit, which);
    return rows.map((row) => ({
      callRow: row.id,
      connector,
      state: this.#calls.stateOf(row),
      lane: row.lane,
      urgency: urgencyOfDue(row, now),
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

  settle(lease: Lease, settlements: readonly Settlement[]): Promise<boolean> {
    return this.#queue.write(() => {
      const held = this.#do.leaseHeld.get({ name: lease.name, fence: lease.fence });
      if (!held) return false;
      for (const settlement of settlements) this.#settle(lease.name, settlement, held);
      return true;
    });
  }

  #settle(connector: string, settlement: Settlement, lease: Pick<LeaseRow, 'left_at' | 'left_call'>): void {
    const { callRow: call, revision, attempt } = settlement;
    const key = { call, connector };
    const row = this.#do.delivery.get(key);
    if (!row) return; // erased meanwhile
    const at = attempt.at.getTime();
    const change = settlementChanges(row, settlement, lease);
    if (attempt.outcome === 'delivered') this.#countLag(row, revision, at + attempt.tookMs);
    else this.#do.noteError.run({ ...key, at, outcome: attempt.outcome, reason: attempt.reason ?? '' });
    this.#do.addAttempt.run({
      ...key,
      n: change.attempts,
      at,
      tookMs: Math.round(attempt.tookMs),
      revision,
      outcome: attempt.outcome,
      reason: attempt.reason,
      notes: JSON.stringify(attempt.notes),
      requests: attempt.requests,
      batch: attempt.batch,
    });
    this.#do.settleDelivery.run({ ...key, ...change });
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
    { connector, exceptSkipped = false }: ReplayFilter,
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
        const had = this.#do.deliveriesOf.all({ call: id }).map((delivery) => delivery.connector);
        const added = newConnectors(route(this.#calls.stateOf(call)), had, only);
        for (const name of added) {
          this.#do.addDelivery.run({
            call: id,
            connector: name,
            revision: call.revision,
            at,
            line: again,
          });
        }
        if (added.length > 0) this.#do.toIndex.run({ call: id, push: null });
        for (const { connector: name } of made) tried.add(name);
        for (const name of added) tried.add(name);
        replayed += made.length + added.length;
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
}

function urgencyOfDue(row: DueRow, now: Date): Urgency {
  if (row.state === 'delivered' || row.line === late) return 'backlog';
  if (row.line === historic) return 'historic';
  return urgencyOf(new Date(Math.min(row.last_received_at, row.due_at)), now);
}
