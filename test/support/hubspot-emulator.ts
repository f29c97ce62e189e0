import { randomUUID } from 'node:crypto';
import { type Asked, type Given, type Handle, serveEmulator } from './emulator-server.ts';
import { Owners, Pipelines } from './hubspot/account.ts';
import { type Fault, FaultPlan } from './hubspot/faults.ts';
import { type KindName, objectKinds } from './hubspot/kinds.ts';
import { type Limits, Meter } from './hubspot/meter.ts';
import { OAuthApp } from './hubspot/oauth-app.ts';
import { noOddities, type Oddities } from './hubspot/oddities.ts';
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
  /** Every refusal says something else to people: HubSpot calls that no change that could break anything. */
  otherWords?: boolean;
  /** What an account may do against the documents: the other answers to what a probe asks. */
  oddities?: Partial<Oddities>;
  /** false: a batch is written whole or not at all, as the specification of the dated paths has it. */
  partialSuccess?: boolean;
  /** false: rows of an answer do not repeat the trace id of their input. */
  echoTraceIds?: boolean;
  /** false: errors of a batch do not say which input they are about. */
  namesErrors?: boolean;
  /** Whether the bridge's own group and properties are there already. */
  provisioned?: boolean;
  /** Whether each log-in of an app uses up its refresh token and issues another. */
  rotatesRefreshTokens?: boolean;
  scopes?: readonly string[];
  now?: () => Date;
}

export interface EmulatedRecord {
  id: string;
  properties: Record<string, string>;
}

export interface LinkedRecord extends EmulatedRecord {
  /** Ids of what it is linked to. */
  links: { contacts: string[]; companies: string[]; calls: string[] };
}

export interface HubSpotEmulator {
  url: string;
  token: string;
  /** An OAuth app that is installed in the account. */
  oauth: { clientId: string; clientSecret: string; refreshToken: string };
  /** The tokens that were issued to it end now. */
  endIssuedTokens(): void;
  /** What the app may log in with now. */
  refreshToken(): string;
  /** As somebody in the account who removes the app. */
  uninstall(): void;
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
  /** Of the calls that are there: for who asks again and again. */
  callKeys(): (string | undefined)[];
  contacts(): EmulatedRecord[];
  /** With their links. */
  records(kind: 'calls' | 'tasks' | 'deals'): LinkedRecord[];
  /** As typed in by hand, long enough ago for searching to find it. Returns the id. */
  addContact(properties: Record<string, string>): string;
  addCall(properties: Record<string, string>): string;
  /** A company at which these contacts work. */
  addCompany(name: string, contactIds: readonly string[]): string;
  /** As somebody at the page does: changes, or deletes. */
  edit(kind: KindName, id: string, properties: Record<string, string>): void;
  archive(kind: KindName, id: string): void;
  /** A user who may own records. Returns the id. */
  addOwner(email: string, state?: 'active' | 'deactivated' | 'removed'): string;
  deactivateOwner(id: string): void;
  /** Of a pipeline of deals. */
  removeStage(id: string): void;
  archiveContact(id: string): void;
  archiveCall(id: string): void;
  mergeContacts(kept: string, gone: string): void;
  mergeCalls(kept: string, gone: string): void;
  /** Searching finds everything written so far. */
  settleIndex(): void;
  addProperty(objectType: KindName, property: Record<string, unknown>): void;
  archiveProperty(objectType: KindName, name: string): void;
  /** As an account that has phone validation switched on. */
  validatePhones(): void;
  /** As an administrator who takes an option off a list. */
  removeOption(objectType: KindName, property: string, value: string): void;
  /** As an administrator's validation rule: values of the property that match are refused. */
  refuseValues(objectType: KindName, property: string, values: RegExp, code?: string): void;
  /** As an administrator who makes a property required, of new records or where another has a value. */
  demand(objectType: KindName, property: string, where?: { property: string; value: string }): void;
  scopes: Set<string>;
  /** Strikes once: at the first request whose name contains `at`, after `skip` others such. */
  strike(fault: Fault, at?: string, skip?: number): void;
  /** Takes back what has not struck yet. */
  calm(): void;
  /** Strikes every request, until it is called without one. */
  outage(fault?: Fault): void;
  refuseToken(how?: 'revoked' | 'expired'): void;
  acceptToken(): void;
  close(): Promise<void>;
}

