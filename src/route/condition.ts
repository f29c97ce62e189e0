import { defaultOperators, type Liquid, Value as LiquidValue, type Operators } from 'liquidjs';
import { parsePhone, type Region, samePhone } from '../call/phone.ts';
import { parseInstant, parseYesNo } from '../call/values.ts';
import { instantAt, localDate } from '../text/business-hours.ts';
import { isDay } from '../text/dates.ts';
import { nearestName, type Scope } from './names.ts';
import { engine, inTime, namesOf, parsing, TemplateProblem } from './template.ts';

/*
 * Conditions: Liquid's own, whose comparisons say what people mean by them. Texts are equal whatever their letter case, a time
 * compares with a day or a time that is written, a number with one that stands in quotes, a yes with `Yes`, and a telephone
 * number with any way to write it. Nothing and the empty text are the same.
 */

/** A `when`, compiled. */
export interface Condition {
  readonly text: string;
  /** What is odd about it, but may be meant: a sentence. */
  readonly odd?: string;
  /** @throws where it cannot be told for this call */
  matches(scope: Scope): boolean;
}

/** @throws TemplateProblem */
export function compileCondition(source: string): Condition {
  if (source.includes('{{') || source.includes('{%')) {
    throw new TemplateProblem('a condition is a bare expression: leave out the braces.');
  }
  checkSpelling(source);
  const value = parsing(() => checkComplete(new LiquidValue(source, liquid), source));
  const block = parsing(() => liquid.parse(`{% if ${source} %}1{% endif %}`));
  const { withFields } = parsing(() => namesIn(liquid, block));
  const odd = oddComparison(value.initial.postfix);
  return {
    text: source,
    ...(odd === undefined ? {} : { odd }),
    matches: (scope) => inTime(() => liquid.renderSync(block, withFields(scope))) === '1',
  };
}

/** Whether a condition is known to hold: one that cannot be told does not. */
export function holds(condition: Condition, scope: Scope): boolean {
  try {
    return condition.matches(scope);
  } catch {
    return false;
  }
}

type Compared = (left: unknown, right: unknown, timezone: string) => boolean;

type Own = (left: unknown, right: unknown, context: unknown) => Generator<unknown, boolean>;

/** Liquid's own, where neither side is something that it compares by itself, such as `empty`. */
function operator(name: keyof typeof defaultOperators, compare: Compared): Own | Compared {
  const own = defaultOperators[name] as Own;
  return ((left: unknown, right: unknown, context: { getSync(path: string[]): unknown }) => {
    if (isOfLiquid(left) || isOfLiquid(right)) return own(left, right, context);
    return compare(left, right, String(context.getSync(['timezone']) ?? 'UTC'));
  }) as Own | Compared;
}

function isOfLiquid(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Date);
}

const liquid = engine({
  groupedExpressions: true,
  operators: {
    ...defaultOperators,
    '==': operator('==', isSame),
    '!=': operator('!=', (left, right, timezone) => !isSame(left, right, timezone)),
    '>': operator('>', (left, right, timezone) => inOrder(right, left, timezone, false)),
    '<': operator('<', (left, right, timezone) => inOrder(left, right, timezone, false)),
    '>=': operator('>=', (left, right, timezone) => inOrder(right, left, timezone, true)),
    '<=': operator('<=', (left, right, timezone) => inOrder(left, right, timezone, true)),
    contains: operator('contains', (left, right) =>
      typeof left === 'string' && isSet(right)
        ? left.toLowerCase().includes(String(right).toLowerCase())
        : false,
    ),
  } as unknown as Operators,
});

function isSet(value: unknown): boolean {
  return value !== null && value !== undefined && value !== '';
}

function isSame(left: unknown, right: unknown, timezone: string): boolean {
  if (!isSet(left) || !isSet(right)) return isSet(left) === isSet(right);
  if (left instanceof Date) return isSameTime(left, right, timezone);
  if (right instanceof Date) return isSameTime(right, left, timezone);
  if (typeof left !== 'string' || typeof right !== 'string') return isSameMixed(left, right);
  return left.toLowerCase() === right.toLowerCase() || isSameNumber(left, right) || isSameNumber(right, left);
}

