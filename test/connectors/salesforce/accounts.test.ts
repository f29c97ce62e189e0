import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open } from './rig.ts';

const accounts = suite('salesforce accounts');

const match = ['Contact', 'Lead', 'Account', 'PersonAccount'];
const person = { match };
const whole = (id: string) => deliveryOf([startPush(id), endPush(id)]);

accounts('a company that has the number gets the call, and no lead is made', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addAccount({ Phone: '0444 444 444' });
    const tools = testTools();
    const connection = await open(salesforce, { person }, tools);
    const first = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.equal(first.records?.person, { type: 'account', id }, JSON.stringify(first));
    const [task] = salesforce.tasks();
    assert.equal([task?.['WhatId'], task?.['WhoId'], task?.['AccountId']], [id, undefined, id]);
    const end = await deliverOne(connection, { ...whole('1'), records: first.records ?? {} });
    assert.is(end.kind, 'delivered', JSON.stringify(end));
    assert.is(salesforce.tasks()[0]?.['Status'], 'Completed');
    assert.equal(salesforce.leads(), []);
    assert.equal(tools.known.get('+61444444444'), { type: 'account', id });
    assert.match(connection.link({ type: 'account', id }) ?? '', /\/lightning\/r\/Account\/001/);
  }),
);

accounts('a call found again by its key keeps its company', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addAccount({ Phone: '0444 444 444' });
    await deliverOne(await open(salesforce, { person }), whole('1'));
    const again = await deliverOne(await open(salesforce, { person }), whole('1'));
    assert.equal(again.records?.person, { type: 'account', id }, JSON.stringify(again));
    assert.is(salesforce.tasks().length, 1);
  }),
);

accounts('contacts and leads come before companies, or as match says', () =>
  withSalesforceEmulator(async (salesforce) => {
    const account = salesforce.addAccount({ Phone: '0444 444 444' });
    const contact = salesforce.addContact({ MobilePhone: '0444 444 444' });
    const personOf = async (order: string[], call: string) => {
      const connection = await open(salesforce, { person: { match: order } });
      return (await deliverOne(connection, whole(call))).records?.person?.id;
    };
    assert.is(await personOf(match, '1'), contact);
    salesforce.edit(contact, { Delacon_Caller__c: null });
    assert.is(await personOf(['Account', 'Contact'], '2'), account);
  }),
);

accounts('a company that was deleted is forgotten, and one that was merged is followed', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addAccount({ Phone: '0444 444 444' });
    const connection = await open(salesforce, { person });
    await deliverOne(connection, whole('1'));
    const other = salesforce.addAccount({ Name: 'Acme Holding' });
    salesforce.org.merge(id, other);
    const merged = await deliverOne(connection, whole('2'));
    assert.equal(merged.records?.person, { type: 'account', id: other }, JSON.stringify(merged));
    salesforce.delete(other);
    const gone = await deliverOne(connection, whole('3'));
    assert.is(gone.records?.person?.type, 'lead', JSON.stringify(gone));
  }),
);

accounts('follow-ups and sales of a company hang on it', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addAccount({ Phone: '0444 444 444' });
    const settings = { person, followUp: { when: 'true' }, sale: { when: 'true', stage: 'Prospecting' } };
    const outcome = await deliverOne(await open(salesforce, settings), whole('1'));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.equal(
      salesforce.tasks().map((task) => task['WhatId']),
      [id, id],
    );
    assert.is(salesforce.opportunities()[0]?.['AccountId'], id);
    assert.is(salesforce.opportunities()[0]?.['ContactId'], undefined);
  }),
);

accounts('a catch-all may be a company', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addAccount({});
    const push = startPush('1', { PLA_Caller_Phone_Number: 'anonymous' });
    await deliverOne(await open(salesforce, { person: { withheld: id } }), deliveryOf([push]));
    assert.is(salesforce.tasks()[0]?.['WhatId'], id);
  }),
);

accounts('an org without person accounts is asked for them once', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { person });
    await deliverOne(connection, whole('1'));
    assert.is(salesforce.countRequests('POST /composite'), 2);
    salesforce.forgetRequests();
    await deliverOne(connection, deliveryOf([startPush('2', { PLA_Caller_Phone_Number: '+61444444445' })]));
    assert.is(salesforce.countRequests('POST /composite'), 1);
  }),
);

