import {
  type EmulatorOptions,
  faults,
  type SalesforceEmulator,
  withSalesforceEmulator,
} from '../../support/salesforce-emulator.ts';
import { assert, suite, until } from '../../support/suite.ts';

/** The emulator refuses what Salesforce refuses: otherwise the other tests would prove little. */
const emulator = suite('salesforce emulator');

type Json = Record<string, unknown>;

interface Answer {
  status: number;
  /** What is asked of answers here; each test knows the shape. */
  body: Json & Json[];
  headers: Headers;
}

class Client {
  readonly #salesforce: SalesforceEmulator;
  readonly #token: string;

  constructor(salesforce: SalesforceEmulator, token: string) {
    this.#salesforce = salesforce;
    this.#token = token;
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(`${this.#salesforce.url}/services/data/v64.0${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.#token}`, 'Content-Type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text,
      headers: response.headers,
    };
  }

  upsert(object: string, key: string, records: Json[], allOrNone = false): Promise<Answer> {
    return this.send('PATCH', `/composite/sobjects/${object}/${key}`, {
      allOrNone,
      records: records.map((record) => ({ attributes: { type: object }, ...record })),
    });
  }

  query(statement: string): Promise<Answer> {
    return this.send('GET', `/query?q=${encodeURIComponent(statement)}`);
  }

  search(statement: string): Promise<Answer> {
    return this.send('GET', `/search?q=${encodeURIComponent(statement)}`);
  }
}

function withClient(
  use: (client: Client, salesforce: SalesforceEmulator) => Promise<void>,
  options: EmulatorOptions = {},
): Promise<void> {
  return withSalesforceEmulator(
    async (salesforce) => use(new Client(salesforce, await tokenOf(salesforce)), salesforce),
    options,
  );
}

async function tokenOf({ url, clientId, clientSecret }: SalesforceEmulator): Promise<string> {
  const { access_token } = await askForToken(url, {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
  });
  return String(access_token);
}

