import { createHmac } from 'node:crypto';
import { type Payload, payload } from '../../connectors/webhook/payload.ts';
import type { Asked, Given } from '../support/emulator-server.ts';
import { pick } from '../support/random.ts';
import { testSecret } from '../support/webhook-receiver.ts';
import type { Activity, Outage } from '../torture/crms.ts';
import type { SimulatedCrm } from './crms.ts';

const host = 'receiver.example';
const toleranceSeconds = 5 * 60;
const key = Buffer.from(testSecret.replace('whsec_', ''), 'base64');

/** What may befall a request, once: `commits` says whether the event is taken all the same. */
const faults: Record<string, { commits: boolean; given: Given }> = {
  cut: { commits: false, given: 'cut' },
  'cut after it was taken': { commits: true, given: 'cut' },
  silence: { commits: false, given: 'silence' },
  'silence after it was taken': { commits: true, given: 'silence' },
  'server error': { commits: false, given: { status: 500, headers: {} } },
  'server error after it was taken': { commits: true, given: { status: 500, headers: {} } },
  unavailable: { commits: false, given: { status: 503, headers: { 'retry-after': '20' } } },
  'too many': { commits: false, given: { status: 429, headers: { 'retry-after': '2' } } },
  forbidden: { commits: false, given: { status: 403, headers: {}, body: 'a rule of a gateway' } },
  refused: { commits: false, given: { status: 422, headers: {}, body: 'not this one' } },
  redirected: { commits: false, given: { status: 302, headers: { location: 'https://elsewhere.example/' } } },
};

const outages: Record<Outage, Given> = {
  cut: 'cut',
  silent: 'silence',
  unavailable: { status: 503, headers: {} },
};

/**
 * A receiver of signed events, as connectors/webhook/README.md tells its author to build one. Whatever it is told of a call
 * under an id that it knows must be what it was told before: else it shows both.
 */
export function simulatedReceiver(now: () => Date): SimulatedCrm {
  const filed = new Map<string, Payload>();
  const seen = new Map<string, string>();
  const conflicts: Activity[] = [];
  const forgotten = new Set<string>();
  let planned: { fault: keyof typeof faults; skip: number }[] = [];
  let outage: Outage | null = null;
  let requests = 0;

  async function handle({ method, headers, body }: Asked): Promise<Given> {
    requests++;
    if (outage) return outages[outage];
    if (method !== 'POST') return { status: 405, headers: {} };
    const due = planned.findIndex(({ skip }) => skip <= 0);
    for (const one of planned) one.skip--;
    const [one] = due < 0 ? [] : planned.splice(due, 1);
    const fault = one && faults[one.fault];
    if (fault && !fault.commits) return fault.given;
    const refusal = verify(headers, body);
    if (refusal !== undefined) return { status: 401, headers: {}, body: refusal };
    file(String(headers['webhook-id']), payload.parse(JSON.parse(body)));
    return fault?.given ?? { status: 204, headers: {} };
  }

  function verify(headers: Asked['headers'], body: string): string | undefined {
    const id = String(headers['webhook-id']);
    const timestamp = String(headers['webhook-timestamp']);
    if (Math.abs(now().getTime() / 1000 - Number(timestamp)) > toleranceSeconds) return 'too old';
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    return headers['webhook-signature'] === `v1,${signature}` ? undefined : 'no signature of ours';
  }

  function file(id: string, event: Payload): void {
    const content = JSON.stringify(event);
    const before = seen.get(id);
    if (before !== undefined) {
      if (before !== content && !forgotten.has(event.data.call.id)) conflicts.push(activityOf(event));
      return;
    }
    seen.set(id, content);
    const { key, revision } = event.data;
    if (revision > (filed.get(key)?.data.revision ?? 0)) filed.set(key, event);
  }

  return {
    name: 'webhook',
    yaml: `{ type: webhook, url: "https://${host}/calls", secrets: ["${testSecret}"], parallel: 1 }`,
    served: { host, handle },
    fail(random) {
      const fault = pick(random, Object.keys(faults));
      planned.push({ fault, skip: Math.floor(random() * 4) });
      return `webhook ${fault}`;
    },
    calm() {
      planned = [];
    },
    outage(how) {
      outage = how;
    },
    requests: () => requests,
    activities: () => [...[...filed.values()].map(activityOf), ...conflicts],
    // It knows of none: who a caller is, is for others to find.
    people: () => [],
    forget(callIds) {
      for (const [key, { data }] of filed) if (callIds.has(data.call.id)) filed.delete(key);
      for (const [id, content] of seen)
        if (callIds.has((JSON.parse(content) as Payload).data.call.id)) seen.delete(id);
      for (const id of callIds) forgotten.add(id);
    },
    typeIn() {},
    settleIndex() {},
    meddle: () => undefined,
  };
}

function activityOf(event: Payload): Activity {
  const { call, key } = event.data;
  return { id: key, key: call.id, people: [], values: Object.fromEntries(leaves(event, '')) };
}

/** Each value under its path, as the connector's draft names them. */
function leaves(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) =>
    leaves(inner, path === '' ? name : `${path}.${name}`),
  );
}
