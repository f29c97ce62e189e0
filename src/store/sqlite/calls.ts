import type { Kysely } from 'kysely';
import type { CallState } from '../../call/call.ts';
import type { Records } from '../../call/records.ts';
import { asDate, fieldsOf, stateOf } from '../call-state.ts';
import type { CallFilter, CallStory, CallView, DeliveryView } from '../calls.ts';
import type { CallRow, Tables } from '../schema.ts';
import type { Statements } from './statements.ts';

/** Calls as they stand, and how they came to. */
export class SqliteCalls {
  readonly #kysely: Kysely<Tables>;
  readonly #do: Statements;

  constructor(kysely: Kysely<Tables>, statements: Statements) {
    this.#kysely = kysely;
    this.#do = statements;
  }

  /** What is known of a call. Reads its pushes when they are all that says it. */
  stateOf(row: CallRow): CallState {
    return stateOf(row, row.fields === null ? this.#do.bodiesOf.all({ call: row.id }) : []);
  }

  /** As `stateOf` has them, in JSON. */
  fieldsOf(call: number): string {
    const row = this.#do.callById.get({ id: call });
    return JSON.stringify(row ? this.stateOf(row).fields : {});
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
      state: this.stateOf(row),
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
}
