import { label } from './number-labels.ts';

/*
 * The one way in which telephone numbers are hidden: in logs, in what people are told, and from who may not see them.
 * Written by people they may have any digits, blanks and dashes that Unicode has, so all is decided on a plain copy of
 * the text, letter by letter in the same places. Each text is passed through once, however it is made.
 */

/** So many digits at the end are shown, and as many at the beginning as leave `leastHidden` between. */
const shownLast = 3;
const mostShownFirst = 4;
const leastHidden = 4;
/** A number of fewer digits is hidden whole. */
const leastShown = 9;

/** For logs: `+6144***444`, `044***444`. Shorter texts keep nothing. */
export function maskNumber(text: string): string {
  const digits = plain(text).replace(/[^\d+]/g, '');
  const count = digits.replace(/\+/g, '').length;
  if (count < leastShown) return '***';
  const shownFirst = Math.min(mostShownFirst, count - shownLast - leastHidden);
  return `${digits.slice(0, shownFirst + (digits.startsWith('+') ? 1 : 0))}***${digits.slice(-shownLast)}`;
}

/** Whether a text that may be a number has enough digits for one, whatever stands between them. */
export function mayBeNumber(text: string): boolean {
  return plain(text).replace(/\D/g, '').length >= leastKnown;
}

/** A number in the form in which somebody wrote it: `(04**) *** 444`. */
export function maskWritten(text: string): string {
  const written = plain(text);
  const digits = written.replace(/\D/g, '').length;
  const shownFirst = digits < leastShown ? 0 : 2;
  let n = 0;
  return written.replace(/\d/g, (digit) => {
    n++;
    return n <= shownFirst || n > digits - shownLast ? digit : '*';
  });
}

/**
 * A telephone number in running text: E.164, or as dialled in Australia and New Zealand, with the separators people put
 * between digits, and brackets around what is dialled only here or only from abroad. Record ids and times begin otherwise,
 * or have letters beside their digits, so that a log line still names what it is about; a dot separates groups of two
 * digits and more, or it is a fraction's; a plus sign within one, as forms write a blank, groups of two to four, and a comma
 * groups of three, or it is a list's. Escapes (`\n`, `%2B`) are not such letters, nor are words that say which number it is
 * (`ph09…`, `…mob`). What begins with a plus is a number
 * whatever stands beside it, and so is what begins as whole numbers do and is as long: `x0412345678`.
 */
const between = String.raw`[ ()/_-]{0,6}|(?<=\d\d)\.(?=\d\d)|(?<=\d\d)\+(?=\d{2,4}(?!\d))`;
const digits = String.raw`(?:(?:${between})\d){6,17}`;
const digitsOrGroups = String.raw`(?:(?:${between}|(?<=\d\d),(?=\d{3}(?!\d)))\d){6,17}`;
const labelBefore = String.raw`(?<![\da-z])${label}[.:]?`;
const begins = String.raw`(?:(?<=%[0-9a-f]{2}|${labelBefore})|(?<!\d|\.|(?<!\\)[a-z]))\(?`;
const ends = String.raw`(?!\d|(?!${label}(?![\da-z]))[a-z])`;
const numberLike = new RegExp(
  String.raw`\+\(?\d${digitsOrGroups}(?!\d)|` +
    String.raw`${begins}0 ?[()]{0,2} ?\d${digitsOrGroups}${ends}|` +
    String.raw`${begins}6[14] ?[()]{0,2} ?\d${digits}${ends}|` +
    String.raw`(?<!\d|\.)(?:0[2-478]|6[14][2-9])(?:(?:${between})\d){7,9}(?!\d)`,
  'gi',
);

/** A text without the middle of whatever in it reads like a telephone number. `write` may put the masked one otherwise. */
export function maskNumbersIn(
  text: string,
  write: (masked: string, at: number) => string = (masked) => masked,
): string {
  const places: Place[] = [];
  for (const { index, 0: found } of plain(text).matchAll(numberLike))
    places.push({ from: index, to: index + found.length });
  return withMasked(text, places, write);
}

