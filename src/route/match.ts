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

/**
 * The connectors of a call: every route that matches applies, in order, until one says stop. Asked for every push while
 * it is stored, so the call is read only for a route that has a condition.
 */
export function matchRoutes(
  routes: readonly Route[],
  source: string,
  call: () => Call,
  timezone: string,
): string[] {
  const connectors: string[] = [];
  for (const route of routes) {
    if (!matches(route, source, call, timezone).matched) continue;
    for (const connector of route.to) if (!connectors.includes(connector)) connectors.push(connector);
    if (route.stop) break;
  }
  return connectors;
}

/** As `matchRoutes`, with the reasons. */
export function explainRoutes(routes: readonly Route[], call: Call, timezone: string): Routing {
  const connectors = matchRoutes(routes, call.source, () => call, timezone);
  const looked: Routing['looked'] = [];
  for (const [index, route] of routes.entries()) {
    const { matched, why } = matches(route, call.source, () => call, timezone);
    looked.push({
      route: index + 1,
      matched,
      why: why ?? reasonOf(route, route.source === undefined || route.source === call.source, matched),
    });
    if (matched && route.stop) break;
  }
  return { connectors, looked };
}

function matches(
  route: Route,
  source: string,
  call: () => Call,
  timezone: string,
): { matched: boolean; why?: string } {
  if (route.source !== undefined && route.source !== source) return { matched: false };
  if (!route.when) return { matched: true };
  try {
    return { matched: route.when.matches({ call: call(), timezone }) };
  } catch (reason) {
    // Runs while the push is being stored: a call that goes nowhere can be replayed, one not stored is lost.
    return {
      matched: false,
      why: `${route.when.text} cannot be evaluated: ${(reason as Error).message}`,
    };
  }
}

function reasonOf(route: Route, ofSource: boolean, matched: boolean): string {
  if (!ofSource) return `is for source ${route.source}`;
  if (route.when) return `${route.when.text} is ${matched}`;
  return route.source === undefined ? 'takes every call' : `takes every call of ${route.source}`;
}
