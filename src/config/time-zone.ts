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

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
