import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What is still to be done for an erasure: a delivery that was under way must not bring the number back. */
export const erasuresUnderWay: Migration = {
  async up(db: Kysely<unknown>) {
    // Of the number, salted. Null once nothing that was under way can write it any more.
    await db.schema.alterTable('erasures').addColumn('mark', 'text').execute();
    // Calls in later rows came afterwards.
    await db.schema.alterTable('erasures').addColumn('last_call', 'bigint').execute();
    await db.schema
      .alterTable('erasures')
      .addColumn('in_log', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
  },
};
