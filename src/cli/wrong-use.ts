import { knownNames } from '../text/did-you-mean.ts';

/** The command was called wrongly: exit code 2. */
export class WrongUse extends Error {
  override name = 'WrongUse';
}

/** @throws WrongUse unless the configuration has one of that name */
export function configured(
  what: 'source' | 'connector',
  name: string | undefined,
  known: Readonly<Record<string, unknown>>,
): void {
  if (name !== undefined && Object.hasOwn(known, name)) return;
  throw new WrongUse(`There is no ${what} "${name ?? ''}".${knownNames(name ?? '', known)}`);
}
