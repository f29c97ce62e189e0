import type { StatementSync } from 'node:sqlite';
import { liveMs } from '../../call/call.ts';
import { type Database, prepared } from '../../runtime/sqlite.ts';
import type { DueFilter } from '../deliveries.ts';
import { latestMs, rewriteAt } from '../late-writes.ts';
import { again, behind, fresh, historic, linesInSight } from '../lines.ts';
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

/** What is looked at of a delivery before it is taken. */
interface Seen {
  call: number;
  due_at: number;
  lane: string;
  last_received_at: number;
}

type Line = (typeof linesInSight)[number];

/** The earliest time of each line. */
type Front = Record<`line${Line}` | 'rewrites', number | null> & {
  /** 1: some may be out of sight. */
  has_behind: 0 | 1;
};

/** A look goes past no more than so many that are not for it, or it would hold up all else. */
const mostPassed = 1_000;
/** Of live calls, at least so many are seen: the calls of one caller among them are taken in their order. */
const fewestSeen = 50;
/** How often in one look what was passed is put behind. */
const mostRounds = 8;
/** How many are changed in one commit. */
const atOnce = 1_000;
/** A time. */
const beforeAll = -1;

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
    const lanes = new Set(exceptLanes);
    const calls = new Set(exceptCalls);
    let front = this.#front(connector, beforeAll);
    if (front.has_behind && (await this.#letIn(connector, now, lanes, limit)))
      front = this.#front(connector, beforeAll);
    const isDue = (at: number | null) => at !== null && at <= now;
    const due = linesInSight.filter((line) => isDue(front[`line${line}`]));

    // Calls under way are few, but for a thrifty connector, which passes by all that ring.
    const looked = overOnly ? Number.MAX_SAFE_INTEGER : limit + mostPassed;
    const isFree = ({ call, lane }: Seen) => !calls.has(call) && !lanes.has(lane);
    const all = { connector, now, over: overOnly ? 1 : 0 };
    const look = (statement: StatementSync, which: object, wanted: number, fits = isFree) => {
      // Nearly always it passes but those under way.
      for (let most = Math.min(wanted + calls.size, looked); ; most = looked) {
        const seen = statement.all({ ...all, ...which, most }) as unknown as Seen[];
        const found = seen.filter(fits);
        if (found.length < wanted && seen.length === most && most < looked) continue;
        return { found: found.slice(0, wanted), isCut: seen.length === looked };
      }
    };

    if (onlyCalls) {
      const only = [...onlyCalls].flatMap((call) => this.#do.one.all({ ...all, call }) as unknown as Seen[]);
      return this.#rowsOf(connector, now, only.filter(isFree).sort(byTime).slice(0, limit));
    }
    if (liveOnly) {
      const since = now - liveMs;
      const isLive = (one: Seen) =>
        one.last_received_at > since && one.last_received_at <= now && isFree(one);
      const found = due
        .filter((line) => line === fresh || line === again)
        .flatMap((line) => look(this.#do.latest, { line, since }, Math.max(limit, fewestSeen), isLive).found);
      return this.#rowsOf(connector, now, latestOf(found, limit).sort(byTime));
    }
    for (let round = 0; ; round++) {
      const cut: Line[] = [];
      const oldestOf = (line: Line) => {
        const { found, isCut } = look(this.#do.oldest, { line }, limit);
        if (isCut) cut.push(line);
        return found;
      };
      const found = due.filter((line) => oldestFirst || line !== historic).flatMap(oldestOf);
      if (isDue(front.rewrites)) found.push(...look(this.#do.rewrites, {}, limit).found);
      found.sort(byTime);
      if (!oldestFirst && found.length < limit && due.includes(historic)) found.push(...oldestOf(historic));
      const isEnough = found.length >= limit || overOnly || lanes.size === 0 || round === mostRounds;
      if (isEnough || !(await this.#putBehind(connector, now, cut, looked, lanes)))
        return this.#rowsOf(connector, now, found.slice(0, limit));
    }
  }

  /** A command beside the bridge may have changed one since it was seen: that is not taken. */
  #rowsOf(connector: string, now: number, seen: readonly Seen[]): DueRow[] {
    return seen.flatMap(({ call }) => this.#do.row.all({ connector, call, now }) as unknown as DueRow[]);
  }

  /**
   * Those that a look passed because their lane is busy; false when there were none.
   * @param cut lines that have more than a look sees
   */
  async #putBehind(
    connector: string,
    now: number,
    cut: readonly Line[],
    looked: number,
    lanes: ReadonlySet<string>,
  ): Promise<boolean> {
    const busy = JSON.stringify([...lanes]);
    let moved = 0;
    for (const line of cut) {
      moved += await this.#queue.write(() =>
        Number(this.#do.putBehind.run({ connector, line, now, looked, lanes: busy }).changes),
      );
    }
    return moved > 0;
  }

  /** The first of each free lane that has none left before; false when there were none. */
  async #letIn(connector: string, now: number, lanes: ReadonlySet<string>, limit: number): Promise<boolean> {
    const waiting = this.#do.lanesBehind.all({ connector }) as { lane: string }[];
    const free = waiting.filter(({ lane }) => !lanes.has(lane));
    if (free.length === 0) return false;
    await this.#queue.write(() => {
      for (const { lane } of free) this.#do.letIn.run({ connector, lane, now, limit });
    });
    return true;
  }

  #front(connector: string, after: number): Front {
    return this.#do.front.get({ connector, after }) as unknown as Front;
  }

  /** When the next falls due after a time. */
  nextAt(connector: string, after: number): number | null {
    const { has_behind, ...times } = this.#front(connector, after);
    const known = Object.values(times).filter((at) => at !== null);
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
        if (this.#front(connector, now)[`line${line}`] === null) break;
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

function byTime(a: Seen, b: Seen): number {
  return a.due_at - b.due_at || a.call - b.call;
}

/** The calls of those callers who called last, of each the earliest first. */
function latestOf(seen: Seen[], limit: number): Seen[] {
  const byLane = new Map<string, Seen[]>();
  for (const one of seen.sort((a, b) => byTime(b, a)))
    byLane.set(one.lane, [one, ...(byLane.get(one.lane) ?? [])]);
  return [...byLane.values()].flat().slice(0, limit);
}

function dueStatements(database: Database) {
  const inLine = "state = 'due' and line = :line";
  const toRewrite = "state = 'delivered' and unanswered_at is not null";
  // Whether a lane is busy is looked up outside: SQLite would make a table of them each time, dearer than all else here.
  const look = (which: string, order: 'asc' | 'desc') => `
    select d.call, d.due_at, calls.lane, calls.last_received_at
    from deliveries as d cross join calls on calls.id = d.call
    where d.connector = :connector and ${which} and due_at <= :now
      and (:over = 0 or calls.end_received_at is not null or calls.lapsed = 1)
    order by d.due_at ${order}, d.call ${order} limit :most`;
  const earliest = (which: string) =>
    `(select min(due_at) from deliveries where connector = :connector and ${which} and due_at > :after)`;
  const passed = `
    select call from deliveries
    where connector = :connector and state = 'due' and line = :line and due_at <= :now
    order by due_at, call limit :looked`;
  return prepared(database, {
    front: `
      select
        ${linesInSight.map((line) => `${earliest(`state = 'due' and line = ${line}`)} as line${line},`).join(' ')}
        ${earliest(toRewrite)} as rewrites,
        exists (select 1 from deliveries where connector = :connector and lane is not null) as has_behind`,
    oldest: look(inLine, 'asc'),
    latest: look(`${inLine} and due_at > :since`, 'desc'),
    rewrites: look(toRewrite, 'asc'),
    one: `
      select d.call, d.due_at, calls.lane, calls.last_received_at
      from deliveries as d cross join calls on calls.id = d.call
      where d.call = :call and d.connector = :connector and d.state in ('due', 'delivered') and due_at <= :now
        and (:over = 0 or calls.end_received_at is not null or calls.lapsed = 1)`,
    row: `
      select calls.*, d.state, d.line, d.records, d.due_at, d.attempts, d.failures, d.failing_since, d.tried_ms
      from deliveries as d cross join calls on calls.id = d.call
      where d.call = :call and d.connector = :connector and d.state in ('due', 'delivered') and d.due_at <= :now`,
    putBehind: `
      update deliveries set line = line | ${behind}, lane = (select lane from calls where id = call)
      where connector = :connector and call in (
        select passed.call from (${passed}) as passed join calls on calls.id = passed.call
        where calls.lane in (select value from json_each(:lanes))
      )`,
    lanesBehind: `
      with recursive known(lane) as (
        select min(lane) from deliveries where connector = :connector and lane is not null
        union all
        select (select min(lane) from deliveries where connector = :connector and lane > known.lane)
        from known where known.lane is not null
      )
      select lane from known
      where lane is not null and not exists (
        select 1 from deliveries where connector = :connector and lane = known.lane and line in (${linesInSight})
      )`,
    letIn: `
      update deliveries set line = line & ~${behind}, due_at = min(due_at, :now)
      where connector = :connector and call in (
        select call from deliveries where connector = :connector and lane = :lane and line >= ${behind} -- a free lane has none in sight
        order by line, due_at, call limit :limit
      )`,
    // What was not tried is due at once, and what was, at a time after its last attempt: neither was in the future.
    hasten: `
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
      )`,
    unansweredLater: `
      select 1 from deliveries where connector = :connector and unanswered_at > :now
      union all
      select 1 from leases where name = :connector and left_at > :now
      limit 1`,
    unansweredNow: `
      update deliveries set
        unanswered_at = :now,
        due_at = case state when 'delivered' then :rewriteAt else due_at end
      where connector = :connector and unanswered_at > :now`,
    unansweredShift: `
      update deliveries set
        unanswered_at = min(unanswered_at + :ms, :now),
        due_at = case state when 'delivered' then min(due_at + :ms, :rewriteAt) else due_at end
      where connector = :connector and unanswered_at > :since`,
    leftShift: `
      update leases set left_at = min(left_at + :ms, :now) where name = :connector and left_at > :since`,
    leftNow: `
      update leases set left_at = :now where name = :connector and left_at > :now`,
  });
}
