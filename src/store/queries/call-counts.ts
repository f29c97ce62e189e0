import { type RawBuilder, sql } from 'kysely';
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
import type { CallIndexTable, DeliveryRow } from '../schema.ts';
import { type Span, type SpanRange, spansBetween, spansMs, startOf } from '../time-buckets.ts';
import { type Db, first, isSqlite, type Question, rows } from './question.ts';

/** A connector that has more due is not counted call by call. */
const mostExact = 20_000;

/** The spans that each is counted in. */
export const spansOf = {
  source: ['quarter', 'hour', 'day', 'week', 'month'],
  keyword: ['quarter', 'day', 'week', 'month'],
  dealer: ['quarter', 'day', 'week', 'month'],
  connector: ['quarter', 'day', 'week', 'month'],
} as const satisfies Record<string, Span[]>;

export type Facet = keyof typeof spansOf;

export const resultNames = ['calls', 'answered', 'unanswered', 'busy', 'other', 'unknown', 'missed'] as const;
export const noCalls: ResultCounts = {
  calls: 0,
  answered: 0,
  unanswered: 0,
  busy: 0,
  other: 0,
  unknown: 0,
  missed: 0,
};

const sums = resultNames.map((name) => sql<number>`sum(${sql.ref(name)})`.as(name));

/** From the best to the worst. */
const places: readonly DeliveryState[] = ['delivered', 'skipped', 'due', 'failed'];

/** Calls within ranges of whole quarters. */
export function* countCalls(
  db: Db,
  ranges: readonly { since: number; until: number }[],
): Question<CallCount[]> {
  // Built once: a year by days is made of hundreds of parts.
  const sum = countsOf(db, 'source', { span: 'quarter', from: 0, to: 0 }).select(sums).compile();
  const counts: CallCount[] = [];
  for (const { since, until } of ranges) {
    const count: CallCount = { at: since, ...noCalls };
    for (const { span, from, to } of spansBetween(since, until, spansOf.source)) {
      const parameters = [span, 'source', from, to];
      const part = yield* first<Partial<ResultCounts>>({ compile: () => ({ ...sum, parameters }) });
      for (const name of resultNames) count[name] += part?.[name] ?? 0;
    }
    if (count.calls > 0) counts.push(count);
  }
  return counts;
}

/** The names that most calls have, within a range of whole quarters. */
export function* topCalls(
  db: Db,
  facet: Facet,
  since: number,
  until: number,
  limit?: number,
): Question<TopCount[]> {
  const [part, ...others] = spansBetween(since, until, spansOf[facet]).map((range) =>
    countsOf(db, facet, range).select(['name', ...resultNames]),
  );
  if (!part) return [];
  const query = db
    .selectFrom(others.reduce((all, other) => all.unionAll(other), part).as('part'))
    .select('name')
    .select(sums)
    .groupBy('name')
    .orderBy(({ fn }) => fn.sum('part.calls'), 'desc')
    .orderBy('name');
  return (yield* rows(limit === undefined ? query : query.limit(limit))).map((row) => ({ ...row }));
}

function countsOf(db: Db, facet: Facet, { span, from, to }: SpanRange) {
  return db
    .selectFrom('call_counts')
    .where('span', '=', span)
    .where('facet', '=', facet as 'source')
    .where('call_counts.at', '>=', from)
    .where('call_counts.at', '<', to);
}

export function* countLag(db: Db, since: number, until: number): Question<LagCount[]> {
  const days = (until - since) / spansMs.day;
  const span = days > 8 ? 'day' : 'quarter';
  // Points closer than these cannot be told apart in a chart, and tens of thousands of counts would make them up.
  const widthMs =
    days > 92 ? 7 * spansMs.day : days > 8 ? spansMs.day : days > 2 ? spansMs.hour : spansMs.quarter;
  const counts: LagCount[] = [];
  // Connector by connector, so that each is found by the key, and no count outside the range is looked at.
  for (let after = ''; ; ) {
    const next = yield* first(
      db
        .selectFrom('lag_counts')
        .select(({ fn }) => fn.min<string | null>('connector').as('name'))
        .where('span', '=', span)
        .where('connector', '>', after),
    );
    if (!next?.name) return counts;
    after = next.name;
    const found = yield* rows(
      db
        .selectFrom('lag_counts')
        .select(({ fn }) => [
          sql<number>`at - at % ${widthMs}`.as('start'),
          'step',
          fn.sum<number>('deliveries').as('deliveries'),
        ])
        .where('span', '=', span)
        .where('connector', '=', after)
        .where('at', '>=', startOf(span, since))
        .where('at', '<', until)
        .groupBy(['start', 'step'])
        .orderBy('start')
        .orderBy('step'),
    );
    for (const { start, step, deliveries } of found)
      counts.push({ connector: after, at: start, step, deliveries });
  }
}