/** Fewer digits would be found in any other number. */
const leastKnown = 6;
const mostCompared = 8;
/** Digits with no letters between them. */
const digitRun = /[+(]?\d(?:[^\p{L}\p{N}\n]*\d)*/gu;
const escapes = /(?:%[0-9a-f]{2})+/gi;

/** The text as `plain`, and without what addresses write in place of other characters, each in the place of its own. */
function unescaped(text: string): string {
  const decoded = text.replace(escapes, (escaped) => {
    try {
      return [...decodeURIComponent(escaped)]
        .map((letter) => letter.padEnd(3 * Buffer.byteLength(letter)))
        .join('');
    } catch {
      return escaped; // of another encoding
    }
  });
  return plain(decoded);
}

/** A text without the middle of the given numbers, however they are written and whatever stands beside them. */
export function maskKnownNumbers(text: string, numbers: readonly (string | null | undefined)[]): string {
  const ends = numbers
    .map((number) =>
      plain(number ?? '')
        .replace(/\D/g, '')
        .slice(-mostCompared),
    )
    .filter((end) => end.length >= leastKnown);
  if (ends.length === 0) return text;
  const written = unescaped(text);
  const places: Place[] = [];
  for (const { index, 0: run } of written.matchAll(digitRun)) {
    const digits = run.replace(/\D/g, '');
    const last = Math.max(
      ...ends.map((end) => digits.lastIndexOf(end) + (digits.includes(end) ? end.length : 0)),
    );
    if (last > 0) places.push({ from: index, to: index + endOfDigit(run, last) });
  }
  return withMasked(text, places, (masked) => masked, written);
}

/** Where in `run` its nth digit ends. */
function endOfDigit(run: string, n: number): number {
  let seen = 0;
  for (let i = 0; i < run.length; i++) if (isDigit(run.charCodeAt(i)) && ++seen === n) return i + 1;
  return run.length;
}

interface Place {
  from: number;
  to: number;
}

function withMasked(
  text: string,
  places: readonly Place[],
  write: (masked: string, at: number) => string,
  written = text,
): string {
  let out = '';
  let kept = 0; // where the text not yet copied begins
  for (const { from, to } of places) {
    out += text.slice(kept, from) + write(maskNumber(written.slice(from, to)), from);
    kept = to;
  }
  return kept === 0 ? text : out + text.slice(kept);
}

const otherDigit = /\p{Nd}/u;
const otherDash = /[\p{Pd}\u2212]/u;
/** Those in the middle of a line, and full-width ones. */
const otherMarks: Readonly<Record<string, string>> = {
  '\uff0b': '+',
  '\uff08': '(',
  '\uff09': ')',
  '\uff0c': ',',
  ...Object.fromEntries([...'\u00b7\u2022\u2027\u2219\u22c5\u30fb\uff0e'].map((dot) => [dot, '.'])),
};
const otherLetter = /[^\x20-\x7e]|%(?:20|2[89df])/gi;

/**
 * The text in ASCII where it writes a number otherwise: full-width, Arabic and other digits, no-break and other blanks, marks that
 * are not seen, dashes, and what addresses write in place of blanks and the like. As long as the text, and alike in every
 * other letter.
 */
export function plain(text: string): string {
  return text.replace(otherLetter, (letter) => {
    if (letter.length === 3) return '   ';
    const code = letter.charCodeAt(0);
    if (otherDigit.test(letter)) return String(digitOf(code));
    if (otherDash.test(letter)) return '-';
    const mark = otherMarks[letter];
    if (mark !== undefined) return mark;
    return letter !== '\n' && letter !== '\r' && /[\p{Zs}\p{Cf}\t]/u.test(letter) ? ' ' : letter;
  });
}

/** Unicode has the digits of each script in a row, from zero to nine. */
function digitOf(code: number): number {
  let value = 0;
  while (value < 9 && otherDigit.test(String.fromCharCode(code - value - 1))) value++;
  return value;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
