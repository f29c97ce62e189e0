import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What lists, charts and counts are read from. It follows the calls from behind, in steps of its own, so that nothing
 * of it is written while a push is recorded. The words are in SQLite's own full-text index.
 */
export const callIndex: Migration = {
  async up(db: Kysely<unknown>) {
    const sqlite = db.getExecutor().adapter.constructor.name === 'SqliteAdapter';
    const inKeyOrder = sqlite ? sql`without rowid` : sql``;

    await db.schema
      .createTable('call_index')
      .addColumn('call', sqlite ? 'integer' : 'bigint', (c) => c.primaryKey())
      .addColumn('received_at', 'bigint', (c) => c.notNull())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('result', 'text', (c) => c.notNull())
      .addColumn('missed', 'integer', (c) => c.notNull())
      .addColumn('unrouted', 'integer', (c) => c.notNull())
      .addColumn('caller', 'text')
      .addColumn('caller_reversed', 'text')
      .addColumn('dealer', 'text')
      .addColumn('keyword', 'text')
      .addColumn('words', 'text', (c) => c.notNull())
      .execute();
    for (const columns of [['source', 'result'], ['source'], ['result'], ['caller'], ['caller_reversed']]) {
      await db.schema
        .createIndex(`call_index_${columns.join('_')}`)
        .on('call_index')
        .columns(columns)
        .execute();
    }
    for (const [name, columns, flag] of [
      ['missed', ['missed'], 'missed'],
      ['source_missed', ['source', 'missed'], 'missed'],
      ['unrouted', ['unrouted'], 'unrouted'],
    ] as const) {
      await db.schema
        .createIndex(`call_index_${name}`)
        .on('call_index')
        .columns([...columns])
        .where(sql.ref(flag), '=', sql.lit(1))
        .execute();
    }
    if (sqlite) {
      // secure-delete: what is taken out of the index is gone from the file, too. Together with detail=none it loses other
      // rows of a transaction that replaces one (SQLite 3.54).
      await sql`create virtual table call_words using fts5(words, content='call_index', content_rowid='call', detail=column, columnsize=0, tokenize='ascii')`.execute(
        db,
      );
      await sql`insert into call_words(call_words, rank) values ('secure-delete', 1)`.execute(db);
    }

    await db.schema
      .createTable('call_connectors')
      .addColumn('connector', 'text', (c) => c.notNull())
      .addColumn('call', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('call_connectors_key', ['connector', 'call'])
      .modifyEnd(inKeyOrder)
      .execute();

    await db.schema
      .createTable('call_counts')
      .addColumn('span', 'text', (c) => c.notNull())
      .addColumn('facet', 'text', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('calls', 'integer', (c) => c.notNull())
      .addColumn('answered', 'integer', (c) => c.notNull())
      .addColumn('unanswered', 'integer', (c) => c.notNull())
      .addColumn('busy', 'integer', (c) => c.notNull())
      .addColumn('other', 'integer', (c) => c.notNull())
      .addColumn('unknown', 'integer', (c) => c.notNull())
      .addColumn('missed', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('call_counts_key', ['span', 'facet', 'at', 'name'])
      .modifyEnd(inKeyOrder)
      .execute();

    // Between which calls those of an hour are: a range of time becomes a range of ids.
    await db.schema
      .createTable('call_hours')
      .addColumn('hour', sqlite ? 'integer' : 'bigint', (c) => c.primaryKey())
      .addColumn('first_call', 'bigint', (c) => c.notNull())
      .addColumn('last_call', 'bigint', (c) => c.notNull())
      .execute();

    await db.schema
      .createTable('lag_counts')
      .addColumn('span', 'text', (c) => c.notNull())
      .addColumn('connector', 'text', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('step', 'integer', (c) => c.notNull())
      .addColumn('deliveries', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('lag_counts_key', ['span', 'connector', 'at', 'step'])
      .modifyEnd(inKeyOrder)
      .execute();

    await db.schema
      .createTable('source_pushes')
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('first_at', 'bigint', (c) => c.notNull())
      .addColumn('last_at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('source_pushes_key', ['source', 'kind'])
      .execute();

    // Calls that changed without a push.
    await db.schema
      .createTable('calls_to_index')
      .addColumn('call', sqlite ? 'integer' : 'bigint', (c) => c.primaryKey())
      .execute();
    await db.schema
      .createTable('call_index_state')
      .addColumn('version', 'text', (c) => c.notNull())
      .addColumn('last_push', 'bigint', (c) => c.notNull())
      .addColumn('scanned_call', 'bigint')
      .addColumn('scan_until', 'bigint')
      .execute();
    await sql`insert into call_index_state (version, last_push) values ('', 0)`.execute(db);
  },
};
