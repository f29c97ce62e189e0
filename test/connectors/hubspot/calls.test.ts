import hubspotConnector from '../../../connectors/hubspot/index.ts';
import { parsePush } from '../../../src/call/push.ts';
import { deliveryOf, endPush, endSample, startPush, startSample } from '../../support/build-push.ts';
import { type HubSpotEmulator, withHubSpotEmulator } from '../../support/hubspot-emulator.ts';
import { assert, suite, until } from '../../support/suite.ts';
import { deliverOne, open, optionsFor, soon } from './rig.ts';

const calls = suite('hubspot calls');

const start = parsePush(startSample).fields;
const end = parsePush(endSample).fields;

/** The properties of the only call, but for the body. */
function onlyCall(hubspot: HubSpotEmulator) {
  const [call, ...others] = hubspot.calls();
  assert.is(others.length, 0);
  const { hs_call_body: body = '', ...properties } = call?.properties ?? {};
  return { id: call?.id, contactIds: call?.contactIds, body, properties };
}

calls("the vendor's samples, start and then end, as HubSpot gets them", () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const first = await deliverOne(connection, deliveryOf([start]));
    const ringing = onlyCall(hubspot);
    assert.equal(ringing.properties, {
      delacon_call_id: '1122334',
      hs_timestamp: '2019-05-02T00:12:17.003Z',
      hs_call_title: 'Call from 0444 444 444 to abc',
      hs_call_direction: 'INBOUND',
      hs_call_status: 'IN_PROGRESS',
      hs_call_from_number: '+61444444444',
      hs_call_to_number: '+61288889999',
    });
    assert.equal(hubspot.contacts(), [
      {
        id: ringing.contactIds?.[0] ?? '',
        properties: {
          delacon_caller: '+61444444444',
          phone: '+61444444444',
          firstname: 'Caller',
          lastname: '0444 444 444',
          city: 'abc',
          state: 'abc',
        },
      },
    ]);

    const second = await deliverOne(connection, deliveryOf([start, end], { records: first.records ?? {} }));
    const ended = onlyCall(hubspot);
    assert.equal(ended.properties, {
      ...ringing.properties,
      hs_call_title: 'Call from 0444 444 444 to abc, answered by 029898989',
      hs_call_status: 'COMPLETED',
      hs_call_disposition: 'f240bbac-87c9-4f6e-bf70-924b57d47db7',
      hs_call_duration: '50000',
      hs_call_recording_url: 'https://pla.delaconcorp.com......abc.wav?mode=direct',
    });
    assert.is(ended.id, ringing.id);
    assert.equal(second.records, {
      activity: { type: 'call', id: ended.id ?? '' },
      person: { type: 'contact', id: ringing.contactIds?.[0] ?? '' },
    });
  }),
);

const endings: [string, Record<string, string>, string, string | undefined][] = [
  ['answered', { PLA_CallResult: 'Answered' }, 'COMPLETED', 'f240bbac-87c9-4f6e-bf70-924b57d47db7'],
  ['unanswered', { PLA_CallResult: 'Unanswered' }, 'NO_ANSWER', '73a0d17f-1163-4015-bdd5-ec830791da20'],
  ['busy', { PLA_CallResult: 'Busy' }, 'BUSY', '9d9162e7-6cf3-4944-bf63-4dff82258764'],
  [
    'a voicemail',
    { PLA_CallResult: 'Unanswered', PLA_VoicemailLeft: 'Yes' },
    'NO_ANSWER',
    'b2cf5968-551e-4856-9783-52b3da59a7d0',
  ],
  ['a result nobody documented', { PLA_CallResult: 'Diverted' }, 'COMPLETED', undefined],
];
for (const [name, fields, status, disposition] of endings) {
  calls(`${name} is ${status}`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const connection = await open(hubspot);
      await deliverOne(connection, deliveryOf([startPush('1'), endPush('1', fields)]));
      const { properties } = onlyCall(hubspot);
      assert.is(properties['hs_call_status'], status);
      assert.is(properties['hs_call_disposition'], disposition);
    }),
  );
}

calls('a call that lapsed has a final status and says why', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    await deliverOne(connection, deliveryOf([startPush('1')], { lapsed: true }));
    const { properties, body } = onlyCall(hubspot);
    assert.is(properties['hs_call_status'], 'COMPLETED');
    assert.is(properties['hs_call_disposition'], undefined);
    assert.match(body, 'how it ended was not received');
  }),
);

