import * as z from 'zod';
import hubspotConnector from '../../../connectors/hubspot/index.ts';
import { deliveryOf, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { faults, type HubSpotEmulator, withHubSpotEmulator } from '../../support/hubspot-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, soon } from './rig.ts';

const setup = suite('hubspot setup and check');

const bare = { provisioned: false };

async function problemsOf(hubspot: HubSpotEmulator, settings: Record<string, unknown> = {}) {
  const connection = await open(hubspot, settings, testTools({ name: 'acme-hubspot' }));
  return (await connection.check(soon())).filter((finding) => finding.level !== 'ok');
}

setup('the plan names what is missing, applying makes it, and then nothing is left to do', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const plan = await connection.plan(soon());
    assert.equal(
      plan.map(({ action, subject }) => `${action} ${subject}`),
      [
        'create property group calls.delacon',
        'create property calls.delacon_call_id',
        'create property group contacts.delacon',
        'create property contacts.delacon_caller',
      ],
    );
    const done: string[] = [];
    await connection.apply(soon(), (step) => done.push(step.subject));
    assert.equal(
      done,
      plan.map(({ subject }) => subject),
    );
    const after = await connection.plan(soon());
    assert.equal(new Set(after.map(({ action }) => action)), new Set(['keep']));
    hubspot.forgetRequests();
    await connection.apply(soon(), () => {});
    assert.is(hubspot.countRequests('POST'), 0);
    assert.equal(await problemsOf(hubspot), []);
    assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
  }, bare),
);

setup('a property that is there without unique values is a conflict, and nothing is made', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addProperty('contacts', { name: 'delacon_caller' });
    const connection = await open(hubspot);
    const plan = await connection.plan(soon());
    const conflict = plan.find((step) => step.action === 'conflict');
    assert.is(conflict?.subject, 'property contacts.delacon_caller');
    assert.match(conflict?.detail ?? '', 'without unique values');
    const refused = await connection.apply(soon(), () => {}).catch(String);
    assert.match(String(refused), 'property contacts.delacon_caller: exists without unique values');
    assert.is(hubspot.countRequests('POST'), 0);
    const problems = await problemsOf(hubspot);
    assert.equal(
      problems.map(({ subject }) => subject),
      ['property calls.delacon_call_id', 'property contacts.delacon_caller'],
    );
  }, bare),
);

setup('a property of another type is a conflict', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addProperty('calls', {
      name: 'delacon_call_id',
      type: 'number',
      fieldType: 'number',
      hasUniqueValue: true,
    });
    const plan = await (await open(hubspot)).plan(soon());
    assert.match(plan.find((step) => step.action === 'conflict')?.detail ?? '', 'exists as number');
  }, bare),
);

setup('a deleted property that comes back as it was, without unique values, is not taken for success', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addProperty('calls', { name: 'delacon_call_id' });
    hubspot.archiveProperty('calls', 'delacon_call_id');
    const refused = await (await open(hubspot)).apply(soon(), () => {}).catch(String);
    assert.match(String(refused), 'property calls.delacon_call_id: exists without unique values');
  }, bare),
);

setup('a token that may not make properties says which scope it lacks', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.scopes.delete('crm.schemas.calls.write');
    const refused = await (await open(hubspot)).apply(soon(), () => {}).catch(String);
    assert.match(String(refused), 'Grant crm.schemas.calls.write');
  }, bare),
);

setup('check names missing own properties, and the command', () =>
  withHubSpotEmulator(async (hubspot) => {
    assert.equal(await problemsOf(hubspot), [
      {
        level: 'problem',
        subject: 'property calls.delacon_call_id',
        message: 'It is missing.',
        fix: 'Run `delacon-bridge setup acme-hubspot`.',
      },
      {
        level: 'problem',
        subject: 'property contacts.delacon_caller',
        message: 'It is missing.',
        fix: 'Run `delacon-bridge setup acme-hubspot`.',
      },
    ]);
  }, bare),
);

