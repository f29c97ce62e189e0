import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const dayMs = 86_400_000;
const weekMs = 8 * dayMs;

/** Counts of weeks: the ends of a year were summed from up to sixty days, each with a count for every keyword. */
export const weeks: Migration = {
  async up(db: Kysely<unknown>) {
    const results = ['calls', 'answered', 'unanswered', 'busy', 'other', 'unknown', 'missed'].map((name) =>
      sql.ref(name),
    );
    await sql`insert into call_counts (span, facet, at, name, ${sql.join(results)})
      select 'week', facet, at - at % ${sql.lit(weekMs)}, name, ${sql.join(results.map((one) => sql`sum(${one})`))}
      from call_counts where span = 'day' group by facet, at - at % ${sql.lit(weekMs)}, name`.execute(db);
  },
};
