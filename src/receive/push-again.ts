import { decodeContent } from '../call/content-coding.ts';
import { decodeBody, parsePush, UnreadablePush } from '../call/push.ts';
import type { RawBody } from '../call/refusal.ts';
import type { KeptPush, NewPush } from '../store/store.ts';

/** Of a body that was kept in a coding. */
const mostBytes = 16 * 1024 ** 2;

/** What a push that was kept says, if it can be read by now; else why it cannot. */
export function pushAgain(
  { source, firstAt, body: { bytes, contentCoding } }: KeptPush,
  { lapseAfterMs }: { lapseAfterMs: number },
  route: NewPush['route'],
): NewPush | { reason: string } {
  const content = decodeContent(bytes, contentCoding, mostBytes);
  if (content === 'too long') return { reason: `Decompressed, it is longer than ${mostBytes} bytes.` };
  if (content instanceof UnreadablePush) return { reason: content.message };
  const body = decodeBody(content);
  try {
    return { source, ...parsePush(body), body, receivedAt: firstAt, lapseAfterMs, route };
  } catch (reason) {
    if (reason instanceof UnreadablePush) return { reason: reason.message };
    throw reason;
  }
}

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
