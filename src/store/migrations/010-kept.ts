import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What the bridge keeps for itself between runs, such as tokens it made; and links that sign a browser in, once. */
export const kept: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('kept')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('text', 'text', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('sign_in_links')
      .addColumn('digest', 'text', (c) => c.primaryKey())
      .addColumn('expires_at', 'integer', (c) => c.notNull())
      .execute();
  },
};
