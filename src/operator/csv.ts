import type { CallSummary } from './calls.ts';

type Cell = string | number | boolean | null;

const columns: [name: string, of: (call: CallSummary) => Cell][] = [
  ['received', (call) => call.receivedAt],
  ['started', (call) => call.startedAt],
  ['source', (call) => call.source],
  ['call id', (call) => call.callId],
  ['phase', (call) => call.phase],
  ['caller', (call) => call.caller.number ?? call.caller.display],
  ['dialled', (call) => call.dialled.number ?? call.dialled.display],
  ['answered by', (call) => call.answeredBy.number ?? call.answeredBy.display],
  ['dealer', (call) => call.dealer.name],
  ['dealer category', (call) => call.dealer.category],
  ['keywords', (call) => call.keywords],
  ['engine', (call) => call.engine],
  ['result', (call) => call.resultText],
  ['missed', (call) => call.missed],
  ['seconds', (call) => call.durationSeconds],
  [
    'deliveries',
    (call) => call.deliveries.map(({ connector, state }) => `${connector}: ${state}`).join(', '),
  ],
  ['reasons', (call) => call.deliveries.flatMap(({ reason }) => reason ?? []).join(' ')],
];

/** The calls as a table for spreadsheets (RFC 4180), page by page: however many there are, one page is in memory. */
export async function* csvOf(pages: AsyncIterable<readonly CallSummary[]>): AsyncGenerator<string> {
  yield `\u{feff}${columns.map(([name]) => name).join(',')}\r\n`; // with a BOM, Excel reads it as UTF-8
  for await (const page of pages)
    yield page.map((call) => `${columns.map(([, of]) => cellOf(of(call))).join(',')}\r\n`).join('');
}

/**
 * A text that a spreadsheet would take for a formula gets an apostrophe before it. A telephone number is one of them by
 * its plus sign, and harmless.
 */
function cellOf(value: Cell): string {
  if (typeof value !== 'string') return value === null ? '' : String(value);
  const isFormula = /^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(value) && !/^\+\d[\d*]*$/.test(value);
  const text = isFormula ? `'${value}` : value;
  return /[",\r\n\t]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
