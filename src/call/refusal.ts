import { ownCommand } from '../text/own-command.ts';
import { counted } from '../text/plural.ts';

/** Why a push was not taken. Values of a metric's label, and in the store. */
export const refusals = [
  'unreadable',
  'unknown_token',
  'wrong_path',
  'refused_address',
  'rate_limited',
  'too_large',
  'not_whole',
  'wrong_method',
  'not_stored',
  'closing',
] as const;
export type Refusal = (typeof refusals)[number];

/** A body as it came, with what its sender said of it. */
export interface RawBody {
  bytes: Uint8Array;
  /** The header's value; '' without one. */
  contentType: string;
  /** What `bytes` are still packed in. '': nothing. */
  contentCoding: string;
}

/** A push that is not taken. */
export interface RefusedPush {
  cause: Refusal;
  /** In words: what the sender is answered, or more. */
  reason: string;
  at: Date;
  /** Where its token is known. */
  source?: string;
  /** Of an unknown token alone. */
  token?: string;
  /** Of a wrong path alone: what stands before /push. */
  before?: string;
  /** The address it came from. */
  sender: string;
  /** Of what could not be read: kept whole, to be read again. */
  body?: RawBody;
}

/** The shortest token that a source may have: see config/settings.ts. */
const shortestToken = 16;

/**
 * What may be shown of a token that is none of ours, so that it is found in a portal or an old configuration: it may
 * be one of ours tomorrow. Its last four characters, where twelve or more stay hidden; of a shorter one nothing.
 */
export function tokenEnd(token: string): string {
  if (token.length < shortestToken) return '';
  return token.slice(-4).replace(/[^A-Za-z0-9._~-]/g, '?');
}

/** Pushes that were not taken, counted together. */
export interface Told {
  cause: Refusal;
  source: string;
  mark: string;
  reason: string;
  count: number;
  firstAt: Date;
}

/** Whose reasons say more than the cause does. */
const saysMore: ReadonlySet<Refusal> = new Set(['unreadable', 'wrong_method', 'not_whole', 'not_stored']);

const words: Record<Refusal, { what: string; todo: string }> = {
  unreadable: {
    what: 'could not be read',
    get todo() {
      return `The bodies are kept. Once a later version reads them: ${ownCommand('replay --rejected')}`;
    },
  },
  unknown_token: {
    what: 'came with a token that is none of ours',
    todo: 'Was the configuration or the store changed? Compare the URL in the Delacon portal with those that the bridge prints.',
  },
  wrong_path: {
    what: 'came to a path that is none of ours, with more before /push',
    todo: 'A proxy passes on what it should take away: in nginx, proxy_pass with a slash at the end; or correct the URL in the Delacon portal.',
  },
  refused_address: {
    what: 'came from an address that is not allowed',
    todo: 'If it is a right one, add it to allowFrom of the source; if it is your proxy, name that in listen.trustedProxies.',
  },
  rate_limited: {
    what: 'came faster than the source may send',
    todo: 'Raise rateLimit of the source, if they were calls.',
  },
  too_large: { what: 'had too long a body', todo: 'Raise receive.maxBodyBytes, if they were calls.' },
  not_whole: {
    what: 'did not come whole',
    todo: 'The connection broke off or was too slow: look at the proxy and the network before the bridge.',
  },
  wrong_method: {
    what: 'came otherwise than with POST',
    todo: 'Somebody opened the URL in a browser; or a redirect, as from http to https, turned POST into GET: then paste the https URL into the Delacon portal.',
  },
  not_stored: { what: 'could not be stored', todo: 'Look at the disk of the store, and into the log.' },
  closing: { what: 'came while the bridge was shutting down', todo: 'Restart it while few people call.' },
};

/** `A URL with a token that is none of ours: ends …9f2c, 14 pushes since 09:12` */
export function toldOf({ cause, mark, reason, count, firstAt }: Told, timeOf: (at: Date) => string): string {
  const came = counted(count, 'push', 'pushes');
  const since = `since ${timeOf(firstAt)}`;
  if (cause === 'unknown_token')
    return mark === ''
      ? `URLs without a token, or with ones that are none of ours, too short or too many to be told apart: ${came} ${since}`
      : `A URL with a token that is none of ours: ends …${mark}, ${came} ${since}`;
  const why = saysMore.has(cause) ? ` (${reason.replace(/\.$/, '')})` : mark === '' ? '' : ` (${mark})`;
  return `${came} ${words[cause].what}${why} ${since}`;
}

/** What leads to the mend. */
export function mendOf(cause: Refusal): string {
  return words[cause].todo;
}
