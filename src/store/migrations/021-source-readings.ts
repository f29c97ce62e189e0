import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** How the calls of each source were read for the index: when one source is read otherwise, the others' stay as they are. */
export const sourceReadings: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('source_readings')
      .addColumn('source', 'text', (c) => c.primaryKey())
      .addColumn('version', 'text', (c) => c.notNull())
      .addColumn('scanned_call', 'bigint')
      .execute();
    await db.schema
      .createIndex('source_readings_scanned')
      .on('source_readings')
      .column('scanned_call')
      .where('scanned_call', 'is not', null)
      .execute();
  },
};
