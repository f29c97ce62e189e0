/*
 * Fills a store with a million calls of a year, brings the index up to them, and times what the operator asks. Prints
 * JSON. The calls, pushes and deliveries are put into the tables in bulk, as receiving and delivering would leave them;
 * the index is made by its own steps.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import type { Settings } from '../../src/config/settings.ts';
import { type CallsQuery, callsQuery } from '../../src/operator/calls.ts';
import { indexedCall, readingVersion } from '../../src/operator/indexed-call.ts';
import { Operator } from '../../src/operator/operator.ts';
import { hasEnd, laneOf } from '../../src/receive/call.ts';
import { openDatabase } from '../../src/runtime/sqlite.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { load } from '../config/with-config.ts';
import { pick as pickOf, seeded } from '../support/random.ts';
import type { OperatorMeasure } from './operator.ts';

const calls = Number(process.env['CALLS'] ?? 1_000_000);
const asks = Number(process.env['ASKS'] ?? 30);
const year = 365 * 86_400_000;
const random = seeded(7);
const pick = <T>(from: readonly T[]): T => pickOf(random, from);

const dealers = Array.from(
  { length: 300 },
  (_, n) =>
    `${pick(['Northside', 'Harbour', 'Southern', 'Western', 'Central'])} ${pick(['Plumbing', 'Gas', 'Electrical', 'Roofing', 'Tiling'])} ${n}`,
);
const terms = [
  'hot',
  'water',
  'emergency',
  'blocked',
  'drain',
  'gas',
  'fitter',
  'repair',
  'near',
  'me',
  'cheap',
  'best',
  'after',
  'hours',
  'leak',
  'tap',
  'heater',
  'sydney',
  'perth',
  'auckland',
];
const keywords = Array.from({ length: 5_000 }, () =>
  Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(terms)).join(' '),
);
const cities = ['Sydney', 'Perth', 'Melbourne', 'Brisbane', 'Adelaide', 'Darwin', 'Hobart'];

function fill(file: string, now: number): void {
  const database = openDatabase(file);
  database.exec('pragma synchronous=off; pragma cache_size=-200000');
  const addCall = database.prepare(
    'insert into calls (id, source, call_id, revision, lane, first_received_at, last_received_at, end_received_at, lapsed, lapse_at) values (?, ?, ?, 1, ?, ?, ?, ?, 0, null)',
  );
  const addPush = database.prepare(
    'insert into pushes (call, received_at, body, repeats, last_repeat_at) values (?, ?, ?, 0, null)',
  );
  const addDelivery = database.prepare(
    "insert into deliveries (call, connector, state, wanted_revision, delivered_revision, due_at, attempts, failures, failing_since, last_reason, records) values (?, ?, ?, 1, ?, ?, 1, 0, null, ?, '{}')",
  );
  database.exec('begin');
  for (let n = 1; n <= calls; n++) {
    const receivedAt = Math.floor(now - year + (n / calls) * year);
    const source = random() < 0.7 ? 'acme' : random() < 0.9 ? 'beta' : 'gamma';
    const fields = {
      PLA_Call_Id: String(7_000_000 + n),
      PLA_Caller_Phone_Number: `+614${String(Math.floor(random() * 1e8)).padStart(8, '0')}`,
      PLA_City: pick(cities),
      PLA_Number_Dialed: '0288889999',
      PLA_Dealer_Name: pick(dealers),
      PLA_Keywords_Searched: random() < 0.6 ? pick(keywords) : '',
      PLA_Search_Engine_Used: pick(['google', 'bing', 'direct']),
      PLA_CID: '123',
      PLA_CallStartTime: String(receivedAt).padStart(20, '0'),
      PLA_CallResult: pick(['Answered', 'Answered', 'Answered', 'Unanswered', 'Busy']),
      PLA_Duration: '50s',
    };
    const ended = hasEnd(fields) ? receivedAt : null;
    addCall.run(n, source, fields.PLA_Call_Id, laneOf('', fields), receivedAt, receivedAt, ended);
    addPush.run(n, receivedAt, JSON.stringify(fields));
    if (random() < 0.002) continue; // unrouted
    const isNew = n > calls - 5_000;
    const state = isNew ? 'due' : random() < 0.003 ? 'failed' : 'delivered';
    const dueAt = state === 'due' ? receivedAt : null;
    addDelivery.run(
      n,
      'crm',
      state,
      state === 'delivered' ? 1 : 0,
      dueAt,
      state === 'failed' ? 'The stage does not exist.' : null,
    );
    if (source === 'gamma') addDelivery.run(n, 'other', 'delivered', 1, null, null);
    if (n % 50_000 === 0) database.exec('commit; begin');
  }
  database.exec('commit');
  database.close();
}

async function timed(what: string, ask: (n: number) => Promise<unknown>): Promise<OperatorMeasure> {
  const times: number[] = [];
  for (let n = 0; n < asks; n++) {
    const started = performance.now();
    await ask(n);
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] as number;
  return { what, p50Ms: at(0.5), p95Ms: at(0.95) };
}

async function measure(file: string, settings: Settings): Promise<OperatorMeasure[]> {
  const store = await openSqliteStore(file, 'bridge');
  const version = readingVersion(settings);
  const started = performance.now();
  const steps: number[] = [];
  for (;;) {
    const step = performance.now();
    const { isDone } = await store.indexCalls(version, (state) => indexedCall(settings, state), 40);
    steps.push(performance.now() - step);
    if (isDone) break;
  }
  steps.sort((a, b) => a - b);
  const perCall = (performance.now() - started) / calls;
  const measures: OperatorMeasure[] = [
    {
      what: 'a step of 40 calls of the index being made',
      p50Ms: steps[steps.length >> 1]!,
      p95Ms: steps[Math.floor(steps.length * 0.95)]!,
    },
    { what: 'the index made, for each call', p50Ms: perCall, p95Ms: perCall },
  ];
  const operator = new Operator({
    store,
    settings: () => settings,
    clock: systemClock,
    withConnection: () => Promise.reject(new Error('no connection')),
    running: () => undefined,
    pushUrls: () => [],
    wake: () => {},
  });
  const list = async (what: string, query: Record<string, string>) => {
    const parsed = callsQuery.parse(query) as CallsQuery;
    const { calls: found } = await operator.calls(parsed);
    measures.push(await timed(`list, ${what} (${found.length} found)`, () => operator.calls(parsed)));
  };
  for (const period of ['today', '7d', '30d', '365d'] as const)
    measures.push(await timed(`overview, ${period}`, () => operator.overview({ period })));
  await list('newest', {});
  await list('far behind', { after: String(Math.floor(calls / 10)) });
  await list('source', { source: 'gamma' });
  await list('source and result', { source: 'beta', result: 'busy' });
  await list('missed of a source', { source: 'gamma', missed: 'true' });
  await list('failed', { state: 'failed' });
  await list('failed of a source, busy, in a month', {
    state: 'failed',
    source: 'gamma',
    result: 'busy',
    since: new Date(Date.now() - 200 * 86_400_000).toISOString(),
    until: new Date(Date.now() - 170 * 86_400_000).toISOString(),
  });
  await list('waiting', { state: 'due' });
  await list('delivered, of a connector with few', { state: 'delivered', connector: 'other' });
  await list('unrouted', { state: 'unrouted' });
  await list('nothing matches', { connector: 'other', source: 'acme' });
  await list('search whole number', { search: '0412345678' });
  await list('search beginning of a number', { search: '0412 3' });
  await list('search short beginning', { search: '+614' });
  await list('search end of a number', { search: '5678' });
  await list('search call id', { search: '7123456' });
  await list('search dealer', { search: 'northside plumbing' });
  await list('search rare words, failed', { search: 'tiling leak auckland', state: 'failed' });
  await list('search common word, of a small source', { search: 'sydney', source: 'gamma' });
  await list('search nothing has', { search: 'zeppelin' });
  await list('a month ago', { until: new Date(Date.now() - 30 * 86_400_000).toISOString() });
  measures.push(await timed('count of a replay, failed', () => operator.countReplay({ state: 'failed' })));
  await store.close();
  return measures;
}

const folder = mkdtempSync(join(tmpdir(), 'bench-'));
try {
  const file = join(folder, 'bridge.db');
  await (await openSqliteStore(file, 'bridge')).close();
  fill(file, Date.now());
  const settings = (
    await load(
      'sources: { acme: {}, beta: { callIdPrefix: b- }, gamma: { callIdPrefix: g- } }\nconnectors: { crm: { type: sandbox }, other: { type: sandbox } }\n',
    )
  ).settings;
  console.log(JSON.stringify(await measure(file, settings), null, 1));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
