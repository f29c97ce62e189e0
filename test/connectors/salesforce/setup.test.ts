import type { Finding, PlanStep } from '../../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { faults, withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, soon } from './rig.ts';

const setup = suite('salesforce setup');

const empty = { provisioned: false };
const actions = (steps: PlanStep[]) => steps.map(({ action, subject }) => `${action} ${subject}`);
const problems = (findings: Finding[]) =>
  findings.filter(({ level }) => level === 'problem').map(({ subject, message }) => `${subject}: ${message}`);

setup('without it, the first delivery says what is missing and what to do', () =>
  withSalesforceEmulator(async (salesforce) => {
    const outcome = await deliverOne(await open(salesforce), deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /Delacon_Caller__c. Run `delacon-bridge setup test`/);
    const push = startPush('2', { PLA_Caller_Phone_Number: 'anonymous' });
    const withheld = await deliverOne(await open(salesforce), deliveryOf([push]));
    assert.is(withheld.kind, 'blocked', JSON.stringify(withheld));
    assert.match(JSON.stringify(withheld), /Delacon_Call_Id__c.* Run `delacon-bridge setup test`/);
    assert.equal([...salesforce.tasks(), ...salesforce.leads()], []);
  }, empty),
);

setup('it shows what it will make, makes it, and then there is nothing left to do', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const planned = await connection.plan(soon());
    assert.equal(actions(planned), [
      'create field Activity.Delacon_Call_Id__c',
      'create field Lead.Delacon_Caller__c',
      'create field Contact.Delacon_Caller__c',
      'create permission set Delacon_Bridge',
    ]);
    const done: PlanStep[] = [];
    await connection.apply(soon(), (step) => done.push(step));
    assert.equal(done, planned);
    assert.equal(
      actions(await connection.plan(soon())),
      planned.map(({ subject }) => `keep ${subject}`),
    );
    assert.equal(problems(await connection.check(soon())), []);
    const field = salesforce.fields('Task').find(({ name }) => name === 'Delacon_Call_Id__c');
    assert.is(field?.length, 64);
    assert.is(field?.unique && field.externalId && field.caseSensitive, true);
    assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
  }, empty),
);

const everything = {
  attribution: true,
  person: { match: ['Contact', 'Lead', 'Account'] },
  owner: { by: 'call.serviceId', map: { 1: 'bridge@acme.example' } },
  followUp: {},
  sale: { when: 'true', stage: 'Closed Won' },
};

setup('with everything asked for, it makes the fields of follow-ups, sales and attribution too', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, everything);
    const planned = await connection.plan(soon());
    const parts = ['Call', 'Source', 'Keywords', 'Campaign', 'Landing_Page', 'GCLID'];
    const touches = ['First', 'Last'].flatMap((which) => parts.map((part) => `Delacon_${which}_${part}__c`));
    assert.equal(actions(planned), [
      'create field Activity.Delacon_Call_Id__c',
      'create field Lead.Delacon_Caller__c',
      'create field Contact.Delacon_Caller__c',
      'create field Activity.Delacon_Follow_Up__c',
      'create field Opportunity.Delacon_Call_Id__c',
      ...touches.map((name) => `create field Lead.${name}`),
      ...touches.map((name) => `create field Contact.${name}`),
      'create permission set Delacon_Bridge',
    ]);
    await connection.apply(soon(), () => {});
    assert.equal(
      actions(await connection.plan(soon())),
      planned.map(({ subject }) => `keep ${subject}`),
    );
    assert.equal(problems(await connection.check(soon())), []);
    assert.is(salesforce.countRequests('createMetadata'), 3, 'ten at a time');
    const field = (object: string, name: string) =>
      salesforce.fields(object).find((one) => one.name === name);
    assert.is(field('Task', 'Delacon_Follow_Up__c')?.unique, true);
    assert.is(field('Opportunity', 'Delacon_Call_Id__c')?.unique, true);
    assert.is(field('Lead', 'Delacon_First_Call__c')?.type, 'datetime');
    assert.is(field('Contact', 'Delacon_Last_Landing_Page__c')?.length, 255);
    const before = [...salesforce.org.entries.keys()];
    await connection.apply(soon(), () => {});
    assert.equal([...salesforce.org.entries.keys()], before, 'once more changes nothing');
  }, empty),
);