calls('what came from outside is escaped in the body', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const fields = {
      PLA_Keywords_Searched: `<script>alert("x")</script> & 'y'`,
      PLA_Dealer_Name: '<img src=x onerror=alert(1)>',
    };
    const recording = { PLA_RecordingFile: 'https://pla.delaconcorp.com/a.wav?x="><b>' };
    await deliverOne(connection, deliveryOf([startPush('1', fields), endPush('1', recording)]));
    const { body } = onlyCall(hubspot);
    assert.match(body, '&#60;script&#62;alert(&#34;x&#34;)&#60;/script&#62; &#38; &#39;y&#39;');
    assert.not.match(body, /<(?!\/?strong>|br>|\/a>|a href="https:\/\/[^"<>]*">)/);
  }),
);

calls('the player gets the recording in its form for players, and the link in the body as it was sent', () =>
  withHubSpotEmulator(async (hubspot) => {
    const push = endPush('1', { PLA_RecordingFile: ' https://pla.delaconcorp.com/rec?id=1#t' });
    await deliverOne(await open(hubspot), deliveryOf([startPush('1'), push]));
    const { body, properties } = onlyCall(hubspot);
    assert.is(properties['hs_call_recording_url'], 'https://pla.delaconcorp.com/rec?id=1&mode=direct#t');
    assert.match(body, '<a href="https://pla.delaconcorp.com/rec?id=1#t">listen</a>');
  }),
);

calls('a recording that is not https is left out and noted', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const push = endPush('1', { PLA_RecordingFile: ' http://pla.delaconcorp.com/a.wav' });
    const outcome = await deliverOne(connection, deliveryOf([startPush('1'), push]));
    assert.is(outcome.kind, 'delivered');
    assert.match(outcome.notes?.join() ?? '', 'not https');
    assert.is(onlyCall(hubspot).properties['hs_call_recording_url'], undefined);
    assert.match(onlyCall(hubspot).body, 'http://pla.delaconcorp.com/a.wav');
  }),
);

calls('a recording address that HubSpot refuses keeps no call from being written', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    hubspot.refuseValues('calls', 'hs_call_recording_url', /\.{2}/);
    const outcomes = await connection.deliver(
      [deliveryOf([start, end]), deliveryOf([startPush('2'), endPush('2')])],
      soon(),
    );
    assert.equal(
      outcomes.map(({ kind, notes }) => [kind, notes]),
      [
        ['delivered', ['hs_call_recording_url was left out: HubSpot refuses it.']],
        ['delivered', undefined],
      ],
    );
    const recordings = hubspot.calls().map(({ properties }) => properties['hs_call_recording_url']);
    assert.equal(recordings.sort(), ['https://pla.delaconcorp.com/recordings/2.wav?mode=direct', undefined]);
  }),
);

calls('a mapped value that HubSpot refuses is left out, and the call is written', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.refuseValues('calls', 'hs_call_to_number', /./);
    const activity = { properties: { hs_call_to_number: '{{ call.dialled.national }}' } };
    const outcome = await deliverOne(await open(hubspot, { activity }), deliveryOf([startPush('1')]));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.equal(outcome.notes, ['hs_call_to_number was left out: HubSpot refuses it.']);
  }),
);

calls('a text is cut to what HubSpot holds, and that is noted', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addProperty('calls', { name: 'keywords' });
    const properties = { keywords: '{{ call.marketing.keywords }}' };
    const connection = await open(hubspot, { activity: { properties } });
    const keywords = `${'x'.repeat(65_535)}😀`; // the pair would be cut in half
    const everything = Object.fromEntries(
      Object.keys({ ...start, ...end }).map((name) => [name, `<${'"'.repeat(30_000)}`]),
    );
    const fields = { ...everything, ...startPush('1'), PLA_Keywords_Searched: keywords };
    const outcome = await deliverOne(connection, deliveryOf([fields]));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome).slice(0, 500));
    assert.equal(outcome.notes, ['keywords was cut to 65536 characters.']);
    assert.is(onlyCall(hubspot).properties['keywords'], 'x'.repeat(65_535));
    assert.ok(onlyCall(hubspot).body.length <= 65_536);
  }),
);

calls('even a call whose every field is endless has a body that fits', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const endless = Object.fromEntries(
      Object.keys({ ...start, ...end }).map((name) => [name, '"'.repeat(30_000)]),
    );
    const outcome = await deliverOne(connection, deliveryOf([{ ...endless, PLA_Call_Id: '1' }]));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome).slice(0, 500));
    const kept = onlyCall(hubspot).body;
    assert.ok(
      kept.length <= 65_536 &&
        kept.includes('<strong>Delacon call:</strong> 1<br><strong>Too long to be shown here:</strong> '),
      kept.slice(-200),
    );
  }),
);

