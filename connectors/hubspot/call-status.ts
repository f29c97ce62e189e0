import type { Delivery, Values } from '../../src/connector/index.ts';
import type { Instead } from '../../src/crm/index.ts';
import type { Facts } from './facts.ts';

/** Statuses that say that a call is over, `COMPLETED` in front: it says no more than that. */
const over = ['COMPLETED', 'NO_ANSWER', 'BUSY', 'CANCELED', 'FAILED'];
/** A call that rings is rather shown as over than as nothing. */
const notOver = ['CONNECTING', 'RINGING', 'COMPLETED'];

/**
 * What to write where an account does not take what a call should show. One that is over never stays open, though the
 * account lacks its status, or the mapping names one that does not exist.
 */
export function insteadOn({ call }: Delivery): Instead {
  return { hs_call_status: call.phase === 'ringing' ? notOver : over, hs_timestamp: [call.startedAt] };
}

/** A status that a probe found the account not to have need not be tried. */
export function withKnownStatus(
  delivery: Delivery,
  values: Values,
  { statuses }: Partial<Facts>,
  notes: string[],
): Values {
  const status = values['hs_call_status'];
  if (!statuses || status === undefined || statuses.includes(String(status))) return values;
  const { hs_call_status: _, ...rest } = values;
  const instead = insteadOn(delivery)['hs_call_status']?.find((one) => statuses.includes(String(one)));
  notes.push(`This HubSpot account has no call status ${status}.`);
  return { ...rest, ...(instead === undefined ? {} : { hs_call_status: instead }) };
}
