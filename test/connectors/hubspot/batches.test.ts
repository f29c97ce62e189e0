import hubspotConnector from '../../../connectors/hubspot/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import {
  answering,
  faults,
  type HubSpotEmulator,
  withHubSpotEmulator,
} from '../../support/hubspot-emulator.ts';
import { movingClock } from '../../support/moving-clock.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, refuseUnwritable, soon, unmetered, unwritable } from './rig.ts';

const batches = suite('hubspot batches');

const starts = (...ids: string[]) => ids.map((id) => deliveryOf([startPush(id)]));

function keys(hubspot: HubSpotEmulator): string[] {
  return hubspot.calls().map((call) => call.properties['delacon_call_id'] ?? '');
}

for (const conflictForm of ['code', 'text'] as const) {
  batches(`a key that is taken (HubSpot says so by ${conflictForm}) leads to its record`, () =>
    withHubSpotEmulator(
      async (hubspot) => {
        const connection = await open(hubspot);
        hubspot.strike(faults.loseAnswer, 'calls/batch/create');
        await connection.deliver(starts('1', '2'), soon());
        const ids = hubspot.calls().map((call) => call.id);
        hubspot.forgetRequests();
        const outcomes = await connection.deliver(starts('1', '2', '3'), soon());
        assert.equal(
          outcomes.map((outcome) => outcome.kind),
          ['delivered', 'delivered', 'delivered'],
        );
        assert.equal(
          outcomes.slice(0, 2).map((outcome) => outcome.records?.activity?.id),
          ids,
        );
        assert.equal(hubspot.requests, {
          'POST /crm/objects/2026-09/calls/batch/create': 1,
          // Where no code says so, it is looked whether the key is taken, or the contact gone.
          ...(conflictForm === 'code'
            ? { 'POST /crm/objects/2026-09/calls/batch/read': 1 }
            : {
                'POST /crm/objects/2026-09/calls/batch/read': 2,
                'POST /crm/objects/2026-09/contacts/batch/read': 1,
              }),
          'POST /crm/objects/2026-09/calls/batch/update': 1,
          'POST /crm/associations/2026-09/calls/contacts/batch/associate/default': 1,
        });
        assert.equal(keys(hubspot), ['1', '2', '3']);
      },
      { conflictForm },
    ),
  );
}

batches('a call that an end made without a person is adopted and linked', () =>
  withHubSpotEmulator(async (hubspot) => {
    const id = hubspot.addCall({ delacon_call_id: '1', hs_call_title: 'old' });
    const outcome = await deliverOne(await open(hubspot), deliveryOf([startPush('1')]));
    assert.is(outcome.records?.activity?.id, id);
    assert.equal(
      hubspot.calls().map((call) => [call.properties['hs_call_title'], call.contactIds]),
      [['Call from 0444 444 444 to abc', ['501']]],
    );
  }),
);

batches("a bad call among good ones is found, and told in HubSpot's words, when errors name nobody", () =>
  withHubSpotEmulator(
    async (hubspot) => {
      refuseUnwritable(hubspot);
      const numbers = Array.from({ length: 8 }, (_, i) => `+6144444440${i}`);
      const batch = numbers.map((number, i) =>
        deliveryOf([startPush(`${i}`, { PLA_Caller_Phone_Number: number, ...(i === 2 ? unwritable : {}) })]),
      );
      const outcomes = await (await open(hubspot)).deliver(batch, soon());
      assert.equal(
        outcomes.map(({ kind }) => kind),
        numbers.map((_, i) => (i === 2 ? 'rejected' : 'delivered')),
      );
      assert.match(outcomes[2]?.kind === 'rejected' ? outcomes[2].reason : '', 'validation rule');
      assert.is(hubspot.calls().length, 7);
      assert.is(hubspot.countRequests('calls/batch/create'), 1, 'only one is left: it is the bad one');
    },
    { namesErrors: false, limits: unmetered },
  ),
);

