import { LRUCache } from 'lru-cache';
import {
  type Clock,
  cut,
  instantOf,
  isDate,
  isRecent,
  localDate,
  type Values,
} from '../../src/connector/index.ts';
import type { FieldDescription, ObjectDescription } from './answers.ts';
import type { Fields, SalesforceApi, Written } from './api.ts';
import { type Failure, RequestFailed } from './failures.ts';
import type { ObjectName } from './options.ts';
import { attributionFields, isKey } from './setup-names.ts';

/** A record to be written, as the mapping has it. */
export interface Draft {
  object: ObjectName;
  values: Values;
  /** Of the business: for fields that hold a day. */
  timezone: string;
  /** Takes what was cut or left out. */
  notes: string[];
}

/** Text fields that setup makes have the most that Salesforce gives them. */
export const longestText = 255;

const attributionLengths = Object.fromEntries(
  Object.values(attributionFields).flatMap(({ at: _, ...texts }) =>
    Object.values(texts).map((name) => [name, longestText]),
  ),
);

/** Lengths of the fields that we write without being asked: these are the same in every org. */
const standardLengths: Record<ObjectName, Record<string, number>> = {
  Task: { Subject: 255, CallDisposition: 255, CallObject: 255, Description: 32_000 },
  Lead: { FirstName: 40, LastName: 80, Company: 255, Phone: 40, ...attributionLengths },
  Contact: { FirstName: 40, LastName: 80, Phone: 40, ...attributionLengths },
  Account: {},
  Opportunity: { Name: 120, Description: 32_000 },
};

/** A record as its fields can hold it. */
export interface Fitted {
  object: ObjectName;
  fields: Fields;
}

/** How long a description is believed: administrators change fields. */
const believedMs = 10 * 60_000;

type Described = ReadonlyMap<string, FieldDescription>;

/**
 * What Salesforce says of the objects that are written. It costs a request, so it is asked only when a value was
 * refused, when the mapping writes to people who were there before, and for sales.
 */
export class Descriptions {
  readonly #api: SalesforceApi;
  readonly #clock: Clock;
  readonly #known = new LRUCache<ObjectName, { object: ObjectDescription; fields: Described; at: number }>({
    max: 5,
  });

  constructor(api: SalesforceApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  async of(object: ObjectName, signal: AbortSignal): Promise<Described> {
    return this.#believed(object) ?? (await this.#learn(object, signal)).fields;
  }

  async object(name: ObjectName, signal: AbortSignal): Promise<ObjectDescription> {
    await this.of(name, signal);
    return (this.#known.get(name) as { object: ObjectDescription }).object;
  }

  /** As its fields can hold it, as far as they are known. */
  fit(draft: Draft): Fitted {
    return fitted(draft, this.#believed(draft.object));
  }

  /**
   * Writes records with values that their fields can hold. Those that are refused for a value, or for a field that was
   * there a while ago, are fitted to what `describe` says now, and written once more if that changed them. One that is
   * refused for its owner is written without.
   */
  async writeFitted(
    drafts: readonly Draft[],
    write: (records: readonly Fitted[]) => Promise<Written[]>,
    signal: AbortSignal,
  ): Promise<Written[]> {
    const first = drafts.map((draft) => this.fit(draft));
    const written = await write(first);
    const refused = drafts.flatMap((draft, place) => (this.#mayFit(draft, written[place]) ? [place] : []));
    const described = await this.#learnAgain(
      refused.flatMap((place) => {
        const isOwner = written[place]?.failure?.cure?.what === 'owner';
        return isOwner ? [] : [(drafts[place] as Draft).object];
      }),
      signal,
    );
    const again = refused.flatMap((place) => {
      const { failure } = written[place] as { failure: Failure };
      const draft = drafts[place] as Draft;
      if (failure.cure?.what === 'owner') {
        const { OwnerId: _, ...values } = draft.values;
        draft.notes.push(`The owner was left out. ${failure.reason}`);
        return [{ place, record: this.fit({ ...draft, values }) }];
      }
      const record = fitted(draft, described.get(draft.object));
      return JSON.stringify(record) === JSON.stringify(first[place]) ? [] : [{ place, record }];
    });
    if (again.length === 0) return written;
    const rewritten = await write(again.map(({ record }) => record));
    again.forEach(({ place }, i) => {
      written[place] = rewritten[i] as Written;
    });
    return written;
  }

  #mayFit({ object, values }: Draft, written: Written | undefined): boolean {
    const cure = written?.failure?.cure;
    if (cure?.what === 'values') return true;
    if (cure?.what === 'owner') return 'OwnerId' in values;
    // A field that we were told of, and that is there no more.
    return (
      cure?.what === 'fields' && cure.names.some((name) => this.#believed(object)?.get(name)?.createable)
    );
  }

  #believed(object: ObjectName): Described | undefined {
    const known = this.#known.get(object);
    const isBelieved = known && isRecent(known.at, believedMs, this.#clock.now().getTime());
    return isBelieved ? known.fields : undefined;
  }

  /** Those that can be told now; what cannot be asked leaves the refusals as they are. */
  async #learnAgain(names: readonly ObjectName[], signal: AbortSignal): Promise<Map<ObjectName, Described>> {
    const learnt = new Map<ObjectName, Described>();
    for (const name of new Set(names)) {
      try {
        learnt.set(name, (await this.#learn(name, signal)).fields);
      } catch (thrown) {
        if (!(thrown instanceof RequestFailed)) throw thrown;
      }
    }
    return learnt;
  }

  async #learn(name: ObjectName, signal: AbortSignal) {
    const object = await this.#api.describe(name, signal);
    const fields = new Map(object.fields.map((field) => [field.name, field]));
    const known = { object, fields, at: this.#clock.now().getTime() };
    this.#known.set(name, known);
    return known;
  }
}

function fitted({ object, values, timezone, notes }: Draft, known: Described | undefined): Fitted {
  const fields: Fields = {};
  for (const [name, value] of Object.entries(values)) {
    const whole = typeof value === 'string' ? value.toWellFormed() : value; // half a character is no JSON
    const fit = isKey(name)
      ? { value }
      : fitValue(whole, known?.get(name), standardLengths[object][name], timezone);
    if (fit.value !== undefined) fields[name] = fit.value;
    if (fit.note !== undefined) {
      const note = `${object}.${name} ${fit.note}`;
      if (!notes.includes(note)) notes.push(note);
    }
  }
  return { object, fields };
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
      return fitOption(value, field);
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
  if (typeof value === 'string' && isDate(value)) return { value };
  const instant = instantOf(value);
  return instant ? { value: localDate(instant, timezone) } : leftOut(value, 'is no date');
}

function fitInstant(value: Value): Fit {
  const instant = instantOf(value);
  return instant ? { value: instant.toISOString() } : leftOut(value, 'is no time with its zone');
}

/** A picklist that is not restricted takes any text, but reports know its options alone. */
function fitOption(value: Value, field: FieldDescription): Fit {
  const option = optionFor(String(value), field);
  if (option) return { value: option };
  return field.restrictedPicklist ? leftOut(value, 'is not among its values') : fitText(value, field.length);
}

/** The option that is meant, by value or label. */
export function optionFor(text: string, field: FieldDescription): string | undefined {
  const wanted = text.trim().toLowerCase();
  return field.picklistValues.find(
    (one) => one.active && (one.value.toLowerCase() === wanted || one.label?.toLowerCase() === wanted),
  )?.value;
}

function leftOut(value: Value, why: string): Fit {
  return { value: undefined, note: `was left out: "${cut(String(value), 80)}" ${why}.` };
}
