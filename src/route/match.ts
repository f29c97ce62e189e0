import type { Call } from '../call/call.ts';
import type { Condition } from './condition.ts';

/** Sends the calls of sources to connectors. */
export interface Route {
  /** Every source when left out. */
  sources?: readonly string[];
  when?: Condition | undefined;
  to: readonly string[];
  /** Ends the search when this route matches. */
  stop: boolean;
  /** Where it is written, as `config/bridge.yaml:14:5`. */
  place: string;
  /** Written nowhere: the file at `place` has no routes, so its sources go to its connectors. */
  isImplied?: boolean;
}

/** Why a call went where it went: each route of its source that was looked at, and whether it matched. */
export interface Routing {
  connectors: string[];
  looked: { place: string; matched: boolean; why: string }[];
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
  for (const route of routesOf(routes, source)) {
    if (!matches(route, call, timezone).matched) continue;
    for (const connector of route.to) if (!connectors.includes(connector)) connectors.push(connector);
    if (route.stop) break;
  }
  return connectors;
}

/** As `matchRoutes`, with the reasons. */
export function explainRoutes(routes: readonly Route[], call: Call, timezone: string): Routing {
  const connectors = matchRoutes(routes, call.source, () => call, timezone);
  const looked: Routing['looked'] = [];
  for (const route of routesOf(routes, call.source)) {
    const { matched, why = reasonOf(route, call.source, matched) } = matches(route, () => call, timezone);
    looked.push({ place: route.place, matched, why });
    if (matched && route.stop) break;
  }
  return { connectors, looked };
}

/** The routes of each source, in order: a push looks at its own, however many there are. */
interface BySource {
  named: Map<string, Route[]>;
  /** Those that every source has. */
  general: Route[];
}

const bySource = new WeakMap<readonly Route[], BySource>();

function routesOf(routes: readonly Route[], source: string): readonly Route[] {
  let found = bySource.get(routes);
  if (!found) {
    found = sorted(routes);
    bySource.set(routes, found);
  }
  return found.named.get(source) ?? found.general;
}

function sorted(routes: readonly Route[]): BySource {
  const general = routes.filter(({ sources }) => sources === undefined);
  const named = new Map<string, Route[]>();
  for (const source of new Set(routes.flatMap(({ sources = [] }) => sources))) named.set(source, []);
  for (const route of routes)
    for (const source of route.sources ?? named.keys()) {
      const own = named.get(source)!;
      if (own.at(-1) !== route) own.push(route); // a source may be named twice
    }
  return { named, general };
}

function matches(route: Route, call: () => Call, timezone: string): { matched: boolean; why?: string } {
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

function reasonOf(route: Route, source: string, matched: boolean): string {
  if (route.isImplied)
    return `the file has no routes, so calls of its source ${source} go to its ${route.to.length > 1 ? 'connectors' : 'connector'} ${route.to.join(', ')}`;
  if (route.when) return `${route.when.text} is ${matched}`;
  return route.sources === undefined ? 'takes every call' : `takes every call of ${source}`;
}
