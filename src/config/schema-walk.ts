import type * as z from 'zod';
import type { Given } from './variables.ts';
import type { Place, ScalarNode, TreeNode } from './yaml-tree.ts';

/*
 * What a Zod schema says about the places of a YAML tree: which of them are numbers, which are secrets, which keys
 * exist. A connector's schema may come from its own copy of Zod, so nothing here asks for `instanceof`.
 */

export type Schema = z.core.$ZodType;

/** The schema without wrappers, and each member of a union by itself. */
function alternatives(schema: Schema): z.core.$ZodTypes[] {
  const known = unwrapped.get(schema) ?? unwrap(schema, new Set());
  unwrapped.set(schema, known);
  return known;
}

/** Each source has the same. */
const unwrapped = new WeakMap<Schema, z.core.$ZodTypes[]>();

function unwrap(schema: Schema, seen: Set<Schema>): z.core.$ZodTypes[] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  const typed = schema as z.core.$ZodTypes;
  const { def } = typed._zod;
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
    case 'success':
      return unwrap(def.innerType, seen);
    case 'pipe':
      // What is read from YAML is the input; z.preprocess has only a function there.
      return unwrap((def.in as z.core.$ZodTypes)._zod.def.type === 'transform' ? def.out : def.in, seen);
    case 'lazy':
      return unwrap(def.getter(), seen);
    case 'union':
      return def.options.flatMap((option) => unwrap(option, seen));
    case 'intersection':
      return [...unwrap(def.left, seen), ...unwrap(def.right, seen)];
    default:
      return [typed];
  }
}

/** What may stand at a key of any of these. */
export function below(schemas: readonly Schema[], key: PropertyKey): Schema[] {
  return schemas
    .flatMap((schema) => alternatives(schema))
    .flatMap((schema): Schema[] => {
      const { def } = schema._zod;
      if (def.type === 'object') {
        if (Object.hasOwn(def.shape, key)) return [def.shape[String(key)]!];
        return def.catchall ? [def.catchall] : [];
      }
      if (def.type === 'record') return [def.valueType];
      if (def.type === 'array') return [def.element];
      if (def.type === 'tuple') return [def.items[Number(key)] ?? def.rest ?? []].flat();
      return [];
    });
}

function at(schema: Schema, path: readonly PropertyKey[]): Schema[] {
  return path.reduce<Schema[]>(below, [schema]);
}

/** Whether a URL stands there. */
export function isUrlAt(schema: Schema, path: readonly PropertyKey[]): boolean {
  return at(schema, path)
    .flatMap((candidate) => alternatives(candidate))
    .some(({ _zod: { def } }) => def.type === 'string' && 'format' in def && def.format === 'url');
}

/** What may stand there, if the schema says: `.meta({ examples: […] })`. */
export function exampleAt(schema: Schema, path: readonly PropertyKey[]): unknown {
  return at(schema, path)
    .flatMap((candidate) => (candidate as z.ZodType).meta()?.['examples'] ?? [])
    .at(0);
}

/** Settings below a node that have moved: where each stands, and what is to be written instead. */
export function movedBelow(
  schemas: readonly Schema[],
  node: TreeNode,
  path: readonly PropertyKey[] = [],
): { path: readonly PropertyKey[]; to: string }[] {
  if (node.kind !== 'map') return [];
  return [...node.entries].flatMap(([name, entry]) => {
    const here = below(schemas, name);
    const to = here.map((schema) => (schema as z.ZodType).meta()?.['movedTo']).find(Boolean);
    const at = [...path, name];
    return to === undefined ? movedBelow(here, entry.node, at) : [{ path: at, to: String(to) }];
  });
}

/** The keys that a place may have. */
export function keysAt(schema: Schema, path: readonly PropertyKey[]): string[] {
  return at(schema, path)
    .flatMap((candidate) => alternatives(candidate))
    .flatMap(({ _zod: { def } }) => (def.type === 'object' ? Object.keys(def.shape) : []));
}

export function descriptionAt(schema: Schema, path: readonly PropertyKey[]): string | undefined {
  return at(schema, path)
    .map(describe)
    .find((description) => description !== undefined);
}

/** The description may be on a wrapper or within it. */
function describe(schema: Schema): string | undefined {
  const { description } = schema as z.ZodType;
  if (description !== undefined) return description;
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if ('innerType' in def) return describe(def.innerType);
  return def.type === 'pipe' ? describe(def.in) : undefined;
}

