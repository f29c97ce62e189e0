import type { Fields } from '../../../src/call/push.ts';
import type { Records } from '../../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import {
  answering,
  type Fault,
  faults,
  type SalesforceEmulator,
  withSalesforceEmulator,
} from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, soon } from './rig.ts';

const after = suite('salesforce after a call');

const followUp = { dueIn: '4h' };
const sale = { when: "call.survey.outcome == 'Sale'", stage: 'closed won' };

const missed = { PLA_CallResult: 'Unanswered', PLA_Answering_Point: '', PLA_SurveyOutcome: '' };
const missedCall = (id: string, more: Fields = {}) => deliveryOf([startPush(id, more), endPush(id, missed)]);
const saleCall = (id: string, more: Fields = {}) => deliveryOf([startPush(id, more), endPush(id)]);

const callsOf = (salesforce: SalesforceEmulator) =>
  salesforce.tasks().filter((task) => task['Delacon_Call_Id__c'] !== undefined);
const followUpsOf = (salesforce: SalesforceEmulator) =>
  salesforce.tasks().filter((task) => task['Delacon_Follow_Up__c'] !== undefined);

// Follow-ups

after('a missed call leaves a Task on its caller, due in working time, with a reminder', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { followUp: { dueIn: '4h', hours: {} } });
    // A Friday, 16:00 in Sydney: an hour is left of the day, three are due on Monday.
    const start = { PLA_CallStartTime: '2026-10-30T05:00:00Z', PLA_Dealer_Name: 'Northside Plumbing' };
    const outcome = await deliverOne(
      connection,
      deliveryOf([startPush('1', start), endPush('1', { ...missed, PLA_Duration: '0s' })]),
    );
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    const [task] = followUpsOf(salesforce);
    assert.equal(outcome.records?.followUp, { type: 'task', id: task?.id });
    assert.is(task?.['Delacon_Follow_Up__c'], '1');
    assert.is(task?.['Subject'], 'Call back 0444 444 444');
    assert.is(task?.['Status'], 'Not Started');
    assert.is(task?.['ActivityDate'], '2026-11-02');
    assert.is(task?.['IsReminderSet'], true);
    assert.is(task?.['ReminderDateTime'], '2026-11-02T01:00:00.000Z');
    assert.is(task?.['WhoId'], salesforce.leads()[0]?.id);
    assert.match(String(task?.['Description']), /^Missed call · /);
    assert.is(callsOf(salesforce).length, 1);
  }),
);

/** Four hours are four hours, and the day is that of the clocks as they are then. */
for (const [what, timezone, startedAt, dueAt, day] of [
  ['forward, 2:00', 'Australia/Sydney', '2026-10-03T15:30:00Z', '2026-10-03T19:30:00.000Z', '2026-10-04'],
  ['forward, 2:00', 'Australia/Sydney', '2026-10-03T13:30:00Z', '2026-10-03T17:30:00.000Z', '2026-10-04'],
  ['back, 3:00', 'Australia/Sydney', '2026-04-05T09:45:00Z', '2026-04-05T13:45:00.000Z', '2026-04-05'],
  ['back, 3:00', 'Australia/Sydney', '2026-04-05T10:00:00Z', '2026-04-05T14:00:00.000Z', '2026-04-06'],
  ['forward, 2:00', 'Pacific/Auckland', '2026-09-27T07:30:00Z', '2026-09-27T11:30:00.000Z', '2026-09-28'],
  ['back, 3:00', 'Pacific/Auckland', '2026-04-04T13:30:00Z', '2026-04-04T17:30:00.000Z', '2026-04-05'],
  ['into a leap day', 'Australia/Sydney', '2024-02-28T10:00:00Z', '2024-02-28T14:00:00.000Z', '2024-02-29'],
  ['out of a leap day', 'Australia/Sydney', '2024-02-29T10:00:00Z', '2024-02-29T14:00:00.000Z', '2024-03-01'],
] as const)
  after(`due in four hours: ${what}, ${timezone}, ${startedAt}`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const connection = await open(salesforce, { followUp: { dueIn: '4h' } });
      const start = { PLA_CallStartTime: startedAt };
      const { source, ...delivery } = deliveryOf([
        startPush('1', start),
        endPush('1', { ...missed, PLA_Duration: '0s' }),
      ]);
      await deliverOne(connection, { ...delivery, source: { ...source, timezone } });
      const [task] = followUpsOf(salesforce);
      assert.equal([task?.['ReminderDateTime'], task?.['ActivityDate']], [dueAt, day]);
    }),
  );

