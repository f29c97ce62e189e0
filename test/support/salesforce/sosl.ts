import type { Org } from './org.ts';
import { refused } from './refusals.ts';
import { Parser, pick } from './soql.ts';

/*
 * The part of SOSL that is used: FIND {terms} IN PHONE FIELDS RETURNING objects. It looks into an index that lags
 * behind what was written. A term finds a number whose digits it gives in full, whatever stands between them; one that
 * ends in an asterisk, a number that begins with its digits.
 */

const longestWithOperators = 4_000;
const longest = 10_000;
const mostRows = 2_000;
const reserved = /[&|!(){}[\]^~?:'+-]|^\*/;

export function runSearch(org: Org, statement: string): Record<string, unknown>[] {
  const find = /^\s*FIND\s*\{((?:[^}\\]|\\.)*)\}\s+IN\s+PHONE\s+FIELDS\s+RETURNING\s+/is.exec(statement);
  if (!find) throw malformed('No search term found. The search term must be enclosed in braces.');
  const test = termsOf(find[1] as string, (term) => org.searched(term));
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

/** What makes a phone number, given as its digits, a hit. */
function termsOf(text: string, searched: (term: string) => string): (number: string) => boolean {
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
  const single = new Set(alone.map(searched));
  const beginnings = new Set(alone.filter((term) => term.endsWith('*')).map(searched));
  const lengths = [...new Set([...beginnings].map((number) => number.length))];
  const several = alternatives.filter((terms) => terms.length > 1);
  return (number) =>
    single.has(number) ||
    lengths.some((length) => beginnings.has(number.slice(0, length))) ||
    several.some((terms) => terms.every((term) => searched(term) === number));
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
