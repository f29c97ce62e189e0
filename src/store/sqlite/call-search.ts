import type { SQLInputValue } from 'node:sqlite';
import type { CallsFound, IndexFilter } from '../call-index.ts';
import { boundsOf } from '../queries/call-counts.ts';
import { db } from './db.ts';
import type { Prepared } from './prepared.ts';

/** More than so many candidates are not sorted, but met while going through all calls, newest first. */
const mostCandidates = 20_000;
const rareConnector = 100_000;

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

/** Finds calls in the index. */
export class SqliteCallSearch {
  readonly #sql: Prepared;

  constructor(sql: Prepared) {
    this.#sql = sql;
  }

  /** The rows of the calls that match, newest first. */
  find(filter: IndexFilter, beforeRow: number | null, limit: number): number[] {
    const query = this.#query(filter, beforeRow);
    if (!query) return [];
    const { from, where, values } = query;
    return this.#sql
      .all<{ call: number }>(
        `select c.call from ${from} where ${where.join(' and ')} order by ${query.order} desc limit ?`,
        ...values,
        limit,
      )
      .map(({ call }) => call);
  }

  /** Of the first that match, as `find` has them: how many they are, and their deliveries that are not skipped. */
  count(filter: IndexFilter, beforeRow: number | null, limit: number): CallsFound {
    const rows = this.find(filter, beforeRow, limit);
    const { connector } = filter;
    const found = this.#sql.get<{ n: number }>(
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
    const bounds = this.#sql.answer(boundsOf(db, since, until));
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
    const rows = this.#sql.all<{ call: number }>(`${query} limit ${mostCandidates + 1}`, ...values);
    return rows.length > mostCandidates ? null : [...new Set(rows.map(({ call }) => call))];
  }

  /** Going through its calls then finds a page, or none, sooner than going through those of a source. */
  #isRare(connector: string): boolean {
    const counted = this.#sql.get<{ n: number }>(
      'select count(*) as n from (select 1 from call_connectors where connector = ? limit ?)',
      connector,
      rareConnector,
    );
    return (counted?.n ?? 0) < rareConnector;
  }
}

/** Of a number, so that one is found by how it ends. */
export function reversed(digits: string): string {
  return [...digits].reverse().join('');
}
