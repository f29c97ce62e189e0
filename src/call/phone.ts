import { type CountryCode, findPhoneNumbersInText, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { cacheOf } from '../cache.ts';
import { plain } from './mask.ts';
import { withoutLabels } from './number-labels.ts';

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

const parsed = cacheOf<string, PhoneNumber>(5_000);
/** Longer texts are no numbers: remembering thousands of them would take the memory of whole bodies. */
const longestRemembered = 64;
/** Longer ones are not read: the library takes no more of them. */
const longestText = 250;
/** Of E.164: a plus sign and fifteen digits. */
const longestNumber = 16;

const asMostAre = /^\+?\d+$/;
/** Of protocols and programs, `sip:`, `tel://`, `whatsapp:`, and of people, `Mobile: `. */
const scheme = /^[a-z][a-z0-9. +-]{0,20}:\s*(?:\/\/)?/i;
/** What keeps spreadsheets from reading a number as one, and quotes that came along: `'0412…`, `="0412…"`. */
const quotes = /^[\s='"`\u00b4\u2018\u2019\u201c\u201d,;]+|[\s'"`\u00b4\u2018\u2019\u201c\u201d,;#]+$/g;
/** As spreadsheets write large numbers: `412,345,678`, `412345678.0`. */
const thousands = /^\+?\d{1,4}(?:, ?\d{2,4}){2,4}$/;
const fraction = /(?<=^\+?\d{8,15})\.0+$/;

/**
 * A number without what protocols, programs and people put around it, in ASCII: `sip:0412345678@pbx`, `"Jo" <sip:…>`,
 * `tel:+61-412-345-678;ext=9`, `whatsapp:+61…`, `Mob. 0412…`, `0412… (home)`, `'0412…`, `(+61) (0)412…`, full-width and Arabic digits, blanks and marks of every kind.
 */
export function bareNumber(raw: string): string {
  if (asMostAre.test(raw) && !raw.startsWith('+0')) return raw;
  let text = plain(raw).replace(/\s+/g, ' ').trim();
  text = withoutLabels((/<([^<>]*)>/.exec(text)?.[1] ?? text).replace(quotes, ''));
  const isUri = scheme.test(text);
  if (isUri || text.includes('@')) {
    const [user = '', ...parameters] = text.replace(scheme, '').replace(/@.*/s, '').split(/[;?:]/);
    const context = parameters.find((one) => /^phone-context=\+\d{1,4}$/i.test(one))?.slice(14) ?? '';
    text = user.replace(/%2b/gi, '+').replace(/%20/g, ' ').trim();
    if (!text.startsWith('+')) text = context + text;
  } else text = text.replace(/^%2b(?=\d)/i, '+');
  text = text.replace(quotes, '').replace(fraction, '');
  if (thousands.test(text)) text = text.replace(/, ?/g, '');
  return (
    text
      .replace(/[()]|(?<=\d)(?:_|\+(?=\d))/g, ' ')
      .trim()
      // No country code begins with a zero: of `+00` the plus sign is too much, and so it is before a national number.
      .replace(/^\+[\s+]*(?=0|\+)/, '')
      .replace(/^\+[\s+]+/, '+')
  );
}

/**
 * Reads a telephone number in any spelling common in the region: `+61…`, `61…`, `0061…`, `0011 …`, `04…`, `13…`,
 * `1300…`, `0800…`, with blanks, brackets and extensions, and as protocols write it: see `bareNumber`.
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
  const bare = raw.length > longestText ? '' : bareNumber(raw);
  for (const text of dialled(bare)) {
    const phone = parsePhoneNumberFromString(text, { defaultCountry: region, extract: false });
    // A complete international number of a range that the metadata does not know yet is still a number.
    if (!phone || !(phone.isValid() || (text === bare && bare.startsWith('+') && isConceivable(phone))))
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

/** Texts to try: behind the digits that lead abroad from here or from a neighbour, and as it is. */
function dialled(bare: string): string[] {
  if (bare.startsWith('0011')) return [`+${bare.slice(4)}`, bare];
  return bare.startsWith('00') ? [`+${bare.slice(2)}`, bare] : [bare];
}

function isConceivable(phone: { isPossible(): boolean; nationalNumber: string }): boolean {
  return (
    phone.isPossible() && !phone.nationalNumber.startsWith('0') && !/^(\d)\1*$/.test(phone.nationalNumber)
  );
}

/** A country code and zeros, or one digit all over: what switches fill in where they know no number. */
const filledIn = /^\+?\d{0,3}0{6,}$|^(?:\+\d{1,3})?(\d)\1{5,}$/;
const keypad = '22233344455566677778889999';
const typedWords = new WeakMap<readonly string[], ReadonlySet<string>>();

/**
 * Whether a caller's text can be no number, or is one of the words for a withheld one, as text or typed on a keypad:
 * switches that send digits alone send ANONYMOUS as 266696687. A number that is written whole is never taken for a word.
 */
export function isWithheld(raw: string, region: Region, words: readonly string[]): boolean {
  const bare = bareNumber(raw.slice(0, longestText));
  const digits = bare.replace(/\D/g, '');
  if (words.includes(raw.toLowerCase()) || words.includes(bare.toLowerCase())) return true;
  const { number, national } = parsePhone(raw, region);
  if (number === null && (digits.length < 6 || filledIn.test(bare.replace(/[^\d+]/g, '')))) return true;
  if (!typed(words).has(digits)) return false;
  const isWhole = bare.startsWith('+') || digits === national || `+${digits}` === number;
  return !(number !== null && isWhole && parsePhoneNumberFromString(number)?.isValid());
}

/** Whether what was sent in place of a number is a word that does not say that it is withheld: `reception`. */
export function isOtherWord(raw: string, words: readonly string[]): boolean {
  const bare = bareNumber(raw.slice(0, longestText)).toLowerCase();
  return /\p{L}/u.test(bare) && !words.some((word) => bare.includes(word));
}

function typed(words: readonly string[]): ReadonlySet<string> {
  let known = typedWords.get(words);
  if (!known) {
    known = new Set(
      words.map((word) =>
        word
          .replace(/[^a-z]/g, '')
          .replace(/[a-z]/g, (letter) => keypad[letter.charCodeAt(0) - 97] as string),
      ),
    );
    typedWords.set(words, known);
  }
  return known;
}

/**
 * How people type an E.164 number into a CRM, without separators: `+61444444444`, `61444444444`, `0444444444`,
 * `444444444`. What a CRM finds by them must be compared by `samePhone` before it is believed.
 */
export function writtenForms(number: string, region: Region): readonly string[] {
  const key = `${region} ${number}`;
  const known = written.get(key);
  if (known) return known;
  const phone = parsePhoneNumberFromString(number, region);
  const forms = phone
    ? [
        ...new Set([
          phone.number,
          phone.number.slice(1),
          phone.formatNational().replace(/\D/g, ''),
          phone.nationalNumber,
        ]),
      ]
    : [number];
  written.set(key, forms);
  return forms;
}

/** Whoever packs numbers into requests asks for them again and again, and reading one takes a tenth of a millisecond. */
const written = cacheOf<string, readonly string[]>(5_000);

/**
 * Whether a text in a CRM's phone field is the number, however it was typed, or has it among others: people write two
 * numbers into one field, `0412 345 678 / 02 9898 9898 ext 5`.
 */
export function samePhone(text: string | null | undefined, number: string, region: Region): boolean {
  if (!text) return false;
  const read = parsePhone(text, region).number;
  if (read === number) return true;
  // One number, and another one; but what stands behind a semicolon is read as an extension.
  if (read !== null && !listed.test(text)) return false;
  // `64 21 …` in Australia; or a number with something around it, such as `M: 04…`; or of a range that is not known yet.
  return (
    text.replace(/\D/g, '') === number.slice(1) ||
    parsePhoneNumberFromString(text, region)?.number === number ||
    numbersIn(text, region).has(number)
  );
}

const listed = /[;,/|&\n]/;
/** Phone fields hold no more that is worth reading. */
const longestField = 250;
const found = cacheOf<string, ReadonlySet<string>>(5_000);

function numbersIn(text: string, region: Region): ReadonlySet<string> {
  const field = text.slice(0, longestField);
  const key = `${region} ${field}`;
  const known = found.get(key);
  if (known) return known;
  const numbers = new Set([
    ...findPhoneNumbersInText(field, region).map((one) => one.number.number),
    ...field.split(listed).flatMap((part) => parsePhone(part.trim(), region).number ?? []),
  ]);
  found.set(key, numbers);
  return numbers;
}
