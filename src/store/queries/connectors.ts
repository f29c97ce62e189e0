import { sql } from 'kysely';
import { asDate } from '../call-state.ts';
import type { ConnectorState } from '../connector-state.ts';
import { type Db, fixed, type Question, rows } from './question.ts';

const states = fixed((db) =>
  db
    .selectFrom('connectors')
    .fullJoin('connector_errors as errors', 'errors.connector', 'connectors.connector')
    .leftJoin('calls', 'calls.id', 'errors.call')
    .select([
      sql<string>`coalesce(connectors.connector, errors.connector)`.as('connector'),
      'connectors.blocked_reason',
      'connectors.open_reason',
      'connectors.probe_at',
      sql<number>`coalesce(connectors.since, errors.at)`.as('since'),
      'connectors.paused_at',
      'connectors.paused_reason',
      'errors.at as error_at',
      'errors.outcome',
      'errors.reason',
      'calls.source',
      'calls.call_id',
    ])
    .orderBy('connector'),
);

export function* connectorStates(db: Db): Question<ConnectorState[]> {
  const found = yield* rows(states(db));
  return found.map((row) => ({
    connector: row.connector,
    blockedReason: row.blocked_reason,
    openReason: row.open_reason,
    since: new Date(row.since),
    probeAt: asDate(row.probe_at),
    paused: row.paused_at === null ? null : { since: new Date(row.paused_at), reason: row.paused_reason },
    lastError:
      row.error_at === null
        ? null
        : {
            at: new Date(row.error_at),
            outcome: row.outcome!,
            reason: row.reason!,
            source: row.source!,
            callId: row.call_id!,
          },
  }));
}
