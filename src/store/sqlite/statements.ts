import { sql } from 'kysely';
import {
  type Database,
  statements as prepare,
  type Statements as StatementsOf,
  value,
} from '../../runtime/sqlite.ts';
import { again, behind, fresh } from '../lines.ts';
import { db } from './db.ts';

/** Of a call's last pushes: a repeat follows soon, and one that is not seen as such is kept as a push of its own. */
const mostCompared = 32;

/** The highest id that any call has had. SQLite alone gives the latest anew once its call is erased. */
export const lastId = sql<number>`max(coalesce((select max(id) from calls), 0),
  coalesce((select last_call from erasures order by rowid desc limit 1), 0))`;

const atDelivery = { call: value('call'), connector: value('connector') };

/** Every query that runs while calls come in and go out. */
const queries = {
  callByKey: db
    .selectFrom('calls')
    .selectAll()
    .where('call_id', '=', value('callId'))
    .where('source', '=', value('source')),
  callById: db.selectFrom('calls').selectAll().where('id', '=', value('id')),
  addCall: db
    .insertInto('calls')
    .values({
      // Not that of a call that was erased: what was under way then is settled by it.
      id: sql<number>`${lastId} + 1`,
      source: value('source'),
      call_id: value('callId'),
      revision: value('revision'),
      lane: value('lane'),
      first_received_at: value('at'),
      last_received_at: value('at'),
      end_received_at: value('endReceivedAt'),
      lapsed: sql.lit(0),
      lapse_at: value('lapseAt'),
    })
    .onConflict((conflict) => conflict.doNothing()),
  changeCall: db
    .updateTable('calls')
    .set({
      revision: value('revision'),
      fields: value('fields'),
      lane: value('lane'),
      last_received_at: value('at'),
      end_received_at: value('endReceivedAt'),
      lapsed: value('lapsed'),
      lapse_at: value('lapseAt'),
    })
    .where('id', '=', value('id')),
  lapsing: db
    .selectFrom('calls')
    .selectAll()
    .where('lapse_at', '<=', value('now'))
    .orderBy('lapse_at')
    .limit(sql<number>`${value('limit')}`),
  /** Of those that lapse last, those that were received by a clock that was ahead by more than they may ring. */
  lapsingByWrongClock: db
    .selectFrom(
      db
        .selectFrom('calls')
        .selectAll()
        .where('lapse_at', 'is not', null)
        .orderBy('lapse_at', 'desc')
        .limit(sql<number>`${value('limit')}`)
        .as('last'),
    )
    .selectAll()
    .where(sql<boolean>`first_received_at - ${value('now')} > lapse_at - first_received_at`),
  nextLapse: db
    .selectFrom('calls')
    .select(({ fn }) => fn.min<number | null>('lapse_at').as('at'))
    .where('lapse_at', 'is not', null),

  addPush: db.insertInto('pushes').values({
    call: value('call'),
    received_at: value('at'),
    body: value('body'),
    repeats: sql.lit(0),
    last_repeat_at: sql.lit(null),
  }),
  toIndex: db.insertInto('calls_to_index').values({ call: value('call'), push: value('push') }),
  bodiesOf: db.selectFrom('pushes').select(['id', 'body']).where('call', '=', value('call')).orderBy('id'),
  /** The latest among the last pushes of a call: it may have thousands, and each of them a quarter of a megabyte. */
  pushWithBody: db
    .selectFrom('pushes')
    .select('id')
    .where(({ eb, selectFrom }) =>
      eb(
        'id',
        'in',
        selectFrom('pushes')
          .select('id')
          .where('call', '=', value('call'))
          .orderBy('id', 'desc')
          .limit(sql.lit(mostCompared)),
      ),
    )
    // Read off the row's head: what is of another length is not fetched.
    .where(sql<boolean>`octet_length(body) = octet_length(${value('body')})`)
    .where('body', '=', value('body'))
    .orderBy('id', 'desc')
    .limit(sql.lit(1)),
  notFolded: db
    .updateTable('calls')
    .set({ not_folded: sql`not_folded + 1`, fields: value('fields') })
    .where('id', '=', value('id')),
  repeatPush: db
    .updateTable('pushes')
    .set({ repeats: sql`repeats + 1`, last_repeat_at: value('at') })
    .where('id', '=', value('id')),
  addRepeats: db
    .updateTable('pushes')
    .set({ repeats: sql`repeats + ${value('repeats')}`, last_repeat_at: value('at') })
    .where(
      'call',
      '=',
      sql<number>`(select id from calls where call_id = ${value('callId')} and source = ${value('source')})`,
    )
    .where('body', '=', value('body')),

  addDelivery: db.insertInto('deliveries').values({
    ...atDelivery,
    state: sql.lit('due'),
    wanted_revision: value('revision'),
    delivered_revision: sql.lit(0),
    due_at: value('at'),
    line: value('line'),
    attempts: sql.lit(0),
    failures: sql.lit(0),
    failing_since: sql.lit(null),
    last_reason: sql.lit(null),
    records: sql.lit('{}'),
  }),
  /**
   * One that waits for its next try is due at once and a failed one gets a new chance, for the call is another now; what
   * somebody skipped stays so. What waits for its lane goes on waiting. After a push in time it is live, and so the latest;
   * else it keeps its place.
   */
  wantRevision: db
    .updateTable('deliveries')
    .set({
      wanted_revision: value('revision'),
      state: sql`case state when 'skipped' then state else 'due' end`,
      due_at: sql`case state when 'skipped' then null
            when 'due' then iif(${value('line')} = ${fresh}, ${value('at')}, min(due_at, ${value('at')}))
            else ${value('at')} end`,
      line: sql`iif(state = 'due', line & ${behind}, 0) | ${value('line')}`,
      tried_ms: sql`case state when 'due' then max(0, tried_ms - max(0, due_at - ${value('at')})) else 0 end`,
    })
    .where('call', '=', value('call'))
    .returning(['connector', 'state']),
  dueAgain: db
    .updateTable('deliveries')
    .set({
      state: 'due',
      due_at: value('at'),
      delivered_revision: 0,
      failures: 0,
      failing_since: null,
      tried_ms: 0,
      line: again,
      lane: null,
      last_reason: sql`case state when 'skipped' then null else last_reason end`,
      skipped_revision: null,
    })
    .where('call', '=', value('call'))
    .where(sql<boolean>`(${value('connector')} is null or connector = ${value('connector')})`)
    .where(sql<boolean>`(${value('exceptSkipped')} = 0 or state != 'skipped')`)
    .returning('connector'),
  skip: db
    .updateTable('deliveries')
    .set({
      state: 'skipped',
      due_at: null,
      last_reason: value('reason'),
      skipped_revision: sql`wanted_revision`,
      failures: 0,
      failing_since: null,
      lane: null,
    })
    .where('call', '=', value('call'))
    .where('connector', '=', value('connector')),
  addDecision: db.insertInto('decisions').values({
    call: value('call'),
    at: value('at'),
    connector: value('connector'),
    decision: value('decision'),
    reason: value('reason'),
    revision: value('revision'),
  }),
  delivery: db
    .selectFrom('deliveries')
    .selectAll()
    .where('call', '=', value('call'))
    .where('connector', '=', value('connector')),
  deliveriesOf: db
    .selectFrom('deliveries')
    .selectAll()
    .where('call', '=', value('call'))
    .orderBy('connector'),
  settleDelivery: db
    .updateTable('deliveries')
    .set({
      state: value('state'),
      delivered_revision: value('deliveredRevision'),
      due_at: value('dueAt'),
      attempts: value('attempts'),
      failures: value('failures'),
      failing_since: value('failingSince'),
      tried_ms: value('triedMs'),
      line: value('line'),
      lane: null,
      last_reason: value('reason'),
      records: value('records'),
      skipped_revision: value('skippedRevision'),
      unanswered_at: value('unansweredAt'),
    })
    .where('call', '=', value('call'))
    .where('connector', '=', value('connector')),
  deliveredBefore: db
    .selectFrom('attempts')
    .select('n')
    .where('call', '=', value('call'))
    .where('connector', '=', value('connector'))
    .where('outcome', '=', 'delivered')
    .where('revision', '>=', value('revision'))
    .limit(1),
  noteError: db
    .insertInto('connector_errors')
    .values({
      connector: value('connector'),
      call: value('call'),
      at: value('at'),
      outcome: value('outcome'),
      reason: value('reason'),
    })
    .onConflict((conflict) =>
      conflict.column('connector').doUpdateSet({
        call: value('call'),
        at: value('at'),
        outcome: value('outcome'),
        reason: value('reason'),
      }),
    ),
  addAttempt: db.insertInto('attempts').values({
    ...atDelivery,
    n: value('n'),
    at: value('at'),
    took_ms: value('tookMs'),
    revision: value('revision'),
    outcome: value('outcome'),
    reason: value('reason'),
    notes: value('notes'),
    requests: value('requests'),
    batch: value('batch'),
  }),

  person: db
    .selectFrom('people')
    .select(['type', 'id'])
    .where('connector', '=', value('connector'))
    .where('number', '=', value('number')),
  rememberPerson: db
    .insertInto('people')
    .values({
      connector: value('connector'),
      number: value('number'),
      type: value('type'),
      id: value('id'),
    })
    .onConflict((conflict) =>
      conflict.columns(['connector', 'number']).doUpdateSet({ type: value('type'), id: value('id') }),
    ),
  forgetPerson: db
    .deleteFrom('people')
    .where('connector', '=', value('connector'))
    .where('number', '=', value('number')),

  memory: db
    .selectFrom('memories')
    .select('text')
    .where('connector', '=', value('connector'))
    .where('name', '=', value('name')),
  remember: db
    .insertInto('memories')
    .values({ connector: value('connector'), name: value('name'), text: value('text') })
    .onConflict((conflict) => conflict.columns(['connector', 'name']).doUpdateSet({ text: value('text') })),
  forget: db
    .deleteFrom('memories')
    .where('connector', '=', value('connector'))
    .where('name', '=', value('name')),

  takeLease: db
    .insertInto('leases')
    .values({ name: value('name'), holder: value('holder'), fence: 1, expires_at: value('expiresAt') })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({
          holder: value('holder'),
          fence: sql`leases.fence + 1`,
          expires_at: value('expiresAt'),
          left_at: sql`case leases.expires_at when 0 then leases.left_at else ${value('now')} end`,
          left_call: sql`case leases.expires_at when 0 then leases.left_call else (select max(id) from calls) end`,
        })
        .where(
          sql<boolean>`(leases.expires_at <= ${value('now')} or leases.expires_at > ${value('tooLate')})`,
        ),
    ),
  fenceOf: db.selectFrom('leases').select('fence').where('name', '=', value('name')),
  leaseHeld: db
    .selectFrom('leases')
    .select(['left_at', 'left_call'])
    .where('name', '=', value('name'))
    .where('fence', '=', value('fence')),
  extendLease: db
    .updateTable('leases')
    .set({ expires_at: value('expiresAt') })
    .where('name', '=', value('name'))
    .where('fence', '=', value('fence')),

  setConnector: db
    .insertInto('connectors')
    .values({
      connector: value('connector'),
      blocked_reason: value('reason'),
      open_reason: value('openReason'),
      since: value('since'),
      probe_at: value('probeAt'),
    })
    .onConflict((conflict) =>
      conflict.column('connector').doUpdateSet({
        blocked_reason: value('reason'),
        open_reason: value('openReason'),
        since: value('since'),
        probe_at: value('probeAt'),
      }),
    ),
  /** An open circuit is tried at once. */
  probeNow: db
    .updateTable('connectors')
    .set({ probe_at: 0 })
    .where('connector', '=', value('connector'))
    .where('probe_at', '>', 0),

  pauseConnector: db
    .insertInto('connectors')
    .values({
      connector: value('connector'),
      blocked_reason: sql.lit(null),
      since: value('now'),
      paused_at: value('at'),
      paused_reason: value('reason'),
    })
    .onConflict((conflict) =>
      conflict.column('connector').doUpdateSet({ paused_at: value('at'), paused_reason: value('reason') }),
    ),
};

export type Statements = StatementsOf<typeof queries>;

export const statements = (database: Database): Statements => prepare(database, queries);
