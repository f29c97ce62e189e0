import type { Database } from '../../runtime/sqlite.ts';
import type { SqliteKept } from './kept.ts';

/*
 * A backup knows nothing of the revisions that its store gave afterwards, and receivers of webhooks keep the highest that they
 * saw of a call. So those given after a backup was put in place are above whatever may have been given.
 */

const restores = 'restores';
/** More than one call comes to between two. */
const each = 1_000_000;

/** Revisions up to this one may have been given. */
export function revisionsTaken(kept: SqliteKept): number {
  return Number(kept.text(restores) ?? 0) * each;
}

/** To be called of a backup before it is made a store: killed in between, it is noted twice, which is as well. */
export function noteRestored(database: Database): void {
  database.exec(
    `insert into kept (name, text) values ('${restores}', '1') on conflict (name) do update set text = text + 1`,
  );
}
