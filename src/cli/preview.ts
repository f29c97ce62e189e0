import { buffer } from 'node:stream/consumers';
import { foldFields, kindOf, stateAt } from '../call/call.ts';
import { decodeBody, type Push, parsePush, UnreadablePush } from '../call/push.ts';
import { pushesIn } from '../call/recorded-pushes.ts';
import { endSample, startSample } from '../call/sample-pushes.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { ConfigProblems } from '../config/problems.ts';
import { type Drafted, draftedFrom } from '../config/read-call.ts';
import type { Settings } from '../config/settings.ts';
import { readText } from '../config/text-file.ts';
import { fileReason } from '../config/variables.ts';
import { environment } from '../runtime/environment.ts';
import type { Calls } from '../store/calls.ts';
import type { ConnectorMemory } from '../store/connector-memory.ts';
import { openStore } from '../store/open.ts';
import type { CommandOptions } from './command-options.ts';
import { type Moment, runDry, show } from './dry-run.ts';
import { plainText, print } from './plain-text.ts';
import { noCall, severalSources } from './selection.ts';
import { printJson } from './tables.ts';
import { configured, WrongUse } from './wrong-use.ts';

interface Choice {
  source?: string;
  connector?: string;
  /** Instead of pushes: a call that is stored. */
  call?: string;
  requests?: boolean;
  online?: boolean;
}

/** What pushes would write under the mapping as it is: the records, or the very requests. */
export async function preview(file: string | undefined, options: CommandOptions & Choice): Promise<void> {
  const config = await loadConfig(options.config, {
    env: environment(),
    asRead: true,
    standIns: !options.online,
  });
  const { settings } = config;
  const source = options.source ?? Object.keys(settings.sources)[0];
  configured('source', source, settings.sources);
  if (options.connector !== undefined) configured('connector', options.connector, settings.connectors);
  leaveOutUnset(settings, options.connector);
  if (file !== undefined && options.call !== undefined)
    throw new WrongUse('Name a file or --call, not both.');

  const online = options.online ?? false;
  // Pushes alone need no store; what a CRM is asked depends on what the store knows of people.
  const store =
    online || options.call !== undefined ? await openStore(settings.store.url, 'command') : undefined;
  try {
    const moments =
      store && options.call !== undefined
        ? [await storedCall(store, options.call, options, online)]
        : momentsOf(await readPushes(file), source as string);
    if (options.requests) await previewRequests(moments, config, options, online, store);
    else previewRecords(moments, settings, options);
  } finally {
    await store?.close();
  }
}

/**
 * A connector whose settings lack a variable, and that takes nothing in its place, keeps no other one from being shown.
 * @throws ConfigProblems where none is left
 */
function leaveOutUnset({ connectors }: Settings, only: string | undefined): void {
  const asked = only === undefined ? Object.keys(connectors) : [only];
  const unset = asked.flatMap((name) => {
    try {
      void connectors[name]?.options;
      return [];
    } catch (cause) {
      if (!(cause instanceof ConfigProblems)) throw cause;
      return [{ name, cause }];
    }
  });
  if (unset.length > 0 && unset.length === asked.length)
    throw new ConfigProblems(unset.flatMap(({ cause }) => cause.problems));
  for (const { name, cause } of unset) {
    console.error(plainText(`${name} is left out:\n${cause.message}\n`));
    delete connectors[name];
    process.exitCode = 1;
  }
}

async function previewRequests(
  moments: readonly Moment[],
  config: Config,
  { connector, json }: CommandOptions & Choice,
  online: boolean,
  store: ConnectorMemory | undefined,
): Promise<void> {
  const results = await runDry(moments, config, { online, store, connector });
  const outcomes = results.flatMap(({ connectors }) => connectors.map(({ outcome }) => outcome));
  if (outcomes.some((outcome) => outcome !== null && outcome.kind !== 'delivered')) process.exitCode = 1;
  if (json) {
    const shown = results.map(({ state, records: _, ...one }) => ({ callId: state.callId, ...one }));
    return printJson(shown);
  }
  print(
    online
      ? 'What only reads was sent. Nothing that writes was: ids that begin with "new" or have "NEW" in them are made up.\n'
      : 'Nothing was sent. The CRM is taken to be set up and empty; with --online it is asked what it holds.\n',
  );
  for (const one of results) show(one);
}

function previewRecords(
  moments: readonly Moment[],
  settings: Settings,
  { connector, json }: CommandOptions & Choice,
): void {
  const last = new Map(moments.map(({ state }) => [state.callId, state]));
  const previews = [...last.values()].map((state) => draftedFrom(settings, state, connector));
  if (json) printJson(previews);
  else for (const one of previews) tell(one);
}

function tell({ callId, routing, notes, connectors }: Drafted): void {
  print(`Call ${callId}`);
  for (const { place, matched, why } of routing.looked) {
    print(`  ${place} ${matched ? 'matches' : 'does not match'}: ${why}`);
  }
  if (routing.connectors.length === 0) print('  No route takes it: it would be kept, and shown as unrouted.');
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

async function readPushes(file: string | undefined): Promise<Push[]> {
  if (file === undefined) return [startSample, endSample].map(parsePush);
  const content =
    file === '-'
      ? decodeBody(await buffer(process.stdin))
      : await readText(file).catch((cause) => {
          throw new WrongUse(`${file} cannot be read: ${fileReason(cause)}.`, { cause });
        });
  try {
    return pushesIn(content);
  } catch (cause) {
    if (!(cause instanceof UnreadablePush)) throw cause;
    throw new Error(
      `${file === '-' ? 'Standard input' : file}: ${cause.message}\nIt must hold pushes as Delacon posts them: one, several with a blank line between, or a JSON array.`,
      { cause },
    );
  }
}

/** What each push makes of its call, in the order of the pushes. */
function momentsOf(pushes: readonly Push[], source: string): Moment[] {
  const now = new Date();
  const latest = new Map<string, Moment>();
  return pushes.map(({ callId, fields }) => {
    const before = latest.get(callId);
    const folded = foldFields(before?.state.fields, fields);
    const isRepeat = before !== undefined && folded === before.state.fields;
    const state = stateAt(now, source, callId, folded);
    const revision = (before?.revision ?? 0) + (isRepeat ? 0 : 1);
    const moment = { push: kindOf(fields), state, revision, isRepeat };
    latest.set(callId, moment);
    return moment;
  });
}

/** The call as it stands; with what is known of it to be in the CRM, where the CRM is asked too. */
async function storedCall(
  store: Pick<Calls, 'stories'>,
  callId: string,
  { source, config }: CommandOptions & Choice,
  online: boolean,
): Promise<Moment> {
  const [story, ...others] = await store.stories(callId, source);
  if (!story) throw noCall(callId, config);
  if (others.length > 0)
    throw severalSources(
      callId,
      [story, ...others].map(({ state }) => state.source),
    );
  const { state, revision, deliveries } = story;
  const known = Object.fromEntries(deliveries.map(({ connector, records }) => [connector, records]));
  return { push: 'stored', state, revision, isRepeat: false, ...(online ? { records: known } : {}) };
}
