import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import { LRUCache } from 'lru-cache';
import { type Clock, isRecent } from '../clock.ts';
import type { Settings } from '../config/settings.ts';
import { isLoopback } from '../connector/options.ts';
import type { Log } from '../log.ts';
import { AddressList, plainAddress, senderAddress } from '../receive/addresses.ts';

/*
 * The one place that decides who may see and do what: on the page, in the API and for the metrics.
 *
 * Who presents `operator.token` is an operator, who presents `operator.readOnlyToken` a reader: in a header
 * (`Authorization: Bearer`), or once on the sign-in page, for a cookie that names a session and nothing else. Sessions
 * live in this process: a restart ends them, so does signing out, and so does a changed token. Without a token in the
 * settings, whoever sits at this machine is the operator, and nobody else is let in.
 */

export type Role = 'operator' | 'reader';

/** Who sent a request that was let in. */
export interface Visitor {
  role: Role;
  /** Not to be shown whole telephone numbers, nor what may hold them: raw pushes, recordings. */
  masked: boolean;
  /** `local`: there is no token, and the request comes from this machine. */
  via: 'session' | 'bearer' | 'local';
  /** What a form or script of this visitor sends along to change anything. It opens nothing by itself. */
  csrf: string;
}

export interface AccessEnv {
  Variables: { visitor: Visitor };
}

export interface AccessOptions {
  settings(): Settings;
  /** The address at the other end of the connection. */
  peer(context: Context): string;
  clock: Clock;
  log: Log;
}

interface Session {
  role: Role;
  csrf: string;
  expiresAt: number;
  /** Of the token it was opened with: it ends when that token is no longer the one. */
  tokenDigest: Buffer;
}

export type SignIn = 'signed in' | 'wrong token' | 'too many tries' | 'no token is set';

const cookieName = 'delacon-bridge-session';
const mostSessions = 1_000;
/** Wrong tokens that an address may present within a window. Then even the right one is refused, until the window ends. */
const freeTries = 10;
const triesWindowMs = 10 * 60_000;
const addresses = 10_000;
/** What a proxy adds: such a request comes from elsewhere, however near the proxy is. */
const forwardingHeaders = [
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'forwarded',
  'via',
];
export const csrfHeader = 'x-csrf-token';
export const csrfField = 'csrf';

