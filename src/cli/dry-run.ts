import { stringify } from 'yaml';
import { openDry } from '../bridge/open-connection.ts';
import type { CallState } from '../call/call.ts';
import type { Records } from '../call/records.ts';
import { systemClock } from '../clock.ts';
import type { Config } from '../config/load.ts';
import { connectorsFor, deliveryOf } from '../config/read-call.ts';
import type { DryConnection, Outcome, PlannedRequest } from '../connector/contract.ts';
import { readOutcome } from '../deliver/read-outcome.ts';
import { createLog } from '../log.ts';
import type { ConnectorMemory } from '../store/connector-memory.ts';
import { dataDirOf } from '../store/open.ts';
import { TextFinder } from '../text/text-finder.ts';
import { patience } from './opened.ts';
import { print } from './plain-text.ts';

/** A state of a call that the bridge would deliver. */
export interface Moment {
  /** `start`, `end`, `both`, `neither`; `stored` for a call as it stands in the store. */
  push: string;
  state: CallState;
  revision: number;
  /** The push says nothing new, so nothing is delivered. */
  isRepeat: boolean;
  /** What the store knows to be in the CRM, by connector. */
  records?: Record<string, Records>;
}

export interface DryResult extends Moment {
  connectors: {
    connector: string;
    /** Null: this connector has no dry run. */
    requests: PlannedRequest[] | null;
    outcome: Outcome | null;
  }[];
}

/** Lets each connector deliver moment after moment, as the bridge would, without anything being written. */
export async function runDry(
  moments: readonly Moment[],
  config: Config,
  choice: { online: boolean; store: ConnectorMemory | undefined; connector: string | undefined },
): Promise<DryResult[]> {
  const stage = new Stage(config, choice);
  const results: DryResult[] = [];
  try {
    for (const moment of moments) results.push({ ...moment, connectors: await stage.play(moment) });
  } finally {
    await stage.close();
  }
  const hide = hiding(config.secrets);
  return results.map((one) => ({ ...one, connectors: hide(one.connectors) }));
}

class Stage {
  readonly #config: Config;
  readonly #choice: Parameters<typeof runDry>[2];
  readonly #connections = new Map<
    string,
    { connection: DryConnection | undefined; planned: PlannedRequest[] }
  >();
  /** By call, then by connector. */
  readonly #known = new Map<string, Map<string, Records>>();

  constructor(config: Config, choice: Parameters<typeof runDry>[2]) {
    this.#config = config;
    this.#choice = choice;
  }

  async play(moment: Moment): Promise<DryResult['connectors']> {
    if (moment.isRepeat) return [];
    const { settings } = this.#config;
    const { callId } = moment.state;
    const known = this.#known.get(callId) ?? new Map(Object.entries(moment.records ?? {}));
    this.#known.set(callId, known);
    // Whoever got an earlier state of the call gets the later ones as well, whatever the routes say of them.
    for (const name of connectorsFor(settings, moment.state)) if (!known.has(name)) known.set(name, {});
    const played: DryResult['connectors'] = [];
    for (const [connector, records] of known) {
      if (!settings.connectors[connector] || connector !== (this.#choice.connector ?? connector)) continue;
      const { connection, planned } = await this.#open(connector);
      const delivery = deliveryOf(settings, { ...moment, urgency: 'live', records, failures: 0 });
      if (!connection || !delivery) {
        played.push({ connector, requests: null, outcome: null });
        continue;
      }
      const outcome = await connection.deliver([delivery], patience()).then(
        ([answer]) => readOutcome(answer),
        (thrown: Error): Outcome => ({ kind: 'retry', reason: thrown.message }),
      );
      known.set(connector, { ...records, ...outcome.records });
      played.push({ connector, requests: planned.splice(0), outcome });
    }
    return played;
  }

  async #open(connector: string) {
    const open = this.#connections.get(connector);
    if (open) return open;
    const { settings } = this.#config;
    const planned: PlannedRequest[] = [];
    const { online, store } = this.#choice;
    const connection = await openDry(
      connector,
      settings.connectors[connector]!,
      {
        store: online ? store : undefined,
        clock: systemClock,
        log: createLog('silent'),
        dataDir: dataDirOf(settings.store.url),
      },
      { online, plan: (request) => planned.push(request) },
    );
    const opened = { connection, planned };
    this.#connections.set(connector, opened);
    return opened;
  }

  async close(): Promise<void> {
    for (const { connection } of this.#connections.values()) await connection?.close();
  }
}

/** Shorter texts stand in ordinary words. */
const shortestSecret = 6;

/** An address may hold a secret, and so may what a mapping takes from a variable. */
function hiding(secrets: readonly string[]): <T>(value: T) => T {
  const finder = new TextFinder(secrets.filter(({ length }) => length >= shortestSecret));
  const hide = (value: unknown): unknown => {
    if (typeof value === 'string') return finder.replace(value, () => '[secret]');
    if (typeof value !== 'object' || value === null || value instanceof Date) return value;
    if (Array.isArray(value)) return value.map(hide);
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, hide(inner)]));
  };
  return <T>(value: T) => hide(value) as T;
}

const pushNames: Record<string, string> = {
  start: 'its start arrives',
  end: 'its end arrives',
  both: 'its start and end arrive in one',
  neither: 'a push arrives that tells neither of its start nor of its end',
  stored: 'as it is stored, delivered again',
};

export function show({ push, state, revision, isRepeat, connectors }: DryResult): void {
  print(`Call ${state.callId}, revision ${revision}: ${pushNames[push] ?? push}`);
  if (isRepeat) print('  It says nothing new: nothing is delivered.');
  else if (connectors.length === 0) print('  No route takes it: it would be kept, and shown as unrouted.');
  for (const { connector, requests, outcome } of connectors) {
    if (!requests || !outcome) {
      print(`\n  ${connector}: this connector has no dry run. Without --requests, its records are shown.`);
      continue;
    }
    print(`\n  ${connector}: ${outcomeText(outcome)}`);
    if (outcome.whyPerson) print(`    person: ${outcome.whyPerson}`);
    for (const note of outcome.notes ?? []) print(`    note: ${note}`);
    if (requests.length === 0) print('    No request.');
    for (const request of requests) showRequest(request);
  }
  print();
}

function showRequest({ method, path, body, sent }: PlannedRequest): void {
  print(`\n    ${method} ${readable(path)}${sent ? '   (sent: it only reads)' : ''}`);
  if (body === undefined) return;
  const yaml = typeof body === 'string' ? body : stringify(decoded(body), { lineWidth: 0 });
  print(yaml.trimEnd().replace(/^/gm, '      '));
}

function outcomeText(outcome: Outcome): string {
  if (outcome.kind !== 'delivered') return `${outcome.kind}. ${outcome.reason}`;
  const records = Object.entries(outcome.records).map(([role, { type, id }]) => `${role} ${type} ${id}`);
  return records.length > 0 ? `delivered, ${records.join(', ')}` : 'delivered';
}

/** Queries stand in addresses, where they are hard to read. */
function readable(path: string): string {
  try {
    return decodeURIComponent(path.replaceAll('+', ' '));
  } catch {
    return path;
  }
}

function decoded(value: unknown): unknown {
  if (typeof value === 'string') return /^\/\S*\?\S*%/.test(value) ? readable(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(decoded);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, decoded(inner)]));
}
