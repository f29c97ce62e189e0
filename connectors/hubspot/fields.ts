import { type Clock, isRecent, type Values } from '../../src/connector/index.ts';
import type { PropertyDefinition } from './answers.ts';
import type { HubSpotApi, ObjectType } from './api.ts';
import type { Properties } from './batches.ts';
import { RequestFailed } from './failures.ts';
import { fitValue } from './fitting.ts';
import { isOwn, keyNames } from './setup-names.ts';

/** How long what HubSpot said of its properties is believed without a reason to doubt it. */
const keptMs = 3_600_000;
/** While a mapped property is missing, somebody is expected to create it. */
const keptWhileLackingMs = 10_000;

/** By property, what may stand in place of its value, the best first. */
export type Instead = Readonly<Record<string, readonly (string | Date)[]>>;

/** Values as HubSpot takes them. */
export interface Fit {
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

  fit(objectType: ObjectType, values: Values, timezone: string, instead: Instead = {}): Fit {
    const known = this.#known.get(objectType);
    const fit: Fit = { properties: {}, notes: [], missing: [] };
    for (const [name, value] of Object.entries(values)) {
      const definition = known?.byName.get(name);
      if (known && !definition && !keyNames.includes(name)) {
        if (isOwn(name) || this.#mapped[objectType].has(name)) fit.missing.push(name);
        else fit.notes.push(`${name} was left out: this account does not have it.`);
        continue;
      }
      if (definition?.modificationMetadata?.readOnlyValue) {
        fit.notes.push(`${name} was left out: HubSpot sets it itself.`);
        continue;
      }
      let { text, note } = fitValue(name, value, definition, timezone);
      if (text === null) {
        const others = (instead[name] ?? []).map((one) => fitValue(name, one, definition, timezone).text);
        text = others.find((one) => one !== null) ?? null;
        if (text !== null) note = note?.replace(' was left out: ', ` is ${text}: `);
      }
      if (text !== null) fit.properties[name] = text;
      if (note !== undefined) fit.notes.push(note);
    }
    return fit;
  }
}
