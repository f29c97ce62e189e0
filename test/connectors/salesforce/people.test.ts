import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { movingClock } from '../../support/moving-clock.ts';
import { answering, faults, withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, soon } from './rig.ts';

const people = suite('salesforce people');

const spellings = [
  '+61444444444',
  '61444444444',
  '0444444444',
  '0444 444 444',
  '0061444444444',
  '+61 444 444 444',
  '(0444) 444 444',
  '0444-444-444',
  '+61 (0)444 444 444',
];
for (const spelling of spellings) {
  people(`somebody whose number is typed ${spelling} gets the call`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const id = salesforce.addLead({ MobilePhone: spelling });
      const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
      assert.equal(outcome.records?.person, { type: 'lead', id });
      assert.is(salesforce.leads().length, 1);
    }),
  );
}

const withMore = [
  '0444 444 444 x12',
  '(0444) 444-444 ext. 7',
  '+61 444 444 444 ext 12',
  '0444444444 #3',
  '0061 444 444 444',
  '0061 (0)444-444-444',
];
for (const spelling of withMore) {
  people(`somebody whose number is typed ${spelling} gets the call`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const id = salesforce.addContact({ HomePhone: spelling });
      const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
      assert.equal(outcome.records?.person, { type: 'contact', id }, JSON.stringify(outcome));
    }),
  );
}

people('a landline in brackets is found, in any phone field of a contact', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addContact({ OtherPhone: '(02) 8888 9999' });
    const push = startPush('1', { PLA_Caller_Phone_Number: '+61288889999' });
    const outcome = await deliverOne(await open(salesforce), deliveryOf([push]));
    assert.is(outcome.records?.person?.id, id);
    assert.is(salesforce.countRequests('search'), 0, 'the usual spellings need no search');
  }),
);

people('the usual spellings are found although the search index does not know them yet', () =>
  withSalesforceEmulator(async (salesforce) => {
    const { id } = salesforce.org.insert('Lead', { LastName: 'New', Company: 'x', Phone: '0444 444 444' });
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    assert.is(outcome.records?.person?.id, id);
  }),
);

people('the lag of the search index never makes a second Lead', () =>
  withSalesforceEmulator(async (salesforce) => {
    await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    const [lead] = salesforce.leads();
    salesforce.edit(lead?.id ?? '', { Phone: '0444.444.444' }); // as a person would, and no index knows it
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('2')]));
    assert.is(outcome.records?.person?.id, lead?.id);
    assert.is(salesforce.leads().length, 1);
  }),
);

people('who only looks alike is not believed', () =>
  withSalesforceEmulator(async (salesforce) => {
    const stranger = salesforce.addContact({ Phone: '444444444' }); // in Australia, that is +61444444444
    const push = startPush('1', { PLA_Caller_Phone_Number: '+64444444444' });
    const outcome = await deliverOne(await open(salesforce), deliveryOf([push]));
    assert.is(outcome.kind, 'delivered');
    assert.is.not(outcome.records?.person?.id, stranger);
    assert.is(outcome.records?.person?.id, salesforce.leads()[0]?.id);
  }),
);

for (const encrypted of [
  ['Contact.MobilePhone'],
  [
    'Contact.Phone',
    'Contact.MobilePhone',
    'Contact.HomePhone',
    'Contact.OtherPhone',
    'Lead.Phone',
    'Lead.MobilePhone',
  ],
  ['Account.Phone'],
])
  people(`who has the number in an encrypted field is found by searching: ${encrypted}`, () =>
    withSalesforceEmulator(async (salesforce) => {
      for (const path of encrypted) {
        const [object = '', name] = path.split('.');
        const field = salesforce.fields(object).find((one) => one.name === name);
        if (field) field.filterable = false;
      }
      const id = salesforce.addContact({ MobilePhone: '0444 444 444' });
      salesforce.settleIndex();
      const connection = await open(salesforce, { person: { match: ['Contact', 'Lead', 'Account'] } });
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.is(outcome.records?.person?.id, id);
      const stranger = startPush('2', { PLA_Caller_Phone_Number: '+61400000001' });
      assert.is((await deliverOne(connection, deliveryOf([stranger]))).kind, 'delivered');
      assert.is(salesforce.leads().length, 1);
      const findings = await connection.check(AbortSignal.timeout(20_000));
      const told = findings.filter(({ message }) => /encrypted/.test(message));
      assert.equal(
        told.map(({ level, subject }) => [level, subject]),
        encrypted.map((path) => ['warning', `field ${path}`]),
      );
    }),
  );

