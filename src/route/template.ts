import { Context, Liquid, type LiquidOptions, Output, toValueSync } from 'liquidjs';
import { bareNames, type Names, readNames, type Scope } from './names.ts';

/** What a mapping yields for one CRM property. Null and the empty text mean that there is nothing to write. */
export type Value = string | number | boolean | Date | null;

/** A value of the mapping, compiled. A template that is a single `{{ … }}` keeps the value's type. */
export interface Template {
  readonly text: string;
  /** What is odd about it, but may be meant: a sentence. */
  readonly odd?: string;
  /** Null where it cannot be made for this call. */
  render(scope: Scope): Value;
}

/** What is wrong with a template or condition, and what to write instead. */
export class TemplateProblem extends Error {
  override name = 'TemplateProblem';
}

const reckoning = [
  ...['plus', 'minus', 'times', 'divided_by', 'modulo'],
  ...['abs', 'ceil', 'floor', 'round', 'at_least', 'at_most'],
];

/** Liquid as the configuration has it. */
export function engine(own: Pick<LiquidOptions, 'operators' | 'groupedExpressions'> = {}): Liquid {
  const liquid = new Liquid({
    ...own,
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
  // What is not known stays so: Liquid makes 0 of it, and a deal was worth $0 whose amount nobody had told.
  for (const name of reckoning) {
    const plain = liquid.filters[name] as (this: unknown, ...args: unknown[]) => unknown;
    liquid.registerFilter(name, function (value: unknown, ...args: unknown[]) {
      return value === null || value === undefined ? null : plain.call(this, value, ...args);
    });
  }
  // In conditions, texts compare without letter case: this is for whoever wants it.
  liquid.registerFilter('exactly', (value: unknown, other: unknown) => value === other);
  return liquid;
}

const liquid = engine();

/** @throws TemplateProblem for a broken template, an unknown filter, or a name that no call has. */
export function compileTemplate(source: string | number | boolean): Template {
  if (typeof source !== 'string') return { text: String(source), render: () => source };
  const templates = parsing(() => liquid.parse(source));
  const { withFields } = namesOf(liquid.globalVariableSegmentsSync(templates));
  const only = templates.length === 1 && templates[0] instanceof Output ? templates[0].value : undefined;
  const odd = bareNames(source);
  return {
    text: source,
    ...(odd === undefined ? {} : { odd }),
    render(scope) {
      try {
        return only
          ? asValue(toValueSync(only.value(new Context(withFields(scope), liquid.options), true)))
          : String(inTime(() => liquid.renderSync(templates, withFields(scope))));
      } catch {
        return null; // such as a filter that one call's value does not suit: that call, and its batch, are written without
      }
    },
  };
}

/** The limit is by the clock on the wall. A machine that stood still for longer is no fault of what was rendered then. */
export function inTime<T>(render: () => T): T {
  try {
    return render();
  } catch (thrown) {
    if ((thrown as Error).message !== 'template render limit exceeded') throw thrown;
    return render();
  }
}

export function parsing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof TemplateProblem) throw cause;
    const reason =
      cause instanceof Error ? cause.message.replace(/, line:\d+, col:\d+$/s, '') : String(cause);
    throw new TemplateProblem(`${reason.split('\n')[0]}.`, { cause });
  }
}

/** @throws TemplateProblem for a name that no call has */
export function namesOf(paths: readonly (readonly unknown[])[]): Names {
  const names = readNames(paths);
  if (names.problem !== undefined) throw new TemplateProblem(names.problem);
  return names;
}

function asValue(value: unknown): Value {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' && !Number.isFinite(value)) return null; // JSON has no way to write it but null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof Date) return value;
  return Array.isArray(value) ? value.join('\n') : JSON.stringify(value);
}
