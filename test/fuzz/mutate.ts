import { pick } from '../support/random.ts';

/** Pieces that parsers trip over. */
const nasty = [
  '',
  ' ',
  '\0',
  '\r\n',
  '"',
  "'",
  '\\',
  '{',
  '}',
  '[',
  ']',
  '{{',
  '}}',
  '{%',
  '%}',
  '{{-',
  '|',
  ':',
  ',',
  ',}',
  '&',
  '*',
  '!!js/function',
  '<<: *a',
  '&a',
  '%',
  '%00',
  '%zz',
  ['$', '{'].join(''),
  ['$', '{x}'].join(''),
  ['$', '{file:/etc/passwd}'].join(''),
  '__proto__',
  'constructor',
  'toString',
  'null',
  'true',
  'NaN',
  '-0',
  '1e999',
  '99999999999999999999999',
  '0x10',
  '٣',
  '＋６１',
  '\u202e',
  '\ufeff',
  '\ud800',
  '😀',
  'é',
  "' OR 1=1 --",
  '<script>',
  '=HYPERLINK("x")',
  '+61 (0) 412',
  'ext. 9',
  '1h2m3s',
  '00:00:99',
  '2026-13-45T99:99:99Z',
  '$1,2,3.4.5',
  '../../',
  'a'.repeat(5_000),
  '('.repeat(2_000),
  '9'.repeat(400),
  '\t'.repeat(3_000),
] as const;

/** The text with a few things cut, doubled, swapped, or put into it. */
export function mutated(random: () => number, text: string, corpus: readonly string[]): string {
  let result = text;
  for (let n = 1 + Math.floor(random() * 4); n > 0; n--) result = mutatedOnce(random, result, corpus);
  return result.slice(0, 60_000);
}

function mutatedOnce(random: () => number, text: string, corpus: readonly string[]): string {
  const at = Math.floor(random() * (text.length + 1));
  const length = Math.floor(random() * 20);
  const other = pick(random, corpus);
  switch (Math.floor(random() * 8)) {
    case 0:
      return text.slice(0, at) + text.slice(at + length);
    case 1:
      return text.slice(0, at) + pick(random, nasty) + text.slice(at);
    case 2:
      return text.slice(0, at) + pick(random, nasty) + text.slice(at + length);
    case 3:
      return (
        text.slice(0, at) +
        text.slice(at, at + length).repeat(1 + Math.floor(random() * 8)) +
        text.slice(at + length)
      );
    case 4: {
      const from = Math.floor(random() * (other.length + 1));
      return text.slice(0, at) + other.slice(from, from + length * 3) + text.slice(at);
    }
    case 5:
      return text.slice(0, at) + String.fromCharCode(Math.floor(random() * 0x2100)) + text.slice(at + 1);
    case 6:
      return text.slice(at) + text.slice(0, at);
    default:
      return pick(random, nasty) + text.slice(0, at);
  }
}

const odd: readonly unknown[] = [
  null,
  true,
  0,
  -1.5,
  1e300,
  '',
  'x',
  'a'.repeat(5_000),
  '__proto__',
  'constructor',
  [],
  [null],
  [[]],
  ['x'],
  {},
  { '': null },
  { constructor: 1, toString: 2, length: -1 },
];

/** A line and a JSON text below it: a few values of the JSON become others, or all of it goes wrong as any text does. */
export function mutatedJson(random: () => number, text: string, corpus: readonly string[]): string {
  const [head = '', ...rest] = text.split('\n');
  const body = rest.join('\n');
  if (random() < 0.3) return `${head}\n${mutated(random, body, corpus)}`;
  let value: unknown = JSON.parse(body);
  for (let n = 1 + Math.floor(random() * 3); n > 0; n--) value = withOneChanged(random, value);
  return `${head}\n${JSON.stringify(value)}`;
}

function withOneChanged(random: () => number, value: unknown): unknown {
  const isLeaf = typeof value !== 'object' || value === null;
  if (isLeaf || Object.keys(value).length === 0 || random() < 0.15) return pick(random, odd);
  const key = pick(random, Object.keys(value));
  if (Array.isArray(value)) {
    const changed = withOneChanged(random, value[Number(key)]);
    const kept = value.filter((_, place) => place !== Number(key) || random() < 0.9);
    return random() < 0.1 ? kept : value.map((one, place) => (place === Number(key) ? changed : one));
  }
  const { [key]: one, ...others } = value as Record<string, unknown>;
  return random() < 0.2 ? others : { ...others, [key]: withOneChanged(random, one) };
}
