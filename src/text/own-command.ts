/*
 * What the commands of the bridge are called where it is installed. Whoever reads a message that names one pastes it; from
 * where the program was started only its commands know, and they say so once, before anything else.
 */

type Naming = (command: string, isPublic: boolean) => string;

const byName: Naming = (command) => `delacon-bridge ${command}`;
let naming = byName;

/** Undefined: by the program's name alone. */
export function nameCommands(by: Naming | undefined): void {
  naming = by ?? byName;
}

/** A command as people give it here: `npm run bridge -- check --online`. @param isPublic strangers may read it: no paths */
export function ownCommand(command: string, isPublic = false): string {
  return naming(command, isPublic);
}
