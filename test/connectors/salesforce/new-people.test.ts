import type { Fields } from '../../../src/call/push.ts';
import type { Delivery } from '../../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import {
  answering,
  faults,
  type SalesforceEmulator,
  withSalesforceEmulator,
} from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, newCallers, open, soon } from './rig.ts';

const newPeople = suite('salesforce new people');

const numbers = ['+61444444444', '+61444444445', '+61444444446'] as const;

/** A call that is over, of the caller with this number. */
const callOf = (callId: string, number: string, more: Fields = {}): Delivery =>
  deliveryOf([startPush(callId, { PLA_Caller_Phone_Number: number, ...more }), endPush(callId)]);

const together = 'Lead+Task';

/** Each call once, linked to the only lead that has its caller's number. */
function checkBooks(salesforce: SalesforceEmulator, calls: readonly Delivery[]): void {
  assert.is(salesforce.tasks().length, calls.length);
  for (const { key, call } of calls) {
    const task = salesforce.tasks().find((one) => one['Delacon_Call_Id__c'] === key);
    const leads = salesforce.leads().filter((lead) => lead['Delacon_Caller__c'] === call.caller.number);
    assert.is(leads.length, 1, `leads of ${key}`);
    assert.is(task?.['WhoId'], leads[0]?.id, `whom ${key} belongs to`);
    assert.equal([task?.['TaskSubtype'], task?.['Status']], ['Call', 'Completed']);
  }
}

const landline = (callId: string, number = '+61255501234', more: Fields = {}) =>
  callOf(callId, number, { PLA_City: 'Sydney', PLA_State: 'NSW', ...more });

newPeople(
  'who rings from a landline is made with city and state, a contact under its own names for them',
  async () => {
    for (const [create, city, state] of [
      ['Lead', 'City', 'State'],
      ['Contact', 'MailingCity', 'MailingState'],
    ] as const)
      await withSalesforceEmulator(async (salesforce) => {
        await (await open(salesforce, { person: { create } })).deliver([landline('1')], soon());
        const [made] = create === 'Lead' ? salesforce.leads() : salesforce.contacts();
        assert.equal([made?.[city], made?.[state]], ['Sydney', 'NSW']);
        assert.is(salesforce.countRequests(), 3);
      });
  },
);

newPeople('where the org has lists of states, a state is one of its country, or left out and told', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.listStates({ US: ['WA', 'CA'], AU: ['NSW', 'WA'] });
    const connection = await open(salesforce);
    const calls = [
      landline('1'),
      landline('2', '+61255501235', { PLA_City: 'Perth', PLA_State: 'wa' }),
      landline('3', '+61255501236', { PLA_State: 'abc' }),
      landline('4', '+61255501237', { PLA_State: 'CA' }),
    ];
    const outcomes = [];
    for (const call of calls) outcomes.push(await deliverOne(connection, call));
    checkBooks(salesforce, calls);
    assert.equal(
      salesforce.leads().map((lead) => [lead['City'], lead['StateCode'], lead['CountryCode']]),
      [
        ['Sydney', 'NSW', 'AU'],
        ['Perth', 'WA', 'AU'],
        ['Sydney', undefined, undefined],
        ['Sydney', undefined, undefined],
      ],
    );
    const notes = outcomes.map((outcome) =>
      outcome.kind === 'delivered' ? outcome.notes?.join(' ') : outcome.kind,
    );
    assert.equal(notes.slice(0, 3), [
      undefined,
      undefined,
      `Lead.State was left out: the org's list of states has no "abc" of AU.`,
    ]);
    assert.match(notes[3] ?? '', /^State was left out: Salesforce refuses it\. .*recognize the state/);
    assert.is(salesforce.countRequests('Lead/describe'), 1);
  }),
);

