import { decodeContent } from '../call/content-coding.ts';
import { mostBytes } from '../call/kept-body.ts';
import { decodeBody, parsePush, UnreadablePush } from '../call/push.ts';
import type { NewPush } from '../store/intake.ts';
import type { KeptPush } from '../store/rejections.ts';

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
