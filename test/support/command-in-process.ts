import { Writable } from 'node:stream';
import { format } from 'node:util';
import { runCommand } from '../../src/cli/program.ts';
import { nameCommands } from '../../src/text/own-command.ts';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** None: those of a user whom the modes of files hold off: nobody, where the tests run as root. */
export type Rights = 'of the tests' | 'none';

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs a command of delacon-bridge within this process, as one of its own would run in `folder` with nobody at a terminal:
 * a process takes a second to load what this one has. One after the other, since what a process has but one of is lent.
 */
export function commandInProcess(
  folder: string,
  args: readonly string[],
  rights: Rights = 'of the tests',
): Promise<Ended> {
  const run = last.then(() => withLent(folder, () => withRights(rights, () => runCommand(args))));
  last = run.catch(() => {});
  return run;
}

async function withLent(folder: string, use: () => Promise<void>): Promise<Ended> {
  const stdout = new Written();
  const stderr = new Written();
  const before = { folder: process.cwd(), umask: process.umask(), code: process.exitCode };
  const restore = [
    lend(process, 'stdout', stdout),
    lend(process, 'stderr', stderr),
    lend(process, 'stdin', { isTTY: undefined }),
    lend(console, 'log', (...of: unknown[]) => void stdout.write(`${format(...of)}\n`)),
    lend(console, 'error', (...of: unknown[]) => void stderr.write(`${format(...of)}\n`)),
    lend(process.env, 'NO_COLOR', '1'),
  ];
  process.chdir(folder);
  process.exitCode = 0;
  try {
    await use();
    return { code: Number(process.exitCode), stdout: stdout.text, stderr: stderr.text };
  } finally {
    nameCommands(undefined);
    process.exitCode = before.code;
    process.chdir(before.folder);
    process.umask(before.umask);
    for (const one of restore) one();
  }
}

async function withRights(rights: Rights, use: () => Promise<void>): Promise<void> {
  if (rights === 'of the tests' || process.geteuid?.() !== 0) return use();
  const group = process.getegid?.() ?? 0;
  process.setegid?.(nobody);
  process.seteuid?.(nobody);
  try {
    await use();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(group);
  }
}

const nobody = 65_534;

/** Puts another value in the place of a property, and returns what undoes that. */
function lend(owner: object, name: string, value: unknown): () => void {
  const was = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { value, configurable: true, enumerable: true, writable: true });
  return () => {
    if (was) Object.defineProperty(owner, name, was);
    else Reflect.deleteProperty(owner, name);
  };
}

class Written extends Writable {
  text = '';

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += String(chunk);
    done();
  }
}