newPeople(
  'an org that keeps city and state from the bridge gets people without, and is asked about it once',
  () =>
    withSalesforceEmulator(async (salesforce) => {
      salesforce.org.hidden.add('Lead.City').add('Lead.State');
      const connection = await open(salesforce);
      const calls = [landline('1'), landline('2', '+61255501235')];
      for (const call of calls) assert.equal(kinds(await connection.deliver([call], soon())), ['delivered']);
      checkBooks(salesforce, calls);
      assert.is(salesforce.countRequests('Lead/describe'), 1);
      salesforce.forgetRequests();
      await connection.deliver([landline('3', '+61255501236')], soon());
      assert.is(salesforce.countRequests(together), 1);
      assert.is(salesforce.countRequests(), 3);
    }),
);

newPeople('a state that the mapping names, and that a list refuses, costs nobody their lead', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.listStates({ AU: ['NSW'] });
    const connection = await open(salesforce, { person: { properties: { State: '{{ PLA_State }}' } } });
    const outcome = await deliverOne(connection, landline('1'));
    checkBooks(salesforce, [landline('1')]);
    assert.match(
      outcome.kind === 'delivered' ? (outcome.notes?.join(' ') ?? '') : '',
      /^State was left out: Salesforce refuses it/,
    );
  }),
);

newPeople('a rule of the org that refuses a city costs nobody their lead', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.refusedValues.set('Lead.City', /Sydney/);
    await deliverOne(await open(salesforce), landline('1'));
    checkBooks(salesforce, [landline('1')]);
    assert.equal([salesforce.leads()[0]?.['City'], salesforce.leads()[0]?.['State']], [undefined, 'NSW']);
  }),
);

const kinds = (outcomes: readonly { kind: string }[]) => outcomes.map(({ kind }) => kind);

newPeople('a dozen new callers and their calls are one request, each record by itself', () =>
  withSalesforceEmulator(async (salesforce) => {
    const calls = newCallers(12);
    const outcomes = await (await open(salesforce)).deliver(calls, soon());
    checkBooks(salesforce, calls);
    assert.is(salesforce.countRequests(together), 1);
    assert.is(salesforce.countRequests(), 3);
    const { allOrNone, compositeRequest } = JSON.parse(salesforce.bodies(together)[0] ?? '');
    assert.is(allOrNone, false);
    assert.is(compositeRequest.length, 24);
    outcomes.forEach((outcome, i) => {
      const task = salesforce.tasks().find((one) => one['Delacon_Call_Id__c'] === `c${i}`);
      assert.equal(outcome, {
        kind: 'delivered',
        records: {
          person: { type: 'lead', id: task?.['WhoId'] },
          activity: { type: 'task', id: task?.id },
        },
        whyPerson: 'Created, as nobody had this number.',
      });
    });
  }),
);

newPeople('more than fit into one request are two: the people, then the calls', () =>
  withSalesforceEmulator(async (salesforce) => {
    const calls = newCallers(13);
    await (await open(salesforce)).deliver(calls, soon());
    checkBooks(salesforce, calls);
    assert.is(salesforce.countRequests(together), 0);
    assert.equal(
      [salesforce.countRequests('POST /composite/sobjects'), salesforce.countRequests('/Task/')],
      [1, 1],
    );
  }),
);

newPeople('several calls of one new caller are linked to the one person that they make', () =>
  withSalesforceEmulator(async (salesforce) => {
    // As many as fit into one request with them.
    const calls = Array.from({ length: 24 }, (_, i) => callOf(`${i}`, numbers[0]));
    await (await open(salesforce)).deliver(calls, soon());
    checkBooks(salesforce, calls);
    assert.is(salesforce.countRequests(together), 1);
  }),
);

newPeople('a contact is made together with its call, too', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { person: { create: 'Contact' } });
    const outcome = await deliverOne(connection, callOf('1', numbers[0]));
    assert.equal(outcome.records?.person, { type: 'contact', id: salesforce.contacts()[0]?.id });
    assert.is(salesforce.tasks()[0]?.['WhoId'], salesforce.contacts()[0]?.id);
    assert.is(salesforce.countRequests('Contact+Task'), 1);
  }),
);