interface Bounds {
  first: number;
  last: number;
}

/** Between which calls those of a range of time are. Others may be there, too: a clock may have been set back. */
export function* boundsOf(db: Db, since: Date | undefined, until: Date | undefined): Question<Bounds | null> {
  const from = since
    ? (yield* first(
        db
          .selectFrom('call_hours')
          .select(({ fn }) => fn.min<number | null>('first_call').as('call'))
          .where('hour', '>=', startOf('hour', since.getTime())),
      ))!.call
    : 0;
  const last = until ? yield* lastBefore(db, until) : Number.MAX_SAFE_INTEGER;
  return from === null || last === 0 ? null : { first: from, last };
}

/** No call that is known here and came before then is in a later row. */
export function* lastBefore(db: Db, time: Date): Question<number> {
  const found = yield* first(
    db
      .selectFrom('call_hours')
      .select(({ fn }) => fn.max<number | null>('last_call').as('call'))
      .where('hour', '<', time.getTime()),
  );
  return found?.call ?? 0;
}

/** Of the calls received within a range: how many are where. */
export function* tallyCalls(db: Db, since: Date, until: Date): Question<CallTally> {
  const bounds = yield* boundsOf(db, since, until);
  if (!bounds) return { failed: 0, waiting: 0, skipped: 0, unrouted: 0, connectors: [] };
  const within = (state: OpenState) =>
    inState(db, state)
      .crossJoin('call_index as c')
      .whereRef('c.call', '=', 'd.call')
      .where('d.call', '>=', bounds.first)
      .where('d.call', '<=', bounds.last)
      .where('c.received_at', '>=', since.getTime())
      .where('c.received_at', '<', until.getTime());
  function* calls(state: OpenState, ...others: OpenState[]): Question<number> {
    let query = within(state).select(({ fn }) => fn.count<number>('d.call').distinct().as('n'));
    for (const other of others) query = query.where(({ not }) => not(isAlso(db, other)));
    return (yield* first(query))!.n;
  }
  const ofConnectors = (state: OpenState) =>
    rows(
      within(state)
        .select(({ fn }) => ['d.connector', fn.countAll<number>().as('n')])
        .groupBy('d.connector'),
    );
  const due = yield* rows(
    inState(db, 'due')
      .select(({ fn }) => ['d.connector', fn.countAll<number>().as('n')])
      .where('d.call', '>=', bounds.first)
      .where('d.call', '<=', bounds.last)
      .groupBy('d.connector'),
  );
  const failed = yield* calls('failed');
  // A backlog of very many is counted from the index of what is due alone, as if no clock had ever been set back.
  const most = Math.max(0, ...due.map(({ n }) => n));
  let waiting = most;
  if (most <= mostExact || (due.length > 1 && most <= 5 * mostExact))
    waiting = most === 0 ? 0 : yield* calls('due', 'failed');
  else if (failed > 0) {
    const alsoFailed = yield* first(
      inState(db, 'failed')
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .where('d.call', '>=', bounds.first)
        .where('d.call', '<=', bounds.last)
        .where(isAlso(db, 'due')),
    );
    waiting = most - alsoFailed!.n;
  }
  const unrouted = yield* first(
    indexRows(db, 'call_index_unrouted')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .where('c.unrouted', '=', sql.lit(1))
      .where('c.call', '>=', bounds.first)
      .where('c.call', '<=', bounds.last)
      .where('c.received_at', '>=', since.getTime())
      .where('c.received_at', '<', until.getTime()),
  );
  // How many go to a connector is counted already; how many of them are not there is not, and those are few.
  const tallies = new Map(
    (yield* topCalls(db, 'connector', since.getTime(), until.getTime())).map(
      ({ name, calls }): [string, ConnectorTally] => [
        name,
        { connector: name, calls, waiting: 0, failed: 0, skipped: 0 },
      ],
    ),
  );
  for (const [what, open] of [
    ['waiting', most > mostExact ? due : yield* ofConnectors('due')],
    ['failed', yield* ofConnectors('failed')],
    ['skipped', yield* ofConnectors('skipped')],
  ] as const)
    for (const { connector, n } of open) {
      const tally = tallies.get(connector);
      if (tally) tally[what] = n;
    }
  return {
    failed,
    waiting,
    skipped: yield* calls('skipped', 'failed', 'due'),
    unrouted: unrouted!.n,
    connectors: [...tallies.values()].sort((a, b) => (a.connector < b.connector ? -1 : 1)),
  };
}

