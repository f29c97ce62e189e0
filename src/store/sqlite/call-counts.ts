import type { SQLInputValue } from 'node:sqlite';
import type {
  CallCount,
  CallTally,
  ConnectorTally,
  LagCount,
  PushesSeen,
  RangeCounts,
  ResultCounts,
  TopCount,
} from '../call-index.ts';
import type { DeliveryState, DeliveryTally } from '../deliveries.ts';
import type { CallIndexTable } from '../schema.ts';
import { type Span, spansBetween, spansMs, startOf, stepOfMs } from '../time-buckets.ts';
import { boundsOf } from './call-hours.ts';
import type { Prepared } from './prepared.ts';

/** A connector that has more due is not counted call by call. */
const mostExact = 20_000;
const spansOf = {
  source: ['quarter', 'hour', 'day', 'week', 'month'],
  keyword: ['quarter', 'day', 'week', 'month'],
  dealer: ['quarter', 'day', 'week', 'month'],
  connector: ['quarter', 'day', 'week', 'month'],
} as const satisfies Record<string, Span[]>;
type Facet = keyof typeof spansOf;

const resultNames = ['calls', 'answered', 'unanswered', 'busy', 'other', 'unknown', 'missed'] as const;
const noCalls: ResultCounts = {
  calls: 0,
  answered: 0,
  unanswered: 0,
  busy: 0,
  other: 0,
  unknown: 0,
  missed: 0,
};
const sums = resultNames.map((name) => `sum(${name}) as ${name}`).join(', ');
const addToCounts = `insert into call_counts (span, facet, at, name, ${resultNames.join(', ')})
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set
  ${resultNames.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')} returning calls`;

/** From the best to the worst. */
const places: readonly DeliveryState[] = ['delivered', 'skipped', 'due', 'failed'];
const rankOfState = `case d.state ${places.map((state, rank) => `when '${state}' then ${rank}`).join(' ')} end`;

/** How many calls there are of what, and where: kept while the index follows the calls, or counted where those are few. */
export class SqliteCallCounts {
  readonly #sql: Prepared;
  /** What the counts change by in the present transaction. */
  readonly #changes = new Map<string, { key: readonly SQLInputValue[]; by: ResultCounts }>();

  constructor(sql: Prepared) {
    this.#sql = sql;
  }

  /** Within `counting`. */
  add(row: CallIndexTable, connectors: readonly string[], by: number): void {
    const facets: [Facet, string | null][] = [
      ...connectors.map((connector): [Facet, string] => ['connector', connector]),
      ['source', row.source],
      ['keyword', row.keyword],
      ['dealer', row.dealer],
    ];
    for (const [facet, name] of facets) {
      if (name === null) continue;
      for (const span of spansOf[facet]) {
        const key = [span, facet, startOf(span, row.received_at), name] as const;
        const text = key.join('\n');
        let change = this.#changes.get(text);
        if (!change) {
          change = {
            key,
            by: { ...noCalls },
          };
          this.#changes.set(text, change);
        }
        change.by.calls += by;
        change.by[row.result as 'unknown'] += by;
        if (row.missed === 1) change.by.missed += by;
      }
    }
  }

  /** Runs, within a transaction, what indexes and removes calls, and writes what the counts change by. */
  counting<T>(work: () => T): T {
    this.#changes.clear();
    const result = work();
    for (const { key, by } of this.#changes.values()) {
      const changes = Object.values(by);
      if (changes.every((change) => change === 0)) continue;
      const left = this.#sql.get<{ calls: number }>(addToCounts, ...key, ...changes);
      if (left?.calls === 0)
        this.#sql.run('delete from call_counts where span = ? and facet = ? and at = ? and name = ?', ...key);
    }
    this.#changes.clear();
    return result;
  }

