import type { KeptPush, NewPush } from '../store/store.ts';
import { decodeBody, parsePush, UnreadablePush } from './push.ts';

/** What a push that was kept says, if it can be read by now; else why it cannot. */
export function pushAgain(
  { source, firstAt, body: { bytes } }: KeptPush,
  { lapseAfterMs }: { lapseAfterMs: number },
  route: NewPush['route'],
): NewPush | { reason: string } {
  const body = decodeBody(bytes);
  try {
    return { source, ...parsePush(body), body, receivedAt: firstAt, lapseAfterMs, route };
  } catch (reason) {
    if (reason instanceof UnreadablePush) return { reason: reason.message };
    throw reason;
  }
}