/** Where calls are is read from their deliveries, which are never behind. */
export function* countRange(db: Db, since: Date, until: Date): Question<RangeCounts> {
  const bounds = yield* boundsOf(db, since, until);
  if (!bounds) return { calls: [], deliveries: [] };
  const within = () =>
    indexRows(db, null)
      .where('c.call', '>=', bounds.first)
      .where('c.call', '<=', bounds.last)
      .where('c.received_at', '>=', since.getTime())
      .where('c.received_at', '<', until.getTime());
  const rank = sql.join(
    places.map((state, rank) => sql`when ${sql.lit(state)} then ${sql.lit(rank)}`),
    sql` `,
  );
  const calls = yield* rows(
    within()
      .select(({ fn, selectFrom }) => [
        'c.source',
        'c.missed',
        selectFrom('deliveries as d')
          .select(sql<number | null>`max(case d.state ${rank} end)`.as('rank'))
          .whereRef('d.call', '=', 'c.call')
          .as('place'),
        fn.countAll<number>().as('n'),
      ])
      .groupBy(['c.source', 'c.missed', 'place']),
  );
  const deliveries = yield* rows(
    within()
      .crossJoin('deliveries as d')
      .whereRef('d.call', '=', 'c.call')
      .select(({ fn }) => ['d.connector', 'd.state', fn.countAll<number>().as('count')])
      .groupBy(['d.connector', 'd.state']),
  );
  return {
    calls: calls.map(({ source, missed, place, n }) => ({
      source,
      missed: missed === 1,
      place: place === null ? null : (places[place] as DeliveryState),
      count: n,
    })),
    deliveries: deliveries.map((row) => ({ ...row })),
  };
}

/** Of each connector that has any: what is due, failed or skipped. */
export function* openDeliveries(db: Db): Question<DeliveryTally[]> {
  const tallies = new Map<string, DeliveryTally>();
  for (const state of ['due', 'failed', 'skipped'] as const) {
    const found = yield* rows(
      inState(db, state)
        .select(({ fn }) => [
          'd.connector',
          fn.countAll<number>().as('n'),
          fn.min<number | null>('d.due_at').as('oldest'),
        ])
        .groupBy('d.connector'),
    );
    for (const { connector, n, oldest } of found) {
      const tally = tallies.get(connector) ?? { connector, due: 0, failed: 0, skipped: 0, oldestDueAt: null };
      tally[state] = n;
      if (state === 'due' && oldest !== null) tally.oldestDueAt = new Date(oldest);
      tallies.set(connector, tally);
    }
  }
  return [...tallies.values()];
}

export function* pushesSeen(db: Db, sources: readonly string[]): Question<PushesSeen[]> {
  if (sources.length === 0) return [];
  const found = yield* rows(
    db
      .selectFrom('source_pushes')
      .selectAll()
      .where('source', 'in', [...sources])
      .orderBy('source')
      .orderBy('kind'),
  );
  return found.map(({ source, kind, first_at: firstAt, last_at: lastAt }) => ({
    source,
    kind,
    firstAt: new Date(firstAt),
    lastAt: new Date(lastAt),
  }));
}

type OpenState = 'due' | 'failed' | 'skipped';

/** By its partial index, which takes the state as a literal. */
function inState(db: Db, state: OpenState) {
  const by = hint(db, sql`indexed by ${sql.ref(`deliveries_${state}`)}`);
  return db
    .selectFrom(sql<DeliveryRow>`deliveries`.as<'d'>(sql`d${by}`))
    .where('d.state', '=', sql.lit(state));
}

/** @param index null: in the order of the calls */
function indexRows(db: Db, index: string | null) {
  const by = hint(db, index === null ? sql`not indexed` : sql`indexed by ${sql.ref(index)}`);
  return db.selectFrom(sql<CallIndexTable>`call_index`.as<'c'>(sql`c${by}`));
}

/** Of the call of a delivery: whether one of its deliveries is in that state. It has few, so no index of states is gone by. */
function isAlso(db: Db, state: OpenState) {
  const plus = isSqlite(db) ? sql`+` : sql``;
  return sql<boolean>`exists (select 1 from deliveries as o where o.call = d.call and ${plus}o.state = ${sql.lit(state)})`;
}

function hint(db: Db, text: RawBuilder<unknown>): RawBuilder<unknown> {
  return isSqlite(db) ? sql` ${text}` : sql``;
}