for (const field of ['Phone', 'PersonMobilePhone', 'PersonHomePhone', 'PersonOtherPhone']) {
  accounts(
    `a person account is found by ${field}, linked by its contact, and keyed through the account`,
    () =>
      withSalesforceEmulator(
        async (salesforce) => {
          const { account, contact } = salesforce.org.addPersonAccount({
            Name: 'Jane Caller',
            [field]: '0444 444 444',
          });
          const outcome = await deliverOne(await open(salesforce, { person }), whole('1'));
          assert.equal(outcome, {
            kind: 'delivered',
            records: { person: { type: 'personaccount', id: contact }, activity: outcome.records?.activity },
            whyPerson: `Found by its number (${field} is 04** *** 444).`,
          });
          assert.is(salesforce.tasks()[0]?.['WhoId'], contact);
          assert.is(salesforce.org.entries.get(account)?.values['Delacon_Caller__pc'], '+61444444444');
          assert.is(salesforce.contacts()[0]?.['Delacon_Caller__c'], '+61444444444');
          salesforce.forgetRequests();
          const again = await deliverOne(await open(salesforce, { person }), whole('2'));
          assert.is(again.records?.person?.id, contact, JSON.stringify(again));
          assert.is(salesforce.countRequests(), 2, 'the key finds it');
          assert.equal(salesforce.leads(), []);
        },
        { personAccounts: true },
      ),
  );
}

accounts('where person accounts are not asked for, their contacts get the calls all the same', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const { contact } = salesforce.org.addPersonAccount({ Name: 'Jane', Phone: '0444 444 444' });
      const outcome = await deliverOne(await open(salesforce), whole('1'));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.is(salesforce.tasks()[0]?.['WhoId'], contact);
      assert.match(
        JSON.stringify(outcome),
        /The key was not written on 003.*INVALID_PERSON_ACCOUNT_OPERATION/,
      );
    },
    { personAccounts: true },
  ),
);

accounts('the follow-up and the sale of a person account name both of its sides', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const { account, contact } = salesforce.org.addPersonAccount({ Name: 'Jane', Phone: '0444444444' });
      const settings = { person, followUp: { when: 'true' }, sale: { when: 'true', stage: 'Prospecting' } };
      const outcome = await deliverOne(await open(salesforce, settings), whole('1'));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.equal(
        salesforce.tasks().map((task) => task['WhoId']),
        [contact, contact],
      );
      const [sold] = salesforce.opportunities();
      assert.equal([sold?.['AccountId'], sold?.['ContactId']], [account, contact]);
    },
    { personAccounts: true },
  ),
);

// The preset

accounts('preset delacon: a new caller becomes a lead, and the call stays In Progress', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { preset: 'delacon' });
    const first = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(first.records?.person?.type, 'lead', JSON.stringify(first));
    await deliverOne(connection, { ...whole('1'), records: first.records ?? {} });
    const [task] = salesforce.tasks();
    assert.is(task?.['Status'], 'In Progress');
    assert.is(task?.['CallDurationInSeconds'], 50);
    assert.is(task?.['ActivityDate'], '2019-05-02');
  }),
);

accounts(
  'preset delacon: a known caller gets an activity on contact or account, and who completes it is people',
  () =>
    withSalesforceEmulator(async (salesforce) => {
      const account = salesforce.addAccount({ Phone: '02 8888 9999' });
      const contact = salesforce.addContact({ Phone: '0444 444 444' });
      const connection = await open(salesforce, { preset: 'delacon' });
      const ofAccount = startPush('2', { PLA_Caller_Phone_Number: '+61288889999' });
      await deliverOne(connection, deliveryOf([ofAccount, endPush('2')]));
      const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
      salesforce.edit(records.activity?.id ?? '', { Status: 'Completed' });
      await deliverOne(connection, { ...whole('1'), records });
      assert.equal(
        salesforce.tasks().map((task) => [task['WhoId'] ?? task['WhatId'], task['Status']]),
        [
          [account, 'In Progress'],
          [contact, 'Completed'],
        ],
      );
      const again = await deliverOne(await open(salesforce, { preset: 'delacon' }), whole('1'));
      assert.is(again.kind, 'delivered', JSON.stringify(again));
      assert.is(salesforce.tasks()[1]?.['Status'], 'Completed', 'found by its key, it is not opened again');
      assert.equal(salesforce.leads(), []);
    }),
);

accounts.run();
