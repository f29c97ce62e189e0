import { systemClock } from '../../../src/clock.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { faults, type HubSpotEmulator, withHubSpotEmulator } from '../../support/hubspot-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, soon } from './rig.ts';

const fitting = suite('hubspot fitting');

const options = [
  { value: 'trade', label: 'Trade customer' },
  { value: 'home', label: 'Home owner' },
];
const whole = (id: string, start: Record<string, string> = {}, end: Record<string, string> = {}) =>
  deliveryOf([startPush(id, start), endPush(id, end)]);

fitting('what does not fit is left out of the call and noted, and the rest is written', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addProperty('calls', { name: 'kind', type: 'enumeration', fieldType: 'select', options });
    hubspot.addProperty('calls', { name: 'paid', type: 'number', fieldType: 'number' });
    hubspot.addProperty('calls', { name: 'first_day', type: 'date', fieldType: 'date' });
    const properties = {
      kind: '{{ call.dealer.category }}',
      paid: '{{ call.dealer.name }}',
      first_day: '{{ call.startedAt }}',
      hs_call_recording_url: 'http://acme.example/a.wav',
    };
    const connection = await open(hubspot, { activity: { properties } });
    const outcome = await deliverOne(connection, whole('1', { PLA_Dealer_Category: 'Builder' }));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.equal(outcome.notes, [
      'kind was left out: "Builder" is not one of its options: Trade customer (trade), Home owner (home).',
      'paid was left out: "abc" is not a number.',
      'hs_call_recording_url was left out: HubSpot plays recordings from https addresses only.',
    ]);
    assert.is(hubspot.calls()[0]?.properties['first_day'], '2019-05-02');
    assert.is(hubspot.calls()[0]?.properties['kind'], undefined);
  }),
);

fitting(
  'an option that is written by its label, or in another case, is found; properties are read once',
  () =>
    withHubSpotEmulator(async (hubspot) => {
      hubspot.addProperty('calls', { name: 'kind', type: 'enumeration', fieldType: 'select', options });
      const properties = { kind: '{{ call.dealer.category }}' };
      const connection = await open(hubspot, { activity: { properties } });
      for (const [id, category] of Object.entries({ a: 'home owner', b: 'TRADE' })) {
        await deliverOne(connection, whole(id, { PLA_Dealer_Category: category }));
      }
      assert.equal(
        hubspot.calls().map(({ properties }) => properties['kind']),
        ['home', 'trade'],
      );
      assert.is(hubspot.countRequests('properties'), 1);
    }),
);

fitting('on contacts, too: those that are made and those that are there', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addContact({ phone: '0444 444 401' });
    const properties = { lifecyclestage: '{{ call.dealer.category }}', hs_analytics_source: 'paid_search' };
    const connection = await open(hubspot, { person: { properties, onUpdate: 'overwrite' } });
    const outcomes = await connection.deliver(
      [
        whole('1', { PLA_Caller_Phone_Number: '0444444401', PLA_Dealer_Category: 'LEAD' }),
        whole('2', { PLA_Caller_Phone_Number: '0444444402', PLA_Dealer_Category: 'Fan' }),
      ],
      soon(),
    );
    assert.equal(
      hubspot
        .contacts()
        .map((one) => [one.properties['lifecyclestage'], one.properties['hs_analytics_source']]),
      [
        ['lead', 'PAID_SEARCH'],
        [undefined, 'PAID_SEARCH'],
      ],
    );
    assert.is(outcomes[0]?.notes, undefined);
    assert.match(String(outcomes[1]?.notes), 'lifecyclestage was left out: "Fan" is not one of its options');
    hubspot.forgetRequests();
    await connection.deliver(
      [whole('3', { PLA_Caller_Phone_Number: '0444444401', PLA_Dealer_Category: 'LEAD' })],
      soon(),
    );
    assert.equal(
      hubspot.requests,
      { 'POST /crm/objects/2026-09/calls/batch/create': 1 },
      'it holds that already',
    );
  }),
);

fitting(
  'an account without one of the default outcomes gets its calls without it, noted, from then on at no cost',
  () =>
    withHubSpotEmulator(async (hubspot) => {
      const connected = 'f240bbac-87c9-4f6e-bf70-924b57d47db7';
      hubspot.removeOption('calls', 'hs_call_disposition', connected);
      const connection = await open(hubspot);
      const batch = [whole('1'), whole('2', {}, { PLA_CallResult: 'Busy' })];
      const outcomes = await connection.deliver(batch, soon());
      assert.equal(
        outcomes.map(({ kind }) => kind),
        ['delivered', 'delivered'],
      );
      assert.match(
        String(outcomes[0]?.notes),
        `hs_call_disposition was left out: "${connected}" is not one of its options`,
      );
      assert.is(outcomes[1]?.notes, undefined);
      assert.equal(
        new Set(hubspot.calls().map(({ properties }) => properties['hs_call_disposition'])),
        new Set([undefined, '9d9162e7-6cf3-4944-bf63-4dff82258764']),
      );
      hubspot.forgetRequests();
      await deliverOne(connection, whole('3'));
      assert.equal(hubspot.requests, { 'POST /crm/objects/2026-09/calls/batch/create': 1 });
    }),
);

