import { randomUUID, verify } from 'node:crypto';
import { type Asked, type Given, type Handle, serveEmulator } from './emulator-server.ts';
import { type Fault, FaultPlan } from './salesforce/faults.ts';
import type { Field } from './salesforce/fields.ts';
import { addField, runSoap } from './salesforce/metadata.ts';
import { type Behaviour, type Entry, noOddities, type Oddities, Org } from './salesforce/org.ts';
import {
  dayUsedUp,
  notFound,
  Refusal,
  refused,
  sessionExpired,
  tooManyAtOnce,
} from './salesforce/refusals.ts';
import { answerRest, type RestAnswer } from './salesforce/rest.ts';

export { answering, type Fault, faults } from './salesforce/faults.ts';

/*
 * Salesforce as far as a call bridge touches it: it refuses what Salesforce refuses, keeps a search index that lags
 * behind the store, counts requests and fails on demand. Nothing in it is kept beyond its life.
 */

export interface EmulatorOptions extends Partial<Omit<Behaviour, 'oddities'>> {
  oddities?: Partial<Oddities>;
  /** 0: any free one. */
  port?: number;
  clientId?: string;
  clientSecret?: string;
  requestsPerDay?: number;
  /** How many requests may run that have run for so long already: 25 and 20 s, in a Developer org 5. */
  longRunning?: { most: number; ms: number };
  /** How long each answer takes. */
  latencyMs?: number;
  /** Whether the bridge's own fields are there already, with permissions. */
  provisioned?: boolean;
  /** Whether the user may use the Metadata API. */
  mayCustomize?: boolean;
  /** The public key, in PEM form, of whoever may log in with a signed assertion. */
  certificate?: string;
  /** Each use of the refresh token makes another one, and the one before useless. */
  rotatesRefreshTokens?: boolean;
}

export interface EmulatedRecord {
  id: string;
  [field: string]: unknown;
}

export interface SalesforceEmulator {
  url: string;
  clientId: string;
  clientSecret: string;
  /** The one that works now. */
  refreshToken(): string;
  /**
   * Requests answered or cut, by `METHOD /path` without the version; a composite one that writes, by its objects:
   * `POST Lead+Task`. Token requests are among them.
   */
  requests: Record<string, number>;
  /** What `requests` adds up to, of those whose name contains `part`; without it, of those that use up the allowance. */
  countRequests(part?: string): number;
  /** The names of the requests, oldest first: the last thousand. */
  requestNames(): string[];
  /** How often a limit was reached: of the day, or of requests at once. */
  limitsReached(): number;
  forgetRequests(): void;
  /** The bodies of requests whose name contains `part`, oldest first. */
  bodies(part: string): string[];
  /** The query parameter `q` of searches, oldest first. */
  searches(): string[];
  tasks(): EmulatedRecord[];
  /** Of the tasks that are there: for who asks again and again. */
  callKeys(): unknown[];
  leads(): EmulatedRecord[];
  contacts(): EmulatedRecord[];
  opportunities(): EmulatedRecord[];
  /** A person whom the org lets log in. Returns the id. */
  addUser(values: Record<string, unknown>): string;
  addAccount(values: Record<string, unknown>): string;
  /** As typed in by hand, long enough ago for searching to find it. Returns the id. */
  addLead(values: Record<string, unknown>): string;
  addContact(values: Record<string, unknown>): string;
  addTask(values: Record<string, unknown>): string;
  /** As somebody who edits a record by hand. */
  edit(id: string, values: Record<string, unknown>): void;
  /** Into a new contact, or one that is there. Returns the contact's id. */
  convertLead(id: string, into?: string): string;
  delete(id: string): void;
  /** Searching finds everything written so far. */
  settleIndex(): void;
  /** The org itself, for rules that a test sets: hidden fields, validation rules, locked rows. */
  org: Org;
  /** As an administrator. It is seen by nobody until `grantField`. */
  addField(object: string, name: string, parts: Record<string, unknown>): void;
  grantField(path: string): void;
  /** "Modify All Data", or "Modify All" on the records of one object. */
  grantModifyAll(object?: string): void;
  fields(object: string): Field[];
  /** Strikes once: at the first request whose name contains `at`, after `skip` others. Token requests only by name. */
  strike(fault: Fault, at?: string, skip?: number): void;
  /** Takes back what has not struck yet. */
  calm(): void;
  /** Strikes every request, until it is called without one. */
  outage(fault?: Fault): void;
  /** As after the session timeout: tokens issued so far are refused, new ones work. */
  expireTokens(): void;
  /** Tokens are issued, and all of them refused. */
  refuseTokens(): void;
  /** No token is issued, with OAuth's error code, and those there are are refused. */
  refuseClient(error: string, description: string): void;
  accept(): void;
  useUpAllowance(): void;
  close(): Promise<void>;
}

