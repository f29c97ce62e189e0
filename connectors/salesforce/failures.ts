import { ownCommand } from '../../src/connector/index.ts';
import {
  secondsAfter as after,
  type CrmCircumstances,
  type CrmFailure,
  CrmRequestFailed,
  FailingCrm,
  pageText,
  type RawAnswer,
} from '../../src/crm/index.ts';
import { isOwn } from './setup-names.ts';

/*
 * What each failure of Salesforce means to us. A request fails as a whole, or a record of a collection fails among
 * others that do not; both are read here into one form, and the kind alone decides what the delivery loop does.
 */

export interface Failure extends CrmFailure {
  /** What the connector can do about it by itself. */
  cure?: Cure;
  /** It is about one kind of record, such as a permission on Opportunities: others may be written all the same. */
  isOfKind?: true;
  /** What was asked for is not there, as far as our user may see. */
  isMissing?: true;
}

export type Cure =
  /** The token is refused: another may not be. */
  | { what: 'token' }
  /** Another record has this value of a unique field. */
  | { what: 'taken' }
  /** The record, or the one it was to be linked to, is deleted. */
  | { what: 'gone' }
  /** The lead has become a contact. */
  | { what: 'converted' }
  /** Fields that cannot be written, or are not there as far as we may see. */
  | { what: 'fields'; names: readonly string[] }
  /** Values that the fields' own limits refuse; without names, of whichever fields. */
  | { what: 'values'; names: readonly string[] }
  /** Something that the org's own rules refuse, or what the mapping names; without names, it does not say what. */
  | { what: 'content'; names: readonly string[] }
  /** Too many records for the org's own triggers. */
  | { what: 'smaller' }
  /** More than the org can compare in time. */
  | { what: 'slow' }
  /** Who is to own a record may not: inactive, unknown, or without access. */
  | { what: 'owner' }
  /** The org's own rule says that it is one of these, as far as Salesforce names them. */
  | { what: 'similar'; ids: readonly string[] }
  /** The record is somebody else's, and the org keeps it to them. */
  | { what: 'theirs' };

/** A failed request, as an error to throw. */
export type RequestFailed = CrmRequestFailed<Failure>;
export const RequestFailed: new (failure: Failure, cause?: unknown) => RequestFailed = CrmRequestFailed;

export interface Circumstances extends CrmCircumstances {
  /** Fields that the configuration maps, of whichever object → where. */
  mapped: ReadonlyMap<string, readonly string[]>;
  /** The day's requests, as Salesforce counted them last. */
  usage: { used: number; limit: number } | undefined;
}

export const salesforce = new FailingCrm('Salesforce');

/** One complaint. A record alone has `errorCode`, one of a collection `statusCode`. */
export interface SalesforceError {
  errorCode?: unknown;
  statusCode?: unknown;
  message?: unknown;
  fields?: unknown;
  /** Of a record that was sent alone. */
  duplicateResult?: unknown;
}

interface Complaint {
  code: string;
  message: string;
  fields: string[];
  /** Ids of records that the org takes it for. */
  similar: string[];
  /** Whether it is about one record of several, or about the request. */
  ofRow: boolean;
}

type Reading = (words: string, complaint: Complaint, where: Circumstances) => Failure;

const retry: Reading = (reason) => ({ kind: 'retry', reason });
/** Nothing gets through now, whatever it is: of a row, it is the row's. */
const unavailable: Reading = (reason, { ofRow }) => ({
  kind: 'retry',
  reason,
  ...(ofRow ? {} : { scope: 'connector' }),
});
const rejected: Reading = (reason) => ({ kind: 'rejected', reason });
const blocked =
  (advice: string): Reading =>
  (words) => ({ kind: 'blocked', reason: `${advice} ${words}` });
