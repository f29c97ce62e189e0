import { talkTime } from '../text/talk-time.ts';
import { type Call, isVoicemail } from './call.ts';
import { parseUrl } from './values.ts';

/** A line of what people read of a call. */
export interface SummaryLine {
  /** Not set for the first line, which says what happened. */
  label?: string;
  text: string;
  /** Where the text leads, which is itself an address. */
  url?: string;
  /** What may stand for the address. */
  words?: string;
}

/** More of one value tells a reader nothing. */
const longestText = 500;
const longestUrl = 2_000;

/**
 * A call as somebody would tell it: what happened, when, how long and with whom; what was said of it; how the caller came;
 * then what only programs ask for. There is a line for what is known; what could not be read stands as sent, in quotes.
 */
export function summaryOf(call: Call, timezone: string): SummaryLine[] {
  const { caller, dialled, dealer, marketing, survey, recording, fields } = call;
  const place = [caller.exchange, caller.city, caller.state].filter(Boolean).join(', ');
  const asSent = (name: string) => `"${fields[name]?.trim() ?? ''}"`;
  const orAsSent = (text: string | null, name: string) =>
    text ?? (fields[name]?.trim() ? asSent(name) : null);
  const lines: [label: string, text: string | null, link?: 'page' | 'listen'][] = [
    ['Caller', caller.raw === '' && place === '' ? null : withNote(caller.display, place)],
    ['Number dialled', dialled.display],
    ['Dealer', withNote(dealer.name ?? '', dealer.category)],

    [
      'Voicemail',
      call.voicemail === false || isHeadedVoicemail(call)
        ? null
        : orAsSent(call.voicemail ? 'left' : null, 'PLA_VoicemailLeft'),
    ],
    ['Survey', survey.outcome],
    [
      'Sale amount',
      survey.saleAmount === 0 ? null : orAsSent(money(survey.saleAmount), 'PLA_SurveySaleAmount'),
    ],
    ['Converted', convertedText(call) ?? (call.converted === null ? orAsSent(null, 'PLA_Converted') : null)],
    ['Menu choice', call.ivr],
    ['Recording', orAsSent(recording.url, 'PLA_RecordingFile'), 'listen'], // as sent: people click it, and no player plays it

    ['Campaign', marketing.utm.campaign],
    ['Source', [marketing.engine, marketing.type].filter(Boolean).join(' / ')],
    ['Keywords', marketing.keywords],
    ['Landing page', marketing.landingPage, 'page'],
    ['Page called from', marketing.calledFrom, 'page'],
    ['Referrer', marketing.referrer, 'page'],
    ['Click ID', clickId(call)],

    ['Extra tracking', call.extra],
    ['Dealer ID', dealer.id],
    ['Service ID', call.serviceId],
    ['Web session', marketing.sessionId === marketing.gclid ? null : marketing.sessionId],
    ['Google client ID', marketing.googleClientId],
    ['Delacon call', call.id],
  ];
  const told = lines.flatMap(([label, text, as]): SummaryLine[] => {
    if (text === null || text === '') return [];
    const url = as === undefined ? null : parseUrl(text);
    if (url === null) return [{ label, text: shortened(text) }];
    return [{ label, ...link(url), ...(as === 'listen' ? { words: as } : {}) }];
  });
  return [{ text: headline(call, timezone) }, ...told];
}

/** `Missed call · Thu 26 Nov 2026, 10:15 am AEDT · 0:25 · rang at (02) 9898 9898` */
function headline(call: Call, timezone: string): string {
  const { phase, result, answeredBy, durationSeconds, fields } = call;
  const rangAt = result === 'answered' ? 'answered by' : 'rang at';
  const duration = fields['PLA_Duration']?.trim() ?? '';
  return [
    whatHappened(call),
    momentText(call.startedAt, timezone),
    ...(phase === 'ringing' || duration === '' || durationSeconds === 0
      ? []
      : [durationSeconds === null ? `duration "${shortened(duration)}"` : talkTime(durationSeconds)]),
    ...(answeredBy.raw === '' ? [] : [`${rangAt} ${answeredBy.display}`]),
    ...(phase === 'lapsed' ? ['how it ended was not received'] : []),
  ].join(' · ');
}