/** What the bridge's own setup makes, for tests that begin after it. */
export const ownFields = [
  { object: 'Task', name: 'Delacon_Call_Id__c', type: 'Text', length: 64 },
  { object: 'Lead', name: 'Delacon_Caller__c', type: 'Text', length: 40 },
  { object: 'Contact', name: 'Delacon_Caller__c', type: 'Text', length: 40 },
  { object: 'Task', name: 'Delacon_Follow_Up__c', type: 'Text', length: 64 },
  { object: 'Opportunity', name: 'Delacon_Call_Id__c', type: 'Text', length: 64 },
];

const organisationId = '00D5g000004abcdEAA';
const longestUri = 16_384;
const versions = { oldest: 31, newest: 68 };

export async function withSalesforceEmulator<T>(
  use: (salesforce: SalesforceEmulator) => Promise<T>,
  options: EmulatorOptions = {},
): Promise<T> {
  const salesforce = await startSalesforceEmulator(options);
  try {
    return await use(salesforce);
  } finally {
    await salesforce.close();
  }
}

export async function startSalesforceEmulator(options: EmulatorOptions = {}): Promise<SalesforceEmulator> {
  const salesforce = emulateSalesforce(options);
  const { url, close } = await serveEmulator('Salesforce', salesforce.handle, options.port);
  return Object.assign(salesforce, { url, close });
}

/** The org itself, for whoever brings it requests and says at which `url` it is reached. */
export type EmulatedSalesforce = Omit<SalesforceEmulator, 'close'> & { handle: Handle };

