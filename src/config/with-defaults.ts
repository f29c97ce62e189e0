import { isNothing, type ListNode, type MapNode } from './yaml-tree.ts';

/** What included files may hold, and what a user's file replaces rather than adds to. */
export const parts = ['sources', 'connectors', 'routes', 'tests'] as const;

/**
 * The user's settings over the built-in ones, key by key. Sources, connectors, routes and tests are each taken whole;
 * once a user names sources or connectors, the built-in route and test have nothing left to say.
 */
export function withDefaults(defaults: MapNode, user: MapNode): MapNode {
  const merged = merge(defaults, user);
  const gives = (name: string) => {
    const entry = user.entries.get(name);
    return entry !== undefined && !isNothing(entry.node);
  };
  for (const part of parts) if (gives(part)) merged.entries.set(part, user.entries.get(part)!);
  if (gives('sources') || gives('connectors')) {
    for (const part of ['routes', 'tests'])
      if (!gives(part)) merged.entries.set(part, nothingListed(merged.place));
  }
  return merged;
}

function merge(defaults: MapNode, user: MapNode): MapNode {
  const entries = new Map(defaults.entries);
  for (const [name, entry] of user.entries) {
    const known = entries.get(name);
    if (known?.node.kind === 'map' && entry.node.kind === 'map')
      entries.set(name, { key: entry.key, node: merge(known.node, entry.node) });
    // A key without a value is as if it were not there; an unknown one stays, to be told of.
    else if (!known || !isNothing(entry.node)) entries.set(name, entry);
  }
  return { kind: 'map', place: user.place, entries };
}

function nothingListed(place: MapNode['place']): { key: MapNode['place']; node: ListNode } {
  return { key: place, node: { kind: 'list', place, items: [] } };
}
