import type { Client } from '@hubspot/api-client';
import * as z from 'zod';
import type { Quota, Tools } from '../../src/connector/contract.ts';
import { buildApis } from './access.ts';
import type { Owner, Pipeline, PropertyDefinition, Row } from './answers.ts';
import * as answers from './answers.ts';
import { asAssociation, type Link, type LinkFrom, type LinkTo, primaryCompany } from './associations.ts';
import { type Input, largestBatch, type Written, writeBatch } from './batches.ts';
import { type Circumstances, failureToRead, RequestFailed } from './failures.ts';
import type { HubSpotOptions } from './options.ts';
import { Requests } from './requests.ts';

/**
 * The generations of the API that the client calls; it knows no other. A test holds every request to them, so that a
 * newer client does not change them unseen. https://developers.hubspot.com/docs/developer-tooling/platform/versioning
 */
export const apiVersions = { crm: 'v3', associations: 'v4', 'account-info': 'v3' } as const;

export type ObjectType = 'contacts' | 'calls' | 'tasks' | 'deals';

export interface CreateInput extends Input {
  links: readonly Link[];
}
export interface UpdateInput extends Input {
  id: string;
}

export interface NewProperty {
  name: string;
  label: string;
  description: string;
  groupName: string;
  type: 'string' | 'datetime';
  hasUniqueValue: boolean;
}

export interface SearchPage {
  rows: Row[];
  next: string | undefined;
}

export interface RawAnswer {
  status: number;
  body: unknown;
}

/** Owners in one answer. */
const ownersPage = 100;
/** More owners than any account is known to have. */
const mostOwnerPages = 100;
/** Of records whose links are asked for. */
const largestLinksBatch = 1_000;

/** What the bridge asks of HubSpot, request by request. */
export class HubSpotApi {
  readonly #client: Client;
  readonly #requests: Requests;
  readonly #tools: Tools;

