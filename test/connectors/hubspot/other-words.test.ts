import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import {
  type EmulatorOptions,
  faults,
  type HubSpotEmulator,
  withHubSpotEmulator,
} from '../../support/hubspot-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, refuseUnwritable, soon, unmetered, unwritable } from './rig.ts';

/*
 * HubSpot's sentences are for people, and it says that they may change. So each refusal is met twice: as it is known, and
 * with other words. Both times the same becomes of the calls.
 */
const words = suite('hubspot in other words');

const whole = (id: string, more: Record<string, string> = {}) =>
  deliveryOf([startPush(id, more), endPush(id, { PLA_SurveyOutcome: 'Sale' })]);
const sale = { when: "call.survey.outcome == 'Sale'", stage: 'closedwon' };
const owner = { by: 'call.serviceId', map: {}, otherwise: 'jane@acme.example' };

interface Story {
  title: string;
  options?: EmulatorOptions;
  /** The outcomes in order. */
  run(hubspot: HubSpotEmulator): Promise<string[]>;
  calls: number;
  contacts?: number;
}

const stories: Story[] = [
  {
    title: 'the answer to the making of a call is lost: it is found by its key, and completed',
    async run(hubspot) {
      const connection = await open(hubspot);
      hubspot.strike(faults.loseAnswer, 'calls/batch/create');
      const lost = await deliverOne(connection, deliveryOf([startPush('1')]));
      const found = await deliverOne(connection, whole('1'));
      assert.is(hubspot.calls()[0]?.properties['hs_call_status'], 'COMPLETED');
      assert.equal(hubspot.calls()[0]?.contactIds, ['501']);
      return [lost.kind, found.kind];
    },
    calls: 1,
  },
  {
    title: 'the contact of a call was deleted and one with its number is there',
    async run(hubspot) {
      const connection = await open(hubspot);
      const first = await deliverOne(connection, whole('1'));
      const other = hubspot.addContact({ phone: '0444 444 444' });
      hubspot.mergeContacts(other, first.records?.person?.id ?? '');
      hubspot.settleIndex();
      const second = await deliverOne(connection, whole('2'));
      assert.is(second.records?.person?.id, other);
      return [first.kind, second.kind];
    },
    calls: 2,
  },
  {
    title: 'a call that is to be updated is gone: it is made again',
    async run(hubspot) {
      const connection = await open(hubspot);
      const first = await deliverOne(connection, deliveryOf([startPush('1')]));
      hubspot.archiveCall(first.records?.activity?.id ?? '');
      const again = await deliverOne(connection, { ...whole('1'), records: first.records ?? {} });
      return [first.kind, again.kind];
    },
    calls: 1,
  },
  {
    title: 'a key that another contact took meanwhile decides',
    async run(hubspot) {
      hubspot.addContact({ phone: '0444 444 444' });
      const holder = hubspot.addContact({ delacon_caller: '+61444444444' });
      const outcome = await deliverOne(await open(hubspot), whole('1'));
      assert.is(outcome.records?.person?.id, holder);
      return [outcome.kind];
    },
    calls: 1,
    contacts: 2,
  },
  {
    title: 'an option is gone since it was read, of a list and of the default ones',
    async run(hubspot) {
      const options = [{ value: 'abc', label: 'abc' }];
      hubspot.addProperty('calls', { name: 'kind', type: 'enumeration', fieldType: 'select', options });
      const connection = await open(hubspot, { activity: { properties: { kind: 'abc' } } });
      const first = await deliverOne(connection, whole('1'));
      hubspot.removeOption('calls', 'kind', 'abc');
      hubspot.removeOption('calls', 'hs_call_disposition', 'f240bbac-87c9-4f6e-bf70-924b57d47db7');
      const second = await deliverOne(connection, whole('2'));
      const { properties } = hubspot.calls()[1] ?? { properties: {} as Record<string, string> };
      assert.equal([properties['kind'], properties['hs_call_disposition']], [undefined, undefined]);
      assert.is(properties['hs_call_status'], 'COMPLETED');
      return [first.kind, second.kind];
    },
    calls: 2,
  },
  {
    title: 'a rule of the account refuses what is mapped',
    async run(hubspot) {
      hubspot.addProperty('calls', { name: 'topic' });
      hubspot.refuseValues('calls', 'topic', /./);
      hubspot.refuseValues('contacts', 'city', /./);
      const connection = await open(hubspot, {
        activity: { properties: { topic: 'x' } },
        person: { properties: { city: 'Perth' } },
      });
      return [(await deliverOne(connection, whole('1'))).kind];
    },
    calls: 1,
  },
  {
    title: 'a rule of the account refuses what nobody asked for',
    async run(hubspot) {
      hubspot.refuseValues('calls', 'hs_call_body', /./);
      hubspot.refuseValues('contacts', 'phone', /./);
      return [(await deliverOne(await open(hubspot), whole('1'))).kind];
    },
    calls: 1,
  },
  {
    title: 'an owner was deactivated since owners were read',
    async run(hubspot) {
      const id = hubspot.addOwner('jane@acme.example');
      const connection = await open(hubspot, { owner });
      const first = await deliverOne(connection, whole('1'));
      hubspot.deactivateOwner(id);
      const second = await deliverOne(connection, whole('2'));
      assert.is(hubspot.calls()[1]?.properties['hubspot_owner_id'], undefined);
      return [first.kind, second.kind];
    },
    calls: 2,
  },
  {
    title: 'a unique property of the account is held by another call',
    async run(hubspot) {
      hubspot.addProperty('calls', { name: 'ticket', hasUniqueValue: true });
      hubspot.addCall({ ticket: 'abc' });
      const connection = await open(hubspot, { activity: { properties: { ticket: 'abc' } } });
      return [(await deliverOne(connection, whole('1'))).kind];
    },
    calls: 2,
  },
  {
    title: 'a call that cannot be written fails alone',
    async run(hubspot) {
      refuseUnwritable(hubspot);
      const batch = [whole('1'), whole('2', unwritable), whole('3')];
      const outcomes = await (await open(hubspot)).deliver(batch, soon());
      return outcomes.map(({ kind }) => kind);
    },
    calls: 2,
  },
  {
    title: 'without what setup makes, everything waits',
    options: { provisioned: false },
    async run(hubspot) {
      const outcome = await deliverOne(await open(hubspot), whole('1'));
      assert.match(JSON.stringify(outcome), 'setup test');
      return [outcome.kind];
    },
    calls: 0,
    contacts: 0,
  },
  {
    title: 'a key that is not unique blocks as one that is missing',
    options: { provisioned: false },
    async run(hubspot) {
      for (const kind of ['calls', 'contacts'] as const)
        hubspot.addProperty(kind, { name: kind === 'calls' ? 'delacon_call_id' : 'delacon_caller' });
      const outcome = await deliverOne(await open(hubspot), whole('1'));
      assert.match(JSON.stringify(outcome), 'setup test');
      return [outcome.kind];
    },
    calls: 0,
    contacts: 0,
  },
  {
    title:
      'a stage is gone since pipelines were read: the call is written, its deal fails with what there is',
    async run(hubspot) {
      const connection = await open(hubspot, { sale });
      const first = await deliverOne(connection, whole('1'));
      hubspot.removeStage('closedwon');
      const failed = await deliverOne(connection, whole('2'));
      const again = await deliverOne(connection, { ...whole('2'), records: failed.records ?? {} });
      assert.match(JSON.stringify(again), 'has no stage');
      return [first.kind, again.kind];
    },
    calls: 2,
  },
  {
    title: 'a scope is missing',
    options: { scopes: ['crm.objects.contacts.read'] },
    async run(hubspot) {
      const outcome = await deliverOne(await open(hubspot), whole('1'));
      assert.match(JSON.stringify(outcome), 'crm.objects.contacts.write');
      return [outcome.kind];
    },
    calls: 0,
    contacts: 0,
  },
  {
    title: 'the requests of the day are used up',
    options: { limits: { ...unmetered, perDay: 1 } },
    async run(hubspot) {
      const outcome = await deliverOne(await open(hubspot, {}, testTools()), whole('1'));
      return [outcome.kind];
    },
    calls: 0,
    contacts: 0,
  },
];

