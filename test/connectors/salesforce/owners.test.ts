import type { Fields } from '../../../src/call/push.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import {
  faults,
  type SalesforceEmulator,
  withSalesforceEmulator,
} from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, soon } from './rig.ts';

const owners = suite('salesforce owners');

const jane = 'jane@acme.example';
const owner = { by: 'call.answeredBy.number', map: { '02 9898 9898': jane } };
const byService = { by: 'call.serviceId', map: { '123': jane } };

/** Whoever may change the person may change the Task, whosever it is. */
const shared = { activities: 'ControlledByParent' } as const;

const whole = (id: string, more: Fields = {}) => deliveryOf([startPush(id, more), endPush(id)]);
const addJane = (salesforce: SalesforceEmulator, more: Record<string, unknown> = {}) =>
  salesforce.addUser({ Username: 'jane@acme.example.crm', Email: jane, ...more });

owners('all that a call makes belongs to whom the configuration names, asked for once', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = addJane(salesforce);
    const connection = await open(salesforce, {
      owner,
      followUp: { when: 'true' },
      sale: { when: 'true', stage: 'Closed Won' },
    });
    const outcome = await deliverOne(connection, whole('1'));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    for (const record of [...salesforce.leads(), ...salesforce.tasks(), ...salesforce.opportunities()])
      assert.is(record['OwnerId'], id, JSON.stringify(record));
    assert.is(salesforce.tasks().length, 2);
    const lookUps = () => salesforce.bodies('POST /composite').filter((body) => body.includes('FROM%20User'));
    assert.is(lookUps().length, 1);
    await deliverOne(connection, whole('2'));
    assert.is(lookUps().length, 1);
  }),
);

owners('dealers and services decide as well, and who is not in the map gets the CRM’s own owner', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = addJane(salesforce);
    const byDealer = { by: 'call.dealer.name', map: { 'northside plumbing': jane } };
    for (const [settings, call, expected] of [
      [byService, '1', id],
      [byDealer, '2', id],
      [{ ...byDealer, map: { Other: jane } }, '3', salesforce.org.userId],
      [{ ...byDealer, map: { Other: 'x@acme.example' }, otherwise: jane }, '4', id],
    ] as const) {
      const connection = await open(salesforce, { owner: settings });
      await deliverOne(connection, whole(call, { PLA_Dealer_Name: 'Northside Plumbing' }));
      const task = salesforce.tasks().find((one) => one['Delacon_Call_Id__c'] === call);
      assert.is(task?.['OwnerId'], expected, call);
    }
  }),
);

owners('a new lead with an owner is not given away by the org’s rules; one without is', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const id = addJane(salesforce);
      const connection = await open(salesforce, { owner: byService });
      const other = { PLA_CID: '9', PLA_Caller_Phone_Number: '+61444444445' };
      await connection.deliver(
        [whole('1'), deliveryOf([startPush('2', other), endPush('2', { PLA_CID: '9' })])],
        soon(),
      );
      const ownerOf = (phone: string) =>
        salesforce.leads().find((lead) => lead['Phone'] === phone)?.['OwnerId'];
      assert.is(ownerOf('+61444444444'), id);
      assert.is(ownerOf('+61444444445'), '00G5g000000queueEAA');
    },
    { assignTo: '00G5g000000queueEAA' },
  ),
);

owners(
  'who answered is known at the end: the Task changes hands then, unless somebody has given it away',
  () =>
    withSalesforceEmulator(async (salesforce) => {
      const id = addJane(salesforce);
      const colleague = salesforce.addUser({ Username: 'joe@acme.example' });
      for (const isRestarted of [false, true]) {
        const call = `${isRestarted}`;
        const connection = await open(salesforce, { owner });
        const first = await deliverOne(connection, deliveryOf([startPush(call)]));
        const given = await deliverOne(connection, deliveryOf([startPush(`${call} given`)]));
        const records = first.records ?? {};
        const task = () => salesforce.tasks().find((one) => one.id === records.activity?.id);
        assert.is(task()?.['OwnerId'], salesforce.org.userId);
        const later = isRestarted ? await open(salesforce, { owner }) : connection;
        await deliverOne(later, { ...whole(call), records });
        assert.is(task()?.['OwnerId'], id);
        salesforce.edit(records.activity?.id ?? '', { OwnerId: colleague });
        await deliverOne(later, { ...whole(call), records });
        assert.is(task()?.['OwnerId'], colleague, 'what people decided stays');
        salesforce.edit(given.records?.activity?.id ?? '', { OwnerId: colleague });
        await deliverOne(isRestarted ? await open(salesforce, { owner }) : connection, {
          ...whole(`${call} given`),
          records: given.records ?? {},
        });
        const other = salesforce.tasks().find((one) => one.id === given.records?.activity?.id);
        assert.is(other?.['OwnerId'], colleague);
        assert.is(other?.['Status'], 'Completed');
      }
    }, shared),
);

for (const name of ['unavailable', 'loseAnswer', 'brokenJson', 'tooManyAtOnce'] as const)
  owners(`a Task that was given away keeps its owner when that cannot be seen: ${name}`, () =>
    withSalesforceEmulator(async (salesforce) => {
      addJane(salesforce);
      const colleague = salesforce.addUser({ Username: 'joe@acme.example' });
      const connection = await open(salesforce, { owner });
      const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
      salesforce.edit(records.activity?.id ?? '', { OwnerId: colleague });
      // Who Jane is, and then whose the Task is.
      for (const place of [1, 0]) {
        salesforce.strike(faults[name], 'POST /composite', place);
        const failed = await deliverOne(connection, { ...whole('1'), records });
        assert.is(failed.kind, 'retry', `${place}: ${JSON.stringify(failed)}`);
        assert.equal(failed.records, records);
      }
      const outcome = await deliverOne(connection, { ...whole('1'), records });
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      const [task] = salesforce.tasks();
      assert.equal([task?.['OwnerId'], task?.['Status']], [colleague, 'Completed']);
    }, shared),
  );

