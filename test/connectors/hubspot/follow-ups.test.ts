import type { Delivery } from '../../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import {
  answering,
  type Fault,
  faults,
  type HubSpotEmulator,
  withHubSpotEmulator,
} from '../../support/hubspot-emulator.ts';
import { movingClock } from '../../support/moving-clock.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, soon, strikeForGood } from './rig.ts';

const followUps = suite('hubspot follow-ups');

const at = (time: string) => String(Date.parse(`2026-11-02T${time}Z`)).padStart(20, '0');
const missed = (id: string, time = '03:00:00', more: Record<string, string> = {}) =>
  deliveryOf([
    startPush(id, { PLA_CallStartTime: at(time), ...more }),
    endPush(id, { PLA_CallResult: 'Unanswered', PLA_Duration: '20s' }),
  ]);
const answered = (id: string, time: string) =>
  deliveryOf([startPush(id, { PLA_CallStartTime: at(time) }), endPush(id)]);

function statuses(hubspot: HubSpotEmulator): (string | undefined)[] {
  return hubspot.records('tasks').map(({ properties }) => properties['hs_task_status']);
}

followUps('a missed call leaves one task, on the caller, with all that is known of the call', () =>
  withHubSpotEmulator(async (hubspot) => {
    const owner = hubspot.addOwner('jane@acme.example');
    const connection = await open(hubspot, {
      followUp: { dueIn: '4h', properties: { hs_task_priority: 'HIGH' } },
      owner: { by: 'call.serviceId', map: { 123: 'Jane@Acme.example' } },
    });
    const outcome = await deliverOne(connection, missed('1'));
    const [task, ...others] = hubspot.records('tasks');
    assert.is(others.length, 0);
    const { hs_task_body: body = '', ...properties } = task?.properties ?? {};
    assert.equal(properties, {
      delacon_call_id: '1',
      hs_timestamp: '2026-11-02T07:00:20.000Z',
      hs_task_subject: 'Call back 0444 444 444',
      hs_task_status: 'NOT_STARTED',
      hs_task_type: 'CALL',
      hs_task_priority: 'HIGH',
      hubspot_owner_id: owner,
    });
    assert.match(body, '<strong>Missed call · ');
    assert.equal(task?.links, { contacts: ['501'], companies: [], calls: [] });
    assert.equal(outcome, {
      kind: 'delivered',
      records: {
        person: { type: 'contact', id: '501' },
        activity: { type: 'call', id: '39001' },
        followUp: { type: 'task', id: task?.id ?? '' },
      },
      whyPerson: 'Created, as nobody had this number.',
    });
  }),
);

followUps('it is due in working hours, where there are some', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { followUp: { dueIn: '4h', hours: {} } });
    await deliverOne(connection, missed('1', '04:00:00')); // 15:00 in Sydney on a Monday
    assert.is(hubspot.records('tasks')[0]?.properties['hs_timestamp'], '2026-11-03T00:00:20.000Z'); // 11:00
  }),
);

followUps('none while the call rings, none for an answered one, and none without `followUp`', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { followUp: {} });
    await connection.deliver([deliveryOf([startPush('1')]), answered('2', '03:00:00')], soon());
    await deliverOne(await open(hubspot), missed('3'));
    assert.is(hubspot.records('tasks').length, 0);
    assert.is(hubspot.countRequests('tasks'), 0);
  }),
);

followUps('a hundred missed calls of known callers cost two requests', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { followUp: { doneWhen: 'reached' } });
    await deliverOne(connection, answered('before', '01:00:00'));
    hubspot.forgetRequests();
    await connection.deliver(
      Array.from({ length: 100 }, (_, i) => missed(`${i}`)),
      soon(),
    );
    assert.equal(hubspot.requests, {
      'POST /crm/objects/2026-09/calls/batch/create': 1,
      'POST /crm/objects/2026-09/tasks/batch/create': 1,
    });
    assert.is(hubspot.records('tasks').length, 100);
  }),
);

