import {
  type Circumstances,
  failureOfAnswer,
  failureOfRow,
  failureOfToken,
  salesforce,
} from '../../../connectors/salesforce/failures.ts';
import type { Outcome } from '../../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { answering, type Fault, faults, withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, newCallers, open, soon } from './rig.ts';

const failures = suite('salesforce failures');

const where: Circumstances = {
  request: 'upsert Task',
  connector: 'acme-salesforce',
  now: new Date('2026-11-02T03:15:00.000Z'),
  secrets: ['very-secret'],
  mapped: new Map([['Keywords__c', ['activity.properties.Keywords__c']]]),
  usage: undefined,
};

type Expected = { kind: string; cure?: string; notBefore?: string };

/** What a complaint about a request as a whole means, and one about a record of a collection. */
const meanings: [code: string, message: string, whole: Expected, row: Expected][] = [];
const same = (code: string, message: string, expected: Expected) =>
  meanings.push([code, message, expected, expected]);

for (const code of [
  'UNABLE_TO_LOCK_ROW',
  'SERVER_UNAVAILABLE',
  'UNKNOWN_EXCEPTION',
  'REQUEST_RUNNING_TOO_LONG',
  'TOO_MANY_APEX_REQUESTS',
  'ENTITY_IS_LOCKED',
  'A_CODE_OF_NEXT_YEAR',
]) {
  same(code, 'words', { kind: 'retry' });
}
for (const code of ['QUERY_TIMEOUT', 'QUERY_TOO_COMPLICATED'])
  same(code, 'words', { kind: 'retry', cure: 'slow' });