  /** Counts a delivery, from the answer to the push until the CRM had it. */
  delivered(connector: string, at: number, lagMs: number): void {
    for (const span of ['quarter', 'day'] as const)
      this.#sql.run(
        `insert into lag_counts (span, connector, at, step, deliveries) values (?, ?, ?, ?, 1)
        on conflict do update set deliveries = deliveries + 1`,
        span,
        connector,
        startOf(span, at),
        stepOfMs(lagMs),
      );
  }

  removeLagBefore(at: number): void {
    for (const span of ['quarter', 'day'])
      for (const { connector } of this.#sql.all<{ connector: string }>('select connector from connectors'))
        this.#sql.run(
          'delete from lag_counts where span = ? and connector = ? and at < ?',
          span,
          connector,
          at,
        );
  }

  /** Calls within ranges of whole quarters. */
  counts(ranges: readonly { since: number; until: number }[]): CallCount[] {
    const ofSpan = `select ${sums} from call_counts where span = ? and facet = 'source' and at >= ? and at < ?`;
    return ranges.flatMap(({ since, until }) => {
      const count = { ...noCalls };
      for (const { span, from, to } of spansBetween(since, until, spansOf.source)) {
        const part = this.#sql.get<Partial<ResultCounts>>(ofSpan, span, from, to);
        for (const name of resultNames) count[name] += part?.[name] ?? 0;
      }
      return count.calls > 0 ? [{ at: since, ...count }] : [];
    });
  }

  /** The names that most calls have, within a range of whole quarters. */
  top(facet: Facet, since: number, until: number, limit: number): TopCount[] {
    const ranges = spansBetween(since, until, spansOf[facet]);
    return this.#sql
      .all<TopCount>(
        `select name, ${sums} from json_each(?) as part cross join call_counts
      on span = part.value ->> 0 and facet = ? and call_counts.at >= part.value ->> 1
      and call_counts.at < part.value ->> 2 group by name order by sum(calls) desc, name limit ?`,
        JSON.stringify(ranges.map(({ span, from, to }) => [span, from, to])),
        facet,
        limit,
      )
      .map((row) => ({ ...row }));
  }

  lag(since: number, until: number): LagCount[] {
    const days = (until - since) / spansMs.day;
    const span = days > 8 ? 'day' : 'quarter';
    // Points closer than these cannot be told apart in a chart, and tens of thousands of counts would make them up.
    const widthMs =
      days > 92 ? 7 * spansMs.day : days > 8 ? spansMs.day : days > 2 ? spansMs.hour : spansMs.quarter;
    const from = startOf(span, since);
    const next = 'select min(connector) as name from lag_counts where span = ? and connector > ?';
    const counts: LagCount[][] = [];
    // Connector by connector, so that each is found by the key, and no count outside the range is looked at.
    for (
      let connector = this.#sql.get<{ name: string | null }>(next, span, '')?.name;
      connector;
      connector = this.#sql.get<{ name: string | null }>(next, span, connector)?.name
    )
      counts.push(
        this.#sql.all<LagCount>(
          `select connector, at - at % ? as at, step, sum(deliveries) as deliveries from lag_counts
          where span = ? and connector = ? and lag_counts.at >= ? and lag_counts.at < ? group by 2, step`,
          widthMs,
          span,
          connector,
          from,
          until,
        ),
      );
    return counts.flat();
  }

  /** Of the calls received within a range: how many are where. */
  tally(since: Date, until: Date): CallTally {
    const bounds = boundsOf(this.#sql, since, until);
    const none = { failed: 0, waiting: 0, skipped: 0, unrouted: 0, connectors: [] };
    if (!bounds) return none;
    const within = (state: string) => `from deliveries as d indexed by deliveries_${state}
      cross join call_index as c on c.call = d.call
      where d.state = '${state}' and d.call >= ? and d.call <= ? and c.received_at >= ? and c.received_at < ?`;
    const values = [bounds.first, bounds.last, since.getTime(), until.getTime()];
    const has = (state: string) =>
      `exists (select 1 from deliveries as o where o.call = d.call and +o.state = '${state}')`;
    const calls = (state: string, ...others: string[]) =>
      this.#sql.get<{ n: number }>(
        `select count(distinct d.call) as n ${within(state)}${others.map((other) => ` and not ${has(other)}`).join('')}`,
        ...values,
      )?.n ?? 0;
    const failed = calls('failed');
    const due = this.#dueBetween(bounds);
    const ofConnectors = (state: string) =>
      this.#sql.all<{ connector: string; n: number }>(
        `select d.connector, count(*) as n ${within(state)} group by d.connector`,
        ...values,
      );
    const isLong = due.some(({ n }) => n > mostExact);
    return {
      connectors: this.#tallyConnectors(since, until, {
        waiting: isLong ? due : ofConnectors('due'),
        failed: ofConnectors('failed'),
        skipped: ofConnectors('skipped'),
      }),
      failed,
      waiting: this.#waiting(bounds, due, () => calls('due', 'failed'), failed > 0),
      skipped: calls('skipped', 'failed', 'due'),
      unrouted:
        this.#sql.get<{ n: number }>(
          `select count(*) as n from call_index as c indexed by call_index_unrouted
          where c.unrouted = 1 and c.call >= ? and c.call <= ? and c.received_at >= ? and c.received_at < ?`,
          ...values,
        )?.n ?? 0,
    };
  }

  /** Where calls are is read from their deliveries, which are never behind. */
  countRange(since: Date, until: Date): RangeCounts {
    const bounds = boundsOf(this.#sql, since, until);
    if (!bounds) return { calls: [], deliveries: [] };
    const within = 'c.call >= ? and c.call <= ? and c.received_at >= ? and c.received_at < ?';
    const values = [bounds.first, bounds.last, since.getTime(), until.getTime()];
    const calls = this.#sql.all<{ source: string; missed: number; place: number | null; n: number }>(
      `select source, missed, (select max(${rankOfState}) from deliveries as d where d.call = c.call) as place,
      count(*) as n from call_index as c not indexed where ${within} group by 1, 2, 3`,
      ...values,
    );
    const deliveries = this.#sql.all<{ connector: string; state: DeliveryState; n: number }>(
      `select connector, state, count(*) as n from call_index as c not indexed
      cross join deliveries as d on d.call = c.call where ${within} group by 1, 2`,
      ...values,
    );
    return {
      calls: calls.map(({ source, missed, place, n }) => ({
        source,
        missed: missed === 1,
        place: place === null ? null : (places[place] as DeliveryState),
        count: n,
      })),
      deliveries: deliveries.map(({ connector, state, n }) => ({ connector, state, count: n })),
    };
  }

  /** How many go to a connector is counted already; how many of them are not there is not, and those are few. */
  #tallyConnectors(
    since: Date,
    until: Date,
    open: Record<'waiting' | 'failed' | 'skipped', { connector: string; n: number }[]>,
  ): ConnectorTally[] {
    const tallies = this.top('connector', since.getTime(), until.getTime(), -1).map(({ name, calls }) => ({
      connector: name,
      calls,
      waiting: 0,
      failed: 0,
      skipped: 0,
    }));
    const byName = new Map(tallies.map((tally) => [tally.connector, tally]));
    for (const state of ['waiting', 'failed', 'skipped'] as const)
      for (const { connector, n } of open[state]) {
        const tally = byName.get(connector);
        if (tally) tally[state] = n;
      }
    return tallies.sort((a, b) => (a.connector < b.connector ? -1 : 1));
  }

  #dueBetween({ first, last }: { first: number; last: number }): { connector: string; n: number }[] {
    return this.#sql.all(
      `select connector, count(*) as n from deliveries indexed by deliveries_due where state = 'due' and call >= ? and call <= ? group by connector`,
      first,
      last,
    );
  }

  /** A backlog of very many is counted from the index of what is due alone, as if no clock had ever been set back. */
  #waiting(
    bounds: { first: number; last: number },
    due: readonly { connector: string; n: number }[],
    exactly: () => number,
    isAnyFailed: boolean,
  ): number {
    const most = Math.max(0, ...due.map(({ n }) => n));
    if (most <= mostExact || (due.length > 1 && most <= 5 * mostExact)) return most === 0 ? 0 : exactly();
    if (!isAnyFailed) return most;
    const alsoFailed = this.#sql.get<{ n: number }>(
      `select count(*) as n from deliveries as d indexed by deliveries_failed where d.state = 'failed' and d.call >= ? and d.call <= ?
      and exists (select 1 from deliveries as o where o.call = d.call and +o.state = 'due')`,
      bounds.first,
      bounds.last,
    );
    return most - (alsoFailed?.n ?? 0);
  }

  /** Of each connector that has any: what is due, failed or skipped. */
  open(): DeliveryTally[] {
    const tallies = new Map<string, DeliveryTally>();
    for (const state of ['due', 'failed', 'skipped'] as const)
      for (const { connector, n, oldest } of this.#sql.all<{
        connector: string;
        n: number;
        oldest: number | null;
      }>(
        `select connector, count(*) as n, min(due_at) as oldest from deliveries indexed by deliveries_${state} where state = '${state}' group by connector`,
      )) {
        const tally = tallies.get(connector) ?? {
          connector,
          due: 0,
          failed: 0,
          skipped: 0,
          oldestDueAt: null,
        };
        tally[state] = n;
        if (state === 'due' && oldest !== null) tally.oldestDueAt = new Date(oldest);
        tallies.set(connector, tally);
      }
    return [...tallies.values()];
  }

  pushesSeen(sources: readonly string[]): PushesSeen[] {
    return this.#sql
      .all<{ source: string; kind: 'start' | 'end'; first_at: number; last_at: number }>(
        `select source, kind, first_at, last_at from source_pushes
      where source in (select value from json_each(?)) order by source, kind`,
        JSON.stringify(sources),
      )
      .map((row) => ({
        source: row.source,
        kind: row.kind,
        firstAt: new Date(row.first_at),
        lastAt: new Date(row.last_at),
      }));
  }
}
