import { lstat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as z from 'zod';
import type { ConnectorDefinition } from '../connector/contract.ts';
import { isLoopback } from '../connector/options.ts';
import { loadConnector, NoConnector } from '../connector/registry.ts';
import { ownCommand } from '../text/own-command.ts';
import { checkForm } from './check-form.ts';
import { checkNames } from './check-names.ts';
import { hideSecrets } from './hide-secrets.ts';
import { Feeds } from './implied-routes.ts';
import { ConfigProblems, ProblemList, pathText } from './problems.ts';
import { FileReader } from './read-files.ts';
import { readTests } from './read-tests.ts';
import { below, eachScalar, movedBelow, readTexts, type Schema, type Secrets } from './schema-walk.ts';
import { type ConnectorSettings, type Settings, settingsSchema } from './settings.ts';
import { adviceOnShared, sharedAccounts } from './shared-accounts.ts';
import { partsWith, placeStandIns, tellReaders, without } from './unread-parts.ts';
import { errorCode } from './variables.ts';
import { withDefaults } from './with-defaults.ts';
import { find, isNothing, type MapNode, type Place, plain, type TreeNode } from './yaml-tree.ts';

export interface Config {
  settings: Settings;
  /** What is odd but may be meant. */
  warnings: string[];
  /** The user's file, as people should see it. Undefined: there is none, and the built-in settings are in force. */
  file: string | undefined;
  /** Every file that was read, absolute: those that `include` and `${file:…}` name too. */
  files: string[];
  /** Every value that must not be logged: what variables and files gave, and what a secret setting holds. */
  secrets: string[];
  /** Where a setting stands, as `config/bridge.yaml:14:20`; where it is not written, the nearest above it. */
  placeOf(path: readonly PropertyKey[]): string;
}

/** Where the user's file is when nobody says otherwise. Without it the bridge runs on its built-in settings. */
export const usualFile = 'config/bridge.yaml';

const defaultFile = resolve(fileURLToPath(new URL('../../config/default.yaml', import.meta.url)));

/** @throws ConfigProblems */
export async function loadConfig(
  path: string | undefined,
  options: {
    env: Readonly<Record<string, string | undefined>>;
    cwd?: string;
    /** For a command: what is wrong with a value from outside is told to who reads it, and not before. */
    asRead?: boolean;
    /** With `asRead`, of a command that asks no CRM: in place of such values in connectors stands what asks none either. */
    standIns?: boolean;
    /** Files of tests, instead of those that the configuration has. */
    testFiles?: readonly string[];
  },
): Promise<Config> {
  const cwd = resolve(options.cwd ?? process.cwd());
  const problems = new ProblemList(cwd);
  const reader = new FileReader(options.env, problems);

  const file = resolve(cwd, path ?? usualFile);
  const isThere = file !== resolve(cwd, usualFile) || (await exists(file));
  const defaults = await reader.read(defaultFile);
  const root = await readAll(reader, defaults, isThere ? file : undefined);
  if (root && options.testFiles) {
    await reader.replaceTests(
      root,
      options.testFiles.map((file) => resolve(cwd, file)),
    );
  }
  await pushesFirst();
  const connectors = root ? await findConnectors(root, problems) : new Map<string, ConnectorDefinition>();
  const { values: secrets, plainly } = readValues(root, connectors);
  await pushesFirst();
  const feeds = root && new Feeds(root, reader.routed, defaultFile);
  let settings = root && feeds && (await check(root, feeds, connectors, problems));
  hideSecrets(problems.all, secrets);
  if (root && problems.all.length > 0 && options.asRead) {
    const parts = partsWith(problems, root);
    const rest =
      parts &&
      without(
        parts.map(({ part }) => part),
        root,
        defaults as MapNode,
      );
    if (parts && options.standIns) placeStandIns(parts, root, connectors);
    settings = rest && feeds && (await check(rest, feeds, connectors, new ProblemList(cwd)));
    if (parts && settings) {
      tellReaders(parts, settings, options.standIns ?? false);
      problems.all.length = 0;
    }
  }
  // Who feeds whom is not known before the routes are mended.
  const isRouted = !problems.all.some((problem) => problems.pathOf(problem)?.[0] === 'routes');
  const warnings = [
    ...(feeds && isRouted ? feeds.oddities(problems) : []),
    ...(settings && root && isRouted && !options.standIns ? inOneAccount(settings, root, problems) : []),
    ...(root ? withoutOwnToken(root, problems) : []),
    ...(root ? atOldPlaces(root, connectors, problems) : []),
    ...(root ? oddExpressions(settings, root, connectors, problems) : []),
    ...plainlyWritten(plainly, problems),
    ...reader.warnings,
  ];
  if (!root || !feeds || problems.all.length > 0 || !settings)
    throw new ConfigProblems(problems.all, { files: [...reader.files], warnings });
  return {
    settings,
    warnings,
    file: isThere ? problems.shown(file) : undefined,
    files: [...reader.files],
    secrets: [...new Set(secrets.map(({ value }) => value))],
    placeOf: (at) => placeOf(root, at, problems),
  };
}

/** Of ten thousand sources each step takes a good part of a second, and a bridge that reads them again has pushes to answer. */
function pushesFirst(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Undefined when some text could not be read: half of what else could be said would be false then. */
async function readAll(
  reader: FileReader,
  defaults: MapNode | undefined,
  file: string | undefined,
): Promise<MapNode | undefined> {
  if (file === undefined) return defaults;
  const user = await reader.readWithIncludes(file);
  return defaults && user && !reader.incomplete ? withDefaults(defaults, user) : undefined;
}

/** A broken link or a folder is there, and wrong: only a user without any file means the built-in settings. */
async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    (cause) => errorCode(cause) !== 'ENOENT',
  );
}

