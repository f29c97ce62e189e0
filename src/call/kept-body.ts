import { decodeContent } from './content-coding.ts';
import { decodeBody, UnreadablePush } from './push.ts';
import type { RawBody } from './refusal.ts';

/** Of a body that was kept in a coding. */
export const mostBytes = 16 * 1024 ** 2;

/** What of a kept body can be searched; and whether that is all of it, or something may be packed in what is not read. */
export function searchable({ bytes, contentCoding }: RawBody): { text: string; isAll: boolean } {
  const content = decodeContent(bytes, contentCoding, mostBytes);
  if (content === 'too long' || content instanceof UnreadablePush) return { text: '', isAll: false };
  const text = decodeBody(content);
  return { text, isAll: !hasPackedPart.test(text) && !isBase64.test(text.trim()) };
}

/** Base64, or bytes that stand in no text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const hasPackedPart = /^content-transfer-encoding:\s*base64|[\x01-\x06\x0e-\x1a]/im;
const isBase64 = /^[\w+/\s-]{40,}={0,2}$/;
