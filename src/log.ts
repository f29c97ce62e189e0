import { type DestinationStream, type Logger, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { maskNumbersIn } from './call/mask.ts';
import { Output } from './runtime/output.ts';
import { counted } from './text/plural.ts';
import { TextFinder } from './text/text-finder.ts';

/** What the bridge and its connectors log with. Lines name the call, the connector and the attempt; never a secret. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * JSON lines, or readable ones on a terminal. Texts from outside may quote anything, so every string is passed
 * through `redact` before it is written. In place of secrets, a function may do that: for secrets that change.
 */
export function createLog(
  level: LogLevel,
  secrets: readonly string[] | ((text: string) => string) = [],
  destination?: DestinationStream,
): Log {
  const redact = typeof secrets === 'function' ? secrets : redactor(secrets);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: (line) => withoutControls(redact(line)) },
    },
    destination ?? logLines(),
  );
}

let output: Output | undefined;

/**
 * Ends the process once its log is written. Who does not read it is not waited for.
 * @param lastWord to standard error
 */
export async function exit(code: number, lastWord = ''): Promise<never> {
  const errors = lastWord === '' ? undefined : new Output(2, () => '');
  errors?.write(`${lastWord}\n`);
  await Promise.all([output?.written(), errors?.written()]);
  process.exit(code);
}

/** What a bridge that runs tells besides its log, and in order with it: for the reader of neither it waits. */
export function say(text: string): void {
  standardOutput().write(`${text}\n`);
}

function logLines(): DestinationStream {
  const lines = standardOutput();
  return { write: (line) => lines.write(shown(line)) };
}

/** One for all logs of the process. */
function standardOutput(): Output {
  output ??= new Output(1, (omitted) =>
    shown(
      `${JSON.stringify({
        level: 'warn',
        time: new Date().toISOString(),
        msg: `${counted(omitted, 'line')} of the log ${omitted === 1 ? 'is' : 'are'} missing here: whoever reads it did not keep up.`,
      })}\n`,
    ),
  );
  return output;
}

const readable = prettyFactory({ colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' });

/** A line of the log as its reader has it. */
function shown(line: string): string {
  return process.stdout.isTTY ? readable(line) : line;
}

/** Texts from outside must not steer the terminal that shows the log: in a JSON line these are escapes, or stand as they are. */
function withoutControls(line: string): string {
  return line.replace(
    /(?<!\\)((?:\\\\)*)\\(?:u00(?:[01][0-9a-f]|7f)|[bfr])|[\u007f-\u009f\u202a-\u202e]/g,
    '$1?',
  );
}

/** Removes secrets from a text. */
export function secretHider(secrets: readonly string[]): (text: string) => string {
  const finder = new TextFinder(
    secrets.filter((secret) => secret.length >= shortestSecret).flatMap((secret) => spellingsOf(secret)),
  );
  return (text) => finder.replace(text, () => '[secret]');
}

/** Shorter ones would hide half the log. */
const shortestSecret = 4;

/** A secret as it is, and as it stands in a JSON string, in one within another, in a URL, and in a form. */
function spellingsOf(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  const inUrl = encodeURIComponent(secret.toWellFormed());
  return [
    secret,
    inJson,
    JSON.stringify(inJson).slice(1, -1),
    inUrl,
    new URLSearchParams([['', secret]]).toString().slice(1),
  ];
}

/** Removes secrets from a text, and the middle of whatever reads like a telephone number. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const hide = secretHider(secrets);
  return (text) => {
    const out = hide(text);
    // A bare number in a JSON line: without quotes the line would be JSON no more.
    return maskNumbersIn(out, (masked, at) =>
      /(?<!\\)":$/.test(out.slice(Math.max(0, at - 3), at)) ? `"${masked}"` : masked,
    );
  };
}
