import type { Fields } from '../../../src/call/push.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { movingClock } from '../../support/moving-clock.ts';
import {
  type EmulatedRecord,
  type SalesforceEmulator,
  withSalesforceEmulator,
} from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, soon } from './rig.ts';

const attribution = suite('salesforce attribution');

const settings = { attribution: true };

const touch = (at: string, keywords: string, more: Fields = {}): Fields => ({
  PLA_CallStartTime: at,
  PLA_Search_Engine_Used: 'google',
  PLA_Search_Type: 'paid',
  PLA_Keywords_Searched: keywords,
  PLA_Landing_Page: `https://acme.example/?utm_campaign=${keywords}&gclid=g-${keywords}`,
  ...more,
});

const whole = (id: string, more: Fields) => deliveryOf([startPush(id, more), endPush(id)]);

function touchesOf(person: EmulatedRecord | undefined) {
  const of = (which: string) =>
    ['Call', 'Source', 'Keywords', 'Campaign', 'GCLID'].map(
      (part) => person?.[`Delacon_${which}_${part}__c`],
    );
  return { first: of('First'), last: of('Last') };
}

const drain = ['2026-11-01T00:00:00.000Z', 'google / paid', 'drain', 'drain', 'g-drain'];
const tap = ['2026-11-02T00:00:00.000Z', 'google / paid', 'tap', 'tap', 'g-tap'];

const setUp = async (salesforce: SalesforceEmulator) =>
  (await open(salesforce, settings)).apply(soon(), () => {});

attribution('the first touch of a new lead is kept, and the last moves on', () =>
  withSalesforceEmulator(async (salesforce) => {
    await setUp(salesforce);
    const connection = await open(salesforce, settings);
    const first = await deliverOne(connection, whole('1', touch('2026-11-01T00:00:00Z', 'drain')));
    assert.is(first.kind, 'delivered', JSON.stringify(first));
    assert.equal(touchesOf(salesforce.leads()[0]), { first: drain, last: drain });
    await deliverOne(connection, whole('2', touch('2026-11-02T00:00:00Z', 'tap')));
    assert.equal(touchesOf(salesforce.leads()[0]), { first: drain, last: tap });
    assert.is(salesforce.leads().length, 1);
  }),
);

attribution('somebody who was there before gets a first touch, and no parts of two touches are mixed', () =>
  withSalesforceEmulator(async (salesforce) => {
    await setUp(salesforce);
    salesforce.addContact({ Phone: '0444444444' });
    const connection = await open(salesforce, settings);
    await connection.deliver(
      [
        whole('1', touch('2026-11-01T00:00:00Z', 'drain')),
        whole('2', touch('2026-11-02T00:00:00Z', '', { PLA_Landing_Page: '' })),
      ],
      soon(),
    );
    const { first, last } = touchesOf(salesforce.contacts()[0]);
    assert.equal(first, drain);
    assert.equal(last, ['2026-11-02T00:00:00.000Z', 'google / paid', undefined, undefined, undefined]);
  }),
);

attribution('a first touch that came with somebody who was merged is kept', () =>
  withSalesforceEmulator(async (salesforce) => {
    await setUp(salesforce);
    const offline = Object.fromEntries(Object.keys(touch('', '')).map((name) => [name, '']));
    const id = salesforce.addContact({ Phone: '0444444444' });
    const { clock, pass } = movingClock();
    const connection = await open(salesforce, settings, testTools({ clock }));
    await deliverOne(connection, whole('1', { ...offline, PLA_CallStartTime: '2026-10-31T00:00:00Z' }));
    salesforce.edit(id, {
      Delacon_First_Call__c: '2026-11-01T00:00:00.000Z',
      Delacon_First_Source__c: 'google / paid',
      Delacon_First_Keywords__c: 'drain',
      Delacon_First_Campaign__c: 'drain',
      Delacon_First_GCLID__c: 'g-drain',
    });
    pass(10_000);
    await deliverOne(connection, whole('2', touch('2026-11-02T00:00:00Z', 'tap')));
    assert.equal(touchesOf(salesforce.contacts()[0]), { first: drain, last: tap });
  }),
);

attribution('of several calls that make a new lead, the first and the last are kept', () =>
  withSalesforceEmulator(async (salesforce) => {
    await setUp(salesforce);
    const offline = Object.fromEntries(Object.keys(touch('', '')).map((name) => [name, '']));
    await (await open(salesforce, settings)).deliver(
      [
        whole('0', { ...offline, PLA_CallStartTime: '2026-10-31T00:00:00Z' }),
        whole('1', touch('2026-11-01T00:00:00Z', 'drain')),
        whole('2', touch('2026-11-02T00:00:00Z', 'tap')),
      ],
      soon(),
    );
    assert.equal(touchesOf(salesforce.leads()[0]), { first: drain, last: tap });
    assert.is(salesforce.countRequests('Lead+Task'), 1);
  }),
);

attribution('a call that says nothing of how it came about changes nothing and asks nothing', () =>
  withSalesforceEmulator(async (salesforce) => {
    await setUp(salesforce);
    const offline = Object.fromEntries(Object.keys(touch('', '')).map((name) => [name, '']));
    const connection = await open(salesforce, settings);
    await deliverOne(connection, whole('1', touch('2026-11-01T00:00:00Z', 'drain')));
    await deliverOne(connection, whole('2', { ...offline, PLA_CallStartTime: '2026-11-03T00:00:00Z' }));
    assert.equal(touchesOf(salesforce.leads()[0]), { first: drain, last: drain });
  }),
);

attribution('a long address is cut to its field, and noted', () =>
  withSalesforceEmulator(async (salesforce) => {
    await setUp(salesforce);
    const long = `https://acme.example/?gclid=${'x'.repeat(300)}`;
    const outcome = await deliverOne(
      await open(salesforce, settings),
      whole('1', touch('2026-11-01T00:00:00Z', 'drain', { PLA_Landing_Page: long })),
    );
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome), /Lead.Delacon_First_Landing_Page__c was cut to 255 characters/);
    assert.is(salesforce.countRequests('describe') > 0, true);
  }),
);

attribution('without it, nobody is touched', () =>
  withSalesforceEmulator(async (salesforce) => {
    await setUp(salesforce);
    await deliverOne(await open(salesforce), whole('1', touch('2026-11-01T00:00:00Z', 'drain')));
    assert.is(salesforce.leads()[0]?.['Delacon_First_Call__c'], undefined);
  }),
);

attribution.run();
