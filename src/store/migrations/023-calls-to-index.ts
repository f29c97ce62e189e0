import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What the index of calls has to look at, an outbox: each commit that changes a call puts it in. Up to then pushes were told
 * by the last id that the index had seen, which passes by those that are committed later under a lower one.
 */
export const callsToIndex: Migration = {
  async up(db: Kysely<unknown>) {
    const sqlite = db.getExecutor().adapter.constructor.name === 'SqliteAdapter';
    await db.schema.alterTable('calls_to_index').renameTo('calls_to_index_before').execute();
    await db.schema
      .createTable('calls_to_index')
      .addColumn('id', sqlite ? 'integer' : 'bigserial', (c) => c.primaryKey())
      .addColumn('call', 'bigint', (c) => c.notNull())
      .addColumn('push', 'bigint')
      .execute();
    await sql`insert into calls_to_index (call) select call from calls_to_index_before`.execute(db);
    // Before the index was first built there is a scan to come, which meets them all.
    await sql`insert into calls_to_index (call, push) select pushes.call, pushes.id from pushes, call_index_state
      where call_index_state.version != '' and pushes.id > call_index_state.last_push order by pushes.id`.execute(
      db,
    );
    await db.schema.dropTable('calls_to_index_before').execute();
    await db.schema.alterTable('call_index_state').dropColumn('last_push').execute();
  },
};