export function emulateSalesforce(options: EmulatorOptions = {}): EmulatedSalesforce {
  const clientId = options.clientId ?? '3MVG9emulated.client.id';
  const clientSecret = options.clientSecret ?? 'EMULATEDSECRET0123456789';
  const requestsPerDay = options.requestsPerDay ?? 1_000_000;
  const org = new Org({
    now: options.now ?? (() => new Date()),
    indexDelayMs: options.indexDelayMs ?? 180_000,
    duplicateRule: options.duplicateRule ?? 'alert',
    queueObjects: options.queueObjects ?? ['Lead', 'Task'],
    assignTo: options.assignTo,
    oddities: { ...noOddities, ...options.oddities },
    personAccounts: options.personAccounts ?? false,
    activities: options.activities ?? 'Private',
  });
  const plan = new FaultPlan();
  const requests: Record<string, number> = {};
  const sent: { name: string; body: string }[] = [];
  const searches: string[] = [];
  let tokens = new Set<string>();
  let refreshToken = `5Aep861${randomUUID()}`;
  let tokensAreRefused = false;
  let clientRefusal: { error: string; error_description: string } | undefined;
  let used = 0;
  let limitsReached = 0;
  const running = new Set<{ since: number }>();
  const longRunning = options.longRunning ?? { most: 25, ms: 20_000 };

  function permissionSet() {
    const set =
      org.live('PermissionSet').find(({ values }) => values['Name'] === 'Emulated') ??
      org.insert('PermissionSet', { Name: 'Emulated', Label: 'Emulated' });
    if (!org.live('PermissionSetAssignment').some(({ values }) => values['PermissionSetId'] === set.id)) {
      org.insert('PermissionSetAssignment', { AssigneeId: org.userId, PermissionSetId: set.id });
    }
    return set;
  }

  function grant(path: string): void {
    const set = permissionSet();
    org.insert('FieldPermissions', {
      ParentId: set.id,
      SobjectType: path.split('.')[0],
      Field: path,
      PermissionsRead: true,
      PermissionsEdit: true,
    });
  }

  if (options.provisioned ?? true) {
    for (const { object, name, ...parts } of ownFields) {
      addField(org, object, name, {
        ...parts,
        externalId: true,
        unique: true,
        caseSensitive: object === 'Task' || object === 'Opportunity',
      });
      grant(`${object}.${name}`);
    }
  }

  const isAccepted = (token: string) => tokens.has(token) && !tokensAreRefused;
  const limitInfo = () => ({ 'Sforce-Limit-Info': `api-usage=${used}/${requestsPerDay}` });

  function issueToken(form: URLSearchParams): RestAnswer {
    const error = (code: string, description: string) => ({
      status: 400,
      body: { error: code, error_description: description },
    });
    if (clientRefusal) return { status: 400, body: clientRefusal };
    if (form.get('client_id') !== clientId) return error('invalid_client_id', 'client identifier invalid');
    const given = form.get('client_secret');
    let nextRefreshToken: string | undefined;
    switch (form.get('grant_type')) {
      case 'client_credentials':
        if (given !== clientSecret) return error('invalid_client', 'invalid client credentials');
        break;
      case 'urn:ietf:params:oauth:grant-type:jwt-bearer': {
        const problem = problemOfAssertion(
          form.get('assertion') ?? '',
          options.certificate,
          clientId,
          org.behaviour.now(),
        );
        if (problem) return error('invalid_grant', problem);
        break;
      }
      case 'refresh_token':
        if (given !== null && given !== clientSecret)
          return error('invalid_client', 'invalid client credentials');
        if (form.get('refresh_token') !== refreshToken)
          return error('invalid_grant', 'expired access/refresh token');
        if (options.rotatesRefreshTokens) nextRefreshToken = refreshToken = `5Aep861${randomUUID()}`;
        break;
      default:
        return error('unsupported_grant_type', 'grant type not supported');
    }
    const token = `00D5g!${randomUUID()}`;
    tokens.add(token);
    return {
      status: 200,
      body: {
        access_token: token,
        signature: 'emulated',
        scope: 'api',
        instance_url: salesforce.url,
        id: `${salesforce.url}/id/${organisationId}/${org.userId}`,
        token_type: 'Bearer',
        issued_at: String(org.behaviour.now().getTime()),
        ...(nextRefreshToken === undefined ? {} : { refresh_token: nextRefreshToken }),
      },
    };
  }

  function answerApi(request: Asked, target: URL, body: string): RestAnswer {
    if (!isAccepted(String(request.headers['authorization'] ?? '').replace(/^Bearer /, '')))
      throw sessionExpired();
    if (used >= requestsPerDay) throw dayUsedUp();
    const long = [...running].filter(({ since }) => since <= org.behaviour.now().getTime() - longRunning.ms);
    if (long.length >= longRunning.most) throw tooManyAtOnce();
    used++;
    if (target.pathname === '/services/data' || target.pathname === '/services/data/') {
      const all = Array.from(
        { length: versions.newest - versions.oldest + 1 },
        (_, i) => versions.oldest + i,
      );
      return {
        status: 200,
        body: all.map((number) => ({ version: `${number}.0`, url: `/services/data/v${number}.0` })),
      };
    }
    const [, version, path] = /^\/services\/data\/v(\d+)\.0(\/.*?)\/?$/.exec(target.pathname) ?? [];
    if (version === undefined || path === undefined || Number(version) > versions.newest) throw notFound();
    if (Number(version) < versions.oldest) {
      throw refused(410, 'UNSUPPORTED_API_VERSION', `The API version ${version}.0 is retired.`);
    }
    if (path === '/search') searches.push(target.searchParams.get('q') ?? '');
    org.commit();
    return answerRest(org, {
      method: request.method,
      path,
      query: target.searchParams,
      version: Number(version),
      headers: request.headers as Record<string, string>,
      body,
    });
  }

  function answer(request: Asked, target: URL, body: string): RestAnswer & { isXml?: boolean } {
    if (request.path.length > longestUri) return { status: 414, body: 'URI Too Long' };
    if (target.pathname === '/services/oauth2/token') return issueToken(new URLSearchParams(body));
    if (target.pathname.startsWith('/services/Soap/m/')) {
      used++;
      return { ...runSoap(org, body, isAccepted, options.mayCustomize ?? true), isXml: true };
    }
    try {
      return { ...answerApi(request, target, body), headers: limitInfo() };
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (refusal.status === 403) limitsReached++;
      return { status: refusal.status, body: refusal.body, headers: limitInfo() };
    }
  }

  async function handle(request: Asked): Promise<Given> {
    const { body } = request;
    const target = new URL(request.path, 'http://salesforce');
    if (request.method === 'GET' && target.pathname === '/') return given({ status: 200, body: inspect() });
    const name = nameOf(request.method, target.pathname, body);
    requests[name] = (requests[name] ?? 0) + 1;
    sent.push({ name, body });
    if (sent.length > 1_000) sent.shift();
    const fault = plan.strike(name);
    org.rowsToLock = { free: fault?.freeRows ?? 0, locked: fault?.lockedRows ?? 0 };
    const truth = !fault || fault.commits ? answer(request, target, body) : undefined;
    const delayMs = fault?.delayMs ?? options.latencyMs;
    if (delayMs) {
      const one = { since: org.behaviour.now().getTime() };
      running.add(one);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      running.delete(one);
    }
    if (truth && (!fault || fault.delayMs || fault.lockedRows)) return given(truth);
    if (fault?.hangs) return 'silence';
    if (!fault?.answer) return 'cut';
    return { ...fault.answer, headers: { ...limitInfo(), ...fault.answer.headers } };
  }

  const inspect = () => ({
    clientId,
    clientSecret,
    requests,
    tasks: records('Task'),
    leads: records('Lead'),
    contacts: records('Contact'),
    opportunities: records('Opportunity'),
  });
  const records = (object: string) => org.live(object).map(plainRecord);
  const add = (object: string, values: Record<string, unknown>) => {
    const entry = org.insert(object, values);
    for (const index of entry.indexed) index.at = Number.NEGATIVE_INFINITY;
    return entry.id;
  };

  const salesforce: EmulatedSalesforce = {
    url: '',
    handle,
    clientId,
    clientSecret,
    refreshToken: () => refreshToken,
    requests,
    countRequests: (part) =>
      Object.entries(requests).reduce(
        (sum, [name, count]) =>
          sum + ((part === undefined ? name !== tokenRequest : name.includes(part)) ? count : 0),
        0,
      ),
    limitsReached: () => limitsReached,
    requestNames: () => sent.map(({ name }) => name),
    forgetRequests() {
      for (const name of Object.keys(requests)) delete requests[name];
      sent.length = 0;
      searches.length = 0;
    },
    bodies: (part) => sent.filter(({ name }) => name.includes(part)).map(({ body }) => body),
    searches: () => [...searches],
    tasks: () => records('Task'),
    callKeys: () => org.live('Task').map(({ values }) => values['Delacon_Call_Id__c']),
    leads: () => records('Lead'),
    contacts: () => records('Contact'),
    opportunities: () => records('Opportunity'),
    addUser: (values) => org.insert('User', { IsActive: true, UserType: 'Standard', ...values }).id,
    addAccount: (values) => add('Account', { Name: 'Acme', ...values }),
    addLead: (values) => add('Lead', { LastName: 'Typed In', Company: 'Acme', ...values }),
    addContact: (values) => add('Contact', { LastName: 'Typed In', ...values }),
    addTask: (values) => add('Task', values),
    edit: (id, values) => org.overwrite(id, values),
    convertLead: (id, into) => org.convert(id, into),
    delete: (id) => org.delete(id),
    settleIndex: () => org.settleIndex(),
    org,
    addField: (object, name, parts) => addField(org, object, name, parts),
    grantField: grant,
    grantModifyAll(object) {
      const set = permissionSet();
      if (object === undefined) org.overwrite(set.id, { PermissionsModifyAllData: true });
      else
        org.insert('ObjectPermissions', {
          ParentId: set.id,
          SobjectType: object,
          PermissionsModifyAllRecords: true,
        });
    },
    fields: (object) => org.objects.get(object) ?? [],
    strike: (fault, at = '/', skip = 0) => plan.add(fault, at, skip),
    calm: () => plan.clear(),
    outage(fault) {
      plan.outage = fault;
    },
    expireTokens() {
      tokens = new Set();
    },
    refuseTokens() {
      tokensAreRefused = true;
    },
    refuseClient(error, description) {
      clientRefusal = { error, error_description: description };
      tokens = new Set();
    },
    accept() {
      tokensAreRefused = false;
      clientRefusal = undefined;
    },
    useUpAllowance() {
      used = requestsPerDay;
    },
  };
  return salesforce;
}

