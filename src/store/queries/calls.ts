import type { Compilable } from 'kysely';
import type { Records } from '../../call/records.ts';
import { asDate, fieldsOf, stateOf } from '../call-state.ts';
import type { CallFilter, CallStory, CallView, DeliveryView } from '../calls.ts';
import type { CallRow, DeliveryRow } from '../schema.ts';
import { type Db, type Question, rows } from './question.ts';

/** A query names no more calls: databases bound how many values one takes. */
const mostNamed = 500;

export function* calls(db: Db, filter: CallFilter): Question<CallView[]> {
  let query = db.selectFrom('calls').selectAll().orderBy('id', 'desc').limit(filter.limit);
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
  return yield* viewsOf(db, yield* rows(query));
}

/** In the order of the ids; those that are gone are left out. */
export function* views(db: Db, ids: readonly number[]): Question<CallView[]> {
  const found = yield* ofCalls(ids, (some) =>
    db.selectFrom('calls').selectAll().select('id as call').where('id', 'in', some),
  );
  return yield* viewsOf(
    db,
    ids.flatMap((id) => found.get(id) ?? []),
  );
}

export function* stories(db: Db, callId: string, source?: string): Question<CallStory[]> {
  let query = db.selectFrom('calls').selectAll().where('call_id', '=', callId).orderBy('id');
  if (source !== undefined) query = query.where('source', '=', source);
  const found = yield* rows(query);
  const told: CallStory[] = [];
  for (const [i, view] of (yield* viewsOf(db, found)).entries()) {
    const { id } = found[i]!;
    const pushes = yield* rows(db.selectFrom('pushes').selectAll().where('call', '=', id).orderBy('id'));
    const attempts = yield* rows(
      db.selectFrom('attempts').selectAll().where('call', '=', id).orderBy('at').orderBy('n'),
    );
    const decisions = yield* rows(
      db.selectFrom('decisions').selectAll().where('call', '=', id).orderBy('id'),
    );
    told.push({
      ...view,
      pushes: pushes.map((push) => ({
        receivedAt: new Date(push.received_at),
        body: push.body,
        fields: fieldsOf(push.body),
        repeats: push.repeats,
        lastRepeatAt: asDate(push.last_repeat_at),
      })),
      attempts: attempts.map((attempt) => ({
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
      decisions: decisions.map((made) => ({
        at: new Date(made.at),
        connector: made.connector,
        decision: made.decision,
        reason: made.reason,
        revision: made.revision,
      })),
    });
  }
  return told;
}

function* viewsOf(db: Db, calls: readonly CallRow[]): Question<CallView[]> {
  const folded = calls.filter(({ fields }) => fields === null).map(({ id }) => id);
  const pushes = yield* ofCalls(folded, (some) =>
    db.selectFrom('pushes').select(['call', 'body']).where('call', 'in', some).orderBy('call').orderBy('id'),
  );
  const deliveries = yield* ofCalls(
    calls.map(({ id }) => id),
    (some) =>
      db.selectFrom('deliveries').selectAll().where('call', 'in', some).orderBy('call').orderBy('connector'),
  );
  return calls.map((row) => ({
    row: row.id,
    state: stateOf(row, pushes.get(row.id) ?? []),
    revision: row.revision,
    lastReceivedAt: new Date(row.last_received_at),
    deliveries: (deliveries.get(row.id) ?? []).map(deliveryView),
  }));
}

/** What there is of some calls, by the call. */
function* ofCalls<Row extends { call: number }>(
  ids: readonly number[],
  query: (some: number[]) => Compilable<Row>,
): Question<Map<number, Row[]>> {
  const found = new Map<number, Row[]>();
  for (let i = 0; i < ids.length; i += mostNamed)
    for (const row of yield* rows(query(ids.slice(i, i + mostNamed)))) {
      const others = found.get(row.call);
      if (others) others.push(row);
      else found.set(row.call, [row]);
    }
  return found;
}

function deliveryView(row: DeliveryRow): DeliveryView {
  return {
    connector: row.connector,
    state: row.state,
    wantedRevision: row.wanted_revision,
    deliveredRevision: row.delivered_revision,
    dueAt: row.state === 'delivered' ? null : asDate(row.due_at),
    rewriteAt: row.state === 'delivered' ? asDate(row.due_at) : null,
    failures: row.failures,
    lastReason: row.last_reason,
    skippedRevision: row.skipped_revision,
    records: JSON.parse(row.records) as Records,
  };
}