/** What the bridge's own setup makes, for tests that begin after it. */
export const ownProperties = {
  calls: 'delacon_call_id',
  contacts: 'delacon_caller',
  tasks: 'delacon_call_id',
  deals: 'delacon_call_id',
} as const;

/** The scopes that gate objects. Calls and tasks have none of their own. */
const objectScopes: Record<KindName, string> = {
  contacts: 'crm.objects.contacts',
  calls: 'crm.objects.contacts',
  tasks: 'crm.objects.contacts',
  deals: 'crm.objects.deals',
  companies: 'crm.objects.companies',
};

const schemaScopes: Record<KindName, string> = {
  contacts: 'crm.schemas.contacts.write',
  calls: 'crm.schemas.calls.write',
  tasks: 'crm.schemas.contacts.write',
  deals: 'crm.schemas.deals.write',
  companies: 'crm.schemas.companies.write',
};

const ownersScope = 'crm.objects.owners.read';

const allScopes = [
  ...Object.values(objectScopes).flatMap((scope) => [`${scope}.read`, `${scope}.write`]),
  ...Object.values(schemaScopes),
  ownersScope,
];

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
  const { handle, ...hubspot } = emulateHubSpot(options);
  return { ...hubspot, ...(await serveEmulator('HubSpot', handle, options.port)) };
}

/** The account itself, for whoever brings it requests. */
export type EmulatedHubSpot = Omit<HubSpotEmulator, 'url' | 'close'> & { handle: Handle };

