import type { CallIndex, RangeCounts } from '../store/call-index.ts';
import type { Backlog, DeliveryState } from '../store/deliveries.ts';
import { instantAt, localDate } from '../text/business-hours.ts';
import { counted } from '../text/plural.ts';
import { timeText } from './notice.ts';

const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** What a digest covers: from its time of one day up to the same time of the next, however long that is. */
export interface Period {
  from: Date;
  to: Date;
}

/** The period that ended last, or ends now; and when the next one ends. */
export function periodBefore(now: Date, timeOfDay: string, timezone: string): Period & { next: Date } {
  const endOn = (date: string) => new Date(instantAt(date, timeOfDay, timezone));
  const moved = (date: string, days: number) =>
    new Date(Date.parse(date) + days * dayMs).toISOString().slice(0, 10);
  const today = localDate(now, timezone);
  const date = endOn(today) > now ? moved(today, -1) : today;
  return { from: endOn(moved(date, -1)), to: endOn(date), next: endOn(moved(date, 1)) };
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

/** Counts the calls that were first heard of in a period, an hour at a time. Null when `signal` ended it. */
export async function countCalls(
  { from, to }: Period,
  store: Pick<CallIndex, 'countRange'>,
  signal: AbortSignal,
): Promise<DigestCounts | null> {
  const counts: DigestCounts = { ...noCalls(), sources: new Map(), connectors: new Map() };
  for (let at = from; at < to; ) {
    const end = new Date(Math.min(at.getTime() + hourMs, to.getTime()));
    add(counts, await store.countRange(at, end));
    at = end;
    await new Promise(setImmediate); // what has arrived goes first
    if (signal.aborted) return null;
  }
  return counts;
}

function noCalls(): SourceCount & ConnectorCount {
  return { received: 0, missed: 0, unrouted: 0, ...noDeliveries() };
}

function noDeliveries(): ConnectorCount {
  return { delivered: 0, due: 0, failed: 0, skipped: 0 };
}

function add(counts: DigestCounts, { calls, deliveries }: RangeCounts): void {
  for (const { source: name, missed, place, count } of calls) {
    const source = counts.sources.get(name) ?? { received: 0, missed: 0, unrouted: 0 };
    counts.sources.set(name, source);
    for (const total of [counts, source]) {
      total.received += count;
      if (missed) total.missed += count;
      if (place === null) total.unrouted += count;
    }
    if (place !== null) counts[place] += count;
  }
  for (const { connector: name, state, count } of deliveries) {
    const connector = counts.connectors.get(name) ?? noDeliveries();
    counts.connectors.set(name, connector);
    connector[state] += count;
  }
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
  isComplete = true,
): string[] {
  const { received, delivered, due, failed, missed } = counts;
  const byName = <T>(map: Map<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  const now = [...backlogs.values()];
  const dueNow = now.reduce((sum, one) => sum + one.due, 0);
  const failedNow = now.reduce((sum, one) => sum + one.failed, 0);
  const several = counts.connectors.size > 1;
  // A call that one CRM lacks may be in the others: the lines of the connectors say so of each.
  const [inCrm, waiting, failing] = several
    ? ['In every CRM they go to', 'waiting for one', 'failed in one']
    : ['In the CRM', 'waiting', 'failed'];
  return [
    `Calls received from ${timeText(from, timezone)} to ${timeText(to, timezone)}: ${received}. ${inCrm}: ${delivered}, ${waiting}: ${due}, ${failing}: ${failed}. Missed: ${missed}.`,
    ...byName(counts.sources).map(
      ([name, one]) =>
        `${name}: ${one.received} received, ${one.missed} missed${one.unrouted > 0 ? `, ${one.unrouted} that no route takes` : ''}`,
    ),
    ...byName(counts.connectors).map(
      ([name, one]) =>
        `${name}: ${one.delivered} of ${one.delivered + one.due + one.failed + one.skipped} in the CRM, ${one.due} waiting, ${one.failed} failed${one.skipped > 0 ? `, ${one.skipped} skipped` : ''}`,
    ),
    ...(isComplete ? [] : ['The index of calls is being built, so calls may be missing here.']),
    `Whenever they came, ${dueNow} are waiting now, and ${failedNow} that failed wait for a replay.`,
  ];
}
