import { isRecent } from '../clock.ts';
import { counted } from '../text/plural.ts';
import { type LandingPage, readLandingPage } from './landing-page.ts';
import { bareNumber, isOtherWord, isWithheld, type PhoneNumber, parsePhone, type Region } from './phone.ts';
import { type Fields, pushFields } from './push.ts';
import {
  Instant,
  parseAmount,
  parseDuration,
  parseInstant,
  parseUrl,
  parseYesNo,
  playerUrl,
} from './values.ts';

/**
 * What all pushes of one call say together. The names are those of templates and conditions (`call.caller.display`).
 * What is not known is null; what could not be read is null, kept raw in `fields` and named in `notes`.
 */
export interface Call {
  id: string;
  source: string;
  /** What came of it, who called and whom, and who answered: what heads the call wherever people see it. */
  title: string;
  serviceId: string | null;
  /** The start push's time; the first receipt if it has none, or one that had not come by then. */
  startedAt: Date;
  /** Start plus duration; the receipt of the end if it has no duration. Null until the end is known. */
  endedAt: Date | null;
  phase: 'ringing' | 'ended' | 'lapsed';
  caller: PhoneNumber & {
    withheld: boolean;
    exchange: string | null;
    city: string | null;
    state: string | null;
  };
  dialled: PhoneNumber;
  answeredBy: PhoneNumber;
  dealer: { id: string | null; name: string | null; category: string | null };
  marketing: {
    engine: string | null;
    type: string | null;
    keywords: string | null;
    referrer: string | null;
    landingPage: string | null;
    calledFrom: string | null;
    sessionId: string | null;
    googleClientId: string | null;
  } & LandingPage;
  result: 'answered' | 'unanswered' | 'busy' | 'other' | null;
  resultText: string | null;
  missed: boolean;
  durationSeconds: number | null;
  voicemail: boolean | null;
  survey: { outcome: string | null; saleAmount: number | null };
  ivr: string | null;
  extra: string | null;
  converted: 'online' | 'repeat' | 'offline' | null;
  recording: { url: string | null; playerUrl: string | null };
  fields: Fields;
  /** What could not be read, a sentence each. */
  notes: string[];
}

/** What is stored of a call; `readCall` makes the rest of it. */
export interface CallState {
  source: string;
  callId: string;
  fields: Fields;
  firstReceivedAt: Date;
  /** When the first push with end data came. */
  endReceivedAt: Date | null;
  lapsed: boolean;
  /** How many of its pushes say more than one call holds: see `foldWithinBounds`. Absent: none. */
  notFolded?: number;
}

/**
 * How soon a CRM should show a call. `live`: it rings or ended a moment ago, and somebody may be looking for it.
 * `backlog`: it waited for longer. `historic`: it was first heard of long after its end.
 */
export type Urgency = 'live' | 'backlog' | 'historic';

export const liveMs = 120_000;
/** Who is first heard of so long after the end belongs to an import. */
const historicMs = 3_600_000;
/**
 * A start before that says that the sender's clock was never set, and nothing of the call: it is as if no time were given.
 * Within that a clock that is slow makes its calls late, which costs them their place before others and nothing else.
 */
const mostBehindMs = 400 * 24 * 3_600_000;
/** Where a call that is over does not say how long it lasted: few last longer. */
const likelyMostMs = 3_600_000;

/** Of what came in time and is due since; by a clock that ran ahead it is not live. */
export function urgencyOf(since: Date, now: Date): Urgency {
  return isRecent(since.getTime(), liveMs, now.getTime()) ? 'live' : 'backlog';
}

/** How urgent a push makes its call, by the call's own times. `state`: with that push. */
export function urgencyOfPush({ fields, endReceivedAt, firstReceivedAt }: CallState, at: Date): Urgency {
  const start = parseInstant(fields['PLA_CallStartTime'] ?? '')?.getTime();
  if (start === undefined || at.getTime() - start < liveMs || at.getTime() - start > mostBehindMs)
    return 'live';
  const seconds = endReceivedAt === null ? 0 : parseDuration(fields['PLA_Duration'] ?? '');
  const toldOf = start + (seconds === null ? likelyMostMs : seconds * 1_000);
  if (at.getTime() - toldOf < liveMs) return 'live';
  return firstReceivedAt.getTime() - toldOf < historicMs ? 'backlog' : 'historic';
}

/** A call whose pushes all come at one time. */
export function stateAt(at: Date, source: string, callId: string, fields: Fields): CallState {
  const endReceivedAt = hasEnd(fields) ? at : null;
  return { source, callId, fields, firstReceivedAt: at, endReceivedAt, lapsed: false };
}