/** The definition of each connector whose type leads to one. */
async function findConnectors(
  root: MapNode,
  problems: ProblemList,
): Promise<Map<string, ConnectorDefinition>> {
  const definitions = new Map<string, ConnectorDefinition>();
  for (const [name, entry] of entriesOf(root, 'connectors')) {
    const type = find(entry.node, ['type']).node;
    if (type?.kind !== 'scalar' || typeof type.value !== 'string' || type.value === '' || type.broken)
      continue;
    try {
      definitions.set(name, await loadConnector(type.value, dirname(type.place.file)));
    } catch (cause) {
      if (!(cause instanceof NoConnector)) throw cause;
      problems.add(type.place, ['connectors', name, 'type'], cause.message);
    }
  }
  return definitions;
}

/** Gives texts the type that their place asks for, and says what must not be shown. */
function readValues(
  root: MapNode | undefined,
  connectors: ReadonlyMap<string, ConnectorDefinition>,
): Secrets {
  const secrets: Secrets = { values: [], plainly: [] };
  if (!root) return secrets;
  for (const [name, entry] of root.entries)
    if (name !== 'connectors') readTexts(below([settingsSchema], name), entry.node, secrets);
  for (const [name, entry] of entriesOf(root, 'connectors')) {
    const options = connectors.get(name)?.options;
    readTexts(options ? [options] : [], options ? withoutType(entry.node) : entry.node, secrets);
  }
  return secrets;
}

/** Of a file that has many, more would not be read. */
const mostLines = 20;