same('REQUEST_LIMIT_EXCEEDED', 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.', {
  kind: 'retry',
  notBefore: '2026-11-02T03:15:10.000Z',
});
same('REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.', {
  kind: 'blocked',
  notBefore: '2026-11-02T03:30:00.000Z',
});
same('INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE', 'words', {
  kind: 'blocked',
  notBefore: '2026-11-02T03:20:00.000Z',
});
for (const code of ['INVALID_SESSION_ID', 'INVALID_AUTH_HEADER', 'INVALID_ACCESS_TOKEN']) {
  same(code, 'words', { kind: 'blocked', cure: 'token' });
}
for (const code of [
  'API_DISABLED_FOR_ORG',
  'API_CURRENTLY_DISABLED',
  'FUNCTIONALITY_NOT_ENABLED',
  'STORAGE_LIMIT_EXCEEDED',
  'LICENSE_LIMIT_EXCEEDED',
  'UNSUPPORTED_API_VERSION',
  'DUPLICATE_EXTERNAL_ID',
  'INVALID_TYPE',
  'INSUFFICIENT_ACCESS',
]) {
  same(code, 'words', { kind: 'blocked' });
}
same('INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights on object id', {
  kind: 'blocked',
  cure: 'theirs',
});
same('NOT_FOUND', 'Provided external ID field does not exist or is not accessible: Delacon_Call_Id__c', {
  kind: 'blocked',
});
same('NOT_FOUND', 'The requested resource does not exist', { kind: 'blocked' });
same('INVALID_FIELD', "No such column 'Delacon_Caller__c' on sobject of type Lead", {
  kind: 'blocked',
  cure: 'fields',
});
same('INVALID_FIELD', "No such column 'LeadSource' on sobject of type Lead", {
  kind: 'blocked',
  cure: 'fields',
});
same('INVALID_FIELD', "No such column 'Keywords__c' on sobject of type Task", {
  kind: 'blocked',
  cure: 'fields',
});
same('INVALID_FIELD_FOR_INSERT_UPDATE', 'Unable to create/update fields: Keywords__c. Please check', {
  kind: 'blocked',
  cure: 'fields',
});
same('INVALID_FIELD_FOR_INSERT_UPDATE', 'Unable to create/update fields: CallType. Please check', {
  kind: 'blocked',
  cure: 'fields',
});
for (const code of [
  'STRING_TOO_LONG',
  'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
  'NUMBER_OUTSIDE_VALID_RANGE',
  'INVALID_EMAIL_ADDRESS',
  'JSON_PARSER_ERROR',
]) {
  same(code, 'words', { kind: 'rejected', cure: 'values' });
}
for (const code of [
  'REQUIRED_FIELD_MISSING',
  'MALFORMED_QUERY',
  'MALFORMED_SEARCH',
  'INVALID_PERSON_ACCOUNT_OPERATION',
  'ENTITY_IS_ARCHIVED',
]) {
  same(code, 'words', { kind: 'rejected' });
}
for (const code of [
  'FIELD_CUSTOM_VALIDATION_EXCEPTION',
  'FIELD_INTEGRITY_EXCEPTION',
  'MALFORMED_ID',
  'INVALID_OPERATION',
  'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY',
]) {
  same(code, 'words', { kind: 'rejected', cure: 'content' });
}
same('DUPLICATES_DETECTED', 'Use one of these records?', { kind: 'rejected', cure: 'similar' });
same('INACTIVE_OWNER_OR_USER', 'operation performed with inactive user [005] as owner of task', {
  kind: 'rejected',
  cure: 'owner',
});
for (const code of ['TRANSFER_REQUIRES_READ', 'INVALID_OWNER']) {
  same(code, 'words', { kind: 'rejected', cure: 'owner' });
}
for (const code of ['INVALID_CROSS_REFERENCE_KEY', 'FIELD_INTEGRITY_EXCEPTION']) {
  same(code, 'Owner ID: owner cannot be blank', { kind: 'rejected', cure: 'owner' });
}
for (const name of ['Delacon_Follow_Up__c', 'Delacon_First_Source__c']) {
  same('INVALID_FIELD', `No such column '${name}' on sobject of type Task`, {
    kind: 'blocked',
    cure: 'fields',
  });
}
for (const code of ['ENTITY_IS_DELETED', 'INVALID_CROSS_REFERENCE_KEY']) {
  same(code, 'words', { kind: 'rejected', cure: 'gone' });
}
same('INVALID_CROSS_REFERENCE_KEY', "Record Type ID: this ID value isn't valid for the user", {
  kind: 'rejected',
  cure: 'content',
});
same('CANNOT_UPDATE_CONVERTED_LEAD', 'cannot reference converted lead', {
  kind: 'rejected',
  cure: 'converted',
});
same('DUPLICATE_VALUE', 'duplicate value found: Delacon_Call_Id__c duplicates value on record with id: 00T', {
  kind: 'retry',
  cure: 'taken',
});
same('DUPLICATE_VALUE', 'Duplicate external id specified: 1122334', { kind: 'retry', cure: 'smaller' });
const trigger = 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY';
same(trigger, 'TaskTrigger: UNABLE_TO_LOCK_ROW', { kind: 'retry' });
same(trigger, 'System.LimitException: Too many SOQL queries: 101', { kind: 'retry', cure: 'smaller' });
same(trigger, 'Apex CPU time limit exceeded', { kind: 'retry', cure: 'smaller' });
same(trigger, 'entity type cannot be inserted: Lead', { kind: 'blocked' });
same(trigger, 'TaskTrigger: a dealer is needed', { kind: 'rejected', cure: 'content' });
// A flow gives way as a trigger does. These were tried for seven days.
const flow = 'CANNOT_EXECUTE_FLOW_TRIGGER';
same(flow, 'We can\'t save this record because the "Lead" process failed.', {
  kind: 'rejected',
  cure: 'content',
});
same(flow, 'This error occurred: LimitException: Too many SOQL queries: 101', {
  kind: 'retry',
  cure: 'smaller',
});
same('INVALID_CURRENCY_ISO', 'words', { kind: 'rejected', cure: 'content' });
same('TXN_SECURITY_NO_ACCESS', 'words', { kind: 'blocked' });
meanings.push(['LIMIT_EXCEEDED', 'words', { kind: 'retry', cure: 'smaller' }, { kind: 'rejected' }]);