after('a call that rings or was answered leaves none', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { followUp });
    await deliverOne(connection, deliveryOf([startPush('1')]));
    await deliverOne(connection, saleCall('2'));
    assert.equal(followUpsOf(salesforce), []);
  }),
);

after('its mapping adds to a follow-up, replaces and takes away', () =>
  withSalesforceEmulator(async (salesforce) => {
    const properties = { Priority: 'High', ReminderDateTime: '', IsReminderSet: false };
    const connection = await open(salesforce, {
      followUp: { subject: 'Ring {{ call.caller.number }}', properties },
    });
    await deliverOne(connection, missedCall('1'));
    const [task] = followUpsOf(salesforce);
    assert.is(task?.['Subject'], 'Ring +61444444444');
    assert.is(task?.['Priority'], 'High');
    assert.is(task?.['IsReminderSet'], false);
    assert.is(task?.['ReminderDateTime'], undefined);
  }),
);

after('one request more for all of a batch, and none for a call that has them already', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { followUp, sale });
    await connection.deliver([missedCall('0'), saleCall('s0')], soon());
    salesforce.forgetRequests();
    const batch = Array.from({ length: 50 }, (_, i) => missedCall(`m${i}`));
    const outcomes = await connection.deliver(batch, soon());
    assert.equal(salesforce.requests, {
      'PATCH /composite/sobjects/Task/Delacon_Call_Id__c': 1,
      'POST /composite/sobjects': 1,
    });
    assert.is(followUpsOf(salesforce).length, 51);
    salesforce.forgetRequests();
    const again = batch.map((delivery, i) => ({ ...delivery, records: outcomes[i]?.records as Records }));
    await connection.deliver(again, soon());
    assert.equal(salesforce.requests, { 'PATCH /composite/sobjects': 1 });
    salesforce.forgetRequests();
    // Sales ask where the calls are by now, for the account.
    await connection.deliver([missedCall('x'), saleCall('y')], soon());
    assert.equal(salesforce.requests, {
      'PATCH /composite/sobjects/Task/Delacon_Call_Id__c': 1,
      'POST /composite': 1,
      'POST /composite/sobjects': 1,
    });
  }),
);

for (const [name, fault] of [
  ['loseAnswer', faults.loseAnswer],
  ['gatewayTimeout', faults.gatewayTimeout],
  ['brokenJson', faults.brokenJson],
  ['serverError', faults.serverError],
] as const) {
  after(`${name} at the records after a call: retried, told, and each is there once`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const connection = await open(salesforce, { followUp, sale: { ...sale, when: 'call.missed' } });
      salesforce.strike(fault, 'POST /composite/sobjects');
      const lost = await deliverOne(connection, missedCall('1'));
      assert.is(lost.kind, 'retry', JSON.stringify(lost));
      assert.match(JSON.stringify(lost), /The call is in Salesforce, its follow-up is not/);
      assert.ok(lost.records?.activity, 'what is there is told');
      const outcome = await deliverOne(connection, { ...missedCall('1'), records: lost.records ?? {} });
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.is(outcome.records?.followUp?.id, followUpsOf(salesforce)[0]?.id);
      assert.is(outcome.records?.sale?.id, salesforce.opportunities()[0]?.id);
      assert.is(followUpsOf(salesforce).length, 1);
      assert.is(salesforce.opportunities().length, 1);
      assert.is(callsOf(salesforce).length, 1);
    }),
  );
}

after('a follow-up whose answer was lost is left as people have it', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { followUp });
    const first = await deliverOne(connection, missedCall('1'));
    salesforce.edit(first.records?.followUp?.id ?? '', { Subject: 'Done by hand', Status: 'Completed' });
    const outcome = await deliverOne(await open(salesforce, { followUp }), missedCall('1'));
    assert.equal(outcome.records?.followUp, first.records?.followUp);
    assert.is(followUpsOf(salesforce)[0]?.['Subject'], 'Done by hand');
    assert.is(followUpsOf(salesforce)[0]?.['Status'], 'Completed');
  }),
);

