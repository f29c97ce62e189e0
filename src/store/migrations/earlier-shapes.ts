import { type Kysely, sql } from 'kysely';
import { memories } from './002-memories.ts';
import { erasures } from './003-erasures.ts';

/*
 * Before migrations were frozen two of them were changed when there were stores made with them. Such a store is brought to
 * what its list of migrations means today; from there on it is like all others. On SQLite only: there was nothing else.
 */

const callCounts = `create table "call_counts" ("span" text not null, "facet" text not null, "at" bigint not null, "name" text not null, "calls" integer not null, "answered" integer not null, "unanswered" integer not null, "busy" integer not null, "other" integer not null, "unknown" integer not null, "missed" integer not null, constraint "call_counts_key" primary key ("span", "facet", "at", "name")) without rowid`;
const results = ['answered', 'unanswered', 'busy', 'other', 'unknown'];

/** Within the transaction in which the store is migrated. */
export async function mendEarlierShapes<Tables>(db: Kysely<Tables>): Promise<void> {
  const has = async (query: ReturnType<typeof sql>) => (await query.execute(db)).rows.length > 0;
  if (!(await has(sql`select 1 from sqlite_master where name = 'kysely_migration'`))) return;

  // At 191a466 the fourth was the second.
  if (await has(sql`select 1 from kysely_migration where name = '002-lighter-pushes'`)) {
    await memories.up(db);
    await erasures.up(db);
    await sql`insert into kysely_migration (name, timestamp)
      select added.value, timestamp from kysely_migration, json_each('["002-memories", "003-erasures"]') as added
      where name = '002-lighter-pushes'`.execute(db);
    await sql`update kysely_migration set name = '004-lighter-pushes' where name = '002-lighter-pushes'`.execute(
      db,
    );
  }

  // At 23c4199 a count had a row for each result.
  if (await has(sql`select 1 from pragma_table_info('call_counts') where name = 'result'`)) {
    await sql`alter table call_counts rename to call_counts_by_result`.execute(db);
    await sql.raw(callCounts).execute(db);
    const sums = results.map((name) => sql`sum(case result when ${sql.lit(name)} then calls else 0 end)`);
    const names = sql.join(results.map((name) => sql.ref(name)));
    await sql`insert into call_counts (span, facet, at, name, calls, ${names}, missed)
      select span, facet, at, name, sum(calls), ${sql.join(sums)}, sum(missed * calls)
      from call_counts_by_result group by span, facet, at, name`.execute(db);
    await sql`drop table call_counts_by_result`.execute(db);
  }
}
