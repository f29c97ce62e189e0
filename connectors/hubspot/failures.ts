import { ownCommand } from '../../src/connector/index.ts';
import {
  secondsAfter as after,
  type CrmCircumstances as Circumstances,
  type CrmFailure,
  CrmRequestFailed,
  FailingCrm,
  pageText,
  type RawAnswer,
} from '../../src/crm/index.ts';
import { isOwn, keyNames, listedElsewhere, mappedAt, type ObjectType } from './setup-names.ts';

/*
 * What each failure of HubSpot means to us. A request fails as a whole, or a row of a batch fails within a 207; both
 * are read here into one form, and the kind alone decides what the delivery loop does.
 */

export interface Failure extends CrmFailure {
  /** What the connector can do about it by itself. */
  cure?: Cure;
  /** The properties whose values HubSpot does not take. */
  refuses?: readonly string[];
  /** HubSpot refused it and gave no code that says what is wrong: what is there has to be looked at. */
  isUnclear?: true;
}

export type Cure =
  /** Another record has this value of a unique property. */
  | { what: 'conflict'; property: string | undefined }
  /** A record that was to be linked is gone. */
  | { what: 'association' }
  /** The record that was to be changed is gone, or merged into another. */
  | { what: 'gone' }
  /** HubSpot does not have this property; what does not use it may pass. */
  | { what: 'property'; property: string }
  /** HubSpot does not take this value: an option, an owner or a stage may be gone since we looked. */
  | { what: 'value'; property: string }
  /** The access token is refused: another one may not be. */
  | { what: 'token' }
  /** The access token may not do this. */
  | { what: 'permission' }
  /** The request is too long for whoever carries it. */
  | { what: 'smaller' };

/** A failed request, as an error to throw. */
export type RequestFailed = CrmRequestFailed<Failure>;
export const RequestFailed: new (failure: Failure, cause?: unknown) => RequestFailed = CrmRequestFailed;

export type { Circumstances };

export const hubspot = new FailingCrm('HubSpot');

/** HubSpot's error body. Every field may be missing. */
interface ErrorBody {
  message?: unknown;
  category?: unknown;
  subCategory?: unknown;
  policyName?: unknown;
  context?: Record<string, unknown> | undefined;
  errors?: { message?: unknown; code?: unknown; context?: Record<string, unknown> | undefined }[];
}

type Reading = (words: string, where: Circumstances, answer: RawAnswer) => Failure;

/** What to do about a token that HubSpot refuses, by how the bridge gets it. */
const createKey =
  'Create a service key with the scopes in connectors/hubspot/README.md and put it in accessToken.';
const installAgain =
  'It was issued to the app of oauth.clientId a moment ago: look whether the app is still installed in the account, and install it again for a new oauth.refreshToken.';

/** A request that HubSpot answered with other than 2xx. What is not listed is worth a retry. */
const byStatus: Record<number, Reading> = {
  400: (words, where, answer) => refused(words, where, answer.body),
  401: (words, { logsIn }) => ({
    kind: 'blocked',
    reason: `HubSpot refuses the access token. ${logsIn ? installAgain : createKey} ${words}`,
    cure: { what: 'token' },
  }),
  403: (words, where, answer) => ({
    kind: 'blocked',
    reason: `${forbidden(answer.body, where)} ${words}`,
    cure: { what: 'permission' },
  }),
  409: (words, where, answer) => refused(words, where, answer.body),
  413: (words) => ({ kind: 'rejected', reason: words }),
  414: (words) => ({ kind: 'rejected', reason: words }),
  // Locks of a record last two seconds.
  423: (words, where) => ({ kind: 'retry', reason: words, notBefore: after(where.now, 2) }),
  429: overLimit,
  // The account is being moved to another data centre: up to a day, and nothing can be written meanwhile.
  477: (words, where, answer) => ({
    kind: 'blocked',
    reason: `HubSpot is moving the account to another data centre. ${words}`,
    notBefore: after(where.now, retryAfter(answer) ?? 60),
  }),
};