after('a follow-up that somebody deleted is not made again', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { followUp });
    const { records = {} } = await deliverOne(connection, missedCall('1'));
    salesforce.delete(records.followUp?.id ?? '');
    const outcome = await deliverOne(connection, { ...missedCall('1'), records });
    assert.is(outcome.kind, 'delivered');
    assert.equal(followUpsOf(salesforce), []);
  }),
);

after('the lead that became a contact meanwhile gets the follow-up as the contact', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { followUp });
    const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
    const contact = salesforce.convertLead(records.person?.id ?? '');
    const outcome = await deliverOne(connection, { ...missedCall('1'), records });
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.is(followUpsOf(salesforce)[0]?.['WhoId'], contact);
  }),
);

after('a follow-up whose person is gone is for whoever is made of the caller anew', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { followUp });
    for (const isNamed of [true, false]) {
      const caller = { PLA_Caller_Phone_Number: isNamed ? '+61444444441' : '+61444444442' };
      const call = `${isNamed}`;
      const { records = {} } = await deliverOne(connection, deliveryOf([startPush(call, caller)]));
      const lead = salesforce.org.entries.get(records.person?.id ?? '');
      if (lead) lead.deleted = true; // and not the Task with it
      if (!isNamed) salesforce.edit(records.activity?.id ?? '', { WhoId: null });
      const outcome = await deliverOne(connection, { ...missedCall(call, caller), records });
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.match(JSON.stringify(outcome), /no longer has the lead/);
    }
    assert.equal(
      followUpsOf(salesforce).map((task) => task['WhoId']),
      salesforce.leads().map(({ id }) => id),
    );
    assert.is(callsOf(salesforce).length, 2);
  }),
);

after('a person who was deleted with the call while it rang is made again, with all of it', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { followUp });
    const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
    salesforce.delete(records.person?.id ?? '');
    const outcome = await deliverOne(connection, { ...missedCall('1'), records });
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    const [lead] = salesforce.leads();
    assert.equal(
      salesforce.tasks().map((task) => task['WhoId']),
      [lead?.id, lead?.id],
    );
  }),
);

after(
  'what the org refuses of a follow-up rejects in its words; the call stays, and its neighbours go on',
  () =>
    withSalesforceEmulator(async (salesforce) => {
      salesforce.org.refusedValues.set('Task.Subject', /^Call back 0444 444 442/);
      const connection = await open(salesforce, { followUp });
      const numbers = ['+61444444441', '+61444444442', '+61444444443'];
      const outcomes = await connection.deliver(
        numbers.map((number, i) => missedCall(`c${i}`, { PLA_Caller_Phone_Number: number })),
        soon(),
      );
      assert.equal(
        outcomes.map(({ kind }) => kind),
        ['delivered', 'rejected', 'delivered'],
      );
      assert.match(JSON.stringify(outcomes[1]), /its follow-up is not.*FIELD_CUSTOM_VALIDATION_EXCEPTION/);
      assert.ok(outcomes[1]?.records?.activity);
      assert.is(callsOf(salesforce).length, 3);
      assert.is(followUpsOf(salesforce).length, 2);
    }),
);

after('a locked person delays the follow-up, not the call', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { followUp });
    await deliverOne(connection, missedCall('0'));
    salesforce.org.locked.add(salesforce.leads()[0]?.id ?? '');
    const outcome = await deliverOne(connection, missedCall('1'));
    assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /its follow-up is not.*UNABLE_TO_LOCK_ROW/);
    assert.is(callsOf(salesforce).length, 2);
    salesforce.org.locked.clear();
    const again = await deliverOne(connection, { ...missedCall('1'), records: outcome.records ?? {} });
    assert.is(again.kind, 'delivered');
    assert.is(followUpsOf(salesforce).length, 2);
  }),
);

after('an answer that tells of fewer records than were sent is believed of none', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { followUp });
    salesforce.strike(answering(200, []), 'POST /composite/sobjects');
    const outcome = await deliverOne(connection, missedCall('1'));
    assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    assert.equal(followUpsOf(salesforce), []);
  }),
);

after('without setup, calls go on, and the follow-up says what to do and waits', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.hidden.add('Task.Delacon_Follow_Up__c');
    const connection = await open(salesforce, { followUp });
    const outcome = await deliverOne(connection, missedCall('1'));
    assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /Delacon_Follow_Up__c. Run `delacon-bridge setup test`/);
    assert.is(callsOf(salesforce).length, 1);
    assert.is((await deliverOne(connection, saleCall('2'))).kind, 'delivered');
  }),
);

