import type { Clock, Values } from '../../src/connector/index.ts';
import { type Field, type Fit, fit, type Instead, leftOut, Metadata, textOf } from '../../src/crm/index.ts';
import type { PropertyDefinition } from './answers.ts';
import type { HubSpotApi } from './api.ts';
import type { Properties } from './batches.ts';
import type { Unwritable } from './failures.ts';
import { isOwn, keyNames, listedElsewhere, longestText, type ObjectType } from './setup-names.ts';

/** Values as HubSpot takes them. */
export interface Fitted {
  properties: Properties;
  /** What was changed or left out, for people to read. */
  notes: string[];
  /** A property that the mapping names, or one of our own, and that HubSpot does not have, or sets itself. */
  unwritable?: Unwritable;
}

/**
 * HubSpot's properties, and the fitting of values to them. What we write unasked is known to fit nearly every account,
 * so the properties of an object are read when the configuration maps some, or when HubSpot has refused one.
 */
export class Fields {
  readonly #properties: Metadata<ObjectType, ReadonlyMap<string, PropertyDefinition>>;
  readonly #mapped: Record<ObjectType, ReadonlySet<string>>;

  /** @param mapped the properties that the configuration names */
  constructor(api: HubSpotApi, clock: Clock, mapped: Record<ObjectType, readonly string[]>) {
    this.#properties = new Metadata(async (objectType, signal) => {
      const definitions = await api.properties(objectType, signal);
      return new Map(definitions.map((definition) => [definition.name, definition]));
    }, clock);
    this.#mapped = {
      calls: new Set(mapped.calls),
      contacts: new Set(mapped.contacts),
      tasks: new Set(mapped.tasks),
      deals: new Set(mapped.deals),
    };
  }

  /** Before values are fitted. @throws RequestFailed where they must be known, and never were */
  async ready(objectType: ObjectType, signal: AbortSignal): Promise<void> {
    const mapped = [...this.#mapped[objectType]];
    if (!this.#properties.known(objectType) && mapped.length === 0) return;
    await this.#properties.of(objectType, signal, (known) =>
      mapped.some((name) => isUnwritable(known.get(name))),
    );
  }

  /** Whether the configuration names it. */
  isMapped(objectType: ObjectType, property: string): boolean {
    return this.#mapped[objectType].has(property);
  }

  /** @throws RequestFailed */
  async refresh(objectType: ObjectType, signal: AbortSignal): Promise<void> {
    await this.#properties.refresh(objectType, signal);
  }

  fit(objectType: ObjectType, values: Values, timezone: string, instead: Instead = {}): Fitted {
    const known = this.#properties.known(objectType);
    const fitted: Fitted = { properties: {}, notes: [] };
    for (const [name, value] of Object.entries(values)) {
      const definition = known?.get(name);
      if (known && isUnwritable(definition) && !keyNames.includes(name)) {
        const why = definition ? 'HubSpot sets it itself.' : 'this account does not have it.';
        if (isOwn(name) || this.#mapped[objectType].has(name))
          fitted.unwritable ??= { property: name, isThere: definition !== undefined };
        else fitted.notes.push(leftOut(name, why).note);
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

function isUnwritable(definition: PropertyDefinition | undefined): boolean {
  return !definition || definition.modificationMetadata?.readOnlyValue === true;
}

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