const noPrograms = blocked(
  "Salesforce lets no program in. Look whether the org's edition has API access, and give the bridge's user API Enabled.",
);
const slow: Reading = (reason) => ({ kind: 'retry', reason, cure: { what: 'slow' } });
const badValue: Reading = (reason, { fields }) => ({
  kind: 'rejected',
  reason,
  cure: { what: 'values', names: fields },
});
const badContent: Reading = (reason, { fields }) => ({
  kind: 'rejected',
  reason,
  cure: { what: 'content', names: fields },
});
const gone: Reading = (reason, complaint, where) => {
  if (isOfMapping(complaint, where)) return badContent(reason, complaint, where);
  return { kind: 'rejected', reason, cure: { what: isOfOwner(complaint) ? 'owner' : 'gone' } };
};
const badOwner: Reading = (reason) => ({ kind: 'rejected', reason, cure: { what: 'owner' } });
/** Somebody whom we named, or whom the org's own rules did. */
/** Whom `owner` names, or the org's own rule: a rule gives one record to them, and the next to somebody else. */
const inactiveOwner: Reading = (words) => ({
  kind: 'rejected',
  reason: `Who is to own it is inactive in Salesforce: correct \`owner\`, or the org's own rule. ${words}`,
  cure: { what: 'owner' },
});
const integrity: Reading = (...told) => (isOfOwner(told[1]) ? badOwner(...told) : badContent(...told));
/** One record that may not be changed says nothing of the others; a kind of record that may not be made, does. */
const forbidden: Reading = (words, complaint, where) =>
  complaint.ofRow && where.request.startsWith('update')
    ? { kind: 'rejected', reason: words }
    : {
        kind: 'blocked',
        reason: `The bridge's user may not do this in Salesforce. Grant it. ${words}`,
        isOfKind: true,
      };
/** Who may change a record depends on whose it is. An upsert is refused like this for one that is there, too. */
const theirs: Reading = (words, complaint, where) => {
  const failure = forbidden(words, complaint, where);
  const reason =
    failure.kind === 'rejected'
      ? `It is somebody else's in Salesforce, and the bridge's user may not change it. "Owners" in connectors/salesforce/README.md says what to grant. ${words}`
      : failure.reason;
  return { ...failure, reason, cure: { what: 'theirs' } };
};
const session: Reading = (words) => ({
  kind: 'blocked',
  reason: `Salesforce issues tokens and refuses them. Look at the app's policies, and at the user that the bridge acts as: with client credentials, its Run As user. ${words}`,
  cure: { what: 'token' },
});
const maintenance: Reading = (reason, _, where) => ({
  kind: 'blocked',
  reason,
  notBefore: after(where.now, 5 * 60),
});

