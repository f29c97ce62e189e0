import type { ProblemList } from './problems.ts';
import { find, isNothing, isText, items, type MapNode, type Place } from './yaml-tree.ts';

/*
 * Where calls go that no route speaks of. A file is a unit, such as a client's: unless it has routes of its own, its
 * sources go to its connectors, and to no others. What would bring several sources together in one connector is never
 * implied: two clients may stand in one file.
 */

/** What a file without routes implies: each of the sources goes to each of the connectors. */
export interface ImpliedRoute {
  /** Absolute. */
  file: string;
  sources: string[];
  to: string[];
}

/** A file, and what stands in it. The built-in source and connector count as those of the main file. */
interface Unit {
  file: string;
  sources: Map<string, Place>;
  connectors: Map<string, Place>;
}

/**
 * A route that leads a source to a connector says all of how they belong together, in whichever file it stands: such as
 * under which condition. So nothing is implied of those two.
 */
export class Feeds {
  readonly implied: readonly ImpliedRoute[];
  readonly #units: readonly Unit[];
  readonly #root: MapNode;
  readonly #files: ReadonlySet<string>;
  /** By connector, what routes say: `every` where one takes every source. */
  readonly #routed = new Map<string, Set<string> | 'every'>();
  /** Connectors of routes whose source cannot be told: a problem says so already. */
  readonly #unsure = new Set<string>();
  /** By connector. */
  readonly #implied = new Map<string, string[]>();

  /** @param routed the files that have routes of their own, absolute */
  constructor(root: MapNode, routed: ReadonlySet<string>, defaultFile: string) {
    this.#root = root;
    this.#files = routed;
    this.#readRoutes();
    this.#units = unitsOf(root, defaultFile);
    this.implied = this.#units.filter(({ file }) => !routed.has(file)).flatMap((unit) => this.#imply(unit));
    for (const { sources, to } of this.implied)
      for (const connector of to)
        this.#implied.set(connector, [...(this.#implied.get(connector) ?? []), ...sources]);
  }

