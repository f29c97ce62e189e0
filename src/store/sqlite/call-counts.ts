import type { SQLInputValue } from 'node:sqlite';
import type { ResultCounts } from '../call-index.ts';
import { type Facet, noCalls, resultNames, spansOf } from '../queries/call-counts.ts';
import type { CallIndexTable } from '../schema.ts';
import { startOf, stepOfMs } from '../time-buckets.ts';
import type { Prepared } from './prepared.ts';

const addToCounts = `insert into call_counts (span, facet, at, name, ${resultNames.join(', ')})
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set
  ${resultNames.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')} returning calls`;

/** How many calls there are of what: kept while the index follows the calls. */
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
}