followUps('it is made once: what people change or delete stays so, whatever comes of the call later', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { followUp: {} });
    const [one, two] = await connection.deliver([missed('1'), missed('2')], soon());
    const [first, second] = hubspot.records('tasks').map(({ id }) => id) as [string, string];
    hubspot.edit('tasks', first, { hs_task_subject: 'Done by Jo', hs_task_status: 'COMPLETED' });
    hubspot.archive('tasks', second);
    hubspot.forgetRequests();
    const outcomes = await connection.deliver(
      [
        { ...missed('1'), records: one?.records ?? {} },
        { ...missed('2'), records: two?.records ?? {} },
      ],
      soon(),
    );
    assert.equal(
      outcomes.map((outcome) => outcome.records?.followUp?.id),
      [one?.records?.followUp?.id, two?.records?.followUp?.id],
    );
    assert.equal(
      hubspot.records('tasks').map(({ properties }) => properties['hs_task_subject']),
      ['Done by Jo'],
    );
    assert.is(hubspot.countRequests('tasks'), 0);
  }),
);

for (const [name, fault] of [
  ['lost', faults.loseAnswer],
  ['broken', faults.brokenJson],
  ['a 504 after the write', faults.gatewayTimeout],
] as [string, Fault][]) {
  followUps(`an answer that is ${name} makes no second task, after a restart neither`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const tools = testTools();
      const settings = { followUp: { doneWhen: 'reached' } };
      hubspot.strike(fault, 'tasks/batch/create');
      const failed = await deliverOne(await open(hubspot, settings, tools), missed('1'));
      assert.is(failed.kind, 'retry', JSON.stringify(failed));
      assert.match(failed.kind === 'retry' ? failed.reason : '', 'its follow-up is not done yet');
      assert.ok(failed.records?.activity && failed.records.person, 'the call is known to be written');
      const again = { ...missed('1'), records: failed.records ?? {} };
      const outcome = await deliverOne(await open(hubspot, settings, tools), again);
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      const [task, ...others] = hubspot.records('tasks');
      assert.is(others.length, 0);
      assert.is(outcome.records?.followUp?.id, task?.id);
      assert.equal(task?.links.contacts, ['501']);
      // It is remembered as open, though it was found and not made.
      await deliverOne(await open(hubspot, settings, tools), answered('2', '05:00:00'));
      assert.equal(statuses(hubspot), ['COMPLETED']);
    }),
  );
}

const settlings: [string, 'closedByHand' | 'reached' | 'calledAgain', Delivery, string][] = [
  ['reached, when the caller is reached', 'reached', answered('2', '05:00:00'), 'COMPLETED'],
  ['reached, when the caller calls in vain', 'reached', missed('2', '05:00:00'), 'NOT_STARTED'],
  ['calledAgain, when the caller calls again', 'calledAgain', missed('2', '05:00:00'), 'COMPLETED'],
  ['closedByHand', 'closedByHand', answered('2', '05:00:00'), 'NOT_STARTED'],
  ['an earlier call', 'reached', answered('2', '02:00:00'), 'NOT_STARTED'],
];
for (const [name, doneWhen, later, expected] of settlings) {
  followUps(`completed or not: ${name}`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const tools = testTools();
      await deliverOne(await open(hubspot, { followUp: { doneWhen } }, tools), missed('1'));
      const outcome = await deliverOne(await open(hubspot, { followUp: { doneWhen } }, tools), later);
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.is(statuses(hubspot)[0], expected);
      assert.is(/of an earlier call was completed/.test(String(outcome.notes)), expected === 'COMPLETED');
    }),
  );
}