owners('nobody is taken for "otherwise" while it rings: who answers may still be in the map', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = addJane(salesforce);
    const fallback = salesforce.addUser({ Username: 'desk@acme.example' });
    const connection = await open(salesforce, { owner: { ...owner, otherwise: 'desk@acme.example' } });
    const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(salesforce.tasks()[0]?.['OwnerId'], salesforce.org.userId);
    await deliverOne(connection, { ...whole('1'), records });
    assert.is(salesforce.tasks()[0]?.['OwnerId'], id);
    const elsewhere = endPush('2', { PLA_Answering_Point: '0290000000' });
    await deliverOne(connection, deliveryOf([startPush('2'), elsewhere]));
    assert.is(salesforce.tasks()[1]?.['OwnerId'], fallback);
  }),
);

for (const [title, users, words] of [
  ['nobody has the address', [], /Salesforce has no user jane@acme.example/],
  ['the user is inactive', [{ IsActive: false }], /is inactive in Salesforce. Name somebody else/],
  [
    'several have the address',
    [{ Username: 'a@acme.example' }, { Username: 'b@acme.example' }],
    /Several active users of Salesforce have the address .* Write the username/,
  ],
] as const) {
  owners(`${title}: the call is written, and the note says what to do`, () =>
    withSalesforceEmulator(async (salesforce) => {
      for (const user of users) addJane(salesforce, user);
      const outcome = await deliverOne(await open(salesforce, { owner }), whole('1'));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.match(JSON.stringify(outcome), words);
      assert.is(salesforce.tasks()[0]?.['OwnerId'], salesforce.org.userId);
    }),
  );
}

owners('a username decides between several, and people come before integrations', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = addJane(salesforce);
    addJane(salesforce, { Username: 'bot@acme.example', UserType: 'AutomatedProcess' });
    addJane(salesforce, { Username: 'left@acme.example', IsActive: false });
    await deliverOne(await open(salesforce, { owner }), whole('1'));
    assert.is(salesforce.tasks()[0]?.['OwnerId'], id);
    const other = addJane(salesforce, { Username: 'jane.two@acme.example' });
    const map = { '02 9898 9898': 'jane.two@acme.example' };
    await deliverOne(await open(salesforce, { owner: { ...owner, map } }), whole('2'));
    assert.is(salesforce.tasks()[1]?.['OwnerId'], other);
  }),
);

owners('somebody who left since we asked: the records are written without, in one request more', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = addJane(salesforce);
    const settings = { owner, followUp: { when: 'true' }, sale: { when: 'true', stage: 'Closed Won' } };
    const connection = await open(salesforce, settings);
    await deliverOne(connection, whole('1'));
    salesforce.edit(id, { IsActive: false });
    const outcome = await deliverOne(connection, whole('2', { PLA_Caller_Phone_Number: '+61444444445' }));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(
      JSON.stringify(outcome),
      /refused the owner that `owner` names, so none was set.*INACTIVE_OWNER_OR_USER/,
    );
    assert.is(salesforce.tasks().length, 4);
    assert.is(salesforce.opportunities()[1]?.['OwnerId'], salesforce.org.userId);
    assert.is(salesforce.leads()[1]?.['OwnerId'], salesforce.org.userId);
  }),
);

owners('a new lead whose owner is refused goes by the rules of the org, and the note says what to do', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const id = addJane(salesforce);
      const connection = await open(salesforce, { owner: byService });
      await deliverOne(connection, whole('1'));
      salesforce.edit(id, { IsActive: false });
      const outcome = await deliverOne(connection, whole('2', { PLA_Caller_Phone_Number: '+61444444445' }));
      assert.match(
        JSON.stringify(outcome),
        /so none was set.* Who is to own it is inactive in Salesforce: correct `owner`/,
      );
      assert.is(salesforce.leads()[1]?.['OwnerId'], '00G5g000000queueEAA');
    },
    { assignTo: '00G5g000000queueEAA' },
  ),
);

owners(
  'who has no user is asked for again after ten seconds, and who had one serves while none can be asked for',
  () =>
    withSalesforceEmulator(async (salesforce) => {
      let now = new Date('2026-11-02T03:15:00Z');
      const clock = { now: () => now, after: () => () => {} };
      const connection = await open(salesforce, { owner }, testTools({ clock }));
      await deliverOne(connection, whole('1'));
      const id = addJane(salesforce);
      await deliverOne(connection, whole('2'));
      now = new Date('2026-11-02T03:15:10Z');
      await deliverOne(connection, whole('3'));
      now = new Date('2026-11-02T03:25:10Z');
      salesforce.strike(faults.unavailable, 'POST /composite');
      const outcome = await deliverOne(connection, whole('4'));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.equal(
        salesforce.tasks().map((task) => task['OwnerId']),
        [salesforce.org.userId, salesforce.org.userId, id, id],
      );
    }),
);

owners('while users cannot be asked for, the call waits', () =>
  withSalesforceEmulator(async (salesforce) => {
    addJane(salesforce);
    salesforce.addContact({ Phone: '0444444444', Delacon_Caller__c: '+61444444444' });
    const connection = await open(salesforce, { owner });
    salesforce.strike(faults.unavailable, 'POST /composite');
    const outcome = await deliverOne(connection, whole('1'));
    assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    const again = await deliverOne(connection, whole('1'));
    assert.is(again.kind, 'delivered', JSON.stringify(again));
  }),
);

owners.run();
