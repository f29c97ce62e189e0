import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * The lines that due deliveries stand in (sqlite-due.ts), for how long each was tried, and what a connector's circuit is
 * open for.
 */
export const lines: Migration = {
  async up(db: Kysely<unknown>) {
    const deliveries = () => db.schema.alterTable('deliveries');
    await deliveries()
      .addColumn('line', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
    await deliveries().addColumn('lane', 'text').execute();
    await deliveries()
      .addColumn('tried_ms', 'bigint', (c) => c.notNull().defaultTo(0))
      .execute();
    await sql`update deliveries set line = 1 where state = 'due' and failures > 0`.execute(db);
    await db.schema.dropIndex('deliveries_due').execute();
    await db.schema
      .createIndex('deliveries_due')
      .on('deliveries')
      .columns(['connector', 'line', 'due_at', 'call'])
      .where(sql.ref('state'), '=', sql.lit('due'))
      .execute();
    await db.schema
      .createIndex('deliveries_of_lane')
      .on('deliveries')
      .columns(['connector', 'lane', 'line', 'due_at', 'call'])
      .where(sql.ref('lane'), 'is not', null)
      .execute();

    await db.schema.alterTable('connectors').addColumn('open_reason', 'text').execute();
    await db.schema.alterTable('connectors').addColumn('probe_at', 'bigint').execute();
  },
};