export class Access {
  readonly #options: AccessOptions;
  readonly #key = randomBytes(32);
  readonly #sessions = new LRUCache<string, Session>({ max: mostSessions });
  readonly #wrong = new LRUCache<string, { since: number; count: number }>({ max: addresses });

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /**
   * Lets a request in, or answers it. Reading (GET, HEAD) needs any role; everything else needs the operator, except on
   * the paths where `readersMayPost` says that nothing is changed, and must come from our own page or bring a bearer
   * token. `answers`: `page` sends who is not signed in to the sign-in page, `json` says 401.
   */
  guard(
    answers: 'page' | 'json',
    readersMayPost: (path: string) => boolean = () => false,
  ): MiddlewareHandler<AccessEnv> {
    return async (context, next) => {
      const found = this.#visitorOf(context);
      if (typeof found === 'string') return this.#refuse(context, answers, found);
      const { method, path } = context.req;
      if (method !== 'GET' && method !== 'HEAD') {
        if (!(await this.#isOwnRequest(context, found)))
          return refusal(
            context,
            answers,
            403,
            'This request did not come from this page. Load it again, and try once more.',
          );
        if (found.role !== 'operator' && !readersMayPost(path))
          return refusal(
            context,
            answers,
            403,
            'The read-only role sees everything and changes nothing. Sign in with the operator token.',
          );
      }
      context.set('visitor', found);
      return next();
    };
  }

  /** Behind `guard`: what only the operator may see. */
  operatorOnly(answers: 'page' | 'json'): MiddlewareHandler<AccessEnv> {
    return async (context, next) =>
      context.get('visitor').role === 'operator'
        ? next()
        : refusal(context, answers, 403, 'Only the operator may see this. Sign in with the operator token.');
  }

  /** Opens a session and sets its cookie. */
  signIn(context: Context, token: string): SignIn {
    const { operator } = this.#options.settings();
    if (operator.token === undefined) return 'no token is set';
    const tries = `sign-in ${this.#sender(context)}`;
    if (this.#isShut(tries)) return 'too many tries';
    const role = this.#roleOf(token);
    if (!role) {
      this.#countWrong(tries);
      return 'wrong token';
    }
    this.#wrong.delete(tries);
    this.#endSession(context); // the one of before, if the browser has one
    const id = randomBytes(32).toString('base64url');
    this.#sessions.set(this.#digest(id).toString('hex'), {
      role,
      csrf: randomBytes(24).toString('base64url'),
      expiresAt: this.#now() + operator.sessionMs,
      tokenDigest: this.#digest(token),
    });
    setCookie(context, cookieName, id, {
      ...this.#cookie(context),
      maxAge: Math.floor(operator.sessionMs / 1000),
    });
    return 'signed in';
  }

  /** Ends the session here, not only in the browser. */
  signOut(context: Context): void {
    this.#endSession(context);
    deleteCookie(context, cookieName, this.#cookie(context));
  }

  /** Who it is, for the sign-in page, which nobody guards. */
  visitorOf(context: Context): Visitor | undefined {
    const found = this.#visitorOf(context);
    return typeof found === 'string' ? undefined : found;
  }

  /** Whether a request was sent by a page of ours, as far as the browser tells. */
  isSameOrigin(context: Context): boolean {
    const site = context.req.header('sec-fetch-site');
    if (site !== undefined) return site === 'same-origin' || site === 'none';
    const origin = context.req.header('origin');
    if (origin === undefined || !URL.canParse(origin)) return false;
    const { publicUrl } = this.#options.settings().listen;
    const { host } = new URL(origin);
    return (
      host === context.req.header('host') || (publicUrl !== undefined && host === new URL(publicUrl).host)
    );
  }

  #visitorOf(context: Context): Visitor | Refusal {
    const { operator } = this.#options.settings();
    if (operator.token === undefined) {
      if (!this.#isLocal(context)) return 'not local';
      return {
        role: 'operator',
        masked: false,
        via: 'local',
        csrf: this.#digest('local').toString('base64url'),
      };
    }
    const header = context.req.header('authorization');
    if (header !== undefined) {
      const tries = `bearer ${this.#sender(context)}`;
      if (this.#isShut(tries)) return 'too many tries';
      const token = /^Bearer +(\S+) *$/i.exec(header)?.[1];
      const role = token === undefined ? undefined : this.#roleOf(token);
      if (role) return { role, masked: role === 'reader' && operator.maskNumbers, via: 'bearer', csrf: '' };
      this.#countWrong(tries);
      return 'wrong token';
    }
    const session = this.#sessionOf(context);
    if (!session) return 'not signed in';
    const { role, csrf } = session;
    return { role, masked: role === 'reader' && operator.maskNumbers, via: 'session', csrf };
  }

  #endSession(context: Context): void {
    const id = getCookie(context, cookieName);
    if (id !== undefined) this.#sessions.delete(this.#digest(id).toString('hex'));
  }

  #sessionOf(context: Context): Session | undefined {
    const id = getCookie(context, cookieName);
    if (id === undefined) return undefined;
    const name = this.#digest(id).toString('hex');
    const session = this.#sessions.get(name);
    if (!session) return undefined;
    const { token, readOnlyToken } = this.#options.settings().operator;
    const present = session.role === 'operator' ? token : readOnlyToken;
    if (
      session.expiresAt > this.#now() &&
      present !== undefined &&
      timingSafeEqual(session.tokenDigest, this.#digest(present))
    )
      return session;
    this.#sessions.delete(name);
    return undefined;
  }

  /** Compares with both tokens whatever the first said, and digests instead of texts: time tells nothing. */
  #roleOf(token: string): Role | undefined {
    const { operator } = this.#options.settings();
    const presented = this.#digest(token);
    const is = (known: string | undefined) =>
      timingSafeEqual(presented, known === undefined ? randomBytes(presented.length) : this.#digest(known));
    const isOperator = is(operator.token);
    const isReader = is(operator.readOnlyToken);
    return isOperator ? 'operator' : isReader ? 'reader' : undefined;
  }

  /**
   * From this machine, and under a name of this machine: a page elsewhere can let its own name point to 127.0.0.1, and
   * its scripts would then be at home here.
   */
  #isLocal(context: Context): boolean {
    if (!isLoopback(plainAddress(this.#options.peer(context)))) return false;
    if (forwardingHeaders.some((name) => context.req.header(name) !== undefined)) return false;
    const host = `http://${context.req.header('host') ?? ''}`;
    return URL.canParse(host) && isLoopback(new URL(host).hostname);
  }

  /** Whether a request that changes something was meant by whom it seems to come from. */
  async #isOwnRequest(context: Context, visitor: Visitor): Promise<boolean> {
    if (visitor.via === 'bearer') return true; // no browser adds that by itself
    const fromBrowser =
      context.req.header('origin') !== undefined || context.req.header('sec-fetch-site') !== undefined;
    const isJson = /^application\/json\b/i.test(context.req.header('content-type') ?? '');
    // A command on this machine. A browser names the origin of what it posts, and asks before it posts JSON elsewhere.
    if (visitor.via === 'local' && !fromBrowser && isJson) return true;
    if (!this.isSameOrigin(context)) return false;
    const presented = context.req.header(csrfHeader) ?? (isJson ? '' : await csrfFieldOf(context));
    return timingSafeEqual(this.#digest(presented), this.#digest(visitor.csrf));
  }

  #refuse(context: Context, answers: 'page' | 'json', why: Refusal): Response | Promise<Response> {
    switch (why) {
      case 'not local':
        return refusal(
          context,
          answers,
          403,
          'Without operator.token in the configuration this answers on the machine of the bridge only, under a name such as localhost. Set a token to reach it from elsewhere.',
        );
      case 'too many tries':
        context.header('retry-after', String(triesWindowMs / 1000));
        return refusal(
          context,
          answers,
          429,
          'Too many wrong tokens came from this address. Wait ten minutes.',
        );
      case 'wrong token':
        context.header('www-authenticate', 'Bearer realm="delacon-bridge"');
        return refusal(
          context,
          answers,
          401,
          'The token is not the one of operator.token or operator.readOnlyToken.',
        );
      case 'not signed in': {
        if (answers === 'json') {
          context.header('www-authenticate', 'Bearer realm="delacon-bridge"');
          return refusal(context, answers, 401, 'Send the operator token: Authorization: Bearer <token>.');
        }
        return this.#toSignIn(context);
      }
    }
  }

  #toSignIn(context: Context): Response | Promise<Response> {
    const { path, method, url } = context.req;
    const here = method === 'GET' ? path + new URL(url).search : '/';
    const signIn = here === '/' ? '/sign-in' : `/sign-in?to=${encodeURIComponent(here)}`;
    if (context.req.header('hx-request') !== undefined) {
      // htmx would put the sign-in page into a corner of this one.
      return context.body(null, 401, { 'hx-redirect': '/sign-in' });
    }
    // After a link on another site, such as in a chat, the cookie stays behind. Asked for by our own page, it comes.
    if (method === 'GET' && context.req.header('sec-fetch-site') === 'cross-site')
      return context.html(
        html`<!doctype html><title>delacon-bridge</title><meta http-equiv="refresh" content="0;url=${here}">`,
      );
    return context.redirect(signIn, 303);
  }

  #cookie(context: Context) {
    return { httpOnly: true, sameSite: 'Strict', path: '/', secure: this.#isHttps(context) } as const;
  }

  /** Whoever claims it wrongly only loses their own cookie. */
  #isHttps(context: Context): boolean {
    if (context.req.header('x-forwarded-proto')?.split(',')[0]?.trim() === 'https') return true;
    const { publicUrl } = this.#options.settings().listen;
    return publicUrl?.startsWith('https:') === true && new URL(publicUrl).host === context.req.header('host');
  }

  #sender(context: Context): string {
    const proxies = new AddressList(this.#options.settings().listen.trustedProxies);
    return senderAddress(this.#options.peer(context), context.req.header('x-forwarded-for'), proxies);
  }

  #isShut(tries: string): boolean {
    const known = this.#wrong.get(tries);
    return known !== undefined && known.count >= freeTries && this.#isRecent(known.since);
  }

  #countWrong(tries: string): void {
    const known = this.#wrong.get(tries);
    const entry = known && this.#isRecent(known.since) ? known : { since: this.#now(), count: 0 };
    entry.count++;
    this.#wrong.set(tries, entry);
    if (entry.count === freeTries)
      this.#options.log.warn(
        { sender: tries.slice(tries.indexOf(' ') + 1) },
        'Many wrong operator tokens came from this address: it is shut out for ten minutes.',
      );
  }

  #isRecent(since: number): boolean {
    return isRecent(since, triesWindowMs, this.#now());
  }

  #digest(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

