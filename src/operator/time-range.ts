import * as z from 'zod';

/** `2026-11-24T03:15:00.000Z` */
export const instant = z.iso.datetime().describe('An instant, UTC.');

/** From a text of a query, in any offset. */
export const givenInstant = z.iso
  .datetime({ offset: true, local: false, error: 'must be an instant such as 2026-11-24T00:00:00Z.' })
  .transform((text) => new Date(text));

export const periods = ['today', 'yesterday', '24h', '7d', '30d', '90d', '365d'] as const;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const lengthsMs = {
  '24h': dayMs,
  '7d': 7 * dayMs,
  '30d': 30 * dayMs,
  '90d': 90 * dayMs,
  '365d': 365 * dayMs,
};

/** What a period or two instants name: from `since` up to, and without, `until`. Days are those of the time zone. */
export function rangeOf(
  asked: {
    period?: (typeof periods)[number] | undefined;
    since?: Date | undefined;
    until?: Date | undefined;
  },
  now: Date,
  timezone: string,
): { since: Date; until: Date } {
  const until = asked.until ?? now;
  if (asked.since) return { since: asked.since, until };
  const today = startOfDay(now, timezone);
  switch (asked.period) {
    case undefined:
    case 'today':
      return { since: today, until };
    case 'yesterday':
      return { since: startOfDay(new Date(today.getTime() - 1), timezone), until: today };
    default:
      return { since: new Date(until.getTime() - lengthsMs[asked.period]), until };
  }
}

/** Midnight before an instant, by the clocks of a time zone; the day's first instant where they skip midnight. */
export function startOfDay(at: Date, timezone: string): Date {
  const { day, msOfDay } = wallOf(at, timezone);
  let guess = new Date(at.getTime() - msOfDay);
  // Where clocks were changed since midnight, the guess is off by what they were changed by.
  for (let tries = 0; tries < 3; tries++) {
    const there = wallOf(guess, timezone);
    const better = new Date(guess.getTime() + (there.day === day ? 0 : dayMs) - there.msOfDay);
    if (dayOf(better, timezone) !== day) break;
    guess = better;
  }
  return guess;
}

/** `2026-11-24` */
export function dayOf(at: Date, timezone: string): string {
  return wallOf(at, timezone).day;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function wallOf(at: Date, timezone: string): { day: string; msOfDay: number } {
  let format = formats.get(timezone);
  if (!format) {
    format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: timezone,
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    formats.set(timezone, format);
  }
  const [day = '', time = ''] = format.format(at).split(' ');
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number);
  const ms = ((at.getTime() % 1000) + 1000) % 1000;
  return { day, msOfDay: ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms };
}
