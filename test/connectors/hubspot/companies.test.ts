import { systemClock } from '../../../src/clock.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { faults, withHubSpotEmulator } from '../../support/hubspot-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, soon } from './rig.ts';

const companies = suite('hubspot companies');

const settings = {
  activity: { company: true },
  followUp: { when: 'call.dealer.id' },
  sale: { when: "call.survey.outcome == 'Sale'", stage: 'closedwon' },
};
const call = (id: string, number = '+61444444444') =>
  deliveryOf([startPush(id, { PLA_Caller_Phone_Number: number }), endPush(id)]);

companies('call, task and deal are linked to the primary company of the contact', () =>
  withHubSpotEmulator(async (hubspot) => {
    const contact = hubspot.addContact({ phone: '0444 444 444' });
    const company = hubspot.addCompany('Acme', [contact]);
    hubspot.addCompany('Acme Holdings', [contact]);
    await deliverOne(await open(hubspot, settings), call('1'));
    for (const kind of ['calls', 'tasks', 'deals'] as const) {
      const [record] = hubspot.records(kind);
      assert.equal([record?.links.contacts, record?.links.companies], [[contact], [company]], kind);
    }
  }),
);

companies('the companies of a batch are one request, and known for an hour', () =>
  withHubSpotEmulator(async (hubspot) => {
    let now = Date.now();
    const tools = testTools({ clock: { now: () => new Date(now), after: systemClock.after } });
    const numbers = ['+61444444401', '+61444444402', '+61444444403'];
    const ids = numbers.map((number) => hubspot.addContact({ phone: number, delacon_caller: number }));
    const company = hubspot.addCompany('Acme', ids.slice(0, 2));
    const connection = await open(hubspot, { activity: { company: true } }, tools);
    await connection.deliver(
      numbers.map((number, i) => call(`a${i}`, number)),
      soon(),
    );
    assert.equal(
      hubspot.records('calls').map(({ links }) => links.companies),
      [[company], [company], []],
    );
    const asked = () => hubspot.countRequests('contacts/companies/batch/read');
    assert.is(asked(), 1);
    await connection.deliver([call('b', numbers[2])], soon());
    assert.is(asked(), 1);
    now += 3_600_000;
    hubspot.addCompany('Later', [ids[2] as string]);
    await connection.deliver([call('c', numbers[2])], soon());
    assert.is(asked(), 2);
    assert.is(hubspot.records('calls').at(-1)?.links.companies.length, 1);
  }),
);

companies('a company that was deleted since is no reason to fail: it is looked up again', () =>
  withHubSpotEmulator(async (hubspot) => {
    const contact = hubspot.addContact({ phone: '0444 444 444' });
    const company = hubspot.addCompany('Acme', [contact]);
    const connection = await open(hubspot, { activity: { company: true } });
    await deliverOne(connection, call('1'));
    hubspot.archive('companies', company);
    const outcome = await deliverOne(connection, call('2'));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.is(outcome.notes, undefined, 'the contact is there');
    assert.equal(hubspot.records('calls').at(-1)?.links, { contacts: [contact], companies: [], calls: [] });
  }),
);

companies('a lost answer: the call that was made is linked to both', () =>
  withHubSpotEmulator(async (hubspot) => {
    const contact = hubspot.addContact({ phone: '0444 444 444' });
    const company = hubspot.addCompany('Acme', [contact]);
    const connection = await open(hubspot, { activity: { company: true } });
    hubspot.addCall({ delacon_call_id: '1' });
    const outcome = await deliverOne(connection, call('1'));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.equal(hubspot.records('calls')[0]?.links, {
      contacts: [contact],
      companies: [company],
      calls: [],
    });
  }),
);

companies('companies that cannot be read: the call is tried again; without the scope it blocks', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { activity: { company: true } });
    hubspot.strike(faults.unavailable, 'companies/batch/read');
    assert.is((await deliverOne(connection, call('1'))).kind, 'retry');
    assert.is((await deliverOne(connection, call('1'))).kind, 'delivered');
    hubspot.scopes.delete('crm.objects.companies.read');
    const outcome = await deliverOne(connection, call('2', '+61444444401'));
    assert.is(outcome.kind, 'blocked');
    assert.match(JSON.stringify(outcome), 'Grant crm.objects.companies.read');
  }),
);

companies('nobody asks for companies unless they are wanted', () =>
  withHubSpotEmulator(async (hubspot) => {
    const contact = hubspot.addContact({ phone: '0444 444 444' });
    hubspot.addCompany('Acme', [contact]);
    await deliverOne(await open(hubspot), call('1'));
    assert.is(hubspot.countRequests('companies'), 0);
    assert.equal(hubspot.records('calls')[0]?.links.companies, []);
  }),
);

companies.run();
