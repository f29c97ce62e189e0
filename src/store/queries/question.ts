import type { Compilable, Kysely } from 'kysely';
import type { Tables } from '../schema.ts';

/*
 * What is asked of a store and is in no hurry: lists, counts and ledgers. A question asks its queries one after the other and
 * makes an answer of the rows; the store runs them, all as of one moment. So a question stands here once, for a database that
 * answers at once and for one that is waited for. They are written in the part of SQL that both databases have. What runs for
 * each push or delivery is the store's own.
 */

export type Db = Kysely<Tables>;

/** Asks queries, is told their rows, and comes to an answer. */
export type Question<Answer> = Generator<Compilable<unknown>, Answer, readonly unknown[]>;

export function* rows<Row>(query: Compilable<Row>): Question<Row[]> {
  return (yield query) as Row[];
}

export function* first<Row>(query: Compilable<Row>): Question<Row | undefined> {
  return (yield* rows(query))[0];
}

/** For a query that is the same each time: built and put into words once for each kind of database. */
export function fixed<Row>(build: (db: Db) => Compilable<Row>): (db: Db) => Compilable<Row> {
  const known = new WeakMap<Db, Compilable<Row>>();
  return (db) => {
    let query = known.get(db);
    if (!query) {
      const compiled = build(db).compile();
      query = { compile: () => compiled };
      known.set(db, query);
    }
    return query;
  };
}

/** SQLite has no statistics here, and goes by what it is told; PostgreSQL knows what is rare. */
export function isSqlite(db: Db): boolean {
  return db.getExecutor().adapter.constructor.name === 'SqliteAdapter';
}
