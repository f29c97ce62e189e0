import * as z from 'zod';
import type { Quota, Tools, Unanswered } from '../../src/connector/index.ts';
import { type Asked, type RawAnswer, Requests, sendingAll, type Wrap } from '../../src/crm/index.ts';
import type { Owner, Pipeline, PropertyDefinition, Row } from './answers.ts';
import * as answers from './answers.ts';
import { pathOf } from './api-version.ts';
import { asAssociation, type Link, type LinkFrom, type LinkTo, primaryCompany } from './associations.ts';
import { type Input, largestBatch, type Written, writeBatch } from './batches.ts';
import { type Circumstances, type Failure, failureToRead, needsSetup, RequestFailed } from './failures.ts';
import type { HubSpotOptions } from './options.ts';
import { type ObjectType, ownProperties } from './setup-names.ts';
import { type HubSpotRequests, HubSpotTransport } from './transport.ts';

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
  type: 'string' | 'datetime' | 'number' | 'bool';
  hasUniqueValue: boolean;
}

/** How HubSpot shows each type. https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide */
const fieldTypes: Record<NewProperty['type'], object> = {
  string: { fieldType: 'text' },
  datetime: { fieldType: 'date' },
  number: { fieldType: 'number' },
  bool: {
    fieldType: 'booleancheckbox',
    options: [
      { label: 'Yes', value: 'true', displayOrder: 0, hidden: false },
      { label: 'No', value: 'false', displayOrder: 1, hidden: false },
    ],
  },
};

export interface SearchPage {
  rows: Row[];
  next: string | undefined;
}

/** Owners in one answer. */
const ownersPage = 100;
/** More owners than any account is known to have. */
const mostOwnerPages = 100;
/** Of records whose links are asked for. */
const largestLinksBatch = 1_000;

const post = (request: string, path: string, body?: unknown): Asked => ({
  request,
  method: 'POST',
  path,
  body,
});
const get = (request: string, path: string): Asked => ({ request, method: 'GET', path });
const objects = (objectType: ObjectType | 'companies') => pathOf('crm/objects', objectType);
const propertiesOf = (objectType: ObjectType) => pathOf('crm/properties', objectType);
const associations = (from: string, to: string) => pathOf('crm/associations', `${from}/${to}/batch`);

/** What the bridge asks of HubSpot, request by request. */
export class HubSpotApi {
  /** Requests of the day, of the whole account. */
  readonly quota: Quota;
  readonly #requests: HubSpotRequests;
  readonly #tools: Tools;

  private constructor(transport: HubSpotTransport, tools: Tools) {
    this.quota = transport.quota;
    this.#requests = new Requests(transport, tools);
    this.#tools = tools;
  }

  static async open(options: HubSpotOptions, tools: Tools, wrap: Wrap = sendingAll): Promise<HubSpotApi> {
    return new HubSpotApi(await HubSpotTransport.open(options, tools, wrap), tools);
  }

  get connector(): string {
    return this.#tools.name;
  }

  get unanswered(): Unanswered {
    return this.#requests.unanswered;
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
    return writeBatch(
      this.#requests,
      post(`${objectType}/batch/create`, `${objects(objectType)}/batch/create`),
      inputs,
      signal,
      (part) =>
        part.map(({ objectWriteTraceId, properties, links }) => ({
          objectWriteTraceId,
          properties,
          associations: links.map((link) => asAssociation(objectType, link)),
        })),
      { explain: (failure) => this.#explained(objectType, 'there', failure, signal) },
    );
  }

  update(
    objectType: ObjectType,
    inputs: readonly UpdateInput[],
    signal: AbortSignal,
  ): Promise<Map<string, Written>> {
    const asked = post(`${objectType}/batch/update`, `${objects(objectType)}/batch/update`);
    return writeBatch(this.#requests, asked, inputs, signal, (part) => part);
  }

  /** Creates, or updates the one that has the key. The key is among the properties. */
  upsert(
    objectType: ObjectType,
    idProperty: string,
    inputs: readonly Input[],
    signal: AbortSignal,
  ): Promise<Map<string, Written>> {
    return writeBatch(
      this.#requests,
      post(`${objectType}/batch/upsert`, `${objects(objectType)}/batch/upsert`),
      inputs,
      signal,
      (part) => part.map((input) => ({ ...input, idProperty, id: input.properties[idProperty] as string })),
      { explain: (failure) => this.#explained(objectType, 'unique', failure, signal) },
    );
  }

  /**
   * Those that are there. Unlike searching, this sees what was written a moment ago.
   * @throws RequestFailed, also when it is not known of some whether they are there
   */
  async read(
    objectType: ObjectType | 'companies',
    ids: readonly string[],
    what: {
      idProperty?: string;
      properties: readonly string[];
      /** An account may keep the property without unique values: then nothing is read by it. */
      mayBeShared?: boolean;
    },
    signal: AbortSignal,
  ): Promise<Row[]> {
    const rows: Row[] = [];
    const request = `${objectType}/batch/read`;
    for (let start = 0; start < ids.length; start += largestBatch) {
      const asked = post(request, `${objects(objectType)}/batch/read`, {
        ...(what.idProperty === undefined ? {} : { idProperty: what.idProperty }),
        properties: what.properties,
        propertiesWithHistory: [],
        inputs: ids.slice(start, start + largestBatch).map((id) => ({ id })),
      });
      const data = await this.#requests.send(asked, signal, answers.page).catch(async (thrown) => {
        if (!(thrown instanceof RequestFailed) || what.idProperty === undefined) throw thrown;
        throw new RequestFailed(
          await this.#explained(objectType, what.mayBeShared ? 'there' : 'unique', thrown.failure, signal),
          thrown,
        );
      });
      for (const error of data.errors) {
        const failure = failureToRead(error, this.circumstances(request));
        if (failure) throw new RequestFailed(failure);
      }
      rows.push(...data.results);
    }
    return rows;
  }

  /** A request that HubSpot refuses as a whole, and does not say why: is our key there, as setup makes it? */
  async #explained(
    objectType: ObjectType | 'companies',
    how: 'there' | 'unique',
    failure: Failure,
    signal: AbortSignal,
  ): Promise<Failure> {
    if (!failure.isUnclear || objectType === 'companies') return failure;
    const name = ownProperties[objectType];
    const properties = await this.properties(objectType, signal).catch((thrown) => {
      if (thrown instanceof RequestFailed) return undefined;
      throw thrown;
    });
    const key = properties?.find((property) => property.name === name);
    const isFine = !properties || (key && (how === 'there' || key.hasUniqueValue === true));
    return isFine ? failure : needsSetup(name, this.circumstances(objectType), failure.reason);
  }

