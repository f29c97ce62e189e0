import type { RawBody } from '../../src/call/refusal.ts';
import type { NewRejection } from '../../src/store/rejections.ts';

/** Bytes for each source that no test of something else fills. */
export const room = 16 * 1024 ** 2;

export function rawBody(text: string | Uint8Array): RawBody {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return { bytes, contentType: 'application/json', contentCoding: '' };
}

/** A push that was not taken, as receiving notes it: once, now, with an unknown token. */
export function rejection(more: Partial<NewRejection> = {}): NewRejection {
  const at = more.firstAt ?? new Date();
  return {
    source: '',
    cause: 'unknown_token',
    mark: '',
    reason: 'Unknown token.',
    sender: '198.51.100.7',
    firstAt: at,
    lastAt: at,
    count: 1,
    body: null,
    ...more,
  };
}