setup(
  'it offers what the mapping names and the org lacks, in the form that the mapping tells, and grants it',
  () =>
    withSalesforceEmulator(async (salesforce) => {
      const settings = {
        activity: {
          properties: {
            Keyword__c: '{{ PLA_Keywords_Searched }}',
            Talk_Minutes__c: '{{ PLA_Duration | divided_by: 60.0 | round: 1 }}',
            Was_Missed__c: '{{ call.missed }}',
            Priority: 'High',
          },
        },
        person: { properties: { First_Call__c: '{{ call.startedAt }}' } },
      };
      const connection = await open(salesforce, settings);
      const made = (await connection.plan(soon())).filter(({ action }) => action === 'create');
      assert.equal(
        made.slice(3, -1).map(({ subject, detail }) => `${subject}: ${detail}`),
        [
          'field Lead.First_Call__c: "First Call", date and time',
          'field Contact.First_Call__c: "First Call", date and time',
          'field Activity.Keyword__c: "Keyword", text of 255 characters',
          'field Activity.Talk_Minutes__c: "Talk Minutes", number',
          'field Activity.Was_Missed__c: "Was Missed", yes or no',
        ],
      );
      await connection.apply(soon(), () => {});
      assert.equal(
        (await connection.plan(soon())).filter(({ action }) => action !== 'keep'),
        [],
      );
      const outcome = await deliverOne(
        await open(salesforce, settings),
        deliveryOf([startPush('1'), endPush('1', { PLA_Duration: '90s' })]),
      );
      assert.is(outcome.kind, 'delivered');
      const [task] = salesforce.tasks();
      assert.equal([task?.['Talk_Minutes__c'], task?.['Was_Missed__c']], [1.5, false]);
    }, empty),
);

setup('drift of what was made is found, and told what to do about', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, everything);
    await connection.apply(soon(), () => {});
    const field = (object: string, name: string) =>
      salesforce.fields(object).find((one) => one.name === name);
    Object.assign(field('Task', 'Delacon_Follow_Up__c') ?? {}, { unique: false });
    Object.assign(field('Opportunity', 'Delacon_Call_Id__c') ?? {}, { externalId: false });
    Object.assign(field('Lead', 'Delacon_First_Call__c') ?? {}, { type: 'string' });
    salesforce.org.readOnly.add('Contact.Delacon_Last_GCLID__c');
    assert.equal(problems(await connection.check(soon())), [
      'field Task.Delacon_Follow_Up__c: It exists, but does not have to be unique. Edit it in Salesforce (Setup, Object Manager): tick "Unique", with "case sensitive".',
      'field Opportunity.Delacon_Call_Id__c: It exists, but is not an external ID. Edit it in Salesforce (Setup, Object Manager): tick "External ID".',
      'field Lead.Delacon_First_Call__c: It exists as string, not as date and time. Delete it in Salesforce (Setup, Object Manager), also from "Deleted Fields", then run setup again.',
      "field Contact.Delacon_Last_GCLID__c: The bridge's user may not edit it.",
    ]);
    const conflicts = (await connection.plan(soon())).filter(({ action }) => action === 'conflict');
    assert.equal(
      conflicts.map(({ subject }) => subject),
      [
        'field Activity.Delacon_Follow_Up__c',
        'field Opportunity.Delacon_Call_Id__c',
        'field Lead.Delacon_First_Call__c',
      ],
    );
  }, empty),
);

