import { glob } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { didYouMean } from '../text/did-you-mean.ts';
import { envFileOf, readEnvFile } from './env-file.ts';
import { parseTree } from './parse-yaml.ts';
import type { ProblemList } from './problems.ts';
import { readText } from './text-file.ts';
import { errorCode, fileReason, fillIn, type Surroundings } from './variables.ts';
import { parts } from './with-defaults.ts';
import { find, isNothing, items, type MapNode, scalars, type TreeNode } from './yaml-tree.ts';

export class FileReader {
  /** Absolute. */
  readonly files = new Set<string>();
  /** Those that have routes of their own, absolute. */
  readonly routed = new Set<string>();
  /** Some text that belongs to the configuration could not be read. */
  incomplete = false;
  readonly warnings: string[] = [];
  #env: Surroundings['env'];
  #envFile = '.env';
  readonly #problems: ProblemList;

  constructor(env: Surroundings['env'], problems: ProblemList) {
    this.#env = env;
    this.#problems = problems;
  }

  /** One file with its variables filled in. `advice` is for when it is not there. */
  async read(file: string, advice = ''): Promise<MapNode | undefined> {
    this.files.add(file);
    let text: string;
    try {
      text = await readText(file);
    } catch (cause) {
      const isThere = errorCode(cause) !== 'ENOENT';
      this.#problems.addFile(file, `cannot be read: ${fileReason(cause)}.${isThere ? '' : advice}`);
      this.incomplete = true;
      return undefined;
    }
    const tree = parseTree(text, file, this.#problems);
    if (tree) await this.#fillIn(tree, dirname(file));
    else this.incomplete = true;
    const routes = tree?.entries.get('routes');
    if (routes && !isNothing(routes.node)) this.routed.add(file);
    return tree;
  }

  /** The user's file with what it includes. */
  async readWithIncludes(file: string): Promise<MapNode | undefined> {
    await this.#readEnvFile(envFileOf(file));
    const main = await this.read(file, ' Copy config/example.yaml to it, or name another with --config.');
    if (!main) return undefined;
    for (const included of await this.#includedBy(main, file)) {
      const tree = await this.read(included);
      if (tree) this.#add(tree, main);
    }
    await this.#readTestFiles(main);
    return main;
  }

  async #readEnvFile(file: string): Promise<void> {
    this.files.add(file); // so that one which is made later is noticed, too
    const { variables, warning } = await readEnvFile(file, this.#problems);
    if (warning) this.warnings.push(warning);
    this.#env = { ...variables, ...this.#env };
    this.#envFile = this.#problems.shown(file);
  }

  /** Instead of the tests that are there, those of the files. */
  async replaceTests(main: MapNode, files: readonly string[]): Promise<void> {
    const items: TreeNode[] = [];
    for (const file of files) items.push(...(await this.#testsOf(file)));
    const place = items[0]?.place ?? main.place;
    main.entries.set('tests', { key: place, node: { kind: 'list', place, items } });
  }

  /** A test that is a text names files of tests: they take its place. */
  async #readTestFiles(main: MapNode): Promise<void> {
    const { node } = find(main, ['tests']);
    if (node?.kind !== 'list') return;
    const items: TreeNode[] = [];
    for (const [index, item] of node.items.entries()) {
      if (item.kind !== 'scalar' || typeof item.value !== 'string' || item.value === '') {
        items.push(item);
        continue;
      }
      if (item.broken) continue;
      const found = await filesMatching(item.value, dirname(item.place.file));
      if (found.length === 0) {
        const message = `no file matches "${item.written ?? item.value}". The pattern is relative to this file.`;
        this.#problems.add(item.place, ['tests', index], message);
      }
      for (const file of found) items.push(...(await this.#testsOf(file)));
    }
    node.items = items;
  }

  async #testsOf(file: string): Promise<TreeNode[]> {
    const tree = await this.read(file);
    const items: TreeNode[] = [];
    for (const [name, { key, node }] of tree?.entries ?? []) {
      if (name === 'tests' && node.kind === 'list') items.push(...node.items);
      else if (name !== 'tests')
        this.#problems.add(key, [name], 'a file of tests holds tests only, in a list under "tests:".');
      else if (!isNothing(node))
        this.#problems.add(node.place, ['tests'], 'must be a list: write it in [ ].');
    }
    return items;
  }

  async #fillIn(tree: MapNode, folder: string): Promise<void> {
    const surroundings: Surroundings = {
      env: this.#env,
      folder,
      envFile: this.#envFile,
      reads: (file) => this.files.add(file),
    };
    for (const { scalar, path } of scalars(tree)) {
      if (typeof scalar.value !== 'string' || !scalar.value.includes('${')) continue;
      const { text, given, problems } = await fillIn(scalar.value, surroundings);
      scalar.written = scalar.value;
      scalar.value = text;
      scalar.given = given;
      scalar.broken = problems.length > 0;
      for (const problem of problems) this.#problems.add(scalar.place, path, problem);
    }
  }

  async #includedBy(main: MapNode, file: string): Promise<string[]> {
    const { node } = find(main, ['include']);
    const included = new Set<string>();
    if (node?.kind !== 'list') return []; // the schema tells what else it must be
    for (const [index, item] of node.items.entries()) {
      if (item.kind !== 'scalar' || typeof item.value !== 'string' || item.value === '' || item.broken)
        continue;
      const found = await filesMatching(item.value, dirname(file));
      if (found.length === 0) {
        this.incomplete = true;
        const message = `no file matches "${item.written ?? item.value}". The pattern is relative to this file.`;
        this.#problems.add(item.place, ['include', index], message);
      }
      for (const match of found) if (match !== file) included.add(match);
    }
    return [...included];
  }

  #add(tree: MapNode, main: MapNode): void {
    this.#confineRoutes(tree, items(main, ['routes']).length);
    for (const [name, { key, node }] of tree.entries) {
      if (name === 'routes' || name === 'tests') this.#addListed(name, node, key, main);
      else if (name === 'sources' || name === 'connectors') this.#addNamed(name, node, key, main);
      else {
        const instead = didYouMean(name, parts) || ' Move it to the main file.';
        const message = `an included file holds sources, connectors, routes and tests only.${instead}`;
        this.#problems.add(key, [name], message);
      }
    }
  }

