import type { Clock } from '../../src/connector/index.ts';
import {
  type Field,
  fit,
  Metadata,
  mappedNames,
  optionFor,
  type Draft as RecordDraft,
  textOf,
} from '../../src/crm/index.ts';
import type { FieldDescription, ObjectDescription } from './answers.ts';
import type { SalesforceApi } from './api.ts';
import { type Described as Told, takesCallType } from './facts.ts';
import { placeFields } from './model.ts';
import type { ObjectName, PersonObject, SalesforceOptions } from './options.ts';
import { attributionFields, isKey, longestDescription } from './setup-names.ts';
import type { Fields } from './written.ts';

/** A record to be written, as the mapping has it. With an Id, one that is there. */
export interface Draft extends RecordDraft {
  object: ObjectName;
  /** Of a caller's number, for who is made. */
  country?: string | null;
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
  Task: { Subject: 255, CallDisposition: 255, CallObject: 255, Description: longestDescription },
  Lead: { FirstName: 40, LastName: 80, Company: 255, Phone: 40, City: 40, State: 80, ...attributionLengths },
  Contact: {
    FirstName: 40,
    LastName: 80,
    Phone: 40,
    MailingCity: 40,
    MailingState: 80,
    ...attributionLengths,
  },
  Account: {},
  Opportunity: { Name: 120, Description: longestDescription },
};

/** A record as its fields can hold it, and what was cut or left out for it, for people to read. */
export interface Fitted {
  object: ObjectName;
  fields: Fields;
  notes: string[];
}

type Described = ReadonlyMap<string, FieldDescription>;

/**
 * What Salesforce says of the objects that are written. It costs a request, so it is asked only when a value was
 * refused, when the mapping writes to people who were there before, and for sales.
 */
export class Descriptions {
  readonly #metadata: Metadata<ObjectName, { object: ObjectDescription; fields: Described }>;

  readonly #mapped: ReadonlySet<string>;
  readonly #told: Told;
  #taskType: string | undefined;