  /** The sources whose calls may reach a connector, conditions left aside, in the order of the configuration. */
  sourcesOf(connector: string): string[] {
    const routed = this.#routed.get(connector);
    const sources = entriesOf(this.#root, 'sources');
    if (routed === 'every') return [...sources.keys()];
    const implied = this.#implied.get(connector) ?? [];
    if (!routed) return implied;
    const fed = new Set([...routed, ...implied]);
    return [...sources.keys()].filter((source) => fed.has(source));
  }

  /** Whether the file of a connector implies several sources for it. */
  isShared(connector: string): boolean {
    return (this.#implied.get(connector)?.length ?? 0) > 1;
  }

  /** Each file that brings several sources together without saying so. */
  checkShared(problems: ProblemList): void {
    for (const { file, sources: own, connectors } of this.#units) {
      const shared = [...connectors.keys()].filter((connector) => this.isShared(connector));
      const sources = [...new Set(shared.flatMap((connector) => this.#implied.get(connector)!))];
      const [, second] = sources;
      if (second === undefined) continue;
      problems.add(
        own.get(second)!,
        ['sources', second],
        `${listed(shared)} would get the calls of ${listed(sources)}, as no route says whose. ${this.#advice(file, sources, shared)}`,
      );
    }
  }

  #advice(file: string, sources: readonly string[], connectors: readonly string[]): string {
    const main = this.#units[0]?.file;
    // Without a source it takes all of an included file, and in the main file all that there are.
    const isWhole =
      sources.length > mostListed &&
      (file !== main || sources.length === entriesOf(this.#root, 'sources').size);
    const of = isWhole ? '' : `source: [${sources.join(', ')}], `;
    const route = `routes: [{ ${of}to: [${connectors.join(', ')}] }]`;
    return connectors.length === 1
      ? `If that is meant, add to this file: ${route}`
      : `Write a route for each source, as in routes: [{ source: ${sources[0]}, to: [${connectors[0]}] }]; ` +
          `or, if all of it is meant, ${route}`;
  }

  /** What is odd, but may be meant: a route that is still to come, a connector that rests. In the order of the files. */
  oddities(problems: ProblemList): string[] {
    const fed = new Set(this.implied.flatMap(({ sources }) => sources));
    const everyFed = [...this.#routed.values()].includes('every');
    for (const sources of this.#routed.values())
      if (sources !== 'every') for (const one of sources) fed.add(one);
    const at = ({ file, line, column }: Place) => `${problems.shown(file)}:${line}:${column}`;
    return this.#units.flatMap(({ file, sources, connectors }) => {
      const isImplying = !this.#files.has(file);
      const alone = (others: number, what: string) =>
        isImplying && others === 0 ? ` Its file has neither routes nor ${what}: add` : ' Add';
      return [
        ...[...connectors].flatMap(([name, place]) =>
          this.#routed.has(name) || this.#implied.has(name)
            ? []
            : `${at(place)}  connectors.${name}: no route leads to it, so it will get no calls.` +
              `${alone(sources.size, 'sources')} one, as in routes: [{ source: ${this.#example('sources')}, to: [${name}] }].`,
        ),
        ...[...sources].flatMap(([name, place]) =>
          everyFed || fed.has(name)
            ? []
            : `${at(place)}  sources.${name}: no route takes its calls; they are kept and shown as unrouted.` +
              `${alone(connectors.size, 'connectors')} one, as in routes: [{ source: ${name}, to: [${this.#example('connectors')}] }].`,
        ),
      ];
    });
  }

  /** A name to write; where there are several, nobody but the reader knows which. */
  #example(part: 'sources' | 'connectors'): string {
    const names = [...entriesOf(this.#root, part).keys()];
    return names.length === 1 ? names[0]! : '…';
  }

  #readRoutes(): void {
    for (const route of items(this.#root, ['routes'])) {
      const { node } = find(route, ['source']);
      const given = node !== undefined && !isNothing(node);
      const named = !given ? [] : node.kind === 'list' ? node.items : [node];
      for (const item of items(route, ['to'])) {
        if (!isText(item)) continue;
        if (named.some((one) => !isText(one))) this.#unsure.add(item.value);
        const known = this.#routed.get(item.value);
        if (!given) this.#routed.set(item.value, 'every');
        if (!given || known === 'every') continue;
        const sources = known ?? new Set();
        for (const one of named) if (isText(one)) sources.add(one.value);
        this.#routed.set(item.value, sources);
      }
    }
  }

  #imply({ file, sources, connectors }: Unit): ImpliedRoute[] {
    const byTarget = new Map<string, ImpliedRoute>();
    for (const source of sources.keys()) {
      const to = [...connectors.keys()].filter((connector) => {
        if (this.#unsure.has(connector)) return false;
        const routed = this.#routed.get(connector);
        return routed === undefined || (routed !== 'every' && !routed.has(source));
      });
      if (to.length === 0) continue;
      const known = byTarget.get(to.join());
      if (known) known.sources.push(source);
      else byTarget.set(to.join(), { file, sources: [source], to });
    }
    return [...byTarget.values()];
  }
}

function unitsOf(root: MapNode, defaultFile: string): Unit[] {
  const main = root.place.file;
  const units = new Map<string, Unit>();
  const unitOf = (file: string) => {
    const name = file === defaultFile ? main : file;
    const unit = units.get(name) ?? { file: name, sources: new Map(), connectors: new Map() };
    units.set(name, unit);
    return unit;
  };
  unitOf(main);
  for (const part of ['sources', 'connectors'] as const)
    for (const [name, { key }] of entriesOf(root, part)) unitOf(key.file)[part].set(name, key);
  return [...units.values()];
}

function entriesOf(root: MapNode, part: 'sources' | 'connectors'): MapNode['entries'] {
  const { node } = find(root, [part]);
  return node?.kind === 'map' ? node.entries : new Map();
}

/** More would not be read. */
const mostListed = 5;

function listed(names: readonly string[]): string {
  if (names.length === 1) return names[0]!;
  if (names.length <= mostListed) return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return `${names.slice(0, mostListed).join(', ')} and ${names.length - mostListed} others`;
}
