import type { Mapping } from '../route/map-fields.ts';
import { mapFields } from '../route/map-fields.ts';
import type { Delivery, RecordDraft } from './contract.ts';

/** What a record is to hold, before it is fitted to what the CRM takes. */
export type Values = RecordDraft['properties'];

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

/** At most so many UTF-16 units, and no half of a surrogate pair at the end. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '');
}
