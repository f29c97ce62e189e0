import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What people decide: that a delivery is left out or written again, that a connector pauses. And its last error. */
export const decisions: Migration = {
  async up(db: Kysely<unknown>) {
    const sqlite = db.getExecutor().adapter.constructor.name === 'SqliteAdapter';
    await db.schema.alterTable('deliveries').addColumn('skipped_revision', 'integer').execute();
    await db.schema
      .createIndex('deliveries_skipped')
      .on('deliveries')
      .columns(['connector', 'due_at', 'call'])
      .where(sql.ref('state'), '=', sql.lit('skipped'))
      .execute();

    await db.schema
      .createTable('decisions')
      .addColumn('id', sqlite ? 'integer' : 'bigserial', (c) => c.primaryKey())
      .addColumn('call', 'bigint', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('connector', 'text')
      .addColumn('decision', 'text', (c) => c.notNull())
      .addColumn('reason', 'text')
      .addColumn('revision', 'integer', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('decisions_of_call').on('decisions').column('call').execute();

    await db.schema.alterTable('connectors').addColumn('paused_at', 'bigint').execute();
    await db.schema.alterTable('connectors').addColumn('paused_reason', 'text').execute();
    await db.schema
      .createTable('connector_errors')
      .addColumn('connector', 'text', (c) => c.primaryKey().notNull())
      .addColumn('call', 'bigint', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('outcome', 'text', (c) => c.notNull())
      .addColumn('reason', 'text', (c) => c.notNull())
      .execute();
  },
};
