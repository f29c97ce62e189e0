import { parsePush } from '../../../src/call/push.ts';
import type { Records } from '../../../src/connector/index.ts';
import { deliveryOf, endPush, endSample, startPush, startSample } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { type EmulatedRecord, faults, withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open } from './rig.ts';

const tasks = suite('salesforce tasks');

const sampleStart = parsePush(startSample).fields;
const sampleEnd = parsePush(endSample).fields;

tasks("the vendor's two sample pushes become one Lead and one Task", () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const first = await deliverOne(connection, deliveryOf([sampleStart]));
    const [lead] = salesforce.leads();
    assert.is(salesforce.leads().length, 1);
    assert.is(lead?.['Phone'], '+61444444444');
    assert.is(lead?.['Delacon_Caller__c'], '+61444444444');
    assert.is(lead?.['LastName'], '0444 444 444');
    assert.is(lead?.['Company'], 'Unknown');
    assert.is(lead?.['LeadSource'], 'Phone Inquiry');
    assert.is(lead?.['MobilePhone'], undefined);
    const [ringing] = salesforce.tasks();
    assert.is(ringing?.['Status'], 'In Progress');
    assert.is(ringing?.['WhoId'], lead?.id);
    assert.is(ringing?.['ActivityDate'], undefined, 'an open Task with a date would lock the Lead');
    assert.is(ringing?.['CallDurationInSeconds'], undefined);

    const second = await deliverOne(
      connection,
      deliveryOf([sampleStart, sampleEnd], { records: first.records ?? {} }),
    );
    assert.equal(second.records, first.records);
    assert.is(salesforce.tasks().length, 1);
    const [task] = salesforce.tasks();
    const { Description, LastModifiedDate, CreatedDate, CompletedDateTime, ...rest } = task as EmulatedRecord;
    assert.equal(rest, {
      id: ringing?.id,
      TaskSubtype: 'Call',
      CallType: 'Inbound',
      Subject: 'Call from 0444 444 444 to abc, answered by 029898989',
      Status: 'Completed',
      Priority: 'Normal',
      IsClosed: true,
      IsArchived: false,
      IsDeleted: false,
      ActivityDate: '2019-05-02', // 00:12 UTC, 10:12 in Sydney
      CallDurationInSeconds: 50,
      CallDisposition: 'Answered',
      CallObject: '1122334',
      Delacon_Call_Id__c: '1122334',
      WhoId: lead?.id,
      OwnerId: salesforce.org.userId,
      IsReminderSet: false,
    });
    assert.match(
      String(Description),
      /^Answered call · Thu 2 May 2019, 10:12 am AEST · 0:50 · answered by 029898989\nCaller: 0444 444 444 \(abc, abc, abc\)\n/,
    );
    assert.ok(CompletedDateTime && CreatedDate && LastModifiedDate);
  }),
);

tasks('the key travels in the body, the subtype when a Task is made and never after, the person once', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
    await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')], { records }));
    await deliverOne(connection, deliveryOf([startPush('2')]));
    const [along] = salesforce.bodies('Lead+Task');
    const [start] = salesforce.bodies('PATCH /composite/sobjects/Task/Delacon_Call_Id__c');
    const [end] = salesforce.bodies('PATCH /composite/sobjects');
    const recordOf = (body: string | undefined) => JSON.parse(body ?? '').records[0];
    const { WhoId, ...first } = JSON.parse(along ?? '').compositeRequest[1].body;
    assert.is(WhoId, '@{r0.id}');
    assert.equal(first, { ...first, Delacon_Call_Id__c: '1', TaskSubtype: 'Call' });
    assert.is(recordOf(start).Delacon_Call_Id__c, '2');
    assert.is(recordOf(start).TaskSubtype, 'Call');
    assert.is(recordOf(start).WhoId, records.person?.id);
    assert.is(recordOf(end).id, records.activity?.id);
    assert.not('TaskSubtype' in recordOf(end));
    assert.not('WhoId' in recordOf(end));
    assert.not('Delacon_Call_Id__c' in recordOf(end));
    assert.is(recordOf(end).CallDurationInSeconds, 50);
  }),
);