calls('mapped properties add to the defaults, replace them by name, or take them away', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addProperty('calls', { name: 'delacon_duration', type: 'number', fieldType: 'number' });
    hubspot.addProperty('calls', { name: 'delacon_missed', type: 'bool', fieldType: 'booleancheckbox' });
    hubspot.addProperty('calls', { name: 'delacon_ended', type: 'datetime', fieldType: 'date' });
    hubspot.addProperty('calls', { name: 'delacon_keywords' });
    const activity = {
      title: 'Delacon {{ call.id }}',
      properties: {
        delacon_duration: '{{ call.durationSeconds }}',
        delacon_missed: '{{ call.missed }}',
        delacon_ended: '{{ call.endedAt }}',
        delacon_keywords: '{{ call.marketing.keywords }}',
        hs_call_disposition: '',
        hs_call_to_number: '{{ call.dialled.national }}',
      },
    };
    const connection = await open(hubspot, { activity });
    await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')]));
    const { properties } = onlyCall(hubspot);
    assert.is(properties['hs_call_title'], 'Delacon 1');
    assert.is(properties['delacon_duration'], '50');
    assert.is(properties['delacon_missed'], 'false');
    assert.is(properties['delacon_ended'], '2019-05-02T00:13:07.003Z');
    assert.is(properties['delacon_keywords'], 'abc');
    assert.is(properties['hs_call_disposition'], undefined);
    assert.is(properties['hs_call_to_number'], '0288889999');
  }),
);

calls('a number that cannot be read is written as it came', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const fields = {
      PLA_Caller_Phone_Number: '0412 34',
      PLA_Number_Dialed: '12345 ext 6',
      PLA_Dealer_Name: '',
    };
    const outcome = await deliverOne(connection, deliveryOf([startPush('1', fields)]));
    assert.is(outcome.kind, 'delivered');
    const { properties, contactIds } = onlyCall(hubspot);
    assert.is(properties['hs_call_from_number'], '0412 34');
    assert.is(properties['hs_call_to_number'], '12345 ext 6');
    assert.is(properties['hs_call_title'], 'Call from 0412 34');
    assert.equal(contactIds, []);
  }),
);

calls('write: atEnd leaves a ringing call alone and writes the ended one', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { write: 'atEnd' });
    const ringing = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.equal(ringing, {
      kind: 'delivered',
      records: {},
      notes: ['It waits for the end of the call.'],
    });
    assert.is(hubspot.countRequests(), 0);
    const ended = await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')]));
    assert.is(ended.kind, 'delivered');
    assert.is(onlyCall(hubspot).properties['hs_call_status'], 'COMPLETED');
  }),
);

calls('a draft is what gets written', () =>
  withHubSpotEmulator(async (hubspot) => {
    const delivery = deliveryOf([startPush('1'), endPush('1')]);
    const drafts = hubspotConnector.draft(optionsFor(hubspot), delivery);
    assert.equal(
      drafts.map(({ role, type, key }) => ({ role, type, key })),
      [
        { role: 'person', type: 'contact', key: { property: 'delacon_caller', value: '+61444444444' } },
        { role: 'activity', type: 'call', key: { property: 'delacon_call_id', value: '1' } },
      ],
    );
    assert.is(drafts[1]?.properties['hs_call_duration'], 50_000);
    await deliverOne(await open(hubspot), delivery);
    const { properties } = onlyCall(hubspot);
    assert.equal(Object.keys(properties).sort(), [
      'delacon_call_id',
      ...Object.keys(drafts[1]?.properties ?? {})
        .filter((name) => name !== 'hs_call_body')
        .sort(),
    ]);
  }),
);

calls('a record has a link once the account is known', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const call = { type: 'call', id: '39001' };
    assert.is(connection.link(call), undefined);
    await until('the account is known', () => connection.link(call) !== undefined);
    assert.is(connection.link(call), 'https://app.hubspot.com/contacts/1234567/record/0-48/39001');
    for (const [type, objectTypeId] of Object.entries({ task: '0-27', deal: '0-3' })) {
      assert.match(connection.link({ type, id: '7' }) ?? '', `/record/${objectTypeId}/7`);
    }
    assert.is(
      connection.link({ type: 'contact', id: '5' }),
      'https://app.hubspot.com/contacts/1234567/record/0-1/5',
    );
    assert.is(hubspot.countRequests(), 1);
  }),
);

calls.run();
