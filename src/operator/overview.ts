import * as z from 'zod';
import { connectorHealth } from './connectors.ts';
import { givenInstant, instant, periods } from './time-range.ts';

export const overviewQuery = z.object({
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
    rebuilding: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .describe('How far the index has been built, 0 to 1, such as after an update. Null: it is complete.'),
  })
  .describe('Lists, charts and counts are read from an index that follows the stored pushes.');
export type IndexState = z.output<typeof indexState>;

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
  rejected: count.describe('Unreadable pushes that are kept.'),
  index: indexState,
});
export type Overview = z.output<typeof overview>;
