import { type CallState, kindOf } from '../../call/call.ts';
import type { Fields } from '../../call/push.ts';
import { type Database, failureOf } from '../../runtime/sqlite.ts';
import type { IndexedCall, IndexProgress, IndexStep, Readings } from '../call-index.ts';
import type { CallIndexTable, CallRow } from '../schema.ts';
import { startOf } from '../time-buckets.ts';
import type { SqliteCallCounts } from './call-counts.ts';
import { reversed } from './call-search.ts';
import type { Prepared } from './prepared.ts';

/*
 * The index of calls, which follows them from behind. It is as good as new after a kill at any point, because each step
 * is one transaction that holds what was indexed and how far that goes:
 *
 *   to index    an outbox: what changes a call puts it in, within the same commit, and a step takes it out
 *   scan        every call, newest first, after an update
 *   source      of a source that is read otherwise than before: its calls, newest first
 *   removed     taken out within the transaction that removes the call
 *
 * What a call counts for is taken back before it is counted anew, so looking at a call twice changes nothing.
 */

type Row = CallIndexTable;

interface State {
  version: string;
  scanned_call: number | null;
  scan_until: number | null;
}

/** Keeps the index up with the calls. */
export class SqliteCallIndex {
  readonly #database: Database;
  readonly #sql: Prepared;
  readonly #counts: SqliteCallCounts;
  readonly #stateOf: (row: CallRow) => CallState;
  readonly #fieldsOf: (body: string) => Fields;
  /** The last ones that `source_readings` was compared with: with ten thousand sources that is not done for every step. */
  #compared: Readings | undefined;

