import { createHash, randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { laneOf } from '../../call/call.ts';
import { isRecent } from '../../clock.ts';
import { type Database, type Statements, statements, value } from '../../runtime/sqlite.ts';
import { lastBefore } from '../queries/call-counts.ts';
import type { Erased, Erasure, Holding, Purged } from '../upkeep.ts';
import type { SqliteCallCounts } from './call-counts.ts';
import type { SqliteCallIndex } from './call-index.ts';
import { db } from './db.ts';
import type { SqliteLedger } from './ledger.ts';
import type { Prepared } from './prepared.ts';
import { lastId } from './statements.ts';

/** Longer than any attempt takes: what was under way when a number was erased has ended by then. */
const underWayMs = 3_600_000;

/** Removes what is too old to be kept, and what somebody asked to be erased. Runs within the store's commits. */
export class SqliteRemoval {
  readonly #database: Database;
  readonly #do: Statements<typeof queries>;
  readonly #fieldsOf: (call: number) => string;
  readonly #sql: Prepared;
  readonly #index: SqliteCallIndex;
  readonly #counts: SqliteCallCounts;
  readonly #ledger: SqliteLedger;

  /** @param fieldsOf the folded fields of a call, as JSON */
  constructor(
    database: Database,
    sql: Prepared,
    index: SqliteCallIndex,
    counts: SqliteCallCounts,
    ledger: SqliteLedger,
    fieldsOf: (call: number) => string,
  ) {
    this.#database = database;
    this.#do = statements(database, queries);
    this.#sql = sql;
    this.#index = index;
    this.#counts = counts;
    this.#ledger = ledger;
    this.#fieldsOf = fieldsOf;
  }

  purge(what: 'pushes' | 'calls', before: Date, afterRow: number, limit: number): Purged {
    const rows = this.#do.from.all({ after: afterRow, limit, pushes: what === 'pushes' ? 1 : 0 });
    const old = rows.filter(({ first_received_at: at }) => at < before.getTime());
    const removed = this.#counts.counting(() => {
      let count = 0;
      for (const { id, last_received_at: at, is_open: isOpen } of old) {
        if (at >= before.getTime()) continue;
        if (what === 'pushes') count += this.#removePushes(id);
        else if (isOpen === 0) count += this.#removeCall(id).calls;
      }
      return count;
    });
    if (what === 'calls') this.#counts.removeLagBefore(before.getTime());
    // Rows are in the order of time, but for those that came while the clock was wrong. The index knows of older ones behind
    // them.
    const lastRow = rows.at(-1)?.id ?? 0;
    const isDone =
      rows.length < limit || (old.length === 0 && lastRow >= this.#sql.answer(lastBefore(db, before)));
    return { removed, lastRow: isDone ? null : lastRow };
  }

  erase({ rows, number, shown, told, mask, holds, unsearchable, at }: Erasure): Omit<Erased, 'inLog'> {
    // What is erased is overwritten, too: a file that is copied later does not give it away.
    this.#database.exec('pragma secure_delete=on');
    const lastCall = this.#do.lastCall.get({})?.id ?? 0;
    const erased = { calls: 0, pushes: 0, deliveries: 0, attempts: 0, people: 0, unreadable: 0 };
    this.#counts.counting(() => {
      for (const call of rows) {
        this.#do.wipePushes.run({ call });
        this.#do.wipeCall.run({ call });
      }
      for (const id of rows) {
        const { calls, pushes, deliveries, attempts } = this.#removeCall(id);
        erased.calls += calls;
        erased.pushes += pushes;
        erased.deliveries += deliveries;
        erased.attempts += attempts;
      }
    });
    erased.people += this.#do.removePerson.run({ number });
    this.#do.removeMemories.run({ ending: `%${number}` });
    erased.unreadable += this.#ledger.erase(holds, unsearchable);
    for (const call of told) this.#maskTold(call, mask);
    const salt = randomBytes(16).toString('base64url');
    this.#do.noteErasure.run({
      at: at.getTime(),
      number: shown,
      calls: erased.calls,
      pushes: erased.pushes,
      mark: markOf(number, salt),
      lastCall,
    });
    this.#database.exec('pragma secure_delete=fast');
    return erased;
  }

  callsHolding(holds: (text: string) => boolean, afterRow: number, limit: number): Holding {
    const calls = this.#do.fieldsFrom.all({ after: afterRow, limit });
    const last = calls.at(-1)?.id ?? 0;
    const between = { after: afterRow, last };
    const among = (rows: readonly { call: number; text: string | null }[]) =>
      new Set(rows.filter(({ text }) => text !== null && holds(text)).map(({ call }) => call));
    const found = among([
      ...calls.map(({ id, fields }) => ({ call: id, text: fields })),
      ...this.#do.bodiesBetween.all(between),
    ]);
    const told = [...among(this.#do.toldBetween.all(between))].filter((call) => !found.has(call));
    const total = this.#do.lastCall.get({})?.id ?? 0;
    const isLast = calls.length < limit;
    return {
      calls: [...found],
      told,
      lastRow: isLast ? null : last,
      share: isLast ? 1 : last / total,
    };
  }

  /** Whether nothing may be remembered of a number: it was erased a moment ago, and no call of it has come since. */
  isBeingErased(number: string): boolean {
    return this.#do.underWay.all({}).some(({ mark, last_call: lastCall }) => {
      if (mark === null || mark !== markOf(number, mark.split(' ')[0] as string)) return false;
      const lane = laneOf('', { PLA_Caller_Phone_Number: number });
      return this.#do.callSince.get({ lane, after: lastCall ?? 0 }) === undefined;
    });
  }

  /**
   * After a commit: nothing that was removed stays in the write-ahead log. False where somebody else reads or writes the
   * file: whoever comes after may do it, so this does not wait.
   */
  clearLog(): boolean {
    const before = this.#database.prepare('pragma busy_timeout').get()?.['timeout'];
    this.#database.exec('pragma busy_timeout=0');
    try {
      return this.#database.prepare('pragma wal_checkpoint(truncate)').get()?.['busy'] === 0;
    } finally {
      this.#database.exec(`pragma busy_timeout=${before}`);
    }
  }

  get isInLog(): boolean {
    return this.#do.inLog.get({}) !== undefined;
  }

  noteInLog(at: Date): void {
    this.#do.noteInLog.run({ at: at.getTime() });
  }

  noteCleared(): void {
    this.#do.noteCleared.run({});
  }

  /** Forgets the marks of erasures that nothing can be under way of. */
  endErasures(now: Date): void {
    for (const { at, mark } of this.#do.underWay.all({}))
      if (mark !== null && !isRecent(at, underWayMs, now.getTime())) this.#do.endErasure.run({ mark });
  }

  #maskTold(call: number, mask: (text: string) => string): void {
    for (const { connector, n, reason, notes } of this.#do.attemptsOf.all({ call }))
      this.#do.tellAttempt.run({
        call,
        connector,
        n,
        reason: reason === null ? null : mask(reason),
        notes: mask(notes),
      });
    for (const { connector, last_reason: reason } of this.#do.reasonsOf.all({ call }))
      if (reason !== null) this.#do.tellDelivery.run({ call, connector, reason: mask(reason) });
    for (const { id, reason } of this.#do.decisionsOf.all({ call }))
      if (reason !== null) this.#do.tellDecision.run({ id, reason: mask(reason) });
    for (const { connector, reason } of this.#do.errorsOf.all({ call }))
      this.#do.tellError.run({ connector, reason: mask(reason) });
  }

  /** What they say together is kept. */
  #removePushes(call: number): number {
    this.#do.keepFields.run({ id: call, fields: this.#fieldsOf(call) });
    return this.#do.removePushes.run({ call });
  }

  #removeCall(call: number) {
    this.#index.remove(call);
    this.#do.removeDecisions.run({ call });
    this.#do.removeErrors.run({ call });
    return {
      attempts: this.#do.removeAttempts.run({ call }),
      deliveries: this.#do.removeDeliveries.run({ call }),
      pushes: this.#do.removePushes.run({ call }),
      calls: this.#do.removeCall.run({ id: call }),
    };
  }
}

