import { systemClock } from '../../../src/clock.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { answering, faults, withHubSpotEmulator } from '../../support/hubspot-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open } from './rig.ts';

const owners = suite('hubspot owners');

const owner = {
  by: 'call.answeredBy.number',
  map: { '(02) 9898 9898': 'Jane@Acme.example', '0255501234': 'ben@acme.example' },
  otherwise: 'desk@acme.example',
};
const call = (id: string, answeredBy = '0298989898') =>
  deliveryOf([startPush(id), endPush(id, { PLA_Answering_Point: answeredBy })]);

/** A connection whose clock is moved by hand. */
function moving() {
  let now = Date.parse('2026-11-02T03:00:00Z');
  const tools = testTools({ clock: { now: () => new Date(now), after: systemClock.after } });
  const pass = (minutes: number) => {
    now += minutes * 60_000;
  };
  return { tools, pass };
}

owners(
  'the call and the contact it makes belong to whom the answering point names; users are asked for once',
  () =>
    withHubSpotEmulator(async (hubspot) => {
      const jane = hubspot.addOwner('jane@acme.example');
      const desk = hubspot.addOwner('desk@acme.example');
      const connection = await open(hubspot, { owner });
      await deliverOne(connection, call('1'));
      await deliverOne(connection, call('2', '0299999999'));
      assert.equal(
        hubspot.calls().map(({ properties }) => properties['hubspot_owner_id']),
        [jane, desk],
      );
      assert.is(hubspot.contacts()[0]?.properties['hubspot_owner_id'], jane);
      assert.is(hubspot.countRequests('owners'), 1);
    }),
);

owners(
  'a contact that was made while the phone rang gets the one who answered, after a restart too, and once',
  () =>
    withHubSpotEmulator(async (hubspot) => {
      const jane = hubspot.addOwner('jane@acme.example');
      const ben = hubspot.addOwner('ben@acme.example');
      const settings = { owner: { ...owner, otherwise: null } };
      const tools = testTools();
      const ringing = deliveryOf([startPush('1')]);
      const { records = {} } = await deliverOne(await open(hubspot, settings, tools), ringing);
      const ownerOf = () => hubspot.contacts()[0]?.properties['hubspot_owner_id'];
      assert.is(ownerOf(), undefined);
      const connection = await open(hubspot, settings, tools);
      hubspot.strike(faults.loseAnswer, 'contacts/batch/update');
      assert.is((await deliverOne(connection, { ...call('1'), records })).kind, 'retry');
      assert.is((await deliverOne(connection, { ...call('1'), records })).kind, 'delivered');
      assert.is(ownerOf(), jane);
      assert.is(tools.kept.size, 0);
      hubspot.forgetRequests();
      await deliverOne(connection, call('2', '0255501234'));
      assert.is(ownerOf(), jane, `not ${ben}`);
      assert.is(hubspot.countRequests('contacts'), 0);
    }),
);

owners('a contact that somebody took while the phone rang stays theirs', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addOwner('jane@acme.example');
    const ben = hubspot.addOwner('ben@acme.example');
    const connection = await open(hubspot, { owner: { ...owner, otherwise: null } });
    const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
    hubspot.edit('contacts', '501', { hubspot_owner_id: ben });
    await deliverOne(connection, { ...call('1'), records });
    assert.is(hubspot.contacts()[0]?.properties['hubspot_owner_id'], ben);
  }),
);

owners('a contact that was there keeps its owner', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addOwner('jane@acme.example');
    const ben = hubspot.addOwner('ben@acme.example');
    hubspot.addContact({ phone: '0444 444 444', hubspot_owner_id: ben });
    await deliverOne(await open(hubspot, { owner }), call('1'));
    assert.is(hubspot.contacts()[0]?.properties['hubspot_owner_id'], ben);
  }),
);

owners('more users than one answer holds are read page by page', () =>
  withHubSpotEmulator(async (hubspot) => {
    for (let i = 0; i < 230; i++) hubspot.addOwner(`user${i}@acme.example`);
    const jane = hubspot.addOwner('jane@acme.example');
    await deliverOne(await open(hubspot, { owner }), call('1'));
    assert.is(hubspot.calls()[0]?.properties['hubspot_owner_id'], jane);
    assert.is(hubspot.countRequests('owners'), 3);
  }),
);

