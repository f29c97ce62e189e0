import type { Entry, Org } from './org.ts';
import { refused } from './refusals.ts';

/*
 * The part of SOQL that is used: SELECT fields FROM one object, WHERE with AND, OR, NOT, brackets, =, !=, <, >, LIKE, IN and
 * NOT IN, ORDER BY one field, LIMIT. Anything else is a malformed query.
 */

type Row = Record<string, unknown>;
type Test = (entry: Entry) => boolean;
type Literal = string | number | boolean | null;

const longestStatement = 100_000;
const longestLiteral = 4_000;

export function runQuery(org: Org, statement: string, withDeleted: boolean): Row[] {
  if (statement.length > longestStatement) throw malformed('query is too long');
  const query = new Parser(org, statement).query();
  const entries = withDeleted
    ? org.all(query.object)
    : org.live(query.object).filter(({ values }) => values['IsArchived'] !== true);
  return entries
    .filter((entry) => query.test(entry) && org.mayRead(entry))
    .sort(query.order)
    .slice(0, query.limit)
    .map((entry) => pick(org, entry, query.fields));
}

export function pick(org: Org, entry: Entry, fields: readonly string[]): Row {
  const row: Row = {
    attributes: { type: entry.object, url: `/services/data/v64.0/sobjects/${entry.object}/${entry.id}` },
  };
  for (const name of fields) {
    const field = org.visibleField(entry.object, name);
    if (field) row[field.name] = valueIn(entry, field.name);
  }
  return row;
}

function valueIn(entry: Entry, name: string): unknown {
  return name === 'IsDeleted' ? entry.deleted : (entry.values[name] ?? null);
}

interface Query {
  object: string;
  fields: string[];
  test: Test;
  order(a: Entry, b: Entry): number;
  limit: number;
}

/** Also reads the clauses that SOSL has within RETURNING. */
export class Parser {
  readonly #org: Org;
  readonly #tokens: string[];
  #at = 0;
  #object = '';

  constructor(org: Org, text: string) {
    this.#org = org;
    this.#tokens = tokenise(text);
  }