newPeople('a call that is there already is updated beside the ones that are new', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { person: { create: false } });
    const start = deliveryOf([startPush('1', { PLA_Caller_Phone_Number: numbers[0] })]);
    const { records = {} } = await deliverOne(connection, start);
    const calls = [{ ...callOf('1', numbers[0]), records }, callOf('2', numbers[0])];
    const outcomes = await (await open(salesforce)).deliver(calls, soon());
    assert.equal(kinds(outcomes), ['delivered', 'delivered']);
    checkBooks(salesforce, calls);
    const [sent] = salesforce.bodies(together);
    assert.is(JSON.parse(sent ?? '').compositeRequest.length, 2, 'the person and the new call');
  }),
);

newPeople('a person whose calls are all there already is made alone', () =>
  withSalesforceEmulator(async (salesforce) => {
    const start = deliveryOf([startPush('1', { PLA_Caller_Phone_Number: numbers[0] })]);
    const { records = {} } = await deliverOne(await open(salesforce, { person: { create: false } }), start);
    const call = { ...callOf('1', numbers[0]), records };
    await deliverOne(await open(salesforce), call);
    checkBooks(salesforce, [call]);
    assert.equal([together, 'POST /composite/sobjects'].map(salesforce.countRequests), [0, 1]);
  }),
);

newPeople('what reads like a reference is text, whoever sends it', () =>
  withSalesforceEmulator(async (salesforce) => {
    const keywords = '@{r0.id} plumber @{r1.Id} @{nothing.id}';
    const calls = [
      callOf('1', numbers[0], { PLA_Keywords_Searched: keywords }),
      callOf('2', numbers[1], { PLA_Dealer_Name: '@{r0_0.id}' }),
    ];
    await (await open(salesforce)).deliver(calls, soon());
    checkBooks(salesforce, calls);
    assert.ok(String(salesforce.tasks()[0]?.['Description']).includes(keywords));
    assert.match(String(salesforce.tasks()[1]?.['Subject']), /to @\{r0_0\.id\}, answered by /);
  }),
);

newPeople('a call that the org refuses fails by itself, with its words; its caller is there', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.refusedValues.set('Task.Subject', /FORBIDDEN/);
    const calls = [
      callOf('1', numbers[0]),
      callOf('2', numbers[1], { PLA_Dealer_Name: 'FORBIDDEN' }),
      callOf('3', numbers[2]),
    ];
    const outcomes = await (await open(salesforce)).deliver(calls, soon());
    assert.equal(kinds(outcomes), ['delivered', 'rejected', 'delivered']);
    assert.match(JSON.stringify(outcomes[1]), /upsert Task with FIELD_CUSTOM_VALIDATION_EXCEPTION/);
    checkBooks(salesforce, [calls[0] as Delivery, calls[2] as Delivery]);
    assert.is(salesforce.leads().length, 3);
  }),
);

newPeople('a person whom the org refuses costs no call: it is written without, and the note says why', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.refusedValues.set('Lead.LastName', /445$/);
    const calls = numbers.map((number, i) => callOf(`${i}`, number));
    const outcomes = await (await open(salesforce)).deliver(calls, soon());
    assert.equal(kinds(outcomes), ['delivered', 'delivered', 'delivered']);
    assert.match(String(outcomes[1]?.notes), /insert Lead with FIELD_CUSTOM_VALIDATION_EXCEPTION/);
    assert.is(outcomes[1]?.records?.person, undefined);
    assert.is(salesforce.leads().length, 2);
    assert.is(salesforce.tasks().length, 3);
  }),
);