  /** @param stateOf what a call says by now */
  constructor(
    database: Database,
    sql: Prepared,
    counts: SqliteCallCounts,
    stateOf: (row: CallRow) => CallState,
    fieldsOf: (body: string) => Fields,
  ) {
    this.#database = database;
    this.#sql = sql;
    this.#counts = counts;
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
      !this.#sourceToScan() &&
      !this.#sql.get('select id from calls_to_index limit 1');
    if (isUpToDate) return { calls: [], isDone: true };
    // A row that grows leaves its place: overwritten, nothing of what may be erased some day stays behind.
    this.#database.exec('pragma synchronous=normal; pragma secure_delete=on');
    try {
      this.#database.exec('begin immediate');
      const done = this.#counts.counting(() => this.#step(readings, read, limit));
      this.#database.exec('commit');
      this.#compared = readings;
      return done;
    } catch (reason) {
      if (this.#database.isTransaction) this.#database.exec('rollback');
      // Somebody else writes, and wakes the sweep by that.
      if (failureOf(reason) === 'locked') return { calls: [], isDone: true };
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
      this.#sql.run('update source_readings set scanned_call = null where scanned_call is not null');
      state.scan_until = this.#sql.get<{ id: number | null }>('select max(id) as id from calls')?.id ?? 0;
      state.scanned_call = state.scan_until + 1;
      this.#sql.run('delete from calls_to_index'); // the scan meets them
    }
    const calls = new Set<number>();
    const taken = this.#sql.all<{ id: number; call: number; received_at: number | null; body: string }>(
      `select seen.id, seen.call, received_at, body from calls_to_index as seen
      left join pushes on pushes.id = seen.push order by seen.id limit ?`,
      limit,
    );
    for (const { call, received_at: at, body } of taken) {
      calls.add(call);
      if (at !== null) this.#sawPush(call, this.#fieldsOf(body), at);
    }
    // Nobody else writes meanwhile.
    this.#sql.run('delete from calls_to_index where id <= ?', taken.at(-1)?.id ?? 0);
    if (state.scanned_call !== null && calls.size < limit) {
      const scanned = this.#sql.all<{ id: number }>(
        'select id from calls where id < ? order by id desc limit ?',
        state.scanned_call,
        limit - calls.size,
      );
      for (const { id } of scanned) {
        calls.add(id);
        for (const push of this.#sql.all<{ received_at: number; body: string }>(
          'select received_at, body from pushes where call = ?',
          id,
        ))
          this.#sawPush(id, this.#fieldsOf(push.body), push.received_at);
      }
      state.scanned_call = scanned.at(-1)?.id ?? null;
      if (state.scanned_call === null) state.scan_until = null;
    }
    for (let next = this.#sourceToScan(); next && calls.size < limit; next = this.#sourceToScan()) {
      const scanned = this.#sql.all<{ call: number }>(
        'select call from call_index where source = ? and call < ? order by call desc limit ?',
        next.source,
        next.scanned_call,
        limit - calls.size,
      );
      for (const { call } of scanned) calls.add(call);
      this.#sql.run(
        'update source_readings set scanned_call = ? where source = ?',
        scanned.at(-1)?.call ?? null,
        next.source,
      );
    }
    const changed: IndexStep['calls'] = [];
    for (const call of calls) {
      const row = this.#sql.get<CallRow>('select * from calls where id = ?', call);
      if (!row) continue; // removed meanwhile
      const isNew = this.#look(row, read);
      changed.push({ source: row.source, callId: row.call_id, isNew });
    }
    this.#sql.run(
      'update call_index_state set version = ?, scanned_call = ?, scan_until = ?',
      state.version,
      state.scanned_call,
      state.scan_until,
    );
    const isDone = taken.length < limit && state.scanned_call === null && calls.size < limit;
    return { calls: changed, isDone };
  }

  /** Which sources are read otherwise than before. Calls that come to the index later are read as it is by now. */
  #compare({ sources }: Readings): void {
    this.#sql.run(
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
    return this.#sql.get(
      `select source, scanned_call from source_readings where scanned_call is not null
      order by scanned_call desc limit 1`,
    );
  }

  progress(): IndexProgress {
    const { version, scanned_call, scan_until } = this.#state();
    const isScanning = scanned_call !== null && scan_until !== null && scan_until > 0;
    const source = this.#sourceToScan();
    const lastCall = this.#sql.get<{ id: number | null }>('select max(call) as id from call_index')?.id ?? 0;
    let rebuilding: number | null = null;
    if (isScanning) rebuilding = 1 - (scanned_call - 1) / scan_until;
    else if (version === '' && this.#hasCalls()) rebuilding = 0;
    else if (source) rebuilding = Math.max(1 - (source.scanned_call - 1) / lastCall, 0);
    const oldest = this.#sql.get<{ received_at: number }>(
      `select received_at from calls_to_index as seen cross join pushes on pushes.id = seen.push
      order by seen.id limit 1`,
    );
    return {
      // They are taken in order, so that none needs to be counted.
      behind:
        this.#sql.get<{ n: number | null }>(
          'select (select max(id) from calls_to_index) - (select min(id) from calls_to_index) + 1 as n',
        )?.n ?? 0,
      behindSince: oldest ? new Date(oldest.received_at) : null,
      rebuilding,
      // The scan goes from the newest to the oldest.
      lacksCalls:
        (isScanning || version === '') &&
        this.#sql.get(
          `select 1 from (select min(id) as id from calls) as oldest
          where id is not null and not exists (select 1 from call_index where call = oldest.id)`,
        ) !== undefined,
    };
  }

  /** Whether every call that was received before a time is here as it is by now. */
  covers(until: Date): boolean {
    const { version, scanned_call } = this.#state();
    if (scanned_call !== null || (version === '' && this.#hasCalls())) return false;
    if (this.#sourceToScan()) return false;
    const unseen = this.#sql.get(
      `select 1 from calls_to_index as seen cross join calls on calls.id = seen.call where first_received_at < ? limit 1`,
      until.getTime(),
    );
    return unseen === undefined;
  }

  /** Whether a call was in the index before. */
  #look(row: CallRow, read: (state: CallState) => IndexedCall): boolean {
    const { id: call } = row;
    const before = this.#sql.get<Row>('select * from call_index where call = ?', call);
    const seen = read(this.#stateOf(row));
    const connectors = this.#sql
      .all<{ connector: string }>('select connector from deliveries where call = ?', call)
      .map(({ connector }) => connector);
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
      this.#sql.run('insert or ignore into call_connectors (connector, call) values (?, ?)', connector, call);
    if (before && known.length === connectors.length && JSON.stringify(before) === JSON.stringify(now))
      return false;
    if (before) this.#counts.add(before, known, -1);
    this.#counts.add(now, connectors, 1);
    this.#sql.run(
      `insert into call_index (call, received_at, source, result, missed, unrouted, caller, caller_reversed, dealer, keyword, words)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (call) do update set received_at = excluded.received_at,
      source = excluded.source, result = excluded.result, missed = excluded.missed, unrouted = excluded.unrouted,
      caller = excluded.caller, caller_reversed = excluded.caller_reversed, dealer = excluded.dealer,
      keyword = excluded.keyword, words = excluded.words`,
      ...Object.values(now),
    );
    if (before?.words !== now.words) {
      if (before) this.#removeWords(before);
      this.#sql.run('insert into call_words (rowid, words) values (?, ?)', call, now.words);
    }
    if (!before)
      this.#sql.run(
        `insert into call_hours (hour, first_call, last_call) values (?, ?, ?) on conflict (hour) do update set
        first_call = min(first_call, excluded.first_call), last_call = max(last_call, excluded.last_call)`,
        startOf('hour', now.received_at),
        call,
        call,
      );
    return !before;
  }

  #removeWords({ call, words }: Row): void {
    this.#sql.run("insert into call_words (call_words, rowid, words) values ('delete', ?, ?)", call, words);
  }

  /** The connectors that it is indexed for. */
  #connectorsOf(call: number): string[] {
    return this.#sql
      .all<{ connector: string }>(
        `select connector from call_connectors where call = ? and connector in (
        select connector from deliveries where call = ?)`,
        call,
        call,
      )
      .map(({ connector }) => connector);
  }

  #sawPush(call: number, fields: Fields, at: number): void {
    const kind = kindOf(fields);
    for (const each of kind === 'both' ? ['start', 'end'] : kind === 'neither' ? [] : [kind])
      this.#sql.run(
        `insert into source_pushes (source, kind, first_at, last_at)
        select source, ?, ?, ? from calls where id = ? on conflict (source, kind) do update set
        first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)`,
        each,
        at,
        at,
        call,
      );
  }

  /** Within `counting`, before the call and its deliveries are removed. */
  remove(call: number): void {
    const row = this.#sql.get<Row>('select * from call_index where call = ?', call);
    if (!row) return;
    this.#counts.add(row, this.#connectorsOf(call), -1);
    this.#removeWords(row);
    this.#sql.run(
      'delete from call_connectors where call = ? and connector in (select connector from deliveries where call = ?)',
      call,
      call,
    );
    this.#sql.run('delete from call_index where call = ?', call);
  }

  #hasCalls(): boolean {
    return this.#sql.get('select id from calls limit 1') !== undefined;
  }

  #state(): State {
    return { ...(this.#sql.get<State>('select * from call_index_state') as State) };
  }
}
