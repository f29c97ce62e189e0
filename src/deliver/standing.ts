import type { Finding } from '../connector/contract.ts';
import type { ConnectorState } from '../store/connector-state.ts';

/** What keeps calls from a connector right now: whatever a check finds, this comes first. */
export function standing(connector: string, states: readonly ConnectorState[]): Finding[] {
  const state = states.find((known) => known.connector === connector);
  if (state?.paused) {
    const message = `Paused since ${state.paused.since.toISOString()}${state.paused.reason ? `: ${state.paused.reason}` : ''}.`;
    return [
      { level: 'warning', subject: 'deliveries', message, fix: 'Resume it once that is over: calls wait.' },
    ];
  }
  if (state?.blockedReason) {
    const message = `Nothing is written since ${state.since.toISOString()}. ${state.blockedReason}`;
    const fix = 'Do what it says. The bridge tries again by itself, and goes on when it may.';
    return [{ level: 'problem', subject: 'deliveries', message, fix }];
  }
  return [];
}
