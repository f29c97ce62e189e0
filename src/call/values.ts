import { isDay } from '../text/dates.ts';

/**
 * Readers for the texts that Delacon sends in place of numbers, times and truth. Each returns null for what it cannot
 * read; the raw text stays in `call.fields`.
 */

/** A year's calls lie between these; a number outside is not a time in milliseconds. */
const earliestMs = Date.UTC(1990, 0, 1);
const latestMs = Date.UTC(2200, 0, 1);

/**
 * An instant: epoch milliseconds, zero-padded to 20 digits in the vendor's sample (`00000001556755937003`), epoch
 * seconds, or ISO 8601 with an offset or Z.
 */
export function parseInstant(text: string): Date | null {
  const trimmed = text.trim();
  let ms = Number.NaN;
  if (/^\d{1,20}$/.test(trimmed)) {
    ms = Number(trimmed);
    if (ms < 1e11) ms *= 1000;
  } else if (/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?\s?(Z|[+-]\d\d:?\d\d)$/i.test(trimmed)) {
    if (isDay(trimmed.slice(0, 10))) ms = Date.parse(trimmed.replace(' ', 'T').replace(/\s/g, ''));
  }
  return ms >= earliestMs && ms < latestMs ? new Instant(ms) : null;
}

/** A Date that reads as ISO 8601 wherever it becomes text, templates included. */
export class Instant extends Date {
  override toString(): string {
    return this.toISOString();
  }
}

/** Whole seconds from `50s`, `50`, `1m 20s`, `1h2m`, `00:01:20`, `1:20`. Null beyond a week, which no call lasts. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim().toLowerCase();
  let seconds: number | null = null;
  const clock = /^(?:(\d{1,3}):)?(\d{1,3}):(\d\d)(?:\.\d+)?$/.exec(trimmed);
  const units =
    /^(?:(\d{1,4})\s*(?:h|hr|hrs|hours?)\s*)?(?:(\d{1,6})\s*(?:m|min|mins|minutes?)\s*)?(?:(\d{1,9})(?:\.\d{1,9})?\s*(?:s|sec|secs|seconds?)?)?$/.exec(
      trimmed,
    );
  if (clock) seconds = Number(clock[1] ?? 0) * 3600 + Number(clock[2]) * 60 + Number(clock[3]);
  else if (units && trimmed !== '') {
    seconds = Number(units[1] ?? 0) * 3600 + Number(units[2] ?? 0) * 60 + Number(units[3] ?? 0);
  }
  return seconds !== null && seconds <= 7 * 24 * 3600 ? seconds : null;
}

/** An amount of money: `1250`, `$1,250.00`, `AUD 1 250.50`. Negative and ambiguous spellings are not read. */
export function parseAmount(text: string): number | null {
  const bare = text
    .trim()
    .replace(/^(?:A\$|NZ\$|\$|AUD|NZD)\s*/i, '')
    .replace(/\s?(?:AUD|NZD)$/i, '') // one blank: any number of them, unanchored, is slow on a text full of blanks
    .trimEnd();
  if (!/^\d{1,12}(?:\.\d{1,4})?$|^\d{1,3}(?:[, ]\d{3}){1,4}(?:\.\d{1,4})?$/.test(bare)) return null;
  return Number(bare.replace(/[, ]/g, ''));
}

/** Yes or no, in the spellings met: Yes/No, Y/N, true/false, 1/0. */
export function parseYesNo(text: string): boolean | null {
  const word = text.trim().toLowerCase();
  if (['yes', 'y', 'true', '1'].includes(word)) return true;
  if (['no', 'n', 'false', '0'].includes(word)) return false;
  return null;
}

/** An http(s) URL as sent, without the blanks around it; null if it is none. */
export function parseUrl(text: string): string | null {
  const trimmed = text.trim();
  return /^https?:\/\/[^\s/]/i.test(trimmed) && URL.canParse(trimmed) ? trimmed : null;
}

/**
 * The link that plays in an HTML5 audio player: the vendor's article has `mode=direct` added to it. Done on the text,
 * since the rest of the query may be signed and must stay as it is, letter by letter.
 */
export function playerUrl(recording: string): string {
  const [address = '', fragment] = recording.split(/#(.*)/s, 2);
  if (/^[^?]*\?(.*&)?mode=direct(&|$)/s.test(address)) return recording;
  const query = address.indexOf('?'); // only the first question mark begins the query
  const isEmpty = query === address.length - 1 || address.endsWith('&');
  const join = query < 0 ? '?' : isEmpty ? '' : '&';
  return `${address}${join}mode=direct${fragment === undefined ? '' : `#${fragment}`}`;
}
