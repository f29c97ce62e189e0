import type { Call } from '../receive/call.ts';
import type { Condition } from './template.ts';

/** Sends a source's calls to connectors. */
export interface Route {
  /** Every source when left out. */
  source?: string | undefined;
  when?: Condition | undefined;
  to: readonly string[];
  /** Ends the search when this route matches. */
  stop: boolean;
}

/** Why a call went where it went: each route that was looked at, and whether it matched. */
export interface Routing {
  connectors: string[];
  looked: { route: number; matched: boolean; why: string }[];
}

/** The connectors of a call: every route that matches applies, in order, until one says stop. */
export function matchRoutes(routes: readonly Route[], call: Call, timezone: string): string[] {
  return explainRoutes(routes, call, timezone).connectors;
}

export function explainRoutes(routes: readonly Route[], call: Call, timezone: string): Routing {
  const connectors = new Set<string>();
  const looked: Routing['looked'] = [];
  for (const [index, route] of routes.entries()) {
    const ofSource = route.source === undefined || route.source === call.source;
    let matched = false;
    let why: string | undefined;
    try {
      matched = ofSource && (!route.when || route.when.matches({ call, timezone }));
    } catch (reason) {
      // Runs while the push is being stored: a call that goes nowhere can be replayed, one not stored is lost.
      why = `${route.when?.text} cannot be evaluated: ${(reason as Error).message}`;
    }
    looked.push({ route: index + 1, matched, why: why ?? reasonOf(route, ofSource, matched) });
    if (!matched) continue;
    for (const connector of route.to) connectors.add(connector);
    if (route.stop) break;
  }
  return { connectors: [...connectors], looked };
}

function reasonOf(route: Route, ofSource: boolean, matched: boolean): string {
  if (!ofSource) return `is for source ${route.source}`;
  if (route.when) return `${route.when.text} is ${matched}`;
  return route.source === undefined ? 'takes every call' : `takes every call of ${route.source}`;
}
