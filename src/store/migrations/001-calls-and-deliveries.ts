import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Written in the part of SQL that SQLite and PostgreSQL share, but for one thing: SQLite keeps a table without rowid
 * in the order of its key, which saves a second tree for each row written while a call rings.
 */
export const callsAndDeliveries: Migration = {
  async up(db: Kysely<unknown>) {
    const sqlite = db.getExecutor().adapter.constructor.name === 'SqliteAdapter';
    const inKeyOrder = sqlite ? sql`without rowid` : sql``;

    await db.schema
      .createTable('calls')
      .addColumn('id', sqlite ? 'integer' : 'bigserial', (c) => c.primaryKey())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('call_id', 'text', (c) => c.notNull())
      .addColumn('revision', 'integer', (c) => c.notNull())
      .addColumn('fields', 'text', (c) => c.notNull())
      .addColumn('lane', 'text', (c) => c.notNull())
      .addColumn('first_received_at', 'bigint', (c) => c.notNull())
      .addColumn('last_received_at', 'bigint', (c) => c.notNull())
      .addColumn('end_received_at', 'bigint')
      .addColumn('lapsed', 'integer', (c) => c.notNull())
      .addColumn('lapse_at', 'bigint')
      .execute();
    await db.schema.createIndex('calls_key').on('calls').columns(['call_id', 'source']).unique().execute();
    await db.schema
      .createIndex('calls_lapsing')
      .on('calls')
      .column('lapse_at')
      .where(sql.ref('lapse_at'), 'is not', null)
      .execute();

    await db.schema
      .createTable('pushes')
      .addColumn('call', 'bigint', (c) => c.notNull())
      .addColumn('n', 'integer', (c) => c.notNull())
      .addColumn('received_at', 'bigint', (c) => c.notNull())
      .addColumn('body', 'text', (c) => c.notNull())
      .addColumn('repeats', 'integer', (c) => c.notNull())
      .addColumn('last_repeat_at', 'bigint')
      .addPrimaryKeyConstraint('pushes_key', ['call', 'n'])
      .modifyEnd(inKeyOrder)
      .execute();

    await db.schema
      .createTable('deliveries')
      .addColumn('call', 'bigint', (c) => c.notNull())
      .addColumn('connector', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('wanted_revision', 'integer', (c) => c.notNull())
      .addColumn('delivered_revision', 'integer', (c) => c.notNull())
      .addColumn('due_at', 'bigint')
      .addColumn('attempts', 'integer', (c) => c.notNull())
      .addColumn('failures', 'integer', (c) => c.notNull())
      .addColumn('failing_since', 'bigint')
      .addColumn('last_reason', 'text')
      .addColumn('records', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('deliveries_key', ['call', 'connector'])
      .modifyEnd(inKeyOrder)
      .execute();
    for (const state of ['due', 'failed']) {
      await db.schema
        .createIndex(`deliveries_${state}`)
        .on('deliveries')
        .columns(['connector', 'due_at', 'call'])
        .where(sql.ref('state'), '=', sql.lit(state))
        .execute();
    }

    await db.schema
      .createTable('attempts')
      .addColumn('call', 'bigint', (c) => c.notNull())
      .addColumn('connector', 'text', (c) => c.notNull())
      .addColumn('n', 'integer', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('took_ms', 'integer', (c) => c.notNull())
      .addColumn('revision', 'integer', (c) => c.notNull())
      .addColumn('outcome', 'text', (c) => c.notNull())
      .addColumn('reason', 'text')
      .addColumn('notes', 'text', (c) => c.notNull())
      .addColumn('requests', 'integer', (c) => c.notNull())
      .addColumn('batch', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('attempts_key', ['call', 'connector', 'n'])
      .modifyEnd(inKeyOrder)
      .execute();

    await db.schema
      .createTable('people')
      .addColumn('connector', 'text', (c) => c.notNull())
      .addColumn('number', 'text', (c) => c.notNull())
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('id', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('people_key', ['connector', 'number'])
      .modifyEnd(inKeyOrder)
      .execute();

    await db.schema
      .createTable('leases')
      .addColumn('name', 'text', (c) => c.primaryKey().notNull())
      .addColumn('holder', 'text', (c) => c.notNull())
      .addColumn('fence', 'integer', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .execute();

    await db.schema
      .createTable('connectors')
      .addColumn('connector', 'text', (c) => c.primaryKey().notNull())
      .addColumn('blocked_reason', 'text')
      .addColumn('since', 'bigint', (c) => c.notNull())
      .execute();

    await db.schema
      .createTable('unreadable')
      .addColumn('id', sqlite ? 'integer' : 'bigserial', (c) => c.primaryKey())
      .addColumn('received_at', 'bigint', (c) => c.notNull())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('reason', 'text', (c) => c.notNull())
      .addColumn('body', 'text', (c) => c.notNull())
      .execute();
  },
};
