import * as z from 'zod';
import { AccountFacts, type Quota, type Tools, type Unanswered } from '../../src/connector/index.ts';
import {
  type Asked,
  asFailure,
  bisect,
  type PartWritten,
  type RawAnswer,
  Requests,
  sendingAll,
  type Wrap,
} from '../../src/crm/index.ts';
import type { FoundRow, ObjectDescription, QueryPage, Row } from './answers.ts';
import * as answers from './answers.ts';
import { callType, type Described, type SalesforceFacts, takesCallType } from './facts.ts';
import {
  type Circumstances,
  type Failure,
  failureOfAnswer,
  failureOfOmission,
  failureOfRow,
  RequestFailed,
  salesforce,
} from './failures.ts';
import { FieldDefinitions } from './field-definitions.ts';
import type { ObjectName, PersonObject, SalesforceOptions } from './options.ts';
import { secondLook } from './second-look.ts';
import { SalesforceTransport } from './transport.ts';
import type { Attempt, Fields, QueryResult, Written } from './written.ts';

/** Of a collection. */
export const largestBatch = 200;

/** Of queries in one composite request. */
const mostQueries = 5;

/** Of requests within a composite one. */
const mostSubrequests = 25;

/** A person to be made, and the Tasks that are to name them. */
export interface PersonWithTasks {
  person: Fields;
  tasks: readonly Fields[];
}

/** What became of them, in their order. Without the person no Task is written. */
export interface PersonWithTasksWritten {
  person: Written;
  tasks: Written[];
}

/** Of a query: more rows than any that is asked should have. */
const mostPages = 100;

/**
 * What we write is no reason to give a Lead to somebody else. By default the org's rules run over each Lead that a write
 * touches, be it through a trigger of the Task's. https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_autoassign.htm
 */
const keepOwner = { 'Sforce-Auto-Assign': 'FALSE' };
/** Records that the org's rules think alike are still made: the rules compare names, and ours are numbers. */
const allowSimilar = { 'Sforce-Duplicate-Rule-Header': 'allowSave=true' };

/** What Salesforce is asked and told, in its own terms: queries, searches, collections, descriptions, definitions. */
export class SalesforceApi {
  readonly definitions: FieldDefinitions;
  /** How this org differs from the documents. */
  readonly facts: SalesforceFacts;
  readonly described: Described;
  readonly connector: string;
  readonly apiVersion: string;
  readonly #transport: SalesforceTransport;
  readonly #requests: Requests<Failure, Circumstances>;

