import { chmodSync, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import sqlite, { type DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type Compilable, Kysely, SqliteDialect } from 'kysely';
import { makeFolder } from './folder.ts';

/*
 * The only file that knows the SQLite driver. `node:sqlite` comes with Node and with Bun, so there is no native add-on.
 */

export type Database = DatabaseSync;

/** Opens or creates a database file. Its folder is made, readable by this user alone: it will hold people's numbers. */
export function openDatabase(file: string): Database {
  makeFolder(dirname(file));
  const isNew = !existsSync(file);
  try {
    const database = new sqlite.DatabaseSync(file); // of the module as it is now: tests put a disk of theirs there
    if (isNew) chmodSync(file, 0o600); // before anything is in it; the write-ahead log takes its mode after it
    return database;
  } catch (cause) {
    throw new Error(
      `${file} cannot be opened (${(cause as Error).message}). Set store.url to a file in a folder that this user may write to.`,
      { cause },
    );
  }
}

/** What kind of failure it is (https://sqlite.org/rescode.html, the primary code). Undefined: it is not SQLite's. */
export function failureOf(reason: unknown): keyof typeof failures | 'other' | undefined {
  const { code, errcode } = (reason ?? {}) as { code?: unknown; errcode?: number };
  if (code !== 'ERR_SQLITE_ERROR' && !String(code).startsWith('SQLITE_')) return undefined;
  const primary = (errcode ?? 0) & 0xff;
  const [name] = Object.entries(failures).find(([, codes]) => codes.includes(primary)) ?? ['other'];
  return name as keyof typeof failures | 'other';
}

const failures = {
  /** BUSY, LOCKED: somebody else is at it. */
  locked: [5, 6],
  /** READONLY, CANTOPEN: it may not be written to. */
  forbidden: [8, 14],
  /** NOMEM, IOERR, FULL, PROTOCOL: the machine cannot, whatever is written. */
  machine: [7, 10, 13, 15],
  /** CORRUPT, NOTADB. */
  damaged: [11, 26],
};

/** Kysely over the driver: for migrations. */
export function kyselyOver<Tables>(database: Database): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: new SqliteDialect({
      database: {
        close: () => {}, // the store closes what it opened
        prepare(sql) {
          const prepared = database.prepare(sql);
          const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
          return {
            reader: prepared.columns().length > 0,
            all: (parameters) => prepared.all(...values(parameters)),
            run: (parameters) => prepared.run(...values(parameters)),
            iterate: (parameters) => prepared.iterate(...values(parameters)) as IterableIterator<unknown>,
          };
        },
      },
    }),
  });
}

/** A value given when the statement runs, standing in a query while it is built. */
class Placeholder {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

type Values = Record<string, SQLInputValue>;

/** Statements by name, each prepared when it is first used: whoever opens a store needs few of all that there are. */
export function prepared<Name extends string>(
  database: Database,
  texts: Readonly<Record<Name, string>>,
): Readonly<Record<Name, StatementSync>> {
  const statements = {};
  for (const [name, text] of Object.entries<string>(texts))
    Object.defineProperty(statements, name, {
      configurable: true,
      get() {
        const value = database.prepare(text);
        Object.defineProperty(statements, name, { value });
        return value;
      },
    });
  return statements as Record<Name, StatementSync>;
}

/** A query of Kysely's that is written once and, for each database, prepared once. */
export class Statement<Row> {
  readonly #database: Database;
  readonly #query: Compilable<Row>;
  #prepared: StatementSync | undefined;
  #words: Words | undefined;

  constructor(database: Database, query: Compilable<Row>) {
    this.#database = database;
    this.#query = query;
  }

  get(values: Values = {}): Row | undefined {
    return this.#statement.get(...this.#bind(values)) as Row | undefined;
  }

  all(values: Values = {}): Row[] {
    return this.#statement.all(...this.#bind(values)) as Row[];
  }

  /** Returns the number of rows written. */
  run(values: Values): number {
    return Number(this.#statement.run(...this.#bind(values)).changes);
  }

  /** Runs an insert and returns the new row's id; 0 where it gave way to a row that was there. */
  insert(values: Values): number {
    const { changes, lastInsertRowid } = this.#statement.run(...this.#bind(values));
    return changes === 0 ? 0 : Number(lastInsertRowid);
  }

  get #statement(): StatementSync {
    this.#words ??= wordsOf(this.#query);
    this.#prepared ??= this.#database.prepare(this.#words.sql);
    return this.#prepared;
  }

  // Runs several times for every push, hence a loop that makes one array and nothing else.
  #bind(values: Values): SQLInputValue[] {
    const { sql, parameters, names } = this.#words!;
    const bound = parameters.slice() as SQLInputValue[];
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      if (name === undefined) continue;
      const given = values[name];
      if (given === undefined) throw new TypeError(`no value for "${name}" in: ${sql}`);
      bound[i] = given;
    }
    return bound;
  }
}

export type Statements<Queries> = {
  readonly [Name in keyof Queries]: Queries[Name] extends Compilable<infer Row> ? Statement<Row> : never;
};

/** `statements(database, { call: db.selectFrom('calls').selectAll().where('id', '=', value('id')) })` */
export function statements<Queries extends Record<string, Compilable<unknown>>>(
  database: Database,
  queries: Queries,
): Statements<Queries> {
  return Object.fromEntries(
    Object.entries(queries).map(([name, query]) => [name, new Statement(database, query)]),
  ) as Statements<Queries>;
}

interface Words {
  sql: string;
  parameters: readonly unknown[];
  /** Of the values that are given when it runs, each where its parameter is. */
  names: readonly (string | undefined)[];
}

const words = new WeakMap<Compilable<unknown>, Words>();

/** Finding them costs more than running the statement, and they are the same for each database. */
function wordsOf(query: Compilable<unknown>): Words {
  let known = words.get(query);
  if (!known) {
    const { sql, parameters } = query.compile();
    const names = parameters.map((parameter) =>
      parameter instanceof Placeholder ? parameter.name : undefined,
    );
    known = { sql, parameters, names };
    words.set(query, known);
  }
  return known;
}

/** Names a value that `run`, `get` or `all` is given. It takes any column's type: the statement's caller is typed. */
export function value(name: string): never {
  return new Placeholder(name) as never;
}
