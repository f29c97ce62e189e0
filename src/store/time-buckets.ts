/*
 * Counts are kept for quarters of an hour, hours, days, weeks of 8 days and months of 32, so that a long range is summed from a
 * few long spans and, at its ends, some short ones. All are spans of the epoch: a day of a time zone is made of hours.
 */

const quarterMs = 15 * 60_000;

export const spansMs = {
  quarter: quarterMs,
  hour: 4 * quarterMs,
  day: 96 * quarterMs,
  week: 8 * 96 * quarterMs,
  month: 32 * 96 * quarterMs,
} as const;

export type Span = keyof typeof spansMs;

export interface SpanRange {
  span: Span;
  /** Of the first span. */
  from: number;
  /** After the last one. */
  to: number;
}

export function startOf(span: Span, at: number): number {
  return Math.floor(at / spansMs[span]) * spansMs[span];
}

/** The range, widened to whole quarters. */
export function toQuarters(since: Date, until: Date): { since: number; until: number } {
  return {
    since: startOf('quarter', since.getTime()),
    until: startOf('quarter', until.getTime() + quarterMs - 1),
  };
}

/** The fewest spans that make a range of whole quarters. */
export function spansBetween(since: number, until: number, spans: readonly Span[]): SpanRange[] {
  const longestFirst = [...spans].sort((a, b) => spansMs[b] - spansMs[a]);
  const ranges: SpanRange[] = [];
  for (let at = since; at < until; ) {
    const span = longestFirst.find((one) => at % spansMs[one] === 0 && at + spansMs[one] <= until);
    if (span === undefined) throw new RangeError('a range of time is not made of whole quarters');
    const last = ranges.at(-1);
    if (last?.span === span) last.to += spansMs[span];
    else ranges.push({ span, from: at, to: at + spansMs[span] });
    at += spansMs[span];
  }
  return ranges;
}

/** A time in steps of an eighth of an octave, and back: close enough for a median, and few to count. */
export function stepOfMs(ms: number): number {
  return Math.round(8 * Math.log2(Math.max(ms, 0) + 1));
}

export function msOfStep(step: number): number {
  return Math.round(2 ** (step / 8) - 1);
}