for (const [doneWhen, answered, left] of [
  ['closedByHand', true, 'Not Started'],
  ['reached', true, 'Completed'],
  ['reached', false, 'Not Started'],
  ['calledAgain', false, 'Completed'],
] as const) {
  after(
    `doneWhen ${doneWhen}: a later call that ${answered ? 'reached us' : 'did not'} leaves it ${left}`,
    () =>
      withSalesforceEmulator(async (salesforce) => {
        const tools = testTools();
        const connection = await open(salesforce, { followUp: { ...followUp, doneWhen } }, tools);
        await deliverOne(connection, missedCall('1', { PLA_CallStartTime: '2026-11-02T01:00:00Z' }));
        const later = { PLA_CallStartTime: '2026-11-02T02:00:00Z' };
        const restarted = await open(salesforce, { followUp: { ...followUp, doneWhen } }, tools);
        const outcome = await deliverOne(restarted, answered ? saleCall('2', later) : missedCall('2', later));
        assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
        const first = followUpsOf(salesforce).find((task) => task['Delacon_Follow_Up__c'] === '1');
        assert.is(first?.['Status'], left);
        if (!answered)
          assert.is(followUpsOf(salesforce).at(-1)?.['Status'], 'Not Started', 'its own stays open');
      }),
  );
}

after('a follow-up that could not be completed is completed at the next attempt', () =>
  withSalesforceEmulator(async (salesforce) => {
    const tools = testTools();
    const connection = await open(salesforce, { followUp: { ...followUp, doneWhen: 'reached' } }, tools);
    await deliverOne(connection, missedCall('1', { PLA_CallStartTime: '2026-11-02T01:00:00Z' }));
    const later = saleCall('2', { PLA_CallStartTime: '2026-11-02T02:00:00Z' });
    salesforce.strike(faults.unavailable, 'PATCH /composite/sobjects', 1);
    const failed = await deliverOne(connection, later);
    assert.is(failed.kind, 'retry', JSON.stringify(failed));
    assert.match(JSON.stringify(failed), /follow-up 00T\w+ of an earlier one is not completed yet/);
    const outcome = await deliverOne(connection, { ...later, records: failed.records ?? {} });
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.is(followUpsOf(salesforce)[0]?.['Status'], 'Completed');
    assert.not([...tools.kept.keys()].some((name) => name.startsWith('openFollowUps')));
  }),
);

after('atEnd writes all of it once, when the call is over', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { write: 'atEnd', followUp });
    await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(salesforce.countRequests(), 0);
    await deliverOne(connection, missedCall('1'));
    assert.is(callsOf(salesforce).length, 1);
    assert.is(followUpsOf(salesforce).length, 1);
  }),
);

// Sales

after('a sale becomes an Opportunity of the stage, amount and day that the call says', () =>
  withSalesforceEmulator(async (salesforce) => {
    const account = salesforce.addAccount({ Name: 'Northside Plumbing' });
    const contact = salesforce.addContact({ Phone: '0444 444 444', AccountId: account });
    const connection = await open(salesforce, { sale });
    // 23:30 in Greenwich is the next day in Sydney.
    const outcome = await deliverOne(
      connection,
      saleCall('1', { PLA_CallStartTime: '2026-11-02T23:30:00Z' }),
    );
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    const [{ Description, CreatedDate, LastModifiedDate, ...rest } = { id: '' }] = salesforce.opportunities();
    assert.equal(rest, {
      id: outcome.records?.sale?.id,
      Name: 'Sale by phone, 0444 444 444',
      StageName: 'Closed Won',
      CloseDate: '2026-11-03',
      Amount: 1250,
      AccountId: account,
      ContactId: contact,
      Delacon_Call_Id__c: '1',
      OwnerId: salesforce.org.userId,
      IsDeleted: false,
    });
    assert.equal(outcome.records?.sale?.type, 'opportunity');
    assert.match(String(Description), /Sale amount: \$1,250.00/);
  }),
);

