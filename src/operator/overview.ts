import * as z from 'zod';
import { cacheOf } from '../cache.ts';
import type { CallIndex, IndexProgress, LagCount, ResultCounts } from '../store/call-index.ts';
import { msOfStep, spansMs, startOf, toQuarters } from '../store/time-buckets.ts';
import { type ConnectorHealth, connectorHealth } from './connectors.ts';
import { rejectedLately } from './rejected.ts';
import type { Readiness } from './status.ts';
import { givenInstant, instant, periods, startOfDay } from './time-range.ts';

export const overviewQuery = z.strictObject({
  period: z
    .enum(periods)
    .optional()
    .describe('Days are those of the time zone of the first source. Without one and without `since`: today.'),
  since: givenInstant.optional(),
  until: givenInstant.optional(),
});
export type OverviewQuery = z.output<typeof overviewQuery>;

const count = z.int().min(0);

/** Calls by what came of them. `unknown`: still ringing, or the end push has no result. */
const results = z.object({
  answered: count,
  unanswered: count,
  busy: count,
  other: count,
  unknown: count,
  missed: count.describe('By the `missed` setting of their source; they are among the others.'),
});

const top = z.array(results.extend({ name: z.string(), calls: count }));

export const indexState = z
  .object({
    behind: count.describe('Pushes that are stored and not yet seen here.'),
    late: z.boolean().describe('They are more than come within a moment, or some of them came longer ago.'),
    rebuilding: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .describe('How far the index has been built, 0 to 1, such as after an update. Null: it is complete.'),
  })
  .describe('Lists, charts and counts are read from an index that follows the stored pushes.');
export type IndexState = z.output<typeof indexState>;

/** More pushes than so many are missed in lists, and so are those that came longer ago; others are there before anybody looks. */
const mostBehind = 1_000;
const longestBehindMs = 2_000;

export function indexStateOf({ behind, behindSince, rebuilding }: IndexProgress, now: Date): IndexState {
  const forMs = behindSince ? now.getTime() - behindSince.getTime() : 0;
  return { behind, late: behind > mostBehind || forMs > longestBehindMs, rebuilding };
}

/** How things are, and what came in within a range of time. */
export const overview = z.object({
  since: instant,
  until: instant,
  timezone: z.string(),
  calls: z
    .object({
      received: count,
      inCrm: count.describe('All their deliveries are delivered.'),
      waiting: count.describe('A delivery is due, and none has failed.'),
      failed: count.describe('A delivery has failed.'),
      skipped: count.describe(
        'Somebody decided that a delivery be left out, and no other waits or has failed.',
      ),
      unrouted: count.describe('No route took them.'),
      connectors: z
        .array(
          z.object({
            connector: z.string(),
            calls: count.describe('That go to it.'),
            inCrm: count.describe('As they are by now.'),
            waiting: count,
            failed: count,
            skipped: count,
          }),
        )
        .describe('Of each connector that any of them go to. Each call counts in one place.'),
      missed: count,
    })
    .describe('Calls that were received within the range. Each but for `missed` is counted in one place.'),
  connectors: z.array(connectorHealth),
  bucket: z.enum(['hour', 'day']),
  byTime: z.array(results.extend({ at: instant.describe('When the hour or day begins.'), calls: count })),
  top: z.object({ sources: top, keywords: top, dealers: top }),
  lag: z
    .array(
      z.object({
        at: instant,
        connector: z.string(),
        deliveries: count,
        medianMs: z.number(),
        p95Ms: z.number(),
      }),
    )
    .describe('From the answer to a push until the CRM has it, by the time of delivery.'),
  rejected: rejectedLately,
  index: indexState,
  refusing: z.string().nullable().describe('Why pushes are refused with 503 now. Null: they are taken.'),
});
export type Overview = z.output<typeof overview>;

const dayMs = 86_400_000;
/** Longer ranges are told by day. */
const mostHours = 8 * 24;
const topNames = 10;
const none: ResultCounts = { calls: 0, answered: 0, unanswered: 0, busy: 0, other: 0, unknown: 0, missed: 0 };