newPeople('a value that a field of the person does not take is fitted, and the call is linked', () =>
  withSalesforceEmulator(async (salesforce) => {
    const properties = { NumberOfEmployees: 'many', FirstName: '{{ call.dealer.name }}' };
    const connection = await open(salesforce, { person: { properties } });
    const call = callOf('1', numbers[0], { PLA_Dealer_Name: 'x'.repeat(60) });
    const outcome = await deliverOne(connection, call);
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(
      JSON.stringify(outcome),
      /NumberOfEmployees was left out.*FirstName was cut to 40 characters/,
    );
    checkBooks(salesforce, [call]);
  }),
);

newPeople('who got the key since we looked is the caller', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.races.add(`Lead ${numbers[0]}`);
    const call = callOf('1', numbers[0]);
    const outcome = await deliverOne(await open(salesforce), call);
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(String(outcome.whyPerson), /which they got meanwhile/);
    checkBooks(salesforce, [call]);
    // Queries by key and by number, a search, the request that was refused, the key once more, the call.
    assert.is(salesforce.countRequests(), 5);
  }),
);

newPeople('who has the key since we looked is as people have them: nothing is written over', () =>
  withSalesforceEmulator(async (salesforce) => {
    const more = { LastName: 'Jane', Company: 'Acme', Phone: '02 9999 0000' };
    const id = salesforce.addLead({ ...more, Delacon_Caller__c: numbers[0] });
    for (const calls of [[callOf('1', numbers[0])], [...newCallers(13), callOf('2', numbers[0])]]) {
      const empty = part('', 200, { totalSize: 0, done: true, records: [] });
      const nobody = [0, 1, 2, 3].map((i) => ({ ...empty, referenceId: `q${i}` }));
      salesforce.strike(answering(200, { compositeResponse: nobody }), 'POST /composite'); // as it was a moment ago
      const outcomes = await (await open(salesforce)).deliver(calls, soon());
      assert.equal(outcomes.at(-1)?.records?.person, { type: 'lead', id }, JSON.stringify(outcomes.at(-1)));
      const [lead] = salesforce.leads();
      assert.equal(lead, { ...lead, ...more });
    }
  }),
);

newPeople('somebody who has the key and is not shown holds up the call, and what to grant is said', () =>
  withSalesforceEmulator(async (salesforce) => {
    const refusal = {
      errorCode: 'DUPLICATE_VALUE',
      message: 'duplicate value found: <unknown> duplicates value on record with id: <unknown>',
    };
    const compositeResponse = [part('r0', 400, [refusal])];
    salesforce.strike(answering(200, { compositeResponse }), together);
    const outcome = await deliverOne(await open(salesforce), callOf('1', numbers[0]));
    assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /Somebody has the key of the caller.*View All/);
  }),
);

newPeople('while nobody can be asked who has the key, the reason is that', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.races.add(`Lead ${numbers[0]}`);
    const connection = await open(salesforce);
    salesforce.strike(faults.maintenance, 'POST /composite', 1);
    const outcome = await deliverOne(connection, callOf('1', numbers[0]));
    assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /query with 503.*maintenance/);
  }),
);

newPeople(
  "a field of the org's own that has to be unique refuses in Salesforce's words, once and for all",
  () =>
    withSalesforceEmulator(async (salesforce) => {
      for (const object of ['Lead', 'Task']) {
        salesforce.addField(object, 'Ext__c', { type: 'Text', length: 40, unique: true });
        salesforce.grantField(`${object}.Ext__c`);
      }
      salesforce.addLead({ Ext__c: 'same' });
      salesforce.addTask({ Ext__c: 'same' });
      const properties = { Ext__c: 'same' };
      for (const [settings, kind] of [
        [{ activity: { properties } }, 'rejected'],
        [{ person: { properties } }, 'delivered'],
      ] as const) {
        const outcome = await deliverOne(await open(salesforce, settings), callOf('1', numbers[0]));
        assert.is(outcome.kind, kind, JSON.stringify(outcome));
        assert.match(JSON.stringify(outcome), /DUPLICATE_VALUE.*duplicate value found: Ext__c/);
      }
    }),
);

