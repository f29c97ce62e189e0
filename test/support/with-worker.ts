import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachedPeople } from '../../src/bridge/people-cache.ts';
import { readCall } from '../../src/call/call.ts';
import type { Fields } from '../../src/call/push.ts';
import { systemClock } from '../../src/clock.ts';
import { withheldWords } from '../../src/config/withheld-words.ts';
import type { Connection, Delivery, Tools } from '../../src/connector/index.ts';
import { Worker } from '../../src/deliver/worker.ts';
import { createLog } from '../../src/log.ts';
import type { CallStory } from '../../src/store/calls.ts';
import type { DueDelivery } from '../../src/store/deliveries.ts';
import type { Store } from '../../src/store/store.ts';
import { testTools } from './connector-tools.ts';
import { VirtualTime } from './virtual-clock.ts';
import { newPush, openNewStore } from './with-store.ts';

export interface RunningWorker {
  /** Records pushes that came together. */
  record(...pushes: Fields[]): Promise<void>;
  /** The same, received then. */
  recordAt(receivedAt: Date, ...pushes: Fields[]): Promise<void>;
  /** Until the CRM shows every call as it is now. Waits of the worker are leapt over. Fails when a call has failed. */
  deliverAll(): Promise<void>;
  stories(): Promise<CallStory[]>;
  /** How many calls the CRM does not show as they are. */
  due(): Promise<number>;
}

/** As `config/default.yaml` has it. */
const schedule = {
  retryMs: [5, 15, 60, 300, 900].map((seconds) => seconds * 1000),
  giveUpAfterMs: 7 * 86_400_000,
  probeMs: [5, 15, 60, 120, 300, 900].map((seconds) => seconds * 1000),
};

/** Of pushes: more than some thousands at once, a store refuses. */
const mostAtOnce = 1_000;

/** More than the longest wait that a CRM asks for, and a few tries. */
const longestMs = 3 * 3_600_000;

/**
 * The real worker on a real store, with the real map of people and a connection to an emulator. Virtual time passes
 * only while nothing is under way, and limits are not kept then. `real`: by the system's clock, limits and all.
 */
export async function withWorker<T>(
  open: (tools: Tools) => Promise<Connection>,
  use: (worker: RunningWorker) => Promise<T>,
  time: VirtualTime | 'real' = new VirtualTime(),
): Promise<T> {
  const store = await sharedStore();
  const connector = `crm-${++workers}`;
  const source = `source-${workers}`;
  const clock = time === 'real' ? systemClock : time.clock();
  const unlimited = { take: async () => {}, allow() {} };
  const people = cachedPeople(store, connector);
  const connection = await open(
    testTools({ clock, people, ...(time === 'real' ? {} : { rateLimit: () => unlimited }) }),
  );
  let underWay = 0;
  const worker = new Worker({
    connector,
    connection: observed(connection, 'deliver', () => void underWay++),
    store: observed(store, 'settle', undefined, () => void underWay--),
    holder: 'this bridge',
    schedule,
    // Nobody else runs it: leaping over a wait of minutes takes few renewals.
    ...(time === 'real' ? {} : { leaseMs: 180_000, renewMs: 60_000 }),
    clock,
    log: createLog('silent'),
    read: readDue,
  });
  async function record(receivedAt: Date, pushes: readonly Fields[]): Promise<void> {
    const more = { source, receivedAt, route: () => [connector] };
    for (let first = 0; first < pushes.length; first += mostAtOnce) {
      const part = pushes.slice(first, first + mostAtOnce);
      await Promise.all(part.map((fields) => store.record(newPush(fields, more))));
    }
    worker.wake();
  }
  async function countDue(): Promise<number> {
    return (await store.openDeliveries()).find((one) => one.connector === connector)?.due ?? 0;
  }
  worker.start();
  try {
    return await use({
      record: (...pushes) => record(clock.now(), pushes),
      recordAt: (receivedAt, ...pushes) => record(receivedAt, pushes),
      async deliverAll() {
        // What is to be written once more, minutes later, is waited for where waiting costs nothing.
        const anythingDue = () => (time === 'real' ? countDue() : store.nextDueAt(connector, new Date(0)));
        const latest = clock.now().getTime() + longestMs;
        while (underWay > 0 || (await anythingDue())) {
          if (clock.now().getTime() > latest) throw new Error('the calls are not delivered after hours');
          if (time === 'real') await new Promise((resolve) => setTimeout(resolve, 10));
          else {
            if (underWay === 0 && time.nextIn() < longestMs) await time.pass(time.nextIn(), async () => {});
            await new Promise(setImmediate);
          }
        }
        const [failed] = await store.calls({ connector, state: 'failed', limit: 1 });
        if (failed)
          throw new Error(`call ${failed.state.callId} has failed: ${JSON.stringify(failed.deliveries)}`);
      },
      async stories() {
        const calls = await store.calls({ connector, limit: 10_000 });
        const stories = await Promise.all(calls.map(({ state }) => store.stories(state.callId, source)));
        return stories.flat();
      },
      due: countDue,
    });
  } finally {
    await worker.stop();
  }
}

let workers = 0;
let shared: Promise<Store> | undefined;
/** More, and each of them would find the others in its way. */
const mostShareOne = 100;

/** Opening a store costs more than a story of calls, so many workers share one: each as a connector of its own. */
function sharedStore(): Promise<Store> {
  if (!shared || workers % mostShareOne === 0) {
    const folder = mkdtempSync(join(tmpdir(), 'delacon-bridge-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    shared = openNewStore(join(folder, 'bridge.db'));
  }
  return shared;
}

/** The same object, told of each call of one of its methods. */
function observed<T extends object>(target: T, method: keyof T, before = () => {}, after = () => {}): T {
  return new Proxy(target, {
    get(of, name) {
      const value = Reflect.get(of, name) as unknown;
      if (typeof value !== 'function') return value;
      if (name !== method) return value.bind(of);
      return async (...args: unknown[]) => {
        before();
        try {
          return await value.apply(of, args);
        } finally {
          after();
        }
      };
    },
  });
}

function readDue({ state, urgency, revision, records, failures }: DueDelivery): Delivery {
  const timezone = 'Australia/Sydney';
  const region = 'AU';
  return {
    key: state.callId,
    call: readCall(state, { region, timezone, withheldWords, missed: [], emailOnly: [] }),
    source: { name: state.source, region, timezone },
    revision,
    attempt: failures + 1,
    urgency,
    records,
  };
}
