import type { Settings, Source } from './config/settings.ts';
import type { Delivery, Records } from './connector/contract.ts';
import { type Call, type CallState, type Reading, readCall } from './receive/call.ts';
import { explainRoutes, matchRoutes, type Routing } from './route/match.ts';

/*
 * From what is stored of a call to what templates, routes and connectors see of it: the source's settings decide how
 * its calls are read.
 */

export function readingOf(source: Source): Reading {
  return {
    region: source.region,
    timezone: source.timezone,
    withheldWords: source.withheld,
    missed: source.missed,
    emailOnly: source.emailOnly,
  };
}

/** Null when the call's source is configured no more. */
export function callOf(settings: Settings, state: CallState): Call | null {
  const source = settings.sources[state.source];
  return source ? readCall(state, readingOf(source)) : null;
}

/** The connectors that the routes send a call to. A call whose source is gone goes nowhere. */
export function connectorsFor(settings: Settings, state: CallState): string[] {
  const source = settings.sources[state.source];
  if (!source) return [];
  let call: Call | undefined;
  const read = () => (call ??= readCall(state, readingOf(source)));
  return matchRoutes(settings.routes, state.source, read, source.timezone);
}

export function routingOf(settings: Settings, state: CallState): Routing {
  const source = settings.sources[state.source];
  if (!source) {
    return { connectors: [], looked: [] };
  }
  return explainRoutes(settings.routes, readCall(state, readingOf(source)), source.timezone);
}

/** What a connector gets for a call. Null when its source is configured no more. */
export function deliveryOf(
  settings: Settings,
  due: { state: CallState; revision: number; records: Records; failures: number },
): Delivery | null {
  const source = settings.sources[due.state.source];
  if (!source) return null;
  return {
    key: source.callIdPrefix + due.state.callId,
    call: readCall(due.state, readingOf(source)),
    source: { name: source.name, region: source.region, timezone: source.timezone },
    revision: due.revision,
    attempt: due.failures + 1,
    records: due.records,
  };
}
