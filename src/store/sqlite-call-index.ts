import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { type CallState, kindOf } from '../call/call.ts';
import type { Fields } from '../call/push.ts';
import { type Database, failureOf } from '../runtime/sqlite.ts';
import type { CallIndexTable, CallRow } from './schema.ts';
import type {
  CallCount,
  CallsFound,
  CallTally,
  ConnectorTally,
  DeliveryState,
  DeliveryTally,
  IndexedCall,
  IndexFilter,
  IndexProgress,
  IndexStep,
  LagCount,
  PushesSeen,
  RangeCounts,
  Readings,
  ResultCounts,
  TopCount,
} from './store.ts';
import { type Span, spansBetween, spansMs, startOf, stepOfMs } from './time-buckets.ts';

/*
 * The index of calls, which follows them from behind. It is as good as new after a kill at any point, because each step
 * is one transaction that holds what was indexed and how far that goes:
 *
 *   pushes      that came after `last_push` name calls to look at
 *   to index    calls that changed without a push: they lapsed, or were routed again
 *   scan        every call, newest first, after an update
 *   source      of a source that is read otherwise than before: its calls, newest first
 *   removed     taken out within the transaction that removes the call
 *
 * What a call counts for is taken back before it is counted anew, so looking at a call twice changes nothing.
 */

/** More than so many candidates are not sorted, but met while going through all calls, newest first. */
const mostCandidates = 20_000;
const rareConnector = 100_000;
const spansOf = {
  source: ['quarter', 'hour', 'day', 'week', 'month'],
  keyword: ['quarter', 'day', 'week', 'month'],
  dealer: ['quarter', 'day', 'week', 'month'],
  connector: ['quarter', 'day', 'week', 'month'],
} as const satisfies Record<string, Span[]>;
type Facet = keyof typeof spansOf;

type Row = CallIndexTable;

interface State {
  version: string;
  last_push: number;
  scanned_call: number | null;
  scan_until: number | null;
}

export class SqliteCallIndex {
  readonly #database: Database;
  readonly #prepared = new Map<string, StatementSync>();
  readonly #stateOf: (row: CallRow) => CallState;
  readonly #fieldsOf: (body: string) => Fields;
  /** What the counts change by in the present transaction. */
  readonly #changes = new Map<string, { key: readonly SQLInputValue[]; by: ResultCounts }>();
  /** The last ones that `source_readings` was compared with: with ten thousand sources that is not done for every step. */
  #compared: Readings | undefined;

  /** @param stateOf what a call says by now */
  constructor(database: Database, stateOf: (row: CallRow) => CallState, fieldsOf: (body: string) => Fields) {
    this.#database = database;
    this.#stateOf = stateOf;
    this.#fieldsOf = fieldsOf;
  }

