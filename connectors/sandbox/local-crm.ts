import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import sqlite, { type DatabaseSync } from 'node:sqlite';
import type { RecordDraft, RecordRef } from '../../src/connector/index.ts';

/** A small CRM: records with properties, unique keys, and calls linked to contacts. */
export class LocalCrm {
  readonly file: string;
  readonly #database: DatabaseSync;

  constructor(file: string) {
    this.file = file;
    try {
      if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      this.#database = new sqlite.DatabaseSync(file); // of the module as it is now, as for the store
      this.#prepare();
    } catch (cause) {
      throw new Error(
        `${file}, the sandbox's records, cannot be opened (${(cause as Error).message}). Make room on its disk, or give it and its folder to the user that the bridge runs as.`,
        { cause },
      );
    }
  }

  #prepare(): void {
    // What was answered to be delivered is there after a power cut, as in any CRM.
    // A lock of another program is not waited for here, where everything else would wait, too: the delivery is tried again.
    this.#database.exec(`
      pragma busy_timeout=1000; pragma journal_mode=wal; pragma synchronous=full;
      create table if not exists records (
        id integer primary key,
        type text not null,
        key text not null,
        properties text not null,
        contact integer,
        unique (type, key)
      );
      pragma busy_timeout=0;
    `);
  }

  /** Everything that another file holds, which is only read. */
  copyFrom(file: string): void {
    this.#database.prepare('attach ? as other').run(file);
    this.#database.exec('insert into records select * from other.records; detach other');
  }

  inOneCommit<T>(run: () => T): T {
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

  find(type: string, key: string): RecordRef | undefined {
    const row = this.#database.prepare('select id from records where type = ? and key = ?').get(type, key);
    return row && { type, id: String(row['id']) };
  }

  create({ type, key, properties }: RecordDraft): RecordRef {
    const { lastInsertRowid } = this.#database
      .prepare('insert into records (type, key, properties) values (?, ?, ?)')
      .run(type, key?.value ?? '', JSON.stringify(properties));
    return { type, id: String(lastInsertRowid) };
  }

  /** Properties that are not named stay as they are. */
  update({ id }: RecordRef, properties: RecordDraft['properties']): void {
    this.#database
      .prepare('update records set properties = json_patch(properties, ?) where id = ?')
      .run(JSON.stringify(properties), Number(id));
  }

  link(call: RecordRef, contact: RecordRef): void {
    this.#database
      .prepare('update records set contact = ? where id = ?')
      .run(Number(contact.id), Number(call.id));
  }

  read({ type, id }: RecordRef): Record<string, unknown> | null {
    const row = this.#database
      .prepare('select key, properties, contact from records where type = ? and id = ?')
      .get(type, Number(id));
    if (!row) return null;
    const contact = row['contact'] === null ? {} : { contact: String(row['contact']) };
    return { key: row['key'], ...JSON.parse(String(row['properties'])), ...contact };
  }

  all(type: string): (Record<string, unknown> & { id: string })[] {
    const rows = this.#database.prepare('select id from records where type = ? order by id').all(type);
    return rows.map((row) => ({ id: String(row['id']), ...this.read({ type, id: String(row['id']) }) }));
  }

  close(): void {
    this.#database.close();
  }
}