after('a sale to a lead has no account; one to a lead that was converted meanwhile has its own', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { sale });
    await deliverOne(connection, saleCall('1'));
    assert.is(salesforce.opportunities()[0]?.['AccountId'], undefined);
    const other = { PLA_Caller_Phone_Number: '+61444444445' };
    const { records = {} } = await deliverOne(connection, deliveryOf([startPush('2', other)]));
    const contact = salesforce.convertLead(records.person?.id ?? '');
    const outcome = await deliverOne(connection, { ...saleCall('2', other), records });
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    const sold = salesforce.opportunities().find((one) => one['Delacon_Call_Id__c'] === '2');
    const account = salesforce.contacts().find(({ id }) => id === contact)?.['AccountId'];
    assert.ok(account);
    assert.equal([sold?.['AccountId'], sold?.['ContactId']], [account, contact]);
  }),
);

after('an amount that is no number is left out, and noted', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, {
      sale: { ...sale, amount: 'about {{ call.durationSeconds }}' },
    });
    const outcome = await deliverOne(connection, saleCall('1'));
    assert.equal(outcome.kind === 'delivered' && outcome.notes, [
      'Opportunity.Amount was left out: "about 50" is not a number.',
    ]);
    assert.is(salesforce.opportunities()[0]?.['Amount'], undefined);
  }),
);

after('a stage or a record type that the org has not rejects, and names those it has', () =>
  withSalesforceEmulator(async (salesforce) => {
    const bad = await deliverOne(await open(salesforce, { sale: { ...sale, stage: 'Sold' } }), saleCall('1'));
    assert.is(bad.kind, 'rejected', JSON.stringify(bad));
    assert.match(
      JSON.stringify(bad),
      /no stage \\"Sold\\".* it has Prospecting, Negotiation\/Review, Closed Won, Closed Lost/,
    );
    assert.is(callsOf(salesforce).length, 1, 'the call is there');
    const type = salesforce.org.addRecordType('Phone sales', 'Phone_Sales');
    const pipeline = async (name: string) =>
      deliverOne(await open(salesforce, { sale: { ...sale, pipeline: name } }), saleCall(name));
    assert.match(JSON.stringify(await pipeline('Shop')), /no Opportunity record type.*Master, Phone sales/);
    assert.is((await pipeline('phone_sales')).kind, 'delivered');
    assert.is(salesforce.opportunities()[0]?.['RecordTypeId'], type);
  }),
);

after('a field that the org demands of Opportunities rejects in its words', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.addField('Opportunity', 'Branch__c', { type: 'Text', length: 40 });
    salesforce.grantField('Opportunity.Branch__c');
    const branch = salesforce.fields('Opportunity').find(({ name }) => name === 'Branch__c');
    if (branch) branch.nillable = false;
    const outcome = await deliverOne(await open(salesforce, { sale }), saleCall('1'));
    assert.is(outcome.kind, 'rejected', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /its sale is not.*REQUIRED_FIELD_MISSING.*Branch__c/);
    const mapped = await open(salesforce, { sale: { ...sale, properties: { Branch__c: 'North' } } });
    const again = await deliverOne(mapped, { ...saleCall('1'), records: outcome.records ?? {} });
    assert.is(again.kind, 'delivered', JSON.stringify(again));
    assert.is(salesforce.opportunities()[0]?.['Branch__c'], 'North');
  }),
);

after('a user who may not make Opportunities: calls go on, sales wait and say why', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { sale });
    salesforce.org.notCreateable.add('Opportunity');
    const outcome = await deliverOne(connection, saleCall('1'));
    assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    assert.match(
      JSON.stringify(outcome),
      /its sale is not done yet. The bridge's user may not do this in Salesforce/,
    );
    assert.is((await deliverOne(connection, missedCall('2'))).kind, 'delivered');
    salesforce.org.notCreateable.clear();
    const again = await deliverOne(connection, { ...saleCall('1'), records: outcome.records ?? {} });
    assert.is(again.kind, 'delivered', JSON.stringify(again));
    assert.is(salesforce.opportunities().length, 1);
  }),
);

after('a user who may not even see Opportunities: the same', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.hiddenObjects.add('Opportunity');
    const outcome = await deliverOne(await open(salesforce, { sale }), saleCall('1'));
    assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /may not see Opportunities/);
    assert.is(callsOf(salesforce).length, 1);
  }),
);

