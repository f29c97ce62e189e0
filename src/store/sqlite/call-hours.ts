import { startOf } from '../time-buckets.ts';
import type { Prepared } from './prepared.ts';

/** Between which calls those of a range of time are. Others may be there, too: a clock may have been set back. */
export function boundsOf(
  sql: Prepared,
  since: Date | undefined,
  until: Date | undefined,
): { first: number; last: number } | null {
  const first = since
    ? sql.get<{ row: number | null }>(
        'select min(first_call) as row from call_hours where hour >= ?',
        startOf('hour', since.getTime()),
      )?.row
    : 0;
  const last = until ? lastBefore(sql, until) : Number.MAX_SAFE_INTEGER;
  return first === null || first === undefined || last === 0 ? null : { first, last };
}

/** No call that is known here and came before then is in a later row. */
export function lastBefore(sql: Prepared, time: Date): number {
  const query = 'select max(last_call) as row from call_hours where hour < ?';
  return sql.get<{ row: number | null }>(query, time.getTime())?.row ?? 0;
}
