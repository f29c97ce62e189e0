import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const quarterMs = 900_000;
const results = ['answered', 'unanswered', 'busy', 'other', 'unknown'];

/** Counts of the calls of each connector: what of them is in its CRM is told without looking at every delivery. */
export const connectorCounts: Migration = {
  async up(db: Kysely<unknown>) {
    const columns = sql.join(['calls', ...results, 'missed'].map((name) => sql.ref(name)));
    const sums = sql.join(['calls', ...results, 'missed'].map((name) => sql`sum(${sql.ref(name)})`));
    const counted = sql.join(
      results.map((result) => sql`sum(case when result = ${sql.lit(result)} then 1 else 0 end)`),
    );
    await sql`insert into call_counts (span, facet, at, name, ${columns})
      select 'quarter', 'connector', received_at - received_at % ${sql.lit(quarterMs)}, connector, count(*), ${counted}, sum(missed)
      from call_connectors join call_index on call_index.call = call_connectors.call
      group by received_at - received_at % ${sql.lit(quarterMs)}, connector`.execute(db);
    for (const [span, quarters] of [
      ['day', 96],
      ['week', 8 * 96],
      ['month', 32 * 96],
    ] as const) {
      const at = sql`at - at % ${sql.lit(quarters * quarterMs)}`;
      await sql`insert into call_counts (span, facet, at, name, ${columns})
        select ${sql.lit(span)}, facet, ${at}, name, ${sums} from call_counts
        where span = 'quarter' and facet = 'connector' group by facet, ${at}, name`.execute(db);
    }
  },
};
