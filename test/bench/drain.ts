import type { Connection, Tools } from '../../src/connector/index.ts';
import { withWorker } from '../support/with-worker.ts';
import { backlog, type Crm, callers, hubspotCrm, salesforceCrm } from './backlog.ts';
import type { Bench, Row } from './row.ts';

/** Slow answers: a drain that waits for them, instead of using what it is allowed, shows. */
const latencyMs = 400;
const share = 0.8;

/**
 * Draining a backlog against emulators that enforce their limits, in real time. What the limits allow is known, so
 * that one runtime tells; the machine has to keep up, so batches are small where requests are what is measured.
 */
export const drain: Bench = async ({ runtime }) => {
  if (runtime !== 'node') return [];
  // One after another: while another one fills its store, an emulator in this process would take requests late, and at once.
  const rows = [await hubspotRequests(), await hubspotSearches(), await salesforceAtOnce()];
  return rows.map((row) => ({ runtime, ...row }));
};

type Told = Omit<Row, 'runtime'>;

async function hubspotRequests(): Promise<Told> {
  const [perTenSeconds, batch] = [190, 20];
  const crm = await hubspotCrm({ limits: { perTenSeconds }, latencyMs });
  const { perSecond, refused } = await rate(crm, {
    known: true,
    calls: 8_000,
    batch,
    from: 10, // in the first ten seconds all of the allowance is there at once
    to: 20,
  });
  const least = (share * perTenSeconds) / 10;
  return {
    what: `HubSpot: draining known callers, ${perTenSeconds} requests allowed in any 10 s, each taking ${latencyMs} ms`,
    measured: `${perSecond.toFixed(1)} requests a second, ${refused} × 429`,
    bar: `≥ ${share} × ${perTenSeconds} / 10 s = ${least.toFixed(1)}, no 429`,
    met: perSecond >= least && refused === 0,
  };
}

async function hubspotSearches(): Promise<Told> {
  const [searchesPerSecond, perTenSeconds] = [5, 190];
  const crm = await hubspotCrm({ limits: { searchesPerSecond, perTenSeconds }, latencyMs });
  const { perSecond, refused } = await rate(crm, { calls: 4_000, from: 5, to: 20, part: '/search' });
  const least = share * searchesPerSecond;
  return {
    what: `HubSpot: draining new callers, ${searchesPerSecond} searches allowed in any second, each taking ${latencyMs} ms`,
    measured: `${perSecond.toFixed(2)} searches a second, ${refused} × 429`,
    bar: `≥ ${share} × ${searchesPerSecond} = ${least.toFixed(1)}, no 429`,
    met: perSecond >= least && refused === 0,
  };
}

/** Of the day's requests it takes as many as batches, which `requests` measures; here is how fast. */
async function salesforceAtOnce(): Promise<Told> {
  const [mostAtOnce, batch, requestsPerDay] = [5, 20, 15_000];
  const longRunning = { most: mostAtOnce, ms: latencyMs / 10 };
  const crm = await salesforceCrm({ requestsPerDay, longRunning, latencyMs });
  const { perSecond, refused } = await rate(crm, { known: true, calls: 4_000, batch, from: 2, to: 10 });
  const allowed = mostAtOnce / (latencyMs / 1000);
  const least = share * allowed;
  return {
    what: `Salesforce: draining known callers, ${mostAtOnce} long requests allowed at once, each taking ${latencyMs} ms, ${requestsPerDay} a day`,
    measured: `${perSecond.toFixed(1)} requests a second, ${refused} refused`,
    bar: `≥ ${share} × ${mostAtOnce} / ${latencyMs} ms = ${least.toFixed(1)}, none refused`,
    met: perSecond >= least && refused === 0,
  };
}

interface Stretch {
  calls: number;
  known?: boolean;
  /** Calls to a batch, if fewer than the connector takes. */
  batch?: number;
  /** Seconds after the drain began. It has to last longer. */
  from: number;
  to: number;
  /** Which requests. */
  part?: string;
}

/** Requests a second during a stretch of the drain, and how often a limit was reached until its end. */
async function rate(crm: Crm, { calls, known, batch, from, to, part }: Stretch) {
  const numbers = callers(calls);
  const open = async (tools: Tools): Promise<Connection> => {
    if (known) await tools.people.remember(crm.addPeople(numbers));
    const connection = await crm.open(tools);
    return batch === undefined ? connection : limited(connection, batch);
  };
  const requestsAfter = (seconds: number) =>
    new Promise<number>((resolve) => setTimeout(() => resolve(crm.countRequests(part)), seconds * 1000));
  const result = await withWorker(
    open,
    async (worker) => {
      await worker.record(...backlog('c', numbers));
      const [before, after] = await Promise.all([requestsAfter(from), requestsAfter(to)]);
      if ((await worker.due()) === 0) throw new Error('The drain ended before it was measured.');
      return { perSecond: (after - before) / (to - from), refused: crm.limitsReached() };
    },
    'real',
  );
  await crm.close();
  return result;
}

/** Written out: what inherits from a connection has no part in its private fields. */
function limited(connection: Connection, batch: number): Connection {
  return {
    limits: { ...connection.limits, batch },
    get quota() {
      return connection.quota;
    },
    deliver: (due, signal) => connection.deliver(due, signal),
    check: (signal) => connection.check(signal),
    plan: (signal) => connection.plan(signal),
    apply: (signal, done) => connection.apply(signal, done),
    link: (record) => connection.link(record),
    close: () => connection.close(),
  };
}