people('while it cannot be asked which fields are encrypted, the call waits', () =>
  withSalesforceEmulator(async (salesforce) => {
    for (const field of salesforce.fields('Lead')) if (field.name === 'Phone') field.filterable = false;
    const connection = await open(salesforce);
    for (const fault of [faults.tooManyAtOnce, faults.unavailable]) {
      salesforce.strike(fault, 'Lead/describe');
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    }
    salesforce.strike(faults.loseAnswer, 'Lead/describe');
    await deliverOne(connection, deliveryOf([startPush('1')])); // Bun sends a GET again by itself
    assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
    assert.equal([salesforce.leads().length, salesforce.tasks().length], [1, 1]);
  }),
);

people('who is found gets the key, so that the next connection needs no search', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addContact({ HomePhone: '(0444) 444-444' });
    await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    assert.is(salesforce.contacts()[0]?.['Delacon_Caller__c'], '+61444444444');
    salesforce.forgetRequests();
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('2')]));
    assert.is(outcome.records?.person?.id, id);
    assert.is(outcome.whyPerson, 'Found by the key Delacon_Caller__c.');
    assert.is(salesforce.countRequests('search'), 0);
    assert.is(salesforce.countRequests(), 2);
  }),
);

people('a contact who calls from a second number keeps the key of the first', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addContact({ Phone: '02 8888 9999', MobilePhone: '0444 444 444' });
    const connection = await open(salesforce);
    await deliverOne(connection, deliveryOf([startPush('1')]));
    const push = startPush('2', { PLA_Caller_Phone_Number: '0288889999' });
    const outcome = await deliverOne(connection, deliveryOf([push]));
    assert.is(outcome.records?.person?.id, id);
    assert.is(salesforce.contacts()[0]?.['Delacon_Caller__c'], '+61444444444');
  }),
);

people('contacts come before leads, or as match says', () =>
  withSalesforceEmulator(async (salesforce) => {
    const lead = salesforce.addLead({ Phone: '0444444444' });
    const contact = salesforce.addContact({ Phone: '0444444444' });
    const whys: (string | undefined)[] = [];
    const personOf = async (settings: object) => {
      const connection = await open(salesforce, { person: { ...settings } });
      const { records, whyPerson } = await deliverOne(
        connection,
        deliveryOf([startPush(JSON.stringify(settings))]),
      );
      whys.push(whyPerson);
      for (const id of [lead, contact]) salesforce.edit(id, { Delacon_Caller__c: null });
      return records?.person?.id;
    };
    assert.is(await personOf({}), contact);
    assert.is(await personOf({ match: ['Lead', 'Contact'] }), lead);
    assert.is(await personOf({ match: ['Lead'] }), lead);
    const found = 'Found by its number (Phone is 04*****444).';
    const comesLater = (id: string) =>
      `${found} Others that have it (${id}) come after it, as person.match says.`;
    assert.equal(whys, [comesLater(lead), comesLater(contact), found]);
  }),
);

people('of several, the newest, the oldest or none gets the call', () =>
  withSalesforceEmulator(async (salesforce) => {
    const [newer, older] = ['2025-01-01T00:00:00.000Z', '2024-01-01T00:00:00.000Z'].map((CreatedDate) =>
      salesforce.addLead({ Phone: '0444444444', CreatedDate }),
    ) as [string, string];
    const outcomeOf = async (whenSeveral: string) => {
      const connection = await open(salesforce, { person: { whenSeveral } });
      const outcome = await deliverOne(connection, deliveryOf([startPush(whenSeveral)]));
      for (const id of [older, newer]) salesforce.edit(id, { Delacon_Caller__c: null });
      return outcome;
    };
    assert.is((await outcomeOf('newest')).records?.person?.id, newer);
    assert.is((await outcomeOf('oldest')).records?.person?.id, older);
    assert.is(
      (await outcomeOf('newest')).whyPerson,
      `Found by its number (Phone is 04*****444). It is the newest of 2 that have it (${older}, ${newer}), as person.whenSeveral says.`,
    );
    const none = await outcomeOf('none');
    assert.is(none.whyPerson, undefined);
    assert.equal(none.kind === 'delivered' && none.notes, [
      `Several people have this number (${[newer, older].join(', ')}), so none was linked, as person.whenSeveral says.`,
    ]);
    assert.is(salesforce.tasks().length, 3, 'the call is logged in any case');
    assert.is(salesforce.leads().length, 2);
  }),
);

