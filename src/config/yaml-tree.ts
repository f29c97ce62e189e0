import type { Given } from './variables.ts';

/** YAML as a tree in which every key and value knows its place. */

export interface Place {
  /** Absolute. */
  file: string;
  line: number;
  column: number;
}

export interface MapNode {
  kind: 'map';
  place: Place;
  entries: Map<string, { key: Place; node: TreeNode }>;
}
export interface ListNode {
  kind: 'list';
  place: Place;
  items: TreeNode[];
}
export interface ScalarNode {
  kind: 'scalar';
  place: Place;
  value: string | number | boolean | null;
  /** What variables gave to it. */
  given: Given[];
  /** As in the YAML, when it has variables. */
  written?: string;
  /** A problem with it is known already; what follows from that is not told. */
  broken: boolean;
  /** Null is a value here. Elsewhere a key without a value is as if it were not there. */
  isNull?: boolean;
}
export type TreeNode = MapNode | ListNode | ScalarNode;

/** The YAML as data. */
export function plain(node: TreeNode): unknown {
  if (node.kind === 'list') return node.items.map(plain);
  if (node.kind === 'map')
    return Object.fromEntries([...node.entries].map(([name, entry]) => [name, plain(entry.node)]));
  // A variable that is set to nothing gives no value.
  if (node.written !== undefined && node.value === '') return undefined;
  return node.value === null && !node.isNull ? undefined : node.value;
}

export interface Found {
  /** Undefined: nothing is there. */
  node: TreeNode | undefined;
  /** Of the key; when nothing is there, of the nearest key above. */
  key: Place;
  /** Something on the way has a known problem. */
  broken: boolean;
}

export function find(root: TreeNode, path: readonly PropertyKey[]): Found {
  const found: Found = { node: root, key: root.place, broken: false };
  for (const part of path) {
    const node: TreeNode | undefined = found.node;
    if (node?.kind === 'map') {
      const entry = node.entries.get(String(part));
      found.node = entry?.node;
      if (entry) found.key = entry.key;
    } else if (node?.kind === 'list') {
      found.node = node.items[Number(part)];
      if (found.node) found.key = found.node.place;
    } else {
      found.node = undefined;
    }
    if (found.node?.kind === 'scalar' && found.node.broken) found.broken = true;
  }
  return found;
}

/** Every scalar with its path, in order. */
export function* scalars(
  node: TreeNode,
  path: readonly PropertyKey[] = [],
): Generator<{ scalar: ScalarNode; path: readonly PropertyKey[] }> {
  if (node.kind === 'scalar') yield { scalar: node, path };
  else if (node.kind === 'list')
    for (const [index, item] of node.items.entries()) yield* scalars(item, [...path, index]);
  else for (const [name, entry] of node.entries) yield* scalars(entry.node, [...path, name]);
}

/** A key without a value. */
export function isNothing(node: TreeNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** Of a list; nothing where there is none. */
export function items(root: TreeNode, path: readonly PropertyKey[]): TreeNode[] {
  const { node } = find(root, path);
  return node?.kind === 'list' ? node.items : [];
}

/** A text without a known problem. */
export function isText(node: TreeNode | undefined): node is ScalarNode & { value: string } {
  return node?.kind === 'scalar' && typeof node.value === 'string' && !node.broken;
}
