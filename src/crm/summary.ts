import { type SummaryLine, summaryOf } from '../call/summary.ts';
import type { Delivery } from '../connector/contract.ts';

/** The title of an activity unless the configuration has another one. */
export const defaultTitle = '{{ call.title }}';

/** What Delacon told of a call, in lines that people read. @param longest in UTF-16 units */
export function textSummary({ call, source }: Delivery, longest: number): string {
  return joined(summaryOf(call, source.timezone), textLine, '\n', longest);
}

/** The same as HTML: everything is escaped, and addresses are links. */
export function htmlSummary({ call, source }: Delivery, longest: number): string {
  return joined(summaryOf(call, source.timezone), htmlLine, '<br>', longest);
}

/** A line that has no room is left out whole, and named at the end. */
function joined(
  lines: readonly SummaryLine[],
  written: (line: SummaryLine) => string,
  between: string,
  longest: number,
): string {
  const room = longest - 1_000; // for the names
  const leftOut: string[] = [];
  let all = '';
  for (const line of lines) {
    const one = (all === '' ? '' : between) + written(line);
    if (all.length + one.length <= room) all += one;
    else leftOut.push(line.label ?? '');
  }
  if (leftOut.length === 0) return all;
  return all + between + written({ label: 'Too long to be shown here', text: leftOut.join(', ') });
}

function textLine({ label, text }: SummaryLine): string {
  return label === undefined ? text : `${label}: ${text}`;
}

function htmlLine({ label, text, url, words }: SummaryLine): string {
  if (label === undefined) return `<strong>${escapeHtml(text)}</strong>`;
  if (url === undefined) return `<strong>${label}:</strong> ${escapeHtml(text)}`;
  const shown = words ?? shortAddress(text);
  return `<strong>${label}:</strong> <a href="${escapeHtml(url)}">${escapeHtml(shown)}</a>`;
}

/** The link has the whole of it. */
function shortAddress(text: string): string {
  const bare = text.replace(/^https?:\/\//i, '');
  return bare.length <= 80 ? bare : `${bare.slice(0, 79).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
