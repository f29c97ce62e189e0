import type { Client } from '@hubspot/api-client';
import { Quota, type RateLimit, type Tools } from '../../src/connector/contract.ts';
import { Access, buildApis } from './access.ts';
import {
  type Circumstances,
  type FailedAnswer,
  type Failure,
  failureOfAnswer,
  failureOfOmission,
  failureOfRow,
  failureOfSilence,
  RequestFailed,
} from './failures.ts';
import type { HubSpotOptions } from './options.ts';
import { ownProperties } from './setup-names.ts';

/**
 * The generations of the API that the client calls; it knows no other. A test holds every request to them, so that a
 * newer client does not change them unseen. https://developers.hubspot.com/docs/developer-tooling/platform/versioning
 */
export const apiVersions = { crm: 'v3', associations: 'v4', 'account-info': 'v3' } as const;

/** The client has no timeout of its own, and HubSpot gives up after 100 s. */
const timeoutMs = 30_000;

/** 100 requests in ten seconds is the least that any account is granted. A tenth of it stays for others. */
const leastWindow = 100;
const windowMs = 10_000;
const ourShare = 0.9;

/**
 * Five searches a second for the whole account, counted as they arrive: evenly spread, five take 1.15 s, so that one
 * which was 0.15 s longer on its way than those behind it does not make the sixth too many.
 */
const searchEveryMs = 230;

export const largestBatch = 100;

export type ObjectType = 'contacts' | 'calls';
export type Properties = Record<string, string>;

export interface Row {
  id: string;
  properties: Record<string, string | null>;
  objectWriteTraceId?: string;
}

/** One of a batch to be written. The trace id makes HubSpot tell the fate of each instead of refusing all. */
export interface Input {
  objectWriteTraceId: string;
  properties: Properties;
}
export interface CreateInput extends Input {
  /** Contacts to link. */
  contactId?: string | undefined;
}
export interface UpdateInput extends Input {
  id: string;
}

export type Written = { row: Row; failure?: undefined } | { failure: Failure; row?: undefined };

interface BatchAnswer {
  results: Row[];
  errors?: RowError[];
}

interface RowError {
  context?: Record<string, string[]>;
}

export interface PropertyDefinition {
  name: string;
  type: string;
  hasUniqueValue?: boolean;
  archived?: boolean;
  modificationMetadata?: { readOnlyValue: boolean };
  options: { value: string; label: string }[];
}

export interface SearchPage {
  rows: Row[];
  next: string | undefined;
}

export interface RawAnswer {
  status: number;
  body: unknown;
}

/** call → contact, as HubSpot defines it. */
const callToContact = 194;

/** Every request to HubSpot goes through here: limited, counted, timed out, and its failures read. */
export class HubSpotApi {
  readonly #client: Client;
  readonly #access: Access;
  readonly #tools: Tools;
  readonly #window: RateLimit;
  readonly #searches: RateLimit;
  /** Requests of the day, of the whole account. */
  readonly quota: Quota;

  private constructor(client: Client, options: HubSpotOptions, tools: Tools) {
    this.#client = client;
    this.#access = new Access(client, options, tools);
    this.#tools = tools;
    this.#window = tools.rateLimit(Math.floor(leastWindow * ourShare), windowMs);
    this.#searches = tools.rateLimit(1, searchEveryMs);
    this.quota = new Quota(options.reserve);
  }

  /** The client is loaded here, so that a bridge without HubSpot does not pay for it. */
  static async open(options: HubSpotOptions, tools: Tools): Promise<HubSpotApi> {
    const { Client } = await import('@hubspot/api-client');
    const client = new Client({
      ...(options.accessToken === undefined ? {} : { accessToken: options.accessToken }),
      basePath: options.baseUrl,
      numberOfApiCallRetries: 0, // its retries would repeat a create whose answer was lost
    });
    buildApis(client);
    return new HubSpotApi(client, options, tools);
  }

  get connector(): string {
    return this.#tools.name;
  }

