import type { Outcome } from '../connector/contract.ts';
import { noteOfPerson } from '../connector/why-person.ts';
import type { Attempt, DueDelivery, Settlement } from '../store/deliveries.ts';
import type { Failure } from './circuit.ts';
import { nextTry, type Schedule } from './retry-schedule.ts';

const leftUnanswered =
  'A write was not answered, and the CRM may carry it out late: once the call is delivered, it is written once more.';
const onceMore = 'Written once more: an earlier write, which was not answered, may have taken it back.';

/** How an attempt went, before what came of each of its deliveries. */
export type Tried = Pick<Attempt, 'at' | 'tookMs' | 'requests' | 'batch'>;

/** When a delivery that is to be tried again is due. */
export interface Retrying {
  schedule: Schedule;
  now: Date;
  /** From 0 up to 1: spreads the retries. */
  random(): number;
  /** false: the failure is not the call's, which stays due as before. */
  counts: boolean;
}

/** What the store keeps of an attempt's outcome, and what is next for the delivery. */
export function settlementOf(
  due: DueDelivery,
  outcome: Outcome,
  tried: Tried,
  retrying: Retrying,
): Settlement {
  return {
    callRow: due.callRow,
    revision: due.revision,
    records: outcome.records ?? {},
    attempt: {
      ...tried,
      outcome: outcome.kind,
      reason: outcome.kind === 'delivered' ? null : outcome.reason,
      notes: [
        ...(due.isRewrite ? [onceMore] : []),
        ...(outcome.whyPerson ? [noteOfPerson(outcome.whyPerson)] : []),
        ...(outcome.notes ?? []),
        ...(outcome.unanswered ? [leftUnanswered] : []),
      ],
    },
    unanswered: outcome.unanswered === true,
    next: nextOf(due, outcome, tried.tookMs, retrying),
  };
}

function nextOf(
  due: DueDelivery,
  outcome: Outcome,
  tookMs: number,
  { schedule, now, random, counts }: Retrying,
): Settlement['next'] {
  if (outcome.kind === 'delivered') return { state: 'delivered' };
  if (outcome.kind === 'rejected') return { state: 'failed' };
  if (!counts) return { state: 'due' };
  const at = nextTry(schedule, due.failures + 1, due.triedMs + tookMs, now, outcome.notBefore, random());
  return at ? { state: 'due', at } : { state: 'failed' };
}

/** Other calls would have fared no better. */
export function isConnectors(outcome: Outcome): outcome is Outcome & { kind: 'retry' | 'blocked' } {
  return outcome.kind === 'blocked' || (outcome.kind === 'retry' && outcome.scope === 'connector');
}

/** What of a batch the connector could not write. Null: nothing. */
export function failureOf(
  tried: readonly { due: DueDelivery }[],
  outcomes: readonly Outcome[],
): Failure | null {
  const failed = outcomes.filter(isConnectors);
  const worst = failed.find(({ kind }) => kind === 'blocked') ?? failed[0];
  if (!worst) return null;
  const times = failed.flatMap(({ notBefore }) => (notBefore ? [notBefore.getTime()] : []));
  return {
    calls: tried.flatMap(({ due }, i) => (isConnectors(outcomes[i] as Outcome) ? [due.callRow] : [])),
    reason: worst.reason,
    isBlocked: worst.kind === 'blocked',
    isMixed: failed.length < outcomes.length,
    notBefore: times.length > 0 ? new Date(Math.max(...times)) : undefined,
  };
}
