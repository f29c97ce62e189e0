import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { LRUCache } from 'lru-cache';

/** A number as Delacon sent it, and what we could make of it. */
export interface PhoneNumber {
  /** E.164, or null when the text is not a telephone number. */
  number: string | null;
  /** As dialled within its country, digits only: `0444444444`, `1300123456`. */
  national: string | null;
  /** For people: national spelling within the source's region, international otherwise; the raw text if unparsed. */
  display: string;
  /** As sent. */
  raw: string;
  /** ISO 3166 country. */
  country: string | null;
}

export type Region = CountryCode;

const parsed = new LRUCache<string, PhoneNumber>({ max: 5_000 });
/** Longer texts are no numbers: remembering thousands of them would take the memory of whole bodies. */
const longestRemembered = 64;
/** Of E.164: a plus sign and fifteen digits. */
const longestNumber = 16;

/**
 * Reads a telephone number in any spelling common in the region: `+61…`, `61…`, `0061…`, `0011 …`, `04…`, `13…`,
 * `1300…`, `0800…`, with blanks, brackets and extensions.
 */
export function parsePhone(raw: string, region: Region): PhoneNumber {
  if (raw.length > longestRemembered) return read(raw.trim(), region);
  const key = `${region} ${raw}`;
  const known = parsed.get(key);
  if (known) return known;
  const fresh = read(raw.trim(), region);
  parsed.set(key, fresh);
  return fresh;
}

function read(raw: string, region: Region): PhoneNumber {
  for (const text of raw.startsWith('00') ? [`+${raw.slice(2)}`, raw] : [raw]) {
    const phone = parsePhoneNumberFromString(text, { defaultCountry: region, extract: false });
    // A complete international number of a range that the metadata does not know yet is still a number.
    if (!phone || !(phone.isValid() || (text.startsWith('+') && raw.startsWith('+') && phone.isPossible())))
      continue;
    if (phone.number.length > longestNumber) continue;
    phone.setExt(''); // an extension is not part of whom to call
    const national = phone.formatNational();
    return {
      number: phone.number,
      national: national.replace(/\D/g, ''),
      display: phone.country === region ? national : phone.formatInternational(),
      raw,
      country: phone.country ?? null,
    };
  }
  return { number: null, national: null, display: raw, raw, country: null };
}

/**
 * How people type an E.164 number into a CRM, without separators: `+61444444444`, `61444444444`, `0444444444`,
 * `444444444`. What a CRM finds by them must be compared by `samePhone` before it is believed.
 */
export function writtenForms(number: string, region: Region): string[] {
  const phone = parsePhoneNumberFromString(number, region);
  if (!phone) return [number];
  const national = phone.formatNational().replace(/\D/g, '');
  return [...new Set([phone.number, phone.number.slice(1), national, phone.nationalNumber])];
}

/** Whether a text in a CRM's phone field is the number, however it was typed. */
export function samePhone(text: string | null | undefined, number: string, region: Region): boolean {
  if (!text) return false;
  const read = parsePhone(text, region).number;
  if (read !== null) return read === number;
  // `64 21 …` in Australia; or a number with something around it, such as `M: 04…`; or of a range that is not known yet.
  return (
    text.replace(/\D/g, '') === number.slice(1) || parsePhoneNumberFromString(text, region)?.number === number
  );
}
