import { readdir, readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { offerModule } from '../runtime/own-modules.ts';
import { didYouMean } from '../text/did-you-mean.ts';
import type { ConnectorDefinition } from './contract.ts';

/*
 * Finds the connectors that the configuration names. Nothing in src names one: a connector is a folder in connectors/,
 * a package, or a path, and is imported only when it is named, since a CRM's client library takes time and memory.
 */

const folder = new URL('../../connectors/', import.meta.url);
/** What a connector imports; those from elsewhere by these names, as package.json has them. */
const faces = {
  'delacon-bridge/connector': new URL('index.ts', import.meta.url).href,
  'delacon-bridge/crm': new URL('../crm/index.ts', import.meta.url).href,
};

/** Why a connector cannot be had, as a sentence that goes on after its name and a colon. */
export class NoConnector extends Error {
  override name = 'NoConnector';
}

/** The connectors that come with the bridge. */
export async function connectorNames(): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names: string[] = [];
  for (const entry of entries)
    if (entry.isDirectory() && (await isFile(fileURLToPath(new URL(`${entry.name}/index.ts`, folder)))))
      names.push(entry.name);
  return names.sort();
}

/** The settings that one of these begins with, as YAML, for `init`. */
export function connectorExample(type: string): Promise<string> {
  return readFile(new URL(`${type}/example.yaml`, folder), 'utf8');
}

/**
 * @param fromDir where a path begins: the folder of the file that names the connector
 * @throws NoConnector
 */
export async function loadConnector(type: string, fromDir: string): Promise<ConnectorDefinition> {
  const own = await connectorNames();
  if (own.includes(type)) {
    const definition = await importConnector(new URL(`${type}/index.ts`, folder).href);
    if (definition.type !== type)
      throw new NoConnector(
        `the folder connectors/${type} holds a connector that calls itself "${definition.type}".`,
      );
    return definition;
  }
  for (const [name, url] of Object.entries(faces)) await offerModule(name, url);
  if (/^(\.{0,2}\/|\.{1,2}$)/.test(type)) return importConnector(await urlOfPath(type, fromDir));
  return importConnector(urlOfPackage(type, own));
}

async function urlOfPath(path: string, fromDir: string): Promise<string> {
  const base = resolve(fromDir, path);
  for (const file of [base, `${base}.ts`, `${base}.js`, `${base}/index.ts`, `${base}/index.js`])
    if (await isFile(file)) return pathToFileURL(file).href;
  throw new NoConnector(`there is no module at ${base}. A path is relative to the file that names it.`);
}

const packageName = /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*(\/(?!\.)[\w.~-]+)*$/;

function urlOfPackage(type: string, own: readonly string[]): string {
  try {
    // Anything else, such as a node: or data: URL, would also resolve.
    if (packageName.test(type)) return import.meta.resolve(type);
  } catch {
    // Neither a connector of ours nor an installed package: the same to whoever wrote it.
  }
  throw new NoConnector(
    `there is no "${type}".${didYouMean(type, own)} Known connectors: ${own.join(', ')}.`,
  );
}

async function importConnector(url: string): Promise<ConnectorDefinition> {
  let loaded: { default?: unknown };
  try {
    loaded = await import(url);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NoConnector(`it could not be loaded: ${reason.split('\n')[0]}`, { cause });
  }
  const lacks = whatItLacks(loaded.default);
  if (lacks === undefined) return loaded.default as ConnectorDefinition;
  throw new NoConnector(
    `it is not a connector: its default export ${lacks}. connectors/README.md shows what it must be.`,
  );
}

function whatItLacks(candidate: unknown): string | undefined {
  if (typeof candidate !== 'object' || candidate === null) return 'is not made by defineConnector';
  const { type, options, draft, open } = candidate as Partial<Record<keyof ConnectorDefinition, unknown>>;
  if (typeof type !== 'string' || type === '') return 'has no type';
  // Not `instanceof`: a connector may bring its own copy of Zod.
  const isSchema = typeof options === 'object' && options !== null && '_zod' in options;
  if (!isSchema || !('safeParseAsync' in options)) return 'has no options that are a Zod 4 schema';
  if (typeof draft !== 'function') return 'has no function draft';
  if (typeof open !== 'function') return 'has no function open';
  return undefined;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