export function emulateHubSpot(options: EmulatorOptions = {}): EmulatedHubSpot {
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
    namesErrors: options.namesErrors ?? true,
    oddities: { ...noOddities, ...options.oddities },
  };
  const owners = new Owners();
  const pipelines = new Pipelines();
  const kinds = new Map<string, Records>(
    objectKinds(pipelines).map((kind) => [kind.name, new Records(kind, behaviour)]),
  );
  for (const { kind } of kinds.values()) {
    kind.properties.isOwner = (id) => owners.isActive(id);
    kind.properties.refusesUnique = behaviour.oddities.keys[kind.name] === 'refused';
  }
  const recordsOf = (kind: KindName) => kinds.get(kind) as Records;
  const [contacts, calls] = [recordsOf('contacts'), recordsOf('calls')];
  const account: Account = {
    kinds,
    associations: new Associations(kinds),
    owners,
    pipelines,
    scopes: new Set(options.scopes ?? allScopes),
    now,
    oddities: behaviour.oddities,
  };
  const limits = { perTenSeconds: 100, searchesPerSecond: 5, perDay: 250_000, ...options.limits };
  const meter = new Meter(limits, () => now().getTime());
  const plan = new FaultPlan();
  const requests: Record<string, number> = {};
  const names: string[] = [];
  let limitsReached = 0;
  let tokenState: 'accepted' | 'revoked' | 'expired' = 'accepted';

  const addProperty = (objectType: KindName, property: Record<string, unknown>) => {
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
    for (const [objectType, name] of Object.entries(ownProperties) as [KindName, string][]) {
      addProperty(objectType, { name, hasUniqueValue: behaviour.oddities.keys[objectType] !== 'refused' });
    }
    for (const touch of ['delacon_first', 'delacon_last']) {
      addProperty('contacts', { name: `${touch}_call_at`, type: 'datetime', fieldType: 'date' });
      for (const part of ['source', 'keywords', 'campaign', 'landing_page', 'gclid']) {
        addProperty('contacts', { name: `${touch}_${part}` });
      }
    }
  }

  const app = new OAuthApp(oauth, { now, rotates: options.rotatesRefreshTokens ?? false });

  const isIssued = ({ headers }: Asked) =>
    app.issued.has(String(headers['authorization'] ?? '').replace(/^Bearer /, ''));

  function authorise(request: Asked): void {
    if (isIssued(request)) return;
    if (request.headers['authorization'] !== `Bearer ${token}` || tokenState === 'revoked') throw badToken();
    if (tokenState === 'expired') throw expiredToken();
  }

  async function handle(request: Asked): Promise<Given> {
    const { body: text } = request;
    const { pathname: path, searchParams: query } = new URL(request.path, 'http://hubspot');
    if (request.method === 'GET' && path === '/') return given(200, inspect(), {});
    const name = `${request.method} ${path}`;
    requests[name] = (requests[name] ?? 0) + 1;
    names.push(name);
    if (names.length > 1_000) names.shift();
    const isSearch = path.endsWith('/search');
    const fault = plan.strike(name);
    let answer: Answer = { status: 500, body: {} };
    if (!fault || fault.commits) {
      try {
        const login =
          request.method === 'POST' && app.answer(path, String(request.headers['content-type']), text);
        if (login) answer = login;
        else {
          authorise(request);
          meter.take(isSearch);
          answer = route(account, request.method, path, query, text);
        }
      } catch (refusal) {
        if (!(refusal instanceof Refusal)) throw refusal;
        answer = { status: refusal.status, body: refusal.body };
        if (refusal.status === 429) limitsReached++;
      }
    }
    if (options.latencyMs) await new Promise((resolve) => setTimeout(resolve, options.latencyMs));
    if (options.otherWords) answer.body = inOtherWords(answer.status, answer.body);
    if (!fault) return given(answer.status, answer.body, meter.headers(isSearch, isIssued(request)));
    if (fault.hangs) return 'silence';
    return fault.answer ? { headers: {}, ...fault.answer } : 'cut';
  }

  function showCalls() {
    return showLinked('calls').map(({ links, ...call }) => ({ ...call, contactIds: links.contacts }));
  }

  function showLinked(kind: KindName): LinkedRecord[] {
    const linked = (id: string, to: KindName) => account.associations.of(kind, id, to);
    return recordsOf(kind)
      .all()
      .map((record) => ({
        ...plainRecord(record),
        links: {
          contacts: linked(record.id, 'contacts'),
          companies: linked(record.id, 'companies'),
          calls: linked(record.id, 'calls'),
        },
      }));
  }

  function inspect() {
    return { token, requests, calls: showCalls(), contacts: contacts.all().map(plainRecord) };
  }

  const add = (records: Records, properties: Record<string, string>) => {
    const { id } = records.create(properties);
    records.settleIndex();
    return id;
  };

  return {
    handle,
    token,
    oauth,
    endIssuedTokens: () => app.issued.clear(),
    refreshToken: () => app.refreshToken,
    uninstall: () => app.uninstall(),
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
    callKeys: () => calls.all().map(({ values }) => values[ownProperties.calls]),
    contacts: () => contacts.all().map(plainRecord),
    addContact: (properties) => add(contacts, { firstname: 'Typed', lastname: 'In', ...properties }),
    addCall: (properties) => add(calls, { hs_timestamp: now().toISOString(), ...properties }),
    records: showLinked,
    addCompany(name, contactIds) {
      const id = add(recordsOf('companies'), { name });
      for (const contactId of contactIds) account.associations.link('contacts', contactId, 'companies', id);
      return id;
    },
    edit(kind, id, properties) {
      const records = recordsOf(kind);
      records.update(records.find(id) as HubSpotRecord, properties);
    },
    archive: (kind, id) => recordsOf(kind).archive(id),
    addOwner: (email, state) => owners.add(email, state),
    deactivateOwner: (id) => owners.deactivate(id),
    removeStage: (id) => pipelines.removeStage(id),
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
    refuseValues(objectType, property, values, code = 'FAILED_VALIDATION') {
      kindOf(account, objectType).kind.properties.refusedValues.set(property, { values, code });
    },
    demand(objectType, property, where) {
      kindOf(account, objectType).kind.properties.demands.push({ property, ...(where ? { where } : {}) });
    },
    scopes: account.scopes,
    strike: (fault, at = '', skip = 0) => plan.add(fault, at, skip),
    calm: () => plan.clear(),
    outage(fault) {
      plan.outage = fault;
    },
    refuseToken(how = 'revoked') {
      tokenState = how;
    },
    acceptToken() {
      tokenState = 'accepted';
    },
  };
}

