import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { type HubSpotEmulator, withHubSpotEmulator } from '../../support/hubspot-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, soon } from './rig.ts';

const attribution = suite('hubspot attribution');

const at = (hour: number) => String(Date.parse('2026-11-02T00:00:00Z') + hour * 3_600_000).padStart(20, '0');

function call(id: string, hour: number, keywords: string, more: Record<string, string> = {}) {
  return deliveryOf([
    startPush(id, {
      PLA_CallStartTime: at(hour),
      PLA_Search_Engine_Used: 'Google',
      PLA_Search_Type: 'Paid',
      PLA_Keywords_Searched: keywords,
      PLA_Landing_Page: `https://acme.example/?gclid=${keywords}&utm_campaign=spring`,
      ...more,
    }),
    endPush(id),
  ]);
}

const unattributed = {
  PLA_Search_Engine_Used: '',
  PLA_Search_Type: '',
  PLA_Keywords_Searched: '',
  PLA_Landing_Page: '',
};

/** The touches of the only contact, without the names' beginning. */
function touches(hubspot: HubSpotEmulator, which: 'first' | 'last'): Record<string, string> {
  const [contact, ...others] = hubspot.contacts();
  assert.is(others.length, 0);
  const named = Object.entries(contact?.properties ?? {}).filter(
    ([name, value]) => name.startsWith(`delacon_${which}_`) && value !== '',
  );
  return Object.fromEntries(named.map(([name, value]) => [name.replace(`delacon_${which}_`, ''), value]));
}

const touch = (hour: string, keywords: string) => ({
  call_at: `2026-11-02T${hour}:00:00.000Z`,
  source: 'Google / Paid',
  keywords,
  campaign: 'spring',
  landing_page: `https://acme.example/?gclid=${keywords}&utm_campaign=spring`,
  gclid: keywords,
});

attribution('a new contact is made with both touches, without a request more', () =>
  withHubSpotEmulator(async (hubspot) => {
    await deliverOne(await open(hubspot, { attribution: true }), call('1', 3, 'plumber'));
    assert.equal(touches(hubspot, 'first'), touch('03', 'plumber'));
    assert.equal(touches(hubspot, 'last'), touch('03', 'plumber'));
    assert.is(hubspot.countRequests(), 4);
  }),
);

attribution('later calls change the last touch alone; an earlier one that comes late, the first alone', () =>
  withHubSpotEmulator(async (hubspot) => {
    const tools = testTools();
    const connection = await open(hubspot, { attribution: true }, tools);
    await deliverOne(connection, call('1', 3, 'plumber'));
    hubspot.forgetRequests();
    await deliverOne(connection, call('2', 5, 'drain'));
    assert.is(hubspot.countRequests(), 2, 'the call, and the contact');
    assert.equal(touches(hubspot, 'first'), touch('03', 'plumber'));
    assert.equal(touches(hubspot, 'last'), touch('05', 'drain'));
    // Nothing is known of the contact after a restart, so it is read.
    await deliverOne(await open(hubspot, { attribution: true }, tools), call('0', 1, 'leak'));
    assert.equal(touches(hubspot, 'first'), touch('01', 'leak'));
    assert.equal(touches(hubspot, 'last'), touch('05', 'drain'));
  }),
);

attribution(
  'the touches of several calls in a batch are those of the earliest and the latest, in any order',
  () =>
    withHubSpotEmulator(async (hubspot) => {
      const connection = await open(hubspot, { attribution: true });
      await connection.deliver([call('2', 5, 'drain'), call('1', 3, 'plumber'), call('3', 4, 'tap')], soon());
      assert.equal(touches(hubspot, 'first'), touch('03', 'plumber'));
      assert.equal(touches(hubspot, 'last'), touch('05', 'drain'));
    }),
);

attribution('what is known already is not written again', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { attribution: true });
    const { records = {} } = await deliverOne(connection, call('1', 3, 'plumber'));
    hubspot.forgetRequests();
    await deliverOne(connection, { ...call('1', 3, 'plumber'), records });
    assert.equal(hubspot.requests, { 'POST /crm/objects/2026-09/calls/batch/update': 1 });
  }),
);

attribution('a first touch that people corrected stays so', () =>
  withHubSpotEmulator(async (hubspot) => {
    const tools = testTools();
    const { records = {} } = await deliverOne(
      await open(hubspot, { attribution: true }, tools),
      call('1', 3, 'plumber'),
    );
    hubspot.edit('contacts', '501', { delacon_first_source: 'a friend' });
    const later = await open(hubspot, { attribution: true }, tools);
    await later.deliver([{ ...call('1', 3, 'plumber'), records }, call('2', 5, 'drain')], soon());
    assert.is(touches(hubspot, 'first')['source'], 'a friend');
    assert.is(touches(hubspot, 'last')['keywords'], 'drain');
  }),
);

attribution('a touch is written whole: what the latest call does not say is blank', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { attribution: true });
    await deliverOne(connection, call('1', 3, 'plumber'));
    await deliverOne(connection, call('2', 5, '', { PLA_Landing_Page: '' }));
    assert.equal(touches(hubspot, 'last'), { call_at: '2026-11-02T05:00:00.000Z', source: 'Google / Paid' });
  }),
);

attribution('a call that says nothing of how it came about changes nothing', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { attribution: true });
    await deliverOne(connection, call('1', 3, 'plumber'));
    await deliverOne(connection, call('2', 5, '', unattributed));
    assert.equal(touches(hubspot, 'last'), touch('03', 'plumber'));
  }),
);

attribution('onUpdate: never leaves the touches of those who are there alone', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addContact({ phone: '0444 444 444' });
    const connection = await open(hubspot, { attribution: true, person: { onUpdate: 'never' } });
    await deliverOne(connection, call('1', 3, 'plumber'));
    assert.equal(touches(hubspot, 'last'), {});
  }),
);

attribution('a contact typed in by hand gets both touches, and is read for it once', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addContact({ phone: '0444 444 444' });
    const connection = await open(hubspot, { attribution: true });
    await connection.deliver([call('1', 3, 'plumber'), call('2', 5, 'drain')], soon());
    assert.equal(touches(hubspot, 'first'), touch('03', 'plumber'));
    assert.equal(touches(hubspot, 'last'), touch('05', 'drain'));
  }),
);

attribution('without it nothing of the kind is written', () =>
  withHubSpotEmulator(async (hubspot) => {
    await deliverOne(await open(hubspot), call('1', 3, 'plumber'));
    assert.equal({ ...touches(hubspot, 'first'), ...touches(hubspot, 'last') }, {});
  }),
);

attribution('where setup has not made the properties it blocks, and names the command', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      hubspot.addProperty('calls', { name: 'delacon_call_id', hasUniqueValue: true });
      hubspot.addProperty('contacts', { name: 'delacon_caller', hasUniqueValue: true });
      const tools = testTools({ name: 'acme-hubspot' });
      const connection = await open(hubspot, { attribution: true }, tools);
      const outcome = await deliverOne(connection, call('1', 3, 'plumber'));
      assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
      assert.match(JSON.stringify(outcome), 'no property delacon_first_');
      assert.match(JSON.stringify(outcome), '`delacon-bridge setup acme-hubspot`');
    },
    { provisioned: false },
  ),
);

attribution.run();