for (const [code, message, whole, row] of meanings) {
  failures(`${code}, "${message.slice(0, 60)}" is ${whole.kind}`, () => {
    const told = [
      [failureOfAnswer({ status: 400, body: [{ errorCode: code, message }] }, where), whole],
      [failureOfRow([{ statusCode: code, message, fields: [] }], where), row],
    ] as const;
    for (const [failure, expected] of told) {
      assert.is(failure.kind, expected.kind);
      assert.is(failure.cure?.what, expected.cure);
      assert.is(failure.notBefore?.toISOString(), expected.notBefore);
      assert.ok(failure.reason.includes(message), failure.reason);
    }
  });
}

failures('a record that may not be changed is rejected by itself: others may be', () => {
  const error = { statusCode: 'INSUFFICIENT_ACCESS_OR_READONLY', message: 'insufficient access rights' };
  assert.is(failureOfRow([error], { ...where, request: 'update Task' }).kind, 'rejected');
});

failures('what the configuration maps may be gone, and no person is because of it', () => {
  for (const [fields, cure] of [
    [['Keywords__c'], 'content'],
    [['WhoId'], 'gone'],
    [['Keywords__c', 'WhoId'], 'gone'],
    [[], 'gone'],
  ] as const) {
    const error = { statusCode: 'ENTITY_IS_DELETED', message: 'entity is deleted', fields };
    assert.is(failureOfRow([error], where).cure?.what, cure);
  }
});

failures('the day is over when Salesforce counts as many requests as it allows, whatever it says', () => {
  const body = [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'Limit exceeded.' }];
  const kindWith = (used: number) =>
    failureOfAnswer({ status: 403, body }, { ...where, usage: { used, limit: 15_000 } }).kind;
  assert.is(kindWith(15_000), 'blocked');
  assert.is(kindWith(14_000), 'retry');
});

failures('of several complaints, the cause counts and not what followed from it', () => {
  const errors = [
    { statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK', message: 'rolled back' },
    { statusCode: 'STRING_TOO_LONG', message: 'too long' },
  ];
  assert.is(failureOfRow(errors, where).cure?.what, 'values');
});

for (const status of [300, 302, 400, 401, 403, 404, 409, 410, 413, 414, 420, 429, 431, 500, 502, 503, 504]) {
  failures(`a page or nothing with ${status} is a gateway's, and no verdict; its title is quoted`, () => {
    const page = '<html><head><title>Down for maintenance</title></head><body>…</body></html>';
    for (const body of [page, undefined, {}, [], 'no', { error: 'Not Found' }]) {
      const failure = failureOfAnswer({ status, body }, where);
      assert.is(failure.kind, 'retry', JSON.stringify(body));
      const isTooLong = status === 413 || status === 414 || status === 431;
      assert.is(failure.scope, isTooLong ? undefined : 'connector', 'one long record says nothing of others');
      if (body === page)
        assert.ok(failure.reason.includes(`with ${status}: "Down for maintenance"`), failure.reason);
    }
  });
}

failures(
  'no answer, a busy server and a limit on requests are the connector\u2019s; a locked record is the call\u2019s',
  () => {
    const coded = (status: number, errorCode: string) =>
      failureOfAnswer({ status, body: [{ errorCode, message: 'No.' }] }, where).scope;
    assert.equal(
      [
        salesforce.silence(new Error('cut'), where).scope,
        coded(503, 'SERVER_UNAVAILABLE'),
        coded(500, 'UNKNOWN_EXCEPTION'),
        coded(403, 'REQUEST_LIMIT_EXCEEDED'),
        coded(500, 'SOMETHING_NEW'),
        coded(400, 'UNABLE_TO_LOCK_ROW'),
        failureOfRow([{ statusCode: 'UNKNOWN_EXCEPTION', message: 'No.' }], where).scope,
      ],
      ['connector', 'connector', 'connector', 'connector', 'connector', undefined, undefined],
    );
  },
);

const oauth: [error: string, status: number, kind: string][] = [
  ['invalid_grant', 400, 'blocked'],
  ['invalid_client', 401, 'blocked'],
  ['invalid_client_id', 400, 'blocked'],
  ['unsupported_grant_type', 400, 'blocked'],
  ['inactive_user', 400, 'blocked'],
  ['unknown_error', 400, 'retry'],
  ['rate_limit_exceeded', 400, 'retry'],
  ['server_error', 500, 'retry'],
];
for (const [error, status, kind] of oauth) {
  failures(`OAuth's ${error} is ${kind}`, () => {
    const body = { error, error_description: 'words of theirs' };
    const failure = failureOfToken({ status, body }, 'Check the app.', where);
    assert.is(failure.kind, kind);
    assert.match(failure.reason, /words of theirs/);
  });
}

failures('no answer is worth a retry, whatever it was', () => {
  const reset = new TypeError('fetch failed', {
    cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }),
  });
  assert.equal(salesforce.silence(reset, where), {
    kind: 'retry',
    scope: 'connector',
    reason: 'Salesforce gave no usable answer to upsert Task: the connection was cut (ECONNRESET).',
    isUnanswered: true,
  });
});

