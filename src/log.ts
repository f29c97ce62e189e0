import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import { maskNumber } from './receive/phone.ts';

/** What the bridge and its connectors log with. Lines name the call, the connector and the attempt; never a secret. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * JSON lines, or readable ones on a terminal. Texts from outside may quote anything, so every string is passed
 * through `redact` before it is written.
 */
export function createLog(
  level: LogLevel,
  secrets: readonly string[] = [],
  destination?: DestinationStream,
): Log {
  const redact = redactor(secrets);
  const stream =
    destination ??
    (process.stdout.isTTY
      ? pretty({ colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', sync: true })
      : undefined);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redact },
    },
    stream ?? pino.destination({ dest: 1, sync: true }),
  );
}

/**
 * A telephone number in running text: E.164, or as dialled in Australia and New Zealand, with the separators people put
 * between digits. Record ids and times begin otherwise, so that a log line still names what it is about.
 */
const numberLike = /(?<![\d.])(?:\+\d|\(?0\d|6[14]\d)(?:[ ()-]{0,2}\d){6,13}(?!\d)/g;

/** Removes secrets from a text, and the middle of whatever reads like a telephone number. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const hidden = secrets.filter((secret) => secret.length >= 4);
  return (text) => {
    let out = text;
    for (const secret of hidden) out = out.replaceAll(secret, '[secret]');
    return out.replace(numberLike, (number) => maskNumber(number.replace(/[ ()-]/g, '')));
  };
}