/** Nothing is open by it, and yet whoever lets others in should have said who. */
function withoutOwnToken(root: MapNode, problems: ProblemList): string[] {
  const given = (path: string[]) => {
    const { node } = find(root, path);
    return node?.kind === 'list' ? node.items[0] : node && !isNothing(node) ? node : undefined;
  };
  const host = given(['listen', 'host']);
  const isElsewhere = host?.kind === 'scalar' && !isLoopback(String(host.value));
  const reached = [
    given(['listen', 'publicUrl']) && ['listen', 'publicUrl'],
    given(['listen', 'trustedProxies']) && ['listen', 'trustedProxies'],
    isElsewhere && ['listen', 'host'],
  ].find((path) => path !== undefined && path !== false);
  const token = given(['operator', 'token']);
  if (!reached || (token?.kind === 'scalar' && token.value !== '')) return [];
  return [
    `${placeOf(root, reached, problems)}  ${reached.join('.')}: the bridge is reached from elsewhere, and operator.token is not set. It makes one and keeps it in the store: sign in with \`${ownCommand('link')}\`, or set one, which Prometheus and scripts need.`,
  ];
}

/** Connectors of different clients that log in to one account. */
function inOneAccount(settings: Settings, root: MapNode, problems: ProblemList): string[] {
  const accounts = Object.keys(settings.connectors).map(
    (name) => [name, accountOf(settings.connectors[name]!)] as const,
  );
  return sharedAccounts(settings, accounts).map(
    ({ connector, other }) =>
      `${placeOf(root, ['connectors', connector], problems)}  connectors.${connector}: it logs in to the account of connectors.${other} (${placeOf(root, ['connectors', other], problems)}), so calls of different sources meet in one CRM. ${adviceOnShared(connector, other)}`,
  );
}

/** As far as its settings tell: what has problems, or a connector from elsewhere that trips, tells nothing. */
export function accountOf(settings: ConnectorSettings): string | undefined {
  const options: unknown = Object.getOwnPropertyDescriptor(settings, 'options')?.value;
  if (options === undefined) return undefined;
  try {
    return settings.definition.account?.(options);
  } catch {
    return undefined;
  }
}

/** What a connector's settings were called before is read for now, and whoever wrote it so should know. */
function atOldPlaces(
  root: MapNode,
  connectors: ReadonlyMap<string, ConnectorDefinition>,
  problems: ProblemList,
): string[] {
  return [...connectors].flatMap(([name, { options }]) =>
    movedBelow([options], find(root, ['connectors', name]).node as TreeNode).map(({ path, to }) => {
      const full = ['connectors', name, ...path];
      const wanted = pathText(['connectors', name, to]);
      return `${placeOf(root, full, problems)}  ${pathText(full)}: it has moved, and is read here for now. Write ${wanted} instead.`;
    }),
  );
}

/** Templates and conditions that are odd, but may be meant, wherever a connector or a route has them. */
function oddExpressions(
  settings: Settings | undefined,
  root: MapNode,
  connectors: ReadonlyMap<string, ConnectorDefinition>,
  problems: ProblemList,
): string[] {
  const told: string[] = [];
  const look = (value: unknown, path: readonly PropertyKey[]) => {
    if (typeof value !== 'object' || value === null) return;
    const { text, odd } = value as { text?: unknown; odd?: unknown };
    if (typeof text === 'string' && typeof odd === 'string')
      told.push(`${placeOf(root, path, problems)}  ${pathText(path)}: ${odd}`);
    else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
      for (const [name, inner] of Object.entries(value))
        look(inner, [...path, Array.isArray(value) ? Number(name) : name]);
  };
  // What has problems of its own is left to who reads it.
  const held = (holder: object | undefined, key: string) =>
    holder && Object.getOwnPropertyDescriptor(holder, key)?.value;
  const lookAt = (value: unknown, schema: Schema[], path: readonly PropertyKey[]) => {
    if (value !== undefined) return look(value, path);
    // Beside a mistake, each text is read by itself.
    const { node } = find(root, path);
    if (node) eachScalar(schema, node, (scalar, _, own, at) => look(readAlone(own, scalar.value), at), path);
  };
  lookAt(held(settings, 'routes'), below([settingsSchema], 'routes'), ['routes']);
  for (const [name, { options }] of connectors)
    lookAt(held(settings?.connectors[name], 'options'), [options], ['connectors', name]);
  return told;
}