tasks('an answer lost after the Task was made does not make a second, and keeps the person', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    salesforce.strike(faults.loseAnswer, 'Lead+Task');
    const lost = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(lost.kind, 'retry');
    const outcome = await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')], { attempt: 2 }));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    const [task] = salesforce.tasks();
    assert.is(salesforce.tasks().length, 1);
    assert.is(task?.['Status'], 'Completed');
    assert.is(task?.['TaskSubtype'], 'Call');
    assert.equal(outcome.records, {
      activity: { type: 'task', id: task?.id },
      person: { type: 'lead', id: salesforce.leads()[0]?.id },
    });
  }),
);

tasks('a Task whose key another transaction commits at the same moment is found and updated', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    salesforce.org.races.add('Task 1');
    const outcome = await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')]));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.is(salesforce.tasks().length, 1);
    assert.is(salesforce.tasks()[0]?.['Status'], 'Completed');
  }),
);

tasks('a Task that somebody deleted is made again, as a call of the same person', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const first = await deliverOne(connection, deliveryOf([startPush('1')]));
    salesforce.delete(first.records?.activity?.id ?? '');
    const outcome = await deliverOne(
      connection,
      deliveryOf([startPush('1'), endPush('1')], { records: first.records as Records }),
    );
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    const [task] = salesforce.tasks();
    assert.is(salesforce.tasks().length, 1);
    assert.is(task?.['TaskSubtype'], 'Call');
    assert.is(task?.['WhoId'], salesforce.leads()[0]?.id);
  }),
);

tasks('a Task found by its key keeps the person it has, even if that is not whom we would choose', () =>
  withSalesforceEmulator(async (salesforce) => {
    const other = salesforce.addContact({ LastName: 'Chosen by hand' });
    salesforce.addTask({ Delacon_Call_Id__c: '1', Status: 'In Progress', WhoId: other, TaskSubtype: 'Call' });
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1'), endPush('1')]));
    assert.equal(outcome.records?.person, { type: 'contact', id: other });
    assert.is(salesforce.tasks()[0]?.['WhoId'], other);
  }),
);

tasks('a Task without a person that people link meanwhile keeps whom they chose', () =>
  withSalesforceEmulator(async (salesforce) => {
    const nobody = { person: { create: false } };
    const start = deliveryOf([startPush('1')]);
    const { records = {} } = await deliverOne(await open(salesforce, nobody), start);
    const chosen = salesforce.addContact({ LastName: 'Chosen by hand' });
    salesforce.addContact({ LastName: 'Has the number', Phone: '0444 444 444' });
    salesforce.edit(records.activity?.id ?? '', { WhoId: chosen });
    const connection = await open(salesforce, nobody);
    salesforce.strike(faults.unavailable, 'POST /composite', 1);
    const end = deliveryOf([startPush('1'), endPush('1')], { records });
    const unseen = await deliverOne(connection, end);
    assert.is(unseen.kind, 'retry', JSON.stringify(unseen));
    assert.equal(unseen.records, records);
    const outcome = await deliverOne(connection, end);
    assert.equal(outcome.records?.person, { type: 'contact', id: chosen }, JSON.stringify(outcome));
    const [task] = salesforce.tasks();
    assert.equal([task?.['WhoId'], task?.['Status']], [chosen, 'Completed']);
  }),
);