async function askForToken(url: string, form: Record<string, string>): Promise<Json> {
  const response = await fetch(`${url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  });
  return (await response.json()) as Json;
}

/** The codes of a collection's rows, or `ok`. */
function codes({ body }: Answer): string[] {
  return body.map(({ success, errors }) => (success ? 'ok' : String((errors as Json[])[0]?.['statusCode'])));
}

const call = (key: string, more: Json = {}) => ({ Delacon_Call_Id__c: key, TaskSubtype: 'Call', ...more });

emulator('issues tokens to whom it knows, and refuses others as OAuth does', () =>
  withSalesforceEmulator(async ({ url, clientId, clientSecret }) => {
    const errorOf = async (form: Record<string, string>) => (await askForToken(url, form))['error'];
    const good = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
    assert.is(await errorOf(good), undefined);
    assert.is(await errorOf({ ...good, client_secret: 'x' }), 'invalid_client');
    assert.is(await errorOf({ ...good, client_id: 'x' }), 'invalid_client_id');
    assert.is(await errorOf({ ...good, grant_type: 'password' }), 'unsupported_grant_type');
  }),
);

emulator('checks the token, counts requests and refuses them when they are used up', () =>
  withClient(
    async (client, salesforce) => {
      const limits = await client.send('GET', '/limits');
      assert.is(limits.headers.get('sforce-limit-info'), 'api-usage=1/2');
      await client.send('POST', '/composite', { compositeRequest: [] });
      const over = await client.send('GET', '/limits');
      assert.is(over.status, 403);
      assert.is(over.body[0]?.['errorCode'], 'REQUEST_LIMIT_EXCEEDED');
      salesforce.expireTokens();
      const expired = await client.send('GET', '/limits');
      assert.is(expired.status, 401);
      assert.is(expired.body[0]?.['errorCode'], 'INVALID_SESSION_ID');
    },
    { requestsPerDay: 2 },
  ),
);

emulator('upserts under an external id: made once, then updated without what only making allows', () =>
  withClient(async (client) => {
    const made = await client.upsert('Task', 'Delacon_Call_Id__c', [call('1')]);
    assert.equal(
      made.body.map(({ success, created }) => [success, created]),
      [[true, true]],
    );
    assert.equal(codes(await client.upsert('Task', 'Delacon_Call_Id__c', [call('1')])), [
      'INVALID_FIELD_FOR_INSERT_UPDATE',
    ]);
    const updated = await client.upsert('Task', 'Delacon_Call_Id__c', [{ Delacon_Call_Id__c: '1' }]);
    assert.equal(updated.body[0]?.['created'], false);
    const unknown = await client.upsert('Task', 'Nowhere__c', [{ Nowhere__c: '1' }]);
    assert.is(unknown.status, 404);
    assert.is(unknown.body[0]?.['errorCode'], 'NOT_FOUND');
  }),
);

emulator('upserts one under the key in its address', () =>
  withClient(async (client) => {
    const path = '/sobjects/Task/Delacon_Call_Id__c/a%2Fb';
    assert.is((await client.send('PATCH', `${path}?updateOnly=true`, {})).status, 404);
    assert.is((await client.send('PATCH', path, { Subject: 'x' })).status, 201);
    assert.is((await client.send('PATCH', path, { Subject: 'y' })).status, 200);
    assert.is((await client.send('PATCH', path, { Delacon_Call_Id__c: 'a/b' })).status, 400);
  }),
);

emulator('refuses a key that comes twice, for each of its rows', () =>
  withClient(async (client) => {
    const answer = await client.upsert('Task', 'Delacon_Call_Id__c', [call('1'), call('2'), call('1')]);
    assert.equal(codes(answer), ['DUPLICATE_VALUE', 'ok', 'DUPLICATE_VALUE']);
  }),
);

emulator('keeps a unique field unique, with regard to case only if it says so', () =>
  withClient(async (client, salesforce) => {
    const answer = await client.upsert('Task', 'Delacon_Call_Id__c', [call('abc'), call('ABC')]);
    assert.equal(codes(answer), ['ok', 'ok']);
    salesforce.addField('Lead', 'Loose__c', { type: 'Text', length: 9, externalId: true, unique: true });
    salesforce.grantField('Lead.Loose__c');
    const lead = { LastName: 'x', Company: 'x' };
    const leads = [{ ...lead, Loose__c: 'abc' }];
    assert.equal(codes(await client.upsert('Lead', 'Loose__c', leads)), ['ok']);
    const other = await client.send('POST', '/sobjects/Lead', { ...lead, Loose__c: 'ABC' });
    assert.is(other.body[0]?.['errorCode'], 'DUPLICATE_VALUE');
  }),
);

emulator('takes at most 200 records, of one type, without ids, and needs their type', () =>
  withClient(async (client) => {
    const many = await client.upsert(
      'Task',
      'Delacon_Call_Id__c',
      Array.from({ length: 201 }, (_, i) => call(`${i}`)),
    );
    assert.is(many.body[0]?.['errorCode'], 'EXCEEDED_ID_LIMIT');
    const path = '/composite/sobjects/Task/Delacon_Call_Id__c';
    const untyped = await client.send('PATCH', path, { records: [{ Delacon_Call_Id__c: '1' }] });
    assert.is(untyped.status, 400);
    const mixed = await client.send('PATCH', path, { records: [{ attributes: { type: 'Lead' } }] });
    assert.is(mixed.status, 400);
    const withId = await client.upsert('Task', 'Delacon_Call_Id__c', [
      call('1', { Id: '00T5g000000001aAAA' }),
    ]);
    assert.is(withId.status, 400);
    const alternating = Array.from({ length: 11 }, (_, i) => ({
      attributes: { type: i % 2 === 0 ? 'Lead' : 'Contact' },
      id: 'x',
    }));
    const chunks = await client.send('PATCH', '/composite/sobjects', { records: alternating });
    assert.is(chunks.body[0]?.['errorCode'], 'LIMIT_EXCEEDED');
  }),
);

emulator('undoes a collection that is all or none', () =>
  withClient(async (client, salesforce) => {
    const records = [call('1'), call('2', { CallType: 'Sideways' })];
    assert.equal(codes(await client.upsert('Task', 'Delacon_Call_Id__c', records, true)), [
      'ALL_OR_NONE_OPERATION_ROLLED_BACK',
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    ]);
    assert.equal(salesforce.tasks(), []);
    assert.equal(codes(await client.upsert('Task', 'Delacon_Call_Id__c', records)), [
      'ok',
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    ]);
  }),
);

const badRows: [what: string, values: Json, code: string][] = [
  ['a text that is too long', { Subject: 'x'.repeat(256) }, 'STRING_TOO_LONG'],
  ['a field that is not there', { Nowhere__c: 'x' }, 'INVALID_FIELD'],
  [
    'what the platform sets itself',
    { CompletedDateTime: '2026-01-01T00:00:00Z' },
    'INVALID_FIELD_FOR_INSERT_UPDATE',
  ],
  ['a number with too many digits', { CallDurationInSeconds: 123_456_789 }, 'NUMBER_OUTSIDE_VALID_RANGE'],
  ['an account as the person', { WhoId: '0015g000000001aAAA' }, 'FIELD_INTEGRITY_EXCEPTION'],
  ['a person who was never there', { WhoId: '0035g000000001z' }, 'INVALID_CROSS_REFERENCE_KEY'],
  ['what is no id', { WhoId: 'somebody' }, 'MALFORMED_ID'],
];
for (const [what, values, code] of badRows) {
  emulator(`refuses ${what}`, () =>
    withClient(async (client) => {
      const answer = await client.upsert('Task', 'Delacon_Call_Id__c', [call('1', values), call('2')]);
      const [first, second] = codes(answer);
      assert.is(first, code);
      assert.is(second, 'ok');
    }),
  );
}

emulator('refuses a whole request for a value that JSON cannot mean', () =>
  withClient(async (client, salesforce) => {
    const records = [call('1'), call('2', { CallDurationInSeconds: '50s' })];
    const answer = await client.upsert('Task', 'Delacon_Call_Id__c', records);
    assert.is(answer.status, 400);
    assert.is(answer.body[0]?.['errorCode'], 'JSON_PARSER_ERROR');
    assert.equal(salesforce.tasks(), []);
  }),
);

emulator('needs a name and a company of a Lead', () =>
  withClient(async (client) => {
    const answer = await client.upsert('Lead', 'Delacon_Caller__c', [{ Delacon_Caller__c: '+61444444444' }]);
    assert.equal(codes(answer), ['REQUIRED_FIELD_MISSING']);
  }),
);

emulator('links nobody who is deleted or converted, and no Lead beside an account', () =>
  withClient(async (client, salesforce) => {
    const deleted = salesforce.addContact({});
    salesforce.delete(deleted);
    const converted = salesforce.addLead({});
    salesforce.convertLead(converted);
    const lead = salesforce.addLead({});
    const { id: account } = salesforce.org.insert('Account', { Name: 'x' });
    const answer = await client.upsert('Task', 'Delacon_Call_Id__c', [
      call('1', { WhoId: deleted }),
      call('2', { WhoId: converted }),
      call('3', { WhoId: lead, WhatId: account }),
      call('4', { WhoId: lead.slice(0, 15) }),
    ]);
    assert.equal(codes(answer), [
      'ENTITY_IS_DELETED',
      'CANNOT_UPDATE_CONVERTED_LEAD',
      'FIELD_INTEGRITY_EXCEPTION',
      'ok',
    ]);
    assert.is(salesforce.tasks()[0]?.['WhoId'], lead, 'a short id is the same id');
  }),
);

emulator('conversion takes Tasks along, and keeps the Lead from being changed', () =>
  withClient(async (client, salesforce) => {
    const lead = salesforce.addLead({ Phone: '1' });
    const task = salesforce.addTask({ WhoId: lead });
    const contact = salesforce.convertLead(lead);
    assert.is(salesforce.tasks()[0]?.['WhoId'], contact);
    const records = [{ attributes: { type: 'Lead' }, id: lead, Title: 'x' }];
    assert.equal(codes(await client.send('PATCH', '/composite/sobjects', { records })), [
      'CANNOT_UPDATE_CONVERTED_LEAD',
    ]);
    assert.ok(task);
  }),
);

emulator('closing and opening a Task sets and clears when it was completed', () =>
  withClient(async (client, salesforce) => {
    const set = (Status: string) =>
      client.upsert('Task', 'Delacon_Call_Id__c', [{ Delacon_Call_Id__c: '1', Status }]);
    await set('Completed');
    assert.ok(salesforce.tasks()[0]?.['CompletedDateTime']);
    await set('In Progress');
    assert.is(salesforce.tasks()[0]?.['CompletedDateTime'], undefined);
    assert.is(salesforce.tasks()[0]?.['IsClosed'], false);
  }),
);

emulator('locks the person of a Task as Salesforce does', () =>
  withClient(async (client, salesforce) => {
    const lead = salesforce.addLead({});
    salesforce.org.locked.add(lead);
    const answer = await client.upsert('Task', 'Delacon_Call_Id__c', [
      call('open', { WhoId: lead }),
      call('dated', { WhoId: lead, ActivityDate: '2026-11-02' }),
      call('closed', { WhoId: lead, ActivityDate: '2026-11-02', Status: 'Completed' }),
    ]);
    assert.equal(codes(answer), ['ok', 'UNABLE_TO_LOCK_ROW', 'ok']);
    const update = await client.upsert('Task', 'Delacon_Call_Id__c', [{ Delacon_Call_Id__c: 'open' }]);
    assert.equal(codes(update), ['UNABLE_TO_LOCK_ROW']);
  }),
);

emulator('runs the rule against duplicates unless it is told not to, and assigns Leads', () =>
  withClient(
    async (client, salesforce) => {
      const lead = { LastName: 'x', Company: 'x', Phone: '0444 444 444' };
      const create = (headers: Record<string, string>) =>
        client.send('POST', '/sobjects/Lead', lead, headers);
      assert.is((await create({})).status, 201);
      const refused = await create({});
      assert.is(refused.body[0]?.['errorCode'], 'DUPLICATES_DETECTED');
      const headers = { 'Sforce-Duplicate-Rule-Header': 'allowSave=true', 'Sforce-Auto-Assign': 'FALSE' };
      assert.is((await create(headers)).status, 201);
      assert.equal(
        salesforce.leads().map((one) => one['OwnerId']),
        ['00G5g000000queueEAA', salesforce.org.userId],
      );
    },
    { assignTo: '00G5g000000queueEAA' },
  ),
);

emulator('shows a new field to nobody until it is granted', () =>
  withClient(async (client, salesforce) => {
    salesforce.addField('Lead', 'New__c', { type: 'Text', length: 9 });
    const names = async () =>
      ((await client.send('GET', '/sobjects/Lead/describe')).body['fields'] as unknown as Json[]).map(
        ({ name }) => name,
      );
    assert.not((await names()).includes('New__c'));
    assert.is((await client.query('SELECT New__c FROM Lead')).body[0]?.['errorCode'], 'INVALID_FIELD');
    salesforce.grantField('Lead.New__c');
    assert.ok((await names()).includes('New__c'));
  }),
);

emulator('reads SOQL with its escapes, and refuses what is malformed', () =>
  withClient(async (client, salesforce) => {
    salesforce.addLead({ LastName: "O'Brien \\ Sons", Phone: '1' });
    salesforce.addLead({ LastName: 'Other', Phone: '2' });
    const namesOf = async (condition: string) => {
      const { body } = await client.query(`SELECT LastName FROM Lead WHERE ${condition}`);
      return (body['records'] as unknown as Json[] | undefined)?.map(({ LastName }) => LastName);
    };
    assert.equal(await namesOf("LastName = 'O\\'Brien \\\\ Sons'"), ["O'Brien \\ Sons"]);
    assert.equal(await namesOf("Phone IN ('2','3') AND NOT LastName = 'x'"), ['Other']);
    assert.equal(await namesOf("(Phone = '1' OR Phone = '2') AND IsConverted = false"), [
      "O'Brien \\ Sons",
      'Other',
    ]);
    for (const name of ['100% sure', '100 per sure', 'a_b', 'axb', 'a\\%b', '(.*)'])
      salesforce.addLead({ LastName: name });
    for (const [pattern, found] of [
      ['100%', ['100% sure', '100 per sure']],
      ['100\\% %', ['100% sure']],
      ['a_b', ['a_b', 'axb']],
      ['a\\_b', ['a_b']],
      ['a\\\\\\%b', ['a\\%b']],
      ['a\\\\%', ['a\\%b']],
      ['(.*)', ['(.*)']],
      ['A\\_B', ['a_b']],
      ['', []],
    ] as const)
      assert.equal(await namesOf(`LastName LIKE '${pattern}'`), found, pattern);
    for (const bad of [
      "LastName = 'O'Brien'",
      'LastName LIKE 5',
      "LastName LIKE 'a\\q'",
      "LastName = 'x\\'",
      'LastName',
      "LastName = '\\q'",
      '',
    ]) {
      const { status, body } = await client.query(`SELECT LastName FROM Lead WHERE ${bad}`);
      assert.is(status, 400, bad);
      assert.is(body[0]?.['errorCode'], 'MALFORMED_QUERY', bad);
    }
  }),
);

emulator('answers queries in pages of 2,000, and leaves out what is deleted or archived', () =>
  withClient(async (client, salesforce) => {
    for (let i = 0; i < 2_001; i++) salesforce.org.insert('Contact', { LastName: `${i}` });
    const first = await client.query('SELECT Id FROM Contact');
    assert.equal([first.body['totalSize'], first.body['done']], [2_001, false]);
    const next = String(first.body['nextRecordsUrl']).replace('/services/data/v64.0', '');
    assert.is(((await client.send('GET', next)).body['records'] as unknown as Json[]).length, 1);
    salesforce.addTask({ IsArchived: true });
    salesforce.delete(salesforce.addTask({}));
    const count = async (resource: string) =>
      (await client.send('GET', `/${resource}?q=SELECT+Id+FROM+Task`)).body['totalSize'];
    assert.equal([await count('query'), await count('queryAll')], [0, 2]);
  }),
);

emulator('searches an index that lags, and takes reserved characters only when they are escaped', () =>
  withClient(async (client, salesforce) => {
    const find = async (text: string) => {
      const { status, body } = await client.search(
        `FIND {${text}} IN PHONE FIELDS RETURNING Lead(Id, Phone LIMIT 20)`,
      );
      return status === 200 ? (body['searchRecords'] as unknown as Json[]).length : body[0]?.['errorCode'];
    };
    salesforce.org.insert('Lead', { LastName: 'x', Company: 'x', Phone: '(0444) 444-444' });
    assert.is(await find('0444444444'), 0);
    salesforce.settleIndex();
    assert.is(await find('0444444444'), 1);
    assert.is(await find('"0444 444 444"'), 1);
    assert.is(await find('61444444444 OR 0444444444'), 1);
    assert.is(await find('61444444444 0444444444'), 0);
    assert.is(await find('44444'), 0);
    assert.is(await find('\\+61444444444'), 0);
    for (const bad of ['+61444444444', '"0444', '(0444)', '', 'OR'])
      assert.is(await find(bad), 'MALFORMED_SEARCH', bad);
    const long = Array.from({ length: 300 }, () => '0444444444').join(' OR ');
    assert.is(await find(long), 0, 'beyond 4,000 characters, operators are words');
  }),
);

emulator('refuses an address that is too long', () =>
  withClient(async (client) => {
    const { status } = await client.query(`SELECT Id FROM Lead WHERE Phone = '${'x'.repeat(17_000)}'`);
    assert.ok(status === 414 || status === 431, `${status}`);
  }),
);

emulator('composite: one request, always 200, references, its caps, and all or none', () =>
  withClient(async (client, salesforce) => {
    const lead = (LastName: string | null) => ({
      method: 'POST',
      referenceId: 'lead',
      url: '/services/data/v64.0/sobjects/Lead',
      body: { LastName, Company: 'x' },
    });
    const task = {
      method: 'PATCH',
      referenceId: 'task',
      url: '/services/data/v64.0/sobjects/Task/Delacon_Call_Id__c/1',
      body: { WhoId: '@{lead.id}' },
    };
    const send = (compositeRequest: unknown[], allOrNone = true) =>
      client.send('POST', '/composite', { allOrNone, compositeRequest });
    const statuses = ({ body }: Answer) =>
      (body['compositeResponse'] as unknown as Json[]).map(({ httpStatusCode }) => httpStatusCode);
    assert.equal(statuses(await send([lead('x'), task])), [201, 201]);
    assert.is(salesforce.tasks()[0]?.['WhoId'], salesforce.leads()[0]?.id);
    const failed = await send([{ ...lead('y'), referenceId: 'good' }, lead(null)]);
    assert.equal(statuses(failed), [400, 400]);
    assert.is(salesforce.leads().length, 1, 'the good one is undone');
    const sequel = { ...task, method: 'POST', url: '/services/data/v64.0/sobjects/Task' };
    const halted = await send([{ ...lead('z'), referenceId: 'good' }, lead(null), sequel], false);
    assert.equal(statuses(halted), [201, 400, 400]);
    assert.match(JSON.stringify(halted.body), /PROCESSING_HALTED/);
    assert.equal([salesforce.leads().length, salesforce.tasks().length], [2, 1]);
    const other = await send([lead('a'), { ...sequel, body: { WhoId: '@{Lead.id}' } }], false);
    assert.equal(statuses(other), [201, 400], 'names of references have case');
    const query = (i: number) => ({
      method: 'GET',
      referenceId: `q${i}`,
      url: '/services/data/v64.0/query?q=SELECT+Id+FROM+Lead',
    });
    assert.match(JSON.stringify((await send([0, 1, 2, 3, 4, 5].map(query))).body), /LIMIT_EXCEEDED/);
    assert.equal(statuses(await send([0, 1, 2, 3, 4].map(query))), [200, 200, 200, 200, 200]);
    const search = { method: 'GET', referenceId: 's', url: '/services/data/v64.0/search?q=x' };
    assert.equal(statuses(await send([search])), [400]);
    const forbidden = { ...query(1), httpHeaders: { Authorization: 'x' } };
    assert.is((await send([forbidden])).status, 400);
  }),
);

emulator('faults strike where and when they are told to, once', () =>
  withClient(async (client, salesforce) => {
    salesforce.strike(faults.maintenance, 'GET /limits', 1);
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await client.send('GET', '/limits')).status);
    assert.equal(statuses, [200, 503, 200]);
    salesforce.strike(faults.loseAnswer, '/Task/');
    const lost = await client.upsert('Task', 'Delacon_Call_Id__c', [call('1')]).catch(() => 'lost');
    assert.is(lost, 'lost');
    assert.is(salesforce.tasks().length, 1);
  }),
);

emulator('shows what it holds at its root', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.addLead({ Phone: '0444 444 444' });
    const shown = (await (await fetch(salesforce.url)).json()) as { leads: Json[]; tasks: Json[] };
    assert.is(shown.leads[0]?.['Phone'], '0444 444 444');
    assert.equal(shown.tasks, []);
  }),
);

emulator('refuses a request while too many run that have run for long', () =>
  withClient(
    async (client, salesforce) => {
      const slow = [1, 2].map(() => client.query('SELECT Id FROM Lead'));
      await until('both to run', () => salesforce.countRequests('/query') === 2);
      const { status, body } = await client.query('SELECT Id FROM Lead');
      assert.equal([status, body[0]?.['errorCode']], [403, 'REQUEST_LIMIT_EXCEEDED']);
      assert.is(salesforce.limitsReached(), 1);
      for (const one of slow) assert.is((await one).status, 200);
      assert.is((await client.query('SELECT Id FROM Lead')).status, 200);
    },
    { longRunning: { most: 2, ms: 0 }, latencyMs: 200 },
  ),
);

const ofOpportunity = (more: Json = {}) => ({
  attributes: { type: 'Opportunity' },
  Name: 'Sale',
  StageName: 'Closed Won',
  CloseDate: '2026-11-02',
  ...more,
});

const insert = (client: Client, ...records: Json[]) =>
  client.send('POST', '/composite/sobjects', { allOrNone: false, records });

emulator('refuses what Salesforce refuses of Opportunities', () =>
  withClient(async (client, salesforce) => {
    const { StageName: _, ...without } = ofOpportunity();
    const deleted = salesforce.addAccount({});
    salesforce.delete(deleted);
    const lead = salesforce.addLead({});
    const answer = await insert(
      client,
      without,
      ofOpportunity({ Name: 'x'.repeat(121) }),
      ofOpportunity({ AccountId: lead }),
      ofOpportunity({ AccountId: deleted }),
      ofOpportunity({ RecordTypeId: '0125g0000000zzzAAA' }),
      ofOpportunity({ Nowhere__c: 'x' }),
      ofOpportunity({ Delacon_Call_Id__c: '1', StageName: 'any text: it is not restricted' }),
      ofOpportunity({ Delacon_Call_Id__c: '1' }),
    );
    assert.equal(codes(answer), [
      'REQUIRED_FIELD_MISSING',
      'STRING_TOO_LONG',
      'FIELD_INTEGRITY_EXCEPTION',
      'ENTITY_IS_DELETED',
      'INVALID_CROSS_REFERENCE_KEY',
      'INVALID_FIELD',
      'ok',
      'DUPLICATE_VALUE',
    ]);
    const id = salesforce.opportunities()[0]?.id ?? '';
    const contact = salesforce.addContact({});
    assert.is(
      (await client.send('PATCH', `/sobjects/Opportunity/${id}`, { ContactId: contact })).status,
      400,
    );
    salesforce.org.notCreateable.add('Opportunity');
    assert.equal(codes(await insert(client, ofOpportunity())), ['CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY']);
    assert.is((await client.send('GET', '/sobjects/Opportunity/describe')).body['createable'], false);
    salesforce.org.hiddenObjects.add('Opportunity');
    assert.is((await client.send('GET', '/sobjects/Opportunity/describe')).status, 404);
    assert.is((await insert(client, ofOpportunity())).body[0]?.['errorCode'], 'INVALID_TYPE');
  }),
);

emulator('gives records to active users and queues alone', () =>
  withClient(async (client, salesforce) => {
    const ids = [
      salesforce.addUser({ Username: 'jane@acme.example' }),
      salesforce.addUser({ Username: 'left@acme.example', IsActive: false }),
      salesforce.addContact({}),
      '00G5g000000queueEAA',
    ];
    const tasks = ids.map((OwnerId) => ({ attributes: { type: 'Task' }, OwnerId }));
    assert.equal(codes(await insert(client, ...tasks.slice(0, 3))), [
      'ok',
      'INACTIVE_OWNER_OR_USER',
      'INVALID_CROSS_REFERENCE_KEY',
    ]);
    const users = await client.query(
      "SELECT Id FROM User WHERE Email = 'x' OR Username IN ('JANE@acme.example')",
    );
    assert.is(users.body['totalSize'], 1);
  }),
);

emulator('relates Tasks to accounts, and derives the account from contact or relation', () =>
  withClient(async (client, salesforce) => {
    const account = salesforce.addAccount({});
    const contact = salesforce.addContact({ AccountId: account });
    const lead = salesforce.addLead({});
    const task = (more: Json) => ({ attributes: { type: 'Task' }, ...more });
    const answer = await insert(
      client,
      task({ WhatId: account }),
      task({ WhoId: contact }),
      task({ WhatId: contact }),
      task({ WhatId: account, WhoId: lead }),
      task({ AccountId: account }),
    );
    assert.equal(codes(answer), [
      'ok',
      'ok',
      'FIELD_INTEGRITY_EXCEPTION',
      'FIELD_INTEGRITY_EXCEPTION',
      'INVALID_FIELD_FOR_INSERT_UPDATE',
    ]);
    assert.equal(
      salesforce.tasks().map((one) => one['AccountId']),
      [account, account],
    );
    salesforce.delete(account);
    assert.equal([...salesforce.tasks(), ...salesforce.contacts()], [], 'what hangs on it goes with it');
  }),
);

emulator('has person accounts only where the org has, and changes their contacts through them', () =>
  withClient(async (client, salesforce) => {
    const columns = 'SELECT Id,IsPersonAccount FROM Account';
    assert.is((await client.query(columns)).body[0]?.['errorCode'], 'INVALID_FIELD');
    assert.is(
      salesforce.fields('Contact').some(({ name }) => name === 'IsPersonAccount'),
      false,
    );
  }).then(() =>
    withClient(
      async (client, salesforce) => {
        const { account, contact } = salesforce.org.addPersonAccount({
          Name: 'Jane',
          PersonMobilePhone: '0444 444 444',
        });
        const one = (await client.query('SELECT Id,IsPersonAccount,MobilePhone FROM Contact')).body[
          'records'
        ] as Json[];
        assert.equal([one[0]?.['IsPersonAccount'], one[0]?.['MobilePhone']], [true, '0444 444 444']);
        const refused = await client.send('PATCH', `/sobjects/Contact/${contact}`, { Title: 'x' });
        assert.is(refused.body[0]?.['errorCode'], 'INVALID_PERSON_ACCOUNT_OPERATION');
        const key = { Delacon_Caller__pc: '+61444444444' };
        assert.is((await client.send('PATCH', `/sobjects/Account/${account}`, key)).status, 204);
        assert.is(salesforce.contacts()[0]?.['Delacon_Caller__c'], '+61444444444');
      },
      { personAccounts: true },
    ),
  ),
);

emulator('finds numbers by their beginning, and refuses an asterisk in front', () =>
  withClient(async (client, salesforce) => {
    salesforce.addLead({ Phone: '02 9876 5432 x12' });
    const find = async (term: string) => client.search(`FIND {${term}} IN PHONE FIELDS RETURNING Lead(Id)`);
    const found = async (term: string) => ((await find(term)).body['searchRecords'] as Json[]).length;
    assert.is(await found('0298765432'), 0);
    assert.is(await found('0298765432*'), 1);
    assert.is(await found('0298765433*'), 0);
    assert.is((await find('*98765432')).body[0]?.['errorCode'], 'MALFORMED_SEARCH');
  }),
);

emulator.run();
