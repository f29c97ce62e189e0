import type { Clock, Values } from '../../src/connector/index.ts';
import { type Field, fit, Metadata, textOf } from '../../src/crm/index.ts';
import type { FieldDescription, ObjectDescription } from './answers.ts';
import type { SalesforceApi } from './api.ts';
import { type Failure, RequestFailed } from './failures.ts';
import type { ObjectName } from './options.ts';
import type { Fields, Written } from './records.ts';
import { attributionFields, isKey, longestDescription } from './setup-names.ts';

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
  Task: { Subject: 255, CallDisposition: 255, CallObject: 255, Description: longestDescription },
  Lead: { FirstName: 40, LastName: 80, Company: 255, Phone: 40, ...attributionLengths },
  Contact: { FirstName: 40, LastName: 80, Phone: 40, ...attributionLengths },
  Account: {},
  Opportunity: { Name: 120, Description: longestDescription },
};

/** A record as its fields can hold it. */
export interface Fitted {
  object: ObjectName;
  fields: Fields;
}

type Described = ReadonlyMap<string, FieldDescription>;

/**
 * What Salesforce says of the objects that are written. It costs a request, so it is asked only when a value was
 * refused, when the mapping writes to people who were there before, and for sales.
 */
export class Descriptions {
  readonly #metadata: Metadata<ObjectName, { object: ObjectDescription; fields: Described }>;

  constructor(api: SalesforceApi, clock: Clock) {
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

  /** As its fields can hold it, as far as they are known. */
  fit(draft: Draft): Fitted {
    return fitted(draft, this.#known(draft.object));
  }

  #known(object: ObjectName): Described | undefined {
    return this.#metadata.known(object)?.fields;
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
    for (const { object } of drafts) if (this.#known(object)) await this.of(object, signal);
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
    return cure?.what === 'fields' && cure.names.some((name) => this.#known(object)?.get(name)?.createable);
  }

  /** Those that can be told now; what cannot be asked leaves the refusals as they are. */
  async #learnAgain(names: readonly ObjectName[], signal: AbortSignal): Promise<Map<ObjectName, Described>> {
    const learnt = new Map<ObjectName, Described>();
    for (const name of new Set(names)) {
      try {
        learnt.set(name, (await this.#metadata.refresh(name, signal)).fields);
      } catch (thrown) {
        if (!(thrown instanceof RequestFailed)) throw thrown;
      }
    }
    return learnt;
  }
}

function fitted({ object, values, timezone, notes }: Draft, known: Described | undefined): Fitted {
  const fields: Fields = {};
  for (const [name, value] of Object.entries(values)) {
    const field = fieldOf(known?.get(name), standardLengths[object][name]);
    if (isKey(name) || !field) {
      fields[name] = typeof value === 'string' ? textOf(value) : value;
      continue;
    }
    const { text, note } = fit(`${object}.${name}`, value, field, timezone);
    if (text !== null) fields[name] = asJson(text, field);
    if (note !== undefined && !notes.includes(note)) notes.push(note);
  }
  return { object, fields };
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