type Refusal = 'not local' | 'not signed in' | 'wrong token' | 'too many tries';

/**
 * Of every answer of the page and the API. Styles, scripts and pictures are ours; nothing inline, nothing evaluated,
 * no frame around us. `mediaFrom`: the origin of a recording, on the page that plays it.
 */
export function contentPolicy(mediaFrom?: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    `media-src 'self'${mediaFrom ? ` ${mediaFrom}` : ''}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

export const securityHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  const { headers } = context.res;
  const set = (name: string, value: string) => {
    if (!headers.has(name)) headers.set(name, value);
  };
  set('content-security-policy', contentPolicy());
  set('x-content-type-options', 'nosniff');
  set('x-frame-options', 'DENY');
  // Not no-referrer: with it browsers do not name the origin of what our own forms post.
  set('referrer-policy', 'same-origin');
  set('cross-origin-opener-policy', 'same-origin');
  set('cross-origin-resource-policy', 'same-origin');
  set('permissions-policy', 'camera=(), microphone=(), geolocation=()');
  set('cache-control', 'no-store');
};

/** Goes before `guard`, which reads forms. A push that somebody pastes is the longest thing that comes. */
export const smallBodies = bodyLimit({
  maxSize: 1024 ** 2,
  onError: (context) => context.json({ error: 'That is longer than a mebibyte.' }, 413),
});

/** A place on this page to go to after signing in. Anything else is the overview. */
export function ownPath(to: string | undefined): string {
  return to !== undefined && /^\/(?![/\\])[^\s\\]*$/.test(to) ? to : '/';
}

function refusal(
  context: Context,
  answers: 'page' | 'json',
  status: 401 | 403 | 429,
  error: string,
): Response {
  return answers === 'json' ? context.json({ error }, status) : context.text(`${error}\n`, status);
}

async function csrfFieldOf(context: Context): Promise<string> {
  const value = (await context.req.parseBody().catch(() => ({}) as Record<string, unknown>))[csrfField];
  return typeof value === 'string' ? value : '';
}
