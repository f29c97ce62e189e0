import type { SQLInputValue, StatementSync } from 'node:sqlite';
import type { Database } from '../../runtime/sqlite.ts';

/** Runs SQL given as text, each text prepared once: for queries that are put together as they are needed. */
export class Prepared {
  readonly #database: Database;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: Database) {
    this.#database = database;
  }

  get<T>(text: string, ...values: SQLInputValue[]): T | undefined {
    return this.#statement(text).get(...values) as T | undefined;
  }

  all<T>(text: string, ...values: SQLInputValue[]): T[] {
    return this.#statement(text).all(...values) as T[];
  }

  run(text: string, ...values: SQLInputValue[]): void {
    this.#statement(text).run(...values);
  }

  #statement(text: string): StatementSync {
    let prepared = this.#statements.get(text);
    if (!prepared) {
      prepared = this.#database.prepare(text);
      this.#statements.set(text, prepared);
    }
    return prepared;
  }
}
