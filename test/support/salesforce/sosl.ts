import { type Org, wordsOf } from './org.ts';
import { refused } from './refusals.ts';
import { Parser, pick } from './soql.ts';

/*
 * The part of SOSL that is used: FIND {terms} IN PHONE FIELDS RETURNING objects. It looks into an index that lags
 * behind what was written. A term finds a field whose digits it gives in full, whatever stands between them, and one of
 * which it gives some words, one after the other; one that ends in an asterisk, where these begin with its digits.
 */

const longestWithOperators = 4_000;
const longest = 10_000;
const mostRows = 2_000;
const reserved = /[&|!(){}[\]^~?:'+-]|^\*/;

export function runSearch(org: Org, statement: string): Record<string, unknown>[] {
  const find = /^\s*FIND\s*\{((?:[^}\\]|\\.)*)\}\s+IN\s+PHONE\s+FIELDS\s+RETURNING\s+/is.exec(statement);
  if (!find) throw malformed('No search term found. The search term must be enclosed in braces.');
  const test = termsOf(find[1] as string, !org.behaviour.oddities.searchesWords);
  const rows: Record<string, unknown>[] = [];
  for (const [object, clauses] of returned(statement.slice(find[0].length))) {
    const query = new Parser(org, clauses).returning(object);
    const found = org
      .live(object)
      .filter((entry) => org.indexedNumbers(entry).some(test) && query.test(entry))
      .sort(query.order)
      .slice(0, query.limit);
    rows.push(...found.map((entry) => pick(org, entry, query.fields)));
  }
  return rows.slice(0, mostRows);
}

/** What makes a phone field, given as its words, a hit. */
function termsOf(text: string, seesThrough: boolean): (words: readonly string[]) => boolean {
  if (text.length > longest) return () => false;
  const words = splitTerms(text);
  if (words.length === 0) throw malformed('search term must be longer than one character');
  // Beyond this length, operators are taken for words, and no number has all of them.
  if (text.length > longestWithOperators) return () => false;
  const alternatives: string[][] = [[]];
  for (const word of words) {
    if (word.toUpperCase() === 'OR') alternatives.push([]);
    else if (word.toUpperCase() !== 'AND') alternatives.at(-1)?.push(word);
  }
  if (alternatives.some((terms) => terms.length === 0)) throw malformed('operator without a term');
  const alone = alternatives.flatMap((terms) => (terms.length === 1 ? terms : []));
  const phrase = (term: string) => wordsOf(term).join(' ');
  const digits = (term: string) => wordsOf(term).join('');
  const begins = (term: string) => term.endsWith('*');
  const phrases = new Set(alone.map(phrase));
  const whole = new Set(alone.map(digits));
  const beginnings = new Set(alone.filter(begins).map(phrase));
  const lengths = [...new Set([...beginnings].map((text) => text.length))];
  const isBegun = (one: string) => lengths.some((length) => beginnings.has(one.slice(0, length)));
  const several = alternatives.filter((terms) => terms.length > 1);
  return (field) => {
    const parts = field.flatMap((_, from) =>
      field.slice(from).map((_, length) => field.slice(from, from + length + 1).join(' ')),
    );
    return (
      parts.some((part) => phrases.has(part) || isBegun(part)) ||
      (seesThrough && (whole.has(field.join('')) || isBegun(field.join('')))) ||
      several.some((terms) => terms.every((term) => field.includes(phrase(term))))
    );
  };
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  const term = /\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^\s"\\]|\\.)+))/sy;
  while (term.lastIndex < text.trimEnd().length) {
    const match = term.exec(text);
    if (!match) throw malformed('a quotation mark is not closed');
    const word = (match[1] ?? match[2]) as string;
    const bare = word.replace(/\\./gs, '');
    const offending = reserved.exec(bare)?.[0];
    if (offending) throw malformed(`unexpected character: ${offending}`);
    terms.push(word.replace(/\\(.)/gs, '$1'));
  }
  return terms;
}

/** `Contact(Id WHERE …), Lead(Id)` as objects and what their brackets hold. */
function returned(text: string): [string, string][] {
  const parts: [string, string][] = [];
  const part = /\s*(\w+)\s*\(((?:[^()']|'(?:[^'\\]|\\.)*'|\((?:[^()']|'(?:[^'\\]|\\.)*')*\))*)\)\s*(?:,|$)/sy;
  while (part.lastIndex < text.trimEnd().length) {
    const match = part.exec(text);
    if (!match) throw malformed('RETURNING cannot be read');
    parts.push([match[1] as string, match[2] as string]);
  }
  return parts;
}

function malformed(words: string) {
  return refused(400, 'MALFORMED_SEARCH', words);
}
