import * as z from 'zod';
import { didYouMean } from './did-you-mean.ts';

/** The name of an IANA time zone. */
export const timeZone = () =>
  z.string().superRefine((zone, context) => {
    if (isTimeZone(zone)) return;
    const meant = didYouMean(zone, Intl.supportedValuesOf('timeZone'));
    context.addIssue({
      code: 'custom',
      message: `there is no time zone "${zone}".${meant || ' Write one like Australia/Perth.'}`,
    });
  });

/** A formatter takes half a millisecond, and ten thousand sources are in a handful of zones. */
const known = new Set<string>();

function isTimeZone(zone: string): boolean {
  if (known.has(zone)) return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    known.add(zone);
    return true;
  } catch {
    return false;
  }
}