people('after a Lead was converted, its calls go to the Contact, with and without the own map', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const first = await deliverOne(connection, deliveryOf([startPush('1')]));
    const contact = salesforce.convertLead(first.records?.person?.id ?? '');
    const end = await deliverOne(
      connection,
      deliveryOf([startPush('1'), endPush('1')], { records: first.records ?? {} }),
    );
    assert.is(end.kind, 'delivered', JSON.stringify(end));
    assert.is(first.whyPerson, 'Created, as nobody had this number.');
    assert.is(end.whyPerson, undefined, 'said once');
    assert.is(salesforce.tasks()[0]?.['WhoId'], contact, 'the end leaves the link alone');

    const known = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.equal(known.records?.person, { type: 'contact', id: contact }, JSON.stringify(known));
    const afresh = await deliverOne(await open(salesforce), deliveryOf([startPush('3')]));
    assert.equal(afresh.records?.person, { type: 'contact', id: contact });
    assert.is(
      afresh.whyPerson,
      `The contact that lead ${first.records?.person?.id}, found by the key Delacon_Caller__c, was converted into.`,
    );
    assert.is(salesforce.leads().length, 1);
    assert.is(salesforce.contacts().length, 1);
  }),
);

people('a converted Lead is followed by its key even to a Contact whose number was changed', () =>
  withSalesforceEmulator(async (salesforce) => {
    const first = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    const contact = salesforce.convertLead(first.records?.person?.id ?? '');
    salesforce.edit(contact, { Phone: '+61 2 9999 0000' });
    salesforce.settleIndex();
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('2')]));
    assert.equal(outcome.records?.person, { type: 'contact', id: contact });
  }),
);

people('a converted Lead that leads to nobody keeps its key; the caller becomes one new Lead', () =>
  withSalesforceEmulator(async (salesforce) => {
    const first = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    const contact = salesforce.convertLead(first.records?.person?.id ?? '');
    salesforce.delete(contact);
    salesforce.settleIndex();
    const connection = await open(salesforce);
    const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    const successor = outcome.records?.person?.id;
    assert.match(outcome.whyPerson ?? '', `the converted lead ${first.records?.person?.id} of this number`);
    assert.is.not(successor, first.records?.person?.id);
    assert.is(salesforce.leads().length, 2);
    const again = await deliverOne(await open(salesforce), deliveryOf([startPush('3')]));
    assert.is(again.records?.person?.id, successor, JSON.stringify(again));
    assert.is(salesforce.leads().length, 2);
  }),
);

people('the Lead who came after one that leads to nobody is found by their key, as people have them', () =>
  withSalesforceEmulator(async (salesforce) => {
    const first = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    salesforce.delete(salesforce.convertLead(first.records?.person?.id ?? ''));
    const second = await deliverOne(await open(salesforce), deliveryOf([startPush('2')]));
    const successor = second.records?.person?.id ?? '';
    const edited = { LastName: 'Jane', Company: 'Acme', Phone: '02 9999 0000' };
    salesforce.edit(successor, edited);
    salesforce.settleIndex();
    const third = await deliverOne(await open(salesforce), deliveryOf([startPush('3')]));
    assert.is(third.records?.person?.id, successor, JSON.stringify(third));
    assert.is(third.whyPerson, 'Found by the key Delacon_Caller__c.');
    const lead = salesforce.leads().find(({ id }) => id === successor);
    assert.equal(lead, { ...lead, ...edited });
  }),
);

people('a caller whose Leads are converted and then lost again and again gets a new one each time', () =>
  withSalesforceEmulator(async (salesforce) => {
    for (const id of ['1', '2', '3', '4']) {
      const connection = await open(salesforce);
      let outcome = await deliverOne(connection, deliveryOf([startPush(id)]));
      // That a contact is gone shows when a call is linked to it.
      for (let attempt = 2; attempt <= 4 && outcome.kind === 'retry'; attempt++)
        outcome = await deliverOne(connection, deliveryOf([startPush(id)], { attempt }));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      const contact = salesforce.convertLead(outcome.records?.person?.id ?? '');
      salesforce.edit(contact, { Phone: '02 9999 0000' });
      salesforce.delete(contact);
      salesforce.settleIndex();
    }
    assert.is(salesforce.leads().length, 4);
  }),
);

