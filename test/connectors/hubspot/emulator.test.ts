import { searchablePhone } from '../../support/hubspot/search.ts';
import {
  type EmulatorOptions,
  faults,
  type HubSpotEmulator,
  withHubSpotEmulator,
} from '../../support/hubspot-emulator.ts';
import { assert, suite } from '../../support/suite.ts';

const emulator = suite('hubspot emulator');

interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown> & { results: { id: string; properties: Record<string, string | null> }[] };
}

async function request(
  hubspot: HubSpotEmulator,
  path: string,
  body?: unknown,
  token = hubspot.token,
): Promise<Answer> {
  const response = await fetch(`${hubspot.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Answer['body'],
  };
}

const batch = (objectType: string, action: string) => `/crm/objects/2026-09/${objectType}/batch/${action}`;
const timestamp = { hs_timestamp: '2026-11-02T03:15:20.000Z' };

/** Sends inputs to a batch endpoint, with a trace id each unless told otherwise. */
function send(hubspot: HubSpotEmulator, objectType: string, action: string, inputs: object[], traced = true) {
  const marked = inputs.map((input, i) => (traced ? { objectWriteTraceId: `t${i}`, ...input } : input));
  return request(hubspot, batch(objectType, action), { inputs: marked });
}

/** What the only error of a 207 says, or the body of a refusal. */
function complaint({ status, body }: Answer): string {
  const [error] = (body['errors'] ?? []) as { message: string }[];
  return `${status} ${status === 207 ? error?.message : body['message']}`;
}

type Refused = [name: string, objectType: string, action: string, inputs: object[], complaint: RegExp];
const link = (id: string, associationTypeId: number) => [
  { to: { id }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId }] },
];
const call = (properties: object, more: object = {}) => ({
  properties: { ...timestamp, ...properties },
  ...more,
});
const refused: Refused[] = [
  ['an unknown property', 'calls', 'create', [call({ foo: '1' })], /^207 .*PROPERTY_DOESNT_EXIST/],
  ['a read-only property', 'calls', 'create', [call({ hs_object_id: '1' })], /^207 .*READ_ONLY_VALUE/],
  [
    'an option that is not listed',
    'calls',
    'create',
    [call({ hs_call_status: 'ended' })],
    /^207 .*INVALID_OPTION/,
  ],
  ['a duration in words', 'calls', 'create', [call({ hs_call_duration: '50s' })], /^207 .*INVALID_LONG/],
  ['a time that is none', 'calls', 'create', [call({ hs_timestamp: 'yesterday' })], /^207 .*INVALID_LONG/],
  ['a call without its time', 'calls', 'create', [{ properties: {} }], /^207 Error creating CALL/],
  [
    'an upsert that makes a call without its time',
    'calls',
    'upsert',
    [{ id: '1', idProperty: 'delacon_call_id', properties: {} }],
    /^207 Error creating CALL/,
  ],
  [
    'a contact without a name',
    'contacts',
    'create',
    [{ properties: { phone: '1' } }],
    /^207 Error creating CONTACT/,
  ],
  [
    'a recording over http',
    'calls',
    'create',
    [call({ hs_call_recording_url: 'http://a/b.wav' })],
    /^207 .*https/,
  ],
  ['65,537 characters', 'calls', 'create', [call({ hs_call_body: 'x'.repeat(65_537) })], /^207 .*65536/],
  [
    'a link to nobody',
    'calls',
    'create',
    [call({}, { associations: link('1', 194) })],
    /^207 .*associations are not valid/,
  ],
  [
    'a link of the wrong type',
    'calls',
    'create',
    [call({}, { associations: link('501', 204) })],
    /^207 .*associations are not valid/,
  ],
  [
    'an upsert with a link',
    'calls',
    'upsert',
    [{ id: '1', idProperty: 'delacon_call_id', properties: timestamp, associations: [] }],
    /^400 .*associations/,
  ],
  [
    'an upsert by a property that is not unique',
    'contacts',
    'upsert',
    [{ id: '1', idProperty: 'phone', properties: {} }],
    /^400 .*non-unique 0-1 property phone/,
  ],
  [
    'a task without its due date',
    'tasks',
    'create',
    [{ properties: { hs_task_subject: 'x' } }],
    /^207 Error creating TASK/,
  ],
  [
    'a status that no task has',
    'tasks',
    'create',
    [{ properties: { ...timestamp, hs_task_status: 'DONE' } }],
    /^207 .*INVALID_OPTION/,
  ],
  [
    'a task on a call',
    'tasks',
    'create',
    [{ properties: timestamp, associations: link('39001', 205) }],
    /^207 .*associations are not valid/,
  ],
  [
    'a deal without a stage',
    'deals',
    'create',
    [{ properties: { dealname: 'x', pipeline: 'default' } }],
    /^207 Error creating DEAL/,
  ],
  [
    'a stage of another pipeline',
    'deals',
    'create',
    [{ properties: { dealname: 'x', pipeline: 'default', dealstage: '975310' } }],
    /^207 .*INVALID_OPTION.*dealstage/,
  ],
  [
    'a pipeline that is not there',
    'deals',
    'create',
    [{ properties: { dealname: 'x', pipeline: 'retail', dealstage: 'closedwon' } }],
    /^207 .*INVALID_OPTION.*pipeline/,
  ],
  [
    'an amount in words',
    'deals',
    'create',
    [{ properties: { dealname: 'x', pipeline: 'default', dealstage: 'closedwon', amount: 'much' } }],
    /^207 .*INVALID_LONG/,
  ],
  ['an owner who is nobody', 'calls', 'create', [call({ hubspot_owner_id: '7' })], /^207 .*INVALID_OWNER_ID/],
  [
    '101 inputs',
    'calls',
    'create',
    Array.from({ length: 101 }, () => call({})),
    /^400 The maximum number of inputs/,
  ],
  [
    'the same id twice',
    'contacts',
    'update',
    [
      { id: '501', properties: {} },
      { id: '501', properties: {} },
    ],
    /^400 Duplicate IDs/,
  ],
  [
    'an update of nobody',
    'contacts',
    'update',
    [{ id: '9', properties: {} }],
    /^207 Could not get some CONTACT objects/,
  ],
];
for (const [name, objectType, action, inputs, words] of refused) {
  emulator(`refuses ${name}`, () =>
    withHubSpotEmulator(async (hubspot) => {
      hubspot.addContact({ phone: '0444 444 444' });
      assert.match(complaint(await send(hubspot, objectType, action, inputs)), words);
      assert.is(hubspot.calls().length, 0);
      assert.is(hubspot.records('tasks').length + hubspot.records('deals').length, 0);
      assert.is(hubspot.contacts().length, 1);
    }),
  );
}

emulator(
  'without trace ids one bad input refuses all; with them it is a 207 and the others are written',
  () =>
    withHubSpotEmulator(async (hubspot) => {
      const inputs = [call({ delacon_call_id: 'a' }), call({ foo: '1' }), call({ delacon_call_id: 'b' })];
      assert.is((await send(hubspot, 'calls', 'create', inputs, false)).status, 400);
      assert.is(hubspot.calls().length, 0);
      const { status, body } = await send(hubspot, 'calls', 'create', inputs);
      assert.is(status, 207);
      assert.is(body['numErrors'], 1);
      assert.equal((body['errors'] as { context: unknown }[])[0]?.context, { objectWriteTraceId: ['t1'] });
      assert.equal(
        body.results.map((row) => row.properties['delacon_call_id']),
        ['b', 'a'],
      );
      // What the refused batch had taken is free again.
      assert.is(hubspot.calls().length, 2);
    }),
);

for (const [conflictForm, words] of [
  ['code', /CONFLICTING_UNIQUE_VALUE/],
  ['text', /propertyName=delacon_call_id.* on \d+\. 39001 already has that value/],
] as const) {
  emulator(`refuses a unique value that is taken, by ${conflictForm}`, () =>
    withHubSpotEmulator(
      async (hubspot) => {
        hubspot.addCall({ delacon_call_id: 'a' });
        const other = hubspot.addCall({});
        assert.match(
          complaint(await send(hubspot, 'calls', 'create', [call({ delacon_call_id: 'a' })])),
          words,
        );
        const update = [{ id: other, properties: { delacon_call_id: 'a' } }];
        assert.match(complaint(await send(hubspot, 'calls', 'update', update)), words);
      },
      { conflictForm },
    ),
  );
}

emulator('upserts by key, and shows values as text', () =>
  withHubSpotEmulator(async (hubspot) => {
    const upsert = (properties: object) =>
      send(hubspot, 'contacts', 'upsert', [{ id: '+61444444444', idProperty: 'delacon_caller', properties }]);
    const first = await upsert({ firstname: 'Jo', email: 'Jo@Example.COM' });
    const second = await upsert({ lastname: 'Li' });
    assert.is(first.status, 200);
    assert.match(JSON.stringify(first.body.results), '"new":true');
    assert.match(JSON.stringify(second.body.results), '"new":false');
    assert.equal(hubspot.contacts(), [
      {
        id: '501',
        properties: {
          delacon_caller: '+61444444444',
          firstname: 'Jo',
          email: 'jo@example.com',
          lastname: 'Li',
        },
      },
    ]);
    const read = { properties: ['city'], inputs: [{ id: '501' }] };
    const { body } = await request(hubspot, batch('contacts', 'read'), read);
    assert.is(body.results[0]?.properties['city'], null);
    assert.is(body.results[0]?.properties['hs_object_id'], '501');
  }),
);

emulator('an update of a record that was merged away is silently absent', () =>
  withHubSpotEmulator(async (hubspot) => {
    const [kept, gone] = [hubspot.addContact({}), hubspot.addContact({ city: 'Perth' })] as const;
    hubspot.mergeContacts(kept, gone);
    const answer = await send(hubspot, 'contacts', 'update', [{ id: gone, properties: { city: 'Sydney' } }]);
    assert.is(answer.status, 200);
    assert.equal(answer.body.results, []);
    assert.is(hubspot.contacts()[0]?.properties['city'], 'Perth');
  }),
);

emulator('a contact is found by the ids of all that were merged into it', () =>
  withHubSpotEmulator(async (hubspot) => {
    const [first, second, third, other] = ['a', 'b', 'c', 'd'].map((lastname) =>
      hubspot.addContact({ lastname }),
    );
    hubspot.mergeContacts(second!, first!);
    hubspot.mergeContacts(third!, second!);
    hubspot.settleIndex();
    for (const id of [first, second]) {
      const filters = [{ propertyName: 'hs_merged_object_ids', operator: 'IN', values: [id, other] }];
      const { body } = await request(hubspot, '/crm/objects/2026-09/contacts/search', {
        filterGroups: [{ filters }],
        properties: ['hs_merged_object_ids'],
      });
      assert.equal(
        body.results.map((row) => [row.id, row.properties['hs_merged_object_ids']]),
        [[third, `${first};${second}`]],
      );
    }
  }),
);

emulator('the phone index holds national numbers, as captured from HubSpot', () => {
  const vectors: [string, string][] = [
    ['+33655555555', '655555555'],
    ['+5511999999999', '11999999999'],
    ['08180854296', '8180854296'],
    ['513-227-1572', '5132271572'],
    ['(877) 829-06966777', '87782906966777'],
    ['00004', '4'],
    ['+61 2 9876 5432', '298765432'],
    ['0412 345 678', '412345678'],
    ['61412345678', '61412345678'],
    ['1300 123 456', '1300123456'],
    ['+611300123456', '1300123456'],
  ];
  for (const [phone, searchable] of vectors) assert.is(searchablePhone(phone, 'dropped'), searchable, phone);
  assert.is(searchablePhone('0412 345 678', 'kept'), '0412345678');
});

const phoneIs = (...values: string[]) => ({
  filterGroups: [
    { filters: [{ propertyName: 'hs_searchable_calculated_phone_number', operator: 'IN', values }] },
  ],
});
const search = (hubspot: HubSpotEmulator, body: unknown) =>
  request(hubspot, '/crm/objects/2026-09/contacts/search', body);

emulator('searching finds a write when its delay is over, and reading finds it at once', () => {
  let now = new Date('2026-11-02T03:15:00.000Z');
  return withHubSpotEmulator(
    async (hubspot) => {
      await send(hubspot, 'contacts', 'create', [{ properties: { lastname: 'Li', phone: '0412 345 678' } }]);
      assert.is((await search(hubspot, phoneIs('412345678'))).body['total'], 0);
      assert.is(
        (await request(hubspot, batch('contacts', 'read'), { inputs: [{ id: '501' }] })).body.results.length,
        1,
      );
      now = new Date(now.getTime() + 5_000);
      assert.is((await search(hubspot, phoneIs('412345678'))).body['total'], 1);
    },
    { now: () => now },
  );
});

emulator('enforces the caps of searching', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const filter = { propertyName: 'phone', operator: 'EQ', value: '1' };
      const groups = (count: number, filters: number) => ({
        filterGroups: Array.from({ length: count }, () => ({ filters: Array(filters).fill(filter) })),
      });
      const tooMuch: [unknown, RegExp][] = [
        [groups(6, 1), /limit of 5/],
        [groups(1, 7), /limit of 6/],
        [groups(4, 5), /limit of 18/],
        [{ limit: 201 }, /between 1 and 200/],
        [{ limit: 200, after: '9900' }, /10000/],
        [{ sorts: ['createdate', 'phone'] }, /Only one sort/],
        [phoneIs('1'.repeat(3_000)), /3000 characters/],
      ];
      for (const [body, words] of tooMuch) assert.match(complaint(await search(hubspot, body)), words);
      assert.is((await search(hubspot, groups(3, 6))).status, 200);
    },
    { limits: { searchesPerSecond: 100 } },
  ),
);

emulator('refuses a bad token, an expired one, and a missing scope', () =>
  withHubSpotEmulator(async (hubspot) => {
    const create = (token?: string) => request(hubspot, batch('calls', 'create'), { inputs: [] }, token);
    assert.is((await create('other')).status, 401);
    hubspot.refuseToken('expired');
    assert.match(complaint(await create()), /^401 .*expired/);
    hubspot.acceptToken();
    hubspot.scopes.delete('crm.objects.contacts.write');
    assert.match(
      JSON.stringify((await create()).body),
      '"requiredGranularScopes":["crm.objects.contacts.write"]',
    );
  }),
);

async function statuses(
  hubspot: HubSpotEmulator,
  count: number,
  ask: () => Promise<Answer>,
): Promise<string> {
  const seen: number[] = [];
  for (let i = 0; i < count; i++) seen.push((await ask()).status);
  assert.is(hubspot.countRequests(), count);
  return seen.join();
}

const still: EmulatorOptions = { now: () => new Date('2026-11-02T03:15:00.000Z') };

emulator('meters ten seconds, and says what is left', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const read = () => request(hubspot, '/crm/properties/2026-09/calls');
      assert.is((await read()).headers.get('X-HubSpot-RateLimit-Remaining'), '2');
      hubspot.forgetRequests();
      assert.is(await statuses(hubspot, 3, read), '200,200,429');
      assert.match(JSON.stringify((await read()).body), 'TEN_SECONDLY_ROLLING');
      assert.is((await search(hubspot, {})).status, 200);
    },
    { ...still, limits: { perTenSeconds: 3 } },
  ),
);

emulator('meters searches by the second, without headers, and requests by the day', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      assert.is(await statuses(hubspot, 3, () => search(hubspot, {})), '200,200,429');
      assert.is((await search(hubspot, {})).headers.get('X-HubSpot-RateLimit-Max'), null);
      await request(hubspot, '/crm/properties/2026-09/calls');
      assert.match(JSON.stringify((await request(hubspot, '/crm/properties/2026-09/calls')).body), '"DAILY"');
    },
    { ...still, limits: { searchesPerSecond: 2, perDay: 3 } },
  ),
);

emulator('keeps property definitions as HubSpot does', () =>
  withHubSpotEmulator(async (hubspot) => {
    const property = { groupName: 'delacon', name: 'p', label: 'P', type: 'string', fieldType: 'text' };
    const add = (more: object) => request(hubspot, '/crm/properties/2026-09/calls', { ...property, ...more });
    assert.is((await add({})).status, 201);
    assert.match(complaint(await add({})), /^409 .*already exists/);
    assert.match(complaint(await add({ name: 'q', groupName: 'nope' })), /^400 .*group/);
    assert.match(complaint(await add({ name: 'q', fieldType: 'date' })), /^400 fieldType/);
    assert.match(complaint(await add({ name: '' })), /^400 .*required fields/);
    assert.is((await request(hubspot, '/crm/properties/2026-09/calls/p')).status, 200);
    assert.is((await request(hubspot, '/crm/properties/2026-09/calls/nope')).status, 404);
    for (let i = 0; i < 9; i++) assert.is((await add({ name: `u${i}`, hasUniqueValue: true })).status, 201);
    assert.match(complaint(await add({ name: 'u9', hasUniqueValue: true })), /^400 .*10 unique/);
  }),
);

emulator('links by default type all or nothing', () =>
  withHubSpotEmulator(async (hubspot) => {
    const [contact, one] = [hubspot.addContact({}), hubspot.addCall({})] as const;
    const associate = (...pairs: [string, string][]) =>
      request(hubspot, '/crm/associations/2026-09/calls/contacts/batch/associate/default', {
        inputs: pairs.map(([from, to]) => ({ from: { id: from }, to: { id: to } })),
      });
    assert.is((await associate([one, contact], [one, '9'])).status, 400);
    assert.is((await associate([one, contact], [one, contact])).status, 400);
    assert.equal(hubspot.calls()[0]?.contactIds, []);
    assert.is((await associate([one, contact])).status, 200);
    assert.is((await associate([one, contact])).status, 200);
    assert.equal(hubspot.calls()[0]?.contactIds, [contact]);
  }),
);

emulator('commits before some faults and not before others, each once, after as many as told', () =>
  withHubSpotEmulator(async (hubspot) => {
    const create = () =>
      send(hubspot, 'calls', 'create', [call({})]).then(
        (answer) => answer.status,
        () => 'cut',
      );
    hubspot.strike(faults.loseAnswer, 'calls', 1);
    assert.equal([await create(), await create(), await create()], [201, 'cut', 201]);
    assert.is(hubspot.calls().length, 3);
    hubspot.strike(faults.drop, 'calls');
    hubspot.strike(faults.drop, 'contacts');
    assert.is(await create(), 'cut');
    hubspot.calm();
    assert.is((await search(hubspot, {})).status, 200);
    assert.is(hubspot.calls().length, 3);
  }),
);

emulator('shows what it holds to whoever looks, and counts no request for it', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addContact({ phone: '0444 444 444' });
    const shown = await (await fetch(`${hubspot.url}/`)).json();
    assert.match(JSON.stringify(shown), '0444 444 444');
    assert.is(hubspot.countRequests(), 0);
  }),
);

emulator.run();
