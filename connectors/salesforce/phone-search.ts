import { parsePhone, writtenForms } from '../../src/connector/index.ts';
import type { Wanted } from '../../src/crm/index.ts';
import { isIn, quote, term } from './soql.ts';

/*
 * Finding people by number. Salesforce keeps phone numbers as they were typed, so two ways complete each other. A query
 * sees what was written a moment ago, and finds exact texts: we ask for the spellings that people use, and for few
 * callers for the digits too, whatever stands between and around them. A search sees through separators, and lags behind
 * by minutes. What any of them finds is compared before it is believed.
 */

/** What is looked at of an object, and in which of its fields numbers are. */
export interface Place {
  object: string;
  columns: readonly string[];
  phones: readonly string[];
  /** Those of `phones` that a query may compare: encrypted ones can be read and searched for, and no more. */
  compared: readonly string[];
}

/** A statement may have 100,000 characters. */
const longestPhoneQuery = 90_000;
/** Beyond 4,000 characters, a search takes its operators for words. */
const longestSearch = 3_900;
/** What a search returns at most is 2,000 rows, over all objects. */
const mostFound = 1_000;

/** How people write a number, with and without separators. */
export function spellings({ number, region }: Wanted): string[] {
  const { national, display } = parsePhone(number, region);
  const international = parsePhone(number, region === 'US' ? 'GB' : 'US').display;
  const unbracketed = display.replace(/[()]/g, '');
  const dialled = `00${number.slice(1)}`;
  return [
    ...new Set([
      ...writtenForms(number, region),
      display,
      unbracketed,
      international,
      dialled,
      national ?? number,
    ]),
  ];
}

/**
 * Digits as an index may hold them: `61…`, `0…`, without either, and the `+61 (0) …` that some write. An asterisk stands
 * for what may follow, such as an extension.
 */
function usualTerms(wanted: Wanted): string[] {
  const forms = writtenForms(wanted.number, wanted.region).filter((form) => /^\d+$/.test(form));
  const [international, national, bare] = forms;
  const both =
    international && national?.startsWith('0') && bare && international.endsWith(bare)
      ? [international.slice(0, -bare.length) + national]
      : [];
  const { display } = parsePhone(wanted.number, wanted.region);
  const withMore = [international, national].flatMap((form) => (form === undefined ? [] : `${term(form)}*`));
  const others = [...forms.slice(2), ...both, display.replace(/[()]/g, '')];
  return [...new Set([...withMore, ...others.map(term)])];
}

/** As dialled from abroad, and as shown there. */
function rareTerms({ number, region }: Wanted): string[] {
  const international = parsePhone(number, region === 'US' ? 'GB' : 'US').display;
  const country = /^\+(\d+) /.exec(international)?.[1] ?? '';
  const rest = number.slice(1 + country.length);
  return [`00${country}${rest}*`, `00${country}0${rest}*`, term(international.replace(/[+()]/g, ''))];
}

export function keyQuery({ object, columns }: Place, key: string, keys: readonly string[]): string {
  return `SELECT ${columns.join(',')} FROM ${object} WHERE ${isIn(key, keys)}`;
}

/** Two numbers in one field, and any grouping of digits. Each comparison costs the org a look at every record. */
const mostByDigits = 25;

export function phoneQuery(place: Place, wanted: readonly Wanted[], comparesDigits = true): string {
  const { object, columns, compared } = place;
  const texts = [...new Set(wanted.flatMap(spellings))];
  const spelt = compared.map((field) => isIn(field, texts));
  const digits = comparesDigits && wanted.length <= mostByDigits ? byDigits(place, wanted) : [];
  return `SELECT ${columns.join(',')} FROM ${object} WHERE ${[...spelt, ...digits].join(' OR ')}`;
}

/** By digits alone, whatever stands between them and around. */
export function digitsQuery(place: Place, wanted: readonly Wanted[]): string {
  return `SELECT ${place.columns.join(',')} FROM ${place.object} WHERE ${byDigits(place, wanted).join(' OR ')}`;
}

function byDigits({ compared }: Place, wanted: readonly Wanted[]): string[] {
  const patterns = [...new Set(wanted.map(patternOf))];
  return compared.flatMap((field) => patterns.map((text) => `${field} LIKE ${quote(text)}`));
}

/** The digits after country code and trunk zero. */
function patternOf({ number, region }: Wanted): string {
  const { national } = parsePhone(number, region);
  const digits = (national ?? number.slice(1)).replace(/^0/, '');
  return `%${[...digits].join('%')}%`;
}

/** In parts whose queries are not too long; `mostPhones` is how many fields one of them compares. */
export function packQueries<T extends Wanted>(wanted: readonly T[], mostPhones: number): T[][] {
  const size = (one: Wanted) =>
    mostPhones * spellings(one).reduce((sum, text) => sum + quote(text).length + 1, 0);
  return pack(wanted, size, longestPhoneQuery);
}

/** Callers who are searched for together, and what for. */
export interface Search<T> {
  callers: T[];
  text: string;
}

/** In parts that are not too long. Rare ways of writing are looked for where that costs no search more. */
export function packSearches<T extends Wanted>(wanted: readonly T[]): Search<T>[] {
  const packedBy = (termsOf: (one: Wanted) => string[]) =>
    pack(wanted, (one) => alternatives(termsOf(one)).length + ' OR '.length, longestSearch).map(
      (callers) => ({ callers, text: alternatives(callers.flatMap(termsOf)) }),
    );
  const usual = packedBy(usualTerms);
  const all = packedBy((one) => [...usualTerms(one), ...rareTerms(one)]);
  return all.length > usual.length ? usual : all;
}

export function phoneSearch(places: readonly Place[], text: string): string {
  const most = Math.floor(mostFound / places.length);
  const returning = places.map(
    ({ object, columns }) => `${object}(${columns.join(',')} ORDER BY CreatedDate DESC LIMIT ${most})`,
  );
  return `FIND {${text}} IN PHONE FIELDS RETURNING ${returning.join(',')}`;
}

function alternatives(terms: readonly string[]): string {
  return terms.join(' OR ');
}

function pack<T>(all: readonly T[], sizeOf: (one: T) => number, most: number): T[][] {
  const packs: T[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const one of all) {
    const more = sizeOf(one);
    if (size + more > most) {
      packs.push([]);
      size = 0;
    }
    packs.at(-1)?.push(one);
    size += more;
  }
  return packs;
}
