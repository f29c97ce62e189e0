import type { Clock } from '../clock.ts';
import { runBatch } from '../connector/batch-context.ts';
import type { Connection, Delivery, Outcome, Urgency } from '../connector/contract.ts';
import { noteOfPerson } from '../connector/why-person.ts';
import type { Log } from '../log.ts';
import type {
  Attempt,
  ConnectorState,
  DeliveryState,
  DueDelivery,
  Lease,
  Settlement,
  Store,
} from '../store/store.ts';
import { readOutcome } from './read-outcome.ts';
import { nextProbe, nextTry, type Schedule } from './retry-schedule.ts';
import { Wakeup } from './wakeup.ts';

const leaseMs = 30_000;
const renewMs = 10_000;
/** How long after `stop` an attempt may take to end by itself. */
const graceMs = 10_000;
/** How long calls may wait for others to share their requests, when those of the day run low. */
const gatherMs = 60_000;
/** How long to wait before the store is asked again after it failed. */
const storeRetryMs = 1_000;

export interface WorkerOptions {
  connector: string;
  connection: Connection;
  store: Store;
  /** Names this process in leases. */
  holder: string;
  schedule: Schedule & { probeMs: readonly number[] };
  clock: Clock;
  log: Log;
  /** Removes secrets from what the connector says: a CRM may quote one, of another connector even, and it is stored. */
  hide?(text: string): string;
  /** From 0 up to 1, as Math.random: spreads the retries. */
  random?(): number;
  /** What the connector gets for a due delivery; null when its source is configured no more. */
  read(due: DueDelivery): Delivery | null;
  /** Is told what came of each delivery, once that is in the store. */
  settled?(due: DueDelivery, outcome: Outcome['kind'], state: DeliveryState): void;
}

/** How a connector is doing. */
export interface WorkerCondition {
  /** false: another instance runs it. */
  holdsLease: boolean;
  /** Somebody lets it rest. */
  isPaused: boolean;
  blockedSince: Date | null;
  /** Few requests are left for the day. */
  isThrifty: boolean;
}