/** By Salesforce's code. What is not listed is worth a retry. */
const byCode: Record<string, Reading> = {
  // It passes by itself.
  UNABLE_TO_LOCK_ROW: retry,
  SERVER_UNAVAILABLE: unavailable,
  UNKNOWN_EXCEPTION: unavailable,
  QUERY_TIMEOUT: slow,
  QUERY_TOO_COMPLICATED: slow,
  REQUEST_RUNNING_TOO_LONG: retry,
  TOO_MANY_APEX_REQUESTS: retry,
  ENTITY_IS_LOCKED: retry,
  REQUEST_LIMIT_EXCEEDED: overLimit,
  INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE: maintenance,
  // Who we are.
  INVALID_SESSION_ID: session,
  INVALID_AUTH_HEADER: session,
  INVALID_ACCESS_TOKEN: session,
  // What the org has and lets us do.
  INVALID_FIELD: badFields,
  INVALID_FIELD_FOR_INSERT_UPDATE: badFields,
  NOT_FOUND: notFound,
  INVALID_TYPE: forbidden,
  INSUFFICIENT_ACCESS: forbidden,
  INSUFFICIENT_ACCESS_OR_READONLY: theirs,
  INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY: badContent,
  INACTIVE_OWNER_OR_USER: inactiveOwner,
  TRANSFER_REQUIRES_READ: badOwner,
  INVALID_OWNER: badOwner,
  INVALID_OPERATION: badContent,
  API_DISABLED_FOR_ORG: noPrograms,
  API_CURRENTLY_DISABLED: noPrograms,
  FUNCTIONALITY_NOT_ENABLED: blocked(
    'The org does not have what this needs. Enable it, or take it out of the mapping.',
  ),
  STORAGE_LIMIT_EXCEEDED: blocked("The org's storage is full. Make room, or buy more."),
  LICENSE_LIMIT_EXCEEDED: blocked(
    "The org's licences do not allow it. Look at the licence of the bridge's user.",
  ),
  TXN_SECURITY_NO_ACCESS: blocked(
    "A transaction security policy of the org stops this. Let the bridge's user pass it.",
  ),
  UNSUPPORTED_API_VERSION: blocked('The org does not offer this apiVersion. Correct it.'),
  DUPLICATE_EXTERNAL_ID: (words, _, where) => needsSetup('A key of the bridge is not unique', where, words),
  // What this call says.
  STRING_TOO_LONG: badValue,
  INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: badValue,
  NUMBER_OUTSIDE_VALID_RANGE: badValue,
  INVALID_EMAIL_ADDRESS: badValue,
  JSON_PARSER_ERROR: badValue,
  REQUIRED_FIELD_MISSING: rejected,
  FIELD_CUSTOM_VALIDATION_EXCEPTION: badContent,
  FIELD_INTEGRITY_EXCEPTION: integrity,
  MALFORMED_ID: badContent,
  MALFORMED_QUERY: rejected,
  MALFORMED_SEARCH: rejected,
  DUPLICATES_DETECTED: (reason, { similar }) => ({
    kind: 'rejected',
    reason,
    cure: { what: 'similar', ids: similar },
  }),
  INVALID_PERSON_ACCOUNT_OPERATION: rejected,
  ENTITY_IS_ARCHIVED: rejected,
  INVALID_CURRENCY_ISO: badContent,
  LIMIT_EXCEEDED: ofLimit,
  CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: ofTrigger,
  CANNOT_EXECUTE_FLOW_TRIGGER: ofTrigger,
  // What has become of the records.
  ENTITY_IS_DELETED: gone,
  INVALID_CROSS_REFERENCE_KEY: gone,
  CANNOT_UPDATE_CONVERTED_LEAD: (reason) => ({ kind: 'rejected', reason, cure: { what: 'converted' } }),
  DUPLICATE_VALUE: duplicate,
};

