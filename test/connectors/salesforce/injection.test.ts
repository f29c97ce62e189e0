import { isIn, quote, term } from '../../../connectors/salesforce/soql.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { runQuery } from '../../support/salesforce/soql.ts';
import { runSearch } from '../../support/salesforce/sosl.ts';
import { withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open } from './rig.ts';

/** The emulator reads both languages strictly: what ends its literal early is a malformed statement, or finds the others. */
const injection = suite('salesforce injection');

const hostile = [
  "' OR Id != '",
  "') OR (Id != '",
  "\\' OR Id != '",
  "\\\\' OR Id != '",
  'x\\',
  '%',
  '_%',
  '\\%',
  '"quoted"',
  "O'Brien\n\t\r-- LIMIT 0",
  '} RETURNING User(Id) {',
  '& | ! ( ) { } [ ] ^ " ~ * ? : \\ \' + -',
];

injection('a text in a query stays one text: it finds what is called just so, and nothing else', () =>
  withSalesforceEmulator(async ({ org, addContact }) => {
    addContact({ LastName: 'Bystander' });
    for (const text of hostile) {
      const id = addContact({ LastName: text });
      for (const where of [isIn('LastName', [text]), `LastName = ${quote(text)}`]) {
        const rows = runQuery(org, `SELECT Id FROM Contact WHERE ${where}`, false);
        assert.equal(
          rows.map((row) => row['Id']),
          [id],
          where,
        );
      }
    }
  }),
);

injection('a text in a search is a term, whatever is reserved in it', () =>
  withSalesforceEmulator(async ({ org, addContact }) => {
    addContact({ LastName: 'Bystander', Phone: '0412 345 678' });
    for (const text of hostile)
      assert.equal(
        runSearch(org, `FIND {${term(text)}} IN PHONE FIELDS RETURNING Contact(Id), Lead(Id)`),
        [],
        text,
      );
  }),
);

injection('a call whose id, caller and dealer are hostile is written as they are, and touches no other', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const ids = hostile.filter((text) => !/[\n\t\r]/.test(text));
    await deliverOne(connection, deliveryOf([startPush('bystander')]));
    for (const id of ids) {
      const fields = { PLA_Caller_Phone_Number: `0412 345 678${id}`, PLA_Dealer_Name: id };
      const outcome = await deliverOne(connection, deliveryOf([startPush(id, fields), endPush(id)], {}));
      assert.is(outcome.kind, 'delivered', `${id}: ${JSON.stringify(outcome)}`);
      // Once more, as after a crash: found by its key.
      await deliverOne(connection, deliveryOf([startPush(id, fields), endPush(id)], {}));
    }
    assert.equal(
      salesforce.tasks().map((task) => [task['Delacon_Call_Id__c'], task['Status']]),
      [['bystander', 'In Progress'], ...ids.map((id) => [id.trim(), 'Completed'])],
    );
  }),
);

injection.run();