/** What a source's settings say about reading its calls. */
export interface Reading {
  region: Region;
  timezone: string;
  /** Texts that stand for a withheld number, lower case. */
  withheldWords: readonly string[];
  /**
   * What counts as missed: our results, and `voicemail` for one left on a call that nobody answered; or Delacon's own words,
   * as `resultWord` writes them.
   */
  missed: readonly string[];
  /** Ids of services that never ring: Delacon's contact method "Email Only". */
  emailOnly: readonly string[];
}

const endFields = [
  'PLA_Answering_Point',
  'PLA_CallResult',
  'PLA_Duration',
  'PLA_VoicemailLeft',
  'PLA_SurveyOutcome',
  'PLA_SurveySaleAmount',
  'PLA_Converted',
  'PLA_dtmf',
  'PLA_RecordingFile',
];
const startFields = ['PLA_Caller_Phone_Number', 'PLA_Number_Dialed', 'PLA_CallStartTime'];

/** Which half of a call some fields tell of, by what they hold and never by the URL they came to. */
export function kindOf(fields: Fields): 'start' | 'end' | 'both' | 'neither' {
  const start = startFields.some((name) => !isBlank(fields[name]));
  const end = hasEnd(fields);
  if (start) return end ? 'both' : 'start';
  return end ? 'end' : 'neither';
}

/** Whether some fields tell of a call's end. */
export function hasEnd(fields: Fields): boolean {
  return endFields.some((name) => !isBlank(fields[name]));
}

/**
 * Adds a push to what is known: per key the latest value that is not blank wins, so a blank erases nothing and a
 * start that comes after the end takes nothing back. Returns the same object when nothing changed.
 */
export function foldFields(known: Fields | undefined, push: Fields): Fields {
  if (!known) return push;
  let folded = known;
  for (const key in push) {
    const value = push[key] as string;
    const before = known[key];
    if (value === before || (before !== undefined && isBlank(value))) continue;
    if (folded === known) folded = Object.setPrototypeOf({ ...known }, null) as Fields;
    folded[key] = value;
  }
  return folded;
}

/**
 * What one call holds at most. A call as the article prints it has some thirty keys and a few thousand characters; each
 * push to one that grew without end would take longer than the one before.
 */
const mostKeys = 1_000;
const mostCharacters = 512 * 1024;
/** Bodies that are shorter in all hold neither: a key takes two characters. */
const surelyHeld = 2 * mostKeys;
/** Of a push beyond that, what the article names is folded all the same, as long as it is no longer than this. */
const longestAtLeast = 4_096;
const ofTheArticle: ReadonlySet<string> = new Set(pushFields);

/**
 * Folds a push as far as the call has room for it.
 * @param length of what the call and the push were read from, in characters
 */
export function foldWithinBounds(
  known: Fields | undefined,
  push: Fields,
  length: number,
): { fields: Fields; isWhole: boolean } {
  const fields = foldFields(known, push);
  if (length < surelyHeld || fields === known || isHeld(fields)) return { fields, isWhole: true };
  const own: Fields = Object.create(null);
  for (const key in push) {
    const value = push[key] as string;
    if (ofTheArticle.has(key) && value.length <= longestAtLeast) own[key] = value;
  }
  return { fields: foldFields(known, own), isWhole: false };
}

function isHeld(fields: Fields): boolean {
  let keys = 0;
  let characters = 0;
  for (const key in fields) {
    keys++;
    characters += key.length + (fields[key] as string).length;
  }
  return keys <= mostKeys && characters <= mostCharacters;
}

/** Of an older push, what fills gaps in what is known: the rest was said otherwise since. */
export function gapsIn(known: Fields, older: Fields): Fields {
  const isGap = (key: string) => known[key] === undefined || isBlank(known[key]);
  return Object.setPrototypeOf(
    Object.fromEntries(Object.entries(older).filter(([key]) => isGap(key))),
    null,
  ) as Fields;
}

/**
 * A call that is told of has begun. What is dated later by more than clocks and time zones go wrong would stand above
 * everything else in the CRM for years.
 */
const mostAheadMs = 24 * 3_600_000;