/** What a schema makes of a text, where one takes it without asking anybody. */
function readAlone(schemas: readonly Schema[], value: unknown): unknown {
  for (const schema of schemas) {
    try {
      const read = (schema as z.ZodType).safeParse(value);
      if (read.success) return read.data;
    } catch {
      // It asks.
    }
  }
  return undefined;
}

/** A file of settings is copied, sent and kept in repositories, and its secrets with it. */
function plainlyWritten(places: readonly Place[], problems: ProblemList): string[] {
  return [...Map.groupBy(places, ({ file }) => problems.shown(file))].map(([file, within]) => {
    const lines = [...new Set(within.map(({ line }) => line))];
    const more = lines.length > mostLines ? ` and ${lines.length - mostLines} more` : '';
    const where =
      lines.length > 1 ? `lines ${lines.slice(0, mostLines).join(', ')}${more}` : `line ${lines[0]}`;
    return `${file} has secrets as they are, in ${where}. Put them into variables (\${NAME}) or files (\${file:/run/secrets/name}).`;
  });
}

function placeOf(root: MapNode, at: readonly PropertyKey[], problems: ProblemList): string {
  const { node, key } = find(root, at);
  const { file, line, column } = node?.place ?? key;
  return `${problems.shown(file)}:${line}:${column}`;
}

async function check(
  root: MapNode,
  feeds: Feeds,
  definitions: ReadonlyMap<string, ConnectorDefinition>,
  problems: ProblemList,
): Promise<Settings | undefined> {
  checkNames(root, feeds, problems);
  await pushesFirst();
  const parsed = await checkForm(settingsSchema, settingsData(root), root, [], problems);
  const connectors: [string, ConnectorSettings][] = [];
  for (const [name, definition] of definitions) {
    const node = find(root, ['connectors', name]).node as TreeNode;
    const data = plain(withoutType(node));
    const path = ['connectors', name];
    const options = await checkForm(definition.options, data, root, path, problems).catch((cause) => {
      // A connector from elsewhere may have a check that trips over a value it did not foresee.
      const reason = cause instanceof Error ? cause.message : String(cause);
      problems.add(node.place, path, `"${definition.type}" could not check its settings: ${reason}.`);
    });
    // Kept as written, since options may hold compiled templates.
    const raw: unknown = JSON.parse(JSON.stringify(plain(node)));
    connectors.push([name, { type: definition.type, definition, options, raw }]);
  }
  if (!parsed) return undefined;
  const { include: _, sources, routes, tests, ...others } = parsed;
  const named = Object.entries(sources).map(([name, source]) => [name, { ...source, name }] as const);
  return {
    ...others,
    sources: Object.fromEntries(named),
    connectors: Object.fromEntries(connectors),
    routes: [
      ...routes.map((route, index) => ({ ...route, place: placeOf(root, ['routes', index], problems) })),
      ...feeds.implied.map(({ file, ...route }) => ({
        ...route,
        stop: false,
        place: problems.shown(file),
        isImplied: true,
      })),
    ],
    tests: await readTests(tests, root, problems),
  };
}

/** `acme:` with nothing below it is a source with all its defaults. */
function settingsData(root: MapNode): unknown {
  const data = plain(root) as Record<string, unknown>;
  const { sources } = data;
  if (typeof sources === 'object' && sources !== null && !Array.isArray(sources)) {
    const filled = Object.entries(sources).map(([name, source]) => [name, source ?? {}]);
    data['sources'] = Object.fromEntries(filled);
  }
  return data;
}

function entriesOf(root: MapNode, part: string): MapNode['entries'] {
  const { node } = find(root, [part]);
  return node?.kind === 'map' ? node.entries : new Map();
}

function withoutType(node: TreeNode): TreeNode {
  if (node.kind !== 'map') return node;
  return { ...node, entries: new Map([...node.entries].filter(([name]) => name !== 'type')) };
}