tasks('a Task that people relate to an Opportunity is completed, with all that its call leaves', () =>
  withSalesforceEmulator(async (salesforce) => {
    const settings = {
      person: { create: false },
      followUp: { when: 'true' },
      sale: { when: 'true', stage: 'Closed Won' },
    };
    const connection = await open(salesforce, settings);
    const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
    const opportunity = salesforce.org.insert('Opportunity', {
      Name: 'By hand',
      StageName: 'Prospecting',
    }).id;
    salesforce.edit(records.activity?.id ?? '', { WhatId: opportunity });
    salesforce.addLead({ Phone: '0444 444 444' }); // a Task of an Opportunity cannot be a Lead's
    for (const known of [records, {}]) {
      const end = deliveryOf([startPush('1'), endPush('1')], { records: known });
      const outcome = await deliverOne(connection, end);
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.is(outcome.records?.person, undefined);
    }
    const [task] = salesforce.tasks();
    assert.equal(
      [task?.['WhatId'], task?.['WhoId'], task?.['Status']],
      [opportunity, undefined, 'Completed'],
    );
    assert.is(salesforce.tasks().length, 2, 'the call and its follow-up');
  }),
);

tasks('a lapsed call is completed and says that the end was not received', () =>
  withSalesforceEmulator(async (salesforce) => {
    await deliverOne(await open(salesforce), deliveryOf([startPush('1')], { lapsed: true }));
    const [task] = salesforce.tasks();
    assert.is(task?.['Status'], 'Completed');
    assert.match(String(task?.['Description']), /how it ended was not received/);
  }),
);

tasks('atEnd writes nothing while it rings', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, { write: 'atEnd' });
    const ringing = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.equal(ringing, {
      kind: 'delivered',
      records: {},
      notes: ['It waits for the end of the call.'],
    });
    assert.is(salesforce.countRequests(), 0);
    await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')]));
    assert.is(salesforce.tasks()[0]?.['Status'], 'Completed');
  }),
);

tasks('two states of one call in one batch are written once, as the later one', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const outcomes = await connection.deliver(
      [deliveryOf([startPush('1')]), deliveryOf([startPush('1'), endPush('1')])],
      AbortSignal.timeout(10_000),
    );
    assert.equal(
      outcomes.map(({ kind }) => kind),
      ['delivered', 'delivered'],
    );
    assert.is(salesforce.tasks().length, 1);
    assert.is(salesforce.tasks()[0]?.['Status'], 'Completed');
    assert.is(JSON.parse(salesforce.bodies('Lead+Task')[0] ?? '').compositeRequest.length, 2);
  }),
);

tasks('texts are cut to what the fields hold, and it is noted', () =>
  withSalesforceEmulator(async (salesforce) => {
    const long = 'x'.repeat(400);
    const outcome = await deliverOne(
      await open(salesforce),
      deliveryOf([startPush('1', { PLA_Dealer_Name: long })]),
    );
    assert.is(String(salesforce.tasks()[0]?.['Subject']).length, 255);
    assert.equal(outcome.kind === 'delivered' && outcome.notes, ['Task.Subject was cut to 255 characters.']);
    assert.is(salesforce.countRequests('describe'), 0, 'lengths of standard fields are known');
  }),
);

tasks('values of mapped fields are fitted to what describe says, once it is needed', () =>
  withSalesforceEmulator(async (salesforce) => {
    const add = (name: string, parts: Record<string, unknown>) => {
      salesforce.addField('Task', name, parts);
      salesforce.grantField(`Task.${name}`);
    };
    add('Keywords__c', { type: 'Text', length: 5 });
    add('Amount__c', { type: 'Number' });
    add('Began__c', { type: 'DateTime' });
    add('Day__c', { type: 'Date' });
    const properties = {
      Keywords__c: '{{ call.marketing.keywords }}',
      Amount__c: 'about {{ call.durationSeconds }}',
      Began__c: '{{ call.startedAt }}',
      Day__c: '{{ call.startedAt }}',
      CallType: 'inbound',
    };
    const connection = await open(salesforce, { activity: { properties } });
    const keywords = { PLA_Keywords_Searched: 'blocked drain' };
    const outcome = await deliverOne(connection, deliveryOf([startPush('1', keywords), endPush('1')]));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    const [task] = salesforce.tasks();
    assert.is(task?.['Keywords__c'], 'block');
    assert.is(task?.['Began__c'], '2019-05-02T00:12:17.003Z');
    assert.is(task?.['Day__c'], '2019-05-02');
    assert.is(task?.['CallType'], 'Inbound');
    assert.is(task?.['Amount__c'], undefined);
    assert.equal(outcome.kind === 'delivered' && outcome.notes, [
      'Task.Keywords__c was cut to 5 characters.',
      'Task.Amount__c was left out: "about 50" is not a number.',
    ]);
    assert.is(salesforce.countRequests('describe'), 1);
    salesforce.forgetRequests();
    await deliverOne(connection, deliveryOf([startPush('2', keywords), endPush('2')]));
    assert.is(salesforce.countRequests(), 1, 'the next call is fitted before it is sent');
  }),
);

