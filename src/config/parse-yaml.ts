import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  type ParsedNode,
  parseDocument,
} from 'yaml';
import type { ProblemList } from './problems.ts';
import { maskVariables, unmaskVariables } from './variables.ts';
import type { MapNode, Place, ScalarNode, TreeNode } from './yaml-tree.ts';

/*
 * From text to the tree. Aliases and merge keys are resolved by copying, so that each node has one place in the
 * configuration.
 */

/** Nobody writes this much by hand; a few lines of aliases can expand to billions. */
const mostCopies = 50_000;
const deepest = 60;

/** The tree of one file. Undefined when it is not YAML; a problem says why. */
export function parseTree(yaml: string, file: string, problems: ProblemList): MapNode | undefined {
  const lines = new LineCounter();
  const text = maskVariables(yaml.replace(/^\uFEFF/, ''));
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false, // they quote the text, which may hold a secret
      uniqueKeys: false, // checked below, where both places are known
      version: '1.2',
    });
    // Only the first: what follows it is mostly its consequence.
    const [error] = [...document.errors, ...document.warnings];
    if (error) {
      problems.add(placeAt(error.pos[0]), [], syntaxSentence(error.code, error.message));
      return undefined;
    }
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
      return { kind: 'map', place: { file, line: 1, column: 1 }, entries: new Map() };
    const root = new TreeBuilder(placeAt, problems).build(document.contents, [], 0);
    if (root.kind === 'map') return root;
    problems.add(root.place, [], 'the file must consist of settings, as in "listen: { port: 8080 }".');
  } catch (cause) {
    // A parser in recursion runs out of stack on hostile nesting.
    if (!(cause instanceof RangeError) && !(cause instanceof Unreadable)) throw cause;
    const [place, message] =
      cause instanceof Unreadable ? [cause.place, cause.message] : [placeAt(0), 'is nested too deeply.'];
    problems.add(place, [], message);
  }
  return undefined;
}

class Unreadable extends Error {
  readonly place: Place;
  constructor(place: Place, message: string) {
    super(message);
    this.place = place;
  }
}

class TreeBuilder {
  readonly #anchors = new Map<string, TreeNode | 'unfinished'>();
  readonly #placeAt: (offset: number) => Place;
  readonly #problems: ProblemList;
  #copies = 0;

  constructor(placeAt: (offset: number) => Place, problems: ProblemList) {
    this.#placeAt = placeAt;
    this.#problems = problems;
  }

  build(node: ParsedNode | null, path: readonly PropertyKey[], offset: number): TreeNode {
    const place = this.#placeAt(node?.range?.[0] ?? offset);
    if (path.length > deepest) throw new Unreadable(place, 'is nested too deeply.');
    if (isAlias(node)) return this.#copyOf(node.source, place);
    const anchor = node?.anchor;
    if (anchor) this.#anchors.set(anchor, 'unfinished');
    const built = this.#buildOwn(node, path, place);
    if (anchor) this.#anchors.set(anchor, built);
    return built;
  }

