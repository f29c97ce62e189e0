import { liveMs } from '../../call/call.ts';
import type { Database } from '../../runtime/sqlite.ts';
import type { DueFilter } from '../deliveries.ts';
import { latestMs, rewriteAt } from '../late-writes.ts';
import { again, behind, fresh, historic, late, lines, linesInSight } from '../lines.ts';
import type { CallRow } from '../schema.ts';
import type { CommitQueue } from './commit-queue.ts';

/** A call with what of its delivery a worker needs. */
export type DueRow = CallRow & {
  state: 'due' | 'delivered';
  line: number;
  records: string;
  due_at: number;
  attempts: number;
  failures: number;
  failing_since: number | null;
  tried_ms: number;
};

interface LiveRow {
  call: number;
  due_at: number;
  lane: string;
}

/** A look goes past no more than so many that are not for it, or it would hold up all else. */
const mostPassed = 1_000;
/** Of live calls, at least so many are seen: the calls of one caller among them are taken in their order. */
const fewestSeen = 50;
/** How often in one look what was passed is put behind. */
const mostRounds = 8;
/** How many are changed in one commit. */
const atOnce = 1_000;

/**
 * What is due, in the order in which it is taken.
 *
 * Due deliveries stand in lines, each in the order of its times: what pushes made due, where the live calls are last;
 * what is tried again; what pushes made due that came late; and historic calls, after all others. Where a caller has so many calls due that a look meets nothing but calls of lanes that
 * are busy, those are put behind: out of sight until their lane is free, and then let in again, some at a time. So a
 * look costs the same whatever waits, and a push writes nothing for it.
 *
 * What is delivered and to be written once more (late-writes.ts) is taken in their order, when its time has come.
 */
export class SqliteDue {
  readonly #queue: CommitQueue;
  readonly #do: ReturnType<typeof dueStatements>;

  constructor(database: Database, queue: CommitQueue) {
    this.#queue = queue;
    this.#do = dueStatements(database);
  }