newPeople('a Task that has the key of the call already is found, linked and completed', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addTask({ Delacon_Call_Id__c: '1', TaskSubtype: 'Call', Status: 'In Progress' });
    const call = callOf('1', numbers[0]);
    const outcome = await deliverOne(await open(salesforce), call);
    assert.equal(outcome.records?.activity, { type: 'task', id }, JSON.stringify(outcome));
    checkBooks(salesforce, [call]);
  }),
);

newPeople('a row that is locked holds up its own call: the next attempt finds who was made', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const calls = numbers.map((number, i) => callOf(`${i}`, number));
    // Lead, Task, Lead, Task: the second call's.
    salesforce.strike({ ...faults.lockedRow, freeRows: 3 }, together);
    const outcomes = await connection.deliver(calls, soon());
    assert.equal(kinds(outcomes), ['delivered', 'retry', 'delivered']);
    assert.match(JSON.stringify(outcomes[1]), /insert Lead and Task with 400 UNABLE_TO_LOCK_ROW/);
    salesforce.forgetRequests();
    const again = await deliverOne(connection, calls[1] as Delivery);
    assert.is(again.kind, 'delivered', JSON.stringify(again));
    assert.is(salesforce.countRequests(), 1, 'the person is known by now');
    checkBooks(salesforce, calls);
  }),
);

newPeople('a request that is refused whole is sent in parts, where the culprit is found', () =>
  withSalesforceEmulator(async (salesforce) => {
    const refusal = answering(400, [{ errorCode: 'JSON_PARSER_ERROR', message: 'Unexpected character' }]);
    salesforce.strike(refusal, together);
    const calls = numbers.map((number, i) => callOf(`${i}`, number));
    const outcomes = await (await open(salesforce)).deliver(calls, soon());
    assert.equal(kinds(outcomes), ['delivered', 'delivered', 'delivered']);
    checkBooks(salesforce, calls);
  }),
);

newPeople('an answer that leaves records out is believed of those it tells of', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    salesforce.strike(answering(200, { compositeResponse: [] }), together);
    const call = callOf('1', numbers[0]);
    const outcome = await deliverOne(connection, call);
    assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /accepted insert Lead and Task, but did not say/);
    assert.is((await deliverOne(connection, call)).kind, 'delivered');
    checkBooks(salesforce, [call]);
  }),
);

/** Of the parts of one composite request: the lead and its call. */
const part = (referenceId: string, httpStatusCode: number, body: unknown) => ({
  body,
  httpHeaders: {},
  httpStatusCode,
  referenceId,
});

for (const [title, status, body] of [
  ['names no id', 201, { success: true, errors: [] }],
  ['has an empty id', 201, { id: '', success: true, errors: [] }],
  ['has an id and says that it failed', 201, { id: '00Q5g00000abcdeAAA', success: false }],
  ['has another status', 200, { id: '00Q5g00000abcdeAAA', success: true }],
  ['is empty', 201, null],
] as const)
  newPeople(`an answer that ${title} is none: nobody is remembered, and the next attempt finds them`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const tools = testTools();
      const connection = await open(salesforce, {}, tools);
      const compositeResponse = ['r0', 'r0_0'].map((name) => part(name, status, body));
      salesforce.strike({ ...answering(200, { compositeResponse }), commits: true }, together);
      const call = callOf('1', numbers[0]);
      const outcome = await deliverOne(connection, call);
      assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
      assert.is(tools.known.size, 0);
      assert.is((await deliverOne(connection, call)).kind, 'delivered');
      checkBooks(salesforce, [call]);
    }),
  );

