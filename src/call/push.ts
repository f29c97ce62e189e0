import { isUtf8 } from 'node:buffer';
import { deepestNesting, endBefore, NestedTooDeeply, readHandBuiltJson } from './hand-built-json.ts';

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

/** A body in a form that is not read at all: its sender has to send another one. */
export class UnknownForm extends UnreadablePush {}

/** Call ids are decimal digits in the sample; anything printable that fits a CRM's key field is taken. */
const longestCallId = 64;
/** What a template writes in place of an id that it does not have: taken for one, it would be a call of many callers. */
const noCallId =
  /^(?:null|undefined|nan|none|nil|array|object|system\.[\w.]+|-1|0+|<.*>|\$?\{.*\}|\[\D*\]|\(\D*\)|\D*call_?id\D*)$/is;

/**
 * Text of a body: UTF-8, UTF-16 where its first bytes say so, each with or without BOM. Bytes that are no UTF-8 are
 * Windows-1252, also in the midst of it, so that no letter is lost.
 */
export function decodeBody(bytes: Uint8Array): string {
  const first = bytes[0];
  const second = bytes[1];
  if (second === 0 || first === 0 || first === 0xff || first === 0xfe) {
    if ((first === 0xff && second === 0xfe) || (second === 0 && bytes[3] === 0)) return utf16le.decode(bytes);
    if ((first === 0xfe && second === 0xff) || (first === 0 && bytes[2] === 0)) return utf16be.decode(bytes);
  }
  return isUtf8(bytes) ? utf8.decode(bytes) : decodeMixed(bytes);
}

const utf8 = new TextDecoder('utf-8');
const utf16le = new TextDecoder('utf-16le');
const utf16be = new TextDecoder('utf-16be');
const windows1252 = new TextDecoder('windows-1252');

/** What is a letter in UTF-8, and what is a byte besides. */
const beyondAscii =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g;

function decodeMixed(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('latin1')
    .replace(beyondAscii, (letter) =>
      (letter.length > 1 ? utf8 : windows1252).decode(Buffer.from(letter, 'latin1')),
    );
}

/**
 * Reads a body as JSON or as a form, whatever its content type says.
 * @throws UnreadablePush when it is neither, or names no call.
 */
export function parsePush(body: string): Push {
  const fields = pushFieldsIn(body);
  const callId = fields['PLA_Call_Id']?.trim() ?? '';
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
  if (noCallId.test(callId)) {
    throw new UnreadablePush(
      `PLA_Call_Id is not usable: "${callId}" stands where an id should. The push was not stored.`,
    );
  }
  return { callId, fields };
}

/**
 * The fields of a body, whatever its call id is worth: that was judged when it came, by the rules of then.
 * @throws UnreadablePush when it is neither JSON nor a form
 */
export function pushFieldsIn(body: string): Fields {
  const fields = readFields(body);
  return fields['PLA_Call_Id']?.trim() ? fields : unwrapped(fields);
}

function readFields(body: string): Fields {
  const text = withoutBlanks(body);
  if (text === '') throw new UnreadablePush('The body is empty.');
  switch (text[0]) {
    case '{':
    case '[':
    case '"': {
      const value = parseJson(text);
      // JSON within a JSON text: somebody made JSON of it twice.
      if (typeof value === 'string' && value.trimStart().startsWith('{')) return readFields(value);
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw new UnreadablePush('The body is JSON, but not an object.');
      }
      // A push just as the article prints it, which nearly all are, is not copied.
      return isAsPrinted(value) ? Object.setPrototypeOf(value, null) : namedAsPrinted(Object.entries(value));
    }
    case '<':
      throw new UnknownForm('The body is XML or HTML, which is not read: send JSON.');
    case '-':
      return namedAsPrinted(partsOf(text));
    default:
      return readForm(text);
  }
}

