import { type Call, type CallState, type Reading, readCall, type Urgency } from '../call/call.ts';
import type { Records } from '../call/records.ts';
import type { Delivery, RecordDraft } from '../connector/contract.ts';
import { explainRoutes, matchRoutes, type Routing } from '../route/match.ts';
import type { Settings, Source } from './settings.ts';

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
  due: { state: CallState; urgency: Urgency; revision: number; records: Records; failures: number },
): Delivery | null {
  const source = settings.sources[due.state.source];
  if (!source) return null;
  return {
    key: source.callIdPrefix + due.state.callId,
    call: readCall(due.state, readingOf(source)),
    source: { name: source.name, region: source.region, timezone: source.timezone },
    revision: due.revision,
    attempt: due.failures + 1,
    urgency: due.urgency,
    records: due.records,
  };
}

/** What the present mapping makes of a call, connector by connector; no CRM is asked. */
export interface Drafted {
  callId: string;
  routing: Routing;
  /** What could not be read of the call. */
  notes: string[];
  connectors: { connector: string; type: string; records: RecordDraft[] }[];
}

/** @param only for this connector alone: the others' settings are not read */
export function draftedFrom(settings: Settings, state: CallState, only?: string): Drafted {
  const routing = routingOf(settings, state);
  const delivery = deliveryOf(settings, { state, urgency: 'live', revision: 1, records: {}, failures: 0 });
  return {
    callId: state.callId,
    routing,
    notes: delivery?.call.notes ?? [],
    connectors: routing.connectors.flatMap((connector) => {
      const configured = settings.connectors[connector];
      if (!configured || !delivery || connector !== (only ?? connector)) return [];
      const records = configured.definition.draft(configured.options, delivery);
      return [{ connector, type: configured.type, records }];
    }),
  };
}