setup('check names mapped properties that are missing or that HubSpot sets itself', () =>
  withHubSpotEmulator(async (hubspot) => {
    const problems = await problemsOf(hubspot, {
      activity: { properties: { nope: 'x', hs_object_id: 'x', hs_call_body: 'x' } },
      person: { properties: { nobody: 'x', city: 'x' } },
    });
    assert.equal(
      problems.map(({ subject, message }) => `${subject}: ${message}`),
      [
        'property calls.nope: It is mapped, but HubSpot does not have it.',
        'property calls.hs_object_id: It is mapped, but HubSpot sets it itself.',
        'property contacts.nobody: It is mapped, but HubSpot does not have it.',
      ],
    );
    for (const { fix } of problems) assert.ok(fix);
  }),
);

setup('check names call outcomes that the account does not have', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.removeOption('calls', 'hs_call_disposition', '9d9162e7-6cf3-4944-bf63-4dff82258764');
    const [problem] = await problemsOf(hubspot);
    assert.match(
      problem?.message ?? '',
      'no call outcome "9d9162e7-6cf3-4944-bf63-4dff82258764" for busy. It has ',
    );
    assert.equal(await problemsOf(hubspot, { activity: { outcomes: { busy: '' } } }), []);
    assert.equal(await problemsOf(hubspot, { activity: { properties: { hs_call_disposition: '' } } }), []);
  }),
);

setup('check tells of a bad token, a missing scope, and of HubSpot being away', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.refuseToken();
    const [refused] = await problemsOf(hubspot);
    assert.is(refused?.subject, 'token');
    assert.match(refused?.message ?? '', 'refuses the access token');
    assert.not(JSON.stringify(refused).includes(hubspot.token));
    hubspot.acceptToken();
    hubspot.scopes.delete('crm.objects.contacts.read');
    assert.match((await problemsOf(hubspot))[0]?.message ?? '', 'Grant crm.objects.contacts.read');
    hubspot.scopes.add('crm.objects.contacts.read');
    hubspot.strike(faults.unavailable);
    assert.match((await problemsOf(hubspot))[0]?.fix ?? '', 'Try again');
  }),
);

setup('settings need a token alone; what is wrong with them is named', () => {
  const parse = (settings: object) => hubspotConnector.options.safeParse(settings);
  assert.ok(parse({ accessToken: 'x' }).success);
  const paths = (settings: object) => parse(settings).error?.issues.map((issue) => issue.path.join('.'));
  assert.equal(paths({}), ['accessToken']);
  assert.equal(paths({ accessToken: 'x', baseUrl: 'http://example.com' }), ['baseUrl']);
  assert.equal(paths({ accessToken: 'x', activity: { title: '{{ call.nope }}' } }), ['activity.title']);
  assert.equal(paths({ accessToken: 'x', person: { properties: { city: '{{ oops' } } }), [
    'person.properties.city',
  ]);
  assert.equal(paths({ accessToken: 'x', owner: {} }), ['owner.by', 'owner.map']);
  assert.equal(paths({ accessToken: 'x', sale: { when: 'call.nope' } }), ['sale.when', 'sale.stage']);
  assert.equal(paths({ accessToken: 'x', tasks: {} }), ['']);
});

setup('every setting is described, and the description of the title is its default', () => {
  const schema = z.toJSONSchema(hubspotConnector.options, { io: 'input', unrepresentable: 'any' });
  const bare: string[] = [];
  const visit = (node: z.core.JSONSchema.JSONSchema, path: string) => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      if (typeof child === 'boolean') continue;
      if (!child.description) bare.push(`${path}.${name}`);
      visit(child, `${path}.${name}`);
    }
  };
  visit(schema, 'hubspot');
  assert.equal(bare, []);
  assert.match(JSON.stringify(schema), '"default":"Call from {{ call.caller.display }}');
});

setup.run();