export async function overviewOf(
  store: CallIndex,
  asked: { since: Date; until: Date; timezone: string; now: Date },
  connectors: (lag: readonly LagCount[]) => Promise<ConnectorHealth[]>,
  readiness: Readiness,
): Promise<Omit<Overview, 'rejected'>> {
  const { timezone } = asked;
  const { since, until } = toQuarters(asked.since, asked.until);
  const isByHour = until - since <= mostHours * 3_600_000;
  const buckets = isByHour ? hoursBetween(since, until) : daysBetween(since, until, timezone);
  const counts = await store.countCalls(buckets);
  const countAt = new Map(counts.map(({ at, ...count }) => [at, count]));
  const byTime = buckets.map(({ since: at }) => ({
    at: new Date(at).toISOString(),
    ...(countAt.get(at) ?? none),
  }));
  const received = counts.reduce((total, { calls }) => total + calls, 0);
  const missed = counts.reduce((total, count) => total + count.missed, 0);
  const tally = await store.tallyCalls(new Date(since), new Date(until));
  const inCrm = received - tally.failed - tally.waiting - tally.skipped - tally.unrouted;
  const lag = await store.countLag(since, until);
  const top = (facet: Parameters<CallIndex['topCalls']>[0]) => store.topCalls(facet, since, until, topNames);
  return {
    since: new Date(since).toISOString(),
    until: new Date(until).toISOString(),
    timezone,
    // While the index follows from behind, deliveries may be known of calls that it does not know yet.
    calls: {
      received,
      inCrm: Math.max(inCrm, 0),
      ...tally,
      connectors: tally.connectors.map((one) => ({
        ...one,
        inCrm: Math.max(one.calls - one.waiting - one.failed - one.skipped, 0),
      })),
      missed,
    },
    connectors: await connectors(lag),
    bucket: isByHour ? 'hour' : 'day',
    byTime,
    top: { sources: await top('source'), keywords: await top('keyword'), dealers: await top('dealer') },
    lag: lagOverTime(lag),
    index: indexStateOf(await store.indexProgress(), asked.now),
    refusing: await readiness(),
  };
}

/** Whole quarters that begin and end an hour are put to it. */
function hoursBetween(since: number, until: number): { since: number; until: number }[] {
  const hours: { since: number; until: number }[] = [];
  for (let at = since; at < until; ) {
    const end = Math.min(startOf('hour', at) + spansMs.hour, until);
    hours.push({ since: at, until: end });
    at = end;
  }
  return hours;
}

/** By time zone and midnight: the clocks of a year's days are slow to read. */
const midnights = cacheOf<string, number>(5_000);

function midnightAfter(midnight: number, timezone: string): number {
  const key = `${timezone} ${midnight}`;
  let next = midnights.get(key);
  if (next === undefined) {
    // 26 hours after midnight it is the next day, however clocks were changed.
    next = startOfDay(new Date(midnight + dayMs + 2 * spansMs.hour), timezone).getTime();
    midnights.set(key, next);
  }
  return next;
}

function daysBetween(since: number, until: number, timezone: string): { since: number; until: number }[] {
  const days: { since: number; until: number }[] = [];
  let midnight = startOfDay(new Date(since), timezone).getTime();
  for (let at = since; at < until; ) {
    const next = midnightAfter(midnight, timezone);
    midnight = next;
    // Before there was standard time, days began at odd seconds: a quarter has to be made headway of all the same.
    const end = Math.min(Math.max(startOf('quarter', next), at + spansMs.quarter), until);
    days.push({ since: at, until: end });
    at = end;
  }
  return days;
}

/** By connector and time, as the store has them in order. */
function lagOverTime(counts: readonly LagCount[]): Overview['lag'] {
  const groups: [LagCount, ...LagCount[]][] = [];
  for (const count of counts) {
    const group = groups.at(-1);
    if (group?.[0].at === count.at && group[0].connector === count.connector) group.push(count);
    else groups.push([count]);
  }
  return groups
    .sort(([a], [b]) => a.at - b.at || a.connector.localeCompare(b.connector))
    .map((group) => ({
      at: new Date(group[0].at).toISOString(),
      connector: group[0].connector,
      deliveries: group.reduce((total, { deliveries }) => total + deliveries, 0),
      ...lagOf(group)!,
    }));
}

/** Null when nothing was delivered. */
export function lagOf(counts: readonly LagCount[]): { medianMs: number; p95Ms: number } | null {
  const bySteps: number[] = []; // deliveries; steps are whole, and no more than some hundred
  let total = 0;
  for (const { step, deliveries } of counts) {
    bySteps[step] = (bySteps[step] ?? 0) + deliveries;
    total += deliveries;
  }
  if (total === 0) return null;
  const at = (share: number) => {
    let seen = 0;
    const found = bySteps.findIndex((deliveries = 0) => {
      seen += deliveries;
      return seen >= total * share;
    });
    return msOfStep(found);
  };
  return { medianMs: at(0.5), p95Ms: at(0.95) };
}
