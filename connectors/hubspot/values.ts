import { type Delivery, type Mapping, mapFields, type RecordDraft } from '../../src/connector/contract.ts';
import type { Properties } from './api.ts';

/** HubSpot's own limit for text properties. */
const longestText = 65_536;

type Values = RecordDraft['properties'];

/** Defaults, and what the mapping says instead or besides. A mapping that yields nothing takes its default away. */
export function withMapping(
  defaults: Record<string, Values[string] | null>,
  mapping: Mapping,
  delivery: Delivery,
): Values {
  const values: Values = {};
  for (const [name, value] of Object.entries(defaults)) {
    if (value !== null && value !== '' && !(name in mapping)) values[name] = value;
  }
  return { ...values, ...mapFields(mapping, { call: delivery.call, timezone: delivery.source.timezone }) };
}

/** Values as HubSpot takes them: text, all of it. What was cut is noted. */
export function asText(values: Values, notes: string[]): Properties {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const text = value instanceof Date ? value.toISOString() : String(value);
      if (text.length > longestText) notes.push(`${name} was cut to ${longestText} characters.`);
      return [name, cut(text, longestText)];
    }),
  );
}

/** At most so many UTF-16 units, and no half of a surrogate pair at the end. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '');
}
