import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { withHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { withSalesforceEmulator } from '../support/salesforce-emulator.ts';
import { assert, suite } from '../support/suite.ts';
import { open as openHubSpot } from './hubspot/rig.ts';
import { deliverOne, newCallers, open as openSalesforce, soon } from './salesforce/rig.ts';

/** People write two numbers into one field, and group digits as they like: whoever calls is the one who is there. */
const twoNumbers = suite('numbers as people write them');

const mobile = '+61412345678';
const landline = '+61298989898';
const zealand = '+642102345678';
const fields: [string, readonly string[]][] = [
  ['0412 345 678 / 02 9898 9898', [mobile, landline]],
  ['0412345678/0298989898', [mobile, landline]],
  ['0412 345 678 or 9898 9898', [mobile]],
  ['(02) 9898 9898 ext 5, 0412-345-678', [mobile, landline]],
  ['m 0412 345 678 h 02 9898 9898', [mobile, landline]],
  ['0412345678;0298989898', [mobile, landline]],
  ['+61 412 345 678 | +61 2 9898 9898', [mobile, landline]],
  ['0412345678 0298989898', [mobile, landline]],
  ['04 1234 5678', [mobile]],
  ['0412 34 56 78 x 9', [mobile]],
  ['021 0234 5678', [zealand]],
  ['+64 21 0234 5678', [zealand]],
];
const cases = fields.flatMap(([text, numbers]) => numbers.map((number) => [text, number] as const));
const callOf = (number: string, id = '1') => {
  const caller = { PLA_Caller_Phone_Number: number };
  const delivery = deliveryOf([startPush(id, caller), endPush(id)]);
  const region = number.startsWith('+64') ? ('NZ' as const) : ('AU' as const);
  return { ...delivery, source: { ...delivery.source, region } };
};

for (const [text, number] of cases)
  twoNumbers(`${text}: ${number} is found in both CRMs, with no request more`, async () => {
    await withHubSpotEmulator(async (hubspot) => {
      const id = hubspot.addContact({ firstname: 'Typed', phone: text });
      const connection = await openHubSpot(hubspot);
      const outcome = await deliverOne(connection, callOf(number));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.equal([outcome.records?.person?.id, hubspot.contacts().length], [id, 1]);
      assert.ok(hubspot.countRequests() <= 4, JSON.stringify(hubspot.requests));
    });
    await withSalesforceEmulator(async (salesforce) => {
      const id = salesforce.addContact({ MobilePhone: text });
      const outcome = await deliverOne(await openSalesforce(salesforce), callOf(number));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.equal([outcome.records?.person?.id, salesforce.leads().length], [id, 0]);
      assert.ok(salesforce.countRequests() <= 3, JSON.stringify(salesforce.requests));
    });
  });

twoNumbers('another number that shares digits is nobody’s', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.addContact({ MobilePhone: '0412 345 679 / 02 9898 9898' });
    salesforce.addContact({ MobilePhone: '0412 345 6781' });
    salesforce.addContact({ Phone: '1300 412 345 678 9' });
    const outcome = await deliverOne(await openSalesforce(salesforce), callOf(mobile));
    assert.is(outcome.records?.person?.type, 'lead', JSON.stringify(outcome));
  }),
);

twoNumbers('in a large batch of Salesforce’s, the words of the search index find them', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addContact({ Phone: '0412 345 678 / 02 9898 9898' });
    const connection = await openSalesforce(salesforce);
    const outcomes = await connection.deliver([...newCallers(60), callOf(landline, 'x')], soon());
    assert.is(outcomes.at(-1)?.records?.person?.id, id, JSON.stringify(outcomes.at(-1)));
  }),
);

twoNumbers('an org that takes too long over digits is not asked so again', () =>
  withSalesforceEmulator(async (salesforce) => {
    const bodies: string[] = [];
    const slow = { errorCode: 'QUERY_TIMEOUT', message: 'Your query request was running for too long.' };
    const connection = await openSalesforce(salesforce);
    const struck = JSON.stringify({
      compositeResponse: ['q0', 'q1', 'q2', 'q3'].map((referenceId) => ({
        referenceId,
        httpHeaders: {},
        ...(referenceId < 'q2'
          ? { httpStatusCode: 200, body: { totalSize: 0, done: true, records: [] } }
          : { httpStatusCode: 400, body: [slow] }),
      })),
    });
    salesforce.strike(
      {
        commits: false,
        answer: { status: 200, headers: { 'content-type': 'application/json' }, body: struck },
      },
      'POST /composite',
    );
    for (const [id, number] of [
      ['1', mobile],
      ['2', landline],
    ] as const) {
      const outcome = await deliverOne(connection, callOf(number, id));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    }
    bodies.push(...salesforce.bodies('POST /composite').map((body) => decodeURIComponent(body)));
    assert.equal(
      bodies.map((body) => body.includes(' LIKE ')),
      [true, false, false],
    );
  }),
);

twoNumbers.run();