people('a search that does not say what it found is no answer, and takes no other caller along', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    salesforce.strike(answering(200, { searchRecords: [{ Id: '00Q5g00000abcdeAAA' }] }), 'GET /search');
    const known = salesforce.addContact({ Phone: '0444444445' });
    const other = startPush('2', { PLA_Caller_Phone_Number: '+61444444445' });
    const [outcome, found] = await connection.deliver(
      [deliveryOf([startPush('1')]), deliveryOf([other])],
      soon(),
    );
    assert.is(outcome?.kind, 'retry', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /no usable answer to search/);
    assert.is(found?.records?.person?.id, known, JSON.stringify(found));
  }),
);

people('a record type that the user does not have makes nobody a second time, and is said', () =>
  withSalesforceEmulator(async (salesforce) => {
    const first = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    const contact = salesforce.convertLead(first.records?.person?.id ?? '');
    salesforce.edit(contact, { Phone: '02 9999 0000' });
    const RecordTypeId = '0125g000000abcdAAA';
    const connection = await open(salesforce, { activity: { properties: { RecordTypeId } } });
    const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(String(outcome.notes), /Record Type ID: this ID value isn't valid for the user/);
    assert.equal([salesforce.leads().length, salesforce.contacts().length], [1, 1]);
  }),
);

people('somebody who is there is not taken for gone, whatever Salesforce says is', () =>
  withSalesforceEmulator(async (salesforce) => {
    const first = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    const contact = salesforce.convertLead(first.records?.person?.id ?? '');
    salesforce.edit(contact, { Phone: '02 9999 0000' });
    const connection = await open(salesforce);
    const errors = [{ statusCode: 'INVALID_CROSS_REFERENCE_KEY', message: 'invalid cross reference id' }];
    for (const attempt of [1, 2]) {
      for (const _ of ['the first round', 'the last'])
        salesforce.strike(answering(200, [{ success: false, errors }]), '/Task/');
      const outcome = await deliverOne(connection, deliveryOf([startPush('2')], { attempt }));
      assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    }
    const outcome = await deliverOne(connection, deliveryOf([startPush('2')], { attempt: 3 }));
    assert.equal(outcome.records?.person, { type: 'contact', id: contact }, JSON.stringify(outcome));
    assert.is(salesforce.leads().length, 1);
  }),
);

people('a remembered person who was deleted is forgotten, and the caller resolved again', () =>
  withSalesforceEmulator(async (salesforce) => {
    const tools = testTools();
    const connection = await open(salesforce, {}, tools);
    const first = await deliverOne(connection, deliveryOf([startPush('1')]));
    salesforce.settleIndex();
    salesforce.delete(first.records?.person?.id ?? '');
    const kept = salesforce.addContact({ Phone: '0444 444 444' });
    const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.equal(outcome.records?.person, { type: 'contact', id: kept }, JSON.stringify(outcome));
    assert.equal(tools.known.get('+61444444444'), { type: 'contact', id: kept });
  }),
);

people('a deleted person of a call that is still to end does not keep it from ending', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const first = await deliverOne(connection, deliveryOf([startPush('1')]));
    salesforce.delete(first.records?.person?.id ?? '');
    const outcome = await deliverOne(
      connection,
      deliveryOf([startPush('1'), endPush('1')], { records: first.records ?? {} }),
    );
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.is(salesforce.tasks()[0]?.['Status'], 'Completed');
  }),
);

people('of two who were merged, the one who is left gets the calls, whatever number they have now', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const first = await deliverOne(connection, deliveryOf([startPush('1')]));
    const other = salesforce.addLead({ Phone: '02 9999 0000' });
    salesforce.org.merge(first.records?.person?.id ?? '', other);
    const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.equal(outcome.records?.person, { type: 'lead', id: other }, JSON.stringify(outcome));
    assert.is(
      outcome.whyPerson,
      `What became of lead ${first.records?.person?.id}, which was merged or converted.`,
    );
    const third = await deliverOne(connection, deliveryOf([startPush('3')]));
    assert.equal(third.records?.person, { type: 'lead', id: other });
    assert.is(third.whyPerson, 'Known from an earlier call of this number.');
    assert.is(salesforce.leads().length, 1);
  }),
);