/** A day is the whole of it. */
function isSameTime(time: Date, other: unknown, timezone: string): boolean {
  if (typeof other === 'string' && isDayOnly(other)) return localDate(time, timezone) === other.trim();
  return time.getTime() === msOf(other, timezone);
}

function isSameMixed(left: unknown, right: unknown): boolean {
  const [text, other] = typeof left === 'string' ? [left, right] : [right, left];
  if (typeof text !== 'string') return left === right;
  if (typeof other === 'boolean') return parseYesNo(text) === other;
  return typeof other === 'number' && text.trim() !== '' && Number(text) === other;
}

/** `+61298989898` and `02 9898 9898`, where it is rung from. */
function isSameNumber(international: string, written: string): boolean {
  if (!/^\+\d{7,15}$/.test(international) || !/^[\d\s()+./-]{6,25}$/.test(written)) return false;
  return samePhone(written, international, (parsePhone(international, 'AU').country ?? 'AU') as Region);
}

function inOrder(earlier: unknown, later: unknown, timezone: string, orSame: boolean): boolean {
  if (!isSet(earlier) || !isSet(later)) return false;
  const isOfTimes = earlier instanceof Date || later instanceof Date;
  const [one, other] = isOfTimes
    ? [msOf(earlier, timezone), msOf(later, timezone)]
    : [earlier as number, later as number];
  return orSame ? one <= other : one < other;
}

/** NaN of what is no time, which is neither before nor after any. */
function msOf(value: unknown, timezone: string): number {
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'number') return value;
  const text = String(value).trim();
  const [, day = '', time = '00:00'] = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::00)?)?$/.exec(text) ?? [];
  if (day !== '' && isDay(day)) return instantAt(day, time, timezone);
  return parseInstant(text)?.getTime() ?? Number.NaN;
}

function isDayOnly(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text.trim());
}

function namesIn(engine: Liquid, block: ReturnType<Liquid['parse']>) {
  const paths = engine.globalVariableSegmentsSync(block);
  const word = paths.find(
    (path) => path.length === 1 && !/^(?:call|timezone|PLA_.*)$/i.test(String(path[0])),
  );
  if (word) throw new TemplateProblem(problemWithWord(String(word[0])));
  return namesOf(paths);
}

function problemWithWord(word: string): string {
  const name = nearestName(word);
  return `no call has the name "${word}".${name ? ` Did you mean "${name}"?` : ''} A text stands in quotes: '${word}'.`;
}

/** What people write who know other languages, and how it is written here. */
const spellings: [written: RegExp, here: string][] = [
  [/[‘’]/g, "'"],
  [/[“”]/g, '"'],
  [/[!=]==/g, ''],
  [/<>/g, '!='],
  [/=>/g, '>='],
  [/=</g, '<='],
  [/(?<![=!<>])=(?!=)/g, '=='],
  [/\s+is\s+not\s+/gi, ' != '],
  [/\s+(?:is|equals|eq)\s+/gi, ' == '],
  [/\s*&&\s*/g, ' and '],
  [/\s*\|\|\s*/g, ' or '],
  [/!(?!=)\s*/g, 'not '],
  [/\b(?:AND|OR|NOT|CONTAINS)\b/g, ''],
];

function checkSpelling(source: string): void {
  const straight = source.replace(/[‘’]/g, "'").replace(/[“”]/g, '"');
  const right = straight
    .split(/('[^']*'|"[^"]*")/)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : spellings.reduce(
            (text, [written, here]) =>
              text.replace(
                written,
                (found) => here || (found.endsWith('==') ? found.slice(0, 2) : found.toLowerCase()),
              ),
            part,
          ),
    )
    .join('');
  if (right !== source)
    throw new TemplateProblem(
      `"${source}" is not how a condition is written. Did you mean "${quoted(right.trim())}"? There is ==, !=, <, >, contains, and, or, not.`,
    );
}

