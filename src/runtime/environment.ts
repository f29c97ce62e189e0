import { readFileSync } from 'node:fs';

/**
 * The environment that this process was given. Bun puts what it finds in an `.env` of the working directory into it, with
 * `$NAME` in its values filled in: there the configuration reads its own file, which is the same on both runtimes.
 */
export function environment(): Record<string, string | undefined> {
  if (!process.versions['bun']) return process.env;
  let given: string;
  try {
    given = readFileSync('/proc/self/environ', 'utf8');
  } catch {
    return process.env; // not on Linux
  }
  const names = new Set(given.split('\0').map((one) => one.slice(0, one.indexOf('='))));
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => names.has(name)));
}