setup('check finds stages, record types and owners that the org has not, and what it demands besides', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.addUser({ Username: 'left@acme.example', IsActive: false });
    salesforce.addField('Opportunity', 'Branch__c', { type: 'Text', length: 40 });
    salesforce.grantField('Opportunity.Branch__c');
    Object.assign(salesforce.fields('Opportunity').find(({ name }) => name === 'Branch__c') ?? {}, {
      nillable: false,
    });
    const settings = {
      owner: {
        by: 'call.serviceId',
        map: { 1: 'left@acme.example', 2: 'bridge@acme.example' },
        otherwise: 'nobody@acme.example',
      },
      sale: { when: 'true', stage: 'Sold', pipeline: 'Shop', properties: { Nowhere__c: 'x' } },
    };
    const findings = await (await open(salesforce, settings)).check(soon());
    assert.equal(problems(findings), [
      "field Opportunity.Nowhere__c: It is mapped, but missing, or the bridge's user may not see it.",
      'field Opportunity.Branch__c: The org demands it of every new Opportunity, and nothing is written to it.',
      'sale.stage: The org has no stage "Sold" for `sale.stage`; it has Prospecting, Negotiation/Review, Closed Won, Closed Lost.',
      'sale.pipeline: The bridge\'s user has no Opportunity record type "Shop" for `sale.pipeline`; it has Master.',
      'owner left@acme.example: left@acme.example is inactive in Salesforce.',
      'owner nobody@acme.example: Salesforce has no user nobody@acme.example.',
    ]);
    for (const finding of findings) assert.is(finding.level === 'ok', finding.fix === undefined);
    assert.ok(
      findings.some(({ level, subject }) => level === 'ok' && subject === 'owner bridge@acme.example'),
    );
  }),
);

setup('check finds objects that the user may not make, or may not even see', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.notCreateable.add('Task');
    salesforce.org.hiddenObjects.add('Opportunity');
    salesforce.org.hiddenObjects.add('Account');
    const settings = { ...everything, attribution: false, person: { match: ['Contact', 'Account'] } };
    assert.equal(problems(await (await open(salesforce, settings)).check(soon())), [
      "field Opportunity.Delacon_Call_Id__c: It is missing, or the bridge's user may not see it.",
      "object Task: The bridge's user may not create any.",
      "object Opportunity: The bridge's user may not create any.",
      "object Account: The bridge's user may not read any.",
    ]);
  }),
);

setup('running it again changes nothing', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    await connection.apply(soon(), () => {});
    const before = [...salesforce.org.entries.keys()];
    salesforce.forgetRequests();
    await connection.apply(soon(), () => {});
    assert.equal([...salesforce.org.entries.keys()], before);
    assert.is(salesforce.countRequests('SOAP'), 0);
  }, empty),
);

setup('what an interrupted run left undone, the next one does', () =>
  withSalesforceEmulator(async (salesforce) => {
    for (const at of ['PermissionSet', 'FieldPermissions', 'PermissionSetAssignment']) {
      salesforce.strike(faults.loseAnswer, `POST /sobjects/${at}`);
    }
    const connection = await open(salesforce);
    let runs = 0;
    for (let isDone = false; !isDone; runs++) {
      isDone = await connection
        .apply(soon(), () => {})
        .then(
          () => true,
          () => false,
        );
      assert.ok(runs < 5);
    }
    assert.is(runs, 4);
    assert.equal(problems(await connection.check(soon())), []);
    assert.is(salesforce.org.live('PermissionSet').length, 1);
  }, empty),
);

const key = { type: 'Text', externalId: true, unique: true, caseSensitive: true, length: 64 };
for (const [parts, words] of [
  [{ caseSensitive: false }, /takes capital letters for small ones.*case sensitive/],
  [{ unique: false }, /does not have to be unique/],
  [{ externalId: false }, /not an external ID/],
  [{ length: 18 }, /too short with 18 characters.*64 or more/],
  [{ type: 'Number' }, /not as text/],
] as const)
  for (const isSeen of [true, false])
    setup(`a key made by hand that will not do is in the way, ${isSeen ? '' : 'not '}seen: ${words}`, () =>
      withSalesforceEmulator(async (salesforce) => {
        for (const object of ['Task', 'Event', 'Opportunity'])
          salesforce.addField(object, 'Delacon_Call_Id__c', { ...key, ...parts });
        for (const object of isSeen ? ['Task', 'Opportunity'] : [])
          salesforce.grantField(`${object}.Delacon_Call_Id__c`);
        const connection = await open(salesforce, { sale: everything.sale });
        const conflicts = (await connection.plan(soon())).filter(({ action }) => action === 'conflict');
        assert.equal(
          conflicts.map(({ subject }) => subject),
          ['field Activity.Delacon_Call_Id__c', 'field Opportunity.Delacon_Call_Id__c'],
        );
        for (const { detail } of conflicts) assert.match(detail, words);
        let thrown: unknown;
        await connection.apply(soon(), () => {}).catch((reason) => (thrown = reason));
        assert.match(String(thrown), words);
        if (isSeen) assert.match(problems(await connection.check(soon())).join(), words);
      }, empty),
    );

