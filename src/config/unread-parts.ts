import type { ConnectorDefinition } from '../connector/contract.ts';
import { ConfigProblems, type Problem, type ProblemList } from './problems.ts';
import { exampleAt, isUrlAt } from './schema-walk.ts';
import type { Settings } from './settings.ts';
import { find, type MapNode } from './yaml-tree.ts';

/*
 * A command needs only the variables of what it reads. A problem with a value that comes from outside (a variable that is
 * not set, a secret's file that this user may not read) is therefore one of the part that has the value, and is told to
 * who reads that part. `start` and `check` read everything.
 */

/** Within the settings: `['operator']`, `['sources', 'acme', 'tokens']`, `['connectors', 'acme', 'options']`. */
type Part = readonly string[];

/** The parts that have problems, when all of these are with values from outside; else undefined. */
export function partsWith(
  problems: ProblemList,
  root: MapNode,
): { part: Part; paths: string[][]; problems: Problem[] }[] | undefined {
  const parts = new Map<string, { part: Part; paths: string[][]; problems: Problem[] }>();
  for (const problem of problems.all) {
    const path = (problems.pathOf(problem) ?? []).map(String);
    const { node } = find(root, path);
    // What is included decides what else there is.
    if (node?.kind !== 'scalar' || node.written === undefined || path[0] === 'include') return undefined;
    const part = partOf(path);
    const known = parts.get(JSON.stringify(part)) ?? { part, paths: [], problems: [] };
    parts.set(JSON.stringify(part), known);
    known.paths.push(path);
    known.problems.push(problem);
  }
  return [...parts.values()];
}

function partOf(path: readonly string[]): Part {
  const [group = '', name = '', key] = path;
  if (group === 'sources') return path.slice(0, 3);
  if (group !== 'connectors') return [group];
  return key === undefined || key === 'type' ? [group, name] : [group, name, 'options'];
}

/** The tree without these parts: what is there by default stands in their places. */
export function without(parts: readonly Part[], root: MapNode, defaults: MapNode): MapNode {
  const left: MapNode = { ...root, entries: new Map(root.entries) };
  for (const [group = '', name, key] of parts) {
    if (group === 'connectors') continue; // each is checked by itself
    const { node } = find(left, [group]);
    if (name === undefined || node?.kind !== 'map') {
      const usual = defaults.entries.get(group);
      if (usual) left.entries.set(group, usual);
      continue;
    }
    const entries = new Map(node.entries);
    const source = entries.get(name)?.node;
    if (key !== undefined && source?.kind === 'map') {
      const others = new Map([...source.entries].filter(([known]) => known !== key));
      entries.set(name, { key: source.place, node: { ...source, entries: others } });
    } else if (source) {
      entries.set(name, {
        key: source.place,
        node: { kind: 'map', place: source.place, entries: new Map() },
      });
    }
    left.entries.set(group, { key: node.place, node: { ...node, entries } });
  }
  return left;
}

/** What can be checked and drafted with, and leads nowhere: `preview` and `test` need no secrets of the CRMs. */
export function placeStandIns(
  parts: readonly { part: Part; paths: readonly (readonly string[])[] }[],
  root: MapNode,
  connectors: ReadonlyMap<string, Pick<ConnectorDefinition, 'options'>>,
): void {
  for (const { part, paths } of parts) {
    const options = part[0] === 'connectors' ? connectors.get(part[1] ?? '')?.options : undefined;
    for (const path of options ? paths : []) {
      const { node } = find(root, path);
      if (node?.kind !== 'scalar') continue;
      const example = options && exampleAt(options, path.slice(2));
      const usual = options && isUrlAt(options, path.slice(2)) ? 'https://not-set.invalid' : 'not-set';
      node.value = typeof example === 'string' ? example : usual;
      node.broken = false;
    }
  }
}

/**
 * Lets whoever reads one of these parts have its problems.
 * @param standIns those will do, where a connector takes them
 */
export function tellReaders(
  parts: readonly { part: Part; problems: readonly Problem[] }[],
  settings: Settings,
  standIns: boolean,
): void {
  for (const { part, problems } of parts) {
    const key = part.at(-1) ?? '';
    let holder = settings as unknown as Record<string, unknown>;
    for (const name of part.slice(0, -1)) holder = holder[name] as Record<string, unknown>;
    if (standIns && key === 'options' && holder[key] !== undefined) continue;
    Object.defineProperty(holder, key, {
      enumerable: true,
      configurable: true,
      get() {
        throw new ConfigProblems(problems);
      },
    });
  }
}
