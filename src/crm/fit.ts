import { parseAmount, parseYesNo } from '../call/values.ts';
import { cut, type Values } from '../connector/values.ts';
import { localDate } from '../text/business-hours.ts';
import { instantOf, isDate } from '../text/dates.ts';

/*
 * Values of the mapping as the fields of a CRM can hold them. What does not fit is changed as little as it takes, or left
 * out, and people are told in the same words whichever CRM it is.
 */

type Value = Values[string];

/** A field, as far as values are fitted to it. What is not said of it does not bound it. */
export interface Field {
  kind: 'text' | 'number' | 'boolean' | 'date' | 'instant' | 'email' | 'option';
  /** Of a text: the most UTF-16 units. */
  length?: number | undefined;
  /** Of a number: the most digits before the point. */
  digits?: number | undefined;
  /** Of a number: it has none behind it. */
  isWhole?: boolean | undefined;
  /** What there is to choose from. Undefined: it is kept elsewhere, so any text may be right. */
  options?: readonly Option[] | undefined;
  /** It takes several options, with semicolons between them. */
  takesSeveral?: boolean | undefined;
  /** It takes texts that are none of its options. */
  takesOthers?: boolean | undefined;
}

export interface Option {
  value: string;
  label?: string | null | undefined;
}

/** A value as text, numbers without an exponent; or why there is none. What was changed on the way is told. */
export type Fit = { text: string; note?: string } | { text: null; note: string };

export function fit(name: string, value: Value, field: Field, timezone: string): Fit {
  // Clears the field. A mapping never yields it.
  if (value === '') return { text: '' };
  switch (field.kind) {
    case 'option':
      return fitOption(name, textOf(value), field);
    case 'boolean':
      return fitBoolean(name, textOf(value));
    case 'number':
      return fitNumber(name, value, field);
    case 'instant':
      return fitInstant(name, value);
    case 'date':
      return fitDate(name, value, timezone);
    case 'email':
      return fitEmail(name, textOf(value));
    default:
      return fitText(name, textOf(value), field);
  }
}

/** Half a character is no JSON. */
export function textOf(value: Value | undefined): string {
  return value instanceof Date ? value.toISOString() : String(value).toWellFormed();
}

export function leftOut(name: string, why: string): { text: null; note: string } {
  return { text: null, note: `${name} was left out: ${why}` };
}

/** What is shown of a value that was left out. */
function shown(text: string): string {
  return `"${cut(text, 60)}"`;
}

function fitText(name: string, text: string, { length }: Field): Fit {
  if (length === undefined || text.length <= length) return { text };
  return { text: cut(text, length), note: `${name} was cut to ${length} characters.` };
}

function fitEmail(name: string, text: string): Fit {
  const isEmail = /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(text);
  return isEmail ? { text } : leftOut(name, `${shown(text)} is not an e-mail address.`);
}

function fitBoolean(name: string, text: string): Fit {
  const truth = parseYesNo(text);
  return truth === null
    ? leftOut(name, `${shown(text)} is neither true nor false.`)
    : { text: String(truth) };
}

function fitNumber(name: string, value: Value, { digits, isWhole }: Field): Fit {
  const read = numberOf(value);
  if (read === undefined) return leftOut(name, `${shown(textOf(value))} is not a number.`);
  const text = isWhole && read.includes('.') ? plain(Math.round(Number(read))) : read;
  return digits !== undefined && Math.abs(Number(text)) >= 10 ** digits
    ? leftOut(name, `${shown(text)} has more than ${digits} digits.`)
    : { text };
}

/** A text keeps all its digits: `$1,250.00` is 1250, and an id is what it is. */
function numberOf(value: Value): string | undefined {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value instanceof Date) return String(value.getTime());
  if (typeof value === 'number') return Number.isFinite(value) ? plain(value) : undefined;
  const text = value.trim();
  if (/^[-+]?\d+(\.\d+)?$/.test(text)) return text.replace(/^\+/, '');
  const amount = parseAmount(text.replace(/^[A-Z]{2}(?=\$)/, ''));
  return amount === null ? undefined : plain(amount);
}

function plain(value: number): string {
  return /e/.test(String(value)) ? value.toFixed(20).replace(/\.?0+$/, '') : String(value);
}

function fitInstant(name: string, value: Value): Fit {
  const instant = instantOf(value);
  return instant
    ? { text: instant.toISOString() }
    : leftOut(name, `${shown(textOf(value))} is not a time with its zone.`);
}

/** A day as the source's time zone has it. */
function fitDate(name: string, value: Value, timezone: string): Fit {
  if (typeof value === 'string' && isDate(value)) return { text: value };
  const instant = instantOf(value);
  return instant
    ? { text: localDate(instant, timezone) }
    : leftOut(name, `${shown(textOf(value))} is not a date.`);
}

/** By its value, or else by its label, whatever the case: CRMs take the value alone. */
function fitOption(name: string, text: string, field: Field): Fit {
  const { options, takesSeveral, takesOthers } = field;
  if (options === undefined) return { text };
  const isSeveral = takesSeveral === true && text.includes(';');
  const wanted = isSeveral ? text.split(';').filter((part) => part.trim() !== '') : [text];
  const found = wanted.flatMap((one) => optionFor(one, options) ?? []);
  // A leading semicolon adds to what is there.
  if (found.length === wanted.length)
    return { text: `${isSeveral && text.startsWith(';') ? ';' : ''}${found.join(';')}` };
  if (takesOthers) return fitText(name, text, field);
  if (options.length === 0) return leftOut(name, 'it is a list that has no options yet.');
  return leftOut(name, `${shown(text)} is not one of its options: ${listed(options)}.`);
}

/** The value of the option that is meant. */
export function optionFor(text: string, options: readonly Option[]): string | undefined {
  const wanted = text.trim().toLowerCase();
  const option =
    options.find(({ value }) => value === text) ??
    options.find(({ value }) => value.toLowerCase() === wanted) ??
    options.find(({ label }) => label?.trim().toLowerCase() === wanted);
  return option?.value;
}

/** Enough to see what is meant. */
const mostListed = 12;

export function listed(options: readonly Option[]): string {
  const names = options
    .slice(0, mostListed)
    .map(({ value, label }) => (label === value || !label ? value : `${label} (${value})`));
  return `${names.join(', ')}${options.length > mostListed ? ', …' : ''}`;
}
