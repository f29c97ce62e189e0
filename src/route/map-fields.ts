import type { Scope } from './names.ts';
import type { Template, Value } from './template.ts';

/** Templates by CRM property name. */
export type Mapping = Readonly<Record<string, Template>>;

/**
 * What a mapping yields for a call, in the mapping's order. Properties without a value are left out: writing a blank
 * would erase what the CRM holds.
 */
export function mapFields(mapping: Mapping, scope: Scope): Record<string, Exclude<Value, null>> {
  const mapped: Record<string, Exclude<Value, null>> = {};
  for (const [property, template] of Object.entries(mapping)) {
    const value = template.render(scope);
    if (value === null || (typeof value === 'string' && value.trim() === '')) continue;
    mapped[property] = typeof value === 'string' ? value.trim() : value;
  }
  return mapped;
}
