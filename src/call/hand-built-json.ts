/*
 * JSON as people build it by hand: a template filled with texts that nobody escaped. The vendor's own sample is built so.
 * What is beyond doubt is read; where two readings are possible there is none. Each reader takes time in proportion to
 * the text.
 */

/** Deeper, a runtime writes it slowly or not at all, and each at a depth of its own. */
export const deepestNesting = 100;

/**
 * Reads what JSON.parse does not: raw line breaks and other control characters within a text, escapes that JSON does not
 * have (the backslash stands for itself), spare and missing commas, missing values, keys and values without quotes or in
 * single ones, and blanks, NULs or commas behind the end. Valid JSON is read as JSON.parse reads it, but for whole
 * numbers that a double does not hold: their digits are kept as text.
 * @throws SyntaxError
 */
export function readHandBuiltJson(text: string): unknown {
  try {
    return new Reader(text).whole();
  } catch (reason) {
    // A quote within a text, perhaps.
    const fields = text.startsWith('{') ? readByKnownKeys(text) : null;
    if (fields) return fields;
    throw reason;
  }
}

/** Where tokens end that stand without quotes. A line break ends one, too: only blanks may follow. */
const bare = /[^\s"',{}[\]:][^"',{}[\]\n\r]*/y;
const blanks = /[\s\0-\x20\ufeff]*/y;
const blanksAndCommas = /[\s\0-\x20\ufeff,]*/y;
const afterTheEnd = /[\s\0-\x20\ufeff,;]*$/y;
const keyWithin = /\s[A-Za-z_]\w*:/;
const bareKey = /[A-Za-z_$][\w$-]*/y;
const nextKey = /["']PLA_\w{1,60}["'][\s\0-\x20]*:/iy;
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** What programs write for nothing, where a template prints a value that is none. */
const nothing = new Set(['null', 'undefined', 'nan', 'none', 'nil']);

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): unknown {
    const value = this.#value(0);
    if (this.#match(afterTheEnd) === null) throw this.#problem();
    return value;
  }

  #value(depth: number): unknown {
    this.#match(blanks);
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
      case "'":
        return this.#string();
      case ',':
      case '}':
        return null; // `"PLA_City":,`
      default:
        return this.#bare();
    }
  }

  #object(depth: number): unknown {
    const object: Record<string, unknown> = Object.create(null);
    let keysAreQuoted = true;
    this.#open(depth);
    for (let isFirst = true; ; isFirst = false) {
      const between = this.#match(blanksAndCommas) ?? '';
      if (this.#take('}')) return object;
      // A forgotten comma, where what follows can be nothing but the next key.
      if (!isFirst && !between.includes(',') && !this.#looksAt(nextKey)) throw this.#problem();
      const isQuoted = this.#isQuote();
      if (isFirst) keysAreQuoted = isQuoted;
      // One builder writes all keys alike: what looks like another one is part of a text.
      if (isQuoted !== keysAreQuoted) throw this.#problem();
      const key = isQuoted ? this.#string() : this.#match(bareKey);
      this.#match(blanks);
      if (key === null || !this.#take(':')) throw this.#problem();
      object[key] = this.#value(depth + 1);
    }
  }

  #array(depth: number): unknown {
    const array: unknown[] = [];
    this.#open(depth);
    for (let isFirst = true; ; isFirst = false) {
      const between = this.#match(blanksAndCommas) ?? '';
      if (this.#take(']')) return array;
      if (!isFirst && !between.includes(',')) throw this.#problem();
      array.push(this.#value(depth + 1));
    }
  }

  #open(depth: number): void {
    if (depth > deepestNesting) throw new NestedTooDeeply();
    this.#at++;
  }

  #string(): string {
    const text = this.#text;
    const quote = text[this.#at];
    const from = this.#at + 1;
    for (let at = from; at < text.length; at++) {
      if (text[at] === quote) {
        this.#at = at + 1;
        const inner = text.slice(from, at);
        return withoutEscapes(quote === "'" ? inner.replaceAll("\\'", "'") : inner);
      }
      if (text[at] === '\\') at++;
    }
    throw this.#problem();
  }

  #bare(): unknown {
    const word = this.#match(bare)?.trim();
    if (word === undefined || keyWithin.test(word)) throw this.#problem();
    if (jsonNumber.test(word)) {
      const number = Number(word);
      return Math.abs(number) > Number.MAX_SAFE_INTEGER ? word : number;
    }
    const lower = word.toLowerCase();
    if (nothing.has(lower)) return null;
    return lower === 'true' ? true : lower === 'false' ? false : word;
  }

  #isQuote(): boolean {
    return this.#text[this.#at] === '"' || this.#text[this.#at] === "'";
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #looksAt(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  #problem(): SyntaxError {
    return new SyntaxError(`not JSON from character ${this.#at + 1} on`);
  }
}

export class NestedTooDeeply extends SyntaxError {}

const jsonEscape = /\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))/g;
const meanings: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** JSON's escapes are what they mean. Any other backslash stands for itself: `AC\DC`. */
function withoutEscapes(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(jsonEscape, (_, code: string | undefined, char: string) =>
    code === undefined ? (meanings[char] ?? char) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

const knownKey = /(["']?)(PLA_\w{1,60})\1[\s\0-\x20]*:/gi;

/**
 * A flat object of `PLA_` keys, each value all that stands between two of them: so a text may hold quotes, and end with a
 * backslash. Null where that leaves a doubt.
 */
function readByKnownKeys(text: string): Record<string, unknown> | null {
  const end = endBefore(text, text.length, ',;');
  if (text[end - 1] !== '}') return null;
  const keys = [...text.matchAll(knownKey)].filter(({ index }, i) => {
    const before = endBefore(text, index);
    return text[before - 1] === ',' || (i === 0 && before === 1);
  });
  if (keys.length === 0 || endBefore(text, keys[0]!.index) !== 1) return null;
  const fields: Record<string, unknown> = Object.create(null);
  for (const [i, key] of keys.entries()) {
    const until = endBefore(text, keys[i + 1]?.index ?? end - 1, ',');
    const value = readBetween(text.slice(key.index + key[0].length, until).trimStart());
    const name = key[2] as string;
    if (value === null || name in fields) return null;
    if (/^PLA_Call_Id$/i.test(name) && /["']/.test(value)) return null;
    fields[name] = value;
  }
  return fields;
}

/** Null where a value could be more than one. */
function readBetween(value: string): string | null {
  const quote = value[0];
  if (quote !== '"' && quote !== "'") {
    if (/["'{}[\]]/.test(value) || keyWithin.test(value)) return null;
    return nothing.has(value.toLowerCase()) ? '' : value;
  }
  if (value.length < 2 || !value.endsWith(quote)) return null;
  const inner = value.slice(1, -1);
  // Another key, or the end of an object: of which, nobody can tell.
  for (let at = inner.indexOf(quote); at >= 0; at = inner.indexOf(quote, at + 1)) {
    blanks.lastIndex = at + 1;
    blanks.test(inner);
    if (inner[at - 1] !== '\\' && /[:}\]]/.test(inner[blanks.lastIndex] ?? '')) return null;
  }
  return withoutEscapes(inner);
}

/** Where the text ends that stands before `end`, without blanks, control characters and what else is said to be skipped. */
export function endBefore(text: string, end: number, skipped = ''): number {
  let at = end;
  while (at > 0 && (text.charCodeAt(at - 1) <= 0x20 || skipped.includes(text[at - 1] as string))) at--;
  return at;
}
