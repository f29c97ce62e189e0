import { type RunningWorker, withWorker } from '../support/with-worker.ts';
import { backlog, type Crm, callers, hubspotCrm, salesforceCrm } from './backlog.ts';
import type { Bench, Row } from './row.ts';

const calls = 2_500;
const arriveMs = 30_000;
const downMs = 40_000;
const mostMeanwhile = 20;
const tolerance = 0.2;
/** Of the default `delivery.probe`: the wait that 40 s of an outage end in. */
const probeWaitMs = 60_000;
const latencyMs = 50;

/** Calls that come while the CRM answers 503, against the same calls without an outage, in real time. */
export const outage: Bench = async ({ runtime }) => [
  {
    runtime,
    ...(await measured('HubSpot', () =>
      hubspotCrm({ limits: { perTenSeconds: 190, searchesPerSecond: 5 }, latencyMs }),
    )),
  },
  { runtime, ...(await measured('Salesforce', () => salesforceCrm({ requestsPerDay: 15_000, latencyMs }))) },
];

async function measured(name: string, start: () => Promise<Crm>): Promise<Omit<Row, 'runtime'>> {
  const plain = await run(start, plainly);
  const after = await run(start, throughAnOutage);
  const ratio = after.requests / plain.requests;
  const seconds = (ms: number) => (ms / 1000).toFixed(0);
  const latestMs = probeWaitMs + plain.tookMs * (1 + tolerance);
  return {
    what: `${name}: ${calls} calls that come during an outage of ${seconds(downMs)} s`,
    measured: `${after.meanwhile} requests meanwhile; then ${(after.requests / calls).toFixed(3)} a call, ${ratio.toFixed(2)} × those of a plain backlog; done ${seconds(after.tookMs)} s after it (plain: ${seconds(plain.tookMs)} s)`,
    bar: `≤ ${mostMeanwhile}; 1 ± ${tolerance}; ≤ ${seconds(latestMs)} s (one probe's wait and the plain drain)`,
    met: after.meanwhile <= mostMeanwhile && Math.abs(ratio - 1) <= tolerance && after.tookMs <= latestMs,
  };
}

interface Told {
  meanwhile: number;
  requests: number;
  tookMs: number;
}

async function run(
  start: () => Promise<Crm>,
  story: (worker: RunningWorker, crm: Crm) => Promise<Told>,
): Promise<Told> {
  const crm = await start();
  try {
    return await withWorker(crm.open, (worker) => story(worker, crm), 'real');
  } finally {
    await crm.close();
  }
}

async function plainly(worker: RunningWorker, crm: Crm): Promise<Told> {
  const begun = Date.now();
  await worker.record(...backlog('c', callers(calls)));
  await worker.deliverAll();
  return { meanwhile: 0, requests: crm.countRequests(), tookMs: Date.now() - begun };
}

async function throughAnOutage(worker: RunningWorker, crm: Crm): Promise<Told> {
  const begun = Date.now();
  crm.goDown();
  const pushes = backlog('c', callers(calls));
  const parts = arriveMs / 1_000;
  const each = Math.ceil(calls / parts) * 2;
  for (let part = 0; part < parts; part++) {
    await passed(begun + part * 1_000);
    await worker.record(...pushes.slice(part * each, (part + 1) * each));
  }
  await passed(begun + downMs);
  const meanwhile = crm.countRequests();
  crm.comeBack();
  const back = Date.now();
  await worker.deliverAll();
  return { meanwhile, requests: crm.countRequests() - meanwhile, tookMs: Date.now() - back };
}

const passed = (time: number) =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, time - Date.now())));