/** As Salesforce checks it: signature, who asks, for whom, and not for longer than three minutes. */
function problemOfAssertion(
  assertion: string,
  certificate: string | undefined,
  clientId: string,
  now: Date,
): string | undefined {
  const [header = '', claims = '', signature = ''] = assertion.split('.');
  const isSigned =
    certificate !== undefined &&
    verify(
      'RSA-SHA256',
      Buffer.from(`${header}.${claims}`),
      certificate,
      Buffer.from(signature, 'base64url'),
    );
  if (!isSigned) return 'invalid assertion';
  const { iss, sub, aud, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<
    string,
    unknown
  >;
  if (iss !== clientId) return 'invalid client credentials';
  if (aud !== 'https://login.salesforce.com') return 'audience is invalid';
  const left = Number(exp) - now.getTime() / 1000;
  if (!(left > 0 && left <= 180)) return 'expired authorization code';
  return sub === 'bridge@acme.example' ? undefined : "user hasn't approved this consumer";
}

const tokenRequest = 'token';

/** `PATCH /composite/sobjects`; `token`; `SOAP createMetadata`, with a stroke so that faults find it. */
function nameOf(method: string, path: string, body: string): string {
  if (path === '/services/oauth2/token') return tokenRequest;
  if (path.startsWith('/services/Soap/')) return `SOAP /${/<(\w+Metadata)>/.exec(body)?.[1]}`;
  const written = path.endsWith('/composite') ? writtenIn(body) : [];
  if (written.length > 0) return `${method} ${written.join('+')}`;
  return `${method} ${path.replace(/^\/services\/data\/v\d+\.0/, '')}`;
}

/** The objects that a composite request writes to. */
function writtenIn(body: string): string[] {
  const written = body.matchAll(/"url":"[^"?]*\/sobjects\/(\w+)[^"?]*"/g);
  return [...new Set([...written].map(([, object = '']) => object))];
}

function plainRecord({ id, values }: Entry): EmulatedRecord {
  const { Id: _, ...rest } = values;
  return { id, ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null)) };
}

function given({ status, headers, body, isXml }: RestAnswer & { isXml?: boolean }): Given {
  return {
    status,
    headers: {
      'Content-Type': isXml ? 'text/xml;charset=UTF-8' : 'application/json;charset=UTF-8',
      ...headers,
    },
    ...(isXml ? { body: String(body) } : body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}