  private constructor(client: Client, options: HubSpotOptions, tools: Tools) {
    this.#client = client;
    this.#requests = new Requests(client, options, tools);
    this.#tools = tools;
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

  /** Requests of the day, of the whole account. */
  get quota(): Quota {
    return this.#requests.quota;
  }

  /** For a failure that is told without asking HubSpot. */
  circumstances(request: string): Circumstances {
    return this.#requests.circumstances(request);
  }

  // Records

  /** Each record brings its links along. */
  create(
    objectType: LinkFrom,
    inputs: readonly CreateInput[],
    signal: AbortSignal,
  ): Promise<Map<string, Written>> {
    return writeBatch(this.#requests, `${objectType}/batch/create`, inputs, signal, (part) =>
      this.#client.crm.objects.batchApi.createWithHttpInfo(objectType, {
        inputs: part.map(({ objectWriteTraceId, properties, links }) => ({
          objectWriteTraceId,
          properties,
          associations: links.map((link) => asAssociation(objectType, link)),
        })),
      }),
    );
  }

  update(
    objectType: ObjectType,
    inputs: readonly UpdateInput[],
    signal: AbortSignal,
  ): Promise<Map<string, Written>> {
    return writeBatch(this.#requests, `${objectType}/batch/update`, inputs, signal, (part) =>
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
    return writeBatch(this.#requests, `${objectType}/batch/upsert`, inputs, signal, (part) =>
      this.#client.crm.objects.batchApi.upsertWithHttpInfo(objectType, {
        inputs: part.map((input) => ({ ...input, idProperty, id: input.properties[idProperty] as string })),
      }),
    );
  }

  /**
   * Those that are there. Unlike searching, this sees what was written a moment ago.
   * @throws RequestFailed, also when it is not known of some whether they are there
   */
  async read(
    objectType: ObjectType,
    ids: readonly string[],
    what: { idProperty?: string; properties: readonly string[] },
    signal: AbortSignal,
  ): Promise<Row[]> {
    const rows: Row[] = [];
    const request = `${objectType}/batch/read`;
    for (let start = 0; start < ids.length; start += largestBatch) {
      const data = await this.#requests.send(request, signal, answers.page, () =>
        this.#client.crm.objects.batchApi.readWithHttpInfo(objectType, {
          ...(what.idProperty === undefined ? {} : { idProperty: what.idProperty }),
          properties: [...what.properties],
          propertiesWithHistory: [],
          inputs: ids.slice(start, start + largestBatch).map((id) => ({ id })),
        }),
      );
      for (const error of data.errors) {
        const failure = failureToRead(error, this.circumstances(request));
        if (failure) throw new RequestFailed(failure);
      }
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
    const data = await this.#requests.send(`${objectType}/search`, signal, answers.page, () =>
      this.#client.crm.objects.searchApi.doSearchWithHttpInfo(objectType, request as Request),
    );
    return { rows: data.results, next: data.paging?.next?.after };
  }

  // Links

  /** Linking what is linked already changes nothing. Answers by the id of the record that the link comes from. */
  link(
    from: LinkFrom,
    to: LinkTo,
    links: readonly { fromId: string; toId: string }[],
    signal: AbortSignal,
  ): Promise<Map<string, Written>> {
    const inputs = links.map((link) => ({
      ...link,
      id: link.fromId,
      objectWriteTraceId: link.fromId,
      properties: {},
    }));
    return writeBatch(this.#requests, `${from}/associate/${to}`, inputs, signal, async (part) => {
      const { data, ...answer } = await this.#client.crm.associations.v4.batchApi.createDefaultWithHttpInfo(
        from,
        to,
        { inputs: part.map(({ fromId, toId }) => ({ _from: { id: fromId }, to: { id: toId } })) },
      );
      const results = data.results.map((made) => ({ id: made._from.id, properties: {} }));
      return { ...answer, data: { results } };
    });
  }

  /** The primary company of each contact, or the only one. Contacts without one are left out. */
  async companiesOf(contactIds: readonly string[], signal: AbortSignal): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (let start = 0; start < contactIds.length; start += largestLinksBatch) {
      const inputs = contactIds.slice(start, start + largestLinksBatch).map((id) => ({ id }));
      const data = await this.#requests.send(
        'contacts/companies/read',
        signal,
        answers.companiesOfContacts,
        () =>
          this.#client.crm.associations.v4.batchApi.getPageWithHttpInfo('contacts', 'companies', { inputs }),
      );
      for (const { _from: contact, to } of data.results) {
        const primary = to.find(({ associationTypes }) =>
          associationTypes.some(
            ({ category, typeId }) => category === 'HUBSPOT_DEFINED' && typeId === primaryCompany,
          ),
        );
        const company = primary ?? (to.length === 1 ? to[0] : undefined);
        if (company) found.set(contact.id, company.toObjectId);
      }
    }
    return found;
  }

  // What the account has

  async properties(objectType: ObjectType, signal: AbortSignal): Promise<PropertyDefinition[]> {
    const data = await this.#requests.send(`properties/${objectType}`, signal, answers.properties, () =>
      this.#client.crm.properties.coreApi.getAllWithHttpInfo(objectType),
    );
    return data.results;
  }

  async groups(objectType: ObjectType, signal: AbortSignal): Promise<string[]> {
    const data = await this.#requests.send(`properties/${objectType}/groups`, signal, answers.groups, () =>
      this.#client.crm.properties.groupsApi.getAllWithHttpInfo(objectType),
    );
    return data.results.map((group) => group.name);
  }

  async createGroup(objectType: ObjectType, group: { name: string; label: string }, signal: AbortSignal) {
    await this.#requests.send(`properties/${objectType}/groups`, signal, z.unknown(), () =>
      this.#client.crm.properties.groupsApi.createWithHttpInfo(objectType, { ...group, displayOrder: -1 }),
    );
  }

  createProperty(
    objectType: ObjectType,
    property: NewProperty,
    signal: AbortSignal,
  ): Promise<PropertyDefinition> {
    type Create = Parameters<Client['crm']['properties']['coreApi']['create']>[1];
    const definition = { ...property, fieldType: property.type === 'string' ? 'text' : 'date' };
    return this.#requests.send(`properties/${objectType}`, signal, answers.property, () =>
      this.#client.crm.properties.coreApi.createWithHttpInfo(objectType, definition as Create),
    );
  }

  async pipelines(signal: AbortSignal): Promise<Pipeline[]> {
    const data = await this.#requests.send('pipelines/deals', signal, answers.pipelines, () =>
      this.#client.crm.pipelines.pipelinesApi.getAllWithHttpInfo('deals'),
    );
    return data.results;
  }

  /** All who are not archived. */
  async owners(signal: AbortSignal): Promise<Owner[]> {
    const owners: Owner[] = [];
    let after: string | undefined;
    for (let page = 0; page < mostOwnerPages; page++) {
      const data = await this.#requests.send('owners', signal, answers.owners, () =>
        this.#client.crm.owners.ownersApi.getPageWithHttpInfo(undefined, after, ownersPage, false),
      );
      owners.push(...data.results);
      after = data.paging?.next?.after;
      if (after === undefined) break;
    }
    return owners;
  }

  async isArchivedOwner(email: string, signal: AbortSignal): Promise<boolean> {
    const data = await this.#requests.send('owners', signal, answers.owners, () =>
      this.#client.crm.owners.ownersApi.getPageWithHttpInfo(email, undefined, ownersPage, true),
    );
    return data.results.length > 0;
  }

  /** Whatever only a probe asks for. That HubSpot refuses what was asked is an answer, too. */
  ask(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<RawAnswer> {
    const request = `${method} ${path.replace(/\/\d+/g, '/:id')}`;
    return this.#requests.send(request, signal, z.custom<RawAnswer>(), async () => {
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
  }

  /** Which account the token belongs to. */
  account(signal: AbortSignal): Promise<{ portalId: string; uiDomain: string }> {
    return this.#requests.send('account-info', signal, answers.account, async () => {
      const response = await this.#client.apiRequest({
        path: `/account-info/${apiVersions['account-info']}/details`,
      });
      const headers = Object.fromEntries(response.headers as unknown as Iterable<[string, string]>);
      const data: unknown = await response.json();
      // Unlike the client's other methods, this one does not throw for a failure.
      if (!response.ok)
        throw Object.assign(new Error('failed'), { code: response.status, body: data, headers });
      return { httpStatusCode: response.status, headers, data };
    });
  }
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
