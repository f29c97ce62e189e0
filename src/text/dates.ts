/** Runtimes take 30 February for 2 March. */
export function isDay(date: string): boolean {
  const ms = Date.parse(date);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date);
}

/** Whether a text is a day of the calendar, as 2026-11-24. */
export function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && isDay(text);
}

/**
 * The instant that a mapped value means: a Date, a text in ISO 8601 with its zone, a day, or epoch milliseconds. Anything
 * looser, such as `1 March` or a time without its zone, is read differently from one machine to the next.
 */
export function instantOf(value: string | number | boolean | Date): Date | undefined {
  if (typeof value === 'boolean') return undefined;
  const text = value instanceof Date ? '' : String(value).trim();
  const isIso =
    /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*(Z|[+-]\d\d:?\d\d))?$/.test(text) && isDay(text.slice(0, 10));
  if (!(value instanceof Date) && !isIso && !/^\d{10,14}$/.test(text)) return undefined;
  const instant = value instanceof Date ? value : new Date(isIso ? text : Number(text));
  return Number.isNaN(instant.getTime()) ? undefined : instant;
}
