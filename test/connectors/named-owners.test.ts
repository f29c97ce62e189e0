import type { Connection } from '../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { withHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { withSalesforceEmulator } from '../support/salesforce-emulator.ts';
import { assert, suite } from '../support/suite.ts';
import { deliverOne, open as openHubSpot, soon } from './hubspot/rig.ts';
import { open as openSalesforce } from './salesforce/rig.ts';

const owners = suite('owners that are neither addresses nor ids');

for (const otherwise of [
  'Callbacks',
  'Nobody Here',
  'queue2',
  'Desk-7',
  'Wintergarden1234',
  '005callbacks27',
]) {
  const settings = { owner: { by: 'call.serviceId', map: {}, otherwise } };

  owners(`in HubSpot "${otherwise}" costs the owner and not the call, and check tells`, () =>
    withHubSpotEmulator(async (hubspot) => {
      await costsTheOwner('HubSpot', await openHubSpot(hubspot, settings));
      assert.is(hubspot.calls()[0]?.properties['hs_call_status'], 'COMPLETED');
    }),
  );

  owners(`in Salesforce "${otherwise}" does the same`, () =>
    withSalesforceEmulator(async (salesforce) => {
      await costsTheOwner('Salesforce', await openSalesforce(salesforce, settings));
      assert.is(salesforce.tasks()[0]?.['Status'], 'Completed');
    }),
  );

  async function costsTheOwner(crm: string, connection: Connection): Promise<void> {
    const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
    const outcome = await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')], { records }));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(String(outcome.notes), `No owner was set: ${crm} has no user ${otherwise.toLowerCase()}.`);
    const told = await connection.check(soon());
    assert.is(told.find(({ subject }) => subject === `owner ${otherwise}`)?.level, 'problem');
  }
}

owners('a queue of Salesforce that holds no Tasks costs the owner of the call, and gets its Lead', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const queue = '00G5g00000queueEAA';
      const settings = {
        owner: { by: 'call.serviceId', map: {}, otherwise: queue },
        activity: { properties: { CallObject: 'kept' } },
        followUp: { when: 'true' },
      };
      const connection = await openSalesforce(salesforce, settings);
      const outcome = await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')]));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.match(String(outcome.notes), 'Queue not associated with this SObject type');
      assert.is(salesforce.leads()[0]?.['OwnerId'], queue);
      const [call, followUp] = salesforce.tasks();
      assert.equal(
        [call?.['OwnerId'], call?.['CallObject'], call?.['Status'], followUp?.['OwnerId']],
        [salesforce.org.userId, 'kept', 'Completed', salesforce.org.userId],
      );
    },
    { queueObjects: ['Lead'] },
  ),
);

owners.run();