newPeople('answers are told apart by their names, whatever their order', () =>
  withSalesforceEmulator(async (salesforce) => {
    const calls = [callOf('1', numbers[0]), callOf('2', numbers[1])];
    const made = (name: string, id: string) => part(name, 201, { id, success: true, errors: [] });
    const compositeResponse = [
      made('r1_0', '00T5g000000000dAAA'),
      made('r0_0', '00T5g000000000bAAA'),
      made('r1', '00Q5g000000000cAAA'),
      made('r0', '00Q5g000000000aAAA'),
      made('r0', '00Q5g000000000zAAA'),
    ];
    salesforce.strike(answering(200, { compositeResponse }), together);
    const outcomes = await (await open(salesforce)).deliver(calls, soon());
    assert.equal(
      outcomes.map(({ records }) => [records?.person?.id, records?.activity?.id]),
      [
        ['00Q5g000000000aAAA', '00T5g000000000bAAA'],
        ['00Q5g000000000cAAA', '00T5g000000000dAAA'],
      ],
    );
  }),
);

newPeople('a request that the org does not take, in words that nobody knows, is not all there is', () =>
  withSalesforceEmulator(async (salesforce) => {
    const refusal = answering(400, [{ errorCode: 'INVALID_INPUT', message: 'Invalid reference specified.' }]);
    salesforce.strike(refusal, together);
    const calls = numbers.map((number, i) => callOf(`${i}`, number));
    const outcomes = await (await open(salesforce)).deliver(calls, soon());
    assert.equal(kinds(outcomes), ['delivered', 'delivered', 'delivered'], JSON.stringify(outcomes));
    checkBooks(salesforce, calls);
  }),
);

newPeople('a lead that the org converts as soon as it is made leads to its contact', () =>
  withSalesforceEmulator(async (salesforce) => {
    const lead = salesforce.addLead({ Delacon_Caller__c: numbers[0] });
    const contact = salesforce.convertLead(lead);
    const empty = part('', 200, { totalSize: 0, done: true, records: [] });
    const nobody = [0, 1, 2, 3].map((i) => ({ ...empty, referenceId: `q${i}` }));
    salesforce.strike(answering(200, { compositeResponse: nobody }), 'POST /composite');
    const refusal = { errorCode: 'CANNOT_UPDATE_CONVERTED_LEAD', message: 'cannot reference converted lead' };
    const compositeResponse = [part('r0', 201, { id: lead, success: true }), part('r0_0', 400, [refusal])];
    salesforce.strike(answering(200, { compositeResponse }), together);
    const outcome = await deliverOne(await open(salesforce), callOf('1', numbers[0]));
    assert.equal(outcome.records?.person, { type: 'contact', id: contact }, JSON.stringify(outcome));
    assert.is(salesforce.tasks()[0]?.['WhoId'], contact);
  }),
);

newPeople('two batches at once with one new number make one person, and each its calls', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const connection = await open(salesforce);
      const calls = ['1', '2', '3', '4'].map((id) => callOf(id, numbers[0]));
      const outcomes = await Promise.all([
        connection.deliver(calls.slice(0, 2), soon()),
        connection.deliver(calls.slice(2), soon()),
      ]);
      assert.equal(kinds(outcomes.flat()), ['delivered', 'delivered', 'delivered', 'delivered']);
      checkBooks(salesforce, calls);
    },
    { latencyMs: 5 },
  ),
);

newPeople('where refusals cannot be read, people are made before their calls', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const tools = testTools();
      tools.kept.set('found', JSON.stringify({ refusals: 'unread' }));
      const call = callOf('1', numbers[0]);
      await deliverOne(await open(salesforce, {}, tools), call);
      assert.is(salesforce.countRequests(together), 0);
      checkBooks(salesforce, [call]);
    },
    { oddities: { words: 'Nope.' } },
  ),
);

newPeople(
  'a lead that has an owner keeps them from the rules of the org; one without goes by the rules',
  () =>
    withSalesforceEmulator(
      async (salesforce) => {
        const jane = salesforce.addUser({ Username: 'jane@acme.example' });
        const owner = { by: 'call.dealer.name', map: { Sydney: 'jane@acme.example' } };
        const calls = [
          callOf('1', numbers[0], { PLA_Dealer_Name: 'Sydney' }),
          callOf('2', numbers[1], { PLA_Dealer_Name: 'Perth' }),
        ];
        await (await open(salesforce, { owner })).deliver(calls, soon());
        checkBooks(salesforce, calls);
        assert.is(salesforce.countRequests(together), 1);
        assert.equal(
          salesforce.leads().map((lead) => lead['OwnerId']),
          [jane, '00G5g000000000aEAA'],
        );
      },
      { assignTo: '00G5g000000000aEAA' },
    ),
);