for (const [state, words] of [
  [
    'deactivated',
    'No owner was set: jane@acme.example is deactivated in HubSpot. Name somebody else in `owner`',
  ],
  ['removed', 'No owner was set: jane@acme.example was removed from HubSpot. Name somebody else in `owner`'],
  ['unknown', 'No owner was set: HubSpot has no user jane@acme.example. Invite them, or correct `owner`'],
] as const) {
  owners(`a user who is ${state} owns nothing, which is noted; the call is written`, () =>
    withHubSpotEmulator(async (hubspot) => {
      hubspot.addOwner('somebody@acme.example');
      if (state !== 'unknown') hubspot.addOwner('jane@acme.example', state);
      const { tools, pass } = moving();
      const connection = await open(hubspot, { owner }, tools);
      const outcome = await deliverOne(connection, call('1'));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.match(String(outcome.notes), words);
      assert.is(hubspot.calls()[0]?.properties['hubspot_owner_id'], undefined);
      const asked = hubspot.countRequests('owners');
      await deliverOne(connection, call('2'));
      assert.is(hubspot.countRequests('owners'), asked, 'not asked again at each call');
      // Somebody invites them, and a minute later they are found.
      const jane = hubspot.addOwner('jane@acme.example');
      pass(1);
      await deliverOne(connection, call('3'));
      assert.is(hubspot.calls().at(-1)?.properties['hubspot_owner_id'], jane);
    }),
  );
}

owners(
  'one who is deactivated within the hour is refused by HubSpot: written without, noted, and asked anew',
  () =>
    withHubSpotEmulator(async (hubspot) => {
      const jane = hubspot.addOwner('jane@acme.example');
      const connection = await open(hubspot, { owner, followUp: { when: 'true' } });
      await deliverOne(connection, call('1'));
      hubspot.deactivateOwner(jane);
      const outcome = await deliverOne(connection, call('2'));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.match(String(outcome.notes), 'HubSpot refused the owner');
      assert.is(hubspot.calls().at(-1)?.properties['hubspot_owner_id'], undefined);
      assert.is(hubspot.records('tasks').length, 2);
      const next = await deliverOne(connection, call('3'));
      assert.match(String(next.notes), 'jane@acme.example is deactivated');
    }),
);

owners('an owner and an outcome that both went: the call is written without either', () =>
  withHubSpotEmulator(async (hubspot) => {
    const jane = hubspot.addOwner('jane@acme.example');
    const connection = await open(hubspot, { owner });
    await deliverOne(connection, call('1'));
    hubspot.deactivateOwner(jane);
    hubspot.removeOption('calls', 'hs_call_disposition', 'f240bbac-87c9-4f6e-bf70-924b57d47db7');
    const outcome = await deliverOne(connection, call('2'));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(String(outcome.notes), 'HubSpot refused the owner');
    assert.match(String(outcome.notes), 'hs_call_disposition was left out');
    const written = hubspot.calls().at(-1)?.properties ?? {};
    assert.equal([written['hubspot_owner_id'], written['hs_call_disposition']], [undefined, undefined]);
  }),
);

owners('users that cannot be read: the call waits for them, and later ones go by what is known', () =>
  withHubSpotEmulator(async (hubspot) => {
    const jane = hubspot.addOwner('jane@acme.example');
    const { tools, pass } = moving();
    const connection = await open(hubspot, { owner }, tools);
    hubspot.strike(faults.unavailable, 'owners');
    assert.is((await deliverOne(connection, call('1'))).kind, 'retry');
    assert.is(hubspot.calls().length, 0);
    assert.is((await deliverOne(connection, call('1'))).kind, 'delivered');
    pass(120);
    hubspot.strike(faults.unavailable, 'owners');
    assert.is((await deliverOne(connection, call('2'))).kind, 'delivered');
    assert.equal(
      hubspot.calls().map(({ properties }) => properties['hubspot_owner_id']),
      [jane, jane],
    );
  }),
);

owners('a token that may not read users blocks, and says which scope to grant', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.scopes.delete('crm.objects.owners.read');
    const outcome = await deliverOne(await open(hubspot, { owner }), call('1'));
    assert.is(outcome.kind, 'blocked');
    assert.match(JSON.stringify(outcome), 'Grant crm.objects.owners.read');
  }),
);

owners('calls for which the configuration names nobody ask for no users', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { owner: { ...owner, otherwise: null } });
    await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(hubspot.countRequests('owners'), 0);
  }),
);

owners('a refusal of an owner without a word of the property leaves the owner out, and says so', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addOwner('jane@acme.example');
    const refusal = answering(400, { category: 'VALIDATION_ERROR', message: 'no' });
    for (const _ of [1, 2]) hubspot.strike(refusal, 'calls/batch/create');
    const outcome = await deliverOne(await open(hubspot, { owner }), call('1'));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(outcome.notes?.join() ?? '', 'so it was written without hubspot_owner_id');
    assert.is(hubspot.calls()[0]?.properties['hubspot_owner_id'], undefined);
  }),
);

owners.run();
