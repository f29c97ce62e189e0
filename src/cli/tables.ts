import Table from 'cli-table3';
import { plainText, print } from './plain-text.ts';

/**
 * Rows under headings, without lines around every cell. Columns that are blank throughout are left out.
 * @param widths of the columns, for texts that are to be broken into lines
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  widths?: readonly number[],
): string {
  const kept = headings.map((_, column) => rows.some((row) => (row[column] ?? '') !== ''));
  const only = <T>(row: readonly T[]) => row.filter((_, column) => kept[column]);
  const drawn = new Table({
    head: only(headings),
    ...(widths ? { colWidths: only(widths), wordWrap: true } : {}),
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
    style: { head: process.stdout.isTTY ? ['bold'] : [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) drawn.push(only(row).map((cell) => plainText(cell.replace(/\s+/g, ' '))));
  return drawn.toString().replace(/[ \t]+$/gm, '');
}

/** `2026-11-24 13:05:09` in a time zone. */
export function localTime(instant: Date, timezone: string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', {
    timeZone: timezone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  return parts.format(instant);
}

export function printJson(value: unknown): void {
  // Escapes in a JSON text mean what they stand for.
  print(JSON.stringify(value, null, 2));
}
