import type { Connection } from 'jsforce';
import { Quota, type Tools } from '../../src/connector/contract.ts';
import { Exchange } from './exchange.ts';
import {
  type Circumstances,
  type Failure,
  failureOfAnswer,
  failureOfOmission,
  failureOfRow,
  failureOfSilence,
  hide,
  RequestFailed,
  type SalesforceError,
} from './failures.ts';
import { secretsOf } from './grant.ts';
import type { ObjectName, SalesforceOptions } from './options.ts';
import { Session, stopping } from './session.ts';
import { Turns } from './turns.ts';

/** Salesforce itself gives up on queries after two minutes; what takes a minute will hardly be worth the second. */
const timeoutMs = 60_000;

/** Of a collection. */
export const largestBatch = 200;

/**
 * The least that any org takes of requests that run for 20 s or longer (Developer Edition; others take 25).
 * https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm
 */
export const mostAtOnce = 5;

/** Of queries in one composite request. */
const mostQueries = 5;

export type Row = Record<string, unknown> & { Id: string };
export type Fields = Record<string, unknown>;
export type Found = { rows: Row[]; failure?: undefined } | { failure: Failure; rows?: undefined };
export type Written =
  | { id: string; created: boolean; failure?: undefined }
  | { failure: Failure; id?: undefined; created?: undefined };

/** What `describe` tells of a field, as far as it is used. One that our user may not see is not among them. */
export interface FieldDescription {
  name: string;
  type: string;
  length: number;
  digits: number;
  precision?: number;
  scale?: number;
  createable: boolean;
  updateable: boolean;
  externalId: boolean;
  unique: boolean;
  restrictedPicklist: boolean;
  picklistValues: { value: string; label?: string | null; active: boolean }[];
}

export interface ObjectDescription {
  createable: boolean;
  fields: FieldDescription[];
}

export interface CustomFieldDefinition {
  fullName: string;
  label: string;
  type: string;
  length: number;
  externalId: boolean;
  unique: boolean;
  caseSensitive: boolean;
  description: string;
}

interface Request {
  /** What `explain` and the metrics call it. */
  kind: string;
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}

interface QueryPage {
  records: Row[];
  done: boolean;
  nextRecordsUrl?: string;
}

interface SaveResult {
  id?: string;
  success?: boolean;
  created?: boolean;
  errors?: SalesforceError[];
}

/** A change to a record by us is no reason to give it to somebody else, which the org's rules would do by default. */
const keepOwner = { 'Sforce-Auto-Assign': 'FALSE' };
/** Records that the org's rules think alike are still made: the rules compare names, and ours are numbers. */
const allowSimilar = { 'Sforce-Duplicate-Rule-Header': 'allowSave=true' };

/** Every request to Salesforce goes through here: authorised, counted, timed out, and its failures read. */
export class SalesforceApi {
  readonly #conn: Connection;
  readonly #session: Session;
  readonly #options: SalesforceOptions;
  readonly #tools: Tools;
  readonly #mapped: ReadonlySet<string>;
  /** Requests of the last 24 hours, as Salesforce counts them. */
  readonly quota: Quota;
  readonly #turns = new Turns(mostAtOnce);