export function failureOfAnswer(answer: RawAnswer, where: Circumstances): Failure {
  const words = quote(answer, where);
  const read = byStatus[answer.status];
  if (read && (isHubSpots(answer) || toldByStatus.includes(answer.status))) return read(words, where, answer);
  if (tooLong.includes(answer.status)) return { kind: 'retry', reason: words, cure: { what: 'smaller' } };
  const isAnswered = isHubSpots(answer) && !givenUp.includes(answer.status);
  return {
    kind: 'retry',
    scope: 'connector',
    reason: words,
    ...(isAnswered || toldByStatus.includes(answer.status) ? {} : { isUnanswered: true }),
  };
}

/** Whoever answers so has waited in vain for whoever does it. */
const givenUp = [502, 504];
/** What is in these is the same whoever says it. */
const toldByStatus = [423, 429, 477];
const tooLong = [413, 414, 431];

/**
 * Whether HubSpot itself refused. A page, nothing, or another program's JSON is a gateway's answer, and no verdict: HubSpot
 * may have got the request, or not. https://developers.hubspot.com/docs/api-reference/error-handling
 */
function isHubSpots({ body, headers }: RawAnswer): boolean {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false;
  const { status, category, correlationId, errorType } = body as Record<string, unknown>;
  return (
    status === 'error' ||
    [category, correlationId, errorType].some((told) => typeof told === 'string') ||
    headers['x-hubspot-correlation-id'] !== undefined
  );
}

/**
 * The log-in of an app. What HubSpot refuses here it refuses until somebody looks at the app, and so it is where there is
 * no such log-in any more. A page that is in HubSpot's place will go away.
 */
