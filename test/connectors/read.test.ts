import hubspotConnector from '../../connectors/hubspot/index.ts';
import salesforceConnector from '../../connectors/salesforce/index.ts';
import type { Connection, RecordDraft, Records } from '../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { withHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { withSalesforceEmulator } from '../support/salesforce-emulator.ts';
import { assert, suite } from '../support/suite.ts';
import { optionsFor as hubspotOptions, open as openHubSpot } from './hubspot/rig.ts';
import { open as openSalesforce, optionsFor as salesforceOptions, soon } from './salesforce/rig.ts';

/** People ask the bridge what a CRM holds of a call, and see what the bridge has written there. */
const read = suite('reading records back');

const settings = {
  followUp: { when: 'true', subject: 'Ring back' },
  sale: { when: 'true', stage: 'Closed Won' },
};
const call = deliveryOf([startPush('1'), endPush('1')]);

async function written(connection: Connection): Promise<Required<Records>> {
  await connection.apply(soon(), () => {});
  const [outcome] = await connection.deliver([call], soon());
  assert.is(outcome?.kind, 'delivered', JSON.stringify(outcome));
  return outcome?.records as Required<Records>;
}

/** Each value that was drafted shows under some label, in the CRM's own form. */
function shows(
  held: Record<string, unknown> | null,
  draft: RecordDraft | undefined,
  but: readonly string[],
): void {
  const texts = Object.values(held ?? {}).map(String);
  for (const [name, value] of Object.entries(draft?.properties ?? {})) {
    const text = value instanceof Date ? value.toISOString().slice(0, 19) : String(value);
    if (!but.includes(name))
      assert.ok(
        texts.some((one) => one.includes(text)),
        `${name}: ${text} in ${JSON.stringify(held)}`,
      );
  }
}

read('HubSpot shows contact, call, task and deal by its labels; what is gone is gone', () =>
  withHubSpotEmulator(async (hubspot) => {
    const more = { ...settings, sale: { when: 'true', stage: 'closedwon' }, attribution: true };
    const connection = await openHubSpot(hubspot, more);
    const records = await written(connection);
    const drafts = hubspotConnector.draft(hubspotOptions(hubspot, more), call);
    for (const role of ['person', 'activity', 'followUp', 'sale'] as const) {
      const held = await connection.read?.(records[role], soon());
      // Outcomes are kept as ids.
      shows(
        held ?? null,
        drafts.find((draft) => draft.role === role),
        ['hs_call_disposition'],
      );
      assert.ok(!Object.values(held ?? {}).includes(''), 'no blanks');
    }
    const held = await connection.read?.(records.activity, soon());
    assert.ok(!JSON.stringify(held).includes(hubspot.token));
    hubspot.archiveCall(records.activity.id);
    assert.is(await connection.read?.(records.activity, soon()), null);
  }),
);

read('Salesforce shows Lead, Task, follow-up and Opportunity by its labels; what is gone is gone', () =>
  withSalesforceEmulator(async (salesforce) => {
    const more = { ...settings, attribution: true, person: { properties: { City: 'Sydney' } } };
    const connection = await openSalesforce(salesforce, more);
    const records = await written(connection);
    const drafts = salesforceConnector.draft(salesforceOptions(salesforce, more), call);
    for (const role of ['person', 'activity', 'followUp', 'sale'] as const) {
      const held = await connection.read?.(records[role], soon());
      shows(
        held ?? null,
        drafts.find((draft) => draft.role === role),
        [],
      );
    }
    const held = await connection.read?.(records.activity, soon());
    assert.is(held?.['Delacon Call ID'] ?? held?.['Delacon_Call_Id__c'], '1', JSON.stringify(held));
    salesforce.delete(records.activity.id);
    assert.is(await connection.read?.(records.activity, soon()), null);
    const account = salesforce.addAccount({ Phone: '0298989898' });
    assert.equal(
      Object.values((await connection.read?.({ type: 'account', id: account }, soon())) ?? {}).slice(0, 2),
      ['Acme', '0298989898'],
    );
    const contact = salesforce.addContact({ Phone: '0298989898' });
    for (const type of ['contact', 'personaccount'])
      assert.match(JSON.stringify(await connection.read?.({ type, id: contact }, soon())), /Typed In/);
  }),
);

read.run();
