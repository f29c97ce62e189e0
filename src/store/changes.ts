import { type CallState, foldWithinBounds, gapsIn, hasEnd, laneOf, urgencyOfPush } from '../call/call.ts';
import type { Records } from '../call/records.ts';
import { stateOf } from './call-state.ts';
import type { Settlement } from './deliveries.ts';
import type { NewPush } from './intake.ts';
import { rewriteAt, unansweredAt } from './late-writes.ts';
import { again, behind, fresh, lineOf } from './lines.ts';
import type { CallRow, DeliveryRow, LeaseRow } from './schema.ts';

/*
 * What a push, the outcome of an attempt, a lapse or a replay changes: decided from what is stored, without I/O. A store
 * loads, asks here and applies the answer, all in one commit. Values are as the columns hold them: times in epoch ms, JSON as text.
 */

/** A call of more pushes has its folded fields stored, so that reading it does not read them all. */
const mostFoldedOnReading = 4;

/** A call to add, in its first revision. */
export type NewCall = {
  source: string;
  callId: string;
  lane: string;
  at: number;
  endReceivedAt: number | null;
  lapseAt: number | null;
};

/** What a call is from now on. */
export type CallChange = {
  id: number;
  revision: number;
  fields: string | null;
  lane: string;
  /** When it was last received. */
  at: number;
  endReceivedAt: number | null;
  lapsed: number;
  lapseAt: number | null;
};

export interface FirstPushChanges {
  call: NewCall;
  state: CallState;
  /** All that the call holds of a push that says more than one holds. Null: it holds it whole. */
  heldFields: string | null;
  /** Where its deliveries stand. */
  line: number;
}

/** What a push makes of a call that is not known. Its deliveries go where `route` sends the state. */
export function firstPushChanges(push: NewPush): FirstPushChanges {
  const { source, callId, receivedAt } = push;
  const at = receivedAt.getTime();
  const { fields, isWhole } = foldWithinBounds(undefined, push.fields, push.body.length);
  const ended = hasEnd(fields);
  const state: CallState = {
    source,
    callId,
    fields,
    firstReceivedAt: receivedAt,
    endReceivedAt: ended ? receivedAt : null,
    lapsed: false,
  };
  if (!isWhole) state.notFolded = 1;
  return {
    call: {
      source,
      callId,
      lane: laneOf(callId, fields),
      at,
      endReceivedAt: ended ? at : null,
      lapseAt: ended ? null : at + push.lapseAfterMs,
    },
    state,
    heldFields: isWhole ? null : JSON.stringify(fields),
    line: lineOf[urgencyOfPush(state, receivedAt)],
  };
}

export type PushChanges =
  | {
      /** The push that said the very same. */
      repeatOf: number;
      state: CallState;
    }
  | {
      repeatOf: null;
      state: CallState;
      call: CallChange;
      /** As with a first push. */
      heldFields: string | null;
      /** The call is another now: every delivery of it wants the new revision, and stands in `line`. */
      isChanged: boolean;
      line: number;
    };

/**
 * What a push makes of a call that is known.
 * @param pushes of the call, from the first to the last; null where its row holds the fields
 * @param when late: it came before pushes that are stored, and is stored after them
 * @param sameBody looks for a push of the call among the last ones; asked for where `pushes` is null
 * @param taken revisions up to here may have been given, by a store that a backup was put in place of
 */
export function pushChanges(
  known: CallRow,
  pushes: readonly { id: number; body: string }[] | null,
  push: NewPush,
  when: 'now' | 'late',
  sameBody: (body: string) => { id: number } | undefined,
  taken = 0,
): PushChanges {
  const at = push.receivedAt.getTime();
  const before = stateOf(known, pushes ?? []);
  const isOlder = when === 'late' && at < known.last_received_at;
  const { fields, isWhole } = foldWithinBounds(
    before.fields,
    isOlder ? gapsIn(before.fields, push.fields) : push.fields,
    push.body.length + lengthOf(known, pushes),
  );
  const isChanged = fields !== before.fields;
  // What was said before and comes again after something else was said is no repeat: it corrects that.
  const same = isChanged
    ? undefined
    : pushes
      ? pushes.findLast(({ body }) => body === push.body)
      : sameBody(push.body);
  if (same) return { repeatOf: same.id, state: before };

  const ended = before.endReceivedAt !== null || hasEnd(fields);
  const endReceivedAt = before.endReceivedAt ?? (ended ? push.receivedAt : null);
  const state: CallState = { ...before, fields, endReceivedAt };
  if (!isWhole) state.notFolded = (before.notFolded ?? 0) + 1;
  return {
    repeatOf: null,
    state,
    call: {
      id: known.id,
      revision: isChanged ? Math.max(known.revision, taken) + 1 : known.revision,
      // Folded on reading, an older push would be taken for the latest.
      fields:
        pushes && pushes.length < mostFoldedOnReading && !isOlder
          ? null
          : isChanged || known.fields === null
            ? JSON.stringify(fields)
            : known.fields,
      lane: laneOf(push.callId, fields),
      at: isOlder ? known.last_received_at : at,
      endReceivedAt: endReceivedAt?.getTime() ?? null,
      lapsed: known.lapsed,
      lapseAt: ended ? null : known.lapse_at,
    },
    // Its pushes do not say any more what it holds.
    heldFields: isWhole ? null : JSON.stringify(fields),
    isChanged,
    line: lineOf[urgencyOfPush(state, push.receivedAt)],
  };
}

