import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { withHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { withSalesforceEmulator } from '../support/salesforce-emulator.ts';
import { assert, suite } from '../support/suite.ts';
import { deliverOne, open as openHubSpot } from './hubspot/rig.ts';
import { open as openSalesforce } from './salesforce/rig.ts';

const both = suite('follow-ups and owners, in both CRMs');

/** Thursday 2 May 2019, 10:12 am in Sydney. */
const ringing = [startPush('1', { PLA_CallStartTime: '00000001556755937003' })];
const missed = [...ringing, endPush('1', { PLA_CallResult: 'Unanswered', PLA_Duration: '0s' })];

for (const [what, hours, due] of [
  ['at nine, unless hours are given', {}, '2019-05-03T09:00:00+10:00'],
  [
    'when they open, and not on a holiday',
    { hours: { from: '08:30', except: ['2019-05-03'] } },
    '2019-05-06T08:30:00+10:00',
  ],
] as const) {
  const followUp = { due: 'next business morning', ...hours };
  const dueAt = new Date(due);

  both(`in HubSpot, the task of a missed call is due the next business morning: ${what}`, () =>
    withHubSpotEmulator(async (hubspot) => {
      await deliverOne(await openHubSpot(hubspot, { followUp }), deliveryOf(missed));
      const at = hubspot.records('tasks')[0]?.properties['hs_timestamp'];
      assert.is(new Date(Number.isNaN(Number(at)) ? String(at) : Number(at)).getTime(), dueAt.getTime());
    }),
  );

  both(`in Salesforce: ${what}`, () =>
    withSalesforceEmulator(async (salesforce) => {
      await deliverOne(await openSalesforce(salesforce, { followUp }), deliveryOf(missed));
      const task = salesforce.tasks().find((one) => one['IsReminderSet'] === true);
      assert.is(new Date(String(task?.['ReminderDateTime'])).getTime(), dueAt.getTime());
      assert.is(task?.['ActivityDate'], due.slice(0, 10));
    }),
  );
}

for (const owner of ['jane@acme.example', { otherwise: 'jane@acme.example' }]) {
  const written = JSON.stringify(owner);

  both(`in HubSpot, owner: ${written} is who has all that a call makes, from the first ring`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const jane = hubspot.addOwner('jane@acme.example');
      const connection = await openHubSpot(hubspot, { owner, followUp: {} });
      await deliverOne(connection, deliveryOf(ringing));
      assert.is(hubspot.contacts()[0]?.properties['hubspot_owner_id'], jane);
      await deliverOne(connection, deliveryOf(missed));
      for (const { properties } of [...hubspot.calls(), ...hubspot.records('tasks')])
        assert.is(properties['hubspot_owner_id'], jane);
    }),
  );

  both(`in Salesforce, owner: ${written} is the same`, () =>
    withSalesforceEmulator(async (salesforce) => {
      const jane = salesforce.addUser({ Username: 'jane@acme.example.crm', Email: 'jane@acme.example' });
      const connection = await openSalesforce(salesforce, { owner, followUp: {} });
      const { records = {} } = await deliverOne(connection, deliveryOf(ringing));
      assert.is(salesforce.leads()[0]?.['OwnerId'], jane);
      await deliverOne(connection, deliveryOf(missed, { records }));
      assert.is(salesforce.tasks().length, 2);
      for (const record of salesforce.tasks()) assert.is(record['OwnerId'], jane);
    }),
  );
}

both.run();