batches('several bad calls are told apart when errors name nobody, and a taken key leads to its record', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const taken = hubspot.addCall({ delacon_call_id: '5' });
      refuseUnwritable(hubspot);
      const batch = Array.from({ length: 8 }, (_, i) =>
        deliveryOf([startPush(`${i}`, i === 2 || i === 3 ? unwritable : {})]),
      );
      const outcomes = await (await open(hubspot)).deliver(batch, soon());
      assert.equal(
        outcomes.map(({ kind }) => kind),
        batch.map((_, i) => (i === 2 || i === 3 ? 'rejected' : 'delivered')),
      );
      assert.is(outcomes[5]?.records?.activity?.id, taken);
      assert.equal(keys(hubspot).sort(), ['0', '1', '4', '5', '6', '7']);
    },
    { namesErrors: false, limits: unmetered },
  ),
);

batches('a limit that a batch met, and that names nobody, is waited for and not sent again at once', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const connection = await open(hubspot);
      await connection.deliver(starts('before'), soon());
      hubspot.forgetRequests();
      const at = '2026-11-02T03:15:00.000Z';
      const errors = [{ category: 'RATE_LIMITS', message: 'You have reached your secondly limit.' }];
      const body = { status: 'COMPLETE', results: [], numErrors: 1, errors, startedAt: at, completedAt: at };
      hubspot.strike(answering(207, body), 'calls/batch/create');
      const outcomes = await connection.deliver(starts('1', '2'), soon());
      for (const outcome of outcomes) {
        assert.is(outcome.kind, 'retry');
        assert.match(outcome.kind === 'retry' ? outcome.reason : '', 'secondly limit');
      }
      assert.is(hubspot.countRequests(), 1);
    },
    { limits: unmetered },
  ),
);

batches(
  'a mapped unique value that another call has is left out, and is no reason to write to that call',
  () =>
    withHubSpotEmulator(async (hubspot) => {
      hubspot.addProperty('calls', { name: 'ticket', hasUniqueValue: true });
      const other = hubspot.addCall({ ticket: 'abc', hs_call_title: 'untouched' });
      const connection = await open(hubspot, {
        activity: { properties: { ticket: '{{ call.dealer.id }}' } },
      });
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.match(outcome.notes?.join() ?? '', 'ticket was left out: HubSpot refuses it.');
      assert.is.not(outcome.records?.activity?.id, other);
      assert.is(hubspot.calls().find(({ id }) => id === other)?.properties['hs_call_title'], 'untouched');
    }),
);

batches('a call that was deleted in HubSpot comes again under its key', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const [one, two] = await connection.deliver(starts('1', '2'), soon());
    hubspot.archiveCall(one?.records?.activity?.id ?? '');
    const ends = [one, two].map((outcome, i) =>
      deliveryOf([startPush(`${i + 1}`), endPush(`${i + 1}`)], { records: outcome?.records ?? {} }),
    );
    const outcomes = await connection.deliver(ends, soon());
    assert.equal(
      outcomes.map((outcome) => outcome.kind),
      ['delivered', 'delivered'],
    );
    assert.equal(keys(hubspot).sort(), ['1', '2']);
    assert.is.not(outcomes[0]?.records?.activity?.id, one?.records?.activity?.id);
    assert.is(outcomes[1]?.records?.activity?.id, two?.records?.activity?.id);
    for (const call of hubspot.calls()) {
      assert.is(call.properties['hs_call_status'], 'COMPLETED');
      assert.equal(call.contactIds, ['501']);
    }
  }),
);

batches('a call that was merged away is silently absent, and found by its key', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
    const kept = hubspot.addCall({ hs_call_title: 'kept' });
    hubspot.mergeCalls(kept, records.activity?.id ?? '');
    const outcome = await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')], { records }));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.is(outcome.records?.activity?.id, kept);
    assert.equal(keys(hubspot), ['1']);
    assert.is(hubspot.calls()[0]?.properties['hs_call_status'], 'COMPLETED');
    assert.equal(hubspot.calls()[0]?.contactIds, ['501']);
  }),
);

