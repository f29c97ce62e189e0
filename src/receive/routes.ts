import { type Context, Hono } from 'hono';
import { type Clock, sleep } from '../clock.ts';
import type { Log } from '../log.ts';
import { readBody } from '../runtime/serve.ts';
import { type NewPush, type Recorded, StoreUnavailable, type UnreadableBody } from '../store/store.ts';
import { type AddressList, senderAddress } from './addresses.ts';
import { Guesses } from './guesses.ts';
import { decodeBody, type Push, parsePush, UnreadablePush } from './push.ts';
import type { PushRate } from './rate-limit.ts';
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

/** Why a push was not taken, though it may have been a good one. */
export type Refusal =
  | 'wrong_method'
  | 'closing'
  | 'unknown_token'
  | 'refused_address'
  | 'rate_limited'
  | 'too_large'
  | 'not_whole'
  | 'not_stored';

export interface ReceiveOptions {
  current(): Receiving;
  record(push: NewPush): Promise<Recorded>;
  recordUnreadable(body: UnreadableBody): Promise<void>;
  route: NewPush['route'];
  /** Called after the commit. */
  recorded(push: NewPush, recorded: Recorded): void;
  /** Called for each push that is not taken; its source, if that is known by then. */
  refused(outcome: Refusal, source?: string): void;
  /** The address at the other end of the connection. */
  peer(context: Context): string;
  clock: Clock;
  log: Log;
}

/** Of bodies that wait for the disk. Beyond, what comes is refused: a queue of many long ones would take all memory. */
const mostBytesHeld = 64 * 1024 ** 2;

/** Seconds after which a refused sender may come back. */
const retryAfterSeconds = '5';

type Status = 200 | 400 | 403 | 404 | 405 | 408 | 413 | 503;

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

/** `POST /push/<token>`, `…/create` and `…/update`: verify, record, and only then answer. */
export function receiveRoutes(options: ReceiveOptions): Hono {
  const guesses = new Guesses(options.log);
  const held = { bytes: 0 };
  const routes = new Hono();
  for (const path of ['/push/:token', '/push/:token/create', '/push/:token/update']) {
    // One handler for all methods: with two, the framework would run a chain for every push.
    routes.all(path, (context) =>
      context.req.method === 'POST'
        ? receive(context, context.req.param('token') as string, guesses, held, options)
        : wrongMethod(options),
    );
  }
  return routes;
}

function wrongMethod(options: ReceiveOptions): Response {
  options.refused('wrong_method');
  return answer(405, '', 'Pushes are sent with POST.');
}

async function receive(
  context: Context,
  token: string,
  guesses: Guesses,
  held: { bytes: number },
  options: ReceiveOptions,
): Promise<Response> {
  const { clock, log } = options;
  const current = options.current();
  const { tokens, sources, proxies, closing } = current;
  if (closing) {
    options.refused('closing');
    return answer(503, '', 'The bridge is shutting down.');
  }
  const name = tokens.sourceOf(token);
  const source = name === undefined ? undefined : sources.get(name);
  const sender = () => senderAddress(options.peer(context), context.req.header('x-forwarded-for'), proxies);
  if (name === undefined || !source) {
    options.refused('unknown_token');
    await guesses.made(sender(), clock.now().getTime(), (ms) => sleep(clock, ms));
    return answer(404, '', 'Unknown token.');
  }
  if (!source.allowFrom.isEmpty) {
    const address = sender();
    if (!source.allowFrom.has(address)) {
      options.refused('refused_address', name);
      log.warn({ source: name, sender: address }, 'Push refused: its address is not in allowFrom.');
      return answer(403, '', 'Address not allowed.');
    }
  }
  const receivedAt = clock.now();
  if (source.rate && !source.rate.take(receivedAt.getTime())) {
    options.refused('rate_limited', name);
    return answer(503, '', 'More pushes than this source may send.');
  }

  const bytes = await readBody(context, current);
  if (bytes === 'too long') {
    options.refused('too_large', name);
    return answer(413, '', `The body is longer than ${current.maxBodyBytes} bytes.`);
  }
  if (typeof bytes === 'string') {
    options.refused('not_whole', name);
    log.warn({ source: name, sender: sender(), reason: bytes }, 'A push did not come whole.');
    return answer(408, '', 'The body did not come whole in time.');
  }
  const body = decodeBody(bytes);
  let push: Push;
  try {
    push = parsePush(body);
  } catch (reason) {
    if (!(reason instanceof UnreadablePush)) throw reason;
    return refuse(options, { receivedAt, source: name, reason: reason.message, body });
  }

  const newPush: NewPush = {
    source: name,
    callId: push.callId,
    fields: push.fields,
    body,
    receivedAt,
    lapseAfterMs: source.lapseAfterMs,
    route: options.route,
  };
  if (held.bytes + bytes.length > mostBytesHeld) {
    options.refused('not_stored', name);
    return answer(503, push.callId, 'Not stored: more arrives than the disk takes.');
  }
  held.bytes += bytes.length;
  let recorded: Recorded;
  try {
    recorded = await options.record(newPush);
  } catch (reason) {
    // Whatever it was, the push is not stored and the sender must know.
    options.refused('not_stored', name);
    log.error({ call: push.callId, source: name, err: reason }, 'Push not stored.');
    const why = reason instanceof StoreUnavailable ? reason.message : 'An unexpected error.';
    return answer(503, push.callId, `Not stored: ${why}`);
  } finally {
    held.bytes -= bytes.length;
  }
  options.recorded(newPush, recorded);
  return answer(200, push.callId, '');
}

async function refuse(options: ReceiveOptions, body: UnreadableBody): Promise<Response> {
  options.log.warn({ source: body.source, reason: body.reason }, 'Unreadable push.');
  try {
    await options.recordUnreadable(body);
  } catch (reason) {
    options.log.error({ err: reason }, 'The unreadable push could not be kept for the operator.');
  }
  return answer(400, '', body.reason);
}