/** As many bytes of nothing: written into the same place of the file. */
const wiped = (column: string) =>
  sql<string>`cast(zeroblob(length(cast(${sql.ref(column)} as blob))) as text)`;

const ofCall = value('call');
const isBetween = sql<boolean>`call > ${value('after')} and call <= ${value('last')}`;
const queries = {
  /** In the order of their ids, which is that of time; for pushes, from the first call that still has some. */
  from: db
    .selectFrom('calls')
    .select(({ exists, selectFrom }) => [
      'id',
      'first_received_at',
      'last_received_at',
      exists(
        selectFrom('deliveries')
          .select('call')
          .whereRef('deliveries.call', '=', 'calls.id')
          .where('state', '!=', 'skipped')
          .where(({ or, eb }) => or([eb('state', '!=', 'delivered'), eb('due_at', 'is not', null)])),
      ).as('is_open'),
    ])
    .where('id', '>', value('after'))
    .where(
      'id',
      '>=',
      sql<number>`case ${value('pushes')} when 1 then (select min(call) from pushes) else 0 end`,
    )
    .orderBy('id')
    .limit(value('limit')),
  fieldsFrom: db
    .selectFrom('calls')
    .select(['id', 'fields'])
    .where('id', '>', value('after'))
    .orderBy('id')
    .limit(value('limit')),
  bodiesBetween: db.selectFrom('pushes').select(['call', 'body as text']).where(isBetween),
  /** What CRMs and people said of calls. */
  toldBetween: db
    .selectFrom('attempts')
    .select(['call', sql<string | null>`coalesce(reason, '') || ' ' || notes`.as('text')])
    .where(isBetween)
    .unionAll(db.selectFrom('deliveries').select(['call', 'last_reason as text']).where(isBetween))
    .unionAll(db.selectFrom('decisions').select(['call', 'reason as text']).where(isBetween))
    .unionAll(db.selectFrom('connector_errors').select(['call', 'reason as text']).where(isBetween)),
  attemptsOf: db
    .selectFrom('attempts')
    .select(['connector', 'n', 'reason', 'notes'])
    .where('call', '=', ofCall),
  tellAttempt: db
    .updateTable('attempts')
    .set({ reason: value('reason'), notes: value('notes') })
    .where('call', '=', ofCall)
    .where('connector', '=', value('connector'))
    .where('n', '=', value('n')),
  reasonsOf: db.selectFrom('deliveries').select(['connector', 'last_reason']).where('call', '=', ofCall),
  tellDelivery: db
    .updateTable('deliveries')
    .set({ last_reason: value('reason') })
    .where('call', '=', ofCall)
    .where('connector', '=', value('connector')),
  decisionsOf: db.selectFrom('decisions').select(['id', 'reason']).where('call', '=', ofCall),
  tellDecision: db
    .updateTable('decisions')
    .set({ reason: value('reason') })
    .where('id', '=', value('id')),
  errorsOf: db.selectFrom('connector_errors').select(['connector', 'reason']).where('call', '=', ofCall),
  tellError: db
    .updateTable('connector_errors')
    .set({ reason: value('reason') })
    .where('connector', '=', value('connector')),
  lastCall: db.selectNoFrom(lastId.as('id')),
  callSince: db
    .selectFrom('calls')
    .select('id')
    .where('id', '>', value('after'))
    .where('lane', '=', value('lane'))
    .limit(sql.lit(1)),
  underWay: db.selectFrom('erasures').select(['at', 'mark', 'last_call']).where('mark', 'is not', null),
  endErasure: db.updateTable('erasures').set({ mark: null }).where('mark', '=', value('mark')),
  inLog: db.selectFrom('erasures').select('at').where('in_log', '=', sql.lit(1)).limit(sql.lit(1)),
  noteInLog: db
    .updateTable('erasures')
    .set({ in_log: sql.lit(1) })
    .where('at', '=', value('at')),
  noteCleared: db
    .updateTable('erasures')
    .set({ in_log: sql.lit(0) })
    .where('in_log', '=', sql.lit(1)),
  keepFields: db
    .updateTable('calls')
    .set({ fields: value('fields') })
    .where('id', '=', value('id'))
    .where('fields', 'is', null),
  wipePushes: db
    .updateTable('pushes')
    .set({ body: wiped('body') })
    .where('call', '=', ofCall),
  wipeCall: db
    .updateTable('calls')
    .set({ fields: wiped('fields') })
    .where('id', '=', ofCall),
  removePushes: db.deleteFrom('pushes').where('call', '=', ofCall),
  removeAttempts: db.deleteFrom('attempts').where('call', '=', ofCall),
  removeDeliveries: db.deleteFrom('deliveries').where('call', '=', ofCall),
  removeDecisions: db.deleteFrom('decisions').where('call', '=', ofCall),
  removeErrors: db.deleteFrom('connector_errors').where('call', '=', ofCall),
  removeCall: db.deleteFrom('calls').where('id', '=', value('id')),
  removePerson: db.deleteFrom('people').where('number', '=', value('number')),
  removeMemories: db.deleteFrom('memories').where('name', 'like', value('ending')),
  noteErasure: db.insertInto('erasures').values({
    at: value('at'),
    number: value('number'),
    calls: value('calls'),
    pushes: value('pushes'),
    mark: value('mark'),
    last_call: value('lastCall'),
    in_log: sql.lit(0),
  }),
};

/** Tells an erased number again without holding it: who has the file would have to try every number. */
function markOf(number: string, salt: string): string {
  return `${salt} ${createHash('sha256').update(`${salt} ${number}`).digest('base64url')}`;
}