for (const echoTraceIds of [true, false]) {
  const how = echoTraceIds ? 'its trace id' : 'its key, where trace ids are not repeated';
  batches(`results come in another order than the inputs, and each finds its delivery by ${how}`, () =>
    withHubSpotEmulator(
      async (hubspot) => {
        const connection = await open(hubspot);
        // Keys that look like the ids which HubSpot is about to give to others.
        const ids = ['39008', '39001', '39022', '39015'];
        const batch = ids.map((id, i) =>
          deliveryOf([startPush(id, { PLA_Caller_Phone_Number: `+6144444440${i}` })]),
        );
        const outcomes = await connection.deliver(batch, soon());
        const calls = new Map(hubspot.calls().map((call) => [call.id, call]));
        const contacts = new Map(hubspot.contacts().map((contact) => [contact.id, contact]));
        for (const [i, outcome] of outcomes.entries()) {
          const call = calls.get(outcome.records?.activity?.id ?? '');
          assert.is(call?.properties['delacon_call_id'], ids[i]);
          assert.is(contacts.get(call?.contactIds[0] ?? '')?.properties['phone'], `+6144444440${i}`);
        }
        const ends = ids.map((id, i) =>
          deliveryOf([startPush(id), endPush(id)], { records: outcomes[i]?.records ?? {} }),
        );
        const ended = await connection.deliver(ends, soon());
        assert.equal(
          ended.map((outcome) => outcome.records),
          outcomes.map((outcome) => outcome.records),
        );
      },
      { echoTraceIds },
    ),
  );
}

batches('a batch that HubSpot refuses as a whole is split until the bad one stands alone', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      refuseUnwritable(hubspot);
      const connection = await open(hubspot);
      const batch = Array.from({ length: 32 }, (_, i) =>
        deliveryOf([startPush(`${i}`, i === 21 ? unwritable : {})]),
      );
      const outcomes = await connection.deliver(batch, soon());
      assert.equal(
        outcomes.flatMap((outcome, i) => (outcome.kind === 'delivered' ? [] : [[i, outcome.kind]])),
        [[21, 'rejected']],
      );
      assert.is(hubspot.calls().length, 31);
      assert.is(hubspot.countRequests('calls/batch/create'), 11);
    },
    { partialSuccess: false, limits: unmetered },
  ),
);

batches('taken keys are found, too, where HubSpot refuses the whole batch for them', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const connection = await open(hubspot);
      hubspot.strike(faults.loseAnswer, 'calls/batch/create');
      await connection.deliver(starts('1', '2', '3'), soon());
      const outcomes = await connection.deliver(starts('1', '2', '3', '4', '5'), soon());
      assert.equal(new Set(outcomes.map((outcome) => outcome.kind)), new Set(['delivered']));
      assert.equal(keys(hubspot).sort(), ['1', '2', '3', '4', '5']);
    },
    { partialSuccess: false, limits: unmetered },
  ),
);

batches('a mapped property that HubSpot does not have holds up those who use it, and nobody else', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const activity = { properties: { nope: '{{ call.extra }}' } };
      const connection = await open(hubspot, { activity });
      const batch = Array.from({ length: 40 }, (_, i) =>
        deliveryOf([startPush(`${i}`, i % 4 === 0 ? {} : { PLA_ExtraTracking: 'x' })]),
      );
      const outcomes = await connection.deliver(batch, soon());
      assert.equal(
        outcomes.map((outcome) => outcome.kind),
        outcomes.map((_, i) => (i % 4 === 0 ? 'delivered' : 'blocked')),
      );
      assert.is(hubspot.countRequests('calls/batch/create'), 1);
      assert.is(hubspot.countRequests('properties/2026-09/calls'), 1);
    },
    { partialSuccess: false },
  ),
);

