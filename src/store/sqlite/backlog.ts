import { sql } from 'kysely';
import { type Database, type Statements, statements, value } from '../../runtime/sqlite.ts';
import type { Backlog } from '../deliveries.ts';
import { lines } from '../lines.ts';
import { db } from './db.ts';

/** How many of the longest due are looked at for the oldest. */
const lookedAt = 1_000;

/** What waits, and what came last: asked for every few seconds, so each question has an end and an index. */
export class SqliteBacklog {
  readonly #do: Statements<typeof queries>;

  constructor(database: Database) {
    this.#do = statements(database, queries);
  }

  of(connector: string, atMost: number): Backlog {
    const oldest = this.#oldest(connector);
    // While it is blocked, what was tried is due anew after each try; the first of them is still due.
    const blocked = oldest === null ? undefined : this.#do.blockedSince.get({ connector })?.since;
    const failed = this.#do.latestFailed.get({ connector });
    return {
      due: this.#do.countDue.get({ connector, atMost })?.n ?? 0,
      failed: this.#do.countFailed.get({ connector, atMost })?.n ?? 0,
      waitingSince: oldest === null ? null : new Date(Math.min(oldest, blocked ?? oldest)),
      latestFailed: failed ? { callId: failed.call_id, reason: failed.last_reason } : null,
    };
  }

  #oldest(connector: string): number | null {
    const times = lines.map((line) => this.#do.oldest.get({ connector, line, lookedAt })?.at ?? null);
    return times.reduce((first, at) => (first === null || (at !== null && at < first) ? at : first), null);
  }

  latestPushes(among: number): Map<string, Date> {
    const rows = this.#do.latestPushes.all({ among });
    return new Map(rows.map(({ source, at }) => [source, new Date(at)]));
  }
}

/** A literal state, or the partial index is not used. */
const inState = (state: 'due' | 'failed') =>
  db
    .selectFrom('deliveries')
    .where('deliveries.connector', '=', value('connector'))
    .where('deliveries.state', '=', sql.lit(state));
const count = (state: 'due' | 'failed') =>
  db
    .selectFrom(
      inState(state)
        .select('deliveries.call')
        .limit(sql<number>`${value('atMost')}`)
        .as('counted'),
    )
    .select(({ fn }) => fn.countAll<number>().as('n'));
const queries = {
  countDue: count('due'),
  countFailed: count('failed'),
  oldest: db
    .selectFrom(
      inState('due')
        .select(sql<number>`coalesce(failing_since, due_at)`.as('since'))
        .where('line', '=', value('line'))
        .orderBy('due_at')
        .orderBy('call')
        .limit(sql<number>`${value('lookedAt')}`)
        .as('first'),
    )
    .select(({ fn }) => fn.min<number | null>('since').as('at')),
  blockedSince: db
    .selectFrom('connectors')
    .select('since')
    .where('connector', '=', value('connector'))
    .where('blocked_reason', 'is not', null),
  latestFailed: inState('failed')
    .innerJoin('calls', 'calls.id', 'deliveries.call')
    .select(['calls.call_id', 'deliveries.last_reason'])
    .orderBy('deliveries.due_at', 'desc')
    .orderBy('deliveries.call', 'desc')
    .limit(sql.lit(1)),
  latestPushes: db
    .selectFrom(
      db
        .selectFrom('pushes')
        .select(['call', 'received_at'])
        .orderBy('id', 'desc')
        .limit(sql<number>`${value('among')}`)
        .as('latest'),
    )
    .innerJoin('calls', 'calls.id', 'latest.call')
    .select(['calls.source', sql<number>`max(latest.received_at)`.as('at')])
    .groupBy('calls.source'),
};
