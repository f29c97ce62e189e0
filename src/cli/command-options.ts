import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { usualFile } from '../config/load.ts';

/** Options of every command, as commander hands them over. */
export interface CommandOptions {
  config: string;
  json?: boolean;
}

const main = fileURLToPath(new URL('main.ts', import.meta.url));

/**
 * A command to paste where this one was given: npm scripts run in the checkout, by whose folder files are named there.
 * @param isPublic without paths of this machine
 */
export function pasted(command: string, config: string, isPublic = false): string {
  const isInCheckout = process.cwd() === resolve(main, '../../..');
  if (isPublic) return `${isInCheckout ? 'npm run bridge --' : 'delacon-bridge'} ${command}`;
  const program = isInCheckout ? 'npm run bridge --' : `${quoted(process.execPath)} ${quoted(main)}`;
  const file = resolve(config) === resolve(usualFile) ? '' : ` --config ${quoted(config)}`;
  return `${program} ${command}${file}`;
}

/** For a shell, where it would read more than a word. */
function quoted(word: string): string {
  if (/^[\w@%+=:,./\\-]+$/.test(word)) return word;
  return process.platform === 'win32' ? `"${word}"` : `'${word.replaceAll("'", "'\\''")}'`;
}
