import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { cacheOf } from '../../cache.ts';
import type { Database } from '../../runtime/sqlite.ts';
import type { Question } from '../queries/question.ts';

/** Texts differ by how many values they name. */
const mostPrepared = 500;

/** Runs SQL given as text, each text prepared once: for queries that are put together as they are needed. */
export class Prepared {
  readonly #database: Database;
  readonly #statements = cacheOf<string, StatementSync>(mostPrepared);

  constructor(database: Database) {
    this.#database = database;
  }

  /** Without a pause: no write comes between what it asks. */
  answer<T>(question: Question<T>): T {
    let step = question.next([]);
    while (!step.done) {
      const { sql, parameters } = step.value.compile();
      step = question.next(this.all(sql, ...(parameters as SQLInputValue[])));
    }
    return step.value;
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
