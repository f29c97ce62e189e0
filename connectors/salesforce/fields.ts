import { LRUCache } from 'lru-cache';
import { type Clock, localDate } from '../../src/connector/contract.ts';
import type { FieldDescription, Fields, SalesforceApi, Written } from './api.ts';
import { RequestFailed } from './failures.ts';
import type { ObjectName } from './options.ts';
import { ownFields } from './setup-names.ts';
import { cut, type Values } from './values.ts';

/** A record to be written, as the mapping has it. */
export interface Draft {
  values: Values;
  /** Of the business: for fields that hold a day. */
  timezone: string;
  /** Takes what was cut or left out. */
  notes: string[];
}

/** Lengths of the fields that we write without being asked: these are the same in every org. */
const standardLengths: Record<ObjectName, Record<string, number>> = {
  Task: { Subject: 255, CallDisposition: 255, CallObject: 255, Description: 32_000 },
  Lead: { FirstName: 40, LastName: 80, Company: 255, Phone: 40 },
  Contact: { FirstName: 40, LastName: 80, Phone: 40 },
};

/** How long a description is believed: administrators change fields. */
const believedMs = 10 * 60_000;

type Described = ReadonlyMap<string, FieldDescription>;

/**
 * What Salesforce says of the fields of an object. It costs a request, so it is asked only when a value was refused,
 * or when the mapping writes to people who were there before.
 */
export class FieldDescriptions {
  readonly #api: SalesforceApi;
  readonly #clock: Clock;
  readonly #known = new LRUCache<ObjectName, { fields: Described; at: number }>({ max: 3 });

  constructor(api: SalesforceApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  async of(object: ObjectName, signal: AbortSignal): Promise<Described> {
    return this.#believed(object) ?? (await this.#learn(object, signal));
  }

  /**
   * Writes records with values that their fields can hold. Those that are refused for a value are fitted to what
   * `describe` says, and written once more if that changed them.
   */
  async writeFitted(
    object: ObjectName,
    drafts: readonly Draft[],
    write: (values: readonly Fields[]) => Promise<Written[]>,
    signal: AbortSignal,
  ): Promise<Written[]> {
    const known = this.#believed(object);
    const first = drafts.map((draft) => fitted(object, draft, known));
    const written = await write(first);
    const refused = drafts.flatMap((_, place) =>
      written[place]?.failure?.cure?.what === 'values' ? [place] : [],
    );
    if (refused.length === 0) return written;
    const described = await this.#learn(object, signal).catch((thrown) => {
      if (thrown instanceof RequestFailed) return undefined;
      throw thrown;
    });
    const again = refused.flatMap((place) => {
      const values = fitted(object, drafts[place] as Draft, described);
      return JSON.stringify(values) === JSON.stringify(first[place]) ? [] : [{ place, values }];
    });
    if (again.length === 0) return written;
    const rewritten = await write(again.map(({ values }) => values));
    again.forEach(({ place }, i) => {
      written[place] = rewritten[i] as Written;
    });
    return written;
  }

  #believed(object: ObjectName): Described | undefined {
    const known = this.#known.get(object);
    return known && this.#clock.now().getTime() < known.at + believedMs ? known.fields : undefined;
  }

  async #learn(object: ObjectName, signal: AbortSignal): Promise<Described> {
    const { fields } = await this.#api.describe(object, signal);
    const known = new Map(fields.map((field) => [field.name, field]));
    this.#known.set(object, { fields: known, at: this.#clock.now().getTime() });
    return known;
  }
}

function fitted(
  object: ObjectName,
  { values, timezone, notes }: Draft,
  known: Described | undefined,
): Fields {
  const fields: Fields = {};
  for (const [name, value] of Object.entries(values)) {
    // Half a character is no JSON, and half a key would be the key of something else.
    const whole = typeof value === 'string' ? value.toWellFormed() : value;
    const fit =
      name === ownFields[object]
        ? { value }
        : fitValue(whole, known?.get(name), standardLengths[object][name], timezone);
    if (fit.value !== undefined) fields[name] = fit.value;
    if (fit.note !== undefined) {
      const note = `${object}.${name} ${fit.note}`;
      if (!notes.includes(note)) notes.push(note);
    }
  }
  return fields;
}

interface Fit {
  /** Undefined: it is left out. */
  value: unknown;
  note?: string;
}

type Value = Values[string];

function fitValue(
  value: Value,
  field: FieldDescription | undefined,
  standardLength: number | undefined,
  timezone: string,
): Fit {
  if (!field) return standardLength === undefined ? { value } : fitText(value, standardLength);
  switch (field.type) {
    case 'boolean':
      return fitBoolean(value);
    case 'int':
    case 'double':
    case 'currency':
    case 'percent':
      return fitNumber(value, field);
    case 'date':
      return fitDate(value, timezone);
    case 'datetime':
      return fitInstant(value);
    case 'email':
      return /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(String(value))
        ? { value }
        : leftOut(value, 'is no e-mail address');
    case 'picklist':
      return field.restrictedPicklist ? fitOption(value, field) : fitText(value, field.length);
    default:
      return field.length > 0 ? fitText(value, field.length) : { value };
  }
}

function fitText(value: Value, length: number): Fit {
  if (typeof value === 'string' && value.length <= length) return { value };
  const text = value instanceof Date ? value.toISOString() : String(value);
  const note = text.length > length ? { note: `was cut to ${length} characters.` } : {};
  return { value: cut(text, length), ...note };
}

function fitBoolean(value: Value): Fit {
  if (typeof value === 'boolean') return { value };
  const text = String(value).toLowerCase();
  return text === 'true' || text === 'false'
    ? { value: text === 'true' }
    : leftOut(value, 'is not true or false');
}

function fitNumber(value: Value, field: FieldDescription): Fit {
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return leftOut(value, 'is no number');
  const fit = field.type === 'int' ? Math.round(number) : number;
  const digits = field.digits || (field.precision ?? 18) - (field.scale ?? 0);
  return Math.abs(fit) < 10 ** digits ? { value: fit } : leftOut(value, `has more than ${digits} digits`);
}

function fitDate(value: Value, timezone: string): Fit {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value)) return { value };
  const instant = instantOf(value);
  return instant ? { value: localDate(instant, timezone) } : leftOut(value, 'is no date');
}

function fitInstant(value: Value): Fit {
  const instant = instantOf(value);
  return instant ? { value: instant.toISOString() } : leftOut(value, 'is no time');
}

function instantOf(value: Value): Date | undefined {
  const instant = new Date(value instanceof Date || typeof value === 'string' ? value : Number.NaN);
  return Number.isNaN(instant.getTime()) ? undefined : instant;
}

function fitOption(value: Value, field: FieldDescription): Fit {
  const text = String(value).toLowerCase();
  const option = field.picklistValues.find(
    (one) => one.active && (one.value.toLowerCase() === text || one.label?.toLowerCase() === text),
  );
  return option ? { value: option.value } : leftOut(value, 'is not among its values');
}

function leftOut(value: Value, why: string): Fit {
  return { value: undefined, note: `was left out: "${cut(String(value), 80)}" ${why}.` };
}