people('somebody whom a Lead without a key became is followed', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.refusedValues.set('Lead.Delacon_Caller__c', /./);
    const lead = salesforce.addLead({ Phone: '0444444444' });
    const connection = await open(salesforce);
    await deliverOne(connection, deliveryOf([startPush('1')]));
    const contact = salesforce.convertLead(lead);
    salesforce.edit(contact, { Phone: '02 9999 0000' });
    const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.equal(outcome.records?.person, { type: 'contact', id: contact }, JSON.stringify(outcome));
  }),
);

people('a key that Salesforce goes on refusing in words that we do not know keeps no call for ever', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addContact({ Phone: '0444444444' });
    const connection = await open(salesforce);
    const refuse = () => {
      const errors = [{ statusCode: 'A_CODE_OF_NEXT_YEAR', message: 'no', fields: [] }];
      salesforce.strike(answering(200, [{ success: false, errors }]), 'PATCH /composite/sobjects');
    };
    refuse();
    assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'retry');
    refuse();
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')], { attempt: 4 }));
    assert.equal(outcome.records?.person, { type: 'contact', id }, JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /The key was not written/);
  }),
);

people('texts from outside never become part of a query or a search', () =>
  withSalesforceEmulator(async (salesforce) => {
    const bystander = salesforce.addTask({ Delacon_Call_Id__c: 'other', Subject: 'not mine' });
    const connection = await open(salesforce);
    const hostile = [
      "x') OR (Subject != '",
      "x\\') OR (Subject != \\'",
      'x\\',
      '"} IN ALL FIELDS RETURNING User(Id) {',
      "'; DELETE",
    ];
    for (const id of hostile) {
      for (const attempt of [1, 2]) {
        // The second attempt has lost the record id, so it asks for the key in a query.
        const push = startPush(id, { PLA_Caller_Phone_Number: `+61444444444${id}` });
        const outcome = await deliverOne(connection, deliveryOf([push, endPush(id)], { attempt }));
        assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
        assert.not.equal(outcome.records?.activity?.id, bystander);
      }
    }
    assert.is(salesforce.tasks().length, 1 + hostile.length);
    assert.is(salesforce.tasks()[0]?.['Subject'], 'not mine');
  }),
);

people('a phone field that the user may not see is not asked for again', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.hidden.add('Contact.HomePhone');
    salesforce.org.hidden.add('Lead.MobilePhone');
    const id = salesforce.addContact({ OtherPhone: '0444444444' });
    const connection = await open(salesforce);
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.records?.person?.id, id, JSON.stringify(outcome));
    salesforce.forgetRequests();
    const push = startPush('2', { PLA_Caller_Phone_Number: '+61444444445' });
    await deliverOne(connection, deliveryOf([push]));
    assert.is(salesforce.countRequests('POST /composite'), 1);
  }),
);

people('an org too large to compare numbers is searched instead', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addContact({ Phone: '0444444444' });
    const ok = { body: { totalSize: 0, done: true, records: [] }, httpStatusCode: 200 };
    const late = {
      body: [{ errorCode: 'QUERY_TIMEOUT', message: 'Your query request was running for too long.' }],
      httpStatusCode: 400,
    };
    const compositeResponse = [ok, ok, late, late].map((one, i) => ({
      ...one,
      httpHeaders: {},
      referenceId: `q${i}`,
    }));
    salesforce.strike(answering(200, { compositeResponse }), 'POST /composite');
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    assert.is(outcome.records?.person?.id, id, JSON.stringify(outcome));
  }),
);

people('create: false leaves the call without a person, and says why', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { person: { create: false } });
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.equal(outcome.kind === 'delivered' && outcome.notes, [
      'Nobody has this number, and person.create is off.',
    ]);
    assert.is(salesforce.tasks()[0]?.['WhoId'], undefined);
    assert.equal(salesforce.leads(), []);
  }),
);

people('create: Contact makes Contacts, without what only Leads have', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { person: { create: 'Contact' } });
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.records?.person?.type, 'contact', JSON.stringify(outcome));
    assert.is(salesforce.contacts()[0]?.['Delacon_Caller__c'], '+61444444444');
    assert.equal(salesforce.leads(), []);
  }),
);

