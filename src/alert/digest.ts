import type { Clock } from '../clock.ts';
import { sleep } from '../clock.ts';
import { instantAt, localDate } from '../connector/business-hours.ts';
import type { Call, CallState } from '../receive/call.ts';
import type { Backlog, CallView, DeliveryState, Store } from '../store/store.ts';
import { counted, timeText } from './notice.ts';

/** Small enough that a push never waits for a step to be felt. */
const callsInAStep = 100;
const betweenStepsMs = 10;
const dayMs = 86_400_000;

/** What a digest covers: from its time of one day up to the same time of the next, however long that is. */
export interface Period {
  from: Date;
  to: Date;
}

/** The period that ended last, or ends now. */
export function periodBefore(now: Date, timeOfDay: string, timezone: string): Period {
  const endOn = (date: string) => new Date(instantAt(date, timeOfDay, timezone));
  const dayBefore = (date: string) => new Date(Date.parse(date) - dayMs).toISOString().slice(0, 10);
  let date = localDate(now, timezone);
  if (endOn(date) > now) date = dayBefore(date);
  return { from: endOn(dayBefore(date)), to: endOn(date) };
}

/** When the next period ends. */
export function nextPeriodEnd(now: Date, timeOfDay: string, timezone: string): Date {
  const tomorrow = new Date(Date.parse(localDate(now, timezone)) + dayMs).toISOString().slice(0, 10);
  const today = new Date(instantAt(localDate(now, timezone), timeOfDay, timezone));
  return today > now ? today : new Date(instantAt(tomorrow, timeOfDay, timezone));
}

interface SourceCount {
  received: number;
  missed: number;
  unrouted: number;
}
type ConnectorCount = Record<DeliveryState, number>;

export interface DigestCounts extends SourceCount, ConnectorCount {
  sources: Map<string, SourceCount>;
  connectors: Map<string, ConnectorCount>;
}

/** Counts the calls that were first heard of in a period, a few at a time. Null when `signal` ended it. */
export async function countCalls(
  period: Period,
  bridge: { store: Store; clock: Clock; callOf(state: CallState): Call | null },
  signal: AbortSignal,
): Promise<DigestCounts | null> {
  const counts: DigestCounts = { ...noCalls(), sources: new Map(), connectors: new Map() };
  let beforeRow: number | undefined;
  for (;;) {
    // Newest first, and no filter by time: looking for more than there are would read the whole store.
    const calls = await bridge.store.calls({ limit: callsInAStep, ...(beforeRow ? { beforeRow } : {}) });
    for (const call of calls) {
      const { firstReceivedAt } = call.state;
      if (firstReceivedAt < period.from || firstReceivedAt >= period.to) continue;
      add(counts, call, bridge.callOf(call.state)?.missed ?? false);
    }
    // A single call that is older tells nothing: the clock may have been wrong when it came.
    const areOlder = calls.every(({ state }) => state.firstReceivedAt < period.from);
    if (areOlder || calls.length < callsInAStep) return counts;
    beforeRow = calls.at(-1)?.row;
    await sleep(bridge.clock, betweenStepsMs, signal);
    if (signal.aborted) return null;
  }
}

function noCalls(): SourceCount & ConnectorCount {
  return { received: 0, missed: 0, unrouted: 0, ...noDeliveries() };
}

function noDeliveries(): ConnectorCount {
  return { delivered: 0, due: 0, failed: 0, skipped: 0 };
}

function add(counts: DigestCounts, { state, deliveries }: CallView, missed: boolean): void {
  const source = counts.sources.get(state.source) ?? { received: 0, missed: 0, unrouted: 0 };
  counts.sources.set(state.source, source);
  for (const count of [counts, source]) {
    count.received++;
    if (missed) count.missed++;
    if (deliveries.length === 0) count.unrouted++;
  }
  for (const delivery of deliveries) {
    const connector = counts.connectors.get(delivery.connector) ?? noDeliveries();
    counts.connectors.set(delivery.connector, connector);
    connector[delivery.state]++;
  }
  // A call is where its worst delivery is.
  const worst = (['failed', 'due', 'skipped', 'delivered'] as const).find((one) =>
    deliveries.some((d) => d.state === one),
  );
  if (worst) counts[worst]++;
}

export function digestTitle({ received, missed, failed }: DigestCounts): string {
  if (received === 0) return 'Daily digest: no calls';
  return `Daily digest: ${counted(received, 'call')}, ${missed} missed, ${failed} failed`;
}

export function digestLines(
  { from, to }: Period,
  counts: DigestCounts,
  backlogs: ReadonlyMap<string, Backlog>,
  timezone: string,
): string[] {
  const { received, delivered, due, failed, missed } = counts;
  const byName = <T>(map: Map<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  const now = [...backlogs.values()];
  const dueNow = now.reduce((sum, one) => sum + one.due, 0);
  const failedNow = now.reduce((sum, one) => sum + one.failed, 0);
  return [
    `Calls received from ${timeText(from, timezone)} to ${timeText(to, timezone)}: ${received}. In the CRM: ${delivered}, waiting: ${due}, failed: ${failed}. Missed: ${missed}.`,
    ...byName(counts.sources).map(
      ([name, one]) =>
        `${name}: ${one.received} received, ${one.missed} missed${one.unrouted > 0 ? `, ${one.unrouted} that no route takes` : ''}`,
    ),
    ...byName(counts.connectors).map(
      ([name, one]) =>
        `${name}: ${one.delivered} in the CRM, ${one.due} waiting, ${one.failed} failed${one.skipped > 0 ? `, ${one.skipped} skipped` : ''}`,
    ),
    `Whenever they came, ${dueNow} are waiting now, and ${failedNow} that failed wait for a replay.`,
  ];
}