/** A word that is compared with is a text, where no call has it as a name. */
function quoted(condition: string): string {
  return condition.replace(
    /((?:[=!]=|\bcontains)\s*)([a-z][\w-]*(?: (?!(?:and|or)\b)[\w-]+)*)(?=$|\)| (?:and|or)\b)/gi,
    (found, operator: string, word: string) =>
      /^(?:true|false|nil|null|empty|blank|PLA_\w*)$/i.test(word) || nearestName(word) !== undefined
        ? found
        : `${operator}'${word}'`,
  );
}

type Token = LiquidValue['initial']['postfix'][number];

/** Liquid evaluates `call.missed and` without a word; here every operator has what it joins. */
function checkComplete(value: LiquidValue, source: string): LiquidValue {
  let values = 0;
  for (const token of value.initial.postfix) {
    const operator = 'operator' in token ? token.operator : undefined;
    if (operator === undefined) values++;
    else if (operator !== 'not' && --values < 1) values = Number.NEGATIVE_INFINITY;
  }
  if (values !== 1) throw new TemplateProblem(`"${source}" is not a complete condition.`);
  return value;
}

const times = /^(?:call\.(?:startedAt|endedAt)|PLA_CallStartTime)$/i;
/** What these names say, in words of the bridge. Of Delacon's own, `call.resultText` and the PLA_ names have those. */
const closedNames: Readonly<Record<string, readonly string[]>> = {
  'call.result': ['answered', 'unanswered', 'busy', 'other'],
  'call.phase': ['ringing', 'ended', 'lapsed'],
  'call.converted': ['online', 'repeat', 'offline'],
};

/** A comparison that no call can meet, told before one is missed. */
function oddComparison(postfix: readonly Token[]): string | undefined {
  const operands: (Token | undefined)[] = [];
  for (const token of postfix) {
    if (!('operator' in token)) {
      operands.push(token);
      const odd = oddGroup(token);
      if (odd !== undefined) return odd;
    } else {
      const { operator } = token;
      const isJoined = operator === 'not' || operator === 'and' || operator === 'or';
      const [left, right] = operands.splice(operator === 'not' ? -1 : -2, 2, undefined);
      const odd = isJoined
        ? (oddAlone(left) ?? oddAlone(right))
        : (oddPair(left, right) ?? oddPair(right, left));
      if (odd !== undefined) return odd;
    }
  }
  return oddAlone(operands[0]);
}

/** A text that nothing is compared with holds whatever the call is. */
function oddAlone(token: Token | undefined): string | undefined {
  // Whoever writes `true` means every call: it is no text, though it has a content.
  if (!token || !('content' in token) || typeof token.content !== 'string') return undefined;
  const name = nearestName(token.content);
  const meant = name === undefined ? '' : ` Did you mean ${name}?`;
  return `${token.getText()} is a text by itself, which is so for every call.${meant} A text is compared with something, as in call.resultText == ${token.getText()}.`;
}

/** In parentheses. */
function oddGroup(token: Token): string | undefined {
  return 'initial' in token ? oddComparison((token as unknown as LiquidValue).initial.postfix) : undefined;
}

function oddPair(named: Token | undefined, written: Token | undefined): string | undefined {
  const name = named?.getText() ?? '';
  const text = written && 'content' in written ? String(written.content) : undefined;
  if (text === undefined || text === '') return undefined;
  if (times.test(name) && Number.isNaN(msOf(text, 'UTC')))
    return `'${text}' is no time that can be compared. Write it as '2026-03-01' or '2026-03-01 14:30', in the time zone of the source.`;
  const known = closedNames[name];
  if (!known || known.includes(text.toLowerCase())) return undefined;
  const own =
    name === 'call.result' ? 'call.resultText' : name === 'call.converted' ? 'PLA_Converted' : undefined;
  return `${name} is never '${text}': it is ${known.slice(0, -1).join(', ')} or ${known.at(-1)}.${own ? ` ${own} is what Delacon sent.` : ''}`;
}
