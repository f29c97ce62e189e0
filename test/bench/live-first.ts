import { startPush } from '../support/build-push.ts';
import { type RunningWorker, withWorker } from '../support/with-worker.ts';
import { backlog, type Crm, callers, hubspotCrm, salesforceCrm } from './backlog.ts';
import type { Bench, Row } from './row.ts';

const due = 3_000;
/** When each of ten live calls rings, in ms after the drain began. */
const rings = [2_000, 3_000, 3_500, 4_000, 4_200, 4_300, 4_400, 5_500, 6_500, 7_500];
const mostMs = 2_000;
const leastShare = 0.8;
const latencyMs = 100;
/** Long ago for a call: nobody waits for it. */
const olderMs = 600_000;

/** Calls that ring while a backlog is drained, against emulators that enforce their limits, in real time. */
export const liveFirst: Bench = async ({ runtime }) => [
  {
    runtime,
    ...(await measured('HubSpot', () =>
      hubspotCrm({ limits: { perTenSeconds: 190, searchesPerSecond: 5 }, latencyMs }),
    )),
  },
  {
    runtime,
    ...(await measured('Salesforce', () =>
      salesforceCrm({ requestsPerDay: 15_000, longRunning: { most: 5, ms: 20_000 }, latencyMs }),
    )),
  },
];

async function measured(name: string, start: () => Promise<Crm>): Promise<Omit<Row, 'runtime'>> {
  const plain = await drained(start, []);
  const live = await drained(start, rings);
  const slowest = Math.max(...live.waits);
  const share = plain.tookMs / live.tookMs;
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  return {
    what: `${name}: ten calls that ring while ${due} others are due, limits on`,
    measured: `in the CRM after ${seconds(Math.min(...live.waits))} to ${seconds(slowest)} s; the backlog at ${share.toFixed(2)} of its speed without them (${seconds(plain.tookMs)} s), ${live.refused} refused`,
    bar: `≤ ${seconds(mostMs)} s, ≥ ${leastShare}`,
    met: slowest <= mostMs && share >= leastShare,
  };
}

/** How long the backlog took, and each live call from its push until the CRM held it. */
async function drained(start: () => Promise<Crm>, ringsAt: readonly number[]) {
  const crm = await start();
  const numbers = callers(due + ringsAt.length);
  const result = await withWorker(
    crm.open,
    async (worker) => {
      await worker.recordAt(new Date(Date.now() - olderMs), ...backlog('c', numbers.slice(0, due)));
      const begun = Date.now();
      const live = ringsAt.map(async (at, i) => {
        await passed(begun + at);
        return waited(worker, crm, `live${i}`, numbers[due + i] as string);
      });
      await until(() => {
        const keys = crm.callKeys();
        return keys.length >= due && keys.includes(`c${due - 1}`);
      });
      const tookMs = Date.now() - begun;
      const waits = await Promise.all(live);
      await worker.deliverAll();
      return { tookMs, waits, refused: crm.limitsReached() };
    },
    'real',
  );
  await crm.close();
  return result;
}

async function waited(worker: RunningWorker, crm: Crm, id: string, number: string): Promise<number> {
  const pushed = Date.now();
  await worker.record(startPush(id, { PLA_Caller_Phone_Number: number }));
  await until(() => crm.callKeys().includes(id));
  return Date.now() - pushed;
}

const passed = (time: number) =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, time - Date.now())));

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 25));
}
