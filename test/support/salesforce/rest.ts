import { longId, prefixes } from './ids.ts';
import type { Entry, Org, WriteHeaders } from './org.ts';
import { notFound, Refusal, RowRefusal, refused } from './refusals.ts';
import { runQuery } from './soql.ts';
import { runSearch } from './sosl.ts';

/** The REST resources under /services/data/v64.0. */

export interface RestRequest {
  method: string;
  /** Without the version: `/composite/sobjects`. */
  path: string;
  query: URLSearchParams;
  version: number;
  headers: Record<string, string | undefined>;
  body: string;
}

export interface RestAnswer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

type Json = Record<string, unknown>;

interface Handler {
  pattern: RegExp;
  answer(org: Org, request: RestRequest, parts: string[]): RestAnswer;
}

const mostRecords = 200;
const mostChunks = 10;
const queryPageRows = 2_000;

const handlers: Handler[] = [
  { pattern: /^GET \/query$/, answer: (org, request) => query(org, request, false) },
  { pattern: /^GET \/queryAll$/, answer: (org, request) => query(org, request, true) },
  { pattern: /^GET \/query\/(\w+)-(\d+)$/, answer: (_org, request, parts) => queryMore(request, parts) },
  {
    pattern: /^GET \/search$/,
    answer: (org, { query }) => ok({ searchRecords: runSearch(org, query.get('q') ?? '') }),
  },
  { pattern: /^GET \/limits$/, answer: () => ok({ DailyApiRequests: { Max: 15_000, Remaining: 14_982 } }) },
  {
    pattern: /^GET \/sobjects\/(\w+)\/describe$/,
    answer: (org, _request, [object]) => describe(org, object as string),
  },
  { pattern: /^POST \/sobjects\/(\w+)$/, answer: createOne },
  { pattern: /^PATCH \/sobjects\/(\w+)\/(\w+)$/, answer: updateOne },
  { pattern: /^DELETE \/sobjects\/(\w+)\/(\w+)$/, answer: deleteOne },
  { pattern: /^PATCH \/sobjects\/(\w+)\/(\w+)\/([^/]+)$/, answer: upsertOne },
  { pattern: /^POST \/composite\/sobjects$/, answer: (org, request) => collection(org, request, 'create') },
  { pattern: /^PATCH \/composite\/sobjects$/, answer: (org, request) => collection(org, request, 'update') },
  { pattern: /^PATCH \/composite\/sobjects\/(\w+)\/(\w+)$/, answer: upsertMany },
  { pattern: /^POST \/composite$/, answer: (org, request) => composite(org, request) },
];

export function answerRest(org: Org, request: RestRequest): RestAnswer {
  for (const { pattern, answer } of handlers) {
    const match = pattern.exec(`${request.method} ${request.path}`);
    if (match) return answer(org, request, match.slice(1).map(decodeURIComponent));
  }
  throw notFound();
}

function ok(body: unknown): RestAnswer {
  return { status: 200, body };
}

// Reading

const cursors = new Map<string, Json[]>();

function query(org: Org, { query, version }: RestRequest, withDeleted: boolean): RestAnswer {
  const rows = runQuery(org, query.get('q') ?? '', withDeleted);
  const cursor = `01g${cursors.size}`;
  if (rows.length > queryPageRows) cursors.set(cursor, rows);
  return page(rows, cursor, 0, version);
}

