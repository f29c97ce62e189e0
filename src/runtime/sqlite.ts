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

/** Kysely over the driver: for migrations, and to build the statements below. */
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

/** A query written once with Kysely and prepared once, at its first use: building it anew costs more than running it. */
export interface Statement<Row> {
  get(values?: Values): Row | undefined;
  all(values?: Values): Row[];
  /** Returns the number of rows written. */
  run(values: Values): number;
  /** Runs an insert and returns the new row's id; 0 where it gave way to a row that was there. */
  insert(values: Values): number;
}

/** `statement(database, db.selectFrom('calls').selectAll().where('id', '=', value('id')))` */
export function statement<Row>(database: Database, query: Compilable<Row>): Statement<Row> {
  let ready: Ready | undefined;
  const statement = () => {
    ready ??= makeReady(database, query);
    return ready;
  };
  return {
    get(values = {}) {
      const { prepared, bind } = statement();
      return prepared.get(...bind(values)) as Row | undefined;
    },
    all(values = {}) {
      const { prepared, bind } = statement();
      return prepared.all(...bind(values)) as Row[];
    },
    run(values) {
      const { prepared, bind } = statement();
      return Number(prepared.run(...bind(values)).changes);
    },
    insert(values) {
      const { prepared, bind } = statement();
      const { changes, lastInsertRowid } = prepared.run(...bind(values));
      return changes === 0 ? 0 : Number(lastInsertRowid);
    },
  };
}

interface Ready {
  prepared: StatementSync;
  bind(values: Values): SQLInputValue[];
}

function makeReady(database: Database, query: Compilable<unknown>): Ready {
  const { sql, parameters } = query.compile();
  const names = parameters.map((parameter) =>
    parameter instanceof Placeholder ? parameter.name : undefined,
  );
  // Runs several times for every push, hence a loop that makes one array and nothing else.
  const bind = (values: Values): SQLInputValue[] => {
    const bound = parameters.slice() as SQLInputValue[];
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      if (name === undefined) continue;
      const given = values[name];
      if (given === undefined) throw new TypeError(`no value for "${name}" in: ${sql}`);
      bound[i] = given;
    }
    return bound;
  };
  return { prepared: database.prepare(sql), bind };
}

/** Names a value that `run`, `get` or `all` is given. It takes any column's type: the statement's caller is typed. */
export function value(name: string): never {
  return new Placeholder(name) as never;
}