followUps('a batch that holds the missed call and the one that reaches the caller completes the task', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { followUp: { doneWhen: 'reached' } });
    await connection.deliver([missed('1'), answered('2', '05:00:00')], soon());
    assert.equal(statuses(hubspot), ['COMPLETED']);
    hubspot.forgetRequests();
    await deliverOne(connection, answered('3', '06:00:00'));
    assert.is(hubspot.countRequests('tasks'), 0, 'it is done with');
  }),
);

followUps('a completion that fails is tried again with its call', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { followUp: { doneWhen: 'reached' } });
    await deliverOne(connection, missed('1'));
    hubspot.strike(faults.serverError, 'tasks/batch/update');
    const failed = await deliverOne(connection, answered('2', '05:00:00'));
    assert.is(failed.kind, 'retry', JSON.stringify(failed));
    assert.match(failed.kind === 'retry' ? failed.reason : '', 'of an earlier one is not completed yet');
    const again = { ...answered('2', '05:00:00'), records: failed.records ?? {} };
    assert.is((await deliverOne(connection, again)).kind, 'delivered');
    assert.equal(statuses(hubspot), ['COMPLETED']);
  }),
);

followUps('a task that people deleted, or may not be completed, holds no call up', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { followUp: { doneWhen: 'reached' } });
    await connection.deliver([missed('1'), missed('2')], soon());
    hubspot.archive('tasks', hubspot.records('tasks')[0]?.id ?? '');
    hubspot.refuseValues('tasks', 'hs_task_status', /COMPLETED/);
    const outcome = await deliverOne(connection, answered('3', '05:00:00'));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(String(outcome.notes), 'of an earlier call stays open');
    assert.match(String(outcome.notes), 'validation rule');
  }),
);

followUps('a refused task leaves the call written and its neighbours whole, and says so', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.refuseValues('tasks', 'hs_task_subject', /FORBIDDEN/);
    const connection = await open(hubspot, { followUp: { subject: '{{ call.dealer.name }}' } });
    const outcomes = await connection.deliver(
      [missed('1'), missed('2', '03:00:00', { PLA_Dealer_Name: 'FORBIDDEN' }), missed('3')],
      soon(),
    );
    assert.equal(
      outcomes.map(({ kind }) => kind),
      ['delivered', 'rejected', 'delivered'],
    );
    assert.match(JSON.stringify(outcomes[1]), 'The call is in HubSpot, its follow-up is not done yet.');
    assert.ok(outcomes[1]?.records?.activity);
    assert.is(hubspot.calls().length, 3);
    assert.is(hubspot.records('tasks').length, 2);
  }),
);

followUps('a batch of tasks that HubSpot refuses as a whole is split until the bad one stands alone', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      hubspot.refuseValues('tasks', 'hs_task_subject', /FORBIDDEN/);
      const connection = await open(hubspot, { followUp: { subject: '{{ call.dealer.name }}' } });
      const batch = Array.from({ length: 16 }, (_, i) =>
        missed(`${i}`, '03:00:00', i === 5 ? { PLA_Dealer_Name: 'FORBIDDEN' } : {}),
      );
      const outcomes = await connection.deliver(batch, soon());
      assert.equal(
        outcomes.flatMap(({ kind }, i) => (kind === 'delivered' ? [] : [[i, kind]])),
        [[5, 'rejected']],
      );
      assert.is(hubspot.countRequests('tasks/batch/create'), 9);
    },
    { partialSuccess: false },
  ),
);

for (const how of ['deleted', 'merged'] as const) {
  followUps(`a caller who was ${how} while the phone rang gets the task all the same`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const { clock, pass } = movingClock();
      const connection = await open(hubspot, { followUp: {} }, testTools({ clock }));
      const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
      const kept = how === 'merged' ? hubspot.addContact({ phone: '0298765432' }) : undefined;
      if (kept) hubspot.mergeContacts(kept, '501');
      else hubspot.archiveContact('501');
      if (!kept) {
        // It may have been merged, which searching does not show yet.
        assert.is((await deliverOne(connection, { ...missed('1'), records })).kind, 'retry');
        pass(15_000);
      }
      const outcome = await deliverOne(connection, { ...missed('1'), records });
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.match(String(outcome.notes), 'HubSpot no longer has the contact 501');
      const [contact, ...others] = hubspot.contacts();
      assert.is(others.length, 0);
      if (kept) assert.is(contact?.id, kept);
      assert.is(outcome.records?.person?.id, contact?.id);
      assert.equal(hubspot.records('tasks')[0]?.links.contacts, [contact?.id]);
      assert.equal(hubspot.calls()[0]?.contactIds, [contact?.id]);
    }),
  );
}

