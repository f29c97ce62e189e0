import { type CallState, foldFields } from '../call/call.ts';
import { type Fields, pushFieldsIn, UnreadablePush } from '../call/push.ts';
import type { CallRow } from './schema.ts';

/** What is known of a call: its row says it or, while that does not, its pushes from the first to the last. */
export function stateOf(row: CallRow, pushes: readonly { body: string }[]): CallState {
  let fields: Fields | undefined;
  if (row.fields !== null) fields = Object.setPrototypeOf(JSON.parse(row.fields), null) as Fields;
  else for (const { body } of pushes) fields = foldFields(fields, fieldsOf(body));
  const state: CallState = {
    source: row.source,
    callId: row.call_id,
    fields: fields ?? Object.create(null),
    firstReceivedAt: new Date(row.first_received_at),
    endReceivedAt: asDate(row.end_received_at),
    lapsed: row.lapsed === 1,
  };
  if (row.not_folded > 0) state.notFolded = row.not_folded;
  return state;
}

/** What a stored body says. It was readable when it was stored. */
export function fieldsOf(body: string): Fields {
  try {
    return pushFieldsIn(body);
  } catch (reason) {
    if (reason instanceof UnreadablePush) return {};
    throw reason;
  }
}

export function asDate(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}
