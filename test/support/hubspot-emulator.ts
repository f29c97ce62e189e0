import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Fault, FaultPlan } from './hubspot/faults.ts';
import { type Limits, Meter } from './hubspot/meter.ts';
import { noOddities, type Oddities } from './hubspot/oddities.ts';
import { callProperties, contactProperties } from './hubspot/properties.ts';
import { Associations, defaultAssociationTypes, type HubSpotRecord, Records } from './hubspot/records.ts';
import {
  badToken,
  expiredToken,
  invalid,
  invalidAssociation,
  missingScope,
  notFound,
  Refusal,
} from './hubspot/refusals.ts';

export { answering, emptyAnswer, type Fault, faults } from './hubspot/faults.ts';

/*
 * HubSpot as far as a call bridge touches it: it refuses what HubSpot refuses, keeps a search index that lags behind
 * the store, meters requests and fails on demand. Nothing in it is kept beyond its life.
 */

export interface EmulatorOptions {
  /** 0: any free one. */
  port?: number;
  token?: string;
  limits?: Partial<Limits>;
  /** How long each answer takes. */
  latencyMs?: number;
  /** How long after a write searching finds it. */
  indexDelayMs?: number;
  /** Whether the index drops the trunk zero of `0412 345 678`: not known of Australian accounts. */
  trunkZero?: 'dropped' | 'kept';
  /** The form in which a unique value that is taken is refused: both are reported. */
  conflictForm?: 'code' | 'text';
  /** What an account may do against the documents: the other answers to what a probe asks. */
  oddities?: Partial<Oddities>;
  /** false: a batch is written whole or not at all, as the specification of the dated paths has it. */
  partialSuccess?: boolean;
  /** false: rows of an answer do not repeat the trace id of their input. */
  echoTraceIds?: boolean;
  /** Whether the bridge's own group and properties are there already. */
  provisioned?: boolean;
  scopes?: readonly string[];
  now?: () => Date;
}

export interface EmulatedRecord {
  id: string;
  properties: Record<string, string>;
}

export interface HubSpotEmulator {
  url: string;
  token: string;
  /** An OAuth app that is installed in the account. */
  oauth: { clientId: string; clientSecret: string; refreshToken: string };
  /** The tokens that were issued to it end now. */
  endIssuedTokens(): void;
  /** Requests answered or cut, by `METHOD /path`. */
  requests: Record<string, number>;
  /** What `requests` adds up to, of those whose name contains `part`. */
  countRequests(part?: string): number;
  /** The names of the requests, oldest first: the last thousand. */
  requestNames(): string[];
  /** How often a limit was reached, by what the meter counted. */
  limitsReached(): number;
  forgetRequests(): void;
  calls(): (EmulatedRecord & { contactIds: string[] })[];
  contacts(): EmulatedRecord[];
  /** As typed in by hand, long enough ago for searching to find it. Returns the id. */
  addContact(properties: Record<string, string>): string;
  addCall(properties: Record<string, string>): string;
  archiveContact(id: string): void;
  archiveCall(id: string): void;
  mergeContacts(kept: string, gone: string): void;
  mergeCalls(kept: string, gone: string): void;
  /** Searching finds everything written so far. */
  settleIndex(): void;
  addProperty(objectType: 'contacts' | 'calls', property: Record<string, unknown>): void;
  archiveProperty(objectType: 'contacts' | 'calls', name: string): void;
  /** As an account that has phone validation switched on. */
  validatePhones(): void;
  /** As an administrator who takes an option off a list. */
  removeOption(objectType: 'contacts' | 'calls', property: string, value: string): void;
  /** As an administrator's validation rule: values of the property that match are refused. */
  refuseValues(objectType: 'contacts' | 'calls', property: string, values: RegExp): void;
  scopes: Set<string>;
  /** Strikes once: at the first request whose name contains `at`, after `skip` others such. */
  strike(fault: Fault, at?: string, skip?: number): void;
  /** Takes back what has not struck yet. */
  calm(): void;
  refuseToken(how?: 'revoked' | 'expired'): void;
  acceptToken(): void;
  close(): Promise<void>;
}