followUps('without the unique property on tasks it blocks, and names the command', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      hubspot.addProperty('calls', { name: 'delacon_call_id', hasUniqueValue: true });
      hubspot.addProperty('contacts', { name: 'delacon_caller', hasUniqueValue: true });
      const tools = testTools({ name: 'acme-hubspot' });
      const connection = await open(hubspot, { followUp: {} }, tools);
      const outcome = await deliverOne(connection, missed('1'));
      assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
      assert.match(JSON.stringify(outcome), '`delacon-bridge setup acme-hubspot`');
      assert.is(hubspot.calls().length, 1);
    },
    { provisioned: false },
  ),
);

const table: [string, Fault, string][] = [
  ['401', answering(401, { correlationId: 'a1', message: 'x' }), 'blocked'],
  ['403', answering(403, { category: 'MISSING_SCOPES' }), 'blocked'],
  ['400', answering(400, { category: 'VALIDATION_ERROR', message: 'no' }), 'rejected'],
  ['409', answering(409, { category: 'CONFLICT', message: 'no' }), 'rejected'],
  ['414', answering(414, { correlationId: 'a1', message: 'too long' }), 'rejected'],
  ['404', answering(404, { category: 'OBJECT_NOT_FOUND' }), 'retry'],
  ['423', faults.locked, 'retry'],
  ['429 of ten seconds', faults.rollingLimit, 'retry'],
  ['429 of the day', faults.dailyLimit, 'blocked'],
  ['477', faults.moving, 'blocked'],
  ['500', faults.serverError, 'retry'],
  ['502', faults.badGateway, 'retry'],
  ['503', faults.unavailable, 'retry'],
  ['504 after the write', faults.gatewayTimeout, 'retry'],
  ['524 after the write', faults.originTimeout, 'retry'],
  ['522', answering(522, {}), 'retry'],
  ['a connection cut before', faults.drop, 'retry'],
  ['a connection cut after', faults.loseAnswer, 'retry'],
];
for (const [name, fault, kind] of table) {
  followUps(`${name} at the task: ${kind}, the call is written, and both are there once in the end`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const connection = await open(hubspot, { followUp: {} });
      if (kind === 'rejected') strikeForGood(hubspot, fault, 'tasks/batch/create');
      else hubspot.strike(fault, 'tasks/batch/create');
      const failed = await deliverOne(connection, missed('1'));
      hubspot.calm();
      assert.is(failed.kind, kind, JSON.stringify(failed));
      assert.is(hubspot.calls().length, 1);
      const outcome = await deliverOne(connection, { ...missed('1'), records: failed.records ?? {} });
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.is(hubspot.calls().length, 1);
      assert.is(hubspot.records('tasks').length, 1);
    }),
  );
}

followUps('atEnd writes call and task together, when the call is over', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, {
      write: 'atEnd',
      followUp: {},
      sale: { when: 'call.missed', stage: 'closedwon' },
    });
    const ringing = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.equal(ringing, { kind: 'delivered', records: {}, notes: ['It waits for the end of the call.'] });
    assert.is(hubspot.countRequests(), 0);
    await deliverOne(connection, missed('1'));
    assert.equal(
      [hubspot.calls(), hubspot.records('tasks'), hubspot.records('deals')].map(({ length }) => length),
      [1, 1, 1],
    );
  }),
);

followUps.run();
