import { hasEnd } from '../../call/call.ts';
import { asDate } from '../call-state.ts';
import { firstPushChanges, lapseChanges, newConnectors, pushChanges } from '../changes.ts';
import type { NewPush, Recorded } from '../intake.ts';
import { again } from '../lines.ts';
import type { SqliteCalls } from './calls.ts';
import type { Statements } from './statements.ts';

/** What happens to calls. Runs within the store's commits. */
export class SqliteIntake {
  readonly #do: Statements;
  readonly #calls: SqliteCalls;
  readonly #taken: number;

  /** @param taken revisions up to here may have been given already */
  constructor(statements: Statements, calls: SqliteCalls, taken: number) {
    this.#do = statements;
    this.#calls = calls;
    this.#taken = taken;
  }

  /** @param when late: it came before pushes that are stored, and is stored after them */
  record(push: NewPush, when: 'now' | 'late' = 'now'): Recorded {
    // A start nearly always begins its call: adding it tells so without a look before.
    const begins = hasEnd(push.fields) ? null : this.#recordFirst(push);
    if (begins) return begins;
    const found = this.#do.callByKey.get({ source: push.source, callId: push.callId });
    if (!found) return this.#recordFirst(push)!;

    const call = found.id;
    const at = push.receivedAt.getTime();
    const pushes = found.fields === null ? this.#do.bodiesOf.all({ call }) : null;
    const sameBody = (body: string) => this.#do.pushWithBody.get({ call, body });
    const made = pushChanges(found, pushes, push, when, sameBody, this.#taken);
    const { state } = made;
    if (made.repeatOf !== null) {
      this.#do.repeatPush.run({ id: made.repeatOf, at });
      return { repeat: true, begins: false, revision: found.revision, state, due: [] };
    }
    this.#addPush(call, at, push.body);
    this.#do.changeCall.run(made.call);
    if (made.heldFields !== null) this.#do.notFolded.run({ id: call, fields: made.heldFields });
    const { revision } = made.call;
    const due = made.isChanged ? this.#want(call, revision, push.route(state), at, made.line) : [];
    return { repeat: false, begins: false, revision, state, due };
  }

  /** Null if the call is known. */
  #recordFirst(push: NewPush): Recorded | null {
    const made = firstPushChanges(push);
    const revision = this.#taken + 1;
    const call = this.#do.addCall.insert({ ...made.call, revision });
    if (call === 0) return null;
    const { at } = made.call;
    this.#addPush(call, at, push.body);
    if (made.heldFields !== null) this.#do.notFolded.run({ id: call, fields: made.heldFields });
    const due = [...push.route(made.state)];
    for (const connector of due) this.#do.addDelivery.run({ call, connector, revision, at, line: made.line });
    return { repeat: false, begins: true, revision, state: made.state, due };
  }

  #addPush(call: number, at: number, body: string): void {
    const push = this.#do.addPush.insert({ call, at, body });
    this.#do.toIndex.run({ call, push });
  }

  /** Every delivery of the call wants its new revision, and connectors that newly match get one. Returns what is due. */
  #want(call: number, revision: number, matching: Iterable<string>, at: number, line: number): string[] {
    const had = this.#do.wantRevision.all({ call, revision, at, line });
    const due = had.filter(({ state }) => state === 'due').map(({ connector }) => connector);
    const added = newConnectors(
      matching,
      had.map(({ connector }) => connector),
    );
    for (const connector of added) this.#do.addDelivery.run({ call, connector, revision, at, line });
    return [...due, ...added];
  }

  /** A body came several times, and was kept once. */
  addRepeats({ source, callId, body }: NewPush, repeats: number, lastAt: Date): void {
    this.#do.addRepeats.run({ source, callId, body, repeats, at: lastAt.getTime() });
  }

  lapse(now: Date, route: NewPush['route'], limit: number): { lapsed: number; due: string[] } {
    const at = now.getTime();
    const calls = [
      ...this.#do.lapsing.all({ now: at, limit }),
      ...this.#do.lapsingByWrongClock.all({ now: at, limit }),
    ].slice(0, limit);
    const due = new Set<string>();
    for (const row of calls) {
      const { call, state } = lapseChanges(row, this.#calls.stateOf(row), this.#taken);
      this.#do.changeCall.run(call);
      this.#do.toIndex.run({ call: call.id, push: null });
      for (const connector of this.#want(call.id, call.revision, route(state), at, again)) due.add(connector);
    }
    return { lapsed: calls.length, due: [...due] };
  }

  nextLapseAt(): Date | null {
    return asDate(this.#do.nextLapse.get({})?.at ?? null);
  }
}
