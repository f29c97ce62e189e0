import type { Settings } from './settings.ts';

/*
 * Two clients in one CRM, most likely by a copied file or a token pasted twice: each would see the other's callers, and
 * the call ids of two Delacon accounts may be the same. Several connectors of one client may well share an account.
 */

/**
 * Pairs of connectors of one type that write to one account, though each takes calls of a source that the other does not.
 * A later one is paired with the first that it differs from.
 */
export function sharedAccounts(
  settings: Pick<Settings, 'sources' | 'routes' | 'connectors'>,
  accounts: Iterable<readonly [connector: string, account: string | undefined]>,
): { connector: string; other: string }[] {
  const byAccount = new Map<string, string[]>();
  for (const [connector, account] of accounts) {
    if (account === undefined) continue;
    const key = JSON.stringify([settings.connectors[connector]?.type, account]);
    byAccount.set(key, [...(byAccount.get(key) ?? []), connector]);
  }
  return [...byAccount.values()].flatMap((connectors) =>
    connectors.length === 1 ? [] : ofDifferentClients(settings, connectors),
  );
}

function ofDifferentClients(
  { sources, routes }: Pick<Settings, 'sources' | 'routes'>,
  connectors: readonly string[],
): { connector: string; other: string }[] {
  const fed = new Map(
    connectors.map((connector) => [
      connector,
      new Set(
        routes
          .filter(({ to }) => to.includes(connector))
          .flatMap((route) => route.sources ?? Object.keys(sources)),
      ),
    ]),
  );
  return connectors.flatMap((connector, index) => {
    const own = fed.get(connector)!;
    const other = connectors.slice(0, index).find((earlier) => {
      const theirs = fed.get(earlier)!;
      return [...own].some((source) => !theirs.has(source)) && [...theirs].some((source) => !own.has(source));
    });
    return other === undefined ? [] : [{ connector, other }];
  });
}

/** What to do, for whoever reads that two connectors share an account. */
export function adviceOnShared(connector: string, other: string): string {
  return `Give ${connector} credentials of its own. If one CRM is meant, let a route bring the sources of both to ${other}, and take ${connector} out.`;
}