/** In characters, of what a call is folded from. */
function lengthOf({ fields }: CallRow, pushes: readonly { body: string }[] | null): number {
  return fields?.length ?? pushes?.reduce((sum, { body }) => sum + body.length, 0) ?? 0;
}

/** Of a call whose end did not come in time. */
export function lapseChanges(
  known: CallRow,
  before: CallState,
  taken = 0,
): { call: CallChange; state: CallState } {
  return {
    call: {
      id: known.id,
      revision: Math.max(known.revision, taken) + 1,
      fields: known.fields,
      lane: known.lane,
      at: known.last_received_at,
      endReceivedAt: null,
      lapsed: 1,
      lapseAt: null,
    },
    state: { ...before, lapsed: true },
  };
}

/**
 * The connectors that a call goes to from now on, and did not before.
 * @param had those that it goes to already
 * @param only null: any
 */
export function newConnectors(
  matching: Iterable<string>,
  had: Iterable<string>,
  only: string | null = null,
): string[] {
  const known = new Set(had);
  const added: string[] = [];
  for (const connector of matching) {
    if (known.has(connector) || (only !== null && connector !== only)) continue;
    known.add(connector);
    added.push(connector);
  }
  return added;
}

/** What a delivery is after an attempt. */
export type DeliveryChange = {
  /** The number of the attempt, too. */
  attempts: number;
  state: DeliveryRow['state'];
  dueAt: number | null;
  deliveredRevision: number;
  failures: number;
  failingSince: number | null;
  triedMs: number;
  line: number;
  reason: string | null;
  records: string;
  skippedRevision: number | null;
  unansweredAt: number | null;
};

/** @param lease under which it was attempted: whoever left it may have had any call under way that there was */
export function settlementChanges(
  row: DeliveryRow,
  { revision, attempt, records, unanswered = false, next }: Settlement,
  lease: Pick<LeaseRow, 'left_at' | 'left_call'>,
): DeliveryChange {
  const at = attempt.at.getTime();
  const ended = at + attempt.tookMs;
  const delivered = next.state === 'delivered';
  const left = row.call <= (lease.left_call ?? 0) ? lease.left_at : null;
  const unansweredSince = unansweredAt([row.unanswered_at, left, unanswered ? ended : null], at);
  const known = {
    attempts: row.attempts + 1,
    deliveredRevision: delivered ? revision : row.delivered_revision,
    records: JSON.stringify({ ...(JSON.parse(row.records) as Records), ...records }),
    unansweredAt: unansweredSince,
  };
  // Somebody decided while it was being written. What is in the CRM by now is known all the same.
  if (row.state === 'skipped' && !(delivered && row.wanted_revision <= revision))
    return {
      ...known,
      state: 'skipped',
      dueAt: null,
      failures: 0,
      failingSince: null,
      triedMs: 0,
      line: again,
      reason: row.last_reason,
      skippedRevision: row.skipped_revision,
    };
  // The call changed while it was being written: whatever came of the older state, the newer one is due.
  const changed = row.wanted_revision > revision;
  const isDue = next.state === 'due';
  const failedUntil = isDue ? (next.at?.getTime() ?? null) : null;
  const waits = failedUntil !== null && !changed;
  const line = row.line & ~behind;
  return {
    ...known,
    state: changed ? 'due' : next.state,
    dueAt: waits
      ? failedUntil
      : isDue || changed
        ? (row.due_at ?? at)
        : delivered && unansweredSince !== null
          ? rewriteAt(unansweredSince)
          : null,
    failures: isDue ? row.failures + (failedUntil === null ? 0 : 1) : 0,
    failingSince: isDue ? (row.failing_since ?? (failedUntil === null ? null : at)) : null,
    triedMs:
      failedUntil === null
        ? isDue
          ? row.tried_ms
          : 0
        : row.tried_ms + attempt.tookMs + (waits ? Math.max(0, failedUntil - ended) : 0),
    line: waits && line === fresh ? again : line,
    reason: attempt.reason,
    skippedRevision: null,
  };
}