after('an Opportunity that people changed stays as it is, whatever is delivered again', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { sale });
    const first = await deliverOne(connection, saleCall('1'));
    salesforce.edit(first.records?.sale?.id ?? '', { StageName: 'Closed Lost', Amount: 5 });
    await deliverOne(connection, { ...saleCall('1'), records: first.records ?? {} });
    const afresh = await deliverOne(await open(salesforce, { sale }), saleCall('1'));
    assert.equal(afresh.records?.sale, first.records?.sale);
    const [sold] = salesforce.opportunities();
    assert.equal([sold?.['StageName'], sold?.['Amount']], ['Closed Lost', 5]);
  }),
);

after('the account of a sale that was deleted a moment ago is left out at the second try', () =>
  withSalesforceEmulator(async (salesforce) => {
    const account = salesforce.addAccount({});
    salesforce.addContact({ Phone: '0444444444', AccountId: account });
    const connection = await open(salesforce, { sale });
    const errors = [{ statusCode: 'ENTITY_IS_DELETED', message: 'entity is deleted', fields: [] }];
    salesforce.strike(answering(200, [{ success: false, errors }]), 'POST /composite/sobjects');
    const outcome = await deliverOne(connection, saleCall('1'));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.is(salesforce.opportunities().length, 1);
  }),
);

after('another unique field of the org that refuses a sale is not taken for the key', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.addField('Opportunity', 'Ticket__c', { type: 'Text', length: 40, unique: true });
    salesforce.grantField('Opportunity.Ticket__c');
    const connection = await open(salesforce, { sale: { ...sale, properties: { Ticket__c: 'same' } } });
    assert.is((await deliverOne(connection, saleCall('1'))).kind, 'delivered');
    const second = await deliverOne(connection, saleCall('2'));
    assert.is(second.kind, 'rejected', JSON.stringify(second));
    assert.match(JSON.stringify(second), /DUPLICATE_VALUE.*Ticket__c/);
  }),
);

// Failures, by class

const row = (statusCode: string, message = 'words of theirs', fields: string[] = []) =>
  answering(200, [{ success: false, errors: [{ statusCode, message, fields }] }]);
const whole = (status: number, errorCode: string, message = 'words of theirs') =>
  answering(status, [{ errorCode, message }]);

const classes: [title: string, fault: Fault, kind: string][] = [
  ['a locked row', row('UNABLE_TO_LOCK_ROW'), 'retry'],
  ['a lock within a trigger', row('CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', 'UNABLE_TO_LOCK_ROW'), 'retry'],
  ['a code of next year', row('A_CODE_OF_NEXT_YEAR'), 'retry'],
  ['503', whole(503, 'SERVER_UNAVAILABLE'), 'retry'],
  ['too many requests at once', faults.tooManyAtOnce, 'retry'],
  ['the day used up', faults.dayUsedUp, 'blocked'],
  ['maintenance', row('INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE'), 'blocked'],
  ['a full storage', row('STORAGE_LIMIT_EXCEEDED'), 'blocked'],
  ['no access to the object', row('INSUFFICIENT_ACCESS_OR_READONLY'), 'retry'],
  [
    'a field without permission',
    row('INVALID_FIELD_FOR_INSERT_UPDATE', 'Unable to create/update fields: ReminderDateTime.'),
    'retry',
  ],
  ['a required field', row('REQUIRED_FIELD_MISSING'), 'rejected'],
  ['a duplicate rule', row('DUPLICATES_DETECTED'), 'rejected'],
];
for (const [title, fault, kind] of classes) {
  after(
    `${title} at a follow-up is ${kind}, in Salesforce's words; the call stays, and the next attempt does it`,
    () =>
      withSalesforceEmulator(async (salesforce) => {
        const connection = await open(salesforce, { followUp });
        salesforce.strike(fault, 'POST /composite/sobjects');
        const outcome = await deliverOne(connection, missedCall('1'));
        assert.is(outcome.kind, kind, JSON.stringify(outcome));
        assert.match(
          JSON.stringify(outcome),
          /The call is in Salesforce, its follow-up is not done yet. .*Salesforce answered/,
        );
        assert.is(outcome.records?.activity?.id, callsOf(salesforce)[0]?.id);
        const again = await deliverOne(connection, { ...missedCall('1'), records: outcome.records ?? {} });
        assert.is(again.kind, 'delivered', JSON.stringify(again));
        assert.is(followUpsOf(salesforce).length, 1);
        assert.is(callsOf(salesforce).length, 1);
      }),
  );
}