/**
 * Runs one connector: takes what is due, lets the connection write it, settles what came of it, sleeps.
 *
 * A delivery is due while the call has a newer revision than the CRM, whatever happened before: so start and end in
 * any order, a crash between the CRM's commit and ours, and a replay all come to the same thing, which is writing the
 * present state again under the same key.
 *
 *   due ──attempt──▶ delivered            what was written is the present state
 *    ▲  ├─ retry ──▶ due, later           by the schedule, until it gives up
 *    │  ├─ blocked ▶ due, not counted     and the worker only probes, with one call at a time
 *    │  └─ rejected, given up ──▶ failed  until replayed, or until the call changes
 *    └────────── a newer revision ◀── any state but skipped, which a person decides and a replay undoes
 *
 * While a person pauses the connector, nothing is taken, and no probe is made; what is under way ends.
 *
 * Lanes: while a batch is under way, no other batch holds a call of the same callers, nor one of the batch's calls: a
 * call changes its lane when a push tells of its caller.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #wakeup: Wakeup;
  readonly #busyLanes = new Set<string>();
  readonly #busyCalls = new Set<number>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  #lease: Lease | null = null;
  #renewAt = 0;
  /** Whether `#blocked` is what the holder of the lease before us left. */
  #resumed = false;
  #blocked: { since: Date; reason: string; probes: number; probeAt: Date } | null = null;
  #isPaused = false;
  /** The store is asked whether the connector is paused, before anything more is taken. */
  #looksAgain = false;
  #wasThrifty = false;
  /** When the last batch began. */
  #begunAtMs = 0;
  #stopping = false;
  #running: Promise<void> | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  start(): void {
    this.#running = this.#run();
  }

  get condition(): WorkerCondition {
    return {
      holdsLease: this.#lease !== null,
      isPaused: this.#isPaused,
      blockedSince: this.#blocked?.since ?? null,
      isThrifty: this.#wasThrifty,
    };
  }

  /** Something may be due now. */
  wake(): void {
    this.#wakeup.ring();
  }

  /** Somebody may have paused or resumed the connector; and something may be due. */
  lookAgain(): void {
    this.#looksAgain = true;
    this.wake();
  }

  /** Takes no more, lets what is under way end and settles it. What does not end in time stays due. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.wake();
    const cancel = this.#options.clock.after(graceMs, () => this.#abort.abort());
    await this.#running;
    await Promise.all(this.#underWay);
    cancel();
    if (this.#lease) await this.#options.store.releaseLease(this.#lease).catch(() => {});
    await this.#options.connection.close();
  }

  async #run(): Promise<void> {
    const { clock, log, connector } = this.#options;
    while (!this.#stopping) {
      try {
        await this.#wakeup.wait(await this.#step());
      } catch (reason) {
        log.error({ connector, err: reason }, 'The store failed the delivery loop; it goes on in a second.');
        await this.#wakeup.wait(new Date(clock.now().getTime() + storeRetryMs));
      }
    }
  }

  /** Who takes a connector over that was blocked begins with a probe. */
  async #resume(now: Date): Promise<void> {
    const state = await this.#state();
    const reason = state?.blockedReason ?? null;
    this.#blocked =
      reason === null ? null : { since: earliest(state!.since, now), reason, probes: 0, probeAt: now };
    this.#resumed = true;
  }

  /** What the store has of the connector; takes over whether it is paused. */
  async #state(): Promise<ConnectorState | undefined> {
    const { store, connector, log } = this.#options;
    this.#looksAgain = false; // before asking: what changes meanwhile is asked for once more
    const states = await store.connectorStates();
    const state = states.find((known) => known.connector === connector);
    const isPaused = (state?.paused ?? null) !== null;
    if (isPaused !== this.#isPaused)
      log.info({ connector }, isPaused ? 'Paused: calls wait.' : 'No longer paused.');
    this.#isPaused = isPaused;
    return state;
  }

  /** Starts every batch that can start now. Returns when to look again, if nothing wakes us before. */
  async #step(): Promise<Date | null> {
    const { connection, store, connector, clock } = this.#options;
    const now = clock.now();
    const lease = await this.#holdLease(now);
    if (!lease) return new Date(now.getTime() + renewMs);
    const renewAt = new Date(this.#renewAt);
    if (this.#looksAgain) await this.#state();
    if (this.#isPaused) return renewAt;
    const probing = this.#blocked !== null;
    if (this.#blocked && (now < this.#blocked.probeAt || this.#underWay.size > 0)) {
      return earliest(this.#blocked.probeAt > now ? this.#blocked.probeAt : null, renewAt);
    }
    const restsUntil = probing ? null : this.#restsUntil();
    if (restsUntil && (now < restsUntil || this.#underWay.size > 0)) return earliest(restsUntil, renewAt);
    const { batch, parallel } = connection.limits;
    const limits = probing ? { batch: 1, parallel: 1 } : { batch, parallel: restsUntil ? 1 : parallel };
    const thrifty = this.#isThrifty() && !probing;
    while (this.#underWay.size < limits.parallel && !this.#stopping) {
      const due = await this.#takeDue(now, limits.batch, thrifty);
      if (due.length === 0) break;
      const gatheredAt = new Date((due[0] as DueDelivery).dueAt.getTime() + gatherMs);
      if (thrifty && due.length < limits.batch && now < gatheredAt) return earliest(gatheredAt, renewAt);
      this.#begin(lease, due, probing);
    }
    // With every place taken, the end of what is under way wakes us.
    if (this.#underWay.size >= limits.parallel) return renewAt;
    return earliest(await store.nextDueAt(connector, now), renewAt);
  }

  /**
   * With no request left for the day, one batch now and then finds out whether there are more: a CRM is not to be asked
   * what it has to refuse, and may grant more than it said. Null while there are some.
   */
  #restsUntil(): Date | null {
    if (!this.#options.connection.quota?.isSpent) return null;
    return new Date(this.#begunAtMs + (this.#options.schedule.probeMs[0] ?? storeRetryMs));
  }

  /** With few requests left for the day, calls are written when they are over, and together. */
  #isThrifty(): boolean {
    const { connection, connector, log } = this.#options;
    const { quota } = connection;
    const isThrifty = quota?.isLow ?? false;
    if (isThrifty !== this.#wasThrifty) {
      const facts = { connector, remaining: quota?.remaining, limit: quota?.limit };
      if (isThrifty)
        log.warn(facts, 'Few requests are left for today: calls are written at their end, together.');
      else log.info(facts, 'Enough requests again: calls are written as they come.');
    }
    this.#wasThrifty = isThrifty;
    return isThrifty;
  }

  async #takeDue(now: Date, limit: number, overOnly: boolean): Promise<DueDelivery[]> {
    const { store, connector } = this.#options;
    const which = { exceptLanes: this.#busyLanes, overOnly };
    const isFree = ({ callRow }: DueDelivery) => !this.#busyCalls.has(callRow);
    const taken = await store.takeDue(connector, now, limit, which);
    if (taken.every(isFree)) return taken;
    // Calls that changed their lane while under way are in front: look behind them, too.
    const more = await store.takeDue(connector, now, limit + this.#busyCalls.size, which);
    return more.filter(isFree).slice(0, limit);
  }

  async #holdLease(now: Date): Promise<Lease | null> {
    const { store, connector, holder, log } = this.#options;
    const renewIn = this.#renewAt - now.getTime(); // more than `renewMs` where the clock was set back
    if (this.#lease && this.#resumed && renewIn > 0 && renewIn <= renewMs) return this.#lease;
    this.#looksAgain = true; // another process may have paused it
    const isSetBack = renewIn > renewMs;
    if (this.#lease && !(await store.renewLease(this.#lease, now, leaseMs))) this.#lease = null;
    if (!this.#lease) {
      this.#resumed = false;
      this.#lease = await store.acquireLease(connector, holder, now, leaseMs);
    }
    if (!this.#lease) log.debug({ connector }, 'Another instance runs this connector.');
    if (this.#lease && (isSetBack || !this.#resumed)) await this.#undoFuture(now);
    this.#renewAt = now.getTime() + renewMs;
    if (this.#lease && !this.#resumed) await this.#resume(now);
    return this.#lease;
  }

  /** A clock that ran ahead and was set back leaves waits until then. They are over, and nothing began later than now. */
  async #undoFuture(now: Date): Promise<void> {
    const { store, connector, log } = this.#options;
    if (this.#blocked && this.#blocked.since > now) this.#blocked.since = now;
    if (this.#blocked) this.#blocked.probeAt = now;
    const calls = await store.bringForward(connector, now);
    if (calls > 0)
      log.warn({ connector, calls }, 'The clock was set back: what waited for later is due now.');
  }

  #begin(lease: Lease, due: readonly DueDelivery[], probing: boolean): void {
    this.#begunAtMs = this.#options.clock.now().getTime();
    const lanes = new Set(due.map((delivery) => delivery.lane));
    for (const lane of lanes) this.#busyLanes.add(lane);
    for (const { callRow } of due) this.#busyCalls.add(callRow);
    const attempt = this.#attempt(lease, due, probing).finally(() => {
      for (const lane of lanes) this.#busyLanes.delete(lane);
      for (const { callRow } of due) this.#busyCalls.delete(callRow);
      this.#underWay.delete(attempt);
      this.wake();
    });
    this.#underWay.add(attempt);
  }

  async #attempt(lease: Lease, due: readonly DueDelivery[], probing: boolean): Promise<void> {
    const { clock } = this.#options;
    const started = clock.now();
    const readable: { due: DueDelivery; delivery: Delivery }[] = [];
    const outcomes = new Map<DueDelivery, Outcome>();
    for (const item of due) {
      const read = this.#read(item);
      if ('kind' in read) outcomes.set(item, read);
      else readable.push({ due: item, delivery: read });
    }
    const { result, requests } = await runBatch(urgencyOf(readable.map((one) => one.delivery)), () =>
      this.#deliver(readable.map((one) => one.delivery)),
    );
    for (const [i, one] of readable.entries()) outcomes.set(one.due, result[i] as Outcome);

    const now = clock.now();
    const at = earliest(started, now); // later: the clock was set back
    const tookMs = now.getTime() - at.getTime();
    const attempt = { at, tookMs, requests, batch: due.length };
    const settlements = due.map((item) =>
      this.#settlementOf(item, outcomes.get(item) as Outcome, attempt, now),
    );
    // What an attempt under an earlier lease learned of the CRM may be over.
    if (!(await this.#settle(lease, settlements))) return;
    if (clock.now() < now) this.#renewAt = Number.POSITIVE_INFINITY; // it waits until a time of the clock that was set back
    for (const [i, item] of due.entries()) {
      const { attempt: made, next } = settlements[i] as Settlement;
      this.#options.settled?.(item, made.outcome, next.state);
    }
    await this.#blockOrResume(result, probing, now); // what never reached the connection says nothing of it
    this.#report(due, outcomes, tookMs, requests);
  }

  /** What the connection gets, or why it gets nothing. A call that cannot be read must not stop the others. */
  #read(item: DueDelivery): Delivery | Outcome {
    try {
      const delivery = this.#options.read(item);
      if (delivery) return delivery;
      return { kind: 'rejected', reason: `The source "${item.state.source}" is configured no more.` };
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      return { kind: 'retry', reason: `The call could not be read: ${reason}` };
    }
  }

  /** The connection's outcomes; where it breaks its contract, another try is worth it. */
  async #deliver(batch: readonly Delivery[]): Promise<Outcome[]> {
    if (batch.length === 0) return [];
    try {
      const outcomes = await this.#options.connection.deliver(batch, this.#abort.signal);
      if (outcomes.length === batch.length)
        return outcomes.map((outcome) => readOutcome(outcome, this.#options.hide));
      throw new Error(`The connector answered ${outcomes.length} outcomes for ${batch.length} calls.`);
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      return batch.map(() => readOutcome({ kind: 'retry', scope: 'connector', reason }, this.#options.hide));
    }
  }

  #settlementOf(
    due: DueDelivery,
    outcome: Outcome,
    attempt: Pick<Attempt, 'at' | 'tookMs' | 'requests' | 'batch'>,
    now: Date,
  ): Settlement {
    return {
      callRow: due.callRow,
      revision: due.revision,
      records: outcome.records ?? {},
      attempt: {
        ...attempt,
        outcome: outcome.kind,
        reason: outcome.kind === 'delivered' ? null : outcome.reason,
        notes: [...(outcome.whyPerson ? [noteOfPerson(outcome.whyPerson)] : []), ...(outcome.notes ?? [])],
      },
      next: this.#nextOf(due, outcome, now),
    };
  }

  #nextOf(due: DueDelivery, outcome: Outcome, now: Date): Settlement['next'] {
    switch (outcome.kind) {
      case 'delivered':
        return { state: 'delivered' };
      case 'rejected':
        return { state: 'failed' };
      case 'blocked':
        return { state: 'due', at: now, countsAsFailure: false };
      case 'retry': {
        if (this.#abort.signal.aborted) return { state: 'due', at: now, countsAsFailure: false };
        const since = due.failingSince ?? now;
        const at = nextTry(
          this.#options.schedule,
          due.failures + 1,
          since,
          now,
          outcome.notBefore,
          (this.#options.random ?? Math.random)(),
        );
        return at ? { state: 'due', at, countsAsFailure: true } : { state: 'failed' };
      }
    }
  }

  /** False when nothing was settled, because another instance took over or the bridge stops. */
  async #settle(lease: Lease, settlements: readonly Settlement[]): Promise<boolean> {
    const { store, connector, log } = this.#options;
    const settled = await this.#insist('what came of a delivery', () => store.settle(lease, settlements));
    if (settled === false) {
      log.warn({ connector }, 'Another instance took this connector over: it will write these calls again.');
      if (this.#lease === lease) this.#lease = null; // we may have it again by now
    }
    return settled === true;
  }

  /**
   * Keeps at it while the store cannot take a write, for we alone know what it says. Undefined when the bridge stops
   * before: what was delivered is still due then, and is written again, under the same key, after the next start.
   */
  async #insist<T>(what: string, write: () => Promise<T>): Promise<T | undefined> {
    const { connector, clock, log } = this.#options;
    for (;;) {
      try {
        return await write();
      } catch (reason) {
        log.error({ connector, err: reason }, `The store could not take ${what}.`);
        if (this.#stopping) return undefined;
        await new Wakeup(clock).wait(new Date(clock.now().getTime() + storeRetryMs));
      }
    }
  }

  async #blockOrResume(outcomes: readonly Outcome[], probing: boolean, now: Date): Promise<void> {
    const { connector, log, schedule } = this.#options;
    const blocked = outcomes.find((outcome) => outcome.kind === 'blocked');
    if (blocked) {
      const probes = probing && this.#blocked ? this.#blocked.probes + 1 : 0;
      if (this.#blocked && !probing) return; // a batch that was under way when another was blocked
      const probeAt = nextProbe(schedule.probeMs, probes, now, blocked.notBefore);
      const told = this.#blocked?.reason === blocked.reason;
      this.#blocked = { since: this.#blocked?.since ?? now, reason: blocked.reason, probes, probeAt };
      const facts = { connector, reason: blocked.reason, nextTry: probeAt };
      if (told) log.debug(facts, 'Still blocked.');
      else log.error(facts, 'Blocked: calls wait until this is mended.');
      await this.#saveState(blocked.reason, this.#blocked.since);
    } else if (probing && this.#blocked && outcomes.length > 0) {
      log.info({ connector }, 'No longer blocked: what waited is being delivered.');
      this.#blocked = null;
      await this.#saveState(null, now);
    }
  }

  async #saveState(blockedReason: string | null, since: Date): Promise<void> {
    const { store, connector } = this.#options;
    await this.#insist("the connector's state", () =>
      store.setConnectorState({ connector, blockedReason, since }),
    );
  }

  #report(
    due: readonly DueDelivery[],
    outcomes: ReadonlyMap<DueDelivery, Outcome>,
    tookMs: number,
    requests: number,
  ): void {
    const { connector, log } = this.#options;
    const delivered = due.filter((item) => outcomes.get(item)?.kind === 'delivered');
    if (delivered.length === 1) {
      const call = delivered[0]!.state.callId;
      log.info({ call, connector, attempt: delivered[0]!.attempts + 1, tookMs, requests }, 'Call delivered.');
    } else if (delivered.length > 1) {
      log.info({ calls: delivered.length, connector, tookMs, requests }, 'Calls delivered.');
    }
    for (const item of due) {
      const outcome = outcomes.get(item) as Outcome;
      if (outcome.kind !== 'retry' && outcome.kind !== 'rejected') continue;
      log.warn(
        {
          call: item.state.callId,
          connector,
          attempt: item.attempts + 1, // as `explain` counts them
          outcome: outcome.kind,
          reason: outcome.reason,
        },
        outcome.kind === 'retry' ? 'Call not delivered yet.' : 'Call failed: it waits for a replay.',
      );
    }
  }
}

function earliest(a: Date | null, b: Date): Date {
  return a !== null && a < b ? a : b;
}

/** As its most urgent call is. */
function urgencyOf(batch: readonly Delivery[]): Urgency {
  const has = (wanted: Urgency) => batch.some(({ urgency }) => urgency === wanted);
  return has('live') ? 'live' : has('backlog') ? 'backlog' : 'historic';
}
