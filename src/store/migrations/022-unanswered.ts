import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Which deliveries have a write that may still be carried out, and since when a holder who did not release a lease is gone. */
export const unanswered: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('deliveries').addColumn('unanswered_at', 'bigint').execute();
    await db.schema
      .createIndex('deliveries_unanswered')
      .on('deliveries')
      .columns(['connector', 'state', 'due_at', 'call'])
      .where(sql.ref('unanswered_at'), 'is not', null)
      .execute();
    await db.schema.alterTable('leases').addColumn('left_at', 'bigint').execute();
    await db.schema.alterTable('leases').addColumn('left_call', 'bigint').execute();
  },
};
