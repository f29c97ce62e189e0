import { type Clock, isRecent, type Values } from '../../src/connector/index.ts';
import { type Field, type Fit, fit, leftOut, textOf } from '../../src/crm/index.ts';
import type { PropertyDefinition } from './answers.ts';
import type { HubSpotApi, ObjectType } from './api.ts';
import type { Properties } from './batches.ts';
import { RequestFailed } from './failures.ts';
import { isOwn, keyNames, listedElsewhere } from './setup-names.ts';

/** How long what HubSpot said of its properties is believed without a reason to doubt it. */
const keptMs = 3_600_000;
/** While a mapped property is missing, somebody is expected to create it. */
const keptWhileLackingMs = 10_000;

/** By property, what may stand in place of its value, the best first. */
export type Instead = Readonly<Record<string, readonly (string | Date)[]>>;

/** Values as HubSpot takes them. */
export interface Fitted {
  properties: Properties;
  /** What was changed or left out, for people to read. */
  notes: string[];
  /** Mapped properties, or some of our own, that HubSpot does not have. */
  missing: string[];
}

interface Known {
  at: number;
  byName: ReadonlyMap<string, PropertyDefinition>;
}

/**
 * HubSpot's properties, and the fitting of values to them. What we write unasked is known to fit nearly every account,
 * so the properties of an object are read when the configuration maps some, or when HubSpot has refused one.
 */
export class Fields {
  readonly #api: HubSpotApi;
  readonly #clock: Clock;
  readonly #mapped: Record<ObjectType, ReadonlySet<string>>;
  readonly #known = new Map<ObjectType, Known>();
  readonly #reading = new Map<ObjectType, Promise<void>>();

  /** @param mapped the properties that the configuration names */
  constructor(api: HubSpotApi, clock: Clock, mapped: Record<ObjectType, readonly string[]>) {
    this.#api = api;
    this.#clock = clock;
    this.#mapped = {
      calls: new Set(mapped.calls),
      contacts: new Set(mapped.contacts),
      tasks: new Set(mapped.tasks),
      deals: new Set(mapped.deals),
    };
  }

  /** Before values are fitted. @throws RequestFailed where they must be known, and never were */
  async ready(objectType: ObjectType, signal: AbortSignal): Promise<void> {
    const known = this.#known.get(objectType);
    const mapped = this.#mapped[objectType];
    if (!known && mapped.size === 0) return;
    const isLacking = known !== undefined && [...mapped].some((name) => !known.byName.has(name));
    const believedMs = isLacking ? keptWhileLackingMs : keptMs;
    if (known && isRecent(known.at, believedMs, this.#clock.now().getTime())) return;
    try {
      await this.refresh(objectType, signal);
    } catch (thrown) {
      if (!known || !(thrown instanceof RequestFailed)) throw thrown;
    }
  }

  /** Whether the configuration names it. */
  isMapped(objectType: ObjectType, property: string): boolean {
    return this.#mapped[objectType].has(property);
  }

  /** @throws RequestFailed */
  async refresh(objectType: ObjectType, signal: AbortSignal): Promise<void> {
    const reading = this.#reading.get(objectType) ?? this.#read(objectType, signal);
    this.#reading.set(objectType, reading);
    try {
      await reading;
    } finally {
      this.#reading.delete(objectType);
    }
  }

  async #read(objectType: ObjectType, signal: AbortSignal): Promise<void> {
    const definitions = await this.#api.properties(objectType, signal);
    this.#known.set(objectType, {
      at: this.#clock.now().getTime(),
      byName: new Map(definitions.map((definition) => [definition.name, definition])),
    });
  }

  fit(objectType: ObjectType, values: Values, timezone: string, instead: Instead = {}): Fitted {
    const known = this.#known.get(objectType);
    const fitted: Fitted = { properties: {}, notes: [], missing: [] };
    for (const [name, value] of Object.entries(values)) {
      const definition = known?.byName.get(name);
      if (known && !definition && !keyNames.includes(name)) {
        if (isOwn(name) || this.#mapped[objectType].has(name)) fitted.missing.push(name);
        else fitted.notes.push(leftOut(name, 'this account does not have it.').note);
        continue;
      }
      if (definition?.modificationMetadata?.readOnlyValue) {
        fitted.notes.push(leftOut(name, 'HubSpot sets it itself.').note);
        continue;
      }
      let { text, note } = fitProperty(name, value, definition, timezone);
      if (text === null) {
        const others = (instead[name] ?? []).map((one) => fitProperty(name, one, definition, timezone).text);
        text = others.find((one) => one !== null) ?? null;
        if (text !== null) note = note?.replace(' was left out: ', ` is ${text}: `);
      }
      if (text !== null) fitted.properties[name] = text;
      if (note !== undefined) fitted.notes.push(note);
    }
    return fitted;
  }
}

/** HubSpot's own limit for text properties. */
const longestText = 65_536;

const kinds: Record<string, Field['kind']> = {
  bool: 'boolean',
  number: 'number',
  date: 'date',
  datetime: 'instant',
  enumeration: 'option',
};

/** Properties of HubSpot's own that a mapping or a survey may fill with anything, though nothing is known of them yet. */
const standardFields: Record<string, Field> = { amount: { kind: 'number' } };

export function fieldOf(definition: Definition): Field {
  const { name, type, fieldType, options, externalOptions, referencedObjectType } = definition;
  const isElsewhere =
    listedElsewhere.has(name) || (options.length === 0 && (externalOptions || referencedObjectType));
  return {
    kind: kinds[type] ?? 'text',
    length: longestText,
    options: type !== 'enumeration' || isElsewhere ? undefined : options,
    takesSeveral: fieldType === 'checkbox',
  };
}

type Definition = Pick<PropertyDefinition, 'name' | 'type' | 'fieldType' | 'options'> &
  Partial<Pick<PropertyDefinition, 'externalOptions' | 'referencedObjectType'>>;

/** A property of which nothing is known is taken for text. */
export function fitProperty(
  name: string,
  value: Values[string],
  definition: Definition | undefined,
  timezone: string,
): Fit {
  if (name === 'hs_call_recording_url' && value !== '' && !textOf(value).startsWith('https://'))
    return leftOut(name, 'HubSpot plays recordings from https addresses only.');
  const field = definition ? fieldOf(definition) : standardFields[name];
  return fit(name, value, field ?? { kind: 'text', length: longestText }, timezone);
}