interface Account {
  kinds: ReadonlyMap<string, Records>;
  associations: Associations;
  owners: Owners;
  pipelines: Pipelines;
  scopes: Set<string>;
  now(): Date;
  oddities: Oddities;
}

interface Answer {
  status: number;
  body: unknown;
}

/** The requests that are known, by method and path. Statuses are exactly those that the client accepts. */
function route(account: Account, method: string, path: string, query: URLSearchParams, text: string): Answer {
  const match = (pattern: RegExp) => pattern.exec(`${method} ${path}`)?.slice(1) as [string, string];
  let parts = match(/^POST \/crm\/objects\/2026-09\/(\w+)\/batch\/(create|read|update|upsert)$/);
  if (parts) return batch(account, parts[0], parts[1], parse(text));
  parts = match(/^POST \/crm\/objects\/2026-09\/(\w+)\/search$/);
  if (parts) {
    need(account, readScope(parts[0]));
    return kindOf(account, parts[0]).search(parse(text), text.length);
  }
  parts = match(/^DELETE \/crm\/objects\/2026-09\/(\w+)\/(\d+)$/);
  if (parts) {
    const [objectType, id] = parts;
    need(account, writeScope(objectType));
    const records = kindOf(account, objectType);
    if (records.find(id)) records.archive(id); // what is gone is deleted with the same answer
    return { status: 204, body: undefined };
  }
  if (match(/^POST (\/crm\/objects\/2026-09\/contacts\/merge)$/)) return mergeContacts(account, parse(text));
  parts = match(/^GET \/crm\/objects\/2026-09\/(\w+)\/(\d+)\/associations\/calls$/);
  if (parts) {
    const results = account.associations.from('calls', parts[0], parts[1]).filter((toObjectId) => {
      const status = kindOf(account, 'calls').find(toObjectId)?.values['hs_call_status'];
      return !account.oddities.hidesUnfinished || status === 'COMPLETED';
    });
    return { status: 200, body: { results: results.map((id) => ({ toObjectId: Number(id) })) } };
  }
  parts = match(/^(GET|POST) \/crm\/properties\/2026-09\/(\w+)$/);
  if (parts) return properties(account, parts[0], parts[1], text);
  parts = match(/^GET \/crm\/properties\/2026-09\/(\w+)\/(?!groups$)(\w+)$/);
  if (parts) return { status: 200, body: kindOf(account, parts[0]).kind.properties.get(parts[1]) };
  parts = match(/^(GET|POST) \/crm\/properties\/2026-09\/(\w+)\/groups$/);
  if (parts) return propertyGroups(account, parts[0], parts[1], text);
  parts = match(/^POST \/crm\/associations\/2026-09\/(\w+)\/(\w+)\/batch\/associate\/default$/);
  if (parts) return associateDefault(account, parts[0], parts[1], parse(text));
  parts = match(/^POST \/crm\/associations\/2026-09\/(\w+)\/(\w+)\/batch\/read$/);
  if (parts) return readAssociations(account, parts[0], parts[1], parse(text));
  if (match(/^GET (\/crm\/owners\/2026-09)$/)) {
    need(account, ownersScope);
    return { status: 200, body: account.owners.page(query) };
  }
  if (match(/^GET (\/crm\/pipelines\/2026-09\/deals)$/)) {
    need(account, readScope('deals'));
    return { status: 200, body: { results: account.pipelines.show() } };
  }
  if (match(/^GET (\/account-info\/2026-09\/details)$/)) {
    const body = { portalId: 1234567, timeZone: 'Australia/Sydney', uiDomain: 'app.hubspot.com' };
    return { status: 200, body };
  }
  throw notFound(`No route for ${method} ${path}`);
}

function mergeContacts(account: Account, body: Record<string, unknown>): Answer {
  need(account, writeScope('contacts'));
  const [kept, gone] = [String(body['primaryObjectId']), String(body['objectIdToMerge'])];
  const contacts = kindOf(account, 'contacts');
  for (const id of [kept, gone]) if (!contacts.find(id)) throw notFound();
  contacts.merge(kept, gone);
  account.associations.move('contacts', gone, kept);
  return { status: 200, body: contacts.show(contacts.find(kept) as HubSpotRecord) };
}

