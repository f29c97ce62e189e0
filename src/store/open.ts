import { dirname } from 'node:path';
import { openSqliteStore, type Role } from './sqlite/open.ts';
import type { Store } from './store.ts';

/**
 * Opens the store that `store.url` names (`sqlite:data/bridge.db`).
 * @throws with a sentence for the operator
 */
export function openStore(url: string, role: Role): Promise<Store> {
  return openSqliteStore(fileOf(url), role);
}

/** The folder for what belongs to the store but is kept beside it: generated tokens, the sandbox's records. */
export function dataDirOf(url: string): string {
  return dirname(fileOf(url));
}

function fileOf(url: string): string {
  return url.replace(/^sqlite:/, '');
}
