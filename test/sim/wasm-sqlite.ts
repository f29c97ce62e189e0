import init, { type Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import { seeded } from '../support/random.ts';
import type { OpenFile } from './disk.ts';
import { installVfs, memoryOf } from './sqlite-vfs.ts';

/*
 * As much of `node:sqlite` as the bridge uses, over SQLite in WASM and the simulated disks: with its defaults, its errors,
 * and its ways of reading and binding values (https://nodejs.org/api/sqlite.html).
 */

const sqlite: Sqlite3Static = await init();
const { wasm } = sqlite;
const memory = memoryOf(sqlite);
const c = wasm.exports as unknown as Library;

let random = seeded(1);
const vfs = installVfs(sqlite, () => random());

/** SQLite's own random numbers from here on: the salts of its logs, the names of its files. */
export function seedSqlite(seed: number): void {
  random = seeded(seed);
  c.sqlite3_randomness(0, 0);
}

/** The library's functions, called as they are: addresses are numbers, 64 bits are a bigint. */
interface Library {
  sqlite3_open_v2(name: number, into: number, flags: number, vfs: number): number;
  sqlite3_close_v2(db: number): number;
  sqlite3__wasm_db_config_ip(db: number, option: number, on: number, into: number): number;
  sqlite3_get_autocommit(db: number): number;
  sqlite3_changes64(db: number): bigint;
  sqlite3_last_insert_rowid(db: number): bigint;
  sqlite3_errmsg(db: number): number;
  sqlite3_errstr(code: number): number;
  sqlite3_extended_errcode(db: number): number;
  sqlite3_randomness(bytes: number, into: number): void;
  sqlite3_prepare_v3(
    db: number,
    sql: number,
    bytes: number,
    flags: number,
    into: number,
    rest: number,
  ): number;
  sqlite3_step(statement: number): number;
  sqlite3_reset(statement: number): number;
  sqlite3_finalize(statement: number): number;
  sqlite3_clear_bindings(statement: number): number;
  sqlite3_stmt_status(statement: number, which: number, reset: number): number;
  sqlite3_bind_parameter_count(statement: number): number;
  sqlite3_bind_parameter_name(statement: number, n: number): number;
  sqlite3_bind_null(statement: number, n: number): number;
  sqlite3_bind_double(statement: number, n: number, value: number): number;
  sqlite3_bind_int64(statement: number, n: number, value: bigint): number;
  sqlite3_bind_text(statement: number, n: number, at: number, bytes: number, destructor: number): number;
  sqlite3_bind_blob(statement: number, n: number, at: number, bytes: number, destructor: number): number;
  sqlite3_column_count(statement: number): number;
  sqlite3_column_name(statement: number, n: number): number;
  sqlite3_column_decltype(statement: number, n: number): number;
  sqlite3_column_origin_name(statement: number, n: number): number;
  sqlite3_column_table_name(statement: number, n: number): number;
  sqlite3_column_database_name(statement: number, n: number): number;
  sqlite3_column_type(statement: number, n: number): number;
  sqlite3_column_int64(statement: number, n: number): bigint;
  sqlite3_column_double(statement: number, n: number): number;
  sqlite3_column_text(statement: number, n: number): number;
  sqlite3_column_blob(statement: number, n: number): number;
  sqlite3_column_bytes(statement: number, n: number): number;
}

const [row, done] = [100, 101];
const open = { readOnly: 1, readWrite: 2, create: 4 };
const [integer, float, text, blob] = [1, 2, 3, 4];
const transient = -1; // the library makes its own copy
const statusReprepared = 5;
/** A plan does not depend on the values that are bound, or the library would make it anew for each run. */
const samePlan = 1007;
/** Statements of so many texts are kept prepared. */
const mostTexts = 1_000;

// The library's memory.

let heap = Buffer.from(memory.buffer);
function refreshed(): Buffer {
  if (heap.buffer !== memory.buffer) heap = Buffer.from(memory.buffer); // it has grown
  return heap;
}

function textAt(at: number): string | null {
  if (at === 0) return null;
  const bytes = refreshed();
  return bytes.toString('utf8', at, bytes.indexOf(0, at));
}

/** Where what is handed to the library is put meanwhile. */
let scratch = { at: 0, size: 0 };
function scratchOf(size: number): number {
  if (size > scratch.size) {
    if (scratch.at !== 0) wasm.dealloc(scratch.at);
    scratch = { at: wasm.alloc(2 * size), size: 2 * size };
  }
  return scratch.at;
}

/** Returns the number of its bytes. It stands in `scratch`, with a NUL behind it. */
function putText(value: string): number {
  const at = scratchOf(3 * value.length + 1);
  const bytes = refreshed().write(value, at);
  heap[at + bytes] = 0;
  return bytes;
}

const out = wasm.alloc(8);
const outAt = () => refreshed().readInt32LE(out);

// Errors, as Node has them.

function failed(code: string, message: string, Kind: ErrorConstructor = Error): Error {
  return Object.assign(new Kind(message), { code });
}

function sqliteError(db: number): Error {
  const errcode = c.sqlite3_extended_errcode(db);
  const error = failed('ERR_SQLITE_ERROR', textAt(c.sqlite3_errmsg(db)) ?? '');
  return withMistake(Object.assign(error, { errcode, errstr: textAt(c.sqlite3_errstr(errcode)) }));
}

/** A mistake in the simulation itself is told as such, not as the disk's answer. */
function withMistake(error: Error): Error {
  const { mistake } = vfs;
  if (mistake === undefined) return error;
  vfs.mistake = undefined;
  return new Error('The simulated disk has failed.', { cause: mistake });
}

type Value = null | number | bigint | string | Uint8Array;
type Row = Record<string, Value>;

const connections = new Set<SimulatedDatabase>();

/** Gives back what the library holds for processes that are dead, and for others as well. */
export function abandon(also: (file: string) => boolean = () => false): void {
  for (const database of connections) database.abandonIf(also);
}

export class SimulatedDatabase {
  readonly #file: string;
  readonly #pools = new Map<string, Pool>();
  readonly #opened: OpenFile | null;
  #db = 0;
  #running = 0;

  constructor(file: string, { readOnly = false, timeout = 0 } = {}) {
    abandon();
    this.#file = file;
    putText(file);
    const flags = readOnly ? open.readOnly : open.readWrite | open.create;
    const result = c.sqlite3_open_v2(scratch.at, out, flags, 0);
    this.#db = outAt();
    if (result !== 0) {
      const reason = sqliteError(this.#db);
      c.sqlite3_close_v2(this.#db);
      throw reason;
    }
    this.#opened = vfs.lastOpened;
    connections.add(this);
    c.sqlite3__wasm_db_config_ip(this.#db, samePlan, 1, 0);
    // What Node's own library was built with, or sets. None of it reads the file.
    this.exec(`pragma page_size=4096; pragma foreign_keys=on; pragma busy_timeout=${timeout}`);
  }

  get isOpen(): boolean {
    return this.#db !== 0;
  }

  get isTransaction(): boolean {
    return c.sqlite3_get_autocommit(this.#mustBeOpen()) === 0;
  }

  location(): string {
    this.#mustBeOpen();
    return this.#file;
  }

  exec(sql: string): void {
    const db = this.#mustBeOpen();
    const bytes = putText(sql);
    // Prepared one after the other, from a place of its own: what runs uses the scratch.
    const text = wasm.alloc(bytes + 1);
    refreshed().copyWithin(text, scratch.at, scratch.at + bytes + 1);
    try {
      for (let at = text; at < text + bytes; ) {
        const result = this.#run(() => c.sqlite3_prepare_v3(db, at, text + bytes - at + 1, 0, out, out + 4));
        if (result !== 0) throw sqliteError(db);
        const statement = outAt();
        at = refreshed().readInt32LE(out + 4);
        if (statement === 0) continue; // a comment, or nothing
        try {
          let stepped: number;
          do stepped = this.#run(() => c.sqlite3_step(statement));
          while (stepped === row);
          if (stepped !== done) throw sqliteError(db);
        } finally {
          c.sqlite3_finalize(statement);
        }
      }
    } finally {
      wasm.dealloc(text);
    }
  }

  prepare(sql: string): SimulatedStatement {
    const db = this.#mustBeOpen();
    let pool = this.#pools.get(sql);
    if (!pool) {
      pool = new Pool(
        sql,
        () => this.#mustBeOpen(),
        (run) => this.#run(run),
      );
      pool.give(pool.take());
      this.#pools.set(sql, pool);
      if (this.#pools.size > mostTexts) this.#dropOldest();
    }
    return new SimulatedStatement(pool, db);
  }

  #dropOldest(): void {
    const [oldest] = this.#pools.keys();
    this.#pools.get(oldest!)!.empty();
    this.#pools.delete(oldest!);
  }

  close(): void {
    if (this.#opened?.isDead) this.#closeForTheDead();
    else this.#close(this.#mustBeOpen());
  }

  /** The names that its process would clear up behind itself are others' now. */
  #closeForTheDead(): void {
    const db = this.#db;
    if (db !== 0) vfs.withoutNames(() => this.#close(db));
  }

  #close(db: number): void {
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
    this.#db = 0;
    connections.delete(this);
    c.sqlite3_close_v2(db);
  }

  abandonIf(also: (file: string) => boolean): void {
    if (this.#running === 0 && (this.#opened?.isDead || also(this.#file))) this.#closeForTheDead();
  }

  #mustBeOpen(): number {
    if (this.#db === 0) throw failed('ERR_INVALID_STATE', 'database is not open');
    return this.#db;
  }

  /** Within it the power may go: this is not closed by others then. */
  #run<T>(run: () => T): T {
    this.#running++;
    try {
      return run();
    } finally {
      this.#running--;
    }
  }
}

/** A statement as the library has prepared it. */
interface Prepared {
  address: number;
  names: string[];
  /** How often the library had prepared it anew when the names were read: a migration may have changed them. */
  reprepared: number;
}

/**
 * Statements of one text. JavaScript does not say when it has done with one, and the library would keep all of them until
 * the database is closed: so each run borrows one.
 */
class Pool {
  readonly sql: string;
  readonly db: () => number;
  readonly run: <T>(run: () => T) => T;
  parameters: (string | null)[] = [];
  #idle: Prepared[] = [];
  #lent = new Set<Prepared>();

  constructor(sql: string, db: () => number, run: <T>(run: () => T) => T) {
    this.sql = sql;
    this.db = db;
    this.run = run;
  }

  take(): Prepared {
    const prepared = this.#idle.pop() ?? this.#prepare();
    this.#lent.add(prepared);
    return prepared;
  }

  #prepare(): Prepared {
    const db = this.db();
    const bytes = putText(this.sql);
    const result = this.run(() => c.sqlite3_prepare_v3(db, scratch.at, bytes + 1, 0, out, 0));
    if (result !== 0) throw sqliteError(db);
    const address = outAt();
    if (address === 0)
      throw failed('ERR_INVALID_ARG_VALUE', 'The SQL query contains no statements.', TypeError);
    const count = c.sqlite3_bind_parameter_count(address);
    this.parameters = Array.from({ length: count }, (_, i) =>
      textAt(c.sqlite3_bind_parameter_name(address, i + 1)),
    );
    return { address, names: namesOf(address), reprepared: 0 };
  }

  give(prepared: Prepared): void {
    if (!this.#lent.delete(prepared)) return; // the database was closed meanwhile
    c.sqlite3_reset(prepared.address);
    c.sqlite3_clear_bindings(prepared.address);
    this.#idle.push(prepared);
  }

  empty(): void {
    for (const { address } of this.#idle) c.sqlite3_finalize(address);
    this.#idle = [];
  }

  close(): void {
    this.empty();
    for (const { address } of this.#lent) c.sqlite3_finalize(address);
    this.#lent.clear();
  }

  isLent(prepared: Prepared): boolean {
    return this.#lent.has(prepared);
  }
}

export class SimulatedStatement {
  readonly #pool: Pool;
  readonly #db: number;

  constructor(pool: Pool, db: number) {
    this.#pool = pool;
    this.#db = db;
  }

  get sourceSQL(): string {
    return this.#pool.sql;
  }

  get(...values: unknown[]): Row | undefined {
    return this.#with(values, (prepared) => (this.#step(prepared) ? rowOf(prepared) : undefined));
  }

  all(...values: unknown[]): Row[] {
    return this.#with(values, (prepared) => {
      const rows: Row[] = [];
      while (this.#step(prepared)) rows.push(rowOf(prepared));
      return rows;
    });
  }

  run(...values: unknown[]): { changes: number; lastInsertRowid: number } {
    return this.#with(values, (prepared) => {
      while (this.#step(prepared));
      return {
        changes: Number(c.sqlite3_changes64(this.#db)),
        lastInsertRowid: Number(c.sqlite3_last_insert_rowid(this.#db)),
      };
    });
  }

  *iterate(...values: unknown[]): IterableIterator<Row> {
    const prepared = this.#start(values);
    try {
      while (this.#step(prepared)) {
        yield rowOf(prepared);
        if (!this.#pool.isLent(prepared)) throw failed('ERR_INVALID_STATE', 'statement has been finalized');
      }
    } finally {
      this.#pool.give(prepared);
    }
  }

  columns() {
    return this.#with(undefined, ({ address }) =>
      Array.from({ length: c.sqlite3_column_count(address) }, (_, n) =>
        Object.assign(Object.create(null), {
          column: textAt(c.sqlite3_column_origin_name(address, n)),
          database: textAt(c.sqlite3_column_database_name(address, n)),
          name: textAt(c.sqlite3_column_name(address, n)),
          table: textAt(c.sqlite3_column_table_name(address, n)),
          type: textAt(c.sqlite3_column_decltype(address, n)),
        }),
      ),
    );
  }

  #with<T>(values: unknown[] | undefined, use: (prepared: Prepared) => T): T {
    const prepared = this.#start(values);
    try {
      return use(prepared);
    } finally {
      this.#pool.give(prepared);
    }
  }

  #start(values: unknown[] | undefined): Prepared {
    this.#pool.db(); // throws where it is closed
    const prepared = this.#pool.take();
    if (values === undefined) return prepared;
    try {
      this.#bindAll(prepared, values);
      return prepared;
    } catch (reason) {
      this.#pool.give(prepared);
      throw reason;
    }
  }

  /** Whether there is another row. */
  #step({ address }: Prepared): boolean {
    const result = this.#pool.run(() => c.sqlite3_step(address));
    if (result === row) return true;
    if (result === done) return false;
    throw sqliteError(this.#db);
  }

  #bindAll({ address }: Prepared, values: unknown[]): void {
    let first = 0;
    const { parameters } = this.#pool;
    const named = values[0];
    if (typeof named === 'object' && named !== null && !ArrayBuffer.isView(named)) {
      first = 1;
      for (const [name, value] of Object.entries(named)) {
        const n = parameters.findIndex((parameter) => parameter === name || parameter?.slice(1) === name);
        if (n < 0) throw failed('ERR_INVALID_STATE', `Unknown named parameter '${name}'`);
        this.#bind(address, n + 1, value);
      }
    }
    let n = 1;
    for (let i = first; i < values.length; i++, n++) {
      if (first === 1) while (isNamed(parameters[n - 1])) n++;
      this.#bind(address, n, values[i]);
    }
  }

  #bind(address: number, n: number, value: unknown): void {
    const result = bind(address, n, value);
    if (result !== 0) throw sqliteError(this.#db);
  }
}

function isNamed(parameter: string | null | undefined): boolean {
  return typeof parameter === 'string' && !parameter.startsWith('?');
}

function bind(address: number, n: number, value: unknown): number {
  if (typeof value === 'number') return c.sqlite3_bind_double(address, n, value); // as Node does
  if (typeof value === 'string') {
    const bytes = putText(value);
    return c.sqlite3_bind_text(address, n, scratch.at, bytes, transient);
  }
  if (value === null) return c.sqlite3_bind_null(address, n);
  if (typeof value === 'boolean') return c.sqlite3_bind_int64(address, n, value ? 1n : 0n);
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) !== value)
      throw failed('ERR_INVALID_ARG_VALUE', 'BigInt value is too large to bind.', TypeError);
    return c.sqlite3_bind_int64(address, n, value);
  }
  if (ArrayBuffer.isView(value)) {
    const at = scratchOf(value.byteLength + 1); // an address even of nothing: without one it would be NULL
    refreshed().set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), at);
    return c.sqlite3_bind_blob(address, n, at, value.byteLength, transient);
  }
  const message = `Provided value cannot be bound to SQLite parameter ${n}.`;
  throw failed('ERR_INVALID_ARG_TYPE', message, TypeError);
}

function namesOf(address: number): string[] {
  return Array.from(
    { length: c.sqlite3_column_count(address) },
    (_, n) => textAt(c.sqlite3_column_name(address, n))!,
  );
}

function rowOf(prepared: Prepared): Row {
  const { address } = prepared;
  const reprepared = c.sqlite3_stmt_status(address, statusReprepared, 0);
  if (reprepared !== prepared.reprepared) Object.assign(prepared, { reprepared, names: namesOf(address) });
  const found: Row = Object.create(null);
  for (let n = 0; n < prepared.names.length; n++) found[prepared.names[n]!] = columnOf(address, n);
  return found;
}

function columnOf(address: number, n: number): Value {
  switch (c.sqlite3_column_type(address, n)) {
    case integer: {
      const value = c.sqlite3_column_int64(address, n);
      const number = Number(value);
      if (Number.isSafeInteger(number)) return number;
      throw failed(
        'ERR_OUT_OF_RANGE',
        `Value is too large to be represented as a JavaScript number: ${value}`,
        RangeError as ErrorConstructor,
      );
    }
    case float:
      return c.sqlite3_column_double(address, n);
    case text: {
      const at = c.sqlite3_column_text(address, n);
      return refreshed().toString('utf8', at, at + c.sqlite3_column_bytes(address, n));
    }
    case blob: {
      const at = c.sqlite3_column_blob(address, n);
      return new Uint8Array(refreshed().subarray(at, at + c.sqlite3_column_bytes(address, n)));
    }
    default:
      return null;
  }
}
