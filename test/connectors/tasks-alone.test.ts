import hubspot from '../../connectors/hubspot/index.ts';
import salesforce from '../../connectors/salesforce/index.ts';
import sandbox from '../../connectors/sandbox/index.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { testTools } from '../support/connector-tools.ts';
import { withHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { withSalesforceEmulator } from '../support/salesforce-emulator.ts';
import { assert, suite } from '../support/suite.ts';
import { withFolder } from '../support/with-store.ts';
import * as hubspotRig from './hubspot/rig.ts';
import * as salesforceRig from './salesforce/rig.ts';

const alone = suite('tasks without activities');

const settings = { activity: false, followUp: { doneWhen: 'reached' } };
const ringing = [startPush('1')];
const missed = [startPush('1'), endPush('1', { PLA_CallResult: 'Unanswered' })];
const answered = [startPush('2', { PLA_CallStartTime: '00000001556759537003' }), endPush('2')]; // an hour later

alone('in HubSpot: a missed call leaves its task on its contact, and an answered one completes it', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await hubspotRig.open(hubspot, settings);
    const nothing = await hubspotRig.deliverOne(connection, deliveryOf(ringing));
    assert.equal(nothing, { kind: 'delivered', records: {} });
    assert.is(hubspot.contacts().length, 0);
    const outcome = await hubspotRig.deliverOne(connection, deliveryOf(missed));
    assert.is(outcome.kind, 'delivered');
    assert.equal(Object.keys(outcome.records ?? {}).sort(), ['followUp', 'person']);
    const [task] = hubspot.records('tasks');
    assert.equal(task?.links.contacts, [hubspot.contacts()[0]?.id]);
    await hubspotRig.deliverOne(connection, deliveryOf(missed, { records: outcome.records ?? {} }));
    const settled = await hubspotRig.deliverOne(connection, deliveryOf(answered));
    assert.match(JSON.stringify(settled), 'of an earlier call was completed');
    assert.equal(
      hubspot.records('tasks').map(({ properties }) => properties['hs_task_status']),
      ['COMPLETED'],
    );
    assert.equal([hubspot.calls().length, hubspot.contacts().length], [0, 1]);
  }),
);

alone('in Salesforce: the same, and the Lead is made for the task', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await salesforceRig.open(salesforce, settings);
    const nothing = await salesforceRig.deliverOne(connection, deliveryOf(ringing));
    assert.equal(nothing, { kind: 'delivered', records: {} });
    assert.is(salesforce.leads().length, 0);
    const outcome = await salesforceRig.deliverOne(connection, deliveryOf(missed));
    assert.is(outcome.kind, 'delivered');
    assert.equal(Object.keys(outcome.records ?? {}).sort(), ['followUp', 'person']);
    assert.is(salesforce.tasks()[0]?.['WhoId'], salesforce.leads()[0]?.id);
    await salesforceRig.deliverOne(connection, deliveryOf(missed, { records: outcome.records ?? {} }));
    await salesforceRig.deliverOne(connection, deliveryOf(answered));
    assert.equal(
      salesforce.tasks().map((task) => task['Status']),
      ['Completed'],
    );
    assert.is(salesforce.leads().length, 1);
  }),
);

alone('in the sandbox: the same', () =>
  withFolder(async (dataDir) => {
    const connection = await sandbox.open(sandbox.options.parse(settings), testTools({ dataDir }));
    const deliver = async (pushes: typeof ringing) =>
      (await connection.deliver([deliveryOf(pushes)], AbortSignal.timeout(20_000)))[0]?.records;
    assert.equal(await deliver(ringing), {});
    assert.equal(Object.keys((await deliver(missed)) ?? {}).sort(), ['followUp', 'person']);
    assert.equal(await deliver(answered), {});
    await connection.close();
  }),
);

alone('where neither tasks nor sales are asked for, it is told that nothing would be written', () => {
  const accessToken = 'a-service-key';
  const loginUrl = 'https://acme.my.salesforce.com';
  const auth = { flow: 'clientCredentials', loginUrl, clientId: 'id', clientSecret: 'secret' };
  for (const [connector, more] of [
    [sandbox, {}],
    [hubspot, { accessToken }],
    [salesforce, { auth }],
  ] as const) {
    const told = connector.options.safeParse({ ...more, activity: false });
    assert.equal(
      told.error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`),
      ['activity is false, so that nothing would be written. Set followUp or sale, or take it out.'],
    );
  }
});

alone.run();
