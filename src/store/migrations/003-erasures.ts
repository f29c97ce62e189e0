import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What was erased at somebody's request, without what it was. */
export const erasures: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('erasures')
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('number', 'text', (c) => c.notNull())
      .addColumn('calls', 'integer', (c) => c.notNull())
      .addColumn('pushes', 'integer', (c) => c.notNull())
      .execute();
  },
};
