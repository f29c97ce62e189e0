import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { loadConfig } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import type { RecordDraft } from '../connector/contract.ts';
import { deliveryOf, routingOf } from '../reading.ts';
import { type CallState, foldFields, kindOf } from '../receive/call.ts';
import { type Push, parsePush } from '../receive/push.ts';
import type { Routing } from '../route/match.ts';
import type { Common } from './main.ts';
import { print } from './plain-text.ts';
import { endSample, startSample } from './sample-pushes.ts';
import { printJson } from './tables.ts';

/** What pushes would write under the mapping as it is, with no CRM and no store. */
export async function preview(
  file: string | undefined,
  options: Common & { source?: string },
): Promise<void> {
  const { settings } = await loadConfig(options.config, { env: process.env });
  const source = options.source ?? Object.keys(settings.sources)[0];
  if (source === undefined || !settings.sources[source]) {
    throw new Error(
      `There is no source "${source ?? ''}". Known: ${Object.keys(settings.sources).join(', ')}.`,
    );
  }
  const states = fold(await readPushes(file), source);
  const previews = states.map((state) => previewOf(settings, state));
  if (options.json) return printJson(previews);
  for (const one of previews) show(one);
}

interface Preview {
  callId: string;
  routing: Routing;
  notes: string[];
  connectors: { connector: string; records: RecordDraft[] }[];
}

function previewOf(settings: Settings, state: CallState): Preview {
  const routing = routingOf(settings, state);
  const delivery = deliveryOf(settings, { state, revision: 1, records: {}, failures: 0 });
  return {
    callId: state.callId,
    routing,
    notes: delivery?.call.notes ?? [],
    connectors: routing.connectors.flatMap((connector) => {
      const configured = settings.connectors[connector];
      if (!configured || !delivery) return [];
      return [{ connector, records: configured.definition.draft(configured.options, delivery) }];
    }),
  };
}

function show({ callId, routing, notes, connectors }: Preview): void {
  print(`Call ${callId}`);
  for (const { route, matched, why } of routing.looked) {
    print(`  route ${route} ${matched ? 'matches' : 'does not match'}: ${why}`);
  }
  if (connectors.length === 0) print('  No route takes it: it would be kept, and shown as unrouted.');
  for (const note of notes) print(`  note: ${note}`);
  for (const { connector, records } of connectors) {
    for (const { role, type, key, properties, notes: cut } of records) {
      print(`\n  ${connector}, ${role}: ${type}${key ? ` under ${key.property} = ${key.value}` : ''}`);
      const width = Math.max(...Object.keys(properties).map((name) => name.length));
      for (const [name, value] of Object.entries(properties)) {
        const shown = value instanceof Date ? value.toISOString() : String(value);
        print(`    ${name.padEnd(width)}  ${shown.replaceAll('\n', `\n    ${' '.repeat(width)}  `)}`);
      }
      for (const note of cut) print(`    note: ${note}`);
    }
  }
  print();
}

/** Bodies as they would be posted: one, several with blank lines between, or a JSON array of them. */
async function readPushes(file: string | undefined): Promise<Push[]> {
  if (file === undefined) return [startSample, endSample].map(parsePush);
  const content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  if (content.trimStart().startsWith('[')) {
    return (JSON.parse(content) as unknown[]).map((push) => parsePush(JSON.stringify(push)));
  }
  try {
    return [parsePush(content)];
  } catch {
    return content
      .split(/\n\s*\n/)
      .filter((part) => part.trim() !== '')
      .map(parsePush);
  }
}

function fold(pushes: readonly Push[], source: string): CallState[] {
  const now = new Date();
  const states = new Map<string, CallState>();
  for (const { callId, fields } of pushes) {
    const folded = foldFields(states.get(callId)?.fields, fields);
    const ended = kindOf(folded) === 'end' || kindOf(folded) === 'both';
    states.set(callId, {
      source,
      callId,
      fields: folded,
      firstReceivedAt: now,
      endReceivedAt: ended ? now : null,
      lapsed: false,
    });
  }
  return [...states.values()];
}