  async take(
    connector: string,
    now: number,
    limit: number,
    {
      exceptLanes = [],
      exceptCalls = [],
      onlyCalls,
      overOnly = false,
      liveOnly = false,
      oldestFirst = false,
    }: DueFilter,
  ): Promise<DueRow[]> {
    if (!this.#do.any.get({ connector, now })) return []; // nearly always, for somebody who is told of each push
    const lanes = JSON.stringify([...exceptLanes]);
    const calls = JSON.stringify([...exceptCalls]);
    await this.#letIn(connector, now, lanes, limit);
    // Calls under way are few, but for a thrifty connector, which passes by all that ring.
    const looked = overOnly ? -1 : limit + mostPassed;
    const over = overOnly ? 1 : 0;
    if (onlyCalls) {
      const only = JSON.stringify([...onlyCalls]);
      return this.#do.among.all({ connector, now, only, lanes, calls, over, limit }) as unknown as DueRow[];
    }
    if (liveOnly) {
      const since = now - liveMs;
      const window = Math.max(limit, fewestSeen);
      const seen = [fresh, again].flatMap((line) =>
        this.#do.live.all({ connector, line, since, now, looked, lanes, calls, over, limit: window }),
      ) as unknown as LiveRow[];
      if (seen.length === 0) return [];
      const only = JSON.stringify(latestOf(seen, limit));
      return this.#do.among.all({ connector, now, only, lanes, calls, over, limit }) as unknown as DueRow[];
    }
    for (let round = 0; ; round++) {
      const found = (shown: readonly number[]) =>
        shown.flatMap((line) =>
          this.#do.oldest.all({ connector, line, now, looked, lanes, calls, over, limit }),
        ) as unknown as DueRow[];
      const rewrites = this.#do.rewrites.all({ connector, now, looked, lanes, calls, over, limit });
      const first = [
        ...found(oldestFirst ? linesInSight : [fresh, again, late]),
        ...(rewrites as unknown as DueRow[]),
      ].sort((a, b) => a.due_at - b.due_at || a.id - b.id);
      const all = oldestFirst || first.length >= limit ? first : [...first, ...found([historic])];
      const isEnough = all.length >= limit || overOnly || lanes === '[]' || round === mostRounds;
      if (isEnough || !(await this.#putBehind(connector, now, looked, lanes))) return all.slice(0, limit);
    }
  }

  /** Those that a look passed because their lane is busy; false when it has seen all that is due. */
  async #putBehind(connector: string, now: number, looked: number, lanes: string): Promise<boolean> {
    const full = linesInSight.filter(
      (line) => this.#do.seen.get({ connector, line, now, looked })?.['n'] === looked,
    );
    let moved = 0;
    for (const line of full) {
      moved += await this.#queue.write(() =>
        Number(this.#do.putBehind.run({ connector, line, now, looked, lanes }).changes),
      );
    }
    return moved > 0;
  }

  /** The first of each free lane that has none left before. */
  async #letIn(connector: string, now: number, lanes: string, limit: number): Promise<void> {
    const free = this.#do.freeLanes.all({ connector, lanes });
    if (free.length === 0) return;
    await this.#queue.write(() => {
      for (const { lane } of free) this.#do.letIn.run({ connector, lane: lane as string, now, limit });
    });
  }

  /** When the next falls due after a time. */
  nextAt(connector: string, after: number): number | null {
    const times = [
      ...linesInSight.map((line) => this.#do.next.get({ connector, line, after })?.['at'] as number),
      this.#do.nextRewrite.get({ connector, after })?.['at'] as number,
    ];
    const known = times.filter((at) => at !== null);
    return known.length === 0 ? null : Math.min(...known);
  }

  /**
   * What waits for its time is due now. Of what was to come later than `now`, all or only what a wrong clock left. What is
   * to be written once more waits as long as from now on.
   */
  async hasten(connector: string, now: number, which: 'all' | 'impossible'): Promise<number> {
    let hastened = 0;
    if (this.#do.unansweredLater.get({ connector, now }))
      await this.#queue.write(() => {
        this.#do.unansweredNow.run({ connector, now, rewriteAt: rewriteAt(now) });
        this.#do.leftNow.run({ connector, now });
      });
    for (const line of linesInSight) {
      for (let changed = atOnce; changed === atOnce; hastened += changed) {
        if ((this.#do.next.get({ connector, line, after: now })?.['at'] ?? null) === null) break;
        changed = await this.#queue.write(() =>
          Number(
            this.#do.hasten.run({ connector, line, now, all: which === 'all' ? 1 : 0, limit: atOnce })
              .changes,
          ),
        );
      }
    }
    return hastened;
  }

  async discountTime(connector: string, now: number, ms: number): Promise<void> {
    const since = now - ms - latestMs; // what was unanswered before was over by then
    if (!this.#do.unansweredLater.get({ connector, now: since })) return;
    await this.#queue.write(() => {
      this.#do.unansweredShift.run({ connector, since, ms, now, rewriteAt: rewriteAt(now) });
      this.#do.leftShift.run({ connector, since, ms, now });
    });
  }
}

/** The calls of those callers who called last, of each the earliest first. */
function latestOf(seen: readonly LiveRow[], limit: number): number[] {
  const byLane = new Map<string, number[]>();
  for (const { call, lane } of [...seen].sort((a, b) => b.due_at - a.due_at || b.call - a.call))
    byLane.set(lane, [call, ...(byLane.get(lane) ?? [])]);
  return [...byLane.values()].flat().slice(0, limit);
}