  create(
    objectType: ObjectType,
    inputs: readonly CreateInput[],
    signal: AbortSignal,
  ): Promise<Map<string, Written>> {
    return this.#write(`${objectType}/batch/create`, inputs, signal, (part) =>
      this.#client.crm.objects.batchApi.createWithHttpInfo(objectType, {
        inputs: part.map(({ objectWriteTraceId, properties, contactId }) => ({
          objectWriteTraceId,
          properties,
          associations: contactId === undefined ? [] : [linkTo(contactId)],
        })),
      }),
    );
  }

  update(
    objectType: ObjectType,
    inputs: readonly UpdateInput[],
    signal: AbortSignal,
  ): Promise<Map<string, Written>> {
    return this.#write(`${objectType}/batch/update`, inputs, signal, (part) =>
      this.#client.crm.objects.batchApi.updateWithHttpInfo(objectType, { inputs: [...part] }),
    );
  }

  /** Creates, or updates the one that has the key. The key is among the properties. */
  upsert(
    objectType: ObjectType,
    idProperty: string,
    inputs: readonly Input[],
    signal: AbortSignal,
  ): Promise<Map<string, Written>> {
    return this.#write(`${objectType}/batch/upsert`, inputs, signal, (part) =>
      this.#client.crm.objects.batchApi.upsertWithHttpInfo(objectType, {
        inputs: part.map((input) => ({ ...input, idProperty, id: input.properties[idProperty] as string })),
      }),
    );
  }

  /** Those that are there. Unlike searching, this sees what was written a moment ago. */
  async read(
    objectType: ObjectType,
    ids: readonly string[],
    what: { idProperty?: string; properties: readonly string[] },
    signal: AbortSignal,
  ): Promise<Row[]> {
    const rows: Row[] = [];
    for (let start = 0; start < ids.length; start += largestBatch) {
      const { data } = await this.#send(`${objectType}/batch/read`, signal, () =>
        this.#client.crm.objects.batchApi.readWithHttpInfo(objectType, {
          ...(what.idProperty === undefined ? {} : { idProperty: what.idProperty }),
          properties: [...what.properties],
          propertiesWithHistory: [],
          inputs: ids.slice(start, start + largestBatch).map((id) => ({ id })),
        }),
      );
      rows.push(...data.results);
    }
    return rows;
  }

  async search(
    objectType: ObjectType,
    request: object & { after?: string },
    signal: AbortSignal,
  ): Promise<SearchPage> {
    type Request = Parameters<Client['crm']['objects']['searchApi']['doSearch']>[1];
    const { data } = await this.#send(`${objectType}/search`, signal, () =>
      this.#client.crm.objects.searchApi.doSearchWithHttpInfo(objectType, request as Request),
    );
    return { rows: data.results, next: data.paging?.next?.after };
  }

  /** Links calls to contacts. Linking what is linked already changes nothing. */
  linkToContacts(
    links: readonly { callId: string; contactId: string }[],
    signal: AbortSignal,
  ): Promise<Map<string, Written>> {
    const inputs = links.map((link) => ({
      ...link,
      id: link.callId,
      objectWriteTraceId: link.callId,
      properties: {},
    }));
    return this.#write('calls/associate', inputs, signal, async (part) => {
      const answer = await this.#client.crm.associations.v4.batchApi.createDefaultWithHttpInfo(
        'calls',
        'contacts',
        {
          inputs: part.map((link) => ({ _from: { id: link.callId }, to: { id: link.contactId } })),
        },
      );
      const results = answer.data.results.map((made) => ({ id: made._from.id, properties: {} }));
      return { httpStatusCode: answer.httpStatusCode, headers: answer.headers, data: { results } };
    });
  }

  async properties(objectType: ObjectType, signal: AbortSignal): Promise<PropertyDefinition[]> {
    const { data } = await this.#send(`properties/${objectType}`, signal, () =>
      this.#client.crm.properties.coreApi.getAllWithHttpInfo(objectType),
    );
    return data.results as PropertyDefinition[];
  }

  async groups(objectType: ObjectType, signal: AbortSignal): Promise<string[]> {
    const { data } = await this.#send(`properties/${objectType}/groups`, signal, () =>
      this.#client.crm.properties.groupsApi.getAllWithHttpInfo(objectType),
    );
    return data.results.map((group) => group.name);
  }

  async createGroup(objectType: ObjectType, group: { name: string; label: string }, signal: AbortSignal) {
    await this.#send(`properties/${objectType}/groups`, signal, () =>
      this.#client.crm.properties.groupsApi.createWithHttpInfo(objectType, { ...group, displayOrder: -1 }),
    );
  }

  async createProperty(
    objectType: ObjectType,
    property: {
      name: string;
      label: string;
      description: string;
      groupName: string;
      hasUniqueValue?: boolean;
    },
    signal: AbortSignal,
  ): Promise<PropertyDefinition> {
    type Create = Parameters<Client['crm']['properties']['coreApi']['create']>[1];
    const definition = { hasUniqueValue: true, ...property, type: 'string', fieldType: 'text' };
    const { data } = await this.#send(`properties/${objectType}`, signal, () =>
      this.#client.crm.properties.coreApi.createWithHttpInfo(objectType, definition as Create),
    );
    return data as PropertyDefinition;
  }

  /** Whatever only a probe asks for. That HubSpot refuses what was asked is an answer, too. */
  async ask(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<RawAnswer> {
    const { data } = await this.#send(`${method} ${path.replace(/\/\d+/g, '/:id')}`, signal, async () => {
      const response = await this.#client.apiRequest({
        method,
        path,
        ...(body === undefined ? {} : { body }),
      });
      const headers = Object.fromEntries(response.headers as unknown as Iterable<[string, string]>);
      const told = { status: response.status, body: asJson(await response.text()) };
      if (!isVerdict(told.status))
        throw Object.assign(new Error('failed'), { code: told.status, body: told.body, headers });
      return { httpStatusCode: told.status, headers, data: told };
    });
    return data;
  }

  /** Which account the token belongs to. */
  async account(signal: AbortSignal): Promise<{ portalId: string; uiDomain: string }> {
    const { data } = await this.#send('account-info', signal, async () => {
      const response = await this.#client.apiRequest({
        path: `/account-info/${apiVersions['account-info']}/details`,
      });
      const headers = Object.fromEntries(response.headers as unknown as Iterable<[string, string]>);
      const data = (await response.json()) as { portalId?: number; uiDomain?: string };
      // Unlike the client's other methods, this one does not throw for a failure.
      if (!response.ok)
        throw Object.assign(new Error('failed'), { code: response.status, body: data, headers });
      return { httpStatusCode: response.status, headers, data };
    });
    return { portalId: String(data.portalId), uiDomain: data.uiDomain ?? 'app.hubspot.com' };
  }

  /**
   * Writes a batch and tells what became of each input, by trace id. HubSpot answers in an order of its own, and may
   * leave an input out without a word: only what an answer names is written.
   */
  async #write<I extends Input>(
    request: string,
    inputs: readonly I[],
    signal: AbortSignal,
    send: (
      part: readonly I[],
    ) => Promise<{ httpStatusCode: number; headers: Record<string, string>; data: BatchAnswer }>,
  ): Promise<Map<string, Written>> {
    const written = new Map<string, Written>();
    const pending: (readonly I[])[] = [];
    for (let start = 0; start < inputs.length; start += largestBatch) {
      pending.push(inputs.slice(start, start + largestBatch));
    }
    for (let part = pending.shift(); part; part = pending.shift()) {
      const current = part;
      try {
        const { data } = await this.#send(request, signal, () => send(current));
        const fate = this.#readRows(request, current, data);
        for (const [trace, one] of fate) written.set(trace, one);
      } catch (thrown) {
        if (!(thrown instanceof RequestFailed)) throw thrown;
        const { doomed, again } = splitRefused(current, thrown.failure);
        for (const input of doomed) written.set(input.objectWriteTraceId, { failure: thrown.failure });
        pending.push(...again);
      }
    }
    return written;
  }

  /** By trace id, by id, or by the key that a row shows. They are apart: a call's key may look like an id. */
  #readRows<I extends Input & { id?: string }>(
    request: string,
    inputs: readonly I[],
    answer: BatchAnswer,
  ): Map<string, Written> {
    const where = this.#circumstances(request);
    const rows = new Map<string, Row>();
    const errors = new Map<string, RowError>();
    for (const row of answer.results) {
      for (const name of namesOfRow(row)) rows.set(name, row);
    }
    for (const error of answer.errors ?? []) {
      for (const name of namesOfError(error)) errors.set(name, error);
    }
    return new Map(
      inputs.map((input): [string, Written] => {
        const names = namesOfInput(input);
        const row = names.map((name) => rows.get(name)).find(Boolean);
        const error = names.map((name) => errors.get(name)).find(Boolean);
        return [input.objectWriteTraceId, row ? { row } : { failure: failureOfInput(input, error, where) }];
      }),
    );
  }

  /** One request; a second time with a new token if the first is refused and can be renewed, and never a third. */
  async #send<T>(
    request: string,
    signal: AbortSignal,
    send: () => Promise<{ httpStatusCode: number; headers: Record<string, string>; data: T }>,
  ): Promise<{ data: T }> {
    const ask = <A>(name: string, asked: () => Promise<A>) => this.#askForToken(name, signal, asked);
    const token = await this.#access.ready(ask);
    try {
      return await this.#sendOnce(request, signal, send);
    } catch (thrown) {
      const isRefused = thrown instanceof RequestFailed && thrown.failure.cure?.what === 'token';
      if (!isRefused || !this.#access.renews) throw thrown;
    }
    await this.#access.ready(ask, token);
    return this.#sendOnce(request, signal, send);
  }

  /** What HubSpot refuses here stays refused until somebody looks at the app. */
  async #askForToken<A>(request: string, signal: AbortSignal, asked: () => Promise<A>): Promise<A> {
    try {
      const send = async () => ({ httpStatusCode: 200, headers: {}, data: await asked() });
      return (await this.#sendOnce(request, signal, send)).data;
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed) || thrown.failure.kind !== 'rejected') throw thrown;
      const advice =
        'Check oauth.clientId and oauth.clientSecret, and install the app again for a new oauth.refreshToken.';
      const reason = `HubSpot does not let the bridge log in. ${advice} ${thrown.failure.reason}`;
      throw new RequestFailed({ kind: 'blocked', reason }, thrown);
    }
  }

  async #sendOnce<T>(
    request: string,
    signal: AbortSignal,
    send: () => Promise<{ httpStatusCode: number; headers: Record<string, string>; data: T }>,
  ): Promise<{ data: T }> {
    await (request.endsWith('/search') ? this.#searches : this.#window).take(signal);
    const where = this.#circumstances(request);
    if (signal.aborted) throw new RequestFailed(stopping(where));
    try {
      const answer = await this.#inTime(send(), signal, where);
      this.#tools.countRequest(request, answer.httpStatusCode);
      this.#heed(answer.headers);
      return answer;
    } catch (thrown) {
      if (thrown instanceof RequestFailed) {
        this.#tools.countRequest(request, 'failed');
        throw thrown;
      }
      const answer = asAnswer(thrown);
      this.#tools.countRequest(request, answer?.status ?? 'failed');
      const now = this.#circumstances(request);
      throw new RequestFailed(answer ? failureOfAnswer(answer, now) : failureOfSilence(thrown, now), thrown);
    }
  }

  /** The client cannot abort what it sent, so we stop waiting; what comes of it is then unknown. */
  async #inTime<T>(answer: Promise<T>, signal: AbortSignal, where: Circumstances): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = () => finish(() => reject(new RequestFailed(stopping(where))));
      const late = `HubSpot did not answer ${where.request} within ${timeoutMs / 1000} s.`;
      const cancel = this.#tools.clock.after(timeoutMs, () =>
        finish(() => reject(new RequestFailed({ kind: 'retry', reason: late }))),
      );
      const finish = (settle: () => void) => {
        cancel();
        signal.removeEventListener('abort', stop);
        settle();
      };
      signal.addEventListener('abort', stop, { once: true });
      answer.then(
        (value) => finish(() => resolve(value)),
        (problem) => finish(() => reject(problem)),
      );
    });
  }

  /** Accounts differ in what they are granted, and every answer but a search's says how much that is. */
  #heed(headers: Record<string, string>): void {
    const granted = Math.floor(Number(headers['x-hubspot-ratelimit-max']) * ourShare);
    if (granted > 0) this.#window.allow(granted);
    this.quota.saw(
      Number(headers['x-hubspot-ratelimit-daily-remaining']),
      Number(headers['x-hubspot-ratelimit-daily']),
    );
  }

  #circumstances(request: string): Circumstances {
    const { name, clock } = this.#tools;
    return { request, connector: name, now: clock.now(), secrets: this.#access.secrets };
  }
}

