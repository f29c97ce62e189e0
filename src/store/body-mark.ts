import { createHash } from 'node:crypto';
import type { RawBody } from '../call/refusal.ts';

/** The same for the very same body, sent as the same type: kept once. */
export function bodyMark({ bytes, contentType, contentCoding }: RawBody): string {
  return createHash('sha256')
    .update(JSON.stringify([contentType, contentCoding]))
    .update(bytes)
    .digest('base64url');
}