  private constructor(conn: Connection, options: SalesforceOptions, tools: Tools) {
    this.#conn = conn;
    this.#options = options;
    this.#tools = tools;
    this.#session = new Session(conn, options, tools);
    this.quota = new Quota(options.reserve);
    this.#mapped = new Set([
      ...Object.keys(options.person.properties),
      ...Object.keys(options.activity.properties),
    ]);
  }

  /** The client is loaded here, so that a bridge without Salesforce does not pay for it. */
  static async open(options: SalesforceOptions, tools: Tools): Promise<SalesforceApi> {
    const { Connection } = await import('jsforce');
    const { loginUrl, clientId } = options.auth;
    const secret = 'clientSecret' in options.auth ? options.auth.clientSecret : undefined;
    const conn = new Connection({
      version: options.apiVersion, // its default is years old
      loginUrl,
      oauth2: { clientId, loginUrl, ...(secret === undefined ? {} : { clientSecret: secret }) },
    });
    conn._refreshDelegate = undefined; // refused tokens are the Session's business
    return new SalesforceApi(conn, options, tools);
  }

  get connector(): string {
    return this.#tools.name;
  }

  get apiVersion(): string {
    return this.#options.apiVersion;
  }

  /** Where people see records. Known for certain once a token was issued. */
  get instanceUrl(): string {
    return this.#conn.instanceUrl || this.#options.auth.loginUrl;
  }

  /** Who we are, after the first request. */
  get user(): { id: string; organizationId: string } | undefined {
    return this.#conn.userInfo ?? undefined;
  }

  /** The requests of the last 24 hours, as Salesforce counted them. */
  get usage(): { used: number; limit: number } | undefined {
    return this.#conn.limitInfo.apiUsage;
  }

  /** Each query with its rows or its own failure. Five of them are one request. */
  async query(
    statements: readonly string[],
    signal: AbortSignal,
    resource: 'query' | 'queryAll' = 'query',
  ): Promise<Found[]> {
    const found: Found[] = [];
    for (let start = 0; start < statements.length; start += mostQueries) {
      found.push(...(await this.#queryPart(statements.slice(start, start + mostQueries), signal, resource)));
    }
    return found;
  }

  async #queryPart(statements: readonly string[], signal: AbortSignal, resource: string): Promise<Found[]> {
    // Within a body, because a statement with a batch of numbers is longer than an address may be.
    const { compositeResponse } = await this.#send<{
      compositeResponse?: { body: unknown; httpStatusCode: number; referenceId: string }[];
    }>(
      {
        kind: resource,
        method: 'POST',
        path: '/composite',
        body: {
          allOrNone: false,
          compositeRequest: statements.map((statement, place) => ({
            method: 'GET',
            referenceId: `q${place}`,
            url: `/services/data/v${this.#conn.version}/${resource}?q=${encodeURIComponent(statement)}`,
          })),
        },
      },
      signal,
    );
    const where = this.#circumstances(resource);
    return Promise.all(
      statements.map(async (_, place): Promise<Found> => {
        const answer = compositeResponse?.find(({ referenceId }) => referenceId === `q${place}`);
        if (!answer) return { failure: failureOfOmission(where) };
        if (answer.httpStatusCode !== 200) {
          const body = JSON.stringify(answer.body);
          return { failure: failureOfAnswer({ status: answer.httpStatusCode, body }, where) };
        }
        return { rows: await this.#allPages(answer.body as QueryPage, signal) };
      }),
    );
  }

  async #allPages(first: QueryPage, signal: AbortSignal): Promise<Row[]> {
    const rows = [...first.records];
    for (let page = first; !page.done && page.nextRecordsUrl; ) {
      const next = { kind: 'query', method: 'GET', path: page.nextRecordsUrl } as const;
      page = await this.#send<QueryPage>(next, signal);
      rows.push(...page.records);
    }
    return rows;
  }

  /** SOSL: finds by an index that lags behind what was written. */
  async search(statement: string, signal: AbortSignal): Promise<Row[]> {
    const path = `/search?q=${encodeURIComponent(statement)}`;
    const { searchRecords } = await this.#send<{ searchRecords?: Row[] }>(
      { kind: 'search', method: 'GET', path },
      signal,
    );
    return searchRecords ?? [];
  }

  /** Creates, or updates the ones that have the key. The key is among the fields. In the order of the records. */
  upsert(
    object: ObjectName,
    key: string,
    records: readonly Fields[],
    signal: AbortSignal,
  ): Promise<Written[]> {
    return this.#write(records, signal, (part) => ({
      kind: `upsert ${object}`,
      method: 'PATCH',
      path: `/composite/sobjects/${object}/${key}`,
      headers: allowSimilar,
      body: {
        allOrNone: false,
        records: part.map((record) => ({ attributes: { type: object }, ...record })),
      },
    }));
  }

  /** Updates by id. In the order of the records, which are best sorted by object. */
  update(
    what: string,
    records: readonly { object: ObjectName; id: string; fields: Fields }[],
    signal: AbortSignal,
  ): Promise<Written[]> {
    return this.#write(records, signal, (part) => ({
      kind: `update ${what}`,
      method: 'PATCH',
      path: '/composite/sobjects',
      headers: { ...keepOwner, ...allowSimilar },
      body: {
        allOrNone: false,
        records: part.map(({ object, id, fields }) => ({ attributes: { type: object }, id, ...fields })),
      },
    }));
  }

  describe(object: ObjectName, signal: AbortSignal): Promise<ObjectDescription> {
    const request = {
      kind: `describe ${object}`,
      method: 'GET',
      path: `/sobjects/${object}/describe`,
    } as const;
    return this.#send<ObjectDescription>(request, signal);
  }

  /** The API versions that the org offers. */
  async versions(signal: AbortSignal): Promise<string[]> {
    const all = await this.#send<{ version: string }[]>(
      { kind: 'versions', method: 'GET', path: '/services/data' },
      signal,
    );
    return all.map(({ version }) => version);
  }

  /** One record of the set-up kind, which collections do not take together with others. Undefined: it was there. */
  async create(object: string, fields: Fields, signal: AbortSignal): Promise<string | undefined> {
    try {
      const { id } = await this.#send<{ id: string }>(
        { kind: `create ${object}`, method: 'POST', path: `/sobjects/${object}`, body: fields },
        signal,
      );
      return id;
    } catch (thrown) {
      if (thrown instanceof RequestFailed && thrown.failure.cure?.what === 'taken') return undefined;
      throw thrown;
    }
  }

  async change(object: string, id: string, fields: Fields, signal: AbortSignal): Promise<void> {
    const path = `/sobjects/${object}/${id}`;
    await this.#send({ kind: `change ${object}`, method: 'PATCH', path, body: fields }, signal);
  }

  /** Whatever only a probe asks for. That Salesforce refuses what was asked is an answer, too. */
  async ask(
    method: Request['method'],
    path: string,
    body: unknown,
    signal: AbortSignal,
    headers: Record<string, string> = allowSimilar,
  ): Promise<{ status: number; body: unknown }> {
    try {
      const kind = `${method} ${path.replace(/\/00\w+/g, '/:id')}`;
      const request = { kind, method, path, body, headers };
      return { status: 200, body: await this.#send<unknown>(request, signal) };
    } catch (thrown) {
      const answer = thrown instanceof RequestFailed ? thrown.answer : undefined;
      if (!answer || answer.status < 300 || answer.status === 401 || answer.status >= 500) throw thrown;
      if (answer.body.includes('REQUEST_LIMIT_EXCEEDED')) throw thrown;
      return { status: answer.status, body: asJson(answer.body) };
    }
  }

  /** Definitions of custom fields, whether our user may see them or not; undefined for those that are not there. */
  async readFields(
    fullNames: string[],
    signal: AbortSignal,
  ): Promise<(Partial<CustomFieldDefinition> | undefined)[]> {
    const records = await this.#soap('readMetadata', signal, () =>
      this.#conn.metadata.read('CustomField', fullNames),
    );
    return fullNames.map((fullName) => {
      const found = records.find((record) => record.fullName === fullName);
      return found as Partial<CustomFieldDefinition> | undefined;
    });
  }

  /** @throws with Salesforce's words for the first that it does not make. */
  async createFields(definitions: CustomFieldDefinition[], signal: AbortSignal): Promise<void> {
    const results = await this.#soap('createMetadata', signal, () =>
      this.#conn.metadata.create('CustomField', definitions),
    );
    definitions.forEach(({ fullName }, place) => {
      const result = results[place] as SaveResult | undefined;
      if (result?.success) return;
      const errors = [result?.errors ?? []].flat();
      throw new RequestFailed(failureOfRow(errors, this.#circumstances(`the making of ${fullName}`)));
    });
  }

  /** The Metadata API has no REST form for this; the client writes the envelope. */
  async #soap<T>(kind: string, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    await this.#session.token(signal, this.#circumstances(kind));
    const exchange = new Exchange(this.#tools, timeoutMs, signal);
    this.#conn._transport = exchange;
    try {
      return await call();
    } catch (thrown) {
      const words = thrown instanceof Error ? thrown.message : String(thrown);
      const reason = hide(
        `Salesforce answered ${kind}: "${words.slice(0, 500)}".`,
        this.#circumstances(kind),
      );
      throw new RequestFailed({ kind: 'rejected', reason }, thrown);
    } finally {
      this.#tools.countRequest(kind, exchange.answer?.status ?? 'failed');
    }
  }

  /**
   * Writes records and tells what became of each. A request that is refused as a whole, and records that are too many
   * for the org's triggers, are halved until whoever is to blame stands alone.
   */
  async #write<T>(
    records: readonly T[],
    signal: AbortSignal,
    requestFor: (part: readonly T[]) => Request,
  ): Promise<Written[]> {
    const written: Written[] = new Array(records.length);
    const pending: number[][] = [];
    for (let start = 0; start < records.length; start += largestBatch) {
      const end = Math.min(start + largestBatch, records.length);
      pending.push(Array.from({ length: end - start }, (_, i) => start + i));
    }
    for (let part = pending.shift(); part; part = pending.shift()) {
      const fate = await this.#writePart(
        requestFor(part.map((place) => records[place] as T)),
        part.length,
        signal,
      );
      const again: number[] = [];
      part.forEach((place, i) => {
        const one = fate[i] as Written;
        if (one.failure && part.length > 1 && isWorthHalving(one.failure)) again.push(place);
        else written[place] = one;
      });
      const middle = Math.ceil(again.length / 2);
      for (const half of [again.slice(0, middle), again.slice(middle)])
        if (half.length > 0) pending.push(half);
    }
    return written;
  }

  async #writePart(request: Request, count: number, signal: AbortSignal): Promise<Written[]> {
    const where = this.#circumstances(request.kind);
    try {
      const results = await this.#send<SaveResult[]>(request, signal);
      return Array.from({ length: count }, (_, place): Written => {
        const result = Array.isArray(results) && results.length === count ? results[place] : undefined;
        if (result?.success && result.id) return { id: result.id, created: result.created ?? false };
        return { failure: failureOfRow(result?.errors ?? [], where) };
      });
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      const { failure } = thrown;
      const whole: Failure = failure.kind === 'rejected' ? { ...failure, isWhole: true } : failure;
      return Array.from({ length: count }, () => ({ failure: whole }));
    }
  }

  /** One request; a second time with a new token if the first is refused, and never a third. */
  async #send<T>(request: Request, signal: AbortSignal): Promise<T> {
    const where = this.#circumstances(request.kind);
    const token = await this.#session.token(signal, where);
    try {
      return await this.#sendOnce<T>(request, signal);
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed) || thrown.failure.cure?.what !== 'session') throw thrown;
    }
    await this.#session.token(signal, where, token);
    return this.#sendOnce<T>(request, signal);
  }

  #sendOnce<T>(request: Request, signal: AbortSignal): Promise<T> {
    return this.#turns.run(() => this.#exchange<T>(request, signal));
  }

  async #exchange<T>({ kind, method, path, body, headers }: Request, signal: AbortSignal): Promise<T> {
    if (signal.aborted) throw new RequestFailed(stopping(this.#circumstances(kind)));
    const exchange = new Exchange(this.#tools, timeoutMs, signal);
    let answer: unknown;
    let problem: unknown;
    try {
      answer = await this.#conn.request<T>(
        {
          method,
          url: path,
          headers: { 'content-type': 'application/json', ...headers },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        },
        { transport: exchange },
      );
    } catch (thrown) {
      problem = thrown;
    }
    const { status } = exchange.answer ?? {};
    this.#tools.countRequest(kind, status ?? 'failed');
    if (this.usage) this.quota.saw(this.usage.limit - this.usage.used, this.usage.limit);
    // The client takes redirects for success, and hands over what it cannot parse as text.
    if (
      status === 204 ||
      (status !== undefined && status < 300 && typeof answer === 'object' && answer !== null)
    ) {
      return answer as T;
    }
    const failure = this.#read(exchange, problem, signal, this.#circumstances(kind));
    throw new RequestFailed(failure, problem, exchange.answer);
  }

  #read({ answer, isLate }: Exchange, problem: unknown, signal: AbortSignal, where: Circumstances): Failure {
    if (answer && answer.status >= 300) return failureOfAnswer(answer, where);
    if (answer) return failureOfSilence('it cannot be read', where);
    if (isLate) {
      const reason = `Salesforce did not answer ${where.request} within ${timeoutMs / 1000} s.`;
      return { kind: 'retry', reason };
    }
    return signal.aborted ? stopping(where) : failureOfSilence(problem, where);
  }

  #circumstances(request: string): Circumstances {
    return {
      request,
      connector: this.#tools.name,
      now: this.#tools.clock.now(),
      secrets: [...secretsOf(this.#options.auth), this.#conn.accessToken ?? ''],
      mapped: this.#mapped,
      usage: this.usage,
    };
  }
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isWorthHalving(failure: Failure): boolean {
  return failure.isWhole === true || failure.cure?.what === 'smaller';
}
