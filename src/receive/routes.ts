import { type Context, Hono } from 'hono';
import { decodeContent } from '../call/content-coding.ts';
import { decodeBody, type Push, parsePush, UnknownForm, UnreadablePush } from '../call/push.ts';
import type { RefusedPush } from '../call/refusal.ts';
import { type Clock, sleep } from '../clock.ts';
import type { Log } from '../log.ts';
import { readBody } from '../runtime/serve.ts';
import type { NewPush, Recorded } from '../store/intake.ts';
import { StoreUnavailable } from '../store/store.ts';
import { type AddressList, senderAddress } from './addresses.ts';
import type { PushRate } from './rate-limit.ts';
import { TokenThrottle } from './token-throttle.ts';
import type { TokenTable } from './tokens.ts';

/** A source, as far as receiving is concerned. */
export interface ReceivingSource {
  allowFrom: AddressList;
  rate: PushRate | undefined;
  lapseAfterMs: number;
}

/** What receiving needs. It may change while requests come in: each request reads it anew. */
export interface Receiving {
  tokens: TokenTable;
  sources: ReadonlyMap<string, ReceivingSource>;
  proxies: AddressList;
  maxBodyBytes: number;
  /** A body must be whole within this time. */
  timeoutMs: number;
  /** Set on shutdown: what comes now is refused, so that the sender tries again later. */
  closing: boolean;
}

export interface ReceiveOptions {
  current(): Receiving;
  record(push: NewPush): Promise<Recorded>;
  route: NewPush['route'];
  /** Called after the commit. */
  recorded(push: NewPush, recorded: Recorded): void;
  /** Notes a push that is not taken, before it is answered. Rejects when its body could not be kept. */
  refused(push: RefusedPush): Promise<void>;
  /** The address at the other end of the connection. */
  peer(context: Context): string;
  clock: Clock;
  log: Log;
}

/** Of bodies that wait for the disk. Beyond, what comes is refused: a queue of many long ones would take all memory. */
const mostBytesHeld = 64 * 1024 ** 2;

/** Seconds after which a refused sender may come back. */
const retryAfterSeconds = '5';

type Status = 200 | 400 | 403 | 404 | 405 | 408 | 413 | 415 | 503;

/** The answer that the vendor prescribes: these three keys, all of them strings. */
function answer(status: Status, callId: string, error: string): Response {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  };
  if (status === 503) headers['retry-after'] = retryAfterSeconds;
  if (status === 405) headers['allow'] = 'POST';
  if (status === 408) headers['connection'] = 'close'; // or the rest of the body would be the next request
  const body = JSON.stringify({ PLA_Call_Id: callId, success: String(status === 200), error });
  return new Response(body, { status, headers });
}

/**
 * Where pushes come to, in any letter case, with or without a slash at the end. What a path says behind the token decides
 * nothing, so it is no reason to refuse a push.
 */
const pushPath = /^\/+push\/+([^/]+)(?:\/.*)?$/is;

/** `POST /push/<token>`, `…/create` and `…/update`: verify, record, and only then answer. */
export function receiveRoutes(options: ReceiveOptions): Hono {
  const guesses = new TokenThrottle(options.log);
  const held = { bytes: 0 };
  const routes = new Hono();
  // One handler for all methods: with two, the framework would run a chain for every push.
  routes.all('/:path{\\/*[Pp][Uu][Ss][Hh]\\/+[^/].*}', (context) => {
    const token = tokenIn(context.req.path);
    return context.req.method === 'POST'
      ? receive(context, token, guesses, held, options)
      : wrongMethod(context, token, options);
  });
  return routes;
}