/**
 * HubSpot refused a whole request: who is to blame, and what to send again. One that stands alone is to blame, and so
 * is each that uses a property HubSpot does not have; otherwise the batch is halved.
 */
function splitRefused<I extends Input>(
  inputs: readonly I[],
  failure: Failure,
): { doomed: readonly I[]; again: (readonly I[])[] } {
  if (failure.kind !== 'rejected' || inputs.length === 1) return { doomed: inputs, again: [] };
  const { cure } = failure;
  if (cure?.what === 'property') {
    const doomed = inputs.filter((input) => cure.property in input.properties);
    const rest = inputs.filter((input) => !(cure.property in input.properties));
    if (doomed.length > 0) return { doomed, again: rest.length > 0 ? [rest] : [] };
  }
  const middle = Math.ceil(inputs.length / 2);
  return { doomed: [], again: [inputs.slice(0, middle), inputs.slice(middle)] };
}

const namesOfRow = (row: Row) => [
  `trace ${row.objectWriteTraceId}`,
  `id ${row.id}`,
  ...Object.values(ownProperties).map((key) => `${key} ${row.properties[key]}`),
];

const namesOfInput = (input: Input & { id?: string }) => [
  `trace ${input.objectWriteTraceId}`,
  ...(input.id === undefined
    ? Object.values(ownProperties)
        .filter((key) => key in input.properties)
        .map((key) => `${key} ${input.properties[key]}`)
    : [`id ${input.id}`]),
];