tasks(
  'a picklist takes its options by label and letter case, and other texts only where it is not restricted',
  () =>
    withSalesforceEmulator(async (salesforce) => {
      const status = salesforce.fields('Task').find(({ name }) => name === 'Status');
      const inProgress = status?.picklistValues.find(({ value }) => value === 'In Progress');
      if (inProgress) inProgress.label = 'Läuft';
      const properties = {
        Status: 'läuft',
        Priority: 'urgent',
        CallType: 'sideways',
        Keywords__c: 'long enough',
      };
      salesforce.addField('Task', 'Keywords__c', { type: 'Text', length: 4 });
      salesforce.grantField('Task.Keywords__c');
      const connection = await open(salesforce, { activity: { properties } });
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      const [task] = salesforce.tasks();
      assert.equal(
        [task?.['Status'], task?.['Priority'], task?.['CallType'], task?.['Keywords__c']],
        ['In Progress', 'urgent', undefined, 'long'],
      );
      assert.match(
        JSON.stringify(outcome),
        /Task.CallType was left out: .*sideways.* is not one of its options: Internal, Inbound, Outbound\./,
      );
    }),
);

tasks(
  'a field that is gone since it was described is described again at once, and blocks in Salesforce’s words',
  () =>
    withSalesforceEmulator(async (salesforce) => {
      salesforce.addField('Task', 'Keywords__c', { type: 'Text', length: 4 });
      salesforce.grantField('Task.Keywords__c');
      const connection = await open(salesforce, { activity: { properties: { Keywords__c: 'long enough' } } });
      await deliverOne(connection, deliveryOf([startPush('1')]));
      salesforce.org.hidden.add('Task.Keywords__c');
      salesforce.forgetRequests();
      const gone = await deliverOne(connection, deliveryOf([startPush('2')]));
      assert.is(gone.kind, 'blocked', JSON.stringify(gone));
      assert.match(JSON.stringify(gone), /No such column 'Keywords__c'/);
      await deliverOne(connection, deliveryOf([startPush('2')]));
      assert.is(salesforce.countRequests('describe'), 1, 'and not at every attempt');
      salesforce.org.hidden.clear();
      assert.is((await deliverOne(connection, deliveryOf([startPush('2')]))).kind, 'delivered');
    }),
);

for (const [result, voicemail, expected] of [
  ['Answered', 'No', 'Connected'],
  ['Answered', 'Yes', 'Connected'],
  ['Unanswered', 'No', 'No answer'],
  ['Unanswered', 'Yes', 'Left a message'],
  ['Engaged tone', 'No', 'Line busy'],
  ['Busy', 'No', 'Busy'],
] as const) {
  tasks(`outcomes call "${result}", voicemail ${voicemail}, "${expected}"`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const outcomes = {
        answered: 'Connected',
        unanswered: 'No answer',
        voicemail: 'Left a message',
        'engaged tone': 'Line busy',
      };
      const push = endPush('1', { PLA_CallResult: result, PLA_VoicemailLeft: voicemail });
      await deliverOne(
        await open(salesforce, { activity: { outcomes } }),
        deliveryOf([startPush('1'), push]),
      );
      assert.is(salesforce.tasks()[0]?.['CallDisposition'], expected);
    }),
  );
}