/** Between a number and its extension: `0444 444 444 ext 12`. */
const beforeExtension = /[\p{L}#,;~]/u;

/**
 * The lane of a call: calls of one caller share it, however the number is written. Cheap, and coarse: some callers may
 * share one.
 */
export function laneOf(callId: string, fields: Fields): string {
  for (const part of bareNumber(fields['PLA_Caller_Phone_Number'] ?? '').split(beforeExtension)) {
    const digits = part.replace(/\D/g, '');
    if (digits.length >= 6) return digits.slice(-8);
  }
  return callId;
}

/** The call that a stored state describes. Parts are read when first asked for: receiving needs few of them. */
export function readCall(state: CallState, reading: Reading): Call {
  const { fields } = state;
  const text = (name: string): string | null => fields[name]?.trim() || null;
  const ended = state.endReceivedAt !== null;
  const resultText = text('PLA_CallResult');
  const word = resultText === null ? null : resultWord(resultText);
  const result = word === null ? null : readResult(word);
  const voicemail = readWith(text('PLA_VoicemailLeft'), parseYesNo);
  const durationSeconds = readWith(text('PLA_Duration'), parseDuration);
  const saidToStart = readWith(text('PLA_CallStartTime'), parseInstant);
  const startedAt =
    saidToStart !== null && saidToStart.getTime() <= state.firstReceivedAt.getTime() + mostAheadMs
      ? saidToStart
      : new Instant(state.firstReceivedAt);
  const recordingUrl = readWith(text('PLA_RecordingFile'), parseUrl);
  // A call that never rang names nobody who could have answered it, and goes straight to voicemail.
  const neverRang =
    reading.emailOnly.includes(text('PLA_CID') ?? '') ||
    (voicemail !== null && text('PLA_Answering_Point') === null && (result === null || result === 'other'));
  const missed =
    !neverRang &&
    ((result !== null && (reading.missed.includes(result) || reading.missed.includes(word!))) ||
      (isVoicemail({ voicemail, result }) && reading.missed.includes('voicemail')));

  const call: Call = {
    id: state.callId,
    source: state.source,
    get title() {
      return once(this, 'title', titleOf(this));
    },
    serviceId: text('PLA_CID'),
    startedAt,
    endedAt: !ended
      ? null
      : durationSeconds === null
        ? new Instant(Math.max(state.endReceivedAt!.getTime(), startedAt.getTime()))
        : new Instant(startedAt.getTime() + durationSeconds * 1000),
    phase: ended ? 'ended' : state.lapsed ? 'lapsed' : 'ringing',
    get caller() {
      return once(this, 'caller', {
        ...readCaller(text('PLA_Caller_Phone_Number'), reading),
        exchange: text('PLA_Exchange'),
        city: text('PLA_City'),
        state: text('PLA_State'),
      });
    },
    get dialled() {
      return once(this, 'dialled', parsePhone(text('PLA_Number_Dialed') ?? '', reading.region));
    },
    get answeredBy() {
      return once(this, 'answeredBy', parsePhone(text('PLA_Answering_Point') ?? '', reading.region));
    },
    dealer: {
      id: text('PLA_Dealer_ID'),
      name: text('PLA_Dealer_Name'),
      category: text('PLA_Dealer_Category'),
    },
    get marketing() {
      const sessionId = text('PLA_SESSID');
      const landingPage = readLandingPage(text('PLA_Landing_Page'));
      return once(this, 'marketing', {
        engine: text('PLA_Search_Engine_Used'),
        type: text('PLA_Search_Type'),
        keywords: text('PLA_Keywords_Searched'),
        referrer: text('PLA_URL'),
        landingPage: text('PLA_Landing_Page'),
        calledFrom: text('PLA_Page_Called_From'),
        sessionId,
        googleClientId: text('PLA_UAID'),
        ...landingPage,
        gclid: landingPage.gclid ?? clickIdIn(sessionId),
      });
    },
    result,
    resultText,
    missed,
    durationSeconds,
    voicemail,
    survey: {
      outcome: text('PLA_SurveyOutcome'),
      saleAmount: readWith(text('PLA_SurveySaleAmount'), parseAmount),
    },
    ivr: text('PLA_dtmf'),
    extra: text('PLA_ExtraTracking'),
    converted: readConverted(text('PLA_Converted'), ended),
    recording: { url: recordingUrl, playerUrl: recordingUrl && playerUrl(recordingUrl) },
    fields,
    get notes() {
      return once(this, 'notes', notesOn(this, state.notFolded ?? 0));
    },
  };
  return call;
}

/**
 * "This also refers to the gclid if the call was generated from a web session generated by a google click id" (vendor's
 * article). Those that Google gives are longer than a session of Delacon's own, which is 32 hexadecimal digits.
 */
function clickIdIn(sessionId: string | null): string | null {
  return sessionId !== null && /^[\w-]{40,512}$/.test(sessionId) ? sessionId : null;
}

/** Whether the caller left a message in place of a talk, whatever else Delacon calls it: `No answer`. */
export function isVoicemail({ voicemail, result }: Pick<Call, 'voicemail' | 'result'>): boolean {
  return voicemail === true && result !== 'answered';
}

function titleOf(call: Call): string {
  const { caller, dealer, answeredBy, result, missed } = call;
  const what = isVoicemail(call) ? 'Voicemail' : missed ? 'Missed call' : 'Call';
  const to = dealer.name === null ? '' : ` to ${dealer.name}`;
  const by = result === 'answered' && answeredBy.raw !== '' ? `, answered by ${answeredBy.display}` : '';
  return `${what} from ${caller.display}${to}${by}`;
}

/** Replaces a getter by its value. Own and enumerable, so that templates and JSON see it like any other name. */
function once<Name extends keyof Call>(call: Call, name: Name, value: Call[Name]): Call[Name] {
  Object.defineProperty(call, name, { value, enumerable: true });
  return value;
}

function readWith<T>(text: string | null, parse: (text: string) => T | null): T | null {
  return text === null ? null : parse(text);
}

/** Titles have it. */
const longestWord = 60;

function quoted(word: string): string {
  const line = word.replace(/\s+/g, ' ');
  if (line.length <= longestWord) return `"${line}"`;
  return `"${line.slice(0, longestWord - 1).replace(/[\uD800-\uDBFF]$/, '')}…"`;
}

function readCaller(raw: string | null, reading: Reading): PhoneNumber & { withheld: boolean } {
  if (raw === null) return { ...parsePhone('', reading.region), display: 'unknown number', withheld: false };
  if (isWithheld(raw, reading.region, reading.withheldWords)) {
    const display = isOtherWord(raw, reading.withheldWords) ? quoted(raw) : 'withheld number';
    return { number: null, national: null, display, raw, country: null, withheld: true };
  }
  return { ...parsePhone(raw, reading.region), withheld: false };
}

/** Words around those that say what came of a call: `Call was abandoned by caller`, `busy tone was received`. */
const beside = /\b(?:the|a|call|caller|was|is|has|been|by|tone|signal|line|received|party)\b/g;
const results = new Map<string, Call['result']>(
  Object.entries({
    answered: 'answered',
    unanswered: 'unanswered',
    notanswered: 'unanswered',
    noanswer: 'unanswered',
    noreply: 'unanswered',
    noresponse: 'unanswered',
    didnotanswer: 'unanswered',
    missed: 'unanswered',
    abandoned: 'unanswered',
    busy: 'busy',
    engaged: 'busy',
  } as const),
);

/** What a result is compared by: its letters, in lower case, without the words around the one that counts. */
export function resultWord(text: string): string {
  const words = text.toLowerCase().slice(0, 200);
  return (
    (results.has(words) ? words : words.replace(beside, '').replace(/[^\p{L}\p{N}]/gu, '')) || words.trim()
  );
}

function readResult(word: string): Call['result'] {
  return results.get(word) ?? 'other';
}

/** Y: converted online, R: repeat call, blank: offline call (vendor's article). Blank says nothing before the end. */
function readConverted(text: string | null, ended: boolean): Call['converted'] {
  if (text === null) return ended ? 'offline' : null;
  return ({ Y: 'online', R: 'repeat' } as const)[text.toUpperCase()] ?? null;
}

function notesOn(call: Call, notFolded: number): string[] {
  const notes: string[] = [];
  if (notFolded > 0)
    notes.push(
      `${counted(notFolded, 'push', 'pushes')} said more than one call holds (${mostKeys} fields, ${mostCharacters} characters): kept as sent, and of what went beyond only short values of Delacon's own fields are read.`,
    );
  const unread = (field: string, value: unknown, what: string) => {
    if (value === null && !isBlank(call.fields[field])) {
      notes.push(`${field} "${call.fields[field]!.trim().slice(0, 80)}" is not ${what}; it is kept as sent.`);
    }
  };
  const start = readWith(call.fields['PLA_CallStartTime'] ?? '', parseInstant);
  unread('PLA_CallStartTime', start, 'a time');
  if (start !== null && start.getTime() !== call.startedAt.getTime()) {
    notes.push(
      `PLA_CallStartTime ${start.toISOString()} is more than a day after the push came; the time of its receipt stands instead.`,
    );
  }
  if (!call.caller.withheld) unread('PLA_Caller_Phone_Number', call.caller.number, 'a telephone number');
  unread('PLA_Number_Dialed', call.dialled.number, 'a telephone number');
  unread('PLA_Answering_Point', call.answeredBy.number, 'a telephone number');
  unread('PLA_Duration', call.durationSeconds, 'a duration');
  unread('PLA_VoicemailLeft', call.voicemail, 'yes or no');
  unread('PLA_SurveySaleAmount', call.survey.saleAmount, 'an amount');
  unread('PLA_Converted', call.converted, 'Y, R or blank');
  unread('PLA_RecordingFile', call.recording.url, 'a URL');
  return notes;
}

function isBlank(text: string | undefined): boolean {
  return text === undefined || text.trim() === '';
}