  private constructor(transport: SalesforceTransport, { apiVersion }: SalesforceOptions, tools: Tools) {
    this.#transport = transport;
    this.#requests = new Requests(transport, tools);
    this.definitions = new FieldDefinitions(transport, this.#requests);
    this.facts = new AccountFacts(tools);
    this.described = new AccountFacts(tools, 'described');
    this.connector = tools.name;
    this.apiVersion = apiVersion;
  }

  static async open(
    options: SalesforceOptions,
    tools: Tools,
    wrap: Wrap = sendingAll,
  ): Promise<SalesforceApi> {
    return new SalesforceApi(await SalesforceTransport.open(options, tools, wrap), options, tools);
  }

  /** Where people see records. Known for certain after the first request. */
  get instanceUrl(): string {
    return this.#transport.instanceUrl;
  }

  /** Who we are, after the first request. */
  get user(): SalesforceTransport['user'] {
    return this.#transport.user;
  }

  /** For a failure that is told without asking Salesforce. */
  circumstances(request: string): Circumstances {
    return this.#requests.circumstances(request);
  }

  get usage(): SalesforceTransport['usage'] {
    return this.#transport.usage;
  }

  get quota(): Quota {
    return this.#transport.quota;
  }

  get unanswered(): Unanswered {
    return this.#requests.unanswered;
  }

  /** Each query with its rows or its own failure. Five of them are one request. */
  async query(
    statements: readonly string[],
    signal: AbortSignal,
    resource: 'query' | 'queryAll' = 'query',
  ): Promise<QueryResult[]> {
    const found: QueryResult[] = [];
    for (let start = 0; start < statements.length; start += mostQueries) {
      found.push(...(await this.#queryPart(statements.slice(start, start + mostQueries), signal, resource)));
    }
    return found;
  }

  async #queryPart(
    statements: readonly string[],
    signal: AbortSignal,
    resource: string,
  ): Promise<QueryResult[]> {
    // Within a body, because a statement with a batch of numbers is longer than an address may be.
    const { compositeResponse } = await this.#requests.send(
      {
        request: resource,
        method: 'POST',
        path: this.#path('/composite'),
        body: {
          allOrNone: false,
          compositeRequest: statements.map((statement, place) => ({
            method: 'GET',
            referenceId: `q${place}`,
            url: `${this.#path(`/${resource}`)}?q=${encodeURIComponent(statement)}`,
          })),
        },
      },
      signal,
      answers.composite,
    );
    const where = this.#requests.circumstances(resource);
    return Promise.all(
      statements.map(async (_, place): Promise<QueryResult> => {
        const answer = compositeResponse.find(({ referenceId }) => referenceId === `q${place}`);
        if (!answer) return { failure: failureOfOmission(where) };
        if (answer.httpStatusCode !== 200) {
          return { failure: failureOfAnswer({ status: answer.httpStatusCode, body: answer.body }, where) };
        }
        const first = answers.queryPage.safeParse(answer.body);
        if (!first.success) return { failure: salesforce.silence('it cannot be read', where) };
        return { rows: await this.#allPages(first.data, signal) };
      }),
    );
  }

  async #allPages(first: QueryPage, signal: AbortSignal): Promise<Row[]> {
    const rows = [...first.records];
    let page = first;
    for (let n = 1; !page.done && page.nextRecordsUrl && n < mostPages; n++) {
      const next = { request: 'query', method: 'GET', path: page.nextRecordsUrl } as const;
      page = await this.#requests.send(next, signal, answers.queryPage);
      rows.push(...page.records);
    }
    return rows;
  }

  /** SOSL: finds by an index that lags behind what was written. */
  async search(statement: string, signal: AbortSignal): Promise<FoundRow[]> {
    const path = this.#path(`/search?q=${encodeURIComponent(statement)}`);
    const { searchRecords } = await this.#requests.send(
      { request: 'search', method: 'GET', path },
      signal,
      answers.found,
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
    const attempts = records.map((fields): Attempt => ({ object, fields }));
    return this.#write(attempts, signal, (part) => ({
      request: `upsert ${object}`,
      writes: true,
      method: 'PATCH',
      path: this.#path(`/composite/sobjects/${object}/${key}`),
      headers: { ...keepOwner, ...allowSimilar },
      body: {
        allOrNone: false,
        records: part.map(({ fields }) => ({ attributes: { type: object }, ...fields })),
      },
    }));
  }

  /**
   * Creates, and changes nothing that is there: who has a key already is refused as taken. In the order of the records,
   * which are best sorted by object; those that the org's rules are to assign come without others.
   */
  insert(what: string, records: readonly Attempt[], signal: AbortSignal): Promise<Written[]> {
    return this.#write(records, signal, (part) => ({
      request: `insert ${what}`,
      writes: true,
      method: 'POST',
      path: this.#path('/composite/sobjects'),
      headers: {
        ...(part.every(({ object, fields }) => isAssigned(object, fields)) ? {} : keepOwner),
        ...allowSimilar,
      },
      body: {
        allOrNone: false,
        records: part.map(({ object, fields }) => ({ attributes: { type: object }, ...fields })),
      },
    }));
  }

  /**
   * Creates people with the Tasks that name them, all in one request, and changes nothing that is there. Undefined: these
   * cannot be made in this way, and nothing was.
   */
  async insertWithTasks(
    object: PersonObject,
    people: readonly PersonWithTasks[],
    signal: AbortSignal,
  ): Promise<PersonWithTasksWritten[] | undefined> {
    const subrequests = people.flatMap(({ person, tasks }, place) => [
      { referenceId: personName(place), object, fields: person },
      ...tasks.map((task, i) => ({
        referenceId: taskName(place, i),
        object: 'Task',
        fields: { ...task, WhoId: `@{${personName(place)}.id}` },
      })),
    ]);
    if (subrequests.length > mostSubrequests) return undefined;
    // What reads like a reference would be taken for one, and there is no way to write it otherwise.
    if (JSON.stringify(people).includes('@{')) return undefined;
    const asked: Asked = {
      request: `insert ${object} and Task`,
      writes: true,
      method: 'POST',
      path: this.#path('/composite'),
      body: {
        allOrNone: false,
        compositeRequest: subrequests.map(({ referenceId, object, fields }) => ({
          method: 'POST',
          referenceId,
          url: this.#path(`/sobjects/${object}`),
          httpHeaders: { ...(isAssigned(object, fields) ? {} : keepOwner), ...allowSimilar },
          body: fields,
        })),
      },
    };
    const where = this.#requests.circumstances(asked.request);
    try {
      const { compositeResponse } = await this.#requests.send(asked, signal, answers.composite);
      const written = (name: string): Written => {
        const answer = compositeResponse.find(({ referenceId }) => referenceId === name);
        if (!answer) return { failure: failureOfOmission(where) };
        const made = answers.made.safeParse(answer.body);
        if (answer.httpStatusCode === 201 && made.success) return { id: made.data.id, created: true };
        return { failure: failureOfAnswer({ status: answer.httpStatusCode, body: answer.body }, where) };
      };
      return people.map(({ tasks }, place) => ({
        person: written(personName(place)),
        tasks: tasks.map((_, i) => written(taskName(place, i))),
      }));
    } catch (thrown) {
      const isRefused =
        thrown instanceof RequestFailed &&
        (thrown.failure.kind === 'rejected' || (thrown.failure.kind === 'retry' && thrown.status === 400));
      if (isRefused) return undefined;
      throw thrown;
    }
  }

  /** Updates by id. In the order of the records, which are best sorted by object. */
  update(
    what: string,
    records: readonly { object: ObjectName; id: string; fields: Fields }[],
    signal: AbortSignal,
  ): Promise<Written[]> {
    return this.#write(records, signal, (part) => ({
      request: `update ${what}`,
      writes: true,
      method: 'PATCH',
      path: this.#path('/composite/sobjects'),
      headers: { ...keepOwner, ...allowSimilar },
      body: {
        allOrNone: false,
        records: part.map(({ object, id, fields }) => ({ attributes: { type: object }, id, ...fields })),
      },
    }));
  }

  async describe(object: ObjectName, signal: AbortSignal): Promise<ObjectDescription> {
    const asked = {
      request: `describe ${object}`,
      method: 'GET',
      path: this.#path(`/sobjects/${object}/describe`),
    } as const;
    const described = await this.#requests.send(asked, signal, answers.objectDescription);
    if (object === 'Task') {
      const taskType = takesCallType(described.fields) ? callType : undefined;
      if ((await this.described.all()).taskType !== taskType) await this.described.keep({ taskType });
    }
    return described;
  }

  /** The API versions that the org offers. */
  async versions(signal: AbortSignal): Promise<string[]> {
    const all = await this.#requests.send(
      { request: 'versions', method: 'GET', path: '/services/data' },
      signal,
      answers.versions,
    );
    return all.map(({ version }) => version);
  }

  /** One record of the set-up kind, which collections do not take together with others. Undefined: it was there. */
  async create(object: string, fields: Fields, signal: AbortSignal): Promise<string | undefined> {
    try {
      const { id } = await this.#requests.send(
        {
          request: `create ${object}`,
          method: 'POST',
          path: this.#path(`/sobjects/${object}`),
          body: fields,
          headers: keepOwner,
        },
        signal,
        answers.made,
      );
      return id;
    } catch (thrown) {
      if (thrown instanceof RequestFailed && thrown.failure.cure?.what === 'taken') return undefined;
      throw thrown;
    }
  }

  async change(object: string, id: string, fields: Fields, signal: AbortSignal): Promise<void> {
    const path = this.#path(`/sobjects/${object}/${id}`);
    const asked = {
      request: `change ${object}`,
      method: 'PATCH',
      path,
      body: fields,
      headers: keepOwner,
    } as const;
    await this.#requests.send(asked, signal, z.unknown());
  }

  /** Whatever only a probe asks for. That Salesforce refuses it is an answer, too. */
  ask(method: Asked['method'], path: string, body: unknown, signal: AbortSignal): Promise<RawAnswer> {
    const request = `${method} ${path.replace(/\/00\w+/g, '/:id')}`;
    const headers = { ...keepOwner, ...allowSimilar };
    return this.#requests.ask({ request, method, path: this.#path(path), body, headers }, signal, isVerdict);
  }

  #path(resource: string): string {
    return `/services/data/v${this.apiVersion}${resource}`;
  }

  async #write<T extends Attempt>(
    attempts: readonly T[],
    signal: AbortSignal,
    askFor: (part: readonly T[]) => Asked,
  ): Promise<Written[]> {
    const write = (part: readonly T[]) => this.#writePart(askFor(part), part, signal);
    const uses = ({ fields }: T, { failure }: Written) =>
      failure?.cure?.what === 'fields' && failure.cure.names.some((name) => name in fields);
    const written = await bisect(attempts, largestBatch, write, uses);
    return attempts.map((attempt) => written.get(attempt) as Written);
  }

  async #writePart<T extends Attempt>(
    asked: Asked,
    attempts: readonly T[],
    signal: AbortSignal,
  ): Promise<PartWritten<T, Written>> {
    const where = this.#requests.circumstances(asked.request);
    const count = attempts.length;
    try {
      const results = await this.#requests.send(asked, signal, answers.saveResults);
      const told = attempts.map((_, place): Written => {
        const result = results.length === count ? results[place] : undefined;
        if (result?.success && result.id) return { id: result.id, created: result.created ?? false };
        return { failure: failureOfRow(result?.errors ?? [], where) };
      });
      const isUnread = (await this.facts.all()).refusals === 'unread';
      const query = (statements: string[]) => this.query(statements, signal, 'queryAll');
      const meant = isUnread ? await secondLook(query, attempts, told) : told;
      const fates = attempts.map((attempt, place) => [attempt, meant[place] as Written] as const);
      const isTooMany = ([, { failure }]: readonly [T, Written]) => failure?.cure?.what === 'smaller';
      return {
        written: new Map(fates.filter((one) => !isTooMany(one))),
        refused: new Map(fates.filter(isTooMany)),
      };
    } catch (thrown) {
      const failure = asFailure<Failure>(thrown);
      return { written: new Map(), refused: new Map(attempts.map((attempt) => [attempt, { failure }])) };
    }
  }
}

/** Whether the org's rules are to say whose a new record is: of Leads alone, where we name nobody. */
function isAssigned(object: string, fields: Fields): boolean {
  return object === 'Lead' && !('OwnerId' in fields);
}

/** Not being let in, or the day's limit, is none. */
function isVerdict({ status, body }: RawAnswer): boolean {
  const isOverLimit = JSON.stringify(body ?? '').includes('REQUEST_LIMIT_EXCEEDED');
  return status >= 300 && status < 500 && status !== 401 && !isOverLimit;
}

const personName = (place: number) => `r${place}`;
const taskName = (place: number, i: number) => `r${place}_${i}`;