people('a withheld number gets the catch-all record, if there is one', () =>
  withSalesforceEmulator(async (salesforce) => {
    const catchAll = salesforce.addLead({ LastName: 'Withheld' });
    const push = (id: string) => startPush(id, { PLA_Caller_Phone_Number: 'anonymous' });
    const connection = await open(salesforce, { person: { withheld: catchAll } });
    const outcome = await deliverOne(connection, deliveryOf([push('1')]));
    assert.equal(outcome.records?.person, { type: 'lead', id: catchAll });
    assert.is(outcome.whyPerson, 'The number is withheld: person.withheld names this record.');
    salesforce.delete(catchAll);
    const without = await deliverOne(connection, deliveryOf([push('2')]));
    assert.is(without.whyPerson, undefined);
    assert.equal(without.kind === 'delivered' && without.notes, [
      'Salesforce does not have the record that person.withheld names, so none was linked.',
    ]);
    assert.is(salesforce.leads().length, 0);
  }),
);

people("the org's duplicate rule does not stop a new Lead, and an edit of ours does not reassign one", () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const human = '0055g00000zzzzzAAA';
      const found = salesforce.addLead({ MobilePhone: '0444444444', OwnerId: human });
      const connection = await open(salesforce);
      await deliverOne(connection, deliveryOf([startPush('1')]));
      const byId = (id: string) => salesforce.leads().find((lead) => lead.id === id);
      assert.is(byId(found)?.['Delacon_Caller__c'], '+61444444444');
      assert.is(byId(found)?.['OwnerId'], human);

      salesforce.addLead({ Phone: '+61444444445', OwnerId: human, IsConverted: true });
      const push = startPush('2', { PLA_Caller_Phone_Number: '+61444444445' });
      const made = await deliverOne(connection, deliveryOf([push]));
      assert.is(made.kind, 'delivered', JSON.stringify(made));
      assert.is(
        byId(made.records?.person?.id ?? '')?.['OwnerId'],
        '00G5g000000queueEAA',
        "the org's rule gives away new Leads",
      );
    },
    { assignTo: '00G5g000000queueEAA', duplicateRule: 'alert' },
  ),
);

people('who holds the key themselves comes before whom a converted lead that keeps it became', () =>
  withSalesforceEmulator(async (salesforce) => {
    const lead = salesforce.addLead({ LastName: 'x', Company: 'x', Delacon_Caller__c: '+61444444444' });
    salesforce.convertLead(lead);
    const contact = salesforce.addContact({ LastName: 'Jane', Delacon_Caller__c: '+61444444444' });
    const connection = await open(salesforce, { person: { match: ['Lead', 'Contact'] } });
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.equal(outcome.records?.person, { type: 'contact', id: contact });
    assert.is(outcome.whyPerson, 'Found by the key Delacon_Caller__c.');
  }),
);

people('a person who is locked for a moment keeps the call waiting, and not out of Salesforce', () =>
  withSalesforceEmulator(async (salesforce) => {
    const person = { properties: { City: '{{ call.caller.city }}' }, onUpdate: 'overwrite' };
    const connection = await open(salesforce, { person });
    const { records } = await deliverOne(connection, deliveryOf([startPush('1')]));
    const start = startPush('2', { PLA_City: 'Perth' });
    salesforce.org.locked.add(records?.person?.id ?? '');
    const waiting = await deliverOne(connection, deliveryOf([start]));
    assert.is(waiting.kind, 'retry', JSON.stringify(waiting));
    assert.match(JSON.stringify(waiting), /UNABLE_TO_LOCK_ROW/);
    assert.is(salesforce.tasks().length, 2);
    salesforce.org.locked.clear();
    const done = await deliverOne(connection, deliveryOf([start], { records: waiting.records ?? {} }));
    assert.is(done.kind, 'delivered', JSON.stringify(done));
    assert.is(salesforce.leads()[0]?.['City'], 'Perth');
    assert.is(salesforce.tasks().length, 2);
  }),
);

people('a rule that blocks duplicates is quoted', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      salesforce.addLead({ Phone: '+61444444444', IsConverted: true });
      const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'delivered');
      assert.match(String(outcome.notes), /DUPLICATES_DETECTED: "Use one of these records\?"/);
    },
    { duplicateRule: 'block' },
  ),
);

people('somebody who may not be given the key still gets the call', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.refusedValues.set('Contact.Delacon_Caller__c', /./);
    const id = salesforce.addContact({ Phone: '0444444444' });
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    assert.is(outcome.records?.person?.id, id);
    assert.match(JSON.stringify(outcome), /The key was not written on 003/);
  }),
);