setup('ids that differ in letter case alone do not stop the connector: such a call is told of', () =>
  withSalesforceEmulator(async (salesforce) => {
    const loose = { ...key, caseSensitive: false };
    for (const object of ['Task', 'Opportunity']) salesforce.addField(object, 'Delacon_Call_Id__c', loose);
    salesforce.addField('Lead', 'Delacon_Caller__c', { ...loose, length: 40 });
    salesforce.addField('Contact', 'Delacon_Caller__c', { ...loose, length: 40 });
    for (const path of ['Task.Delacon_Call_Id__c', 'Opportunity.Delacon_Call_Id__c'])
      salesforce.grantField(path);
    for (const path of ['Lead.Delacon_Caller__c', 'Contact.Delacon_Caller__c']) salesforce.grantField(path);
    const connection = await open(salesforce, { sale: everything.sale });
    assert.is((await deliverOne(connection, deliveryOf([startPush('a1')]))).kind, 'delivered');
    const batch = [deliveryOf([startPush('A1')]), deliveryOf([startPush('b2'), endPush('b2')])];
    const [like, other] = await connection.deliver(batch, soon());
    assert.is(like?.kind, 'rejected', JSON.stringify(like));
    assert.match(JSON.stringify(like), /takes the key A1 for a1, which 00T\w+ has.*check --online/);
    assert.not.match(JSON.stringify(like), /TaskSubtype/);
    assert.is(other?.kind, 'delivered', JSON.stringify(other));
    // The Task of the other call is taken away; its Opportunity is not.
    for (const { id } of salesforce.tasks()) salesforce.delete(id);
    const sale = await deliverOne(connection, deliveryOf([startPush('B2'), endPush('B2')]));
    assert.is(sale.kind, 'rejected', JSON.stringify(sale));
    assert.match(JSON.stringify(sale), /takes the key B2 for b2, which 006/);
  }, empty),
);

setup('a field that is there without permission is not made again, only granted', () =>
  withSalesforceEmulator(async (salesforce) => {
    const key = { type: 'Text', externalId: true, unique: true };
    salesforce.addField('Task', 'Delacon_Call_Id__c', { ...key, caseSensitive: true, length: 64 });
    salesforce.addField('Event', 'Delacon_Call_Id__c', { ...key, caseSensitive: true, length: 64 });
    salesforce.addField('Lead', 'Delacon_Caller__c', { ...key, length: 40 });
    salesforce.addField('Contact', 'Delacon_Caller__c', { ...key, length: 40 });
    const connection = await open(salesforce);
    assert.equal(problems(await connection.check(soon())), [
      "field Task.Delacon_Call_Id__c: It is missing, or the bridge's user may not see it.",
      "field Lead.Delacon_Caller__c: It is missing, or the bridge's user may not see it.",
      "field Contact.Delacon_Caller__c: It is missing, or the bridge's user may not see it.",
    ]);
    assert.equal(actions(await connection.plan(soon())), [
      'keep field Activity.Delacon_Call_Id__c',
      'keep field Lead.Delacon_Caller__c',
      'keep field Contact.Delacon_Caller__c',
      'create permission set Delacon_Bridge',
    ]);
    await connection.apply(soon(), () => {});
    assert.is(salesforce.countRequests('createMetadata'), 0);
    assert.equal(problems(await connection.check(soon())), []);
  }, empty),
);

setup('a permission to read becomes one to edit', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    await connection.apply(soon(), () => {});
    for (const { id, values } of salesforce.org.live('FieldPermissions')) {
      if (values['SobjectType'] === 'Lead') salesforce.edit(id, { PermissionsEdit: false });
    }
    assert.equal(problems(await connection.check(soon())), [
      "field Lead.Delacon_Caller__c: The bridge's user may not edit it.",
    ]);
    await connection.apply(soon(), () => {});
    assert.equal(problems(await connection.check(soon())), []);
  }, empty),
);