const expected: Record<string, string[]> = {
  'the answer to the making of a call is lost: it is found by its key, and completed': ['retry', 'delivered'],
  'a call that cannot be written fails alone': ['delivered', 'rejected', 'delivered'],
  'without what setup makes, everything waits': ['blocked'],
  'a key that is not unique blocks as one that is missing': ['blocked'],
  'a stage is gone since pipelines were read: the call is written, its deal fails with what there is': [
    'delivered',
    'rejected',
  ],
  'a scope is missing': ['blocked'],
  'the requests of the day are used up': ['blocked'],
};

const forms: [string, EmulatorOptions][] = [
  ['as known', {}],
  ['in other words', { otherWords: true }],
  ['in other words, and all or nothing', { otherWords: true, partialSuccess: false }],
];
for (const { title, options, run, calls, contacts = 1 } of stories) {
  for (const [form, how] of forms) {
    words(`${title} (${form})`, () =>
      withHubSpotEmulator(
        async (hubspot) => {
          const kinds = await run(hubspot);
          assert.equal(kinds, expected[title] ?? kinds.map(() => 'delivered'));
          assert.is(hubspot.calls().length, calls);
          assert.is(hubspot.contacts().length, contacts);
        },
        { limits: unmetered, ...options, ...how },
      ),
    );
  }
}

words.run();
