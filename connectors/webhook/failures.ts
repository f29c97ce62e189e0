import {
  counted,
  type Delivery,
  maskKnownNumbers,
  maskNumbersIn,
  mayHaveLeft,
  type Outcome,
  whySilent,
} from '../../src/connector/index.ts';
import { PrivateAddress } from './addresses.ts';
import type { WebhookOptions } from './options.ts';
import { type Answer, NoAnswerInTime } from './receiver.ts';

/* What each answer of a receiver means to us, and what no answer means. The kind alone decides what happens next. */

export type Failure = Exclude<Outcome, { kind: 'delivered' }>;

/** However long a receiver asks to wait: somebody may have mended it by then. */
const longestWaitMs = 24 * 3_600_000;

/** By the specification, receivers take a time that is five minutes wrong; some of that an answer is on its way. */
const toleratedClockErrorMs = 4 * 60_000;

/** How much of an answer is quoted. */
const longestQuote = 300;

/**
 * @param delivery what was sent; undefined: nothing of a call
 * @returns undefined when the receiver took the event
 */
export function failureOfAnswer(
  { status, headers, text }: Answer,
  options: WebhookOptions,
  delivery: Delivery | undefined,
  now: Date,
): Failure | undefined {
  if (status >= 200 && status < 300) return undefined;
  const words = quote(status, text, options, delivery);
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    const notBefore = waitOf(headers['retry-after'], now);
    return {
      kind: 'retry',
      scope: 'connector',
      reason: words,
      ...(notBefore ? { notBefore } : {}),
      ...(ofGateways(status) ? { unanswered: true } : {}),
    };
  }
  if (status < 400) {
    const target = redirectOf(headers.location, options.url);
    return {
      kind: 'blocked',
      reason: `${words} Redirects are not followed: put the address it leads to${target} into url.`,
    };
  }
  switch (status) {
    case 401:
    case 403: {
      const wrongMs = clockErrorOf(headers.date, now);
      const todo =
        Math.abs(wrongMs) > toleratedClockErrorMs
          ? `This machine's clock is ${counted(Math.round(Math.abs(wrongMs) / 60_000), 'minute')} ${wrongMs > 0 ? 'ahead of' : 'behind'} the receiver's, which refuses what is signed for another time: set it right.`
          : 'Check secrets and headers: the receiver does not accept them.';
      return { kind: 'blocked', reason: `${words} ${todo}` };
    }
    case 404:
      return { kind: 'blocked', reason: `${words} Check url: there is no receiver at it.` };
    case 410:
      return {
        kind: 'blocked',
        reason: `${words} The receiver wants no more events. Take the connector out of the routes, or change url.`,
      };
    default:
      return { kind: 'rejected', reason: words };
  }
}

/** How far this machine's clock is ahead of a receiver's. 0 where that does not tell its time. */
function clockErrorOf(date: string | undefined, now: Date): number {
  const theirs = Date.parse(date ?? '');
  return Number.isNaN(theirs) ? 0 : now.getTime() - theirs;
}

/** What stands before a receiver says so when that does not answer: it may have got the event, or not. */
function ofGateways(status: number): boolean {
  return status > 501;
}

/** No answer: the receiver may have taken the event or not. The same id tells it when it comes again. */
export function failureOfSilence(thrown: unknown, options: WebhookOptions): Failure {
  const host = new URL(options.url).host;
  if (thrown instanceof PrivateAddress) {
    return {
      kind: 'blocked',
      reason: `${thrown.message}: nothing is sent there. If that is meant, set allowPrivate: true.`,
    };
  }
  if (thrown instanceof NoAnswerInTime)
    return { kind: 'retry', scope: 'connector', reason: `${host}: ${thrown.message}.`, unanswered: true };
  return {
    kind: 'retry',
    scope: 'connector',
    reason: hide(`${host} gave no usable answer: ${whySilent(thrown)}.`, options),
    ...(mayHaveLeft(thrown) ? { unanswered: true } : {}),
  };
}

/** The receiver's own words, short enough to read. They may repeat what it was sent. */
function quote(
  status: number,
  text: string,
  options: WebhookOptions,
  delivery: Delivery | undefined,
): string {
  const host = new URL(options.url).host;
  const { number, national, display, raw } = delivery?.call.caller ?? {};
  const numbers = [number, national, display, raw].map((one) => one ?? null);
  // A terminal or a log must not obey what an answer holds.
  const said = maskNumbersIn(maskKnownNumbers(hide(text, options), numbers))
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, longestQuote);
  return `${host} answered ${status}${said === '' ? '' : `: "${said}"`}.`;
}

/** Beyond its host, an address is often a password; so are parts of a header, such as what follows `Bearer`. */
function hide(text: string, { url, secrets, headers }: WebhookOptions): string {
  const { pathname, search } = new URL(url);
  const hidden = [
    url,
    `${pathname}${search}`,
    pathname,
    search,
    ...secrets.flatMap((secret) => [secret, secret.replace('whsec_', '')]),
    ...Object.values(headers).flatMap((value) => [value, ...value.split(/\s+/)]),
  ].filter((one) => one.length >= 6);
  return hidden.reduce((shown, one) => shown.replaceAll(one, '[secret]'), text);
}

/** Retry-After, in seconds or as a date. */
function waitOf(written: string | undefined, now: Date): Date | undefined {
  if (written === undefined) return undefined;
  const at = /^\d{1,9}$/.test(written) ? now.getTime() + Number(written) * 1000 : Date.parse(written);
  return at > now.getTime() ? new Date(Math.min(at, now.getTime() + longestWaitMs)) : undefined;
}

/** Where a redirect leads, without what may be secret in it. */
function redirectOf(location: string | undefined, from: string): string {
  if (location === undefined || !URL.canParse(location, from)) return '';
  const { origin } = new URL(location, from);
  return origin === 'null' ? '' : ` (at ${origin})`;
}
