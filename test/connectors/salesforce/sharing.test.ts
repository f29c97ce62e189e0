import type { Records } from '../../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import {
  faults,
  type SalesforceEmulator,
  withSalesforceEmulator,
} from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, soon } from './rig.ts';

/** Activities are Private in a new org: who has given a Task away may not change it any more. */
const sharing = suite('salesforce sharing');

const jane = 'jane@acme.example';
const byService = { by: 'call.serviceId', map: { '123': jane } };
const owner = { by: 'call.answeredBy.number', map: { '02 9898 9898': jane } };
const addJane = (salesforce: SalesforceEmulator, more: Record<string, unknown> = {}) =>
  salesforce.addUser({ Username: jane, Email: jane, ...more });

const start = (records: Records = {}) => deliveryOf([startPush('1')], { records });
const ended = (records: Records = {}, survey = {}) =>
  deliveryOf([startPush('1'), endPush('1', { PLA_SurveyOutcome: '', ...survey })], { records });
const shown = (salesforce: SalesforceEmulator) => {
  const [task] = salesforce.tasks();
  return [task?.['OwnerId'], task?.['Status'], task?.['CallDurationInSeconds']];
};

for (const [how, settings] of [
  ['by the service, known at the start', { owner: byService }],
  ['by who answered', { owner }],
  ['by a mapping', { activity: { properties: { OwnerId: '{{ "0055g00000janexAAA" }}' } } }],
] as const)
  sharing(`a Task is completed as it is given away, ${how}`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const id = 'owner' in settings ? addJane(salesforce) : '0055g00000janexAAA';
      if (!('owner' in settings))
        salesforce.org.entries.set(id, {
          id,
          object: 'User',
          values: { IsActive: true },
          deleted: false,
          indexed: [],
        });
      const connection = await open(salesforce, settings);
      const { records = {} } = await deliverOne(connection, start());
      assert.equal(shown(salesforce), [salesforce.org.userId, 'In Progress', undefined]);
      const outcome = await deliverOne(connection, ended(records));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.equal(shown(salesforce), [id, 'Completed', 50]);
    }),
  );

sharing('what comes after that shows as failed, with what to grant; its sale is made all the same', () =>
  withSalesforceEmulator(async (salesforce) => {
    addJane(salesforce);
    const sale = { when: "call.survey.outcome == 'Sale'", stage: 'Closed Won' };
    const connection = await open(salesforce, { owner: byService, sale });
    const { records = {} } = await deliverOne(connection, ended());
    const outcome = await deliverOne(connection, ended(records, { PLA_SurveyOutcome: 'Sale' }));
    assert.is(outcome.kind, 'rejected', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /somebody else's.*\\"Owners\\" in connectors.*what to grant/);
    assert.is(salesforce.opportunities().length, 1);
    assert.is(outcome.records?.sale?.id, salesforce.opportunities()[0]?.id);

    salesforce.grantModifyAll();
    const mended = await deliverOne(connection, ended(outcome.records ?? {}, { PLA_SurveyOutcome: 'Sale' }));
    assert.is(mended.kind, 'delivered', JSON.stringify(mended));
    assert.match(String(salesforce.tasks()[0]?.['Description']), /Sale/);
    assert.is(salesforce.opportunities().length, 1);
  }),
);

sharing('an end after lapseAfter is such a thing, and nothing is in progress for ever', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = addJane(salesforce);
    const connection = await open(salesforce, { owner: byService });
    const { records = {} } = await deliverOne(connection, start());
    const lapsed = deliveryOf([startPush('1')], { records, lapsed: true });
    assert.is((await deliverOne(connection, lapsed)).kind, 'delivered');
    assert.equal(shown(salesforce), [id, 'Completed', undefined]);
    const late = await deliverOne(connection, ended(records));
    assert.is(late.kind, 'rejected', JSON.stringify(late));
    salesforce.grantModifyAll('Lead');
    assert.is((await deliverOne(connection, ended(records))).kind, 'delivered');
    assert.equal(shown(salesforce), [id, 'Completed', 50]);
  }),
);

for (const isKilled of [false, true])
  sharing(`a lost answer to the giving away is no failure${isKilled ? ', after a kill either' : ''}`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const id = addJane(salesforce);
      const activity = { properties: { ReminderDateTime: '{{ call.endedAt }}', CallObject: '' } };
      const connection = await open(salesforce, { owner, activity });
      const { records = {} } = await deliverOne(connection, start());
      salesforce.strike(faults.loseAnswer, 'PATCH /composite/sobjects', 1); // after the lead's
      const lost = await deliverOne(connection, ended(records));
      assert.is(lost.kind, 'retry', JSON.stringify(lost));
      assert.equal(shown(salesforce), [id, 'Completed', 50]);
      const again = await deliverOne(
        await open(salesforce, { owner, activity }),
        ended(isKilled ? {} : records),
      );
      assert.is(again.kind, 'delivered', JSON.stringify(again));
      assert.is(salesforce.tasks().length, 1);
    }),
  );

