import { dayOf, startOfDay } from '../time-range.ts';
import type { CallsFilters } from './calls.ts';
import type { OverviewPeriod } from './overview.ts';

/*
 * The page speaks of days, by the clocks of one time zone; what is asked of the operator, of instants.
 */

/** As the form sends them: what is missing is blank. */
export function filtersOf(query: Record<string, string>): CallsFilters {
  const {
    search = '',
    source = '',
    connector = '',
    state = '',
    result = '',
    missed = '',
    from = '',
    to = '',
  } = query;
  return { search: search.trim(), source, connector, state, result, missed, from, to };
}

/** Days become instants, by the clocks of the time zone; the last one is included. */
export function selectionOf(
  { from, to, ...filters }: CallsFilters,
  timezone: string,
): Record<string, string> {
  const since = from === '' ? '' : (startOfNamedDay(from, timezone)?.toISOString() ?? from);
  const until = to === '' ? '' : (startOfNamedDay(dayAfter(to), timezone)?.toISOString() ?? to);
  return { ...filters, since, until };
}

/** The instant at which `2026-11-26` begins there; undefined when that is no day. */
function startOfNamedDay(day: string, timezone: string): Date | undefined {
  const noon = Date.parse(`${day}T12:00:00Z`);
  if (Number.isNaN(noon)) return undefined;
  // Noon in Greenwich is that day nearly everywhere; in the far east it is the next one already.
  for (const hours of [0, -12, 12]) {
    const at = new Date(noon + hours * 3_600_000);
    if (dayOf(at, timezone) === day) return startOfDay(at, timezone);
  }
  return undefined;
}

function dayAfter(day: string): string {
  const noon = Date.parse(`${day}T12:00:00Z`);
  return Number.isNaN(noon) ? day : new Date(noon + 86_400_000).toISOString().slice(0, 10);
}

/** Whole days, so that what a tile counts is what its list shows. */
export function periodRange(
  period: OverviewPeriod,
  now: Date,
  timezone: string,
): { since: Date; until?: Date } {
  const today = startOfDay(now, timezone);
  const daysAgo = (days: number) =>
    startOfDay(new Date(today.getTime() - days * 86_400_000 + 43_200_000), timezone);
  switch (period) {
    case 'today':
      return { since: today };
    case 'yesterday':
      return { since: daysAgo(1), until: today };
    case '7d':
      return { since: daysAgo(6) };
    case '30d':
      return { since: daysAgo(29) };
  }
}
