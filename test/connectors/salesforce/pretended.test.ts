import { PretendedSalesforce } from '../../../connectors/salesforce/pretended.ts';
import type { SaleOptions } from '../../../src/connector/index.ts';
import { keepingRotated } from '../../../src/connector/refresh-tokens.ts';
import type { Asked } from '../../../src/crm/index.ts';
import { testTools } from '../../support/connector-tools.ts';
import { assert, suite } from '../../support/suite.ts';
import { optionsFor } from './rig.ts';

const pretended = suite('the pretended Salesforce');

const settings = {
  auth: {
    flow: 'clientCredentials',
    loginUrl: 'https://acme.my.salesforce.com',
    clientId: 'x',
    clientSecret: 'y',
  },
};
const options = optionsFor(
  { url: 'https://acme.my.salesforce.com', clientId: 'x', clientSecret: 'y' } as never,
  settings,
);

function ask(method: Asked['method'], path: string, body?: unknown): Asked {
  return { request: '', method, path: `/services/data/v64.0${path}`, body };
}

const query = (soql: string) => ask('GET', `/query?q=${encodeURIComponent(soql)}`);
const sub = (referenceId: string, method: string, path: string, body?: unknown) => ({
  referenceId,
  method,
  url: `/services/data/v64.0${path}`,
  body,
});

pretended('what is not known to read counts as writing; a composite reads if all of it does', () => {
  const org = new PretendedSalesforce(options);
  const read = sub('a', 'GET', '/query?q=SELECT+Id+FROM+Lead');
  const write = sub('b', 'POST', '/sobjects/Task', {});
  const areReads = [
    ask('GET', '/sobjects/Task/describe'),
    ask('GET', '/apexrest/anything'),
    ask('POST', '/query'),
    ask('POST', '/composite', { compositeRequest: [read] }),
    ask('POST', '/composite', { compositeRequest: [read, write] }),
    ask('POST', '/composite', {}),
    { ...ask('POST', ''), path: '/services/Soap/m/64.0' },
  ].map((asked) => org.reads(asked));
  assert.equal(areReads, [true, false, false, true, false, false, false]);
});

pretended(
  'records of any kind are made, found by their key, changed and read, each with an id of its kind',
  () => {
    const org = new PretendedSalesforce(options);
    const records = [{ attributes: { type: 'Opportunity' }, Delacon__c: '1', Name: 'A sale' }];
    const upsert = () =>
      org.answer(ask('PATCH', '/composite/sobjects/Opportunity/Delacon__c', { records })).body;
    assert.equal(upsert(), [{ id: '00600000NEW0001', success: true, errors: [], created: true }]);
    assert.equal(upsert(), [{ id: '00600000NEW0001', success: true, errors: [], created: false }]);
    assert.is(org.answer(ask('PATCH', '/sobjects/Opportunity/00600000NEW0001', { Amount: 5 })).status, 204);
    const one = org.answer(
      query("SELECT Id FROM Opportunity WHERE IsDeleted = false AND Delacon__c IN ('0','1')"),
    );
    const [found] = (one.body as { records: Record<string, unknown>[] }).records;
    assert.equal([found?.['Name'], found?.['Amount']], ['A sale', 5]);
    const none = org.answer(query("SELECT Id FROM Opportunity WHERE Delacon__c = '11'"));
    assert.equal(none.body, { totalSize: 0, done: true, records: [] });
  },
);

pretended('the parts of a composite see what those before them made', () => {
  const org = new PretendedSalesforce(options);
  const { body } = org.answer(
    ask('POST', '/composite', {
      compositeRequest: [
        sub('person', 'POST', '/sobjects/Lead', { LastName: 'Smith' }),
        sub('task', 'POST', '/sobjects/Task', { WhoId: '@{person.id}' }),
        sub('read', 'GET', "/query?q=SELECT+Id,WhoId+FROM+Task+WHERE+WhoId+=+'@{person.id}'"),
      ],
    }),
  );
  const { compositeResponse } = body as { compositeResponse: { httpStatusCode: number; body: never }[] };
  assert.equal(
    compositeResponse.map(({ httpStatusCode }) => httpStatusCode),
    [201, 201, 200],
  );
  const { records } = compositeResponse[2]!.body as { records: Record<string, unknown>[] };
  assert.equal(records[0]?.['WhoId'], '00Q00000NEW0001');
});

pretended('owners, stages and record types that the configuration names are there', () => {
  const sale = { stage: 'Closed Won', pipeline: 'Phone_Sales' } as SaleOptions;
  const owner = { map: { '+61298989898': 'jane@acme.example' }, otherwise: null } as never;
  const org = new PretendedSalesforce({ ...options, sale, owner });
  const ids = (soql: string) =>
    (org.answer(query(soql)).body as { records: { Id: string }[] }).records.map(({ Id }) => Id);
  assert.equal(ids("SELECT Id FROM User WHERE Email IN ('jane@acme.example') AND IsActive = true"), [
    '00500000NEW0001',
  ]);
  const { fields, recordTypeInfos } = org.answer(ask('GET', '/sobjects/Opportunity/describe')).body as {
    fields: { name: string; picklistValues: { value: string }[] }[];
    recordTypeInfos: Record<string, unknown>[];
  };
  const stages = fields.find(({ name }) => name === 'StageName')?.picklistValues.map(({ value }) => value);
  assert.equal(stages, ['Closed Won']);
  const recordTypes = recordTypeInfos.map(({ developerName, recordTypeId }) => [developerName, recordTypeId]);
  assert.equal(recordTypes, [['Phone_Sales', '01200000NEW0001']]);
});

pretended('a refresh token that was really replaced is really kept, and nothing else is', async () => {
  const kept: string[] = [];
  const tools = testTools();
  const memory = keepingRotated(tools.memory, {
    online: true,
    plan() {},
    keep: async (texts) => void kept.push(...texts.keys()),
  });
  await memory.remember(new Map([['openFollowUps/1', 'x']]));
  await memory.remember(new Map([['refreshToken', 'y']]));
  assert.equal(kept, ['refreshToken']);
  assert.equal([...tools.kept.keys()], ['openFollowUps/1', 'refreshToken']);
});

pretended.run();