/** Every setting of a schema: `listen.port`, `sources.*.tokens`. */
export function settingPaths(schema: Schema, path = ''): string[] {
  const own = alternatives(schema).flatMap((candidate) => {
    const { def } = candidate._zod;
    if (def.type === 'object')
      return Object.entries(def.shape).flatMap(([key, inner]) =>
        settingPaths(inner, path ? `${path}.${key}` : key),
      );
    if (def.type === 'record') return settingPaths(def.valueType, `${path}.*`);
    if (def.type === 'array')
      return settingPaths(def.element, `${path}[]`).filter((inner) => inner !== `${path}[]`);
    return [];
  });
  return own.length > 0 ? [...new Set(own)] : [path];
}

/** What must not be shown, and where a secret stands in the YAML itself. */
export interface Secrets {
  values: Given[];
  plainly: Place[];
}

/**
 * Text that came from a variable or stands in quotes becomes a number or boolean where nothing else will do, so that
 * `port: ${PORT}` works, and a password `true` stays a password; one of a few known words has their letter case (`Mon`). Adds to the secrets what secret settings hold, and what came
 * from outside to a place where any text may be.
 */
export function readTexts(schemas: readonly Schema[], node: TreeNode, secrets: Secrets): void {
  eachScalar(schemas, node, (scalar, candidates, raw) => {
    scalar.isNull = scalar.value === null && raw.some(takesNull);
    if (typeof scalar.value === 'string' && scalar.value.trim() !== '')
      scalar.value = asNeeded(scalar.value.trim(), candidates) ?? scalar.value;
    addSecrets(scalar, candidates, secrets);
  });
}

function addSecrets(
  scalar: ScalarNode,
  candidates: readonly z.core.$ZodTypes[],
  { values, plainly }: Secrets,
): void {
  const { value, given, written, place } = scalar;
  if (!isHarmless(scalar, candidates)) values.push(...given.filter((one) => one.value !== ''));
  if (value === null || value === '' || !candidates.some(isSecret)) return;
  values.push({ written: written ?? '[secret]', value: String(value) });
  if (written === undefined && typeof value === 'string') plainly.push(place);
}

function takesNull(schema: Schema): boolean {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (['nullable', 'null', 'any', 'unknown'].includes(def.type)) return true;
  if (def.type === 'union') return def.options.some(takesNull);
  if ('innerType' in def) return takesNull(def.innerType);
  return def.type === 'pipe' && takesNull(def.in);
}

function asNeeded(
  text: string,
  candidates: readonly z.core.$ZodTypes[],
): string | number | boolean | undefined {
  const defs = candidates.map(({ _zod: { def } }) => def).filter(({ type }) => type !== 'undefined');
  const words = defs.flatMap((def): unknown[] =>
    def.type === 'literal' ? def.values : def.type === 'enum' ? Object.values(def.entries) : [],
  );
  const others = new Set(
    defs.map(({ type }) => type).filter((type) => type !== 'literal' && type !== 'enum'),
  );
  if (words.includes(text) || [...others].some((type) => type !== 'number' && type !== 'boolean'))
    return undefined;
  const alike = words.filter((word) => String(word).toLowerCase() === text.toLowerCase());
  if (alike.length === 1 && typeof alike[0] === 'string') return alike[0];
  const isBoolean = text === 'true' || text === 'false';
  if (isBoolean && (others.has('boolean') || words.includes(text === 'true'))) return text === 'true';
  const isNumber = /^-?\d+(\.\d+)?$/.test(text);
  return isNumber && (others.has('number') || words.includes(Number(text))) ? Number(text) : undefined;
}

/** A number, a boolean, one of a few known words, or a plain URL: logs would be hard to read without these. */
function isHarmless({ value }: ScalarNode, candidates: readonly z.core.$ZodTypes[]): boolean {
  if (typeof value !== 'string') return true;
  return candidates.some(({ _zod: { def } }) => {
    if (def.type === 'enum') return Object.values(def.entries).includes(value);
    return (
      def.type === 'string' &&
      'format' in def &&
      def.format === 'url' &&
      /^https?:\/\/[\w.:-]+\/?$/.test(value)
    );
  });
}

function isSecret(schema: z.core.$ZodTypes): boolean {
  const { meta } = schema as { meta?: z.ZodType['meta'] };
  return meta?.()?.['writeOnly'] === true;
}

export function eachScalar(
  schemas: readonly Schema[],
  node: TreeNode,
  visit: (
    scalar: ScalarNode,
    candidates: readonly z.core.$ZodTypes[],
    schemas: readonly Schema[],
    path: readonly PropertyKey[],
  ) => void,
  path: readonly PropertyKey[] = [],
): void {
  if (node.kind === 'scalar') {
    visit(
      node,
      schemas.flatMap((schema) => alternatives(schema)),
      schemas,
      path,
    );
  } else if (node.kind === 'list') {
    for (const [index, item] of node.items.entries())
      eachScalar(below(schemas, index), item, visit, [...path, index]);
  } else {
    for (const [name, entry] of node.entries)
      eachScalar(below(schemas, name), entry.node, visit, [...path, name]);
  }
}
