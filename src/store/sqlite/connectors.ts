import type { RecordRef } from '../../call/records.ts';
import type { CircuitState, ConnectorState } from '../connector-state.ts';
import type { Lease } from '../leases.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { SqliteRemoval } from './removal.ts';
import type { Statements } from './statements.ts';

/** When a lease ends that was released in order. */
export const released = 0;
/** When one ends whose holder is gone, or may have left something under way. */
export const lapsed = 1;

/** What connectors know, how they are doing, and who runs them. */
export class SqliteConnectors {
  readonly #queue: CommitQueue;
  readonly #do: Statements;
  readonly #removal: SqliteRemoval;

  constructor(queue: CommitQueue, statements: Statements, removal: SqliteRemoval) {
    this.#queue = queue;
    this.#do = statements;
    this.#removal = removal;
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
}