const contents: [title: string, fault: Fault][] = [
  ['a validation rule', row('FIELD_CUSTOM_VALIDATION_EXCEPTION')],
  ['a trigger that says no', row('CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', 'a dealer is needed')],
  ['a text that is too long for a field of unknown length', row('STRING_TOO_LONG')],
  ['a body that cannot be read', whole(400, 'JSON_PARSER_ERROR')],
];
for (const [title, fault] of contents) {
  after(`${title} at a follow-up costs it what was mapped, and not itself`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const properties = { Priority: 'High' };
      const connection = await open(salesforce, { followUp: { ...followUp, properties } });
      salesforce.strike(fault, 'POST /composite/sobjects');
      const outcome = await deliverOne(connection, missedCall('1'));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.match(
        String(outcome.notes),
        /named no field, so it was written without Priority. Salesforce answered/,
      );
      assert.equal(
        followUpsOf(salesforce).map((task) => [task['Subject'] !== undefined, task['Priority']]),
        [[true, 'Normal']],
      );
    }),
  );
}

after('an expired token is mended within the request', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { followUp });
    salesforce.strike(faults.sessionExpired, 'POST /composite/sobjects');
    assert.is((await deliverOne(connection, missedCall('1'))).kind, 'delivered');
    assert.is(followUpsOf(salesforce).length, 1);
  }),
);

after('a value that refuses a whole request is tracked down to its follow-up', () =>
  withSalesforceEmulator(async (salesforce) => {
    const properties = { ActivityDate: '{% if call.id == "c2" %}not a day{% else %}2026-11-03{% endif %}' };
    const connection = await open(salesforce, { followUp: { ...followUp, properties } });
    salesforce.strike(whole(403, 'INSUFFICIENT_ACCESS'), 'describe'); // so the value cannot be fitted
    const batch = Array.from({ length: 5 }, (_, i) => missedCall(`c${i}`));
    const outcomes = await connection.deliver(batch, soon());
    assert.equal(
      outcomes.map(({ kind }) => kind),
      ['delivered', 'delivered', 'delivered', 'delivered', 'delivered'],
    );
    assert.match(String(outcomes[2]?.notes), /without ActivityDate.*Cannot deserialize instance of date/);
    assert.equal(
      followUpsOf(salesforce).map((task) => task['ActivityDate'] ?? null),
      [0, 1, 3, 4, 2].map((i) => (i === 2 ? null : '2026-11-03')),
    );
  }),
);

after('200 missed calls and sales in one batch: two requests of records, each on its own caller', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { followUp, sale });
    const batch = Array.from({ length: 200 }, (_, i) => {
      const caller = { PLA_Caller_Phone_Number: `+614${10_000_000 + i * 37}` };
      return i % 2 === 0 ? missedCall(`c${i}`, caller) : saleCall(`c${i}`, caller);
    });
    const outcomes = await connection.deliver(batch, soon());
    assert.equal(new Set(outcomes.map(({ kind }) => kind)), new Set(['delivered']));
    assert.is(salesforce.requests['POST /composite/sobjects'], 2, 'the people, and what their calls left');
    assert.is(salesforce.opportunities().length, 100);
    assert.is(followUpsOf(salesforce).length, 100);
    const whoOf = new Map(callsOf(salesforce).map((task) => [task['Delacon_Call_Id__c'], task['WhoId']]));
    for (const task of followUpsOf(salesforce))
      assert.is(task['WhoId'], whoOf.get(task['Delacon_Follow_Up__c']));
    outcomes.forEach(({ records }, i) => {
      const record = i % 2 === 0 ? followUpsOf(salesforce) : salesforce.opportunities();
      const mine = record.find(({ id }) => id === (records?.followUp ?? records?.sale)?.id);
      assert.is(mine?.['Delacon_Follow_Up__c'] ?? mine?.['Delacon_Call_Id__c'], `c${i}`);
    });
  }),
);

after('an org whose triggers manage few records at once gets them in smaller parts', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.triggerLimits.set('Opportunity', 4);
    const connection = await open(salesforce, { sale });
    const outcomes = await connection.deliver(
      Array.from({ length: 10 }, (_, i) => saleCall(`c${i}`)),
      soon(),
    );
    assert.equal(new Set(outcomes.map(({ kind }) => kind)), new Set(['delivered']));
    assert.is(salesforce.opportunities().length, 10);
  }),
);

after.run();