fitting(
  'an option that was removed since is found out by the refusal, in a whole batch that refuses, too',
  () =>
    withHubSpotEmulator(
      async (hubspot) => {
        hubspot.addProperty('calls', { name: 'kind', type: 'enumeration', fieldType: 'select', options });
        const connection = await open(hubspot, {
          activity: { properties: { kind: '{{ call.dealer.category }}' } },
        });
        await deliverOne(connection, whole('1', { PLA_Dealer_Category: 'home' }));
        hubspot.removeOption('calls', 'kind', 'home');
        const outcomes = await connection.deliver(
          [whole('2', { PLA_Dealer_Category: 'trade' }), whole('3', { PLA_Dealer_Category: 'home' })],
          soon(),
        );
        assert.equal(
          outcomes.map(({ kind }) => kind),
          ['delivered', 'delivered'],
        );
        assert.match(String(outcomes[1]?.notes), 'kind was left out');
        assert.is(hubspot.calls().length, 3);
      },
      { partialSuccess: false },
    ),
);

fitting('a list without options in the account is left out and noted, and check says so', () =>
  withHubSpotEmulator(async (hubspot) => {
    const activity = { properties: { hs_activity_type: 'Sales call' } };
    const connection = await open(hubspot, { activity });
    const outcome = await deliverOne(connection, whole('1'));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.equal(outcome.notes, ['hs_activity_type was left out: it is a list that has no options yet.']);
    const finding = (await connection.check(soon())).find(({ subject }) => /hs_activity_type/.test(subject));
    assert.is(finding?.level, 'warning', JSON.stringify(finding));
    assert.match(finding?.message ?? '', 'without options');
    assert.match(finding?.fix ?? '', 'activity.properties.hs_activity_type');
  }),
);

for (const code of [
  'INVALID_OPTION',
  'INVALID_INTEGER',
  'INVALID_DATE',
  'INVALID_STRING',
  'PROPERTY_TOO_LONG',
]) {
  for (const how of [{}, { otherWords: true }, { partialSuccess: false }]) {
    fitting(
      `a mapped value that HubSpot refuses as ${code}, though it fits, is left out (${JSON.stringify(how)})`,
      () =>
        withHubSpotEmulator(async (hubspot) => {
          hubspot.addProperty('calls', { name: 'kind' });
          hubspot.addProperty('contacts', { name: 'kind' });
          for (const type of ['calls', 'contacts'] as const) hubspot.refuseValues(type, 'kind', /bad/, code);
          const properties = { kind: '{{ call.dealer.category }}' };
          const connection = await open(hubspot, { activity: { properties }, person: { properties } });
          const outcomes = await connection.deliver(
            [
              whole('1', { PLA_Dealer_Category: 'good' }),
              whole('2', { PLA_Dealer_Category: 'bad', PLA_Caller_Phone_Number: '0444444402' }),
            ],
            soon(),
          );
          assert.equal(
            outcomes.map(({ kind }) => kind),
            ['delivered', 'delivered'],
          );
          assert.is(outcomes[0]?.notes, undefined);
          assert.match(String(outcomes[1]?.notes), /kind was left out/);
          assert.equal(
            [...hubspot.calls(), ...hubspot.contacts()].map((one) => one.properties['kind']),
            ['good', undefined, 'good', undefined],
          );
        }, how),
    );
  }
}

const statuses: [title: string, prepare: (hubspot: HubSpotEmulator) => void, mapped: object, over: string][] =
  [
    [
      'no NO_ANSWER',
      (hubspot) => hubspot.removeOption('calls', 'hs_call_status', 'NO_ANSWER'),
      {},
      'COMPLETED',
    ],
    [
      'neither NO_ANSWER nor COMPLETED',
      (hubspot) => {
        for (const status of ['NO_ANSWER', 'COMPLETED'])
          hubspot.removeOption('calls', 'hs_call_status', status);
      },
      {},
      'BUSY',
    ],
    [
      'a NO_ANSWER that it refuses all the same',
      (hubspot) => hubspot.refuseValues('calls', 'hs_call_status', /NO_ANSWER/, 'INVALID_OPTION'),
      {},
      'COMPLETED',
    ],
    ['all, and a mapping that names none of them', () => {}, { hs_call_status: 'Done' }, 'COMPLETED'],
  ];
for (const [title, prepare, properties, over] of statuses) {
  fitting(`a call that is over never stays open, in an account that has ${title}`, () =>
    withHubSpotEmulator(async (hubspot) => {
      prepare(hubspot);
      const connection = await open(hubspot, { activity: { properties } });
      const rings = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(rings.kind, 'delivered', JSON.stringify(rings));
      const ended = deliveryOf([startPush('1'), endPush('1', { PLA_CallResult: 'Unanswered' })], {
        records: rings.records ?? {},
      });
      const outcome = await deliverOne(connection, ended);
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.match(String(outcome.notes), `hs_call_status is ${over}: `);
      assert.is(hubspot.calls()[0]?.properties['hs_call_status'], over);
    }),
  );
}

