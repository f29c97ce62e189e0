import * as z from 'zod';
import { samePhone } from '../call/phone.ts';
import type { Delivery } from './contract.ts';
import { expression } from './options.ts';

const oneOwner = z.string().min(1);

const ownerByCall = z
  .strictObject({
    by: expression()
      .optional()
      .describe('What decides: call.answeredBy.number, call.serviceId, call.dealer.name.'),
    map: z
      .record(z.string().min(1), z.string().min(1))
      .optional()
      .describe("Value → e-mail address of the CRM's user. Phone numbers may be written in any form."),
    otherwise: z
      .string()
      .nullable()
      .default(null)
      .describe('E-mail address for every other value. null: the CRM decides.'),
  })
  .superRefine(({ by, map, otherwise }, context) => {
    if (by !== undefined && map !== undefined) return;
    const isWhole = by === undefined && map === undefined;
    if (isWhole && otherwise) return;
    const message = isWhole ? nobody : 'is missing.';
    context.addIssue({ code: 'custom', path: isWhole ? [] : [by ? 'map' : 'by'], message });
  });

const nobody =
  'names nobody. Write an e-mail address (owner: jane@acme.example), or by and map where the call decides.';

export const ownerOption = z
  .union([oneOwner, ownerByCall], { error: nobody })
  .transform((owner) => {
    const { by, map = {}, otherwise } = typeof owner === 'string' ? { otherwise: owner } : owner;
    return { by, map, otherwise };
  })
  .describe("Who owns what a call makes: the e-mail address of the CRM's user; or by, map and otherwise.");

export type OwnerOptions = z.output<typeof ownerOption>;

/**
 * The e-mail address of the owner, or null if the configuration names none for this call. While the phone rings, what
 * decides may not be known yet: then nobody is named, rather than `otherwise`, since who has a record keeps it.
 */
export function ownerOf(options: OwnerOptions | undefined, { call, source }: Delivery): string | null {
  if (!options) return null;
  if (!options.by) return options.otherwise;
  const value = options.by.render({ call, timezone: source.timezone });
  const text = value === null ? '' : String(value).trim();
  if (text === '') return call.phase === 'ringing' ? null : options.otherwise;
  const named = Object.entries(options.map).find(
    ([key]) => key.trim().toLowerCase() === text.toLowerCase() || samePhone(key, text, source.region),
  );
  return named?.[1] ?? options.otherwise;
}
