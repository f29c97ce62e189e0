import type { Delivery } from '../connector/contract.ts';
import type { OpenFollowUps } from '../connector/open-follow-ups.ts';
import { type Failure, isOfGone } from './failure.ts';

/** What became of the follow-ups that a call settles. */
export interface Settled {
  notes: string[];
  /** They are to be completed still. */
  failures: Failure[];
}

/**
 * Completes the follow-ups of earlier calls that these calls settle, and tells of it. One that is gone, or that the CRM
 * does not let be completed, is people's.
 *
 * @param complete answers by id why one was not completed
 */
export async function settleFollowUps(
  open: OpenFollowUps,
  deliveries: readonly Delivery[],
  complete: (ids: readonly string[]) => Promise<ReadonlyMap<string, Failure | undefined>>,
): Promise<Map<Delivery, Settled>> {
  const settled = await open.settledBy(deliveries);
  const told = new Map<Delivery, Settled>();
  if (settled.length === 0) return told;
  // Two calls may settle one.
  const failures = await complete([...new Set(settled.map(({ followUp }) => followUp.id))]);
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

function isPeoples({ kind }: Failure): boolean {
  return kind === 'rejected';
}
