import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { type SalesforceEmulator, withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, soon } from './rig.ts';

const types = suite('the type of a Task');

const call = (id: string) => deliveryOf([startPush(id), endPush(id)]);
const typesOf = (salesforce: SalesforceEmulator) => salesforce.tasks().map((task) => task['Type']);

types('is Call once check has seen that the org has it, at no request, and then what people make of it', () =>
  withSalesforceEmulator(async (salesforce) => {
    const tools = testTools();
    const before = await open(salesforce, {}, tools);
    await deliverOne(before, call('1'));
    assert.equal(typesOf(salesforce), [undefined]);
    const found = await before.check(soon());
    assert.equal(
      found.filter(({ subject }) => subject === 'field Task.Type'),
      [],
    );
    // Another connection, as after a restart.
    const after = await open(salesforce, {}, tools);
    salesforce.forgetRequests();
    const { records = {} } = await deliverOne(after, deliveryOf([startPush('2')]));
    assert.equal(typesOf(salesforce), [undefined, 'Call']);
    assert.is(salesforce.countRequests('describe'), 0);
    salesforce.edit(records.activity?.id ?? '', { Type: 'Other' });
    await deliverOne(after, { ...call('2'), records });
    assert.equal(typesOf(salesforce), [undefined, 'Other']);
    assert.is(salesforce.tasks()[1]?.['Status'], 'Completed');
  }),
);

types('is Call on the Task that is made along with a new Lead, and on the next one of theirs', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    await connection.check(soon());
    await deliverOne(connection, call('1'));
    await deliverOne(connection, call('2'));
    assert.equal(typesOf(salesforce), ['Call', 'Call']);
  }),
);

for (const [what, lacks] of [
  ['hides it', (salesforce: SalesforceEmulator) => void salesforce.org.hidden.add('Task.Type')],
  [
    'has no such type',
    (salesforce: SalesforceEmulator) => {
      const type = salesforce.fields('Task').find(({ name }) => name === 'Type');
      type!.restrictedPicklist = true;
      type!.picklistValues = type!.picklistValues.filter(({ value }) => value !== 'Call');
    },
  ],
] as const) {
  types(`is not written where the org ${what}, and nobody is told to do anything`, () =>
    withSalesforceEmulator(async (salesforce) => {
      lacks(salesforce);
      const connection = await open(salesforce);
      const found = await connection.check(soon());
      assert.not.ok(found.some(({ subject }) => subject === 'field Task.Type'));
      const outcome = await deliverOne(connection, call('1'));
      assert.is(outcome.kind, 'delivered');
      assert.equal([typesOf(salesforce), outcome.notes ?? []], [[undefined], []]);
    }),
  );

  types(`costs no call where the org ${what} since`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const connection = await open(salesforce);
      await connection.check(soon());
      lacks(salesforce);
      await deliverOne(connection, call('1'));
      salesforce.forgetRequests();
      const outcome = await deliverOne(connection, call('2'));
      assert.is(outcome.kind, 'delivered');
      assert.equal([typesOf(salesforce), outcome.notes ?? []], [[undefined, undefined], []]);
      assert.is(salesforce.countRequests('describe'), 0);
    }),
  );
}

types('is what the mapping says, or nothing', () =>
  withSalesforceEmulator(async (salesforce) => {
    for (const [id, Type] of [
      ['1', 'Meeting'],
      ['2', ''],
    ] as const) {
      const connection = await open(salesforce, { activity: { properties: { Type } } });
      await connection.check(soon());
      await deliverOne(connection, call(id));
    }
    assert.equal(typesOf(salesforce), ['Meeting', undefined]);
  }),
);

types.run();