  #buildOwn(node: ParsedNode | null, path: readonly PropertyKey[], place: Place): TreeNode {
    if (isMap(node)) return this.#buildMap(node.items, path, place);
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.build(item, [...path, index], node.range[0]));
      return { kind: 'list', place, items };
    }
    return { kind: 'scalar', place, value: scalarValue(node), given: [], broken: false };
  }

  #buildMap(
    pairs: Pair<ParsedNode, ParsedNode | null>[],
    path: readonly PropertyKey[],
    place: Place,
  ): MapNode {
    const map: MapNode = { kind: 'map', place, entries: new Map() };
    const merged: { node: TreeNode; place: Place }[] = [];
    for (const { key, value } of pairs) {
      const at = this.#placeAt(key.range?.[0] ?? 0);
      if (isScalar(key) && key.value === '<<' && key.type === 'PLAIN') {
        merged.push({ node: this.build(value, [...path, '<<'], key.range[1]), place: at });
        continue;
      }
      const name =
        isScalar(key) && key.value !== null ? unmaskVariables(String(key.source ?? key.value)) : '';
      if (name === '' || name === '__proto__') {
        throw new Unreadable(at, 'this cannot be the name of a setting: write a word before the colon.');
      }
      const node = this.build(value, [...path, name], key.range[1]);
      const earlier = map.entries.get(name);
      if (earlier) {
        const message = `is here twice, the first time in line ${earlier.key.line}. Leave one of them out.`;
        this.#problems.add(at, [...path, name], message);
      } else {
        map.entries.set(name, { key: at, node });
      }
    }
    for (const merge of merged) this.#merge(map, merge.node, merge.place);
    return map;
  }

  /** What the map says itself wins over what is merged into it. */
  #merge(map: MapNode, from: TreeNode, place: Place): void {
    if (from.kind === 'list') {
      for (const item of from.items) this.#merge(map, item, place);
    } else if (from.kind === 'map') {
      for (const [name, entry] of from.entries) if (!map.entries.has(name)) map.entries.set(name, entry);
    } else {
      throw new Unreadable(place, '<< merges groups of settings: write <<: *name of an anchor on a group.');
    }
  }

  #copyOf(anchor: string, place: Place): TreeNode {
    const original = this.#anchors.get(anchor);
    if (original === undefined) throw new Unreadable(place, 'this alias has no anchor before it.');
    if (original === 'unfinished') throw new Unreadable(place, 'this alias stands inside its own anchor.');
    return this.#copy(original, place);
  }

  #copy(node: TreeNode, alias: Place): TreeNode {
    if (++this.#copies > mostCopies) throw new Unreadable(alias, 'the aliases multiply beyond measure.');
    if (node.kind === 'scalar') return { ...node };
    if (node.kind === 'list') return { ...node, items: node.items.map((item) => this.#copy(item, alias)) };
    const entries = [...node.entries].map(
      ([name, entry]) => [name, { key: entry.key, node: this.#copy(entry.node, alias) }] as const,
    );
    return { ...node, entries: new Map(entries) };
  }
}

function scalarValue(node: ParsedNode | null): ScalarNode['value'] {
  const value: unknown = isScalar(node) ? node.value : null;
  if (typeof value === 'string') return unmaskVariables(value);
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  return isScalar(node) && node.source !== undefined ? node.source : String(value);
}

/** By the parser's code, or the beginning of what it says; its own words may quote the text. */
const syntaxSentences: [said: string, sentence: string][] = [
  ['MULTIPLE_DOCS', 'a second document begins here. Leave out the "---", or use include.'],
  ['TAB_AS_INDENT', 'a tab cannot indent YAML. Use blanks.'],
  ['BLOCK_AS_IMPLICIT_KEY', 'there is a second "name: value" in this line. Put the value in quotes.'],
  ['BAD_SCALAR_START', 'a text cannot begin with this character. Put it in quotes.'],
  ['BAD_DQ_ESCAPE', 'there is no such \\ escape within " ". Use \' \', or write \\\\.'],
  ['TAG_RESOLVE_FAILED', 'tags (!word) mean nothing here. If it is text, put it in quotes.'],
  ['DUPLICATE_ANCHOR', 'this anchor is here twice.'],
  ['UNEXPECTED_TOKEN', 'this does not belong here. A quote, a comma or the indent before it may be wrong.'],
  ['Missing closing', 'a quote is not closed before this place.'],
  ['Implicit map keys need', 'a name needs a colon and a value after it.'],
  ['Implicit keys need to be on a single line', 'a name needs a colon and a value after it, in one line.'],
  ['Missing , ', 'a comma is missing before this.'],
  ['Flow map', 'a group that begins with { must end with }.'],
  ['Flow sequence', 'a list that begins with [ must end with ].'],
  ['All mapping items', 'this must begin in the same column as its neighbours.'],
  ['All sequence items', 'this must begin in the same column as its neighbours.'],
  ['Maximum call stack', 'is nested too deeply.'],
];

function syntaxSentence(code: string, message: string): string {
  const known = syntaxSentences.find(([said]) => said === code || message.startsWith(said));
  return known?.[1] ?? 'this is not YAML. A quote, a comma or the indent before it may be wrong.';
}