  constructor(api: SalesforceApi, options: SalesforceOptions, clock: Clock) {
    this.#told = api.described;
    this.#mapped = new Set(mappedNames(options));
    this.#metadata = new Metadata(async (name, signal) => {
      const object = await api.describe(name, signal);
      return { object, fields: new Map(object.fields.map((field) => [field.name, field])) };
    }, clock);
  }

  async of(object: ObjectName, signal: AbortSignal): Promise<Described> {
    return (await this.#metadata.of(object, signal)).fields;
  }

  async object(name: ObjectName, signal: AbortSignal): Promise<ObjectDescription> {
    return (await this.#metadata.of(name, signal)).object;
  }

  /** Before Tasks are fitted: what was told of their types costs no request. */
  async recall(): Promise<void> {
    this.#taskType = (await this.#told.all()).taskType;
  }

  /** As its fields can hold it, as far as they are known. */
  fit(draft: Draft): Fitted {
    const known = this.known(draft.object);
    if (draft.object === 'Task' && this.#isUnwanted(draft, known)) {
      const { Type: _, ...values } = draft.values;
      return fitted({ ...draft, values }, known);
    }
    const place = this.spare(draft.object);
    if (!known || !place) return fitted(draft, known);
    const { values, notes } = placed(draft, known, place);
    const all = fitted({ ...draft, values }, known);
    return { ...all, notes: [...all.notes, ...notes] };
  }

  /** Whether it has a type that nobody asked for, and that the org is not known to take. */
  #isUnwanted({ values }: Draft, known: Described | undefined): boolean {
    if (!('Type' in values) || this.#mapped.has('Type')) return false;
    return known ? !takesCallType([...known.values()]) : this.#taskType === undefined;
  }

  /** What of a record nobody asked for, so that it goes where an org keeps it from us. */
  unasked(object: ObjectName): readonly string[] {
    if (object === 'Task') return this.#mapped.has('Type') ? [] : ['Type'];
    return this.spare(object)?.names ?? [];
  }

  /** Where an object says where somebody is, as far as the configuration does not. */
  spare(object: ObjectName): Spare | undefined {
    const place = placeFields[object as PersonObject];
    if (!place) return undefined;
    const { city, state, ...lists } = place;
    return { ...lists, names: [city, state].filter((name) => !this.#mapped.has(name)), state };
  }

  /** As last told, however long ago. */
  known(object: ObjectName): Described | undefined {
    return this.#metadata.known(object)?.fields;
  }

  /** Whatever is known. @throws RequestFailed */
  async refresh(object: ObjectName, signal: AbortSignal): Promise<void> {
    await this.#metadata.refresh(object, signal);
  }
}

interface Spare {
  /** Of city and state. */
  names: readonly string[];
  state: string;
  stateCode: string;
  countryCode: string;
}

/** Without what the org keeps from us. Where it has a list of countries and their states, a state is one of that. */
function placed({ object, values, country }: Draft, known: Described, place: Spare) {
  const { names, state, stateCode, countryCode } = place;
  const left = { ...values };
  const notes: string[] = [];
  const told = left[state];
  for (const name of names) if (known.get(name)?.createable !== true) delete left[name];
  const [states, countries] = [known.get(stateCode), known.get(countryCode)];
  if (!states || told === undefined || !names.includes(state)) return { values: left, notes };
  delete left[state];
  const code = optionFor(textOf(told), optionsOf(states));
  const within = countries && optionFor(country ?? '', optionsOf(countries));
  if (code !== undefined && within !== undefined && states.createable && countries?.createable)
    Object.assign(left, { [stateCode]: code, [countryCode]: within });
  else
    notes.push(
      `${object}.${state} was left out: the org's list of states has no "${textOf(told)}" of ${country ?? 'no country'}.`,
    );
  return { values: left, notes };
}

function fitted({ object, values, timezone }: Draft, known: Described | undefined): Fitted {
  const fields: Fields = {};
  const notes: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    const field = fieldOf(known?.get(name), standardLengths[object][name]);
    if (isKey(name) || !field) {
      fields[name] = typeof value === 'string' ? textOf(value) : value;
      continue;
    }
    const { text, note } = fit(`${object}.${name}`, value, field, timezone);
    if (text !== null) fields[name] = asJson(text, field);
    if (note !== undefined) notes.push(note);
  }
  return { object, fields, notes };
}

const kinds: Record<string, Field['kind']> = {
  boolean: 'boolean',
  int: 'number',
  double: 'number',
  currency: 'number',
  percent: 'number',
  date: 'date',
  datetime: 'instant',
  email: 'email',
  picklist: 'option',
  multipicklist: 'option',
};

/** Undefined: nothing is known that a value could be fitted to. */
function fieldOf(described: FieldDescription | undefined, standardLength?: number): Field | undefined {
  if (!described) return standardLength === undefined ? undefined : { kind: 'text', length: standardLength };
  const { type, length, digits, precision = 18, scale = 0, restrictedPicklist } = described;
  const kind = kinds[type] ?? 'text';
  if (kind === 'text' && length === 0) return undefined;
  return {
    kind,
    length,
    digits: digits || precision - scale,
    isWhole: type === 'int',
    options: optionsOf(described),
    takesSeveral: type === 'multipicklist',
    // A picklist that is not restricted takes any text, but reports know its options alone.
    takesOthers: !restrictedPicklist,
  };
}

export function optionsOf({ picklistValues }: Pick<FieldDescription, 'picklistValues'>) {
  return picklistValues.filter(({ active }) => active);
}

function asJson(text: string, { kind }: Field): unknown {
  if (kind === 'number') return text === '' ? null : Number(text);
  if (kind === 'boolean') return text === 'true';
  return text === '' && (kind === 'date' || kind === 'instant') ? null : text;
}