function batch(account: Account, objectType: string, action: string, body: Record<string, unknown>): Answer {
  const records = kindOf(account, objectType);
  need(account, action === 'read' ? readScope(objectType) : writeScope(objectType));
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
    need(account, readScope(objectType));
    return { status: 200, body: { results: known.all() } };
  }
  need(account, schemaScopes[objectType as KindName]);
  return { status: 201, body: known.add(parse(text)) };
}

function propertyGroups(account: Account, method: string, objectType: string, text: string): Answer {
  const known = kindOf(account, objectType).kind.properties;
  if (method === 'GET') {
    need(account, readScope(objectType));
    return { status: 200, body: { results: [...known.groups.values()] } };
  }
  need(account, schemaScopes[objectType as KindName]);
  return { status: 201, body: known.addGroup(parse(text)) };
}

/** All or nothing: one link that cannot be made refuses the whole request. */
function associateDefault(account: Account, from: string, to: string, body: Record<string, unknown>): Answer {
  need(account, writeScope(from));
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

function readScope(objectType: string): string {
  return `${objectScopes[objectType as KindName]}.read`;
}

function writeScope(objectType: string): string {
  return `${objectScopes[objectType as KindName]}.write`;
}

/** Those without links come back as errors of a 207. The first link is the primary one. */
function readAssociations(account: Account, from: string, to: string, body: Record<string, unknown>): Answer {
  need(account, readScope(from));
  need(account, readScope(to));
  const inputs = (body['inputs'] ?? []) as { id: string }[];
  if (inputs.length > 1_000) throw invalid('The maximum number of inputs supported in a batch is 1000.');
  const at = account.now().toISOString();
  const found = inputs.map(({ id }) => ({ id, linked: account.associations.of(from, id, to) }));
  const results = found
    .filter(({ linked }) => linked.length > 0)
    .map(({ id, linked }) => ({
      from: { id },
      to: linked.map((toObjectId, place) => ({
        toObjectId: Number(toObjectId),
        associationTypes: [
          { category: 'HUBSPOT_DEFINED', typeId: 279, label: null },
          ...(place === 0 ? [{ category: 'HUBSPOT_DEFINED', typeId: 1, label: 'Primary' }] : []),
        ],
      })),
    }));
  const errors = found
    .filter(({ linked }) => linked.length === 0)
    .map(({ id }) => ({
      status: 'error',
      category: 'OBJECT_NOT_FOUND',
      subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
      message: `No ${to} is associated with ${from} ${id}.`,
      context: { fromObjectId: [id] },
    }));
  const answer = { status: 'COMPLETE', results: results.reverse(), startedAt: at, completedAt: at };
  if (errors.length === 0) return { status: 200, body: answer };
  return { status: 207, body: { ...answer, numErrors: errors.length, errors } };
}

function need(account: Account, scope: string | undefined): void {
  if (scope !== undefined && !account.scopes.has(scope)) throw missingScope(scope);
}

function kindOf(account: Account, objectType: string): Records {
  const records = account.kinds.get(objectType);
  if (!records) throw invalid(`Unable to infer object type from: ${objectType}`);
  return records;
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

/** Of a refusal, or of the errors in an answer, with every sentence replaced. Codes, categories and contexts stay. */
function inOtherWords(status: number, body: unknown): unknown {
  const replace = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replace);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, name === 'message' ? 'So nicht.' : replace(one)]),
    );
  };
  if (status >= 400) return replace(body);
  const { errors } = (body ?? {}) as { errors?: unknown };
  return errors === undefined ? body : { ...(body as object), errors: replace(errors) };
}

function given(status: number, body: unknown, headers: Record<string, string>): Given {
  if (body === undefined) return { status, headers };
  return {
    status,
    headers: {
      'Content-Type': 'application/json;charset=utf-8',
      'X-HubSpot-Correlation-Id': randomUUID(),
      ...headers,
    },
    body: JSON.stringify(body),
  };
}