function queryMore({ version }: RestRequest, [cursor, start]: string[]): RestAnswer {
  const rows = cursors.get(cursor as string);
  if (!rows) throw refused(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator');
  return page(rows, cursor as string, Number(start), version);
}

function page(rows: Json[], cursor: string, start: number, version: number): RestAnswer {
  const next = start + queryPageRows;
  const done = next >= rows.length;
  return ok({
    totalSize: rows.length,
    done,
    ...(done ? {} : { nextRecordsUrl: `/services/data/v${version}.0/query/${cursor}-${next}` }),
    records: rows.slice(start, next),
  });
}

function describe(org: Org, object: string): RestAnswer {
  if (!org.knows(object)) throw notFound();
  const createable = !org.notCreateable.has(object);
  return ok({
    name: object,
    label: object,
    keyPrefix: prefixes[object],
    createable,
    updateable: true,
    deletable: !org.notDeletable.has(object),
    queryable: true,
    fields: org.visibleFields(object),
    recordTypeInfos: object === 'Opportunity' ? org.recordTypes : [],
  });
}

// Writing one

function createOne(org: Org, request: RestRequest, [object]: string[]): RestAnswer {
  known(org, object as string);
  const values = parse(request.body);
  return alone(org, () => {
    const entry = org.create(object as string, values, writeHeaders(request));
    return { status: 201, body: { id: entry.id, success: true, errors: [] } };
  });
}

function updateOne(org: Org, request: RestRequest, [object, id]: string[]): RestAnswer {
  known(org, object as string);
  const values = parse(request.body);
  return alone(org, () => {
    org.update(object as string, id as string, values, writeHeaders(request));
    return { status: 204 };
  });
}

function deleteOne(org: Org, _request: RestRequest, [object, id]: string[]): RestAnswer {
  known(org, object as string);
  const entry = org.entries.get(longId(id));
  if (!entry || entry.object !== object) throw notFound();
  if (entry.deleted) throw refused(404, 'ENTITY_IS_DELETED', 'entity is deleted');
  if (org.notDeletable.has(object as string)) {
    throw refused(403, 'INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights on object id');
  }
  org.delete(id as string);
  return { status: 204 };
}

function upsertOne(org: Org, request: RestRequest, [object, keyName, value]: string[]): RestAnswer {
  known(org, object as string);
  const values = parse(request.body);
  const key = org.keyField(object as string, keyName as string);
  if (key.name in values || 'Id' in values) {
    throw refused(400, 'INVALID_FIELD', `The ${key.name} field should not be specified in the sobject data.`);
  }
  const holders = org.holders(object as string, key, value as string);
  if (holders.length > 1) {
    return {
      status: 300,
      body: holders.map(({ id }) => `/services/data/v${request.version}.0/sobjects/${object}/${id}`),
    };
  }
  if (holders.length === 0 && request.query.get('updateOnly') === 'true') throw notFound();
  return alone(org, () => {
    const { entry, created } = org.upsert(
      object as string,
      key.name,
      { ...values, [key.name]: value },
      writeHeaders(request),
    );
    return { status: created ? 201 : 200, body: { id: entry.id, success: true, errors: [], created } };
  });
}

function alone(org: Org, write: () => RestAnswer): RestAnswer {
  try {
    org.passRow();
    return write();
  } catch (refusal) {
    throw refusal instanceof RowRefusal ? refusal.alone : refusal;
  }
}

// Writing many

type Write = (record: Json) => { entry: Entry; created?: boolean };

function collection(org: Org, request: RestRequest, mode: 'create' | 'update'): RestAnswer {
  const { records, allOrNone } = readCollection(org, request);
  let chunks = 0;
  records.forEach((record, place) => {
    if (place === 0 || typeOf(record) !== typeOf(records[place - 1] as Json)) chunks++;
  });
  if (chunks > mostChunks) {
    throw refused(400, 'LIMIT_EXCEEDED', 'Your request exceeded the maximum number of chunks: 10.');
  }
  const headers = writeHeaders(request);
  return writeAll(org, records, allOrNone, (record) => {
    const { attributes: _, Id, id = Id, ...values } = record;
    if (mode === 'create') return { entry: org.create(typeOf(record), values, headers) };
    if (typeof id !== 'string')
      throw new RowRefusal('MISSING_ARGUMENT', 'Id not specified in an update call');
    return { entry: org.update(typeOf(record), id, values, headers) };
  });
}

function upsertMany(org: Org, request: RestRequest, [object, keyName]: string[]): RestAnswer {
  known(org, object as string);
  const key = org.keyField(object as string, keyName as string);
  const { records, allOrNone } = readCollection(org, request);
  for (const record of records) {
    if (typeOf(record) !== object) {
      throw refused(400, 'INVALID_INPUT', 'All records of an upsert must be of the type in the URL.');
    }
    if ('Id' in record || 'id' in record) {
      throw refused(400, 'INVALID_FIELD', 'The Id field should not be specified in the sobject data.');
    }
  }
  const fold = (value: unknown) => (key.caseSensitive ? String(value) : String(value).toLowerCase());
  const seen = records.map((record) => fold(record[key.name]));
  const headers = writeHeaders(request);
  return writeAll(org, records, allOrNone, (record) => {
    const value = fold(record[key.name]);
    if (seen.indexOf(value) !== seen.lastIndexOf(value)) {
      throw new RowRefusal('DUPLICATE_VALUE', `Duplicate external id specified: ${record[key.name]}`);
    }
    const { attributes: _, ...values } = record;
    return org.upsert(object as string, key.name, values, headers);
  });
}

function readCollection(org: Org, request: RestRequest): { records: Json[]; allOrNone: boolean } {
  const { records, allOrNone = false } = parse(request.body) as { records?: Json[]; allOrNone?: boolean };
  if (!Array.isArray(records) || records.length === 0) {
    throw refused(400, 'REQUIRED_FIELD_MISSING', 'The required field "records" is missing.');
  }
  if (records.length > mostRecords) {
    const words = `record limit reached. cannot submit more than ${mostRecords} records into this call`;
    throw refused(400, 'EXCEEDED_ID_LIMIT', words);
  }
  for (const record of records) known(org, typeOf(record));
  return { records, allOrNone };
}

function typeOf(record: Json): string {
  const { type } = (record['attributes'] ?? {}) as { type?: unknown };
  if (typeof type !== 'string') {
    throw refused(
      400,
      'INVALID_INPUT',
      'Include a type attribute in each record: attributes.type is missing.',
    );
  }
  return type;
}

/** Each record by itself, or all of them or none. A value that JSON cannot mean undoes everything. */
function writeAll(org: Org, records: Json[], allOrNone: boolean, write: Write): RestAnswer {
  const savepoint = org.savepoint();
  const limit = org.triggerLimits.get(typeOf(records[0] as Json)) ?? Number.POSITIVE_INFINITY;
  let failed = false;
  const results = records.map((record): Json => {
    try {
      if (records.length > limit) throw triggerFailure(typeOf(record));
      org.passRow();
      const { entry, created } = write(record);
      return { id: entry.id, success: true, errors: [], ...(created === undefined ? {} : { created }) };
    } catch (refusal) {
      if (refusal instanceof Refusal) org.rollBackTo(savepoint);
      if (!(refusal instanceof RowRefusal)) throw refusal;
      failed = true;
      return { success: false, errors: [refusal.inCollection] };
    }
  });
  if (!failed || !allOrNone) return ok(results);
  org.rollBackTo(savepoint);
  const rolledBack = {
    statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK',
    message:
      'Record rolled back because not all records were valid and the request was using AllOrNone header',
    fields: [],
  };
  return ok(results.map((result) => (result['success'] ? { success: false, errors: [rolledBack] } : result)));
}

function triggerFailure(object: string): RowRefusal {
  return new RowRefusal(
    'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
    `${object}Trigger: execution of BeforeInsert caused by: System.LimitException: Too many SOQL queries: 101`,
  );
}

// Composite

interface Subrequest {
  method: string;
  url: string;
  referenceId: string;
  body?: unknown;
  httpHeaders?: Record<string, string>;
}

function composite(org: Org, request: RestRequest): RestAnswer {
  const { allOrNone = false, compositeRequest } = parse(request.body) as {
    allOrNone?: boolean;
    compositeRequest?: Subrequest[];
  };
  if (!Array.isArray(compositeRequest))
    throw refused(400, 'REQUIRED_FIELD_MISSING', 'compositeRequest is missing.');
  const entry = (status: number, errorCode: string, message: string, referenceId: string) => ({
    body: [{ errorCode, message }],
    httpHeaders: {},
    httpStatusCode: status,
    referenceId,
  });
  if (compositeRequest.length > 25) {
    return ok({
      compositeResponse: [
        entry(400, 'LIMIT_EXCEEDED', "The request can't contain more than 25 operations.", 'all'),
      ],
    });
  }
  if (compositeRequest.filter(({ url }) => /\/(query|queryAll|composite\/sobjects)\b/.test(url)).length > 5) {
    return ok({
      compositeResponse: [
        entry(
          400,
          'LIMIT_EXCEEDED',
          "The request can't contain more than 5 query, queryAll or collections operations.",
          'all',
        ),
      ],
    });
  }
  const names = new Set<string>();
  for (const { referenceId, httpHeaders = {} } of compositeRequest) {
    if (!/^\w+$/.test(referenceId) || names.has(referenceId)) {
      throw refused(400, 'INVALID_INPUT', `Invalid reference id: ${referenceId}`);
    }
    names.add(referenceId);
    const forbidden = Object.keys(httpHeaders).find((name) =>
      /^(accept|authorization|content-type)$/i.test(name),
    );
    if (forbidden)
      throw refused(400, 'INVALID_INPUT', `The header ${forbidden} cannot be set on a subrequest.`);
  }
  const refusedReferences = { none: undefined, 'into collections': /@\{\w+\[/, all: /@\{/ };
  if (refusedReferences[org.behaviour.oddities.refusesReferences]?.test(request.body)) {
    throw refused(400, 'INVALID_INPUT', 'Invalid reference specified.');
  }
  const savepoint = org.savepoint();
  const answers = new Map<string, unknown>();
  const failures = new Set<string>();
  const compositeResponse = compositeRequest.map((subrequest) => {
    const { referenceId } = subrequest;
    try {
      if (allOrNone && failures.size > 0) throw halted();
      const answer = answerRest(org, subrequestOf(request, subrequest, answers));
      answers.set(referenceId, answer.body);
      return { body: answer.body ?? null, httpHeaders: {}, httpStatusCode: answer.status, referenceId };
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      failures.add(referenceId);
      return { body: refusal.body, httpHeaders: {}, httpStatusCode: refusal.status, referenceId };
    }
  });
  if (!allOrNone || failures.size === 0) return ok({ compositeResponse });
  org.rollBackTo(savepoint);
  const rolledBack =
    'The transaction was rolled back since another operation in the same transaction failed.';
  return ok({
    compositeResponse: compositeResponse.map((answer) =>
      failures.has(answer.referenceId)
        ? answer
        : entry(400, 'PROCESSING_HALTED', rolledBack, answer.referenceId),
    ),
  });
}

function halted(): Refusal {
  return refused(
    400,
    'PROCESSING_HALTED',
    'The transaction was rolled back since another operation in the same transaction failed.',
  );
}

function subrequestOf(outer: RestRequest, inner: Subrequest, answers: Map<string, unknown>): RestRequest {
  const url = resolve(inner.url, answers) as string;
  const match = /^\/services\/data\/v(\d+)\.0(\/[^?]*?)\/?(?:\?(.*))?$/.exec(url);
  if (!match || !/^[A-Z]+$/.test(inner.method)) throw notFound();
  if ((match[2] as string).startsWith('/search'))
    throw refused(400, 'INVALID_INPUT', 'The resource is not supported in composite.');
  return {
    method: inner.method,
    path: match[2] as string,
    query: new URLSearchParams(match[3] ?? ''),
    version: outer.version,
    headers: Object.fromEntries(
      Object.entries(inner.httpHeaders ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    body: inner.body === undefined ? '' : JSON.stringify(resolve(inner.body, answers)),
  };
}

/** Puts what earlier subrequests answered in place of `@{ref.path}`. */
function resolve(value: unknown, answers: Map<string, unknown>): unknown {
  if (typeof value === 'string') {
    return value.replace(/@\{(\w+)(?:\.|(?=\[))([\w.[\]]+)\}/g, (_, reference: string, path: string) => {
      if (!answers.has(reference)) throw halted();
      let found = answers.get(reference);
      for (const step of path.split(/[.[\]]+/).filter(Boolean)) found = (found as Json | undefined)?.[step];
      if (found === undefined) throw refused(400, 'INVALID_INPUT', `Invalid reference specified: ${path}`);
      return String(found);
    });
  }
  if (Array.isArray(value)) return value.map((one) => resolve(one, answers));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, resolve(inner, answers)]));
}

function writeHeaders({ headers, version }: RestRequest): WriteHeaders {
  const duplicates = headers['sforce-duplicate-rule-header'] ?? '';
  return {
    allowSave: version >= 52 && /\ballowSave\s*=\s*true\b/i.test(duplicates),
    autoAssign: !/^false$/i.test(headers['sforce-auto-assign'] ?? ''),
  };
}

function known(org: Org, object: string): void {
  if (!org.knows(object)) throw refused(400, 'INVALID_TYPE', `sObject type '${object}' is not supported.`);
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw refused(400, 'JSON_PARSER_ERROR', 'Unexpected character at [line:1, column:1]');
  }
}