  async search(
    objectType: ObjectType,
    request: object & { after?: string },
    signal: AbortSignal,
  ): Promise<SearchPage> {
    const asked = post(`${objectType}/search`, `${objects(objectType)}/search`, request);
    const data = await this.#requests.send(asked, signal, answers.page);
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
    const asked = post(`${from}/associate/${to}`, `${associations(from, to)}/associate/default`);
    return writeBatch(
      this.#requests,
      asked,
      inputs,
      signal,
      (part) => part.map(({ fromId, toId }) => ({ from: { id: fromId }, to: { id: toId } })),
      { schema: answers.linked },
    );
  }

  /** The primary company of each contact, or the only one. Contacts without one are left out. */
  async companiesOf(contactIds: readonly string[], signal: AbortSignal): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (let start = 0; start < contactIds.length; start += largestLinksBatch) {
      const inputs = contactIds.slice(start, start + largestLinksBatch).map((id) => ({ id }));
      const path = `${associations('contacts', 'companies')}/read`;
      const asked = post('contacts/companies/read', path, { inputs });
      const data = await this.#requests.send(asked, signal, answers.companiesOfContacts);
      for (const { from: contact, to } of data.results) {
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
    const asked = get(`properties/${objectType}`, propertiesOf(objectType));
    const data = await this.#requests.send(asked, signal, answers.properties);
    return data.results;
  }

  async groups(objectType: ObjectType, signal: AbortSignal): Promise<string[]> {
    const asked = get(`properties/${objectType}/groups`, `${propertiesOf(objectType)}/groups`);
    const data = await this.#requests.send(asked, signal, answers.groups);
    return data.results.map((group) => group.name);
  }

  async createGroup(objectType: ObjectType, group: { name: string; label: string }, signal: AbortSignal) {
    const path = `${propertiesOf(objectType)}/groups`;
    const asked = post(`properties/${objectType}/groups`, path, { ...group, displayOrder: -1 });
    await this.#requests.send(asked, signal, z.unknown());
  }

  createProperty(
    objectType: ObjectType,
    property: NewProperty,
    signal: AbortSignal,
  ): Promise<PropertyDefinition> {
    const definition = { ...property, ...fieldTypes[property.type] };
    const asked = post(`properties/${objectType}`, propertiesOf(objectType), definition);
    return this.#requests.send(asked, signal, answers.property);
  }

  async pipelines(signal: AbortSignal): Promise<Pipeline[]> {
    const asked = get('pipelines/deals', pathOf('crm/pipelines', 'deals'));
    const data = await this.#requests.send(asked, signal, answers.pipelines);
    return data.results;
  }

  /** All who are not archived. */
  async owners(signal: AbortSignal): Promise<Owner[]> {
    const owners: Owner[] = [];
    let after: string | undefined;
    for (let page = 0; page < mostOwnerPages; page++) {
      const data = await this.#ownersPage({ ...(after === undefined ? {} : { after }) }, signal);
      owners.push(...data.results);
      after = data.paging?.next?.after;
      if (after === undefined) break;
    }
    return owners;
  }

  async isArchivedOwner(email: string, signal: AbortSignal): Promise<boolean> {
    const { results } = await this.#ownersPage({ email, archived: 'true' }, signal);
    return results.length > 0;
  }

  #ownersPage(which: Record<string, string>, signal: AbortSignal) {
    const query = new URLSearchParams({ limit: String(ownersPage), archived: 'false', ...which });
    const asked = get('owners', `${pathOf('crm/owners')}?${query}`);
    return this.#requests.send(asked, signal, answers.owners);
  }

  /** Whatever only a probe asks for. That HubSpot refuses what was asked is an answer, too. */
  ask(method: Asked['method'], path: string, body: unknown, signal: AbortSignal): Promise<RawAnswer> {
    const request = `${method} ${path.replace(/\/\d+/g, '/:id')}`;
    return this.#requests.ask({ request, method, path, body }, signal, isVerdict);
  }

  /** Which account the token belongs to. */
  account(signal: AbortSignal): Promise<{ portalId: string; uiDomain: string }> {
    const asked = get('account-info', pathOf('account-info', 'details'));
    return this.#requests.send(asked, signal, answers.account);
  }
}

/** Of the request itself: not of who asks, how often, or of HubSpot's own troubles. */
function isVerdict({ status }: RawAnswer): boolean {
  return status < 500 && ![401, 423, 429, 477].includes(status);
}