batches('a refused link fails its own call and no other', () =>
  withHubSpotEmulator(async (hubspot) => {
    const { clock, pass } = movingClock();
    const tools = testTools({ clock });
    const connection = await open(hubspot, {}, tools);
    const numbers = ['+61444444401', '+61444444402', '+61444444403'];
    const ends = await connection.deliver(
      numbers.map((_, i) => deliveryOf([endPush(`${i}`)])),
      soon(),
    );
    await connection.deliver(
      numbers.map((number, i) => deliveryOf([startPush(`x${i}`, { PLA_Caller_Phone_Number: number })])),
      soon(),
    );
    hubspot.archiveContact('508');
    hubspot.forgetRequests();
    const batch = numbers.map((number, i) =>
      deliveryOf([endPush(`${i}`), startPush(`${i}`, { PLA_Caller_Phone_Number: number })], {
        records: ends[i]?.records ?? {},
      }),
    );
    const waiting = await connection.deliver(batch, soon());
    assert.equal(
      waiting.map((outcome) => outcome.kind),
      ['delivered', 'retry', 'delivered'],
      'it may have been merged, which searching does not show yet',
    );
    pass(15_000);
    const outcomes = await (await open(hubspot, {}, tools)).deliver(batch, soon());
    assert.equal(
      outcomes.map((outcome) => outcome.kind),
      ['delivered', 'delivered', 'delivered'],
    );
    const made = hubspot.contacts().find((contact) => contact.properties['delacon_caller'] === numbers[1]);
    assert.is(outcomes[1]?.records?.person?.id, made?.id);
    assert.is.not(made?.id, '508');
  }),
);

batches('one key twice in a batch is written once, in its latest state', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const batch = [deliveryOf([startPush('1'), endPush('1')]), deliveryOf([startPush('1')])];
    const outcomes = await connection.deliver(batch, soon());
    assert.equal(outcomes[0], outcomes[1]);
    assert.equal(
      hubspot.calls().map((call) => call.properties['hs_call_status']),
      ['COMPLETED'],
    );
  }),
);

batches('a call whose key is taken, but which HubSpot does not show, is tried again', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    hubspot.addCall({ delacon_call_id: '1' });
    const at = '2026-11-02T03:15:00.000Z';
    const nothing = { status: 'COMPLETE', results: [], startedAt: at, completedAt: at };
    hubspot.strike(answering(200, nothing), 'calls/batch/read');
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'retry', JSON.stringify(outcome));
    assert.match(outcome.kind === 'retry' ? outcome.reason : '', 'does not show it');
  }),
);

batches('starts and ends share a batch', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const [first] = await connection.deliver(starts('1'), soon());
    hubspot.forgetRequests();
    const batch = [
      deliveryOf([startPush('1'), endPush('1')], { records: first?.records ?? {} }),
      deliveryOf([startPush('2')]),
    ];
    await connection.deliver(batch, soon());
    assert.is(hubspot.countRequests(), 2);
    assert.equal(
      hubspot.calls().map((call) => call.properties['hs_call_status']),
      ['COMPLETED', 'IN_PROGRESS'],
    );
  }),
);

batches('the bridge keeps within the limits that HubSpot enforces', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const tools = testTools();
      const taken: [number, number][] = [];
      const allowed: number[] = [];
      const limiter = tools.rateLimit;
      tools.rateLimit = (requests, perMs) => {
        taken.push([requests, perMs]);
        const limit = limiter(requests, perMs);
        return { take: limit.take, allow: (granted) => void allowed.push(granted) };
      };
      const connection = await open(hubspot, {}, tools);
      await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.equal(taken, [
        [90, 10_000],
        [1, 230],
      ]);
      assert.equal([...new Set(allowed)], [171]); // nine tenths of what this account says it grants
    },
    { limits: { perTenSeconds: 190 } },
  ),
);

batches('every request is of the one version of the API that is named', () =>
  withHubSpotEmulator(async (hubspot) => {
    const { oauth } = hubspot;
    const options = hubspotConnector.options.parse({ baseUrl: hubspot.url, oauth });
    const connection = await hubspotConnector.open(options, testTools());
    hubspot.strike(faults.loseAnswer, 'calls/batch/create');
    for (const _ of [1, 2]) await deliverOne(connection, deliveryOf([startPush('1')]));
    await connection.check(soon());
    await connection.plan(soon());
    const others = hubspot
      .requestNames()
      .filter((name) => !/^\w+ \/(crm\/)?[\w-]+\/2026-09(\/|$)/.test(name));
    assert.equal(others, []);
  }),
);

batches.run();
