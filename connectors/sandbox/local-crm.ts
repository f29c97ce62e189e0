import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import sqlite, { type DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { Values } from '../../src/connector/index.ts';
import { CrmRequestFailed, type Fate, type Row, type SimpleCrm, type Wanted } from '../../src/crm/index.ts';
import { model } from './model.ts';

type Fields = Readonly<Record<string, unknown>>;
type Told = (method: 'CREATE' | 'UPDATE', path: string, fields: Fields) => void;

/** A small CRM in a file: records with fields, of which their keys and contacts have columns of their own. */
export class LocalCrm implements SimpleCrm {
  readonly name = 'Sandbox';
  readonly keys: SimpleCrm['keys'];
  readonly file: string;
  readonly #told: Told | undefined;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** @param keys whether it keeps them unique; undefined: as it has done so far @param told of what is written */
  constructor(file: string, keys?: 'unique' | 'none', told?: Told) {
    this.file = file;
    this.#told = told;
    this.keys = keys === 'none' ? { lagMs: 0 } : 'unique';
    try {
      if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      this.#database = new sqlite.DatabaseSync(file); // of the module as it is now, as for the store
      this.#prepare(keys);
    } catch (cause) {
      throw new Error(
        `${file}, the sandbox's records, cannot be opened (${(cause as Error).message}). Make room on its disk, or give it and its folder to the user that the bridge runs as.`,
        { cause },
      );
    }
  }

  #prepare(keys: 'unique' | 'none' | undefined): void {
    // What was answered to be delivered is there after a power cut, as in any CRM.
    // A lock of another program is not waited for here, where everything else would wait, too: the delivery is tried again.
    this.#database.exec('pragma busy_timeout=1000; pragma journal_mode=wal; pragma synchronous=full;');
    const unique = keys === 'none' ? '' : ', unique (type, key)';
    const columns = `(id integer primary key, type text not null, key text, properties text not null, contact integer${unique})`;
    const there = this.#all("select sql from sqlite_master where name = 'records'")[0]?.['sql'];
    if (!there) this.#database.exec(`create table records ${columns}`);
    else if (keys && !String(there).endsWith(columns))
      this.#inOneCommit(() =>
        this.#database.exec(
          `alter table records rename to before; create table records ${columns}; insert into records select * from before; drop table before`,
        ),
      );
    if (keys === 'none') this.#database.exec('create index if not exists keys on records (type, key)');
    this.#database.exec(
      `create index if not exists phones on records (${lastDigits}) where type = 'contact'; pragma busy_timeout=0`,
    );
  }

  /** Everything that another file holds, which is only read. */
  copyFrom(file: string): void {
    this.#database.prepare('attach ? as other').run(file);
    this.#database.exec('insert into records select * from other.records; detach other');
  }

  create(type: string, records: readonly Values[]): Promise<Fate[]> {
    const insert =
      'insert or ignore into records (type, key, properties, contact) values (?, ?, ?, ?) returning id';
    return this.#write(records, (fields) => {
      if (this.#isLost(fields)) return orphan;
      const [row] = this.#all(insert, type, ...columnsOf(type, fields));
      if (row) this.#told?.('CREATE', type, fields);
      return row ? { id: String(row['id']) } : taken;
    });
  }

  update(type: string, changes: readonly { id: string; fields: Fields }[]): Promise<Fate[]> {
    const update =
      'update or ignore records set key = ifnull(?, key), properties = json_patch(properties, ?), contact = ifnull(?, contact) where type = ? and id = ? returning id';
    return this.#write(changes, ({ id, fields }) => {
      if (this.#isLost(fields)) return orphan;
      const [row] = this.#all(update, ...columnsOf(type, fields), type, id);
      if (row) this.#told?.('UPDATE', `${type}/${id}`, fields);
      else return this.#has(type, id) ? taken : gone;
      return { id };
    });
  }

  read(type: string, { field, values }: { field: string; values: readonly string[] }): Promise<Row[]> {
    const column = field === 'id' ? 'id' : 'key';
    return this.#ask(() =>
      this.#rows(`type = ? and ${column} in (select value from json_each(?))`, type, JSON.stringify(values)),
    );
  }

  /** By how their numbers end. */
  search(callers: readonly Wanted[]): Promise<Row[]> {
    const ends = JSON.stringify(callers.map(({ number }) => number.slice(-digits)));
    const where = `type = 'contact' and ${lastDigits} in (select value from json_each(?))`;
    return this.#ask(() => this.#rows(where, ends));
  }

  /** Whoever has an address is a user, and it is their id. */
  async users(addresses: readonly string[]) {
    return new Map(addresses.map((address) => [address, { id: address }]));
  }

  all(type: string): Row[] {
    return this.#rows('type = ? order by id', type);
  }

  close(): void {
    this.#database.close();
  }

  /** In one commit; what is refused takes nothing else with it. */
  #write<T>(all: readonly T[], one: (record: T) => Fate): Promise<Fate[]> {
    return this.#ask(() => this.#inOneCommit(() => all.map(one)));
  }

  async #ask<T>(what: () => T): Promise<T> {
    try {
      return what();
    } catch (thrown) {
      const reason = `${this.file} could not be used: ${(thrown as Error).message}.`;
      throw new CrmRequestFailed({ kind: 'retry', scope: 'connector', reason }, thrown);
    }
  }

  #inOneCommit<T>(run: () => T): T {
    this.#database.exec('begin immediate');
    try {
      const result = run();
      this.#database.exec('commit');
      return result;
    } catch (reason) {
      if (this.#database.isTransaction) this.#database.exec('rollback');
      throw reason;
    }
  }

  /** Whether they are to belong to a contact that is not there. */
  #isLost({ contact }: Fields): boolean {
    return contact !== undefined && !this.#has('contact', String(contact));
  }

  #has(type: string, id: string): boolean {
    return this.#all('select 1 from records where type = ? and id = ?', type, id).length > 0;
  }

  #rows(where: string, ...values: SQLInputValue[]): Row[] {
    return this.#all(`select * from records where ${where}`, ...values).map((row) => {
      const { id, type, key, contact, properties } = row;
      const linked = contact === null ? {} : { [model.link]: String(contact) };
      const fields = { [keyOf(String(type))]: key, ...JSON.parse(String(properties)), ...linked };
      return { id: String(id), fields };
    });
  }

  #all(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement.all(...values);
  }
}

const refused = (what: string, reason: string): Fate => ({
  failure: { kind: 'rejected', reason, cure: { what } },
});
const taken = refused('taken', 'Another record has this key.');
const gone = refused('gone', 'There is no such record any more.');
const orphan = refused('orphan', 'There is no such contact any more.');

const keyOf = (type: string) => (type === 'contact' ? model.person : model.activity).key;

function columnsOf(type: string, fields: Fields): SQLInputValue[] {
  const { [keyOf(type)]: key = null, [model.link]: contact = null, ...properties } = fields;
  return [key as string | null, JSON.stringify(properties), contact as string | null];
}

/** Of a phone number, however it was typed. */
const digits = 6;
const lastDigits = `substr(replace(replace(replace(replace(json_extract(properties, '$.phone'), ' ', ''), '(', ''), ')', ''), '-', ''), -${digits})`;