people('somebody who is deleted while they are claimed leaves the caller to be resolved again', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addContact({ Phone: '0444444444' });
    const connection = await open(salesforce);
    const errors = [{ statusCode: 'ENTITY_IS_DELETED', message: 'entity is deleted', fields: [] }];
    salesforce.strike(answering(200, [{ success: false, errors }]), 'PATCH /composite/sobjects');
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    salesforce.delete(id);
    const again = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(again.records?.person?.id, salesforce.leads()[0]?.id, JSON.stringify(again));
  }),
);

people('a key that somebody else got in between points to the caller', () =>
  withSalesforceEmulator(async (salesforce) => {
    const holder = salesforce.addContact({ Phone: '+64211234567', Delacon_Caller__c: '+61444444444' });
    salesforce.addContact({ Phone: '0444444444' });
    const none = { body: { totalSize: 0, done: true, records: [] }, httpStatusCode: 200, httpHeaders: {} };
    const compositeResponse = [0, 1, 2, 3].map((i) => ({ ...none, referenceId: `q${i}` }));
    salesforce.strike(answering(200, { compositeResponse }), 'POST /composite'); // as it was a moment ago
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    assert.is(outcome.records?.person?.id, holder, JSON.stringify(outcome));
    assert.is(outcome.whyPerson, 'Found by the key Delacon_Caller__c, which they got meanwhile.');
  }),
);

people('one number in two batches at once makes one person', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const outcomes = await Promise.all(
      ['1', '2', '3'].map((id) => deliverOne(connection, deliveryOf([startPush(id)]))),
    );
    assert.is(salesforce.leads().length, 1);
    assert.is(new Set(outcomes.map(({ records }) => records?.person?.id)).size, 1);
    assert.is(salesforce.countRequests('Lead'), 1);
  }),
);

people('fillBlank fills what is blank and leaves what people wrote', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addContact({ Phone: '0444444444', Title: 'Plumber' });
    const properties = {
      Title: 'Caller',
      MailingCity: '{{ call.caller.city }}',
      Company: 'Only leads have it',
    };
    const connection = await open(salesforce, { person: { properties } });
    const push = startPush('1', { PLA_City: 'Sydney' });
    const outcome = await deliverOne(connection, deliveryOf([push]));
    assert.is(outcome.records?.person?.id, id, JSON.stringify(outcome));
    const [contact] = salesforce.contacts();
    assert.is(contact?.['Title'], 'Plumber');
    assert.is(contact?.['MailingCity'], 'Sydney');
    salesforce.forgetRequests();
    await deliverOne(connection, deliveryOf([push, endPush('1')], { records: outcome.records ?? {} }));
    assert.is(salesforce.countRequests(), 1, 'what a person holds is remembered');
  }),
);

people('what somebody filled in since we looked is not blank, and stays', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addContact({ Phone: '0444444444' });
    const properties = { Title: '{{ call.dealer.name }}', MailingCity: '{{ call.caller.city }}' };
    const { clock, pass } = movingClock();
    const connection = await open(salesforce, { person: { properties } }, testTools({ clock }));
    const silent = startPush('1', { PLA_Dealer_Name: '', PLA_City: '' });
    const { records = {} } = await deliverOne(connection, deliveryOf([silent]));
    salesforce.edit(id, { Title: 'Plumber' });
    pass(10_000);
    salesforce.forgetRequests();
    const telling = startPush('1', { PLA_Dealer_Name: 'Northside', PLA_City: 'Sydney' });
    await deliverOne(connection, deliveryOf([telling, endPush('1')], { records }));
    const [contact] = salesforce.contacts();
    assert.equal([contact?.['Title'], contact?.['MailingCity']], ['Plumber', 'Sydney']);
    assert.is(salesforce.countRequests(), 3, 'a look, the person, the call');
  }),
);

const badDays = [
  ['is down', faults.unavailable],
  ['cuts the connection', faults.loseAnswer],
  ['answers half', faults.brokenJson],
  ['has too many requests at once', faults.tooManyAtOnce],
] as const;

