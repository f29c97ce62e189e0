import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { callsAndDeliveries } from './001-calls-and-deliveries.ts';
import { memories } from './002-memories.ts';
import { erasures } from './003-erasures.ts';
import { lighterPushes } from './004-lighter-pushes.ts';
import { decisions } from './005-decisions.ts';
import { callIndex } from './006-call-index.ts';
import { weeks } from './007-weeks.ts';
import { lines } from './008-lines.ts';
import { rejected } from './009-rejected.ts';
import { kept } from './010-kept.ts';
import { connectorCounts } from './013-connector-counts.ts';
import { erasuresUnderWay } from './014-erasures-under-way.ts';
import { notFolded } from './020-not-folded.ts';
import { sourceReadings } from './021-source-readings.ts';
import { unanswered } from './022-unanswered.ts';
import { callsToIndex } from './023-calls-to-index.ts';

/** In order. A released migration is never changed; a new one is added below. */
const migrations: Record<string, Migration> = {
  '001-calls-and-deliveries': callsAndDeliveries,
  '002-memories': memories,
  '003-erasures': erasures,
  '004-lighter-pushes': lighterPushes,
  '005-decisions': decisions,
  '006-call-index': callIndex,
  '007-weeks': weeks,
  '008-lines': lines,
  '009-rejected': rejected,
  '010-kept': kept,
  '013-connector-counts': connectorCounts,
  '014-erasures-under-way': erasuresUnderWay,
  '020-not-folded': notFolded,
  '021-source-readings': sourceReadings,
  '022-unanswered': unanswered,
  '023-calls-to-index': callsToIndex,
};

export const migrationNames = Object.keys(migrations);

/** Brings a database to this version. @throws when a newer version wrote it, or a step failed. */
export async function migrate<Tables>(db: Kysely<Tables>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (!error) return;
  const text = error instanceof Error ? error.message : String(error);
  throw new Error(
    text.includes('previously executed migration')
      ? 'The database was written by a newer delacon-bridge: use that version or a later one. Nothing was changed.'
      : `The database could not be brought up to date: ${text}`,
    { cause: error },
  );
}