/** A push URL within another path: what a proxy put before it was passed on. */
const withinPath = /^(\/[\w.~-]{1,40}){1,3}(?=\/+push\/)/i;
/** One that nothing else can be, also where the page or the API has that path: a source may be named push. */
const surelyWithinPath = /^(?:\/[\w.~-]{1,40}){1,3}\/+push\/+[^/]{16,}(?:\/+(?:create|update))?\/*$/i;

/** What reaches the page or the API without a token, a session or a browser: a push, by what only one says, or a script. */
function isFromNobody({ path, header }: { path: string; header(name: string): string | undefined }): boolean {
  const isSignIn = path === '/sign-in' && !/json/i.test(header('content-type') ?? ''); // which reads its form itself
  const names = ['cookie', 'origin', 'sec-fetch-site'];
  const isBearer = /^Bearer\b/i.test(header('authorization') ?? '');
  return !isSignIn && !isBearer && names.every((name) => header(name) === undefined);
}

const noPushUrl =
  'This is no push URL. They end in /push/ and the token of a source, as the bridge prints them.';

/**
 * Notes and answers a push to a path that takes none: with more before /push, or without a token, such as the page's.
 * Asked twice: before others may answer, and when none did (`isNowhere`). Undefined: it is for others.
 */
export async function refuseAtWrongPath(
  context: Context,
  options: ReceiveOptions,
  isNowhere: boolean,
): Promise<Response | undefined> {
  const { path, method } = context.req;
  if (method !== 'POST') return undefined;
  const before = isNowhere || surelyWithinPath.test(path) ? withinPath.exec(path)?.[0] : undefined;
  if (before !== undefined) {
    const source = options.current().tokens.sourceOf(tokenIn(path.slice(before.length)));
    return refuse(context, options, 404, noPushUrl, {
      cause: 'wrong_path',
      before,
      ...(source === undefined ? {} : { source }),
    });
  }
  // A body is read once, and not before whoever is let in has read it.
  const header = (name: string) => context.req.header(name);
  if (isFromNobody({ path, header }) === isNowhere) return undefined;
  const sent = await readBody(context, options.current());
  if (typeof sent === 'string') return undefined;
  const contentCoding = context.req.header('content-encoding') ?? '';
  const decoded = decodeContent(sent, contentCoding, options.current().maxBodyBytes);
  if (!(decoded instanceof Uint8Array) || !/PLA_Call_Id/i.test(decodeBody(decoded))) return undefined;
  return refuse(context, options, 404, noPushUrl, { cause: 'unknown_token', token: '' });
}

function tokenIn(path: string): string {
  const token = pushPath.exec(path)?.[1] ?? '';
  try {
    return (token.includes('%') ? decodeURIComponent(token) : token).trim();
  } catch {
    return token;
  }
}

/** Answers a push that is not taken, after it was noted; it has one way there, with or without a body. */
async function refuse(
  context: Context,
  options: ReceiveOptions,
  status: Exclude<Status, 200>,
  error: string,
  refused: Omit<RefusedPush, 'at' | 'sender' | 'reason'> & { reason?: string; callId?: string },
): Promise<Response> {
  const { callId = '', ...push } = refused;
  const noted = { reason: error, ...push, at: options.clock.now(), sender: senderOf(context, options) };
  await options.refused(noted);
  return answer(status, callId, error);
}

function notStored(
  context: Context,
  options: ReceiveOptions,
  reason: unknown,
  source: string,
  callId: string,
): Promise<Response> {
  const isKnown = reason instanceof StoreUnavailable;
  if (!isKnown) options.log.error({ call: callId, source, err: reason }, 'Push not stored.');
  const why = isKnown ? reason.message : 'An unexpected error.';
  return refuse(context, options, 503, `Not stored: ${why}`, { cause: 'not_stored', source, callId });
}

function senderOf(context: Context, { peer, current }: ReceiveOptions): string {
  return senderAddress(peer(context), context.req.header('x-forwarded-for'), current().proxies);
}

function wrongMethod(context: Context, token: string, options: ReceiveOptions): Promise<Response> {
  const source = options.current().tokens.sourceOf(token);
  return refuse(context, options, 405, 'Pushes are sent with POST.', {
    cause: 'wrong_method',
    reason: `${context.req.method} instead of POST.`,
    ...(source === undefined ? {} : { source }),
  });
}

