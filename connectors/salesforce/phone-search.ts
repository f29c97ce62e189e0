import { parsePhone, type Region, samePhone, writtenForms } from '../../src/connector/contract.ts';
import type { Row } from './api.ts';
import type { PersonObject } from './options.ts';
import { ownFields } from './setup-names.ts';
import { isIn, quote, term } from './soql.ts';

/*
 * Finding people by number. Salesforce keeps phone numbers as they were typed, so two ways complete each other. A query
 * sees what was written a moment ago, and finds only exact texts: we ask for the spellings that people use. A search
 * sees through separators, and lags behind by minutes. What either finds is compared before it is believed.
 */

export interface Wanted {
  number: string;
  region: Region;
}

export type PhoneFields = Record<PersonObject, readonly string[]>;

/** Where people keep the numbers that a person calls from. */
export const phoneFields: PhoneFields = {
  Contact: ['Phone', 'MobilePhone', 'HomePhone', 'OtherPhone'],
  Lead: ['Phone', 'MobilePhone'],
};

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

/** Digits as an index may hold them: `61…`, `0…`, without either, and the `+61 (0) …` that some write. */
function searched(wanted: Wanted): string[] {
  const forms = writtenForms(wanted.number, wanted.region).filter((form) => /^\d+$/.test(form));
  const [international, national, bare] = forms;
  const both =
    international && national?.startsWith('0') && bare && international.endsWith(bare)
      ? [international.slice(0, -bare.length) + national]
      : [];
  const { display } = parsePhone(wanted.number, wanted.region);
  return [...new Set([...forms, ...both, display.replace(/[()]/g, '')])];
}

const lookedAt = ['Id', 'CreatedDate'];
const leadOnly = ['IsConverted', 'ConvertedContactId'];

export function columns(object: PersonObject, fields: PhoneFields): string[] {
  return [...lookedAt, ...(object === 'Lead' ? leadOnly : []), ownFields[object], ...fields[object]];
}

export function keyQuery(object: PersonObject, keys: readonly string[], fields: PhoneFields): string {
  return `SELECT ${columns(object, fields).join(',')} FROM ${object} WHERE ${isIn(ownFields[object], keys)}`;
}

/** Undefined if no phone field may be seen. */
export function phoneQuery(
  object: PersonObject,
  wanted: readonly Wanted[],
  fields: PhoneFields,
): string | undefined {
  if (fields[object].length === 0) return undefined;
  const texts = [...new Set(wanted.flatMap(spellings))];
  const anywhere = fields[object].map((field) => isIn(field, texts)).join(' OR ');
  return `SELECT ${columns(object, fields).join(',')} FROM ${object} WHERE ${anywhere}`;
}

/** In parts whose queries are not too long. */
export function packQueries(wanted: readonly Wanted[]): Wanted[][] {
  const mostFields = Math.max(...Object.values(phoneFields).map((fields) => fields.length));
  const size = (one: Wanted) =>
    mostFields * spellings(one).reduce((sum, text) => sum + quote(text).length + 1, 0);
  return pack(wanted, size, longestPhoneQuery);
}

export function packSearches(wanted: readonly Wanted[]): Wanted[][] {
  return pack(wanted, (one) => alternatives([one]).length + ' OR '.length, longestSearch);
}

export function phoneSearch(
  objects: readonly PersonObject[],
  wanted: readonly Wanted[],
  fields: PhoneFields,
): string {
  const returning = objects.map(
    (object) =>
      `${object}(${columns(object, fields).join(',')} ORDER BY CreatedDate DESC LIMIT ${Math.floor(mostFound / objects.length)})`,
  );
  return `FIND {${alternatives(wanted)}} IN PHONE FIELDS RETURNING ${returning.join(',')}`;
}

function alternatives(wanted: readonly Wanted[]): string {
  return wanted.flatMap(searched).map(term).join(' OR ');
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

/** A row of either kind, with what it is. */
export interface Candidate {
  object: PersonObject;
  id: string;
  key: string | null;
  createdAt: string;
  numbers: string[];
  /** Of a converted lead: the contact that it became, if there is one. */
  convertedTo: string | null;
  isConverted: boolean;
}

export function candidateOf(object: PersonObject, row: Row): Candidate {
  const text = (name: string) => (typeof row[name] === 'string' ? (row[name] as string) : null);
  return {
    object,
    id: row.Id,
    key: text(ownFields[object]),
    createdAt: text('CreatedDate') ?? '',
    numbers: phoneFields[object].flatMap((name) => text(name) ?? []),
    convertedTo: text('ConvertedContactId'),
    isConverted: row['IsConverted'] === true,
  };
}

export function hasNumber(candidate: Candidate, { number, region }: Wanted): boolean {
  return candidate.numbers.some((text) => samePhone(text, number, region));
}

export function byAge(a: Candidate, b: Candidate): number {
  return Date.parse(a.createdAt) - Date.parse(b.createdAt) || (a.id < b.id ? -1 : 1);
}