for (const [what, fault] of badDays) {
  people(`an org that ${what} when it is looked at again is written nothing, until that was seen`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const id = salesforce.addContact({ Phone: '0444444444' });
      const { clock, pass } = movingClock();
      const person = { properties: { Title: '{{ call.dealer.name }}' } };
      const connection = await open(salesforce, { person }, testTools({ clock }));
      const silent = startPush('1', { PLA_Dealer_Name: '' });
      const { records = {} } = await deliverOne(connection, deliveryOf([silent]));
      salesforce.edit(id, { Title: 'Plumber' });
      pass(10_000);
      salesforce.strike(fault, 'POST /composite');
      const telling = startPush('1', { PLA_Dealer_Name: 'Northside' });
      const end = deliveryOf([telling, endPush('1')], { records });
      const failed = await deliverOne(connection, end);
      assert.is(failed.kind, 'retry', JSON.stringify(failed));
      const outcome = await deliverOne(connection, end);
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.is(salesforce.contacts()[0]?.['Title'], 'Plumber');
      assert.equal(
        salesforce.tasks().map((task) => [task['WhoId'], task['Status']]),
        [[id, 'Completed']],
      );
    }),
  );

  people(`an org that ${what} while it says that somebody is gone who is there makes no second one`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const first = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
      const contact = salesforce.convertLead(first.records?.person?.id ?? '');
      salesforce.edit(contact, { Phone: '02 9999 0000' });
      const errors = [{ statusCode: 'INVALID_CROSS_REFERENCE_KEY', message: 'invalid cross reference id' }];
      // Who has the key, where they went, and where they went when it is said again.
      for (const place of [0, 1, 2]) {
        const connection = await open(salesforce);
        for (const _ of ['the first round', 'the last'])
          salesforce.strike(answering(200, [{ success: false, errors }]), '/Task/');
        salesforce.strike(fault, 'POST /composite', place);
        const outcome = await deliverOne(connection, deliveryOf([startPush(`${place}`)]));
        assert.is(outcome.kind, 'retry', `${place}: ${JSON.stringify(outcome)}`);
        assert.match(JSON.stringify(outcome), / query(All)? with | to query(All)?: /);
        salesforce.calm();
        const again = await deliverOne(connection, deliveryOf([startPush(`${place}`)], { attempt: 2 }));
        assert.equal(again.records?.person, { type: 'contact', id: contact }, JSON.stringify(again));
      }
      assert.equal([salesforce.leads().length, salesforce.contacts().length], [1, 1]);
      assert.is(salesforce.tasks().length, 3, 'the first of these calls was written before');
    }),
  );
}

people('somebody new is not looked at again for what was just written', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { person: { properties: { Title: 'Caller' } } });
    await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(salesforce.leads()[0]?.['Title'], 'Caller');
    assert.is(salesforce.countRequests(), 3);
  }),
);

people('overwrite overwrites, never leaves alone', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addContact({ Phone: '0444444444', Title: 'Plumber' });
    const write = async (onUpdate: string) => {
      const connection = await open(salesforce, { person: { onUpdate, properties: { Title: 'Caller' } } });
      await deliverOne(connection, deliveryOf([startPush(onUpdate)]));
      return salesforce.contacts().find((contact) => contact.id === id)?.['Title'];
    };
    assert.is(await write('never'), 'Plumber');
    assert.is(await write('overwrite'), 'Caller');
  }),
);

people('a person who may not be changed still gets the call, with a note', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.refusedValues.set('Contact.Title', /Caller/);
    salesforce.addContact({ Phone: '0444444444' });
    const connection = await open(salesforce, { person: { properties: { Title: 'Caller' } } });
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /Title was left out: Salesforce refuses it.*Title must not be/);
    assert.is(salesforce.contacts()[0]?.['Title'], undefined);
  }),
);

people('the lost answer to a new Lead does not make a second', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    salesforce.strike(faults.loseAnswer, 'Lead+Task');
    const lost = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(lost.kind, 'retry');
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.records?.person?.id, salesforce.leads()[0]?.id);
    assert.is(salesforce.leads().length, 1);
  }),
);

people('more numbers than one query or search may hold are asked for in parts', () =>
  withSalesforceEmulator(async (salesforce) => {
    const numbers = Array.from({ length: 400 }, (_, i) => `+4930${String(10_000_000 + i * 37)}`);
    const connection = await open(salesforce, { person: { create: false } });
    const batch = numbers.map((number, i) =>
      deliveryOf([startPush(`${i}`, { PLA_Caller_Phone_Number: number })]),
    );
    const outcomes = await connection.deliver(batch, soon());
    assert.equal(new Set(outcomes.map(({ kind }) => kind)), new Set(['delivered']));
    assert.ok(salesforce.countRequests('POST /composite') > 1);
    assert.ok(salesforce.searches().length > 1);
    for (const search of salesforce.searches()) {
      assert.ok((/\{(.*)\}/.exec(search)?.[1]?.length ?? 9_999) <= 4_000);
    }
  }),
);

people.run();