function dueStatements(database: Database) {
  const prepare = (sql: string) => database.prepare(sql);
  // A limit within keeps SQLite from going on through all that is due; what is outside keeps its order, unsorted.
  const columns =
    'calls.*, d.state, d.line, d.records, d.due_at, d.attempts, d.failures, d.failing_since, d.tried_ms';
  const isFree = `calls.lane not in (select value from json_each(:lanes))
      and calls.id not in (select value from json_each(:calls))
      and (:over = 0 or calls.end_received_at is not null or calls.lapsed = 1)`;
  const look = (shown: string, which: string, range: string, order: 'asc' | 'desc', also = '') => `
    select ${shown}
    from (
      select * from deliveries
      where connector = :connector and ${which} and ${range}
      order by due_at ${order}, call ${order} limit :looked
    ) as d
    cross join calls on calls.id = d.call
    where ${isFree} ${also}
    limit :limit`;
  const hidden = lines.filter((line) => line & behind);
  const inLine = "state = 'due' and line = :line";
  const toRewrite = "state = 'delivered' and unanswered_at is not null";
  const passed = `
    select call from deliveries
    where connector = :connector and state = 'due' and line = :line and due_at <= :now
    order by due_at, call limit :looked`;
  const is = (which: string) => `exists (select 1 from deliveries where connector = :connector and ${which})`;
  return {
    any: prepare(`
      select 1 where ${linesInSight.map((line) => is(`state = 'due' and line = ${line} and due_at <= :now`)).join(' or ')}
        or ${hidden.map((line) => is(`state = 'due' and line = ${line}`)).join(' or ')}
        or ${is(`${toRewrite} and due_at <= :now`)}`),
    oldest: prepare(look(columns, inLine, 'due_at <= :now', 'asc')),
    rewrites: prepare(look(columns, toRewrite, 'due_at <= :now', 'asc')),
    live: prepare(
      look(
        'd.call, d.due_at, calls.lane',
        inLine,
        'due_at <= :now and due_at > :since',
        'desc',
        'and calls.last_received_at between :since + 1 and :now',
      ),
    ),
    among: prepare(`
      select ${columns} from json_each(:only) as only
      cross join deliveries as d on d.call = only.value and d.connector = :connector
      cross join calls on calls.id = d.call
      where d.state in ('due', 'delivered') and d.due_at <= :now and ${isFree}
      order by d.due_at, d.call limit :limit`),
    seen: prepare(`select count(*) as n from (${passed})`),
    putBehind: prepare(`
      update deliveries set line = line | ${behind}, lane = (select lane from calls where id = call)
      where connector = :connector and call in (
        select passed.call from (${passed}) as passed join calls on calls.id = passed.call
        where calls.lane in (select value from json_each(:lanes))
      )`),
    freeLanes: prepare(`
      with recursive known(lane) as (
        select min(lane) from deliveries where connector = :connector and lane is not null
        union all
        select (select min(lane) from deliveries where connector = :connector and lane > known.lane)
        from known where known.lane is not null
      )
      select lane from known
      where lane is not null and lane not in (select value from json_each(:lanes))
        and not exists (
          select 1 from deliveries where connector = :connector and lane = known.lane and line in (${linesInSight})
        )`),
    letIn: prepare(`
      update deliveries set line = line & ~${behind}, due_at = min(due_at, :now)
      where connector = :connector and call in (
        select call from deliveries where connector = :connector and lane = :lane and line >= ${behind} -- a free lane has none in sight
        order by line, due_at, call limit :limit
      )`),
    next: prepare(`
      select min(due_at) as at from deliveries
      where connector = :connector and ${inLine} and due_at > :after`),
    nextRewrite: prepare(`
      select min(due_at) as at from deliveries
      where connector = :connector and ${toRewrite} and due_at > :after`),
    // What was not tried is due at once, and what was, at a time after its last attempt: neither was in the future.
    hasten: prepare(`
      update deliveries set
        due_at = :now,
        failing_since = min(failing_since, :now),
        tried_ms = max(0, tried_ms - (due_at - :now))
      where connector = :connector and call in (
        select call from deliveries as d
        where connector = :connector and state = 'due' and line = :line and due_at > :now and (
          :all = 1 or failures = 0 or exists (
            select 1 from attempts as a
            where a.call = d.call and a.connector = d.connector and a.n = d.attempts and a.at + a.took_ms > :now
          )
        )
        limit :limit
      )`),
    unansweredLater: prepare(`
      select 1 from deliveries where connector = :connector and unanswered_at > :now
      union all
      select 1 from leases where name = :connector and left_at > :now
      limit 1`),
    unansweredNow: prepare(`
      update deliveries set
        unanswered_at = :now,
        due_at = case state when 'delivered' then :rewriteAt else due_at end
      where connector = :connector and unanswered_at > :now`),
    unansweredShift: prepare(`
      update deliveries set
        unanswered_at = min(unanswered_at + :ms, :now),
        due_at = case state when 'delivered' then min(due_at + :ms, :rewriteAt) else due_at end
      where connector = :connector and unanswered_at > :since`),
    leftShift: prepare(`
      update leases set left_at = min(left_at + :ms, :now) where name = :connector and left_at > :since`),
    leftNow: prepare(`
      update leases set left_at = :now where name = :connector and left_at > :now`),
  };
}