failures('a secret that Salesforce repeats is not shown', () => {
  const body = [{ errorCode: 'STRING_TOO_LONG', message: 'value: very-secret' }];
  assert.not.match(failureOfAnswer({ status: 400, body }, where).reason, /very-secret/);
});

// As deliveries meet them

/** Of the first call of a batch: of more new callers than are made together with their calls, if so wanted. */
async function outcomeOf(fault: Fault, at: string) {
  return withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    salesforce.strike(fault, at);
    const batch = newCallers(['POST /composite/sobjects', '/Task/'].includes(at) ? 20 : 1);
    const [outcome] = await connection.deliver(batch, soon());
    const again = await connection.deliver(batch, soon());
    assert.equal(new Set(again.map(({ kind }) => kind)), new Set(['delivered']));
    assert.is(salesforce.tasks().length, batch.length);
    assert.is(salesforce.leads().length, batch.length);
    return outcome as Outcome;
  });
}

const passing = [
  'tooManyAtOnce',
  'serverError',
  'unavailable',
  'maintenance',
  'gatewayTimeout',
  'brokenJson',
] as const;
for (const at of ['POST /composite', 'GET /search', 'Lead+Task', 'POST /composite/sobjects', '/Task/']) {
  failures(`what passes by itself is retried at ${at}, and nothing is doubled`, async () => {
    for (const name of passing) {
      const outcome = await outcomeOf(faults[name], at);
      assert.is(outcome.kind, 'retry', `${name}: ${JSON.stringify(outcome)}`);
    }
  });
}

failures('a maintenance page is quoted by its title', async () => {
  const outcome = await outcomeOf(faults.maintenance, '/Task/');
  assert.is(
    outcome.kind === 'retry' && outcome.reason,
    'Salesforce answered upsert Task with 503: "Down for maintenance".',
  );
});

failures('the allowance of the day blocks, and says until when', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    salesforce.useUpAllowance();
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /used up.*TotalRequests Limit exceeded/);
    assert.ok(outcome.kind === 'blocked' && outcome.notBefore && outcome.notBefore > new Date());
  }),
);

failures('a full storage blocks', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.storageFull = true;
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /STORAGE_LIMIT_EXCEEDED/);
  }),
);

failures('a redirect is not followed: it would turn a write into a read', async () => {
  const page = { commits: false, answer: { status: 302, headers: { Location: '/' }, body: 'moved' } };
  const outcome = await outcomeOf(page, '/Task/');
  assert.is(outcome.kind, 'retry');
});

