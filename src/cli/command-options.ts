import { resolve } from 'node:path';
import { usualFile } from '../config/load.ts';

/** Options of every command, as commander hands them over. */
export interface CommandOptions {
  config: string;
  json?: boolean;
}

/** A command to paste, which works in a checkout as it stands. */
export function pasted(command: string, config: string): string {
  const file = resolve(config) === resolve(usualFile) ? '' : ` --config ${config}`;
  return `npm run bridge -- ${command}${file}`;
}