  /**
   * One step, in a transaction of its own. It is not waited for by the disk: after a power cut the index goes on where
   * the disk has it.
   */
  step(readings: Readings, read: (state: CallState) => IndexedCall, limit: number): IndexStep {
    const state = this.#state();
    const isUpToDate =
      readings === this.#compared &&
      state.version === readings.version &&
      state.scanned_call === null &&
      state.last_push === this.#lastPush() &&
      !this.#sourceToScan() &&
      !this.#get('select call from calls_to_index limit 1');
    if (isUpToDate) return { calls: [], isDone: true, lastPush: state.last_push };
    // A row that grows leaves its place: overwritten, nothing of what may be erased some day stays behind.
    this.#database.exec('pragma synchronous=normal; pragma secure_delete=on');
    try {
      this.#database.exec('begin immediate');
      const done = this.counting(() => this.#step(readings, read, limit));
      this.#database.exec('commit');
      this.#compared = readings;
      return done;
    } catch (reason) {
      if (this.#database.isTransaction) this.#database.exec('rollback');
      // Somebody else writes, and wakes the sweep by that.
      if (failureOf(reason) === 'locked') return { calls: [], isDone: true, lastPush: this.#lastPush() };
      throw reason;
    } finally {
      this.#database.exec('pragma synchronous=full; pragma secure_delete=fast');
    }
  }

  #step(readings: Readings, read: (state: CallState) => IndexedCall, limit: number): IndexStep {
    const state = this.#state();
    if (readings !== this.#compared) this.#compare(readings);
    if (state.version !== readings.version) {
      state.version = readings.version;
      this.#run('update source_readings set scanned_call = null where scanned_call is not null');
      state.scan_until = this.#get<{ id: number | null }>('select max(id) as id from calls')?.id ?? 0;
      state.scanned_call = state.scan_until + 1;
      state.last_push = this.#lastPush(); // the scan meets what those before say
    }
    const calls = new Set<number>();
    for (const { call } of this.#all<{ call: number }>('select call from calls_to_index limit ?', limit)) {
      calls.add(call);
      this.#run('delete from calls_to_index where call = ?', call);
    }
    const pushes = this.#all<{ id: number; call: number; received_at: number; body: string }>(
      'select id, call, received_at, body from pushes where id > ? order by id limit ?',
      state.last_push,
      limit,
    );
    for (const { id, call, received_at: at, body } of pushes) {
      calls.add(call);
      this.#sawPush(call, this.#fieldsOf(body), at);
      state.last_push = id;
    }
    if (state.scanned_call !== null && calls.size < limit) {
      const scanned = this.#all<{ id: number }>(
        'select id from calls where id < ? order by id desc limit ?',
        state.scanned_call,
        limit - calls.size,
      );
      for (const { id } of scanned) {
        calls.add(id);
        for (const push of this.#all<{ received_at: number; body: string }>(
          'select received_at, body from pushes where call = ?',
          id,
        ))
          this.#sawPush(id, this.#fieldsOf(push.body), push.received_at);
      }
      state.scanned_call = scanned.at(-1)?.id ?? null;
      if (state.scanned_call === null) state.scan_until = null;
    }
    for (let next = this.#sourceToScan(); next && calls.size < limit; next = this.#sourceToScan()) {
      const scanned = this.#all<{ call: number }>(
        'select call from call_index where source = ? and call < ? order by call desc limit ?',
        next.source,
        next.scanned_call,
        limit - calls.size,
      );
      for (const { call } of scanned) calls.add(call);
      this.#run(
        'update source_readings set scanned_call = ? where source = ?',
        scanned.at(-1)?.call ?? null,
        next.source,
      );
    }
    const changed: IndexStep['calls'] = [];
    for (const call of calls) {
      const row = this.#get<CallRow>('select * from calls where id = ?', call);
      if (!row) continue; // removed meanwhile
      const isNew = this.#look(row, read);
      changed.push({ source: row.source, callId: row.call_id, isNew });
    }
    this.#run(
      'update call_index_state set version = ?, last_push = ?, scanned_call = ?, scan_until = ?',
      state.version,
      state.last_push,
      state.scanned_call,
      state.scan_until,
    );
    const isDone = pushes.length < limit && state.scanned_call === null && calls.size < limit;
    return { calls: changed, isDone, lastPush: this.#lastPush() };
  }

  /** Which sources are read otherwise than before. Calls that come to the index later are read as it is by now. */
  #compare({ sources }: Readings): void {
    this.#run(
      `insert into source_readings (source, version, scanned_call)
      select now.source, now.version, iif(
        exists (select 1 from call_index where call_index.source = now.source),
        (select max(call) + 1 from call_index),
        null)
      from (
        select key as source, value as version from json_each(?1)
        union all
        select source, '' from source_readings where source not in (select key from json_each(?1))
      ) as now left join source_readings as before on before.source = now.source
      where now.version is not before.version
      on conflict (source) do update set version = excluded.version, scanned_call = excluded.scanned_call`,
      JSON.stringify(sources),
    );
  }

  /** The next whose calls are to be looked at anew: the one with the newest of them. */
  #sourceToScan(): { source: string; scanned_call: number } | undefined {
    return this.#get(
      `select source, scanned_call from source_readings where scanned_call is not null
      order by scanned_call desc limit 1`,
    );
  }

  progress(): IndexProgress {
    const { version, last_push, scanned_call, scan_until } = this.#state();
    const last = this.#lastPush();
    const isScanning = scanned_call !== null && scan_until !== null && scan_until > 0;
    const source = this.#sourceToScan();
    const lastCall = this.#get<{ id: number | null }>('select max(call) as id from call_index')?.id ?? 0;
    let rebuilding: number | null = null;
    if (isScanning) rebuilding = 1 - (scanned_call - 1) / scan_until;
    else if (version === '' && last > 0) rebuilding = 0;
    else if (source) rebuilding = Math.max(1 - (source.scanned_call - 1) / lastCall, 0);
    return {
      behind: Math.max(last - last_push, 0),
      rebuilding,
      // The scan goes from the newest to the oldest.
      lacksCalls:
        (isScanning || version === '') &&
        this.#get(
          `select 1 from (select min(id) as id from calls) as oldest
          where id is not null and not exists (select 1 from call_index where call = oldest.id)`,
        ) !== undefined,
    };
  }

  /** Whether every call that was received before a time is here as it is by now. */
  covers(until: Date): boolean {
    const { version, last_push, scanned_call } = this.#state();
    if (scanned_call !== null || (version === '' && this.#get('select id from calls limit 1'))) return false;
    if (this.#sourceToScan()) return false;
    const before = until.getTime();
    const unseen =
      this.#get('select id from pushes where id > ? and received_at < ? limit 1', last_push, before) ??
      this.#get(
        `select call from calls_to_index cross join calls on calls.id = calls_to_index.call
        where first_received_at < ? limit 1`,
        before,
      );
    return unseen === undefined;
  }

  /** Whether a call was in the index before. */
  #look(row: CallRow, read: (state: CallState) => IndexedCall): boolean {
    const { id: call } = row;
    const before = this.#get<Row>('select * from call_index where call = ?', call);
    const seen = read(this.#stateOf(row));
    const connectors = this.#all<{ connector: string }>(
      'select connector from deliveries where call = ?',
      call,
    ).map(({ connector }) => connector);
    const known = before ? this.#connectorsOf(call) : [];
    const now: Row = {
      call,
      received_at: row.first_received_at,
      source: row.source,
      result: seen.result ?? 'unknown',
      missed: seen.missed ? 1 : 0,
      unrouted: connectors.length === 0 ? 1 : 0,
      caller: seen.caller,
      caller_reversed: seen.caller === null ? null : reversed(seen.caller),
      dealer: seen.dealer,
      keyword: seen.keyword,
      words: seen.words.map((word) => ` ${word}`).join(''),
    };
    for (const connector of connectors)
      this.#run('insert or ignore into call_connectors (connector, call) values (?, ?)', connector, call);
    if (before && known.length === connectors.length && JSON.stringify(before) === JSON.stringify(now))
      return false;
    if (before) this.#count(before, known, -1);
    this.#count(now, connectors, 1);
    this.#run(
      `insert into call_index (call, received_at, source, result, missed, unrouted, caller, caller_reversed, dealer, keyword, words)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (call) do update set received_at = excluded.received_at,
      source = excluded.source, result = excluded.result, missed = excluded.missed, unrouted = excluded.unrouted,
      caller = excluded.caller, caller_reversed = excluded.caller_reversed, dealer = excluded.dealer,
      keyword = excluded.keyword, words = excluded.words`,
      ...Object.values(now),
    );
    if (before?.words !== now.words) {
      if (before) this.#removeWords(before);
      this.#run('insert into call_words (rowid, words) values (?, ?)', call, now.words);
    }
    if (!before)
      this.#run(
        `insert into call_hours (hour, first_call, last_call) values (?, ?, ?) on conflict (hour) do update set
        first_call = min(first_call, excluded.first_call), last_call = max(last_call, excluded.last_call)`,
        startOf('hour', now.received_at),
        call,
        call,
      );
    return !before;
  }

  #removeWords({ call, words }: Row): void {
    this.#run("insert into call_words (call_words, rowid, words) values ('delete', ?, ?)", call, words);
  }

  /** The connectors that it is indexed for. */
  #connectorsOf(call: number): string[] {
    return this.#all<{ connector: string }>(
      `select connector from call_connectors where call = ? and connector in (
        select connector from deliveries where call = ?)`,
      call,
      call,
    ).map(({ connector }) => connector);
  }

  #count(row: Row, connectors: readonly string[], by: number): void {
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

  #sawPush(call: number, fields: Fields, at: number): void {
    const kind = kindOf(fields);
    for (const each of kind === 'both' ? ['start', 'end'] : kind === 'neither' ? [] : [kind])
      this.#run(
        `insert into source_pushes (source, kind, first_at, last_at)
        select source, ?, ?, ? from calls where id = ? on conflict (source, kind) do update set
        first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)`,
        each,
        at,
        at,
        call,
      );
  }

  /** Runs, within a transaction, what indexes and removes calls, and writes what the counts change by. */
  counting<T>(work: () => T): T {
    this.#changes.clear();
    const result = work();
    for (const { key, by } of this.#changes.values()) {
      const changes = Object.values(by);
      if (changes.every((change) => change === 0)) continue;
      const left = this.#get<{ calls: number }>(addToCounts, ...key, ...changes);
      if (left?.calls === 0)
        this.#run('delete from call_counts where span = ? and facet = ? and at = ? and name = ?', ...key);
    }
    this.#changes.clear();
    return result;
  }

  /** Within `counting`, before the call and its deliveries are removed. */
  remove(call: number): void {
    this.#run('delete from calls_to_index where call = ?', call);
    const row = this.#get<Row>('select * from call_index where call = ?', call);
    if (!row) return;
    this.#count(row, this.#connectorsOf(call), -1);
    this.#removeWords(row);
    this.#run(
      'delete from call_connectors where call = ? and connector in (select connector from deliveries where call = ?)',
      call,
      call,
    );
    this.#run('delete from call_index where call = ?', call);
  }

  /** A call changed without a push, or its pushes go before the index has seen them. */
  lookAgain(call: number): void {
    this.#run('insert or ignore into calls_to_index (call) values (?)', call);
  }

  /** Before pushes of a call are removed while the call stays. */
  losesPushes(call: number): void {
    this.#run(
      `insert or ignore into calls_to_index (call) select ? where exists (
        select 1 from pushes, call_index_state where pushes.call = ? and pushes.id > last_push)`,
      call,
      call,
    );
  }

  /** After pushes were removed: ids above the last one that is left are given anew. */
  lostPushes(): void {
    this.#run(
      'update call_index_state set last_push = min(last_push, coalesce((select max(id) from pushes), 0))',
    );
  }

  /** Counts a delivery, from the answer to the push until the CRM had it. */
  delivered(connector: string, at: number, lagMs: number): void {
    for (const span of ['quarter', 'day'] as const)
      this.#run(
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
      for (const { connector } of this.#all<{ connector: string }>('select connector from connectors'))
        this.#run('delete from lag_counts where span = ? and connector = ? and at < ?', span, connector, at);
  }

  /** The rows of the calls that match, newest first. */
  find(filter: IndexFilter, beforeRow: number | null, limit: number): number[] {
    const query = this.#query(filter, beforeRow);
    if (!query) return [];
    const { from, where, values } = query;
    return this.#all<{ call: number }>(
      `select c.call from ${from} where ${where.join(' and ')} order by ${query.order} desc limit ?`,
      ...values,
      limit,
    ).map(({ call }) => call);
  }

  /** Of the first that match, as `find` has them: how many they are, and their deliveries that are not skipped. */
  count(filter: IndexFilter, beforeRow: number | null, limit: number): CallsFound {
    const rows = this.find(filter, beforeRow, limit);
    const { connector } = filter;
    const found = this.#get<{ n: number }>(
      `select count(*) as n from json_each(?) as row cross join deliveries as d on d.call = row.value
      where d.state != 'skipped'${connector === undefined ? '' : ' and d.connector = ?'}`,
      JSON.stringify(rows),
      ...(connector === undefined ? [] : [connector]),
    );
    const lastRow = rows.length < limit ? null : (rows.at(-1) ?? null);
    return { calls: rows.length, deliveries: found?.n ?? 0, lastRow };
  }

  /**
   * Which index leads is decided here: SQLite knows nothing of how many calls match. Something rare leads where there is
   * something rare; otherwise calls are gone through newest first, and a page is full soon.
   */
  #query(filter: IndexFilter, beforeRow: number | null): Query | null {
    const { source, connector, state, result, missed, since, until, search } = filter;
    const bounds = this.#bounds(since, until);
    if (!bounds) return null;
    const query: Query = { from: '', where: [], values: [], order: 'c.call' };
    const and = (condition: string, ...values: SQLInputValue[]) => {
      query.where.push(condition);
      query.values.push(...values);
    };
    let leads: string | null = null;
    const matching = search ? this.#candidates(search) : null;
    const inState = state && state !== 'unrouted' ? this.#inState(state, connector) : null;
    const few = matching?.rows ?? inState;
    let names = { source: '+c.source', result: '+c.result', missed: '+c.missed', unrouted: '+c.unrouted' };
    if (few) {
      query.from = 'json_each(?) as few cross join call_index as c on c.call = few.value';
      query.values.push(JSON.stringify(few));
    } else if (matching?.words) {
      query.from = 'call_words as w cross join call_index as c on c.call = w.rowid';
      query.order = 'w.rowid';
      and('w.call_words match ?', matching.words);
    } else if (state === 'unrouted') leads = 'unrouted';
    else if (connector !== undefined && this.#isRare(connector)) {
      query.from = 'call_connectors as p cross join call_index as c on c.call = p.call';
      query.order = 'p.call';
      and('p.connector = ?', connector);
    } else if (missed && source !== undefined) leads = 'source_missed';
    else if (missed) leads = 'missed';
    else if (source !== undefined && result !== undefined) leads = 'source_result';
    else if (result !== undefined) leads = 'result';
    else if (source !== undefined) leads = 'source';
    if (leads !== null) {
      query.from = `call_index as c indexed by call_index_${leads}`;
      const own = leads.split('_');
      names = Object.fromEntries(
        Object.entries(names).map(([name, as]) => [name, own.includes(name) ? `c.${name}` : as]),
      ) as typeof names;
    } else if (query.from === '') query.from = 'call_index as c not indexed';

    if (source !== undefined) and(`${names.source} = ?`, source);
    if (result !== undefined) and(`${names.result} = ?`, result);
    if (missed !== undefined) and(`${names.missed} = ${missed ? 1 : 0}`);
    if (state === 'unrouted') and(`${names.unrouted} = 1`);
    else if (state !== undefined || connector !== undefined) {
      const conditions = ['d.call = c.call'];
      if (connector !== undefined) conditions.push('d.connector = ?');
      if (state !== undefined) conditions.push(`+d.state = '${state}'`);
      and(
        `exists (select 1 from deliveries as d where ${conditions.join(' and ')})`,
        ...(connector === undefined ? [] : [connector]),
      );
    }
    if (matching && !matching.rows && (few || !matching.words)) and(matching.condition, ...matching.values);
    and(`${query.order} >= ?`, bounds.first);
    and(`${query.order} <= ?`, Math.min(bounds.last, (beforeRow ?? Number.MAX_SAFE_INTEGER) - 1));
    if (since) and('c.received_at >= ?', since.getTime());
    if (until) and('c.received_at < ?', until.getTime());
    return query;
  }

  /** Between which calls those of a range of time are. Others may be there, too: a clock may have been set back. */
  #bounds(since: Date | undefined, until: Date | undefined): { first: number; last: number } | null {
    const first = since
      ? this.#get<{ row: number | null }>(
          'select min(first_call) as row from call_hours where hour >= ?',
          startOf('hour', since.getTime()),
        )?.row
      : 0;
    const last = until ? this.lastBefore(until) : Number.MAX_SAFE_INTEGER;
    return first === null || first === undefined || last === 0 ? null : { first, last };
  }

  /** No call that is known here and came before then is in a later row. */
  lastBefore(time: Date): number {
    const query = 'select max(last_call) as row from call_hours where hour < ?';
    return this.#get<{ row: number | null }>(query, time.getTime())?.row ?? 0;
  }

  /** The rows, where they are few; otherwise how to tell that one matches. */
  #candidates({
    callers,
    callerEnds,
    callIds,
    words,
    exact,
  }: NonNullable<IndexFilter['search']>): Candidates {
    const ways: { rows: string; condition: string; values: SQLInputValue[] }[] = [];
    for (const caller of callers)
      ways.push(
        exact
          ? {
              rows: 'select call from call_index where caller = ?',
              condition: 'c.caller = ?',
              values: [caller],
            }
          : {
              rows: 'select call from call_index where caller >= ? and caller < ?',
              condition: 'c.caller >= ? and c.caller < ?',
              values: [caller, `${caller}~`],
            },
      );
    for (const end of exact ? [] : callerEnds)
      ways.push({
        rows: 'select call from call_index where caller_reversed >= ? and caller_reversed < ?',
        condition: 'c.caller_reversed >= ? and c.caller_reversed < ?',
        values: [reversed(end), `${reversed(end)}~`],
      });
    for (const id of callIds)
      ways.push({
        rows: 'select id as call from calls where call_id >= ? and call_id < ?',
        condition:
          'exists (select 1 from calls as k where k.id = c.call and k.call_id >= ? and k.call_id < ?)',
        values: [id, `${id}\u{10ffff}`],
      });
    const match = words.map((word) => `"${word}" *`).join(' ');
    const matchesWords =
      words.length > 0
        ? this.#few('select rowid as call from call_words where call_words match ?', [match])
        : [];
    const found = ways.map(({ rows, values }) => this.#few(rows, values));
    if (matchesWords && found.every((rows) => rows !== null)) {
      const rows = [...new Set([...matchesWords, ...(found as number[][]).flat()])];
      if (rows.length <= mostCandidates) return { rows, words: null, condition: '', values: [] };
    }
    const all = ways.map(({ condition }) => condition);
    const values = ways.flatMap((way) => way.values);
    if (words.length > 0) {
      all.push(words.map(() => 'instr(c.words, ?) > 0').join(' and '));
      values.push(...words.map((word) => ` ${word}`));
    }
    return {
      rows: null,
      words: ways.length === 0 ? match : null,
      condition: `(${all.map((one) => `(${one})`).join(' or ')})`,
      values,
    };
  }

  #inState(state: string, connector: string | undefined): number[] | null {
    if (state === 'delivered') return null; // it has no index of its own, and is what most are
    const of = connector === undefined ? '' : 'connector = ? and ';
    return this.#few(
      `select call from deliveries indexed by deliveries_${state} where ${of}state = '${state}'`,
      connector === undefined ? [] : [connector],
    );
  }

  /** Null when there are many. */
  #few(query: string, values: SQLInputValue[]): number[] | null {
    const rows = this.#all<{ call: number }>(`${query} limit ${mostCandidates + 1}`, ...values);
    return rows.length > mostCandidates ? null : [...new Set(rows.map(({ call }) => call))];
  }

  /** Going through its calls then finds a page, or none, sooner than going through those of a source. */
  #isRare(connector: string): boolean {
    const counted = this.#get<{ n: number }>(
      'select count(*) as n from (select 1 from call_connectors where connector = ? limit ?)',
      connector,
      rareConnector,
    );
    return (counted?.n ?? 0) < rareConnector;
  }

  /** Calls within ranges of whole quarters. */
  counts(ranges: readonly { since: number; until: number }[]): CallCount[] {
    const ofSpan = `select ${sums} from call_counts where span = ? and facet = 'source' and at >= ? and at < ?`;
    return ranges.flatMap(({ since, until }) => {
      const count = { ...noCalls };
      for (const { span, from, to } of spansBetween(since, until, spansOf.source)) {
        const part = this.#get<Partial<ResultCounts>>(ofSpan, span, from, to);
        for (const name of resultNames) count[name] += part?.[name] ?? 0;
      }
      return count.calls > 0 ? [{ at: since, ...count }] : [];
    });
  }

  /** The names that most calls have, within a range of whole quarters. */
  top(facet: Facet, since: number, until: number, limit: number): TopCount[] {
    const ranges = spansBetween(since, until, spansOf[facet]);
    return this.#all<TopCount>(
      `select name, ${sums} from json_each(?) as part cross join call_counts
      on span = part.value ->> 0 and facet = ? and call_counts.at >= part.value ->> 1
      and call_counts.at < part.value ->> 2 group by name order by sum(calls) desc, name limit ?`,
      JSON.stringify(ranges.map(({ span, from, to }) => [span, from, to])),
      facet,
      limit,
    ).map((row) => ({ ...row }));
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
      let connector = this.#get<{ name: string | null }>(next, span, '')?.name;
      connector;
      connector = this.#get<{ name: string | null }>(next, span, connector)?.name
    )
      counts.push(
        this.#all<LagCount>(
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
    const bounds = this.#bounds(since, until);
    const none = { failed: 0, waiting: 0, skipped: 0, unrouted: 0, connectors: [] };
    if (!bounds) return none;
    const within = (state: string) => `from deliveries as d indexed by deliveries_${state}
      cross join call_index as c on c.call = d.call
      where d.state = '${state}' and d.call >= ? and d.call <= ? and c.received_at >= ? and c.received_at < ?`;
    const values = [bounds.first, bounds.last, since.getTime(), until.getTime()];
    const has = (state: string) =>
      `exists (select 1 from deliveries as o where o.call = d.call and +o.state = '${state}')`;
    const calls = (state: string, ...others: string[]) =>
      this.#get<{ n: number }>(
        `select count(distinct d.call) as n ${within(state)}${others.map((other) => ` and not ${has(other)}`).join('')}`,
        ...values,
      )?.n ?? 0;
    const failed = calls('failed');
    const due = this.#dueBetween(bounds);
    const ofConnectors = (state: string) =>
      this.#all<{ connector: string; n: number }>(
        `select d.connector, count(*) as n ${within(state)} group by d.connector`,
        ...values,
      );
    const isLong = due.some(({ n }) => n > mostCandidates);
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
        this.#get<{ n: number }>(
          `select count(*) as n from call_index as c indexed by call_index_unrouted
          where c.unrouted = 1 and c.call >= ? and c.call <= ? and c.received_at >= ? and c.received_at < ?`,
          ...values,
        )?.n ?? 0,
    };
  }

  /** Where calls are is read from their deliveries, which are never behind. */
  countRange(since: Date, until: Date): RangeCounts {
    const bounds = this.#bounds(since, until);
    if (!bounds) return { calls: [], deliveries: [] };
    const within = 'c.call >= ? and c.call <= ? and c.received_at >= ? and c.received_at < ?';
    const values = [bounds.first, bounds.last, since.getTime(), until.getTime()];
    const calls = this.#all<{ source: string; missed: number; place: number | null; n: number }>(
      `select source, missed, (select max(${rankOfState}) from deliveries as d where d.call = c.call) as place,
      count(*) as n from call_index as c not indexed where ${within} group by 1, 2, 3`,
      ...values,
    );
    const deliveries = this.#all<{ connector: string; state: DeliveryState; n: number }>(
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
    return this.#all(
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
    if (most <= mostCandidates || (due.length > 1 && most <= 5 * mostCandidates))
      return most === 0 ? 0 : exactly();
    if (!isAnyFailed) return most;
    const alsoFailed = this.#get<{ n: number }>(
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
      for (const { connector, n, oldest } of this.#all<{
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
    return this.#all<{ source: string; kind: 'start' | 'end'; first_at: number; last_at: number }>(
      `select source, kind, first_at, last_at from source_pushes
      where source in (select value from json_each(?)) order by source, kind`,
      JSON.stringify(sources),
    ).map((row) => ({
      source: row.source,
      kind: row.kind,
      firstAt: new Date(row.first_at),
      lastAt: new Date(row.last_at),
    }));
  }

  #lastPush(): number {
    return this.#get<{ id: number | null }>('select max(id) as id from pushes')?.id ?? 0;
  }

  #state(): State {
    return { ...(this.#get<State>('select * from call_index_state') as State) };
  }

  #statement(text: string): StatementSync {
    let prepared = this.#prepared.get(text);
    if (!prepared) {
      prepared = this.#database.prepare(text);
      this.#prepared.set(text, prepared);
    }
    return prepared;
  }

  #get<T>(text: string, ...values: SQLInputValue[]): T | undefined {
    return this.#statement(text).get(...values) as T | undefined;
  }

  #all<T>(text: string, ...values: SQLInputValue[]): T[] {
    return this.#statement(text).all(...values) as T[];
  }

  #run(text: string, ...values: SQLInputValue[]): void {
    this.#statement(text).run(...values);
  }
}

interface Query {
  from: string;
  where: string[];
  values: SQLInputValue[];
  order: string;
}

interface Candidates {
  rows: number[] | null;
  /** A full-text query that alone says what matches. */
  words: string | null;
  condition: string;
  values: SQLInputValue[];
}

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

function reversed(digits: string): string {
  return [...digits].reverse().join('');
}
