import type { CallState } from '../../call/call.ts';
import { stateOf } from '../call-state.ts';
import type { CallRow } from '../schema.ts';
import type { Statements } from './statements.ts';

/** What is known of calls, for what changes them. */
export class SqliteCalls {
  readonly #do: Statements;

  constructor(statements: Statements) {
    this.#do = statements;
  }

  /** Reads the pushes of a call when they are all that says it. */
  stateOf(row: CallRow): CallState {
    return stateOf(row, row.fields === null ? this.#do.bodiesOf.all({ call: row.id }) : []);
  }

  /** As `stateOf` has them, in JSON. */
  fieldsOf(call: number): string {
    const row = this.#do.callById.get({ id: call });
    return JSON.stringify(row ? this.stateOf(row).fields : {});
  }
}