/** Consequences of another record's failure. */
const collateral = ['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'PROCESSING_HALTED'];

/** A request that Salesforce answered with other than 2xx. */
export function failureOfAnswer(answer: Pick<RawAnswer, 'status' | 'body'>, where: Circumstances): Failure {
  const complaint = complaintOf(errorsIn(answer.body), false);
  if (!complaint) return failureOfStatus(answer, where);
  const words = salesforce.quote(`${answer.status} ${complaint.code}`, complaint.message, where);
  return (byCode[complaint.code] ?? (answer.status >= 500 ? unavailable : retry))(words, complaint, where);
}

/** A record of a collection that Salesforce did not write, while it may have written others. */
export function failureOfRow(errors: readonly SalesforceError[], where: Circumstances): Failure {
  const complaint = complaintOf(errors, true);
  if (!complaint) return failureOfOmission(where);
  const words = salesforce.quote(complaint.code, complaint.message, where);
  return (byCode[complaint.code] ?? retry)(words, complaint, where);
}

export const failureOfOmission = (where: Circumstances) => salesforce.omission(where);

/** The token endpoint speaks OAuth. Its refusals last until somebody looks at the app, its secret or its user. */
export function failureOfToken(
  answer: Pick<RawAnswer, 'status' | 'body'>,
  advice: string,
  where: Circumstances,
): Failure {
  const { error, error_description: description } = asObject(answer.body);
  // Nobody issues tokens there: that is not over by itself.
  if (answer.status === 404 || answer.status === 410)
    return {
      kind: 'blocked',
      reason: `Check auth.loginUrl. ${salesforce.quote(String(answer.status), pageText(answer.body), where)}`,
    };
  if (typeof error !== 'string') return failureOfStatus(answer, where);
  const words = salesforce.quote(`${answer.status} ${error}`, textIn(description), where);
  const passing = ['rate_limit_exceeded', 'server_error', 'temporarily_unavailable', 'unknown_error'];
  if (answer.status >= 500 || answer.status === 429 || passing.includes(error))
    return unavailable(words, none, where);
  return { kind: 'blocked', reason: `Salesforce does not let the bridge log in. ${advice} ${words}` };
}

/** Under a key that another record has in other letters: the field does not tell capital letters from small ones. */
export function takenForAnother(field: string, key: string, row: Record<string, unknown>): Failure {
  const reason = `Salesforce takes the key ${key} for ${row[field]}, which ${row['Id']} has: its field ${field} is not case-sensitive. Run \`${ownCommand('check --online')}\`, which says what to change, then replay the call.`;
  return { kind: 'rejected', reason };
}

const none: Complaint = { code: '', message: '', fields: [], similar: [], ofRow: false };

/**
 * An answer without a code of Salesforce's, such as a gateway's page: Salesforce may have got the request, or not, so it
 * is no verdict on any record.
 */
function failureOfStatus(
  { status, body }: Pick<RawAnswer, 'status' | 'body'>,
  where: Circumstances,
): Failure {
  const words = salesforce.quote(String(status), pageText(body), where);
  const failure: Failure = {
    ...unavailable(words, none, where),
    ...(status === 429 ? { isUndone: true } : { isUnanswered: true }),
  };
  if (status === 401) return { ...failure, cure: { what: 'token' } };
  if (status === 404 || status === 410)
    return { ...failure, reason: `If it stays so, check apiVersion and auth.loginUrl. ${words}` };
  // Fewer records are less to carry.
  if (status === 413 || status === 414 || status === 431)
    return { kind: 'retry', reason: words, cure: { what: 'smaller' } };
  return failure;
}

function overLimit(words: string, { message }: Complaint, where: Circumstances): Failure {
  const { usage } = where;
  const isDaily = /TotalRequests/i.test(message) || (usage !== undefined && usage.used >= usage.limit);
  if (!isDaily || /Concurrent/i.test(message)) {
    return {
      kind: 'retry',
      scope: 'connector',
      reason: words,
      notBefore: after(where.now, 10),
      isUndone: true,
    };
  }
  // The allowance is for the last 24 hours, whichever they are: some of it comes back all the time.
  const reason = `The org's API requests for 24 hours are used up. ${words}`;
  return { kind: 'blocked', reason, notBefore: after(where.now, 15 * 60) };
}

/** Fields that are not there, or not to be written: ours need setup, the standard ones a permission. */
function badFields(words: string, complaint: Complaint, where: Circumstances): Failure {
  const names = fieldsIn(complaint);
  const cure: Cure = { what: 'fields', names };
  const own = names.find(isOwn);
  if (own !== undefined) return { ...needsSetup(`The bridge may not write ${own}`, where, words), cure };
  const mapped = names.find((name) => where.mapped.has(name));
  if (mapped !== undefined) return { ...unwritableField(mapped, where, words), cure };
  if (names.length === 0) return { kind: 'rejected', reason: words, cure };
  const advice = `Let the bridge's user edit ${names.join(', ')}, or map it to "" to write none.`;
  return { kind: 'blocked', reason: `${advice} ${words}`, cure, isOfKind: true };
}

/** What the mapping names, and the bridge cannot write. */
export function unwritableField(
  field: string,
  { mapped }: Pick<Circumstances, 'mapped'>,
  words: string,
): Failure {
  const places = mapped.get(field)?.join(' and ');
  const reason = `Salesforce has no field ${field} that the bridge may write. Create it, let the bridge's user edit it, or take ${places} out of the configuration. ${words}`;
  return { kind: 'blocked', reason: reason.trimEnd() };
}

function notFound(words: string, { message }: Complaint, where: Circumstances): Failure {
  const own = message.match(/\w+/g)?.find(isOwn);
  if (own !== undefined)
    return needsSetup(`Salesforce has no field ${own} that the bridge may use`, where, words);
  return { kind: 'blocked', reason: `Check apiVersion and auth.loginUrl. ${words}`, isMissing: true };
}

function needsSetup(what: string, where: Circumstances, words: string): Failure {
  const reason = `${what}. Run \`${ownCommand(`setup ${where.connector}`)}\`. ${words}`;
  return { kind: 'blocked', reason, isOfKind: true };
}

/** Triggers and flows of the org: some give way, some only to fewer records at once, some never. */
function ofTrigger(words: string, complaint: Complaint, where: Circumstances): Failure {
  const { message } = complaint;
  if (/UNABLE_TO_LOCK_ROW/.test(message)) return retry(words, none, where);
  if (/Too many \w+|CPU time limit|LimitException/i.test(message)) {
    return { kind: 'retry', reason: words, cure: { what: 'smaller' } };
  }
  if (/entity type cannot be (inserted|updated)/i.test(message)) return forbidden(words, none, where);
  return badContent(words, complaint, where);
}

/** Of the org, on what there may be of something: what one record asks for is too much, or what many ask for together. */
function ofLimit(words: string, { ofRow }: Complaint): Failure {
  return ofRow
    ? { kind: 'rejected', reason: words }
    : { kind: 'retry', reason: words, cure: { what: 'smaller' } };
}

function duplicate(words: string, { message }: Complaint): Failure {
  // A field of the org's own that has to be unique: what this call says is somebody else's already.
  const field = /duplicate value found: (\w+__p?c) duplicates/i.exec(message)?.[1];
  if (field !== undefined && !isOwn(field)) return { kind: 'rejected', reason: words };
  const isOurBatch = /Duplicate external id specified/i.test(message);
  return { kind: 'retry', reason: words, cure: { what: isOurBatch ? 'smaller' : 'taken' } };
}

function isOfOwner({ fields, message }: Complaint): boolean {
  return fields.includes('OwnerId') || /^(Owner|Assigned To) ID\b/i.test(message);
}

/** Fields that name who a record belongs to. */
const links = ['OwnerId', 'WhoId', 'WhatId', 'AccountId', 'ContactId'];

/** A record type, or something else that the configuration names: no person is gone because of it. */
function isOfMapping({ fields, message }: Complaint, { mapped }: Circumstances): boolean {
  if (/^Record Type ID\b/i.test(message)) return true;
  return fields.length > 0 && fields.every((name) => mapped.has(name) && !links.includes(name));
}

/** Which fields Salesforce complains of: listed, or within its sentence. */
function fieldsIn({ fields, message }: Complaint): string[] {
  if (fields.length > 0) return fields;
  const column = /No such column '(\w+)'/.exec(message)?.[1];
  if (column !== undefined) return [column];
  return /create\/update fields: ([\w, ]+)/.exec(message)?.[1]?.split(/,\s*/) ?? [];
}

/** What should be text, of an answer that may hold anything: of an object with a `toString` of its own, String() throws. */
const textIn = (value: unknown) => (typeof value === 'string' ? value : '');

function complaintOf(errors: readonly SalesforceError[], ofRow: boolean): Complaint | undefined {
  const complaints = errors.flatMap((error) => {
    const code = error.statusCode ?? error.errorCode;
    if (typeof code !== 'string') return [];
    const fields = Array.isArray(error.fields) ? error.fields.filter((name) => typeof name === 'string') : [];
    const similar = similarIn(error.duplicateResult);
    return [{ code, message: textIn(error.message), fields, similar, ofRow }];
  });
  return complaints.find(({ code }) => !collateral.includes(code)) ?? complaints[0];
}

function similarIn(result: unknown): string[] {
  const all = (value: unknown) => (Array.isArray(value) ? value.map(asObject) : []);
  return all(asObject(result)['matchResults'])
    .flatMap(({ matchRecords }) => all(matchRecords))
    .flatMap(({ record }) => {
      const { Id } = asObject(record);
      return typeof Id === 'string' && /^[A-Za-z0-9]{15,18}$/.test(Id) ? [Id] : [];
    });
}

function errorsIn(body: unknown): SalesforceError[] {
  return Array.isArray(body) ? body.map(asObject) : [asObject(body)];
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
