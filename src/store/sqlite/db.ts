import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import type { Tables } from '../schema.ts';

/** Puts queries into SQLite's words, and runs none. */
export const db = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (any) => new SqliteIntrospector(any),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});
