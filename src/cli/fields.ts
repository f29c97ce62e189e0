import { type CallState, stateAt } from '../call/call.ts';
import { type DelaconField, delaconFields } from '../call/delacon-fields.ts';
import { type Fields, pushFields } from '../call/push.ts';
import { summaryOf } from '../call/summary.ts';
import { loadConfig } from '../config/load.ts';
import { callOf, deliveryOf } from '../config/read-call.ts';
import type { Settings } from '../config/settings.ts';
import { environment } from '../runtime/environment.ts';
import type { CommandOptions } from './command-options.ts';
import { print } from './plain-text.ts';
import { printJson } from './tables.ts';
import { configured } from './wrong-use.ts';

/** A field of Delacon's, and where a connector shows it: in which properties, by record. */
interface Shown extends Omit<DelaconField, 'read'> {
  name: string;
  /** The lines of what people read of the call. */
  summary: string[];
  connectors: Record<string, Record<string, string[]>>;
}

/**
 * Every field of the vendor's article: what templates call it, what Delacon sends in it, and where it shows under the
 * configuration as it is. The last is found by writing two calls that differ in that field alone.
 */
export async function fields(
  options: CommandOptions & { connector?: string; markdown?: boolean },
): Promise<void> {
  const { settings } = await loadConfig(options.config, { env: environment(), asRead: true, standIns: true });
  const { connector } = options;
  if (connector !== undefined) configured('connector', connector, settings.connectors);
  const names = connector === undefined ? Object.keys(settings.connectors) : [connector];
  const all = pushFields.map((name) => shownOf(name, settings, names));
  if (options.json) printJson(all);
  else if (options.markdown) print(markdown(all, names));
  else for (const one of all) tell(one);
}

function shownOf(name: (typeof pushFields)[number], settings: Settings, connectors: string[]): Shown {
  const { read: _, ...field } = delaconFields[name];
  const summary = new Set<string>();
  const places: Shown['connectors'] = Object.fromEntries(connectors.map((connector) => [connector, {}]));
  for (const base of examples) {
    const other = { ...base, [name]: changed(base[name] as string) };
    for (const line of summaryLines(settings, other))
      if (!summaryLines(settings, base).some(({ text }) => text === line.text))
        summary.add(line.label ?? 'first line');
    for (const connector of connectors) {
      const before = valuesOf(settings, connector, base);
      for (const [place, value] of valuesOf(settings, connector, other)) {
        const isSummary = /\n|<br>/.test(value);
        if (isSummary || before.get(place) === value) continue;
        const [record = '', property = ''] = place.split(' ');
        const shown = places[connector]!;
        shown[record] = [...new Set([...(shown[record] ?? []), property])];
      }
    }
  }
  return { name, ...field, summary: [...summary], connectors: places };
}

/** A call that was answered, and one that left a message: each shows what the other does not. */
const answered: Fields = Object.fromEntries(pushFields.map((name) => [name, delaconFields[name].example]));
const examples: readonly Fields[] = [
  { ...answered, PLA_VoicemailLeft: 'No' },
  { ...answered, PLA_CallResult: 'Unanswered' },
];
const receivedAt = new Date(Number(delaconFields.PLA_CallStartTime.example) + 60_000);

const others: Readonly<Record<string, string>> = {
  Yes: 'No',
  No: 'Yes',
  Y: 'R',
  Answered: 'Busy',
  Unanswered: 'Busy',
};

/** Another value of the same form. */
function changed(value: string): string {
  if (others[value]) return others[value];
  if (/^https?:/.test(value)) return value.replace(/(?<=gclid=|campaign=)/g, 'x').replace(/(?<=\/\/)/, 'a');
  // A day later, where it is a time.
  if (/^0{6,}\d/.test(value)) return String(Number(value) - 86_400_000).padStart(value.length, '0');
  return /\d/.test(value)
    ? value.replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 1) % 10))
    : `${value} 2`;
}

function stateOf(settings: Settings, fields: Fields): CallState {
  const source = Object.keys(settings.sources)[0] as string;
  return stateAt(receivedAt, source, fields['PLA_Call_Id'] as string, fields);
}

function summaryLines(settings: Settings, fields: Fields) {
  const state = stateOf(settings, fields);
  const call = callOf(settings, state);
  return call ? summaryOf(call, settings.sources[state.source]?.timezone ?? 'UTC') : [];
}

/** By record and property: `contact phone`. */
function valuesOf(settings: Settings, connector: string, fields: Fields): Map<string, string> {
  const delivery = deliveryOf(settings, {
    state: stateOf(settings, fields),
    urgency: 'live',
    revision: 1,
    records: {},
    failures: 0,
  });
  const { definition, options } = settings.connectors[connector]!;
  return new Map(
    (delivery ? definition.draft(options, delivery) : []).flatMap(({ type, key, properties }) => [
      ...(key ? [[`${type} ${key.property}`, key.value] as const] : []),
      ...Object.entries(properties).map(
        ([name, value]) =>
          [`${type} ${name}`, value instanceof Date ? value.toISOString() : String(value)] as const,
      ),
    ]),
  );
}

const placesText = (places: Record<string, string[]>, around = '') =>
  Object.entries(places)
    .map(([record, names]) => `${record}: ${names.map((name) => `${around}${name}${around}`).join(', ')}`)
    .join('; ');

function tell({ name, template, kind, example, says, summary, connectors }: Shown): void {
  print(`${name.padEnd(26)}{{ ${template} }}`);
  print(`  ${kind}, such as ${example}. ${says.replaceAll('`', '')}`);
  if (summary.length > 0) print(`  summary: ${summary.join(', ')}`);
  for (const [connector, places] of Object.entries(connectors))
    if (Object.keys(places).length > 0) print(`  ${connector}, ${placesText(places)}`);
  print();
}

function markdown(all: readonly Shown[], connectors: readonly string[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['field', 'in templates', 'example', 'what it is', 'in the summary', ...connectors]),
    row(Array.from({ length: 5 + connectors.length }, () => '---')),
    ...all.map(({ name, template, kind, example, says, summary, connectors: places }) =>
      row([
        `\`${name}\``,
        `\`${template}\``,
        `\`${example}\``,
        `${kind}. ${says.replaceAll('|', '\\|')}`,
        summary.join(', '),
        ...connectors.map((connector) => placesText(places[connector] ?? {}, '`')),
      ]),
    ),
  ].join('\n');
}
