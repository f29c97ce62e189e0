import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Makes recording a push write less. Pushes are appended in the order they came: kept in the order of their calls, an
 * end push tore open the full page that its call's start was on. And `calls.fields` may be null: few pushes say by
 * themselves what is known of their call.
 */
export const lighterPushes: Migration = {
  async up(db: Kysely<unknown>) {
    const sqlite = db.getExecutor().adapter.constructor.name === 'SqliteAdapter';
    await db.schema.alterTable('pushes').renameTo('pushes_by_call').execute();
    await db.schema
      .createTable('pushes')
      .addColumn('id', sqlite ? 'integer' : 'bigserial', (c) => c.primaryKey())
      .addColumn('call', 'bigint', (c) => c.notNull())
      .addColumn('received_at', 'bigint', (c) => c.notNull())
      .addColumn('body', 'text', (c) => c.notNull())
      .addColumn('repeats', 'integer', (c) => c.notNull())
      .addColumn('last_repeat_at', 'bigint')
      .execute();
    await sql`insert into pushes (call, received_at, body, repeats, last_repeat_at)
      select call, received_at, body, repeats, last_repeat_at from pushes_by_call order by call, n`.execute(
      db,
    );
    await db.schema.dropTable('pushes_by_call').execute();
    await db.schema.createIndex('pushes_of_call').on('pushes').column('call').execute();

    await db.schema.alterTable('calls').renameColumn('fields', 'fields_always').execute();
    await db.schema.alterTable('calls').addColumn('fields', 'text').execute();
    await sql`update calls set fields = fields_always`.execute(db);
    await db.schema.alterTable('calls').dropColumn('fields_always').execute();
  },
};