sharing('a Task of nobody that was given away cannot even be seen: that call alone is told of', () =>
  withSalesforceEmulator(async (salesforce) => {
    addJane(salesforce);
    const connection = await open(salesforce, { owner: byService });
    const hidden = { PLA_Caller_Phone_Number: 'anonymous' };
    const call = deliveryOf([startPush('1', hidden), endPush('1')]);
    const { kind, records = {} } = await deliverOne(connection, call);
    assert.is(kind, 'delivered');
    const again = await deliverOne(connection, { ...call, records });
    assert.is(again.kind, 'delivered', JSON.stringify(again)); // it is known what it says
    const after = await deliverOne(await open(salesforce, { owner: byService }), call);
    assert.is(after.kind, 'rejected', JSON.stringify(after));
    assert.match(JSON.stringify(after), /may not even see it/);
    assert.is(salesforce.tasks().length, 1);
  }),
);

sharing('a follow-up that somebody has is not completed by the next call, and the note says why', () =>
  withSalesforceEmulator(async (salesforce) => {
    addJane(salesforce);
    const followUp = { when: 'call.missed', doneWhen: 'calledAgain' };
    const connection = await open(salesforce, { owner: byService, followUp });
    await deliverOne(connection, ended({}, { PLA_CallResult: 'Unanswered' }));
    const next = deliveryOf([startPush('2', { PLA_CallStartTime: '2026-11-02T02:00:00Z' }), endPush('2')]);
    const outcome = await deliverOne(connection, next);
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(
      JSON.stringify(outcome),
      /follow-up 00T\w+ of an earlier call stays open. It is somebody else's/,
    );
  }),
);

async function found(salesforce: SalesforceEmulator, settings: Record<string, unknown> = {}) {
  const connection = await open(salesforce, { owner: byService, ...settings });
  const findings = await connection.check(soon());
  return findings.find(({ subject }) => subject === 'sharing of activities');
}

const roles = (salesforce: SalesforceEmulator, mine: 'above' | 'beside') => {
  const head = salesforce.org.insert('UserRole', { Name: 'Head' }).id;
  const middle = salesforce.org.insert('UserRole', { Name: 'Middle', ParentRoleId: head }).id;
  const sales = salesforce.org.insert('UserRole', { Name: 'Sales', ParentRoleId: middle }).id;
  addJane(salesforce, { UserRoleId: sales });
  salesforce.edit(salesforce.org.userId, { UserRoleId: mine === 'above' ? head : sales });
};

for (const [title, prepare, level, words, options] of [
  ['nothing granted', (s) => addJane(s), 'problem', /Private in this org.*of jane@acme.example.*survey/, {}],
  ['the same role', (s) => roles(s, 'beside'), 'problem', /Private/, {}],
  ['a role above', (s) => roles(s, 'above'), 'ok', /above all owners/, {}],
  ['Modify All Data', (s) => [addJane(s), s.grantModifyAll()], 'ok', /may write/, {}],
  [
    'Modify All on both objects',
    (s) => [addJane(s), s.grantModifyAll('Lead'), s.grantModifyAll('Contact')],
    'ok',
    /may write/,
    {},
  ],
  ['Modify All on one', (s) => [addJane(s), s.grantModifyAll('Lead')], 'problem', /Private/, {}],
  ['Controlled by Parent', (s) => addJane(s), 'ok', /the person/, { activities: 'ControlledByParent' }],
  [
    'Controlled by Parent, and accounts private',
    (s) => {
      addJane(s);
      const account = s.org
        .live('EntityDefinition')
        .find(({ values }) => values['QualifiedApiName'] === 'Account');
      s.edit(String(account?.id), { InternalSharingModel: 'Private' });
    },
    'problem',
    /not change every Contact/,
    { activities: 'ControlledByParent' },
  ],
  [
    'a set-up that the user may not see',
    (s) => {
      addJane(s);
      for (const object of ['EntityDefinition', 'PermissionSet', 'UserRole']) s.org.hiddenObjects.add(object);
    },
    'warning',
    /cannot be seen/,
    {},
  ],
] as [
  string,
  (salesforce: SalesforceEmulator) => unknown,
  string,
  RegExp,
  { activities?: 'ControlledByParent' },
][])
  sharing(`check tells whether later writes will do: ${title}`, () =>
    withSalesforceEmulator(async (salesforce) => {
      prepare(salesforce);
      const finding = await found(salesforce);
      assert.is(finding?.level, level, JSON.stringify(finding));
      assert.match(finding?.message ?? '', words);
      if (level !== 'ok') assert.match(finding?.fix ?? '', /"Modify All" on .*Contact, Lead.*role above/);
      assert.is(await found(salesforce, { owner: undefined }), undefined);
    }, options),
  );

sharing.run();