const namesOfError = ({ context }: RowError) => [
  ...(context?.['objectWriteTraceId'] ?? []).map((trace) => `trace ${trace}`),
  ...(context?.['ids'] ?? []).map((id) => `id ${id}`),
];

function failureOfInput(input: { id?: string }, error: RowError | undefined, where: Circumstances): Failure {
  if (error) return failureOfRow(error, where);
  // A record that was merged into another is passed over in silence when it is updated.
  const silence = failureOfOmission(where);
  return input.id === undefined ? silence : { ...silence, cure: { what: 'gone' } };
}

/** Of the request itself: not of who asks, how often, or of HubSpot's own troubles. */
function isVerdict(status: number): boolean {
  return status < 500 && ![401, 423, 429, 477].includes(status);
}

function asJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

function linkTo(contactId: string) {
  const type = { associationCategory: 'HUBSPOT_DEFINED', associationTypeId: callToContact };
  return { to: { id: contactId }, types: [type as typeof type & { associationCategory: never }] };
}

function stopping(where: Circumstances): Failure {
  return { kind: 'retry', reason: `The bridge stopped before HubSpot answered ${where.request}.` };
}

/** What the client throws for a status that it does not accept; anything else that it throws is no answer. */
function asAnswer(thrown: unknown): FailedAnswer | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'number') return undefined;
  const { code, body, headers } = thrown as Error & { code: number; body?: unknown; headers?: unknown };
  // A 2xx that the client did not expect tells nothing of the write.
  if (code >= 200 && code < 300) return undefined;
  return { status: code, body, headers: (headers ?? {}) as Record<string, string> };
}
