import type { Delivery } from '../connector/contract.ts';
import type { OpenFollowUps } from '../connector/open-follow-ups.ts';
import type { RecordDriver } from './driver.ts';
import { type Failure, forAll, isOfGone } from './failure.ts';

/** What became of the follow-ups that a call settles. */
export interface Settled {
  notes: string[];
  /** They are to be completed still. */
  failures: Failure[];
}

/**
 * Completes the follow-ups of earlier calls that these calls settle, and tells of it. One that is gone, or that the CRM
 * does not let be completed, is people's.
 */
export async function settleFollowUps(
  open: OpenFollowUps,
  deliveries: readonly Delivery[],
  complete: RecordDriver['complete'],
  signal: AbortSignal,
): Promise<Map<Delivery, Settled>> {
  const settled = await open.settledBy(deliveries);
  const told = new Map<Delivery, Settled>();
  if (settled.length === 0) return told;
  // Two calls may settle one.
  const ids = [...new Set(settled.map(({ followUp }) => followUp.id))];
  const answers = await complete(ids, signal).catch(forAll(ids.length));
  const failures = new Map(
    ids.map((id, place) => [id, answers[place]?.failure && passing(answers[place].failure)]),
  );
  for (const {
    followUp: { id },
    by,
  } of settled) {
    const failure = failures.get(id);
    const one = told.get(by) ?? { notes: [], failures: [] };
    told.set(by, one);
    if (!failure) one.notes.push(`The follow-up ${id} of an earlier call was completed.`);
    else if (isOfGone(failure)) continue;
    else if (isPeoples(failure))
      one.notes.push(`The follow-up ${id} of an earlier call stays open. ${failure.reason}`);
    else {
      const reason = `The call is written, the follow-up ${id} of an earlier one is not completed yet. ${failure.reason}`;
      one.failures.push({ ...failure, reason });
    }
  }
  await open.remove(
    settled.filter(({ followUp }) => {
      const failure = failures.get(followUp.id);
      return !failure || isOfGone(failure) || isPeoples(failure);
    }),
  );
  return told;
}

/** The call itself is written: what is wrong with one kind of record must not stop other calls. */
export function passing(failure: Failure): Failure {
  return failure.kind === 'blocked' && failure.isOfKind ? { ...failure, kind: 'retry' } : failure;
}

function isPeoples({ kind }: Failure): boolean {
  return kind === 'rejected';
}