tasks('the Description has the link to the recording as sent, for people to open', () =>
  withSalesforceEmulator(async (salesforce) => {
    const push = endPush('1', { PLA_RecordingFile: ' https://pla.delaconcorp.com/rec?id=1' });
    await deliverOne(await open(salesforce), deliveryOf([startPush('1'), push]));
    const lines = String(salesforce.tasks()[0]?.['Description']).split('\n');
    assert.ok(lines.includes('Recording: https://pla.delaconcorp.com/rec?id=1'), lines.join(' | '));
  }),
);

tasks('a description is believed for ten minutes', () =>
  withSalesforceEmulator(async (salesforce) => {
    let now = new Date('2026-11-02T03:15:00Z');
    const clock = { now: () => now, after: () => () => {} };
    const connection = await open(
      salesforce,
      { activity: { properties: { CallType: 'inbound' } } },
      testTools({ clock }),
    );
    const describes = () => salesforce.countRequests('describe');
    await deliverOne(connection, deliveryOf([startPush('1')]));
    await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.is(describes(), 1);
    now = new Date('2026-11-02T03:25:01Z');
    await deliverOne(connection, deliveryOf([startPush('3')]));
    assert.is(describes(), 2);
  }),
);

tasks('a key is never cut: a call id that Salesforce cannot hold is rejected', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const outcome = await deliverOne(connection, deliveryOf([startPush('9'.repeat(65))]));
    assert.is(outcome.kind, 'rejected', JSON.stringify(outcome));
    assert.equal(salesforce.tasks(), []);
  }),
);

tasks('odd call ids stay what they are', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    for (const id of ['a/b #?&%\'"\\', 'ÄÖ😀']) {
      const first = await deliverOne(connection, deliveryOf([startPush(id)]));
      assert.is(first.kind, 'delivered', JSON.stringify(first));
      const again = await deliverOne(connection, deliveryOf([startPush(id)]));
      assert.equal(again.records, first.records);
    }
    assert.equal(
      salesforce.tasks().map((task) => task['Delacon_Call_Id__c']),
      ['a/b #?&%\'"\\', 'ÄÖ😀'],
    );
  }),
);

tasks('half a character in a text does not spoil the request', () =>
  withSalesforceEmulator(async (salesforce) => {
    const push = startPush('1', { PLA_Dealer_Name: 'Plumber \ud83d' });
    await deliverOne(await open(salesforce), deliveryOf([push]));
    assert.is(salesforce.tasks()[0]?.['Subject'], 'Call from 0444 444 444 to Plumber \ufffd');
    assert.not.match(salesforce.bodies('Lead+Task').join(), /\\ud83d/);
  }),
);

tasks('a Task in the recycle bin is not taken for the one that has its key', () =>
  withSalesforceEmulator(async (salesforce) => {
    const [kept, deleted] = ['kept', 'deleted'].map(() => salesforce.addTask({ Delacon_Call_Id__c: '1' }));
    salesforce.delete(deleted ?? '');
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    assert.is(outcome.records?.activity?.id, kept, JSON.stringify(outcome));
  }),
);

tasks('a call is dated by the day of the business, not of Greenwich', () =>
  withSalesforceEmulator(async (salesforce) => {
    const push = startPush('1', { PLA_CallStartTime: '2026-11-02T22:30:00Z' });
    await deliverOne(await open(salesforce), deliveryOf([push, endPush('1')]));
    assert.is(salesforce.tasks()[0]?.['ActivityDate'], '2026-11-03');
  }),
);