  query(): Query {
    this.#take('SELECT');
    const names = this.#names();
    this.#take('FROM');
    this.#object = this.#objectName();
    const query = { object: this.#object, fields: names.map((name) => this.#field(name)), ...this.clauses() };
    if (this.#at < this.#tokens.length) throw malformed(`unexpected token: '${this.#tokens[this.#at]}'`);
    return query;
  }

  /** `Contact(Id, Phone WHERE … ORDER BY … LIMIT 20)`, without the brackets. */
  returning(object: string): Query {
    if (!this.#org.knows(object))
      throw refused(400, 'INVALID_TYPE', `sObject type '${object}' is not supported.`);
    this.#object = object;
    const fields = this.#names().map((name) => this.#field(name));
    return { object, fields, ...this.clauses() };
  }

  clauses(): Pick<Query, 'test' | 'order' | 'limit'> {
    const test = this.#skip('WHERE') ? this.#either() : () => true;
    let order = (_a: Entry, _b: Entry) => 0;
    if (this.#skip('ORDER')) {
      this.#take('BY');
      const name = this.#field(this.#next());
      const sign = this.#skip('DESC') ? -1 : 1;
      this.#skip('ASC');
      order = (a, b) => sign * String(valueIn(a, name)).localeCompare(String(valueIn(b, name)));
    }
    const limit = this.#skip('LIMIT') ? Number(this.#next()) : Number.POSITIVE_INFINITY;
    return { test, order, limit };
  }

  #either(): Test {
    let test = this.#both();
    while (this.#skip('OR')) {
      const [left, right] = [test, this.#both()];
      test = (entry) => left(entry) || right(entry);
    }
    return test;
  }

  #both(): Test {
    let test = this.#single();
    while (this.#skip('AND')) {
      const [left, right] = [test, this.#single()];
      test = (entry) => left(entry) && right(entry);
    }
    return test;
  }

  #single(): Test {
    if (this.#skip('NOT')) {
      const test = this.#single();
      return (entry) => !test(entry);
    }
    if (this.#skip('(')) {
      const test = this.#either();
      this.#take(')');
      return test;
    }
    return this.#comparison();
  }

  #comparison(): Test {
    const name = this.#field(this.#next());
    this.#checkFilterable(name);
    const isNegated = this.#skip('NOT');
    if (this.#skip('IN')) {
      const wanted = new Set(this.#list().map(fold));
      return (entry) => wanted.has(fold(valueIn(entry, name))) !== isNegated;
    }
    if (this.#skip('LIKE')) {
      const like = this.#pattern();
      return (entry) => like.test(String(valueIn(entry, name) ?? ''));
    }
    const operator = this.#next();
    const literal = fold(this.#literal());
    if (operator === '=') return (entry) => fold(valueIn(entry, name)) === literal;
    if (operator === '!=') return (entry) => fold(valueIn(entry, name)) !== literal;
    throw malformed(`unexpected token: '${operator}'`);
  }

  #list(): Literal[] {
    this.#take('(');
    const literals = [this.#literal()];
    while (this.#skip(',')) literals.push(this.#literal());
    this.#take(')');
    return literals;
  }

  #literal(): Literal {
    const token = this.#next();
    if (token.startsWith("'")) {
      if (token.length - 2 > longestLiteral) throw malformed('literal is too long');
      return unescaped(token.slice(1, -1));
    }
    if (/^(true|false)$/i.test(token)) return token.toLowerCase() === 'true';
    if (/^null$/i.test(token)) return null;
    if (/^-?\d+(\.\d+)?$/.test(token)) return Number(token);
    throw malformed(`unexpected token: '${token}'`);
  }

  /** Of LIKE: `%` and `_` stand for other texts, unless they are escaped. */
  #pattern(): RegExp {
    const token = this.#tokens[this.#at] ?? '';
    this.#literal(); // refuses what is malformed
    if (!token.startsWith("'")) throw malformed('LIKE takes a text');
    const wildcards: Record<string, string> = { '%': '.*', _: '.' };
    const parts = token.slice(1, -1).match(/\\.|[^\\]/gs) ?? [];
    const pattern = parts.map((part) => wildcards[part] ?? literally(unescaped(part)));
    return new RegExp(`^${pattern.join('')}$`, 'is');
  }

  #names(): string[] {
    const names = [this.#next()];
    while (this.#skip(',')) names.push(this.#next());
    return names;
  }

  #objectName(): string {
    const name = this.#next();
    if (!this.#org.knows(name)) {
      throw refused(400, 'INVALID_TYPE', `sObject type '${name}' is not supported.`);
    }
    return name;
  }

  /** Not told of a field in the column's words: of them, Salesforce says nothing that a program may rely on. */
  #checkFilterable(name: string): void {
    if (this.#org.visibleField(this.#object, name)?.filterable !== false) return;
    throw refused(
      400,
      'INVALID_FIELD',
      `\n${name} IN ('x')\n^\nERROR at Row:1:Column:8\nfield '${name}' can not be filtered in a query call`,
    );
  }

  #field(name: string): string {
    const field = this.#org.visibleField(this.#object, name);
    if (field) return field.name;
    throw refused(
      400,
      'INVALID_FIELD',
      `\nSELECT ${name} FROM ${this.#object}\n ^\nERROR at Row:1:Column:8\nNo such column '${name}' on entity '${this.#object}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.`,
    );
  }

  #next(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw malformed('unexpected token: <EOF>');
    return token;
  }

  #take(word: string): void {
    if (!this.#skip(word))
      throw malformed(`expecting '${word}', found '${this.#tokens[this.#at] ?? '<EOF>'}'`);
  }

  #skip(word: string): boolean {
    const isNext = this.#tokens[this.#at]?.toUpperCase() === word;
    if (isNext) this.#at++;
    return isNext;
  }
}

/** As a regular expression that matches this text alone. */
function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Text is compared without regard to case. */
function fold(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value;
}

function tokenise(text: string): string[] {
  const tokens: string[] = [];
  const token = /\s*(?:('(?:[^'\\]|\\.)*')|([\w.-]+)|(!=|<=|>=|[=<>(),]))/sy;
  while (token.lastIndex < text.trimEnd().length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    if (!match) throw malformed(`unexpected character near: ${text.slice(at, at + 20)}`);
    tokens.push((match[1] ?? match[2] ?? match[3]) as string);
  }
  return tokens;
}

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

function unescaped(literal: string): string {
  return literal.replace(/\\(.)/gs, (_, character: string) => {
    if (character in escapes) return escapes[character] as string;
    if (`'"\\_%`.includes(character)) return character;
    throw malformed(
      `Invalid string literal '${literal}'. Illegal character sequence '\\${character}' in string literal.`,
    );
  });
}

function malformed(words: string) {
  return refused(400, 'MALFORMED_QUERY', words);
}
