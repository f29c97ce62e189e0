import type { Outcome } from '../connector/contract.ts';
import type { Log } from '../log.ts';
import type { DueDelivery } from '../store/deliveries.ts';

/** Logs what came of an attempt: one line for what was delivered, and one for each call that was not. */
export function logAttempt(
  log: Log,
  connector: string,
  due: readonly DueDelivery[],
  outcomes: ReadonlyMap<DueDelivery, Outcome>,
  cost: { tookMs: number; requests: number },
): void {
  const delivered = due.filter((item) => outcomes.get(item)?.kind === 'delivered');
  const [only] = delivered;
  if (only && delivered.length === 1)
    log.info({ call: only.state.callId, connector, attempt: only.attempts + 1, ...cost }, 'Call delivered.');
  else if (only) log.info({ calls: delivered.length, connector, ...cost }, 'Calls delivered.');
  for (const item of due) {
    const outcome = outcomes.get(item) as Outcome;
    if (outcome.kind !== 'retry' && outcome.kind !== 'rejected') continue;
    log.warn(
      {
        call: item.state.callId,
        connector,
        attempt: item.attempts + 1, // as `explain` counts them
        outcome: outcome.kind,
        reason: outcome.reason,
      },
      outcome.kind === 'retry' ? 'Call not delivered yet.' : 'Call failed: it waits for a replay.',
    );
  }
}
