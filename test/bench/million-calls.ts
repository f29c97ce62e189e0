/*
 * Fills a store with a million calls of a year, brings the index up to them, and times what the operator asks. Prints
 * JSON. CALLS and ASKS scale it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import type { Settings } from '../../src/config/settings.ts';
import { type CallsQuery, callsQuery } from '../../src/operator/calls.ts';
import { indexedCall, readingsOf } from '../../src/operator/indexed-call.ts';
import { Operator } from '../../src/operator/operator.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { load } from '../config/with-config.ts';
import type { OperatorMeasure } from './operator.ts';
import { fillYear } from './year-of-calls.ts';

const calls = Number(process.env['CALLS'] ?? 1_000_000);
const asks = Number(process.env['ASKS'] ?? 30);
/** The newest ones are indexed by steps as the bridge makes them, the others by large ones. */
const inSmallSteps = 2_000;

async function timed(what: string, ask: () => Promise<unknown>, often = asks): Promise<OperatorMeasure> {
  const times: number[] = [];
  const cpuTimes: number[] = [];
  for (let n = 0; n < often; n++) {
    const started = performance.now();
    const cpu = process.cpuUsage();
    await ask();
    const { user, system } = process.cpuUsage(cpu);
    times.push(performance.now() - started);
    cpuTimes.push((user + system) / 1000);
  }
  const at = (of: number[], share: number) =>
    of.sort((a, b) => a - b)[Math.min(of.length - 1, Math.floor(of.length * share))] as number;
  return { what, p50Ms: at(times, 0.5), p95Ms: at(times, 0.95), cpuMs: at(cpuTimes, 0.5) };
}

async function measure(file: string, settings: Settings): Promise<OperatorMeasure[]> {
  const store = await openSqliteStore(file, 'bridge');
  const readings = readingsOf(settings);
  const index = (limit: number) => store.indexCalls(readings, (state) => indexedCall(settings, state), limit);
  const measures: OperatorMeasure[] = [
    await timed('a step of 8 calls of the index', () => index(8), inSmallSteps / 8),
  ];
  const started = performance.now();
  while (!(await index(5_000)).isDone);
  const perCall = (performance.now() - started) / calls;
  const what = 'the index made in large steps, for each call';
  measures.push({ what, p50Ms: perCall, p95Ms: perCall, cpuMs: perCall });
  const operator = new Operator({
    store,
    settings: () => settings,
    clock: systemClock,
    withConnection: () => Promise.reject(new Error('no connection')),
    running: () => undefined,
    pushUrls: () => ({ create: '', update: '', single: '' }),
    taken: () => {},
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
  const [newest] = (await operator.calls({ limit: 1 })).calls;
  await list('search whole number', { search: newest?.caller.display ?? '' });
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
  fillYear(file, calls, Date.now());
  const settings = (
    await load(
      'sources: { acme: {}, beta: { callIdPrefix: b- }, gamma: { callIdPrefix: g- } }\nroutes: [{ to: [crm, other] }]\nconnectors: { crm: { type: sandbox }, other: { type: sandbox } }\n',
    )
  ).settings;
  console.log(JSON.stringify(await measure(file, settings), null, 1));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
