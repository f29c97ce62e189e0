import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { withHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { withSalesforceEmulator } from '../support/salesforce-emulator.ts';
import { assert, suite } from '../support/suite.ts';
import * as hubspotRig from './hubspot/rig.ts';
import * as salesforceRig from './salesforce/rig.ts';

const rules = suite("rules of an account's own");

const call = () => deliveryOf([startPush('1'), endPush('1')]);

rules('in HubSpot: what a rule refuses of a call costs it that property alone', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addProperty('calls', { name: 'campaign', type: 'string', fieldType: 'text' });
    hubspot.refuseValues('calls', 'campaign', /./);
    const settings = { activity: { properties: { campaign: '{{ call.dealer.name }}' } } };
    const outcome = await hubspotRig.deliverOne(await hubspotRig.open(hubspot, settings), call());
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(String(outcome.notes), /campaign was left out: HubSpot refuses it/);
    assert.equal(
      hubspot.calls().map(({ properties }) => properties['hs_call_status']),
      ['COMPLETED'],
    );
  }),
);

rules('in Salesforce: the same', () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.addField('Task', 'Campaign__c', { type: 'Text', length: 40 });
    salesforce.grantField('Task.Campaign__c');
    salesforce.org.refusedValues.set('Task.Campaign__c', /./);
    const settings = { activity: { properties: { Campaign__c: '{{ call.dealer.name }}' } } };
    const outcome = await salesforceRig.deliverOne(await salesforceRig.open(salesforce, settings), call());
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(String(outcome.notes), /Campaign__c was left out: Salesforce refuses it/);
    assert.equal(
      salesforce.tasks().map((task) => task['Status']),
      ['Completed'],
    );
  }),
);

const sale = { when: 'true', stage: 'Closed Won' };

rules(
  'in Salesforce: a rule that is made while a call rings costs its end that field, and its sale one of its own',
  () =>
    withSalesforceEmulator(async (salesforce) => {
      const connection = await salesforceRig.open(salesforce, { sale });
      const ringing = await salesforceRig.deliverOne(connection, deliveryOf([startPush('1')]));
      salesforce.org.refusedValues.set('Task.CallDisposition', /./);
      salesforce.org.refusedValues.set('Opportunity.Amount', /./);
      const outcome = await salesforceRig.deliverOne(connection, {
        ...call(),
        records: ringing.records ?? {},
      });
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.match(String(outcome.notes), /CallDisposition was left out/);
      assert.match(String(outcome.notes), /Amount was left out/);
      assert.equal(
        salesforce.tasks().map((task) => task['Status']),
        ['Completed'],
      );
      assert.is(salesforce.opportunities().length, 1);
    }),
);

rules('in HubSpot: the same', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await hubspotRig.open(hubspot, { sale: { ...sale, stage: 'closedwon' } });
    const ringing = await hubspotRig.deliverOne(connection, deliveryOf([startPush('1')]));
    hubspot.refuseValues('calls', 'hs_call_disposition', /./);
    hubspot.refuseValues('deals', 'amount', /./);
    const outcome = await hubspotRig.deliverOne(connection, { ...call(), records: ringing.records ?? {} });
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(String(outcome.notes), /hs_call_disposition was left out/);
    assert.match(String(outcome.notes), /amount was left out/);
    assert.equal(
      hubspot.calls().map(({ properties }) => properties['hs_call_status']),
      ['COMPLETED'],
    );
    assert.is(hubspot.records('deals').length, 1);
  }),
);

rules.run();