/** Days on which clocks are changed are an hour shorter or longer, and none the less begin and end at midnight. */
for (const [timezone, startedAt, day] of [
  // Forward on 4 October at 2:00.
  ['Australia/Sydney', '2026-10-03T13:59:59Z', '2026-10-03'],
  ['Australia/Sydney', '2026-10-03T14:00:00Z', '2026-10-04'],
  ['Australia/Sydney', '2026-10-04T12:59:59Z', '2026-10-04'],
  ['Australia/Sydney', '2026-10-04T13:00:00Z', '2026-10-05'],
  // Back on 5 April at 3:00.
  ['Australia/Sydney', '2026-04-04T12:59:59Z', '2026-04-04'],
  ['Australia/Sydney', '2026-04-04T13:00:00Z', '2026-04-05'],
  ['Australia/Sydney', '2026-04-05T13:59:59Z', '2026-04-05'],
  ['Australia/Sydney', '2026-04-05T14:00:00Z', '2026-04-06'],
  ['Australia/Brisbane', '2026-10-04T13:59:59Z', '2026-10-04'],
  // Forward on 27 September at 2:00, back on 5 April at 3:00.
  ['Pacific/Auckland', '2026-09-26T11:59:59Z', '2026-09-26'],
  ['Pacific/Auckland', '2026-09-26T12:00:00Z', '2026-09-27'],
  ['Pacific/Auckland', '2026-09-27T10:59:59Z', '2026-09-27'],
  ['Pacific/Auckland', '2026-09-27T11:00:00Z', '2026-09-28'],
  ['Pacific/Auckland', '2026-04-04T11:00:00Z', '2026-04-05'],
  ['Pacific/Auckland', '2026-04-05T11:59:59Z', '2026-04-05'],
  ['Pacific/Auckland', '2026-04-05T12:00:00Z', '2026-04-06'],
  // A leap day, here and not yet in Greenwich.
  ['Pacific/Auckland', '2024-02-28T11:00:00Z', '2024-02-29'],
  ['Pacific/Auckland', '2024-02-29T11:00:00Z', '2024-03-01'],
] as const)
  tasks(`a call of ${startedAt} in ${timezone} is of ${day}`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const push = startPush('1', { PLA_CallStartTime: startedAt });
      const { source, ...delivery } = deliveryOf([push, endPush('1')]);
      await deliverOne(await open(salesforce), { ...delivery, source: { ...source, timezone } });
      assert.is(salesforce.tasks()[0]?.['ActivityDate'], day);
    }),
  );

tasks('a day that no calendar has is left out with a note, and the call is written', () =>
  withSalesforceEmulator(async (salesforce) => {
    for (const [id, mapped, day] of [
      ['1', '2026-02-30', undefined],
      ['2', '2026-02-30T10:00:00Z', undefined],
      ['3', '2026-02-29', undefined],
      ['4', '1 March', undefined], // the machine's own zone would decide
      ['5', '2028-02-29', '2028-02-29'],
      ['6', '2028-02-29T15:00:00Z', '2028-03-01'],
    ] as const) {
      const connection = await open(salesforce, { activity: { properties: { ActivityDate: mapped } } });
      const outcome = await deliverOne(connection, deliveryOf([startPush(id), endPush(id)]));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      const task = salesforce.tasks().find((one) => one['Delacon_Call_Id__c'] === id);
      assert.is(task?.['ActivityDate'], day, mapped);
      const note = `Task.ActivityDate was left out: "${mapped}" is not a date.`;
      assert.equal(outcome.notes ?? [], day === undefined ? [note] : []);
    }
  }),
);

tasks('an archived Task is found by its key', () =>
  withSalesforceEmulator(async (salesforce) => {
    const id = salesforce.addTask({ Delacon_Call_Id__c: '1', Status: 'Completed', IsArchived: true });
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1'), endPush('1')]));
    assert.is(outcome.records?.activity?.id, id, JSON.stringify(outcome));
  }),
);

tasks('the mapping adds to what a Task shows, replaces it, and takes it away', () =>
  withSalesforceEmulator(async (salesforce) => {
    const properties = {
      Subject: 'Anruf {{ call.id }}',
      Priority: 'High',
      CallObject: '',
      TaskSubtype: 'Call',
    };
    await deliverOne(await open(salesforce, { activity: { properties } }), deliveryOf([startPush('1')]));
    const [task] = salesforce.tasks();
    assert.is(task?.['Subject'], 'Anruf 1');
    assert.is(task?.['Priority'], 'High');
    assert.is(task?.['CallObject'], undefined);
    assert.is(task?.['CallType'], 'Inbound');
  }),
);

tasks.run();
