import type { Urgency } from '../call/call.ts';
import type { Clock } from '../clock.ts';
import { runBatch } from '../connector/batch-context.ts';
import type { Connection, Delivery, Outcome } from '../connector/contract.ts';
import type { Log } from '../log.ts';
import type { ConnectorState, ConnectorStates } from '../store/connector-state.ts';
import type { Deliveries, DeliveryState, DueDelivery, Settlement } from '../store/deliveries.ts';
import type { Lease, Leases } from '../store/leases.ts';
import { logAttempt } from './attempt-log.ts';
import { Circuit, type Failure } from './circuit.ts';
import { DueBatches } from './due-batches.ts';
import { readOutcome } from './read-outcome.ts';
import type { Schedule } from './retry-schedule.ts';
import { failureOf, isConnectors, settlementOf } from './settlement.ts';
import { Wakeup } from './wakeup.ts';

/** How long after `stop` an attempt may take to end by itself. */
const graceMs = 10_000;
/** How long calls may wait for others to share their requests, when those of the day run low. */
const gatherMs = 60_000;
/** How long to wait before the store is asked again after it failed. */
const storeRetryMs = 1_000;
/** Batches of live calls beside all others: with one, a call would wait for the one that rang a moment before it. */
const mostBeside = 3;

export interface WorkerOptions {
  connector: string;
  connection: Connection;
  store: Deliveries & Leases & ConnectorStates;
  /** Names this process in leases. */
  holder: string;
  schedule: Schedule & { probeMs: readonly number[] };
  clock: Clock;
  log: Log;
  /** Removes secrets from what the connector says: a CRM may quote one, of another connector even, and it is stored. */
  hide?(text: string): string;
  /** For how long a lease is taken, and how often it is renewed. */
  leaseMs?: number;
  renewMs?: number;
  /** When the worker before it in this process, if there was one, would have renewed its lease. */
  lookedUntilMs?: number | undefined;
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
  /** Nothing is written until somebody acts. */
  blockedSince: Date | null;
  /** Nothing is written, and nobody has to act: the CRM does not answer, or asks to wait. */
  openSince: Date | null;
  /** One call is tried, or some that may bring others down, and those like them wait for what comes of it. */
  isProbing: boolean;
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
 *    │  ├─ the connector's retry, blocked ▶ as due as before, not counted: the circuit opens (circuit.ts)
 *    │  └─ rejected, given up ──▶ failed  until replayed, or until the call changes
 *    └────────── a newer revision ◀── any state but skipped, which a person decides and a replay undoes
 *
 * A write that was left unanswered may be carried out late, and take back what was delivered after it. Then the same
 * state is written once more, minutes later (store/late-writes.ts): taken with the backlog, and due like any other where
 * that comes to nothing.
 *
 * Live first (due-batches.ts): while every place is taken by batches of many, a few batches of calls that came since may
 * run beside them; but not where the connection takes one at a time.
 *
 * While a person pauses the connector, nothing is taken, and no probe is made; what is under way ends.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #wakeup: Wakeup;
  readonly #underWay = new Set<Promise<void>>();
  readonly #batches: Record<Kind, number> = { usual: 0, live: 0, suspects: 0, probe: 0 };
  readonly #circuit: Circuit;
  readonly #due: DueBatches;
  readonly #leaseMs: number;
  readonly #renewMs: number;
  readonly #abort = new AbortController();
  #lease: Lease | null = null;
  #renewAt = 0;
  /** Whether the circuit is as the holder of the lease before us left it. */
  #resumed = false;
  /** When the store was last told to try again, for us to try next. */
  #probeAtSaved: number | null = null;
  #isPaused = false;
  /** The store is asked whether the connector is paused, before anything more is taken. */
  #looksAgain = false;
  #wasThrifty = false;
  /** When the last batch began. */
  #begunAtMs = 0;
  #stopping = false;
  /** What came of an attempt could not be stored before the stop. */
  #isUnsettled = false;
  #running: Promise<void> | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
    this.#circuit = new Circuit(options.schedule.probeMs);
    this.#due = new DueBatches(options.store, options.connector, this.#circuit);
    this.#leaseMs = options.leaseMs ?? 30_000;
    this.#renewMs = options.renewMs ?? 10_000;
    this.#renewAt = options.lookedUntilMs ?? 0;
  }

  /** For the one that comes after it. */
  get lookedUntilMs(): number {
    return this.#renewAt;
  }

  start(): void {
    this.#running = this.#run();
  }

  get condition(): WorkerCondition {
    const { told } = this.#circuit;
    return {
      holdsLease: this.#lease !== null,
      isPaused: this.#isPaused,
      blockedSince: told?.isBlocked ? told.since : null,
      openSince: told && !told.isBlocked ? told.since : null,
      isProbing: this.#batches.probe + this.#batches.suspects > 0,
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
    if (this.#lease)
      await this.#options.store
        .releaseLease(this.#lease, this.#isUnsettled ? 'something' : 'nothing')
        .catch(() => {});
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

  /** Who takes a connector over whose circuit was open begins with a probe. */
  async #resume(now: Date): Promise<void> {
    const state = await this.#state(now);
    const reason = state?.blockedReason ?? state?.openReason ?? null;
    if (reason !== null)
      this.#circuit.resume(reason, state?.blockedReason !== null, earliest(state!.since, now), now);
    this.#probeAtSaved = state?.probeAt?.getTime() ?? null;
    this.#resumed = true;
  }

  /** What the store has of the connector; takes over whether it is paused, and is to be tried at once. */
  async #state(now: Date): Promise<ConnectorState | undefined> {
    const { store, connector, log } = this.#options;
    this.#looksAgain = false; // before asking: what changes meanwhile is asked for once more
    const states = await store.connectorStates();
    const state = states.find((known) => known.connector === connector);
    const isPaused = (state?.paused ?? null) !== null;
    if (isPaused !== this.#isPaused)
      log.info({ connector }, isPaused ? 'Paused: calls wait.' : 'No longer paused.');
    this.#isPaused = isPaused;
    const probeAt = state?.probeAt?.getTime() ?? null;
    if (probeAt !== null && this.#probeAtSaved !== null && probeAt < this.#probeAtSaved) {
      this.#probeAtSaved = probeAt;
      this.#circuit.probeNow(now);
    }
    return state;
  }

  /** Starts every batch that can start now. Returns when to look again, if nothing wakes us before. */
  async #step(): Promise<Date | null> {
    const { connection, store, clock } = this.#options;
    const now = clock.now();
    const lease = await this.#holdLease(now);
    if (!lease) return new Date(now.getTime() + this.#renewMs);
    const renewAt = new Date(this.#renewAt);
    if (this.#looksAgain) await this.#state(now);
    if (this.#isPaused) return renewAt;
    if (!this.#circuit.isClosed) return this.#probe(lease, now, renewAt);
    const restsUntil = this.#restsUntil();
    if (restsUntil && (now < restsUntil || this.#underWay.size > 0)) return earliest(restsUntil, renewAt);
    const { batch, parallel } = connection.limits;
    const places = restsUntil ? 1 : parallel;
    const thrifty = this.#isThrifty();
    while (this.#underWay.size < places && !this.#stopping) {
      const suspects = this.#batches.suspects > 0 ? [] : await this.#due.suspects(now, batch, thrifty);
      if (suspects.length > 0) {
        this.#begin(lease, suspects, 'suspects');
        continue;
      }
      const due = await this.#due.next(now, batch, thrifty);
      if (due.length === 0) break;
      const gatheredAt = new Date((due[0] as DueDelivery).dueAt.getTime() + gatherMs);
      if (thrifty && due.length < batch && now < gatheredAt) return earliest(gatheredAt, renewAt);
      this.#begin(lease, due, 'usual');
    }
    if (this.#underWay.size < places)
      return earliest(await store.nextDueAt(this.#options.connector, now), renewAt);
    const mayExceed = batch > 1 && parallel > 1 && !restsUntil && !thrifty;
    if (mayExceed && this.#batches.live < mostBeside && !this.#stopping) {
      const live = await this.#due.latest(now, batch, this.#begunAtMs);
      if (live.length > 0) this.#begin(lease, live, 'live');
    }
    // With every place taken, the end of what is under way wakes us.
    return renewAt;
  }

  /** With the circuit open or in doubt: one call, when it is time. */
  async #probe(lease: Lease, now: Date, renewAt: Date): Promise<Date> {
    const circuit = this.#circuit;
    if (this.#batches.probe > 0 || this.#stopping) return renewAt;
    if (!circuit.mayProbe(now)) return earliest(circuit.probeAt, renewAt);
    const due = await this.#due.probe(now);
    if (due.length === 0) {
      const next = await this.#options.store.nextDueAt(this.#options.connector, now);
      if (next === null && this.#underWay.size === 0) await this.#rest(lease, now);
      const again = earliest(next, renewAt);
      return now < circuit.probeAt ? earliest(circuit.probeAt, again) : again;
    }
    this.#begin(lease, due, 'probe');
    return renewAt;
  }

  /**
   * Somebody skipped or erased all that waited, or the store is as a backup had it: there is nothing to find out by whether
   * it gets through, so nothing is said of it. Whether somebody has acted on what blocked it, the next call tells.
   */
  async #rest(lease: Lease, now: Date): Promise<void> {
    if (this.#circuit.told?.isBlocked) return;
    const wasTold = this.#circuit.told !== null;
    this.#circuit.rest();
    if (!wasTold) return;
    this.#options.log.info({ connector: this.#options.connector }, 'Nothing waits for it any more.');
    await this.#saveCircuit(lease, now);
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

  async #holdLease(now: Date): Promise<Lease | null> {
    const { store, connector, holder, log } = this.#options;
    const renewIn = this.#renewAt - now.getTime(); // more than the usual where the clock was set back
    if (this.#lease && this.#resumed && renewIn > 0 && renewIn <= this.#renewMs) return this.#lease;
    this.#looksAgain = true; // another process may have paused it
    const isSetBack = renewIn > this.#renewMs;
    if (this.#lease && !(await store.renewLease(this.#lease, now, this.#leaseMs))) this.#lease = null;
    if (!this.#lease) {
      this.#resumed = false;
      this.#lease = await store.acquireLease(connector, holder, now, this.#leaseMs);
    }
    if (!this.#lease) log.debug({ connector }, 'Another instance runs this connector.');
    if (this.#lease) await this.#discountGap(now);
    if (this.#lease && (isSetBack || !this.#resumed)) await this.#undoFuture(now);
    this.#renewAt = now.getTime() + this.#renewMs;
    if (this.#lease && !this.#resumed) await this.#resume(now);
    return this.#lease;
  }

  /**
   * Much later than the lease was to be renewed, the clock was set ahead, or the process stood still: nobody knows how much of
   * that time writes had that are under way.
   */
  async #discountGap(now: Date): Promise<void> {
    if (this.#renewAt === 0) return;
    const gapMs = now.getTime() - this.#renewAt;
    if (gapMs > this.#leaseMs) await this.#options.store.discountTime(this.#options.connector, now, gapMs);
  }

  /** A clock that ran ahead and was set back leaves waits until then. They are over, and nothing began later than now. */
  async #undoFuture(now: Date): Promise<void> {
    const { store, connector, log } = this.#options;
    this.#circuit.probeNow(now);
    const calls = await store.bringForward(connector, now);
    if (calls > 0)
      log.warn({ connector, calls }, 'The clock was set back: what waited for later is due now.');
  }

  #begin(lease: Lease, due: readonly DueDelivery[], kind: Kind): void {
    this.#begunAtMs = this.#options.clock.now().getTime();
    const release = this.#due.hold(due);
    this.#batches[kind]++;
    const attempt = this.#attempt(lease, due, kind === 'probe').finally(() => {
      this.#batches[kind]--;
      release();
      this.#underWay.delete(attempt);
      this.wake();
    });
    this.#underWay.add(attempt);
  }

  async #attempt(lease: Lease, due: readonly DueDelivery[], isProbe: boolean): Promise<void> {
    const { clock, connector, log, schedule, random = Math.random } = this.#options;
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
    const tried = { at, tookMs, requests, batch: due.length };
    const failure = failureOf(readable, result);
    const isOwn = failure === null || this.#circuit.isOwn(failure);
    const settlements = due.map((item) => {
      const outcome = outcomes.get(item) as Outcome;
      const counts = !this.#abort.signal.aborted && (isOwn || !isConnectors(outcome));
      return settlementOf(item, outcome, tried, { schedule, now, random, counts });
    });
    // What an attempt under an earlier lease learned of the CRM may be over.
    if (!(await this.#settle(lease, settlements))) return;
    if (clock.now() < now) this.#renewAt = Number.POSITIVE_INFINITY; // it waits until a time of the clock that was set back
    for (const [i, item] of due.entries()) {
      const { attempt: made, next } = settlements[i] as Settlement;
      this.#options.settled?.(item, made.outcome, next.state);
    }
    await this.#openOrClose(lease, readable, result, failure, isProbe, now); // what never reached the connection says nothing of it
    logAttempt(log, connector, due, outcomes, { tookMs, requests });
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
      const failed = { kind: 'retry', scope: 'connector', reason, unanswered: true };
      return batch.map(() => readOutcome(failed, this.#options.hide));
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
    if (settled === undefined) this.#isUnsettled = true;
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

  async #openOrClose(
    lease: Lease,
    tried: readonly { due: DueDelivery }[],
    outcomes: readonly Outcome[],
    failure: Failure | null,
    isProbe: boolean,
    now: Date,
  ): Promise<void> {
    const { connector, log, store } = this.#options;
    const circuit = this.#circuit;
    const answered = tried.flatMap(({ due }, i) =>
      isConnectors(outcomes[i] as Outcome) ? [] : [due.callRow],
    );
    for (const call of answered) circuit.clear(call);
    if (this.#abort.signal.aborted) return; // what the stop cut off
    const before = circuit.told;
    if (failure && circuit.fail(failure, isProbe, now)) {
      const { reason, isBlocked, probeAt } = circuit.told!;
      const facts = { connector, reason, nextTry: probeAt };
      if (before?.reason === reason && before.isBlocked === isBlocked) log.debug(facts, 'Still so.');
      else if (isBlocked) log.error(facts, 'Blocked: calls wait until this is mended.');
      else log.warn(facts, 'The connector does not get through: calls wait, and one is tried now and then.');
      await this.#saveCircuit(lease, now);
    }
    if (answered.length === 0 || !circuit.answer(isProbe, answered)) return;
    log.info({ connector }, 'It gets through again: what waited is being delivered.');
    await this.#saveCircuit(lease, now);
    await this.#insist('what is due', () => store.makeAllDue(connector, now));
  }

  async #saveCircuit(lease: Lease, now: Date): Promise<void> {
    const { store, connector } = this.#options;
    const { told } = this.#circuit;
    await this.#insist("the connector's state", () =>
      store.setConnectorState(
        {
          connector,
          blockedReason: told?.isBlocked ? told.reason : null,
          openReason: told && !told.isBlocked ? told.reason : null,
          since: told?.since ?? now,
          probeAt: told?.probeAt ?? null,
        },
        lease,
      ),
    );
    this.#probeAtSaved = told?.probeAt.getTime() ?? null;
  }
}

/** How a batch was taken. */
type Kind = 'usual' | 'live' | 'suspects' | 'probe';

function earliest(a: Date | null, b: Date): Date {
  return a !== null && a < b ? a : b;
}

/** As its most urgent call is. */
function urgencyOf(batch: readonly Delivery[]): Urgency {
  const has = (wanted: Urgency) => batch.some(({ urgency }) => urgency === wanted);
  return has('live') ? 'live' : has('backlog') ? 'backlog' : 'historic';
}