const plainWords: Readonly<Record<string, string>> = {
  answered: 'Answered call',
  unanswered: 'Unanswered call',
  busy: 'Busy',
};

/** What the first line says then. */
function isHeadedVoicemail(call: Call): boolean {
  return call.phase !== 'ringing' && isVoicemail(call);
}

function whatHappened(call: Call): string {
  const { phase, result, resultText, missed } = call;
  if (phase === 'ringing') return 'Call in progress';
  if (isHeadedVoicemail(call)) return 'Voicemail';
  const plain = missed ? 'Missed call' : (plainWords[result ?? ''] ?? 'Call');
  if (resultText === null) return plain;
  const isSaid =
    resultText.toLowerCase() === result ||
    (missed && /^(?:missed|no ?answer|no ?reply|not ?answered)$/i.test(resultText));
  if (!isSaid) return `${plain} ("${shortened(resultText)}")`;
  return missed && result === 'busy' ? 'Missed call (busy)' : plain;
}

/** Y: converted online, R: repeat call, blank: offline call (vendor's article). Offline is what a call is anyhow. */
function convertedText({ converted }: Call): string | null {
  if (converted === 'online') return 'online';
  return converted === 'repeat' ? 'repeat call' : null;
}

function clickId({ marketing }: Call): string | null {
  for (const name of ['gclid', 'gbraid', 'wbraid', 'msclkid', 'fbclid'] as const)
    if (marketing[name] !== null) return `${name} ${marketing[name]}`;
  return null;
}

const amounts = new Intl.NumberFormat('en-AU', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** `$1,250.00`: dollars of the country that the business is in. */
function money(amount: number | null): string | null {
  if (amount === null) return null;
  return `${amount < 0 ? '-' : ''}$${amounts.format(Math.abs(amount))}`;
}

/** Where a zone's short name is in use: elsewhere Intl says `GMT+13`. */
const locales = ['en-AU', 'en-NZ', 'en-GB', 'en-US'] as const;
const formats = new Map<string, Intl.DateTimeFormat>();

function partsOf(at: Date, timeZone: string, locale: (typeof locales)[number]) {
  const key = `${locale} ${timeZone}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(locale, {
      timeZone,
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      year: 'numeric',
      hour: 'numeric',
      minute: '2-digit',
      hourCycle: 'h12',
      timeZoneName: 'short',
    });
    formats.set(key, format);
  }
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
}

/** `Thu 26 Nov 2026, 10:15 am AEDT` */
function momentText(at: Date, timeZone: string): string {
  const nameIn = (locale: (typeof locales)[number]) => partsOf(at, timeZone, locale)['timeZoneName'] ?? '';
  const locale = locales.find((one) => /^(?!GMT$)[A-Z]{3,5}$/.test(nameIn(one)));
  // Each month in three letters: of Australia's, some have four.
  const { weekday, day, month, year, hour, minute, dayPeriod } = partsOf(at, timeZone, 'en-US');
  return `${weekday} ${day} ${month} ${year}, ${hour}:${minute} ${dayPeriod?.toLowerCase()} ${nameIn(locale ?? 'en-AU')}`;
}

function withNote(text: string, note: string | null): string {
  return text !== '' && note ? `${text} (${note})` : text;
}

/** On one line, and with a sign where it is cut. */
function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= longestText
    ? line
    : `${line.slice(0, longestText - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** Cut, it ends between two parameters, and says so. */
function link(url: string): { text: string; url: string } {
  if (url.length <= longestUrl) return { text: url, url };
  const head = url.slice(0, longestUrl);
  const end = Math.max(head.lastIndexOf('&'), head.lastIndexOf('?'), head.indexOf('#'));
  const short = end > 0 ? head.slice(0, end) : new URL(url).origin;
  return { text: `${short} … (${url.length} characters as sent)`, url: short };
}
