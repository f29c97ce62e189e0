import * as z from 'zod';

const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

export const timeOfDay = z
  .string()
  .regex(/^([01]?\d|2[0-3]):[0-5]\d$/, { error: 'must be a time such as "09:00".', abort: true })
  .transform((time) => time.padStart(5, '0'));

export const hoursOption = z
  .strictObject({
    days: z.array(z.enum(days)).min(1).default(['mon', 'tue', 'wed', 'thu', 'fri']).describe('Working days.'),
    from: timeOfDay.prefault('09:00').describe('Opening, in the time zone of the source.'),
    to: timeOfDay.prefault('17:00').describe('Closing.'),
    except: z.array(z.iso.date()).default([]).describe('Days on which nobody works, as 2026-12-25.'),
  })
  .refine(({ from, to }) => from < to, { path: ['to'], error: 'must be later than `from`.' })
  .describe('Working hours.');

export type Hours = z.output<typeof hoursOption>;

const dayMs = 86_400_000;
/** Holidays of a year in a row, and more: who never works gets what is asked for without hours. */
const longestSearchDays = 800;

/** When `workMs` of working time have passed since `start`. */
export function afterWorking(start: Date, workMs: number, hours: Hours, timezone: string): Date {
  let left = workMs;
  for (const date of workingDays(start, hours, timezone)) {
    const opens = instantAt(date, hours.from, timezone);
    const closes = instantAt(date, hours.to, timezone);
    const begins = Math.max(opens, start.getTime());
    if (begins >= closes) continue;
    if (left <= closes - begins) return new Date(begins + left);
    left -= closes - begins;
  }
  return new Date(start.getTime() + workMs);
}

/** The next time that people begin to work: on the same day, before they have. */
export function nextOpening(start: Date, hours: Hours, timezone: string): Date {
  for (const date of workingDays(start, hours, timezone)) {
    const opens = instantAt(date, hours.from, timezone);
    if (opens > start.getTime()) return new Date(opens);
  }
  return new Date(start.getTime() + dayMs);
}

/** From the day of `start` on. */
function* workingDays(start: Date, hours: Hours, timezone: string): Generator<string> {
  const first = Date.parse(localDate(start, timezone));
  for (let n = 0; n < longestSearchDays; n++) {
    const date = new Date(first + n * dayMs).toISOString().slice(0, 10);
    if (isWorkingDay(date, hours)) yield date;
  }
}

function isWorkingDay(date: string, { days: working, except }: Hours): boolean {
  const day = days[new Date(date).getUTCDay()] as Hours['days'][number];
  return working.includes(day) && !except.includes(date);
}

/** The calendar day there, as 2026-11-24. */
export function localDate(instant: Date, timezone: string): string {
  return localText(instant, timezone).slice(0, 10);
}

/** Epoch milliseconds of a local time. One that a change to daylight saving leaves out is taken as just after it. */
export function instantAt(date: string, time: string, timezone: string): number {
  const wanted = Date.parse(`${date}T${time}:00Z`);
  const offsetAt = (instant: number) =>
    Date.parse(`${localText(new Date(instant), timezone)}Z`) - Math.floor(instant / 1000) * 1000;
  const guess = wanted - offsetAt(wanted);
  return wanted - offsetAt(guess);
}

/** By time zone: making one costs far more than using it. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** As 2026-11-24T15:04:05. */
export function localText(instant: Date, timezone: string): string {
  let format = formats.get(timezone);
  if (!format) {
    format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: timezone,
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    formats.set(timezone, format);
  }
  return format.format(instant).replace(' ', 'T');
}
