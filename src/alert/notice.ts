import { localText } from '../text/business-hours.ts';

/** What is sent to people. Its texts hold no secret and no whole phone number, and no line breaks. */
export interface Notice {
  /** The same at each try to send it. */
  id: string;
  kind: 'raised' | 'reminder' | 'recovered' | 'digest' | 'test';
  /** What it is about: a condition's, or null for a digest and a test. */
  about: { what: What; of: string } | null;
  at: Date;
  title: string;
  lines: string[];
}

/** Kinds of conditions. */
export type What = 'blocked' | 'failed' | 'backlog' | 'silence' | 'store' | 'unreadable' | 'refused';

const longestLine = 500;

/** Makes texts from outside fit for a line: no secrets, no whole numbers, nothing that breaks or drives the display. */
export function oneLine(text: string, redact: (text: string) => string): string {
  const line = redact(text)
    .replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return line.length > longestLine
    ? `${line.slice(0, longestLine - 1).replace(/[\ud800-\udbff]$/, '')}…`
    : line;
}

/** As `2026-11-24 15:04`. */
export function timeText(at: Date, timezone: string): string {
  return localText(at, timezone).slice(0, 16).replace('T', ' ');
}

/** As `2 h 5 min`. */
export function durationText(ms: number): string {
  const minutes = Math.max(Math.round(ms / 60_000), 0);
  const parts = [
    [Math.floor(minutes / 1440), 'd'],
    [Math.floor(minutes / 60) % 24, 'h'],
    [minutes % 60, 'min'],
  ] as const;
  const said = parts.filter(([n]) => n > 0).slice(0, 2);
  return said.map(([n, unit]) => `${n} ${unit}`).join(' ') || 'less than a minute';
}
