import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { bodyMark } from '../body-mark.ts';

interface Before {
  unreadable: { id: number; received_at: number; source: string; reason: string; body: string };
  rejected: Record<string, unknown>;
}

/**
 * What was not taken, in one place. What was kept of unreadable pushes goes on: the very same body once, with a count.
 * The body comes last, so that lists are read without it.
 */
export const rejected: Migration = {
  async up(db: Kysely<unknown>) {
    const sqlite = db.getExecutor().adapter.constructor.name === 'SqliteAdapter';
    await db.schema
      .createTable('rejected')
      .addColumn('id', sqlite ? 'integer' : 'bigserial', (c) => c.primaryKey())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('cause', 'text', (c) => c.notNull())
      .addColumn('mark', 'text', (c) => c.notNull())
      .addColumn('count', 'bigint', (c) => c.notNull())
      .addColumn('first_at', 'bigint', (c) => c.notNull())
      .addColumn('last_at', 'bigint', (c) => c.notNull())
      .addColumn('reason', 'text', (c) => c.notNull())
      .addColumn('sender', 'text', (c) => c.notNull())
      .addColumn('content_type', 'text')
      .addColumn('content_coding', 'text')
      .addColumn('bytes', 'bigint')
      .addColumn('body', sqlite ? 'blob' : 'bytea')
      .execute();
    await db.schema
      .createIndex('rejected_key')
      .on('rejected')
      .columns(['source', 'cause', 'mark'])
      .unique()
      .execute();
    await db.schema.createIndex('rejected_latest').on('rejected').columns(['last_at', 'id']).execute();
    await db.schema
      .createIndex('rejected_bodies')
      .on('rejected')
      .columns(['source', 'last_at', 'bytes'])
      .where(sql.ref('bytes'), 'is not', null)
      .execute();

    const before = db as Kysely<Before>;
    for (const row of await before.selectFrom('unreadable').selectAll().orderBy('id').execute()) {
      const bytes = Buffer.from(row.body, 'utf8');
      await before
        .insertInto('rejected')
        .values({
          source: row.source,
          cause: 'unreadable',
          mark: bodyMark({ bytes, contentType: '', contentCoding: '' }),
          count: 1,
          first_at: row.received_at,
          last_at: row.received_at,
          reason: row.reason,
          sender: '',
          content_type: '',
          content_coding: '',
          bytes: bytes.length,
          body: bytes,
        })
        .onConflict((conflict) =>
          conflict.columns(['source', 'cause', 'mark']).doUpdateSet({
            count: sql`rejected.count + 1`,
            last_at: row.received_at,
            reason: row.reason,
          }),
        )
        .execute();
    }
    await db.schema.dropTable('unreadable').execute();
  },
};
