import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What one call holds has a bound: how many of its pushes went beyond. */
export const notFolded: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .alterTable('calls')
      .addColumn('not_folded', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
  },
};
