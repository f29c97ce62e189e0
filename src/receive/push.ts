import { isUtf8 } from 'node:buffer';

/** One POST from Delacon, read leniently: its fields as text, and the call it speaks of. */
export interface Push {
  /** Trimmed `PLA_Call_Id`. */
  callId: string;
  /** Every key as received; known keys in the article's spelling, values as text. Null prototype: keys are data. */
  fields: Fields;
}

export type Fields = Record<string, string>;

/** Every field of the vendor's article (delacon-live-call-data-push), start push first. */
export const pushFields = [
  'PLA_Call_Id',
  'PLA_Caller_Phone_Number',
  'PLA_Exchange',
  'PLA_City',
  'PLA_State',
  'PLA_Number_Dialed',
  'PLA_Dealer_ID',
  'PLA_Dealer_Name',
  'PLA_Dealer_Category',
  'PLA_Search_Engine_Used',
  'PLA_Search_Type',
  'PLA_Keywords_Searched',
  'PLA_URL',
  'PLA_CID',
  'PLA_SESSID',
  'PLA_UAID',
  'PLA_CallStartTime',
  'PLA_Landing_Page',
  'PLA_Page_Called_From',
  'PLA_ExtraTracking',
  'PLA_Answering_Point',
  'PLA_CallResult',
  'PLA_Duration',
  'PLA_VoicemailLeft',
  'PLA_SurveyOutcome',
  'PLA_SurveySaleAmount',
  'PLA_Converted',
  'PLA_dtmf',
  'PLA_RecordingFile',
] as const;

const asPrinted: ReadonlySet<string> = new Set(pushFields);
const spellings = new Map<string, string>([
  ...pushFields.map((name) => [name.toLowerCase(), name] as const),
  // Delacon's report spells it so; the article's push does not.
  ['pla_surveysalesamount', 'PLA_SurveySaleAmount'],
]);

/** Why a body is not a push. The message is the answer's `error`. */
export class UnreadablePush extends Error {
  override name = 'UnreadablePush';
}

/** Call ids are decimal digits in the sample; anything printable that fits a CRM's key field is taken. */
const longestCallId = 64;
const deepestNesting = 100;

/** Text of a body: UTF-8 with or without BOM; Windows-1252 where the bytes are not UTF-8, so that no letter is lost. */
export function decodeBody(bytes: Uint8Array): string {
  return (isUtf8(bytes) ? utf8 : windows1252).decode(bytes);
}

const utf8 = new TextDecoder('utf-8');
const windows1252 = new TextDecoder('windows-1252');

/**
 * Reads a body as JSON or as a form, whatever its content type says.
 * @throws UnreadablePush when it is neither, or names no call.
 */
export function parsePush(body: string): Push {
  const fields = readFields(body);
  const callId = (fields['PLA_Call_Id'] ?? '').trim();
  if (callId === '') {
    throw new UnreadablePush(
      'PLA_Call_Id is missing: the push cannot be told from others, so it was not stored.',
    );
  }
  if (callId.length > longestCallId || /\p{C}/u.test(callId)) {
    throw new UnreadablePush(
      `PLA_Call_Id is not usable: it must be at most ${longestCallId} printable characters. The push was not stored.`,
    );
  }
  return { callId, fields };
}

function readFields(body: string): Fields {
  const text = body.trim(); // of a BOM, too
  if (text === '') throw new UnreadablePush('The body is empty.');
  if (!/^[[{"]/.test(text)) {
    if (!/^[^\s{}"]+=/.test(text)) {
      throw new UnreadablePush('The body is neither a JSON object nor a form.');
    }
    return namedAsPrinted(new URLSearchParams(text));
  }
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnreadablePush('The body is JSON, but not an object.');
  }
  // A push just as the article prints it, which nearly all are, is not copied.
  return isAsPrinted(value) ? Object.setPrototypeOf(value, null) : namedAsPrinted(Object.entries(value));
}

function isAsPrinted(value: object): value is Fields {
  for (const key in value) {
    if (!asPrinted.has(key) || typeof (value as Record<string, unknown>)[key] !== 'string') return false;
  }
  return true;
}

function namedAsPrinted(raw: Iterable<[key: string, value: unknown]>): Fields {
  const fields: Fields = Object.create(null);
  for (const [key, value] of raw) {
    const name = asPrinted.has(key) ? key : (spellings.get(key.trim().toLowerCase()) ?? key);
    const text = asText(value);
    // A key sent twice, or in two spellings: the last that says something.
    if (!(name in fields) || text.trim() !== '') fields[name] = text;
  }
  return fields;
}

function parseJson(text: string): unknown {
  // The vendor's own end sample has a comma before its closing brace: met there, it costs no failed attempt.
  if (text.endsWith(',}') || text.endsWith(',\n}')) return parseLeniently(text);
  try {
    return parseExactly(text);
  } catch {
    return parseLeniently(text);
  }
}

function parseLeniently(text: string): unknown {
  try {
    return parseExactly(withoutTrailingCommas(text));
  } catch (cause) {
    throw new UnreadablePush('The body is not JSON.', { cause });
  }
}

/** A call id sent as a bare number may have more digits than a double holds: then its text is kept instead. */
function parseExactly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return holdsRoundedNumber(value)
    ? JSON.parse(text, (_key: string, v: unknown, context?: { source: string }) =>
        typeof v === 'number' ? context?.source : v,
      )
    : value;
}

function holdsRoundedNumber(value: unknown): boolean {
  if (typeof value !== 'object') return false;
  for (const key in value) {
    const inner = (value as Record<string, unknown>)[key];
    if (typeof inner === 'number' && Math.abs(inner) > Number.MAX_SAFE_INTEGER) return true;
  }
  return false;
}

/** One pass, so that no input makes it slow: strings are skipped whole, and each blank is looked at once. */
function withoutTrailingCommas(text: string): string {
  let out = '';
  let kept = 0; // where the text not yet copied begins
  let comma = -1; // the last comma, while only blanks have followed it
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === quote) {
      i = endOfString(text, i);
      comma = -1;
    } else if (char === 0x2c) {
      comma = i;
    } else if ((char === 0x7d || char === 0x5d) && comma >= 0) {
      out += text.slice(kept, comma);
      kept = comma + 1;
      comma = -1;
    } else if (char > 0x20) {
      comma = -1;
    }
  }
  return out + text.slice(kept);
}

const quote = 0x22;
const backslash = 0x5c;

/** Where the string that begins at `from` has its closing quote; the text's end if it has none. */
function endOfString(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === quote) return i;
    if (char === backslash) i++;
  }
  return text.length;
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  if (typeof value !== 'object') return String(value);
  // Deeper, a runtime writes it slowly or not at all, and each at a depth of its own.
  if (isDeeperThan(deepestNesting, value)) throw new UnreadablePush('The body is nested too deeply.');
  return JSON.stringify(value);
}

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner));
}