fitting('a mapped property that was deleted since blocks, and says so; its neighbours are written', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addProperty('calls', { name: 'kind' });
    const connection = await open(hubspot, { activity: { properties: { kind: '{{ call.extra }}' } } });
    await deliverOne(connection, whole('1', { PLA_ExtraTracking: 'x' }));
    hubspot.archiveProperty('calls', 'kind');
    const batch = [whole('2', { PLA_ExtraTracking: 'x' }), whole('3')];
    const outcomes = await connection.deliver(batch, soon());
    assert.equal(
      outcomes.map(({ kind }) => kind),
      ['blocked', 'delivered'],
    );
    assert.match(JSON.stringify(outcomes[0]), 'HubSpot has no property calls.kind. Create it in HubSpot');
  }),
);

fitting('a mapped property that contacts, tasks or deals lack blocks, and is named with its place', () =>
  withHubSpotEmulator(async (hubspot) => {
    const nope = { nope: '{{ call.id }}' };
    const settings: Record<string, object> = {
      person: { properties: nope },
      followUp: { when: 'call.dealer.id', properties: nope },
      sale: { when: 'call.dealer.id', stage: 'closedwon', properties: nope },
    };
    for (const [where, setting] of Object.entries(settings)) {
      const connection = await open(hubspot, { [where]: setting });
      const outcome = await deliverOne(connection, whole(where));
      assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
      assert.match(JSON.stringify(outcome), `take ${where}.properties.nope out of the configuration`);
    }
    hubspot.addContact({ phone: '0444 444 402' });
    const connection = await open(hubspot, { person: { properties: { nope: '{{ call.extra }}' } } });
    const outcomes = await connection.deliver(
      ['0444444401', '0444444402'].map((number) =>
        whole(number, {
          PLA_Caller_Phone_Number: number,
          PLA_ExtraTracking: number.endsWith('2') ? 'x' : '',
        }),
      ),
      soon(),
    );
    assert.equal(
      outcomes.map(({ kind }) => kind),
      ['delivered', 'blocked'],
    );
  }),
);

fitting(
  'properties that cannot be read: the call is tried again, and what was known an hour ago still serves',
  () =>
    withHubSpotEmulator(async (hubspot) => {
      let now = Date.now();
      const tools = testTools({ clock: { now: () => new Date(now), after: systemClock.after } });
      hubspot.addProperty('calls', { name: 'kind' });
      const connection = await open(hubspot, { activity: { properties: { kind: 'x' } } }, tools);
      hubspot.strike(faults.unavailable, 'properties/2026-09/calls');
      assert.is((await deliverOne(connection, whole('1'))).kind, 'retry');
      assert.is(hubspot.calls().length, 0);
      assert.is((await deliverOne(connection, whole('1'))).kind, 'delivered');
      now += 3_600_000;
      hubspot.strike(faults.unavailable, 'properties/2026-09/calls');
      assert.is((await deliverOne(connection, whole('2'))).kind, 'delivered');
      assert.is(hubspot.countRequests('properties/2026-09/calls'), 3);
    }),
);

const outcomesOf: [string, Record<string, string>, string | undefined][] = [
  ['by label', { PLA_SurveyOutcome: '' }, 'a4c4c377-d246-4b32-a13b-75a56a4cd0ff'],
  ["by the survey's answer", { PLA_SurveyOutcome: 'Wrong place' }, '17b47fee-58de-441e-a44c-c6300d46f273'],
  [
    'by the result as sent',
    { PLA_SurveyOutcome: '', PLA_CallResult: 'Diverted' },
    '73a0d17f-1163-4015-bdd5-ec830791da20',
  ],
  ['by default', { PLA_SurveyOutcome: '', PLA_CallResult: 'Busy' }, '9d9162e7-6cf3-4944-bf63-4dff82258764'],
  ['none for ""', { PLA_SurveyOutcome: '', PLA_CallResult: 'Unanswered' }, undefined],
  [
    'a voicemail before the result',
    { PLA_SurveyOutcome: '', PLA_CallResult: 'Unanswered', PLA_VoicemailLeft: 'Yes' },
    'b2cf5968-551e-4856-9783-52b3da59a7d0',
  ],
];
for (const [name, fields, expected] of outcomesOf) {
  fitting(`outcomes of the configuration: ${name}`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const outcomes = {
        answered: 'left live message',
        'wrong place': 'Wrong number',
        Diverted: '73a0d17f-1163-4015-bdd5-ec830791da20',
        unanswered: '',
      };
      const connection = await open(hubspot, { activity: { outcomes } });
      const outcome = await deliverOne(connection, whole('1', {}, fields));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.is(outcome.notes, undefined);
      assert.is(hubspot.calls()[0]?.properties['hs_call_disposition'], expected);
    }),
  );
}

fitting.run();