  /** A route that names no source takes those of its file: one client's file never reaches for the calls of another. */
  #confineRoutes(tree: MapNode, before: number): void {
    const { node } = find(tree, ['sources']);
    const names = node?.kind === 'map' ? [...node.entries.keys()] : [];
    for (const [index, route] of items(tree, ['routes']).entries()) {
      const given = route.kind === 'map' ? route.entries.get('source') : undefined;
      if (route.kind !== 'map' || (given && !isNothing(given.node))) continue;
      const { place } = route;
      const text = { kind: 'scalar' as const, place, given: [], broken: false };
      if (names.length === 0) {
        const message =
          'names no source, and its file has none. Write source: and a name, or move it to the main file, where it takes every source.';
        this.#problems.add(place, ['routes', before + index], message);
        route.entries.set('source', { key: place, node: { ...text, value: '', broken: true } });
        continue;
      }
      route.entries.set('source', {
        key: place,
        node: { kind: 'list', place, items: names.map((value) => ({ ...text, value })) },
      });
    }
  }

  #addListed(part: 'routes' | 'tests', node: TreeNode, key: MapNode['place'], main: MapNode): void {
    if (isNothing(node)) return;
    const known = main.entries.get(part);
    if (!known || isNothing(known.node)) main.entries.set(part, { key, node });
    else if (node.kind === 'list' && known.node.kind === 'list') known.node.items.push(...node.items);
    else if (node.kind !== 'list') this.#problems.add(node.place, [part], 'must be a list: write it in [ ].');
  }

  #addNamed(part: 'sources' | 'connectors', node: TreeNode, key: MapNode['place'], main: MapNode): void {
    if (isNothing(node)) return;
    const known = main.entries.get(part);
    if (!known || isNothing(known.node)) {
      main.entries.set(part, { key, node });
      return;
    }
    if (node.kind !== 'map')
      this.#problems.add(node.place, [part], `must be a group of ${part}, a name and a colon each.`);
    if (node.kind !== 'map' || known.node.kind !== 'map') return;
    for (const [name, entry] of node.entries) {
      const earlier = known.node.entries.get(name)?.key;
      if (earlier) {
        const place = `${this.#problems.shown(earlier.file)}:${earlier.line}:${earlier.column}`;
        this.#problems.add(entry.key, [part, name], `is in ${place} already. Give one of them another name.`);
      } else known.node.entries.set(name, entry);
    }
  }
}

async function filesMatching(pattern: string, folder: string): Promise<string[]> {
  const matches: string[] = [];
  for await (const entry of glob(pattern, { cwd: folder, withFileTypes: true }))
    if (!entry.isDirectory()) matches.push(resolve(entry.parentPath, entry.name));
  return matches.sort();
}