/** What the bridge's own setup makes, for tests that begin after it. */
export const ownProperties = {
  calls: 'delacon_call_id',
  contacts: 'delacon_caller',
} as const;

const objectScopes = ['crm.objects.contacts.read', 'crm.objects.contacts.write'];
const schemaScopes = ['crm.schemas.contacts.write', 'crm.schemas.calls.write'];

export async function withHubSpotEmulator<T>(
  use: (hubspot: HubSpotEmulator) => Promise<T>,
  options: EmulatorOptions = {},
): Promise<T> {
  const hubspot = await startHubSpotEmulator(options);
  try {
    return await use(hubspot);
  } finally {
    await hubspot.close();
  }
}

export async function startHubSpotEmulator(options: EmulatorOptions = {}): Promise<HubSpotEmulator> {
  const token = options.token ?? 'pat-na1-emulated-0123456789';
  const oauth = {
    clientId: 'app-1',
    clientSecret: 'secret-of-the-app',
    refreshToken: 'refresh-token-of-the-app',
  };
  const now = options.now ?? (() => new Date());
  const behaviour = {
    now,
    indexDelayMs: options.indexDelayMs ?? 5_000,
    trunkZero: options.trunkZero ?? ('dropped' as const),
    conflictForm: options.conflictForm ?? ('code' as const),
    partialSuccess: options.partialSuccess ?? true,
    echoTraceIds: options.echoTraceIds ?? true,
    oddities: { ...noOddities, ...options.oddities },
  };
  const kinds = new Map([
    ['contacts', new Records(contactKind(), behaviour)],
    ['calls', new Records(callKind(), behaviour)],
  ]);
  const contacts = kinds.get('contacts') as Records;
  const calls = kinds.get('calls') as Records;
  const account: Account = {
    kinds,
    associations: new Associations(kinds),
    scopes: new Set(options.scopes ?? [...objectScopes, ...schemaScopes]),
    now,
    oddities: behaviour.oddities,
  };
  calls.kind.properties.refusesUnique = behaviour.oddities.uniqueCalls === 'refused';
  const limits = { perTenSeconds: 100, searchesPerSecond: 5, perDay: 250_000, ...options.limits };
  const meter = new Meter(limits, () => now().getTime());
  const plan = new FaultPlan();
  const requests: Record<string, number> = {};
  const names: string[] = [];
  let limitsReached = 0;
  let tokenState: 'accepted' | 'revoked' | 'expired' = 'accepted';

  const addProperty = (objectType: 'contacts' | 'calls', property: Record<string, unknown>) => {
    const { properties } = kindOf(account, objectType).kind;
    if (!properties.groups.has('delacon')) properties.addGroup({ name: 'delacon', label: 'Delacon' });
    properties.add({
      groupName: 'delacon',
      label: property['name'],
      type: 'string',
      fieldType: 'text',
      ...property,
    });
  };
  if (options.provisioned ?? true) {
    const hasUniqueValue = behaviour.oddities.uniqueCalls !== 'refused';
    addProperty('calls', { name: ownProperties.calls, hasUniqueValue });
    addProperty('contacts', { name: ownProperties.contacts, hasUniqueValue: true });
  }

  const issued = new Set<string>();

  /** As an OAuth app's, whose access tokens end when `refuseToken` says so. */
  function issueToken(text: string): Answer {
    const form = new URLSearchParams(text);
    const isOurs =
      form.get('client_secret') === oauth.clientSecret && form.get('client_id') === oauth.clientId;
    if (
      form.get('grant_type') !== 'refresh_token' ||
      !isOurs ||
      form.get('refresh_token') !== oauth.refreshToken
    )
      return {
        status: 400,
        body: {
          status: 'BAD_REFRESH_TOKEN',
          message: `missing or invalid refresh token ${form.get('refresh_token')}`,
        },
      };
    const fresh = `CJ-${randomUUID()}`;
    issued.add(fresh);
    return {
      status: 200,
      body: {
        access_token: fresh,
        refresh_token: oauth.refreshToken,
        expires_in: 1800,
        token_type: 'bearer',
      },
    };
  }

  function authorise(request: IncomingMessage): void {
    const bearer = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    if (issued.has(bearer)) return;
    if (request.headers.authorization !== `Bearer ${token}` || tokenState === 'revoked') throw badToken();
    if (tokenState === 'expired') throw expiredToken();
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readText(request);
    const path = (request.url ?? '/').split('?')[0] as string;
    if (request.method === 'GET' && path === '/') return send(response, 200, inspect(), {});
    const name = `${request.method} ${path}`;
    requests[name] = (requests[name] ?? 0) + 1;
    names.push(name);
    if (names.length > 1_000) names.shift();
    const isSearch = path.endsWith('/search');
    const fault = plan.strike(name);
    let answer: Answer = { status: 500, body: {} };
    if (!fault || fault.commits) {
      try {
        if (path === '/oauth/v1/token') answer = issueToken(text);
        else {
          authorise(request);
          meter.take(isSearch);
          answer = route(account, request.method ?? 'GET', path, text);
        }
      } catch (refusal) {
        if (!(refusal instanceof Refusal)) throw refusal;
        answer = { status: refusal.status, body: refusal.body };
        if (refusal.status === 429) limitsReached++;
      }
    }
    if (options.latencyMs) await new Promise((resolve) => setTimeout(resolve, options.latencyMs));
    if (!fault) return send(response, answer.status, answer.body, meter.headers(isSearch));
    if (fault.hangs) return;
    if (!fault.answer) return void request.socket.destroy();
    response.writeHead(fault.answer.status, fault.answer.headers);
    response.end(fault.answer.body);
  }

  function showCalls() {
    return calls.all().map((record) => ({
      ...plainRecord(record),
      contactIds: account.associations.of('calls', record.id, 'contacts'),
    }));
  }

  function inspect() {
    return { token, requests, calls: showCalls(), contacts: contacts.all().map(plainRecord) };
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((problem) => {
      console.error('the HubSpot emulator failed:', problem);
      request.socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });

  const add = (records: Records, properties: Record<string, string>) => {
    const { id } = records.create(properties);
    records.settleIndex();
    return id;
  };

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    oauth,
    endIssuedTokens: () => issued.clear(),
    requests,
    countRequests: (part = '') =>
      Object.entries(requests).reduce((sum, [name, count]) => sum + (name.includes(part) ? count : 0), 0),
    requestNames: () => [...names],
    limitsReached: () => limitsReached,
    forgetRequests() {
      for (const name of Object.keys(requests)) delete requests[name];
      names.length = 0;
    },
    calls: showCalls,
    contacts: () => contacts.all().map(plainRecord),
    addContact: (properties) => add(contacts, { firstname: 'Typed', lastname: 'In', ...properties }),
    addCall: (properties) => add(calls, { hs_timestamp: now().toISOString(), ...properties }),
    archiveContact: (id) => contacts.archive(id),
    archiveCall: (id) => calls.archive(id),
    mergeContacts(kept, gone) {
      contacts.merge(kept, gone);
      account.associations.move('contacts', gone, kept);
    },
    mergeCalls: (kept, gone) => calls.merge(kept, gone),
    settleIndex() {
      for (const records of kinds.values()) records.settleIndex();
    },
    addProperty,
    archiveProperty: (objectType, name) => kindOf(account, objectType).kind.properties.archive(name),
    validatePhones() {
      contacts.kind.properties.validatePhones = true;
    },
    removeOption(objectType, property, value) {
      const definition = kindOf(account, objectType).kind.properties.get(property);
      definition.options = definition.options.filter((option) => option.value !== value);
    },
    refuseValues(objectType, property, values) {
      kindOf(account, objectType).kind.properties.refusedValues.set(property, values);
    },
    scopes: account.scopes,
    strike: (fault, at = '', skip = 0) => plan.add(fault, at, skip),
    calm: () => plan.clear(),
    refuseToken(how = 'revoked') {
      tokenState = how;
    },
    acceptToken() {
      tokenState = 'accepted';
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Account {
  kinds: ReadonlyMap<string, Records>;
  associations: Associations;
  scopes: Set<string>;
  now(): Date;
  oddities: Oddities;
}

interface Answer {
  status: number;
  body: unknown;
}

/** The requests that are known, by method and path. Statuses are exactly those that the client accepts. */
function route(account: Account, method: string, path: string, text: string): Answer {
  const match = (pattern: RegExp) => pattern.exec(`${method} ${path}`)?.slice(1) as [string, string];
  let parts = match(/^POST \/crm\/v3\/objects\/(\w+)\/batch\/(create|read|update|upsert)$/);
  if (parts) return batch(account, parts[0], parts[1], parse(text));
  parts = match(/^POST \/crm\/v3\/objects\/(\w+)\/search$/);
  if (parts) {
    need(account, objectScopes[0]);
    return kindOf(account, parts[0]).search(parse(text), text.length);
  }
  parts = match(/^DELETE \/crm\/v3\/objects\/(\w+)\/(\d+)$/);
  if (parts) {
    need(account, objectScopes[1]);
    const [objectType, id] = parts;
    const records = kindOf(account, objectType);
    if (records.find(id)) records.archive(id); // what is gone is deleted with the same answer
    return { status: 204, body: undefined };
  }
  if (match(/^POST (\/crm\/v3\/objects\/contacts\/merge)$/)) return mergeContacts(account, parse(text));
  parts = match(/^GET \/crm\/v4\/objects\/(\w+)\/(\d+)\/associations\/calls$/);
  if (parts) {
    const results = account.associations.from('calls', parts[0], parts[1]).filter((toObjectId) => {
      const status = kindOf(account, 'calls').find(toObjectId)?.values['hs_call_status'];
      return !account.oddities.hidesUnfinished || status === 'COMPLETED';
    });
    return { status: 200, body: { results: results.map((id) => ({ toObjectId: Number(id) })) } };
  }
  parts = match(/^(GET|POST) \/crm\/v3\/properties\/(\w+)$/);
  if (parts) return properties(account, parts[0], parts[1], text);
  parts = match(/^GET \/crm\/v3\/properties\/(\w+)\/(?!groups$)(\w+)$/);
  if (parts) return { status: 200, body: kindOf(account, parts[0]).kind.properties.get(parts[1]) };
  parts = match(/^(GET|POST) \/crm\/v3\/properties\/(\w+)\/groups$/);
  if (parts) return propertyGroups(account, parts[0], parts[1], text);
  parts = match(/^POST \/crm\/v4\/associations\/(\w+)\/(\w+)\/batch\/associate\/default$/);
  if (parts) return associateDefault(account, parts[0], parts[1], parse(text));
  if (match(/^GET (\/account-info\/v3\/details)$/)) {
    const body = { portalId: 1234567, timeZone: 'Australia/Sydney', uiDomain: 'app.hubspot.com' };
    return { status: 200, body };
  }
  throw notFound(`No route for ${method} ${path}`);
}

function mergeContacts(account: Account, body: Record<string, unknown>): Answer {
  need(account, objectScopes[1]);
  const [kept, gone] = [String(body['primaryObjectId']), String(body['objectIdToMerge'])];
  const contacts = kindOf(account, 'contacts');
  for (const id of [kept, gone]) if (!contacts.find(id)) throw notFound();
  contacts.merge(kept, gone);
  account.associations.move('contacts', gone, kept);
  return { status: 200, body: contacts.show(contacts.find(kept) as HubSpotRecord) };
}

function batch(account: Account, objectType: string, action: string, body: Record<string, unknown>): Answer {
  const records = kindOf(account, objectType);
  need(account, action === 'read' ? objectScopes[0] : objectScopes[1]);
  if (action === 'create') {
    return records.batchCreate(body, (record, asked) => {
      try {
        account.associations.linkNew(objectType, record, asked);
      } catch (refusal) {
        throw account.oddities.words ? invalid(account.oddities.words) : refusal;
      }
    });
  }
  if (action === 'upsert') return records.batchUpsert(body);
  return action === 'update' ? records.batchUpdate(body) : records.batchRead(body);
}

function properties(account: Account, method: string, objectType: string, text: string): Answer {
  const known = kindOf(account, objectType).kind.properties;
  if (method === 'GET') {
    need(account, objectScopes[0]);
    return { status: 200, body: { results: known.all() } };
  }
  need(account, `crm.schemas.${objectType}.write`);
  return { status: 201, body: known.add(parse(text)) };
}

function propertyGroups(account: Account, method: string, objectType: string, text: string): Answer {
  const known = kindOf(account, objectType).kind.properties;
  if (method === 'GET') {
    need(account, objectScopes[0]);
    return { status: 200, body: { results: [...known.groups.values()] } };
  }
  need(account, `crm.schemas.${objectType}.write`);
  return { status: 201, body: known.addGroup(parse(text)) };
}

/** All or nothing: one link that cannot be made refuses the whole request. */
function associateDefault(account: Account, from: string, to: string, body: Record<string, unknown>): Answer {
  need(account, objectScopes[1]);
  const inputs = (body['inputs'] ?? []) as { from: { id: string }; to: { id: string } }[];
  if (inputs.length > 2_000) throw invalid('The maximum number of inputs supported in a batch is 2000.');
  const type = defaultAssociationTypes[`${from}>${to}`];
  if (type === undefined) throw invalidAssociation();
  const pairs = new Set(inputs.map((input) => `${input.from.id} ${input.to.id}`));
  if (pairs.size < inputs.length) throw invalid('Duplicate associations found in batch input');
  for (const input of inputs) {
    if (!kindOf(account, from).find(input.from.id) || !kindOf(account, to).find(input.to.id)) {
      throw invalidAssociation();
    }
  }
  for (const input of inputs) account.associations.link(from, input.from.id, to, input.to.id);
  const at = account.now().toISOString();
  const associationSpec = { associationCategory: 'HUBSPOT_DEFINED', associationTypeId: type };
  const results = inputs.map((input) => ({ ...input, associationSpec }));
  return { status: 200, body: { status: 'COMPLETE', results, startedAt: at, completedAt: at } };
}

function need(account: Account, scope: string | undefined): void {
  if (scope !== undefined && !account.scopes.has(scope)) throw missingScope(scope);
}

function kindOf(account: Account, objectType: string): Records {
  const records = account.kinds.get(objectType);
  if (!records) throw invalid(`Unable to infer object type from: ${objectType}`);
  return records;
}

function contactKind() {
  return {
    name: 'contacts',
    objectTypeId: '0-1',
    properties: contactProperties(),
    firstId: 501,
    checkNew(values: Record<string, string>) {
      if (values['email'] || values['firstname'] || values['lastname']) return;
      throw missingProperties('CONTACT', ['email', 'firstname', 'lastname']);
    },
  };
}

function callKind() {
  return {
    name: 'calls',
    objectTypeId: '0-48',
    properties: callProperties(),
    firstId: 39_001,
    checkNew(values: Record<string, string>) {
      if (!values['hs_timestamp']) throw missingProperties('CALL', ['hs_timestamp']);
    },
  };
}

function missingProperties(what: string, names: string[]): Refusal {
  return invalid(`Error creating ${what}. Some required properties were not set.`, {
    context: { properties: names },
  });
}

function plainRecord(record: HubSpotRecord): EmulatedRecord {
  return { id: record.id, properties: { ...record.values } };
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw invalid('Invalid input JSON on line 1, column 1.');
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string>,
): void {
  if (body === undefined) {
    response.writeHead(status, headers);
    response.end();
    return;
  }
  response.writeHead(status, {
    'Content-Type': 'application/json;charset=utf-8',
    'X-HubSpot-Correlation-Id': randomUUID(),
    ...headers,
  });
  response.end(JSON.stringify(body));
}