failures('a page where JSON should be is not taken for an answer', async () => {
  const page = {
    commits: false,
    answer: { status: 200, headers: { 'Content-Type': 'text/html' }, body: '<html>' },
  };
  assert.is((await outcomeOf(page, '/Task/')).kind, 'retry');
});

failures('a standard field that the user may not write blocks, and says what to do', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.hidden.add('Lead.LeadSource');
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /edit LeadSource, or map it/);
    const connection = await open(salesforce, { person: { properties: { LeadSource: '' } } });
    const without = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(without.kind, 'delivered', JSON.stringify(without));
  }),
);

failures('an unknown version of the API blocks', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { apiVersion: '99.0' });
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /Check apiVersion/);
  }),
);

failures('any answer that nobody foresaw is worth a retry', async () => {
  const strange = answering(418, [{ errorCode: 'TEAPOT', message: 'short and stout' }]);
  const outcome = await outcomeOf(strange, '/Task/');
  assert.is(outcome.kind, 'retry');
  assert.match(JSON.stringify(outcome), /418 TEAPOT: .*short and stout/);
});

/*
 * The client takes whatever comes. What Salesforce did not say was then found out by whoever needed it, as a TypeError
 * that took every call of the batch along, and told nobody which answer it was.
 */
for (const [request, kind, body, part] of [
  ['/Opportunity/describe', 'describe Opportunity', [], 'the answer'],
  ['/Opportunity/describe', 'describe Opportunity', { fields: null }, 'fields'],
] as const)
  failures(`${JSON.stringify(body)} in answer to ${kind} is no answer, and the reason says so`, () =>
    withSalesforceEmulator(async (salesforce) => {
      salesforce.strike(answering(200, body), request);
      const connection = await open(salesforce, { sale: { when: 'true', stage: 'Closed Won' } });
      const outcome = await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')]));
      assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
      const reason = `Salesforce gave no usable answer to ${kind}: ${part} cannot be read.`;
      assert.ok((outcome as { reason: string }).reason.endsWith(reason), JSON.stringify(outcome));
      const again = await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')]));
      assert.is(again.kind, 'delivered', JSON.stringify(again));
      assert.is(salesforce.tasks().length, 1);
    }),
  );

const pageOf = (nextRecordsUrl: string) => ({ totalSize: 1, done: false, nextRecordsUrl, records: [] });
const rowsIn = (body: unknown) => ({
  compositeResponse: [{ body, httpHeaders: {}, httpStatusCode: 200, referenceId: 'q0' }],
});

failures('pages that never end are not turned for ever', () =>
  withSalesforceEmulator(async (salesforce) => {
    const endless = pageOf('/services/data/v64.0/query/01g-2000');
    salesforce.strike(answering(200, rowsIn(endless)), 'POST /composite');
    for (let n = 0; n < 120; n++) salesforce.strike(answering(200, endless), 'GET /query/');
    await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    assert.is(salesforce.countRequests('GET /query/'), 99);
  }),
);

failures('a page elsewhere is not asked for: the token would go there', () =>
  withSalesforceEmulator(async (salesforce) =>
    withSalesforceEmulator(async (elsewhere) => {
      const page = pageOf(`${elsewhere.url}/services/data/v64.0/query/01g-2000`);
      salesforce.strike(answering(200, rowsIn(page)), 'POST /composite');
      const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
      assert.equal(elsewhere.requests, {});
    }),
  ),
);

failures('what should be text and is none is read as nothing said', () => {
  const odd = { constructor: 1, toString: 2, length: -1 };
  const failure = failureOfRow(
    [{ statusCode: 'UNABLE_TO_LOCK_ROW', message: odd, fields: [odd] } as never],
    where,
  );
  assert.is(failure.kind, 'retry');
  const token = { error: 'invalid_grant', error_description: odd };
  assert.is(
    failureOfToken({ status: 400, body: token, headers: {} } as never, 'Advice.', where).kind,
    'blocked',
  );
});

failures.run();
