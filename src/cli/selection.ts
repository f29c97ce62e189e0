import type { Settings } from '../config/settings.ts';
import type { CallFilter, Calls, CallView } from '../store/calls.ts';
import type { DeliveryState } from '../store/deliveries.ts';
import { parseDuration } from '../text/quantities.ts';
import { pasted } from './command-options.ts';
import { configured, WrongUse } from './wrong-use.ts';

/** The options by which commands choose calls. */
export interface Selection {
  source?: string;
  connector?: string;
  state?: DeliveryState | 'unrouted';
  since?: string;
}

export function filterOf({ source, connector, state, since }: Selection, limit: number): CallFilter {
  return {
    limit,
    ...(source === undefined ? {} : { source }),
    ...(connector === undefined ? {} : { connector }),
    ...(state === undefined ? {} : { state }),
    ...(since === undefined ? {} : { since: timeOf(since) }),
  };
}

/** `2h` ago, or a date. */
function timeOf(since: string): Date {
  const ago = parseDuration(since);
  if (typeof ago === 'number') return new Date(Date.now() - ago);
  const at = new Date(since);
  if (Number.isNaN(at.getTime()))
    throw new WrongUse(`--since ${since}: write a duration like 2h or 7d, or a date like 2026-11-24.`);
  return at;
}

/**
 * That nothing matches a mistyped name is no answer. What matches is one, though its source or connector may be
 * configured no more.
 * @throws WrongUse
 */
export function refuseUnknown({ source, connector }: Selection, { sources, connectors }: Settings): void {
  if (source !== undefined) configured('source', source, sources);
  if (connector !== undefined) configured('connector', connector, connectors);
}

export function noCall(callId: string, config: string): Error {
  return new Error(`No call ${callId} was received. The latest ones: ${pasted('calls', config)}`);
}

export function severalSources(callId: string, sources: readonly string[]): WrongUse {
  return new WrongUse(`Several sources have a call ${callId}: choose with --source ${sources.join(' or ')}.`);
}

/** All the calls that match, in pages, newest first. */
export async function* everyCall(store: Pick<Calls, 'calls'>, filter: CallFilter): AsyncGenerator<CallView> {
  let beforeRow = filter.beforeRow;
  for (;;) {
    const page = await store.calls({
      ...filter,
      limit: 500,
      ...(beforeRow === undefined ? {} : { beforeRow }),
    });
    yield* page;
    beforeRow = page.at(-1)?.row;
    if (page.length < 500) return;
  }
}
