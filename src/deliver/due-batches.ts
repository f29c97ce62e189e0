import type { Deliveries, DueDelivery, DueFilter } from '../store/deliveries.ts';
import type { Circuit } from './circuit.ts';

/** Every so many batches, the oldest are taken, though later calls are live. */
const oldestEvery = 5;

/**
 * What is taken next of a connector's due deliveries.
 *
 * Live first: a batch takes the latest live calls, and the oldest of the backlog where there is room, and then historic
 * ones; every fifth the oldest of all alone, so that nothing starves.
 *
 * Lanes: while a batch is under way, no other batch holds a call of the same callers, nor one of the batch's calls: a
 * call changes its lane when a push tells of its caller.
 */
export class DueBatches {
  readonly #store: Deliveries;
  readonly #connector: string;
  readonly #circuit: Circuit;
  readonly #busyLanes = new Set<string>();
  readonly #busyCalls = new Set<number>();
  #taken = 0;

  constructor(store: Deliveries, connector: string, circuit: Circuit) {
    this.#store = store;
    this.#connector = connector;
    this.#circuit = circuit;
  }

  /** Keeps its callers and calls from other batches. @returns what lets them go, once the batch has ended */
  hold(due: readonly DueDelivery[]): () => void {
    const lanes = new Set(due.map(({ lane }) => lane));
    for (const lane of lanes) this.#busyLanes.add(lane);
    for (const { callRow } of due) this.#busyCalls.add(callRow);
    return () => {
      for (const lane of lanes) this.#busyLanes.delete(lane);
      for (const { callRow } of due) this.#busyCalls.delete(callRow);
    };
  }

  /** @param overOnly calls that are over: few requests are left for the day */
  async next(now: Date, limit: number, overOnly: boolean): Promise<DueDelivery[]> {
    const isOldest = ++this.#taken % oldestEvery === 0;
    const live = isOldest ? [] : await this.#take(now, limit, { overOnly, liveOnly: true });
    if (live.length === limit) return inOrder(live);
    const taken = new Set(live.map(({ callRow }) => callRow));
    const oldest = await this.#take(now, limit, { overOnly, oldestFirst: isOldest });
    const rest = oldest.filter(({ callRow }) => !taken.has(callRow)).slice(0, limit - live.length);
    return inOrder([...live, ...rest]);
  }

  /**
   * Live calls for which no place was free. Of more than a batch only those that became due after `sinceMs`: the others
   * had their chance, and would fill the places of those that ring now.
   */
  async latest(now: Date, limit: number, sinceMs: number): Promise<DueDelivery[]> {
    const live = await this.#take(now, limit, { liveOnly: true });
    return inOrder(live.length < limit ? live : live.filter(({ dueAt }) => dueAt.getTime() > sinceMs));
  }

  /** Calls that failed together while others did not, so many as may be tried with each other. */
  async suspects(now: Date, limit: number, overOnly: boolean): Promise<DueDelivery[]> {
    const { suspects } = this.#circuit;
    if (suspects.length === 0) return [];
    const due = await this.#take(now, limit, { overOnly, onlyCalls: suspects }, false);
    const [first] = due;
    if (!first) return [];
    const atOnce = this.#circuit.atOnce(first.callRow);
    return due
      .filter(({ callRow }) => this.#circuit.atOnce(callRow) >= atOnce)
      .slice(0, Math.min(atOnce, limit));
  }

  /** One call, with the circuit open or in doubt; none where none that may be tried is due. */
  async probe(now: Date): Promise<DueDelivery[]> {
    const circuit = this.#circuit;
    const others = { exceptCalls: circuit.failed };
    // The latest and the oldest in turn: what brings a CRM down may be one of them.
    const latest = circuit.probes % 2 === 0 ? await this.#take(now, 1, { ...others, liveOnly: true }) : [];
    const due = latest.length > 0 ? latest : await this.#take(now, 1, others);
    if (due.length > 0 || now < circuit.probeAt) return due;
    const untried = await this.#take(now, 1, { exceptCalls: circuit.probed });
    if (untried.length > 0) return untried;
    circuit.probed.clear();
    return this.#take(now, 1);
  }

  async #take(
    now: Date,
    limit: number,
    which: DueFilter = {},
    exceptSuspects = true,
  ): Promise<DueDelivery[]> {
    const exceptCalls = [
      ...this.#busyCalls,
      ...(which.exceptCalls ?? []),
      ...(exceptSuspects && this.#circuit.isClosed ? this.#circuit.suspects : []),
    ];
    return this.#store.takeDue(this.#connector, now, limit, {
      ...which,
      exceptCalls,
      exceptLanes: this.#busyLanes,
    });
  }
}

/** As they came. */
function inOrder(due: readonly DueDelivery[]): DueDelivery[] {
  return [...due].sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime() || a.callRow - b.callRow);
}
