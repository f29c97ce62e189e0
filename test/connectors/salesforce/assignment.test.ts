import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, newCallers, open, soon } from './rig.ts';

/**
 * An org gives a Lead to somebody else whenever a write touches it, also through a trigger of its Task's, unless the
 * write says otherwise: each call would then reassign whoever called.
 */
const assignment = suite('salesforce assignment rules');

const human = '0055g00000zzzzzAAA';
const rules = { assignTo: '00G5g000000queueEAA' };
const settings = {
  attribution: true,
  person: { onUpdate: 'overwrite', properties: { City: 'Sydney' } },
  followUp: { when: 'true', doneWhen: 'calledAgain' },
  sale: { when: 'true', stage: 'Closed Won' },
};

assignment('a known lead stays whose it is, whatever its calls write', () =>
  withSalesforceEmulator(async (salesforce) => {
    const lead = salesforce.addLead({ MobilePhone: '0444444444', OwnerId: human });
    const connection = await open(salesforce, settings);
    await connection.apply(soon(), () => {});
    const owner = () => salesforce.leads().find(({ id }) => id === lead)?.['OwnerId'];
    const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(owner(), human, 'after the start');
    const end = await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')], { records }));
    assert.is(end.kind, 'delivered', JSON.stringify(end));
    assert.is(owner(), human, 'after the end');
  }, rules),
);

assignment('every write says so but the making of a lead that nobody is named for', () =>
  withSalesforceEmulator(async (salesforce) => {
    const writes: { what: string; assigns: boolean }[] = [];
    const tools = testTools({
      fetch: (async (url: string, init: RequestInit) => {
        const { pathname } = new URL(url);
        if (init.method !== 'GET' && pathname.startsWith('/services/data/')) {
          const body = JSON.parse(String(init.body));
          const parts = body.compositeRequest ?? [{ url: pathname, body, httpHeaders: init.headers }];
          for (const { method, url: path, body: fields, httpHeaders } of parts) {
            if (method === 'GET') continue;
            const types = (fields.records ?? []).map(
              (record: { attributes: { type: string } }) => record.attributes.type,
            );
            const what = types.length > 0 ? [...new Set(types)].join('+') : path.split('/').at(-1);
            const isNew = (method ?? init.method) === 'POST' && !('OwnerId' in fields);
            writes.push({
              what: `${isNew ? 'new ' : ''}${what}`,
              assigns: new Headers(httpHeaders).get('sforce-auto-assign') !== 'FALSE',
            });
          }
        }
        return fetch(url, init);
      }) as typeof fetch,
    });
    const connection = await open(salesforce, settings, tools);
    await connection.apply(soon(), () => {});
    salesforce.addContact({ Phone: '0444444444' });
    const outcomes = [
      ...(await connection.deliver([deliveryOf([startPush('1'), endPush('1')])], soon())),
      ...(await connection.deliver(newCallers(2), soon())),
      ...(await connection.deliver(newCallers(40).slice(10), soon())),
    ];
    assert.equal([...new Set(outcomes.map(({ kind }) => kind))], ['delivered']);
    const kinds = new Set(writes.map(({ what }) => what));
    for (const kind of ['new Lead', 'new Task', 'Task', 'Contact', 'new Opportunity+Task'])
      assert.ok(kinds.has(kind), `${kind} among ${[...kinds]}`);
    const assigning = new Set(writes.filter(({ assigns }) => assigns).map(({ what }) => what));
    assert.equal([...assigning], ['new Lead']);
  }, rules),
);

assignment.run();
