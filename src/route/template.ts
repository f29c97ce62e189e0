import { Context, Liquid, Value as LiquidValue, Output, toValueSync } from 'liquidjs';
import { type Call, readCall } from '../call/call.ts';
import { didYouMean } from '../text/did-you-mean.ts';

/** What a mapping yields for one CRM property. Null and the empty text mean that there is nothing to write. */
export type Value = string | number | boolean | Date | null;

/** What templates and conditions can see. */
export interface Scope {
  call: Call;
  /** IANA zone of the source: the `date` filter writes local time. */
  timezone: string;
}

/** A value of the mapping, compiled. A template that is a single `{{ … }}` keeps the value's type. */
export interface Template {
  readonly text: string;
  /** Null where it cannot be made for this call. */
  render(scope: Scope): Value;
}

/** A `when`, compiled. */
export interface Condition {
  readonly text: string;
  /** @throws where it cannot be told for this call */
  matches(scope: Scope): boolean;
}

/** What is wrong with a template or condition, and what to write instead. */
export class TemplateProblem extends Error {
  override name = 'TemplateProblem';
}

const liquid = new Liquid({
  ownPropertyOnly: true,
  strictFilters: true,
  templates: {}, // no files: templates come from the configuration alone
  // A mapping handles one call; these stop a loop over a loop long before it is felt.
  parseLimit: 100_000,
  renderLimit: 200, // ms
  memoryLimit: 1_000_000, // characters and elements; of ten times as many, one loop takes a second before its first turn
});
for (const tag of ['include', 'render', 'layout', 'block']) delete liquid.tags[tag];

const plainDate = liquid.filters['date'] as (this: unknown, ...args: unknown[]) => unknown;
liquid.registerFilter('date', function (value: unknown, format?: unknown, timezone?: unknown) {
  return plainDate.call(this, value, format, timezone ?? this.context.getSync(['timezone']));
});

/** @throws TemplateProblem for a broken template, an unknown filter, or a name that no call has. */
export function compileTemplate(source: string | number | boolean): Template {
  if (typeof source !== 'string') return { text: String(source), render: () => source };
  const templates = parsing(() => liquid.parse(source));
  checkNames(liquid.globalVariableSegmentsSync(templates));
  const only = templates.length === 1 && templates[0] instanceof Output ? templates[0].value : undefined;
  return {
    text: source,
    render(scope) {
      try {
        return only
          ? asValue(toValueSync(only.value(new Context(scope, liquid.options), true)))
          : String(inTime(() => liquid.renderSync(templates, scope)));
      } catch {
        return null; // such as a filter that one call's value does not suit: that call, and its batch, are written without
      }
    },
  };
}

/** @throws TemplateProblem */
export function compileCondition(source: string): Condition {
  if (source.includes('{{') || source.includes('{%')) {
    throw new TemplateProblem('a condition is a bare expression: leave out the braces.');
  }
  parsing(() => checkComplete(new LiquidValue(source, liquid), source));
  const block = parsing(() => liquid.parse(`{% if ${source} %}1{% endif %}`));
  checkNames(liquid.globalVariableSegmentsSync(block));
  return { text: source, matches: (scope) => inTime(() => liquid.renderSync(block, scope)) === '1' };
}

/** The limit is by the clock on the wall. A machine that stood still for longer is no fault of what was rendered then. */
function inTime<T>(render: () => T): T {
  try {
    return render();
  } catch (thrown) {
    if ((thrown as Error).message !== 'template render limit exceeded') throw thrown;
    return render();
  }
}

/** Whether a condition is known to hold: one that cannot be told does not. */
export function holds(condition: Condition, scope: Scope): boolean {
  try {
    return condition.matches(scope);
  } catch {
    return false;
  }
}

function parsing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof TemplateProblem) throw cause;
    const reason =
      cause instanceof Error ? cause.message.replace(/, line:\d+, col:\d+$/s, '') : String(cause);
    throw new TemplateProblem(`${reason.split('\n')[0]}.`, { cause });
  }
}

/** Liquid evaluates `call.missed and` without a word; here every operator has what it joins. */
function checkComplete(value: LiquidValue, source: string): void {
  let values = 0;
  for (const token of value.initial.postfix) {
    const operator = 'operator' in token ? token.operator : undefined;
    if (operator === undefined) values++;
    else if (operator !== 'not' && --values < 1) values = Number.NEGATIVE_INFINITY;
  }
  if (values !== 1) throw new TemplateProblem(`"${source}" is not a complete condition.`);
}

/** Every name a call has, as paths; `call.fields` and `call.notes` hold what comes. */
export const callNames: ReadonlySet<string> = new Set(namesOf(emptyCall(), 'call'));

function emptyCall(): Call {
  return readCall(
    { source: '', callId: '', fields: {}, firstReceivedAt: new Date(0), endReceivedAt: null, lapsed: false },
    { region: 'AU', timezone: 'UTC', withheldWords: [], missed: [], emailOnly: [] },
  );
}

function namesOf(group: object, path: string): string[] {
  return Object.entries(group).flatMap(([name, value]) => {
    const isGroup =
      value !== null && typeof value === 'object' && !(value instanceof Date) && !Array.isArray(value);
    return isGroup && name !== 'fields' ? namesOf(value, `${path}.${name}`) : [`${path}.${name}`];
  });
}

function checkNames(paths: readonly (readonly unknown[])[]): void {
  for (const segments of paths) {
    const known = segments.findIndex((segment) => typeof segment !== 'string');
    const name = (known < 0 ? segments : segments.slice(0, known)).join('.');
    if (name === 'call.fields')
      throw new TemplateProblem('call.fields is a map: name a key, as in call.fields.PLA_CID.');
    if (name === 'timezone' || callNames.has(name) || name.startsWith('call.fields.')) continue;
    const within = [...callNames].filter((candidate) => candidate.startsWith(`${name}.`));
    throw new TemplateProblem(
      within.length > 0
        ? `${name} is a group, not a value. It has ${within.slice(0, 6).join(', ')}${within.length > 6 ? ', …' : ''}.`
        : `no call has the name "${name}".${didYouMean(name, callNames)}`,
    );
  }
}

function asValue(value: unknown): Value {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' && !Number.isFinite(value)) return null; // JSON has no way to write it but null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof Date) return value;
  return Array.isArray(value) ? value.join('\n') : JSON.stringify(value);
}
