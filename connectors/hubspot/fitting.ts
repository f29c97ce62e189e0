import { cut, instantOf, isDate, localDate, type Values } from '../../src/connector/index.ts';
import type { PropertyDefinition } from './answers.ts';

/** HubSpot's own limit for text properties. */
const longestText = 65_536;

/** The text that HubSpot takes for a value, or why there is none. What was changed on the way is told. */
export type Fitted = { text: string; note?: string } | { text: null; note: string };

type Definition = Pick<PropertyDefinition, 'name' | 'type' | 'fieldType' | 'options'> &
  Partial<Pick<PropertyDefinition, 'externalOptions' | 'referencedObjectType'>>;

/** Types of HubSpot's own properties that a mapping or a survey may fill with anything. */
const standardTypes: Record<string, string> = { amount: 'number' };

/** A property of which nothing is known is taken for text. */
export function fitValue(
  name: string,
  value: Values[string],
  known: Definition | undefined,
  timezone: string,
): Fitted {
  const definition = known ?? { name, type: standardTypes[name] ?? 'string', options: [] };
  // Clears the property. A mapping never yields it.
  if (value === '') return { text: '' };
  switch (definition.type) {
    case 'enumeration':
      return fitOption(definition, textOf(value));
    case 'bool':
      return fitBoolean(name, textOf(value));
    case 'number':
      return fitNumber(name, value);
    case 'datetime':
      return fitInstant(name, value, (instant) => instant.toISOString());
    case 'date':
      return fitDate(name, value, timezone);
    default:
      return fitText(name, textOf(value));
  }
}

export function textOf(value: Values[string] | undefined): string {
  return value instanceof Date ? value.toISOString() : String(value);
}

function leftOut(name: string, why: string): Fitted {
  return { text: null, note: `${name} was left out: ${why}` };
}

/** What is shown of a value that was left out. */
function shown(text: string): string {
  return `"${cut(text, 60)}"`;
}

function fitText(name: string, text: string): Fitted {
  if (name === 'hs_call_recording_url' && !text.startsWith('https://')) {
    return leftOut(name, 'HubSpot plays recordings from https addresses only.');
  }
  if (text.length <= longestText) return { text };
  return { text: cut(text, longestText), note: `${name} was cut to ${longestText} characters.` };
}

/** Properties whose values are kept apart from them: owners, and pipelines with their stages. */
export const listedElsewhere: ReadonlySet<string> = new Set(['hubspot_owner_id', 'pipeline', 'dealstage']);

/** A list that has nothing to choose from yet, as `hs_activity_type` where no call types were made. */
export function isEmptyList({
  name,
  type,
  options,
  externalOptions,
  referencedObjectType,
}: Definition): boolean {
  const isElsewhere = listedElsewhere.has(name) || externalOptions || referencedObjectType;
  return type === 'enumeration' && options.length === 0 && !isElsewhere;
}

/** By its value, or else by its label, whatever the case. HubSpot takes the value alone. */
function fitOption(definition: Definition, text: string): Fitted {
  const { name, fieldType, options } = definition;
  if (isEmptyList(definition)) return leftOut(name, 'it is a list, and this account has no options in it.');
  if (options.length === 0 || listedElsewhere.has(name)) return { text };
  const isSeveral = fieldType === 'checkbox' && text.includes(';');
  const wanted = isSeveral ? text.split(';').filter((part) => part.trim() !== '') : [text];
  const found: string[] = [];
  for (const one of wanted) {
    const lower = one.trim().toLowerCase();
    const option =
      options.find(({ value }) => value === one) ??
      options.find(({ value }) => value.toLowerCase() === lower) ??
      options.find(({ label }) => label.trim().toLowerCase() === lower);
    if (option) found.push(option.value);
  }
  if (found.length === wanted.length) return { text: `${/^;/.test(text) ? ';' : ''}${found.join(';')}` };
  return leftOut(name, `${shown(text)} is not one of its options: ${listed(options)}.`);
}

/** Enough to see what is meant. */
const mostListed = 12;

export function listed(options: readonly { value: string; label: string }[]): string {
  const names = options
    .slice(0, mostListed)
    .map(({ value, label }) => (label === value || label === '' ? value : `${label} (${value})`));
  return `${names.join(', ')}${options.length > mostListed ? ', …' : ''}`;
}

const truths: Record<string, string> = {
  true: 'true',
  yes: 'true',
  '1': 'true',
  false: 'false',
  no: 'false',
  '0': 'false',
};

function fitBoolean(name: string, text: string): Fitted {
  const truth = truths[text.trim().toLowerCase()];
  return truth === undefined ? leftOut(name, `${shown(text)} is neither true nor false.`) : { text: truth };
}

function fitNumber(name: string, value: Values[string]): Fitted {
  if (typeof value === 'number') return { text: plain(value) };
  if (typeof value === 'boolean') return { text: value ? '1' : '0' };
  if (value instanceof Date) return { text: String(value.getTime()) };
  const digits = value.replace(/[\s,]|^[A-Z]{0,3}\$/g, '');
  if (/^[-+]?\d+(\.\d+)?$/.test(digits)) return { text: digits.replace(/^\+/, '') };
  return leftOut(name, `${shown(value)} is not a number.`);
}

/** Without an exponent, which HubSpot does not read. */
function plain(value: number): string {
  return /e/.test(String(value)) ? value.toFixed(20).replace(/\.?0+$/, '') : String(value);
}

function fitInstant(name: string, value: Values[string], write: (instant: Date) => string): Fitted {
  const instant = instantOf(value);
  return instant
    ? { text: write(instant) }
    : leftOut(name, `${shown(textOf(value))} is not a time with its zone.`);
}

/** A day as the source's time zone has it. */
function fitDate(name: string, value: Values[string], timezone: string): Fitted {
  if (typeof value === 'string' && isDate(value)) return { text: value };
  return fitInstant(name, value, (instant) => localDate(instant, timezone));
}