export function failureOfLogIn(answer: RawAnswer, where: Circumstances): Failure {
  const words = quote(answer, where);
  const { status, body } = answer;
  if (status === 404 || status === 410) {
    const advice =
      'Correct baseUrl, if it is set; else the bridge is too old for HubSpot: install a newer one.';
    return { kind: 'blocked', reason: `There is no log-in at this address. ${advice} ${words}` };
  }
  if ([423, 429, 477].includes(status) || status >= 500) return failureOfAnswer(answer, where);
  const isAnswer = typeof body === 'object' && body !== null;
  const { error } = isAnswer ? (body as { error?: unknown }) : {};
  if (!isAnswer || passing.includes(textIn(error)))
    return { kind: 'retry', scope: 'connector', reason: words };
  const advice =
    'Check oauth.clientId and oauth.clientSecret, and install the app again for a new oauth.refreshToken.';
  return { kind: 'blocked', reason: `HubSpot does not let the bridge log in. ${advice} ${words}` };
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1 */
const passing = ['server_error', 'temporarily_unavailable'];

/** A row of a batch that HubSpot did not write, while it wrote others. It has no status, only a category. */
export function failureOfRow(error: object, where: Circumstances): Failure {
  const words = quote({ status: 207, headers: {}, body: error }, where);
  const category = textIn(errorBody(error).category);
  if (category === 'MISSING_SCOPES') return failureOfAnswer({ status: 403, headers: {}, body: error }, where);
  if (category === 'RATE_LIMITS')
    return { kind: 'retry', reason: words, notBefore: after(where.now, 1), isUndone: true };
  const failure = refused(words, where, error);
  const isVerdict = failure.cure !== undefined || failure.kind !== 'rejected' || verdicts.includes(category);
  return isVerdict ? failure : { ...failure, kind: 'retry' };
}

/** Why records were not read, where that says nothing of whether they are there; undefined where they are not. */
export function failureToRead(error: object, where: Circumstances): Failure | undefined {
  const { category, context } = errorBody(error);
  if (category === undefined && context?.['ids'] !== undefined) return undefined; // every field is optional, but these tell
  const failure = failureOfRow(error, where);
  return failure.kind === 'rejected' ? undefined : failure;
}

/** Categories that will be the same at every attempt. */
const verdicts = ['VALIDATION_ERROR', 'CONFLICT', 'OBJECT_ALREADY_EXISTS', 'OBJECT_NOT_FOUND'];

export const failureOfOmission = (where: Circumstances) => hubspot.omission(where);

/** HubSpot read the request, and does not want it. Codes tell why; its sentences may change, and are for people. */
function refused(words: string, where: Circumstances, body: unknown): Failure {
  const { category } = errorBody(body);
  const problems = propertyProblems(body);

  const unknown = problems.find((problem) => problem.code === 'PROPERTY_DOESNT_EXIST')?.property;
  if (unknown !== undefined) return missingProperty(unknown, where, words);

  const rejected: Failure = { kind: 'rejected', reason: words };
  const taken = problems.find((problem) => problem.code === 'CONFLICTING_UNIQUE_VALUE');
  if (taken) return { ...rejected, cure: { what: 'conflict', property: taken.property } };
  const refuses = problems.map(({ property }) => property);
  // Under which code HubSpot refuses those that are listed elsewhere, nobody has written down.
  const unfit = problems.find(
    ({ code, property }) => code === 'INVALID_OPTION' || listedElsewhere.has(property),
  );
  if (unfit) return { ...rejected, refuses, cure: { what: 'value', property: unfit.property } };
  const demanded = problems.find(({ code }) => demands.includes(code))?.property;
  if (demanded !== undefined) return { ...rejected, reason: `${isDemanded(demanded, where)} ${words}` };
  if (category === 'OBJECT_NOT_FOUND') return { ...rejected, cure: { what: 'gone' } };
  return refuses.length > 0 ? { ...rejected, refuses } : { ...rejected, isUnclear: true };
}

/** https://developers.hubspot.com/changelog/crm-api-write-validation-enforcement */
const demands = ['MISSING_REQUIRED_PROPERTY', 'MISSING_CONDITIONAL_REQUIRED_PROPERTY'];

function isDemanded(property: string, { request }: Circumstances): string {
  const objectType = request.split('/')[0] as ObjectType;
  return `A rule of the account demands ${objectType}.${property}. Map ${mappedAt[objectType]}.${property}, or take the rule back in HubSpot.`;
}

/** What the configuration or the bridge writes, and HubSpot has no place for. */
export function missingProperty(property: string, where: Circumstances, words = ''): Failure {
  if (isOwn(property)) return needsSetup(property, where, words);
  const objectType = where.request.split('/')[0] as string;
  const mapped = mappedAt[objectType as ObjectType];
  const reason = `HubSpot has no property ${objectType}.${property}. Create it in HubSpot or by \`${ownCommand(`setup ${where.connector}`)}\`, or take ${mapped}.${property} out of the configuration.`;
  return {
    kind: 'blocked',
    reason: words === '' ? reason : `${reason} ${words}`,
    cure: { what: 'property', property },
  };
}

/** What the mapping names, and nobody can write. */
export interface Unwritable {
  property: string;
  /** HubSpot has it, and sets it itself. */
  isThere: boolean;
}

/** Its properties were just read, so there is nothing to be cured by reading them again. */
export function unwritableProperty({ property, isThere }: Unwritable, where: Circumstances): Failure {
  const { cure: _, ...missing } = missingProperty(property, where);
  if (!isThere || isOwn(property)) return missing;
  const objectType = where.request.split('/')[0] as ObjectType;
  const reason = `HubSpot sets ${objectType}.${property} itself. Take ${mappedAt[objectType]}.${property} out of the configuration.`;
  return { kind: 'blocked', reason };
}

/** A property of our own that is not there, or not unique. */
export function needsSetup(property: string, where: Circumstances, words: string): Failure {
  const what = keyNames.includes(property) ? 'unique property' : 'property';
  return {
    kind: 'blocked',
    reason:
      `HubSpot has no ${what} ${property}. Run \`${ownCommand(`setup ${where.connector}`)}\`. ${words}`.trimEnd(),
  };
}

function overLimit(words: string, where: Circumstances, answer: RawAnswer): Failure {
  const { policyName } = errorBody(answer.body);
  const waitSeconds = retryAfter(answer);
  if (policyName === 'DAILY' || answer.headers['x-hubspot-ratelimit-daily-remaining'] === '0') {
    return {
      kind: 'blocked',
      reason: `The account's requests for today are used up. ${words}`,
      notBefore: waitSeconds === undefined ? nextHalfHour(where.now) : after(where.now, waitSeconds),
    };
  }
  // Searches have a window of a second, everything else one of ten.
  const windowSeconds = policyName === 'SECONDLY' || where.request.endsWith('/search') ? 1 : 10;
  const notBefore = after(where.now, waitSeconds ?? windowSeconds);
  return { kind: 'retry', scope: 'connector', reason: words, notBefore, isUndone: true };
}

/**
 * The daily limit ends at midnight in the account's time zone, which we do not know. Midnight falls on a half hour
 * everywhere people live, but for a few islands: asking at each of them finds it at once, for 48 requests a day.
 */
function nextHalfHour(now: Date): Date {
  const halfHourMs = 30 * 60_000;
  return new Date((Math.floor(now.getTime() / halfHourMs) + 1) * halfHourMs);
}

function retryAfter(answer: RawAnswer): number | undefined {
  const seconds = Number.parseInt(answer.headers['retry-after'] ?? '', 10);
  return seconds > 0 ? seconds : undefined;
}

/** What to do about a 403. A token acts for the user who made it, or installed its app: they may lose a permission or leave. */
function forbidden(body: unknown, { logsIn }: Circumstances): string {
  const { category, errors = [] } = errorBody(body);
  const scopes = errors.flatMap((error) => {
    const required = error.context?.['requiredGranularScopes'];
    return Array.isArray(required) ? required.map(String) : [];
  });
  const wanted = scopes.length > 0 ? scopes.join(', ') : 'the scopes in connectors/hubspot/README.md';
  if (category === 'MISSING_SCOPES' || scopes.length > 0)
    return logsIn
      ? `The app lacks a scope. Add ${wanted} to it, and install it again for a new oauth.refreshToken.`
      : `The access token lacks a scope. Grant ${wanted} to it in HubSpot.`;
  return `HubSpot forbids this to the access token. Look at the permissions of the user who ${logsIn ? 'installed the app' : 'made it'}, and at its scopes: connectors/hubspot/README.md lists them.`;
}

/** Which properties HubSpot complains of: listed in `errors`, or as JSON within the message, whatever the words around it. */
export function propertyProblems(body: unknown): { code: string; property: string }[] {
  const { errors = [], message, context, subCategory } = errorBody(body);
  const listed = [{ code: subCategory, context }, ...errors].flatMap((error) => {
    const names = error.context?.['propertyName'];
    return Array.isArray(names)
      ? names.map((name) => ({ code: textIn(error.code), property: textIn(name) }))
      : [];
  });
  return [...listed, ...problemsInMessage(textIn(message))];
}

function problemsInMessage(message: string): { code: string; property: string }[] {
  try {
    const json = message.slice(message.indexOf('[{'), message.lastIndexOf('}]') + 2);
    const told = JSON.parse(json) as { error?: unknown; name?: unknown }[];
    return told.flatMap(({ error, name }) =>
      typeof name === 'string' ? { code: textIn(error), property: name } : [],
    );
  } catch {
    return [];
  }
}

/** What should be text, of an answer that may hold anything: of an object with a `toString` of its own, String() throws. */
const textIn = (value: unknown) => (typeof value === 'string' ? value : '');

function errorBody(body: unknown): ErrorBody {
  if (typeof body !== 'object' || body === null) return {};
  const { errors, ...rest } = body as ErrorBody;
  const listed = Array.isArray(errors) ? errors.filter((one) => typeof one === 'object' && one !== null) : [];
  return { ...rest, errors: listed };
}

function quote({ status, body }: RawAnswer, where: Circumstances): string {
  const { message } = errorBody(body);
  return hubspot.quote(
    status === 207 ? '' : status,
    typeof message === 'string' ? message : pageText(body),
    where,
  );
}