async function receive(
  context: Context,
  token: string,
  guesses: TokenThrottle,
  held: { bytes: number },
  options: ReceiveOptions,
): Promise<Response> {
  const { clock } = options;
  const current = options.current();
  const { tokens, sources, closing } = current;
  const name = tokens.sourceOf(token);
  const source = name === undefined ? undefined : sources.get(name);
  if (closing)
    return refuse(context, options, 503, 'The bridge is shutting down.', {
      cause: 'closing',
      ...(name === undefined ? {} : { source: name }),
    });
  if (name === undefined || !source) {
    const answered = await refuse(context, options, 404, 'Unknown token.', { cause: 'unknown_token', token });
    await guesses.made(senderOf(context, options), clock.now().getTime(), (ms) => sleep(clock, ms));
    return answered;
  }
  if (!source.allowFrom.isEmpty && !source.allowFrom.has(senderOf(context, options)))
    return refuse(context, options, 403, 'Address not allowed.', { cause: 'refused_address', source: name });
  const receivedAt = clock.now();
  if (source.rate && !source.rate.take(receivedAt.getTime()))
    return refuse(context, options, 503, 'More pushes than this source may send.', {
      cause: 'rate_limited',
      source: name,
    });

  const sent = await readBody(context, current);
  if (sent === 'too slow' || sent === 'broken off')
    return refuse(context, options, 408, 'The body did not come whole in time.', {
      cause: 'not_whole',
      reason: `The body was ${sent}.`,
      source: name,
    });
  const contentCoding = context.req.header('content-encoding') ?? '';
  const decoded = sent === 'too long' ? sent : decodeContent(sent, contentCoding, current.maxBodyBytes);
  if (decoded === 'too long' || sent === 'too long')
    return refuse(context, options, 413, `The body is longer than ${current.maxBodyBytes} bytes.`, {
      cause: 'too_large',
      source: name,
    });
  const isDecoded = !(decoded instanceof UnreadablePush);
  const bytes = isDecoded ? decoded : sent;
  const body = decodeBody(bytes);
  let push: Push | UnreadablePush;
  try {
    push = isDecoded ? parsePush(body) : decoded;
  } catch (reason) {
    if (!(reason instanceof UnreadablePush)) throw reason;
    push = reason;
  }
  const callId = push instanceof UnreadablePush ? '' : push.callId;
  if (held.bytes + bytes.length > mostBytesHeld)
    return notStored(
      context,
      options,
      new StoreUnavailable('more arrives than the disk takes.'),
      name,
      callId,
    );
  held.bytes += bytes.length;
  try {
    if (push instanceof UnreadablePush) {
      const contentType = context.req.header('content-type') ?? '';
      const isForeign = contentType !== '' && !readTypes.test(contentType);
      const isUnknown = push instanceof UnknownForm;
      const advice =
        isForeign && !isUnknown
          ? ` Its Content-Type is "${contentType.slice(0, 80)}": send JSON, as application/json.`
          : '';
      return await refuse(context, options, isForeign || isUnknown ? 415 : 400, push.message + advice, {
        cause: 'unreadable',
        source: name,
        body: { bytes, contentType, contentCoding: isDecoded ? '' : contentCoding },
      });
    }
    const newPush: NewPush = {
      source: name,
      callId,
      fields: push.fields,
      body,
      receivedAt,
      lapseAfterMs: source.lapseAfterMs,
      route: options.route,
    };
    const recorded = await options.record(newPush);
    options.recorded(newPush, recorded);
    return answer(200, callId, '');
  } catch (reason) {
    // Whatever it was, the push is not stored and the sender must know.
    return notStored(context, options, reason, name, callId);
  } finally {
    held.bytes -= bytes.length;
  }
}

/** Content types that a push may come under. Read is what the body is, whatever it says: these are no reason to refuse it. */
const readTypes = /json|urlencoded|form-data|text\/plain|octet-stream/i;
