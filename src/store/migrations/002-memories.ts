import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What connectors keep between runs. */
export const memories: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('memories')
      .addColumn('connector', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('text', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('memories_key', ['connector', 'name'])
      .execute();
  },
};
