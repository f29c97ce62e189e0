import type { Call } from '../call/call.ts';
import type { Values } from '../connector/values.ts';

/*
 * How a person's first call came about, and their latest, in fields of ours: CRMs set their own by other things, or let
 * nobody set them.
 */

/** How a call came about. */
export interface Touch {
  at: Date;
  /** `google / paid`; what Delacon calls engine and type. */
  source: string | null;
  keywords: string | null;
  campaign: string | null;
  landingPage: string | null;
  gclid: string | null;
}

/** The fields that hold a person's touches. */
export type TouchFields = Readonly<Record<'first' | 'last', Readonly<Record<keyof Touch, string>>>>;

/** Null for a call that says nothing of how it came about, such as one from a printed number. */
function touchOf({ startedAt, marketing }: Call): Touch | null {
  const { engine, type, keywords, landingPage, gclid, utm } = marketing;
  const source = [engine ?? utm.source, type ?? utm.medium].filter(Boolean).join(' / ') || null;
  const touch = { source, keywords, campaign: utm.campaign, landingPage, gclid };
  return Object.values(touch).some((value) => value !== null) ? { at: startedAt, ...touch } : null;
}

/**
 * What a call says of the touches of somebody who holds these values: the first is that of their earliest call, also when
 * that comes last; the last is that of the latest, as the call now stands. A touch is written whole, what it does not say
 * is blank, so that no parts of two are mixed.
 */
export function touchChanges(
  fields: TouchFields,
  held: Readonly<Record<string, unknown>>,
  call: Call,
): Values {
  const touch = touchOf(call);
  if (!touch) return {};
  const at = touch.at.getTime();
  const written = (which: 'first' | 'last'): Values =>
    Object.fromEntries(
      (Object.keys(touch) as (keyof Touch)[]).map((part) => [fields[which][part], touch[part] ?? '']),
    );
  return {
    ...(at >= timeOf(held[fields.first.at]) ? {} : written('first')),
    ...(at < timeOf(held[fields.last.at]) ? {} : written('last')),
  };
}

/** What somebody is made with whose calls these are, in any order: a new record needs no blanks. */
export function touchesOfNew(fields: TouchFields, calls: readonly Call[]): Values {
  const values: Values = {};
  for (const call of calls) Object.assign(values, touchChanges(fields, values, call));
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}

export function touchNames({ first, last }: TouchFields): string[] {
  return [...Object.values(first), ...Object.values(last)];
}

/** NaN of what is no time. Salesforce writes +0000 where JavaScript's own form has +00:00. */
function timeOf(value: unknown): number {
  if (value instanceof Date) return value.getTime();
  return Date.parse(String(value ?? '').replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
}
