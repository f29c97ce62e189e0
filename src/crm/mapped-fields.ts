import { readCall, stateAt } from '../call/call.ts';
import { delaconFields } from '../call/delacon-fields.ts';
import { pushFields } from '../call/push.ts';
import type { Mapping } from '../route/map-fields.ts';
import type { Value } from '../route/template.ts';

/** A field that the mapping names, as it has to be for what is written to it. */
export interface MappedField {
  name: string;
  /** For people, after its name: `talk_minutes` is "Talk minutes". */
  label: string;
  holds: 'text' | 'number' | 'yes or no' | 'date and time';
}

/** Those whose form the mapping tells: by what it yields for a call of which everything is known. */
export function mappedFields(mapping: Mapping): MappedField[] {
  return Object.entries(mapping).flatMap(([name, template]) => {
    const values = sampleCalls.map((call) => template.render({ call, timezone: 'UTC' }));
    const value = values.find((one) => one !== null && one !== '');
    return value === undefined
      ? []
      : [{ name, label: labelOf(name), holds: formOf(value as NonNullable<Value>) }];
  });
}

/** Of which everything is known: one that was answered, and one that left a message. */
export const sampleCalls = ['Answered', 'Unanswered'].map((result) => {
  const fields = Object.fromEntries(pushFields.map((name) => [name, delaconFields[name].example]));
  const state = stateAt(new Date(0), 'source', '1', { ...fields, PLA_CallResult: result });
  return readCall(state, {
    region: 'AU',
    timezone: 'UTC',
    withheldWords: [],
    missed: ['unanswered'],
    emailOnly: [],
  });
});

function formOf(value: NonNullable<Value>): MappedField['holds'] {
  if (value instanceof Date) return 'date and time';
  return typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'yes or no' : 'text';
}

function labelOf(name: string): string {
  const words = name.replace(/__c$/i, '').replace(/_+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
