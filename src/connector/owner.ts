import * as z from 'zod';
import { samePhone } from '../call/phone.ts';
import type { Delivery } from './contract.ts';
import { expression } from './options.ts';

export const ownerOption = z
  .strictObject({
    by: expression().describe('What decides: call.answeredBy.number, call.serviceId, call.dealer.name.'),
    map: z
      .record(z.string().min(1), z.string().min(1))
      .describe("Value → e-mail address of the CRM's user. Phone numbers may be written in any form."),
    otherwise: z
      .string()
      .nullable()
      .default(null)
      .describe('E-mail address for every other value. null: the CRM decides.'),
  })
  .describe('Who owns what a call makes.');

export type OwnerOptions = z.output<typeof ownerOption>;

/**
 * The e-mail address of the owner, or null if the configuration names none for this call. While the phone rings, what
 * decides may not be known yet: then nobody is named, rather than `otherwise`, since who has a record keeps it.
 */
export function ownerOf(options: OwnerOptions | undefined, { call, source }: Delivery): string | null {
  if (!options) return null;
  const value = options.by.render({ call, timezone: source.timezone });
  const text = value === null ? '' : String(value).trim();
  if (text === '') return call.phase === 'ringing' ? null : options.otherwise;
  const named = Object.entries(options.map).find(
    ([key]) => key.trim().toLowerCase() === text.toLowerCase() || samePhone(key, text, source.region),
  );
  return named?.[1] ?? options.otherwise;
}
