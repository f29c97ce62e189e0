import { type Kysely, sql } from 'kysely';
import { type Database, statement, value } from '../runtime/sqlite.ts';
import type { Tables } from './schema.ts';
import type { SqliteCallIndex } from './sqlite-call-index.ts';
import type { SqliteLedger } from './sqlite-ledger.ts';
import type { Erased, Erasure, Purged } from './store.ts';

/** Removes what is too old to be kept, and what somebody asked to be erased. Runs within the store's commits. */
export class SqliteRemoval {
  readonly #database: Database;
  readonly #do: ReturnType<typeof statements>;
  readonly #fieldsOf: (call: number) => string;
  readonly #index: SqliteCallIndex;
  readonly #ledger: SqliteLedger;

  /** @param fieldsOf the folded fields of a call, as JSON */
  constructor(
    database: Database,
    db: Kysely<Tables>,
    index: SqliteCallIndex,
    ledger: SqliteLedger,
    fieldsOf: (call: number) => string,
  ) {
    this.#database = database;
    this.#do = statements(database, db);
    this.#index = index;
    this.#ledger = ledger;
    this.#fieldsOf = fieldsOf;
  }

  purge(what: 'pushes' | 'calls', before: Date, afterRow: number, limit: number): Purged {
    const rows = this.#do.from.all({ after: afterRow, limit, pushes: what === 'pushes' ? 1 : 0 });
    const old = rows.filter(({ first_received_at: at }) => at < before.getTime());
    const removed = this.#index.counting(() => {
      let count = 0;
      for (const { id, last_received_at: at, is_open: isOpen } of old) {
        if (at >= before.getTime()) continue;
        if (what === 'pushes') count += this.#removePushes(id);
        else if (isOpen === 0) count += this.#removeCall(id).calls;
      }
      return count;
    });
    if (removed > 0) this.#index.lostPushes();
    if (what === 'calls') this.#index.removeLagBefore(before.getTime());
    // Rows are in the order of time, but for those that came while the clock was wrong. The index knows of older ones behind
    // them.
    const lastRow = rows.at(-1)?.id ?? 0;
    const isDone = rows.length < limit || (old.length === 0 && lastRow >= this.#index.lastBefore(before));
    return { removed, lastRow: isDone ? null : lastRow };
  }

  erase({ rows, number, shown, digits, at }: Erasure): Erased {
    // What is erased is overwritten, too: a file that is copied later does not give it away.
    this.#database.exec('pragma secure_delete=on');
    const erased: Erased = { calls: 0, pushes: 0, deliveries: 0, attempts: 0, people: 0, unreadable: 0 };
    this.#index.counting(() => {
      for (const id of rows) {
        const { calls, pushes, deliveries, attempts } = this.#removeCall(id);
        erased.calls += calls;
        erased.pushes += pushes;
        erased.deliveries += deliveries;
        erased.attempts += attempts;
      }
    });
    this.#index.lostPushes();
    erased.people += this.#do.removePerson.run({ number });
    this.#do.removeMemories.run({ ending: `%${number}` });
    erased.unreadable += this.#ledger.erase(digits);
    this.#do.noteErasure.run({ at: at.getTime(), number: shown, calls: erased.calls, pushes: erased.pushes });
    this.#database.exec('pragma secure_delete=off');
    return erased;
  }

  /** Calls whose raw pushes hold these digits, whoever the call is of now. */
  callsHolding(digits: string): number[] {
    return this.#do.holding.all({ digits: `%${digits}%` }).map(({ call }) => call);
  }

  /** After a commit: nothing that was removed stays in the write-ahead log. */
  truncateLog(): void {
    this.#database.exec('pragma wal_checkpoint(truncate)');
  }

  /** What they say together is kept. */
  #removePushes(call: number): number {
    this.#index.losesPushes(call);
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

function statements(database: Database, db: Kysely<Tables>) {
  const ofCall = value('call');
  return {
    /** In the order of their ids, which is that of time; for pushes, from the first call that still has some. */
    from: statement(
      database,
      db
        .selectFrom('calls')
        .select(({ exists, selectFrom }) => [
          'id',
          'first_received_at',
          'last_received_at',
          exists(
            selectFrom('deliveries')
              .select('call')
              .whereRef('deliveries.call', '=', 'calls.id')
              .where('state', 'not in', ['delivered', 'skipped']),
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
    ),
    holding: statement(
      database,
      db.selectFrom('pushes').select('call').distinct().where('body', 'like', value('digits')),
    ),
    keepFields: statement(
      database,
      db
        .updateTable('calls')
        .set({ fields: value('fields') })
        .where('id', '=', value('id'))
        .where('fields', 'is', null),
    ),
    removePushes: statement(database, db.deleteFrom('pushes').where('call', '=', ofCall)),
    removeAttempts: statement(database, db.deleteFrom('attempts').where('call', '=', ofCall)),
    removeDeliveries: statement(database, db.deleteFrom('deliveries').where('call', '=', ofCall)),
    removeDecisions: statement(database, db.deleteFrom('decisions').where('call', '=', ofCall)),
    removeErrors: statement(database, db.deleteFrom('connector_errors').where('call', '=', ofCall)),
    removeCall: statement(database, db.deleteFrom('calls').where('id', '=', value('id'))),
    removePerson: statement(database, db.deleteFrom('people').where('number', '=', value('number'))),
    removeMemories: statement(database, db.deleteFrom('memories').where('name', 'like', value('ending'))),
    noteErasure: statement(
      database,
      db.insertInto('erasures').values({
        at: value('at'),
        number: value('number'),
        calls: value('calls'),
        pushes: value('pushes'),
      }),
    ),
  };
}
