import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { plain } from './mask.ts';

/** Digits with nothing but separators between them. */
const digitRun = /[+(]?\d(?:[ (),./_+-]*\d)*/g;

/**
 * Tells whether a text holds an E.164 number, however people or a form wrote it: with or without its country, with
 * anything between its digits. As a part of a longer number it is another one.
 */
export function finderOf(number: string): (text: string) => boolean {
  const phone = parsePhoneNumberFromString(number);
  const country = phone?.countryCallingCode ?? '';
  const national = phone?.nationalNumber ?? number.slice(1);
  const isBefore = new RegExp(`^(?:|0|${country}0?|00${country}0?|0011${country}0?)$`);
  const isIn = (text: string): boolean => {
    for (const [run] of plain(text).matchAll(digitRun)) {
      const { digits, places } = digitsOf(run);
      for (let at = digits.indexOf(national); at >= 0; at = digits.indexOf(national, at + 1)) {
        const end = at + national.length;
        const endsThere = end === digits.length || (places[end] as number) > (places[end - 1] as number) + 1;
        if (!endsThere) continue;
        // Back to where another number may end: what stands between is the number's own beginning, or none of it.
        for (let begin = at; begin >= 0; begin--) {
          const isApart = begin === 0 || (places[begin] as number) > (places[begin - 1] as number) + 1;
          const before = digits.slice(begin, at);
          if (before.length > 8) break;
          if (isApart && isBefore.test(before) && !isForeign(run, places[begin] as number, before, country))
            return true;
        }
      }
    }
    return false;
  };
  return (text) => readings(text).some(isIn);
}

/** `+64` before a number of Australia makes it one of New Zealand. */
function isForeign(run: string, begin: number, before: string, country: string): boolean {
  if (before !== '') return run[begin - 1] === '+' && !before.startsWith(country);
  return /\+\d{1,3}[ (),./-]*$/.test(run.slice(Math.max(0, begin - 12), begin));
}

function digitsOf(run: string): { digits: string; places: number[] } {
  let digits = '';
  const places: number[] = [];
  for (let i = 0; i < run.length; i++) {
    const char = run[i] as string;
    if (char < '0' || char > '9') continue;
    digits += char;
    places.push(i);
  }
  return { digits, places };
}

/** How JSON, URLs and forms, XML and HTML write a letter otherwise. */
const escapes =
  /\\u(?<json>[0-9a-f]{4})|&#(?:x(?<hex>[0-9a-f]{1,6})|(?<decimal>\d{1,7}));|(?<url>(?:%[0-9a-f]{2})+)|(?<slash>\\\/)|\\t|&nbsp;/gi;

/** What a text says by its escapes, also by one within another: the landing page of a form is escaped twice. */
function readings(text: string): string[] {
  const said = [text];
  for (let times = 0; times < 3; times++) {
    const last = said.at(-1) as string;
    const next = last.replace(escapes, meant);
    if (next === last) break;
    said.push(next);
  }
  return said;
}

function meant(found: string, ...rest: unknown[]): string {
  const { json, hex, decimal, url, slash } = rest.at(-1) as Record<string, string | undefined>;
  if (url !== undefined) {
    try {
      return decodeURIComponent(url);
    } catch {
      return url; // no UTF-8
    }
  }
  if (slash !== undefined) return '/';
  const digits = json ?? hex;
  const code = digits !== undefined ? parseInt(digits, 16) : Number(decimal ?? 0x20);
  return code <= 0x10ffff ? String.fromCodePoint(code) : found;
}
