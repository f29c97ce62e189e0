import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import { cacheOf } from '../cache.ts';
import { type Clock, sleep } from '../clock.ts';
import type { Settings } from '../config/settings.ts';
import type { Log } from '../log.ts';
import { AddressList, senderAddress } from '../receive/addresses.ts';
import { TokenThrottle } from '../receive/token-throttle.ts';
import { publicPath } from './public-path.ts';

/*
 * The one place that decides who may see and do what: on the page, in the API and for the metrics.
 *
 * Who presents `operator.token` is an operator, who presents `operator.readOnlyToken` a reader: in a header
 * (`Authorization: Bearer`), or once on the sign-in page, for a cookie that names a session and nothing else. Where no
 * token is configured the bridge has made one, which nobody needs to know: a link that is shown to whoever may use the
 * machine opens a session, once. Where a request comes from opens nothing: a proxy on this machine brings everybody's.
 *
 * Sessions live in this process: a restart ends them, so does signing out, and so does a changed token. Wrong tokens are
 * answered late after some, and a right one never, nor is it refused: behind a proxy, strangers have the operator's address.
 */

export type Role = 'operator' | 'reader';

/** Who sent a request that was let in. */
export interface Visitor {
  role: Role;
  /** Not to be shown whole telephone numbers, nor what may hold them: raw pushes, recordings. */
  masked: boolean;
  via: 'session' | 'bearer';
  /** What a form or script of this visitor sends along to change anything. It opens nothing by itself. */
  csrf: string;
}

export interface AccessEnv {
  Variables: { visitor: Visitor };
}

export interface AccessOptions {
  settings(): Settings;
  /** `operator.token`, or the one that was made in its place. */
  operatorToken(): string;
  /** Whether this is the code of a link that nobody has used yet, which it is by this. */
  useLink(code: string): Promise<boolean>;
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

const cookieName = 'delacon-bridge-session';
const mostSessions = 1_000;
export const csrfHeader = 'x-csrf-token';
export const csrfField = 'csrf';

export class Access {
  readonly #options: AccessOptions;
  readonly #key = randomBytes(32);
  readonly #sessions = cacheOf<string, Session>(mostSessions);
  readonly #guesses: TokenThrottle;

  constructor(options: AccessOptions) {
    this.#options = options;
    this.#guesses = new TokenThrottle(options.log, { of: 'wrong operator tokens', freely: 10 });
  }