/*
 * The rule of assignment that a lead met named somebody who had left: that one call waited, and whenever it was tried the
 * connector was blocked, with all others.
 */
newPeople('an assignment rule that names who is inactive costs the person, not the call', () =>
  withSalesforceEmulator(async (salesforce) => {
    const assignTo = salesforce.addUser({ Username: 'left@acme.example', IsActive: false });
    Object.assign(salesforce.org.behaviour, { assignTo });
    const [outcome] = await (await open(salesforce)).deliver([callOf('1', numbers[0])], soon());
    assert.is(outcome?.kind, 'delivered', JSON.stringify(outcome));
    assert.match(
      JSON.stringify(outcome),
      /Nobody could be made of the caller. Who is to own it is inactive in Salesforce: correct `owner`, or the org's own rule/,
    );
    assert.equal([salesforce.tasks().length, salesforce.leads().length], [1, 0]);
  }),
);

newPeople(
  'a duplicate rule that only warns is passed, and one that blocks costs the person, not the call',
  async () => {
    for (const duplicateRule of ['alert', 'block'] as const)
      await withSalesforceEmulator(
        async (salesforce) => {
          // A converted lead that leads nowhere has the number still.
          const lead = salesforce.addLead({ LastName: 'x', Company: 'x', Phone: numbers[0] });
          salesforce.delete(salesforce.convertLead(lead));
          const outcome = await deliverOne(await open(salesforce), callOf('1', numbers[0]));
          assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
          if (duplicateRule === 'block') assert.match(String(outcome.notes), /DUPLICATES_DETECTED/);
          else assert.equal([together, 'POST /composite/sobjects'].map(salesforce.countRequests), [1, 0]);
        },
        { duplicateRule },
      );
  },
);

/*
 * A lead that the configuration does not look for, and the org's own rule knows: the call was on nobody. Among many, a
 * refusal does not say whom the rule means.
 */
for (const count of [1, 30])
  newPeople(`whom a duplicate rule that blocks names is the caller: ${count} at once`, () =>
    withSalesforceEmulator(
      async (salesforce) => {
        const phones = Array.from({ length: count }, (_, i) => `+614915701${10 + i}`);
        const leads = phones.map((Phone) => salesforce.addLead({ LastName: 'x', Company: 'x', Phone }));
        const connection = await open(salesforce, { person: { match: ['Contact'] } });
        const outcomes = await connection.deliver(
          phones.map((phone, i) => callOf(String(i), phone)),
          soon(),
        );
        assert.equal(
          outcomes.map(({ kind, records, whyPerson }) => [kind, records?.person?.id, whyPerson]),
          leads.map((id) => ['delivered', id, 'A duplicate rule of the org says that it is this lead.']),
        );
        assert.equal(
          salesforce.tasks().map((task) => task['WhoId']),
          leads,
        );
        assert.is(salesforce.leads().length, count);
      },
      { duplicateRule: 'block' },
    ),
  );

newPeople('of several whom a duplicate rule names, nobody is taken, and the call is there', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      for (const LastName of ['x', 'y']) salesforce.addLead({ LastName, Company: 'x', Phone: numbers[0] });
      const connection = await open(salesforce, { person: { match: ['Contact'] } });
      const outcome = await deliverOne(connection, callOf('1', numbers[0]));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.match(String(outcome.notes), /DUPLICATES_DETECTED/);
      assert.equal([salesforce.tasks().length, outcome.records?.person], [1, undefined]);
    },
    { duplicateRule: 'block' },
  ),
);

newPeople.run();