setup('what Salesforce goes on hiding is named, not taken for done', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.hidden.add('Lead.Delacon_Caller__c');
    const told = await (await open(salesforce))
      .apply(soon(), () => {})
      .then(
        () => '',
        (problem: Error) => problem.message,
      );
    assert.match(told, /still does not let the bridge's user edit Lead.Delacon_Caller__c/);
  }, empty),
);

setup('a field that is there and not unique is a conflict, and nothing is made', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.addField('Lead', 'Delacon_Caller__c', { type: 'Text', length: 40, externalId: true });
    const connection = await open(salesforce);
    const conflict = (await connection.plan(soon())).find(({ action }) => action === 'conflict');
    assert.is(conflict?.subject, 'field Lead.Delacon_Caller__c');
    assert.match(conflict?.detail ?? '', /does not have to be unique. Edit it in Salesforce/);
    let told = '';
    await connection
      .apply(soon(), () => {})
      .catch((problem: Error) => {
        told = problem.message;
      });
    assert.match(told, /^field Lead.Delacon_Caller__c: exists, but does not have to be unique/);
    assert.not(salesforce.fields('Task').some(({ custom }) => custom));
  }, empty),
);

setup('a user who may not use the Metadata API is told so in Salesforce’s words', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const connection = await open(salesforce);
      const told = await connection.plan(soon()).then(
        () => '',
        (problem: Error) => problem.message,
      );
      assert.match(told, /requires a user with the ModifyAllData or ModifyMetadata permissions/);
    },
    { ...empty, mayCustomize: false },
  ),
);

setup('check finds fields of the mapping that are missing or not to be written', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce, {
      person: { properties: { Nowhere__c: 'x', Name: 'x', Title: 'x' } },
      activity: { properties: { CompletedDateTime: 'x' } },
    });
    const findings = await connection.check(soon());
    assert.equal(problems(findings), [
      'field Task.CompletedDateTime: It is mapped, but may not be written.',
      "field Lead.Nowhere__c: It is mapped, but missing, or the bridge's user may not see it.",
      'field Lead.Name: It is mapped, but may not be written.',
    ]);
    for (const finding of findings) assert.is(finding.level === 'ok', finding.fix === undefined);
    assert.ok(findings.some(({ level, subject }) => level === 'ok' && subject === 'field Lead.Title'));
  }),
);

setup('check finds standard fields and objects that the user may not write', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.readOnly.add('Lead.LeadSource');
    salesforce.org.hidden.add('Task.CallDisposition');
    salesforce.org.readOnly.add('Contact.Delacon_Caller__c');
    salesforce.org.notCreateable.add('Lead');
    const connection = await open(salesforce);
    assert.equal(problems(await connection.check(soon())), [
      "field Contact.Delacon_Caller__c: The bridge's user may not edit it.",
      "object Lead: The bridge's user may not create any.",
      "field Task.CallDisposition: The bridge's user may not write it.",
      "field Lead.LeadSource: The bridge's user may not write it.",
    ]);
  }),
);

setup('check tells of a refused login, of a version that is not offered, and of renamed statuses', () =>
  withSalesforceEmulator(async (salesforce) => {
    const status = salesforce.fields('Task').find(({ name }) => name === 'Status');
    const open_ = status?.picklistValues.find(({ value }) => value === 'In Progress');
    if (open_) open_.active = false;
    const findings = await (await open(salesforce)).check(soon());
    assert.equal(
      findings.filter(({ level }) => level === 'warning').map(({ subject }) => subject),
      ['field Task.Status'],
    );
    assert.match(findings[0]?.message ?? '', /^Organization 00D5g000004abcdEAA, user 005/);
    salesforce.refuseClient('invalid_grant', 'no client credentials user enabled');
    const refused = await (await open(salesforce)).check(soon());
    assert.is(refused.length, 1);
    assert.match(refused[0]?.message ?? '', /no client credentials user enabled/);
  }),
);

setup.run();