  /**
   * Lets a request in, or answers it. Reading (GET, HEAD) needs any role; everything else needs the operator, except on
   * the paths where `readersMayPost` says that nothing is changed, and must come from our own page or bring a bearer
   * token. A read that another site's page began tells it nothing, nor does it cost anything. `answers`: `page` sends who
   * is not signed in to the sign-in page, `json` says 401.
   */
  guard(
    answers: 'page' | 'json',
    readersMayPost: (path: string) => boolean = () => false,
  ): MiddlewareHandler<AccessEnv> {
    return async (context, next) => {
      const found = this.#visitorOf(context);
      const { method, path } = context.req;
      const isRead = method === 'GET' || method === 'HEAD';
      const isOurs = typeof found === 'object' && found.via === 'bearer'; // no browser adds that by itself
      if (isRead && !isOurs && isBegunElsewhere(context)) return this.#fromElsewhere(context, answers);
      if (typeof found === 'string') return this.#refuse(context, answers, found);
      if (!isRead) {
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

  /**
   * Opens a session and sets its cookie, for who presents a token or the code of a link. False: it is neither.
   */
  async signIn(context: Context, presented: string): Promise<boolean> {
    const { operator } = this.#options.settings();
    let role = this.#roleOf(presented);
    if (!role && (await this.#options.useLink(presented))) role = 'operator';
    if (!role) {
      await this.#guessed(context);
      return false;
    }
    this.#endSession(context); // the one of before, if the browser has one
    const id = randomBytes(32).toString('base64url');
    this.#sessions.set(this.#digest(id).toString('hex'), {
      role,
      csrf: randomBytes(24).toString('base64url'),
      expiresAt: this.#now() + operator.sessionMs,
      tokenDigest: this.#digest(this.#tokenOf(role) ?? ''),
    });
    const { name, attributes } = this.#cookie(context);
    setCookie(context, name, id, { ...attributes, maxAge: Math.floor(operator.sessionMs / 1000) });
    return true;
  }

  /** Ends the session here, not only in the browser. */
  signOut(context: Context): void {
    this.#endSession(context);
    const { name, attributes } = this.#cookie(context);
    deleteCookie(context, name, attributes);
  }

  /** For the sign-in page, which nobody guards. */
  isSignedIn(context: Context): boolean {
    return this.#sessionOf(context) !== undefined;
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
    const { maskNumbers } = this.#options.settings().operator;
    const visitor = (role: Role, via: Visitor['via'], csrf: string): Visitor => ({
      role,
      masked: role === 'reader' && maskNumbers,
      via,
      csrf,
    });
    const header = context.req.header('authorization') ?? '';
    // Another kind is for a proxy in front, which may hand it on.
    if (/^Bearer\b/i.test(header)) {
      const role = this.#roleOf(header.slice('Bearer'.length).trim());
      return role ? visitor(role, 'bearer', '') : 'wrong token';
    }
    const session = this.#sessionOf(context);
    return session ? visitor(session.role, 'session', session.csrf) : 'not signed in';
  }

  #tokenOf(role: Role): string | undefined {
    return role === 'operator'
      ? this.#options.operatorToken()
      : this.#options.settings().operator.readOnlyToken;
  }

  #endSession(context: Context): void {
    const id = getCookie(context, this.#cookie(context).name);
    if (id !== undefined) this.#sessions.delete(this.#digest(id).toString('hex'));
  }

  #sessionOf(context: Context): Session | undefined {
    const id = getCookie(context, this.#cookie(context).name);
    if (id === undefined) return undefined;
    const name = this.#digest(id).toString('hex');
    const session = this.#sessions.get(name);
    if (!session) return undefined;
    const present = this.#tokenOf(session.role);
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
    const presented = this.#digest(token);
    const is = (known: string | undefined) =>
      timingSafeEqual(presented, known === undefined ? randomBytes(presented.length) : this.#digest(known));
    const isOperator = is(this.#tokenOf('operator'));
    const isReader = is(this.#tokenOf('reader'));
    return isOperator ? 'operator' : isReader ? 'reader' : undefined;
  }

  /** Whether a request that changes something was meant by whom it seems to come from. */
  async #isOwnRequest(context: Context, visitor: Visitor): Promise<boolean> {
    if (visitor.via === 'bearer') return true; // no browser adds that by itself
    if (!this.isSameOrigin(context)) return false;
    const isJson = /^application\/json\b/i.test(context.req.header('content-type') ?? '');
    const presented = context.req.header(csrfHeader) ?? (isJson ? '' : await csrfFieldOf(context));
    return timingSafeEqual(this.#digest(presented), this.#digest(visitor.csrf));
  }

  async #refuse(context: Context, answers: 'page' | 'json', why: Refusal): Promise<Response> {
    if (why === 'wrong token') await this.#guessed(context);
    else if (answers === 'page') return this.#toSignIn(context);
    context.header('www-authenticate', 'Bearer realm="delacon-bridge"');
    return refusal(
      context,
      answers,
      401,
      why === 'wrong token'
        ? 'The token is neither operator.token nor operator.readOnlyToken of the configuration.'
        : 'Send operator.token of the configuration: Authorization: Bearer <token>.',
    );
  }

  #toSignIn(context: Context): Response {
    const { path, method, url } = context.req;
    const here = method === 'GET' ? path + new URL(url).search : '/';
    const signIn = here === '/' ? '/sign-in' : `/sign-in?to=${encodeURIComponent(here)}`;
    if (context.req.header('hx-request') !== undefined) {
      // htmx would put the sign-in page into a corner of this one.
      return context.body(null, 401, { 'hx-redirect': '/sign-in' });
    }
    return context.redirect(signIn, 303);
  }

  /** What it asks for is asked for once more, by a page of ours, and by nothing else than a page. */
  #fromElsewhere(context: Context, answers: 'page' | 'json'): Response | Promise<Response> {
    if (answers === 'json' || (context.req.header('sec-fetch-mode') ?? 'navigate') !== 'navigate')
      return refusal(context, answers, 403, 'This was asked for by a page of another site.');
    const here = context.req.path + new URL(context.req.url).search;
    return context.html(
      html`<!doctype html><title>delacon-bridge</title><meta http-equiv="refresh" content="0;url=${here}">`,
    );
  }

  /** What is reached by https, as `listen.publicUrl` says, gets a cookie that travels by nothing else. */
  #cookie(context: Context) {
    const { publicUrl } = this.#options.settings().listen;
    const path = publicPath(publicUrl) || '/';
    const isHttps = publicUrl?.startsWith('https:') === true;
    // Without a publicUrl the proxy is believed: whoever claims it wrongly only loses their own cookie.
    const claimed = context.req.header('x-forwarded-proto')?.split(',')[0]?.trim() === 'https';
    // Browsers take these names from an https page alone; __Host- means the whole of a host.
    const prefix = isHttps ? (path === '/' ? '__Host-' : '__Secure-') : '';
    return {
      name: prefix + cookieName,
      attributes: { httpOnly: true, sameSite: 'Strict', path, secure: isHttps || claimed },
    } as const;
  }

  #guessed(context: Context): Promise<void> {
    const { clock } = this.#options;
    return this.#guesses.made(this.#sender(context), this.#now(), (ms) => sleep(clock, ms));
  }

  #sender(context: Context): string {
    const proxies = new AddressList(this.#options.settings().listen.trustedProxies);
    return senderAddress(this.#options.peer(context), context.req.header('x-forwarded-for'), proxies);
  }

  #digest(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

type Refusal = 'not signed in' | 'wrong token';

/** By a link, an image, a script or a form on another site, as far as the browser tells; neighbours in a domain are others. */
function isBegunElsewhere(context: Context): boolean {
  const site = context.req.header('sec-fetch-site');
  return site === 'cross-site' || site === 'same-site';
}

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

function refusal(context: Context, answers: 'page' | 'json', status: 401 | 403, error: string): Response {
  return answers === 'json' ? context.json({ error }, status) : context.text(`${error}\n`, status);
}

async function csrfFieldOf(context: Context): Promise<string> {
  const value = (await context.req.parseBody().catch(() => ({}) as Record<string, unknown>))[csrfField];
  return typeof value === 'string' ? value : '';
}