/** Without blanks and control characters around it, a BOM and a NUL behind the end among them. */
function withoutBlanks(body: string): string {
  const text = body.trim();
  if (text.charCodeAt(0) > 0x20 && text.charCodeAt(text.length - 1) > 0x20) return text;
  let from = 0;
  while (text.charCodeAt(from) <= 0x20) from++;
  return text.slice(from, Math.max(from, endBefore(text, text.length))).trim();
}

function readForm(text: string): Fields {
  // A form never has these as they are: what follows was put behind the name without being encoded.
  const name = /^[\w.-]{1,60}=(?=\s*\{)/.exec(text)?.[0];
  if (name !== undefined && text.endsWith('}')) return readFields(text.slice(name.length));
  if (!/^(?:[^\s{}"]+=|%7b)/i.test(text)) {
    throw new UnreadablePush('The body is neither a JSON object nor a form.');
  }
  return namedAsPrinted(new URLSearchParams(text));
}

/** `payload={…}`, `data=…`: the push is the JSON that one of the fields holds, or is the name of. */
function unwrapped(fields: Fields): Fields {
  for (const name in fields) {
    const value = (fields[name] as string).trim();
    const json = value === '' ? name.trim() : value;
    if (!json.startsWith('{')) continue;
    try {
      const { [name]: _, ...others } = fields;
      const inner = Object.assign(Object.create(null), others, readFields(json)) as Fields;
      if (inner['PLA_Call_Id']?.trim()) return inner;
    } catch (reason) {
      if (!(reason instanceof UnreadablePush)) throw reason;
    }
  }
  return fields;
}

/** The parts of multipart/form-data. What divides them stands in its first line. */
function partsOf(text: string): [name: string, value: string][] {
  const divider = /^--[^\r\n]{1,200}(?=\r?\n)/.exec(text)?.[0];
  const parts = divider === undefined ? [] : `\n${text}`.split(`\n${divider}`);
  if (!parts.at(-1)?.startsWith('--')) {
    throw new UnreadablePush('The body is neither a JSON object nor a form.');
  }
  return parts.slice(1, -1).flatMap((part) => {
    const [, head = '', value = ''] = /^(.*?)\r?\n\r?\n(.*)$/s.exec(part) ?? [];
    const name = /;\s*name=(?:"([^"]*)"|([^\s;"]+))/i.exec(head);
    const packed = /^Content-Transfer-Encoding:\s*(?:base64|quoted-printable)/im.exec(head)?.[0];
    if (packed !== undefined) {
      throw new UnknownForm(`A part of the body has "${packed}", which is not read: send it as it is.`);
    }
    return name ? [[name[1] ?? name[2] ?? '', value.replace(/\r$/, '')] as [string, string]] : [];
  });
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
    if (
      name === 'PLA_Call_Id' &&
      (typeof value === 'boolean' || (typeof value === 'object' && value !== null))
    ) {
      throw new UnreadablePush(
        'PLA_Call_Id is not usable: it must be a text or a number. The push was not stored.',
      );
    }
    const text = asText(value);
    // A key sent twice, or in two spellings: the last that says something.
    if (!(name in fields) || text.trim() !== '') fields[name] = text;
  }
  return fields;
}

function parseJson(text: string): unknown {
  try {
    return parseExactly(withoutLastComma(text));
  } catch {
    try {
      return readHandBuiltJson(text);
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      const isDeep = cause instanceof NestedTooDeeply;
      throw new UnreadablePush(isDeep ? 'The body is nested too deeply.' : 'The body is not JSON.', {
        cause,
      });
    }
  }
}

/** The vendor's own end sample has a comma before its closing brace: met there, it costs no failed attempt. */
function withoutLastComma(text: string): string {
  let at = text.length - 2;
  while (at > 0 && text.charCodeAt(at) <= 0x20) at--;
  return text[at] === ',' && text.endsWith('}') ? `${text.slice(0, at)}}` : text;
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
    if (typeof inner === 'object' && holdsRoundedNumber(inner)) return true;
  }
  return false;
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
