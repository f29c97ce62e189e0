import * as z from 'zod';
import hubspotConnector from '../../../connectors/hubspot/index.ts';
import { defaultTitle } from '../../../src/crm/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import {
  answering,
  faults,
  type HubSpotEmulator,
  withHubSpotEmulator,
} from '../../support/hubspot-emulator.ts';
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

setup('it offers what the mapping names and the account lacks, in the form that the mapping tells', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addProperty('calls', { name: 'branch' });
    const connection = await open(hubspot, {
      activity: {
        properties: {
          keyword: '{{ PLA_Keywords_Searched }}',
          branch: '{{ call.dealer.category }}',
          talk_minutes: '{{ PLA_Duration | divided_by: 60.0 | round: 1 }}',
          rang_at: '{{ call.startedAt }}',
          was_missed: '{{ call.missed }}',
          hs_call_sauce: '{{ call.marketing.engine }}', // HubSpot's own names are not for us to make
        },
      },
      person: { properties: { first_branch: '{{ call.dealer.name }}' } },
    });
    const offered = (await connection.plan(soon())).filter(({ detail }) => detail.includes('mapping'));
    assert.equal(
      offered.map(({ subject, detail }) => `${subject}: ${detail}`),
      [
        'property calls.keyword: "Keyword", text, for what the mapping writes',
        'property calls.talk_minutes: "Talk minutes", number, for what the mapping writes',
        'property calls.rang_at: "Rang at", date and time, for what the mapping writes',
        'property calls.was_missed: "Was missed", yes or no, for what the mapping writes',
        'property contacts.first_branch: "First branch", text, for what the mapping writes',
      ],
    );
    await connection.apply(soon(), () => {});
    assert.equal(
      (await connection.plan(soon())).filter(({ action }) => action !== 'keep'),
      [],
    );
    const other = await open(hubspot, {
      activity: {
        properties: {
          talk_minutes: '{{ PLA_Duration | divided_by: 60.0 }}',
          was_missed: '{{ call.missed }}',
        },
      },
    });
    await deliverOne(other, deliveryOf([startPush('1'), endPush('1', { PLA_Duration: '90s' })]));
    const [call] = hubspot.calls();
    assert.equal([call?.properties['talk_minutes'], call?.properties['was_missed']], ['1.5', 'false']);
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

/*
 * "Run setup", said what waited; "You can only have 10", said setup: nobody was led out of that circle.
 */
setup(
  'where contacts have as many unique properties as may be, setup and check say which, and what to do',
  () =>
    withHubSpotEmulator(async (hubspot) => {
      const names = Array.from({ length: 10 }, (_, n) => `key_${n}`);
      for (const name of names) hubspot.addProperty('contacts', { name, hasUniqueValue: true });
      const refused = await (await open(hubspot)).apply(soon(), () => {}).catch(String);
      const told =
        /contacts have as many properties with unique values as HubSpot allows: key_0, key_1.* Delete one that nobody needs for good/;
      assert.match(String(refused), told);
      const contacts = async () =>
        (await problemsOf(hubspot)).find(({ subject }) => subject === 'property contacts.delacon_caller');
      assert.match((await contacts())?.message ?? '', told);
      hubspot.archiveProperty('contacts', 'key_3');
      await (await open(hubspot)).apply(soon(), () => {});
      assert.is(await contacts(), undefined);
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
    assert.is(refused?.fix, 'Do what it says, then check again.', 'nothing else than the reason');
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
  assert.equal(paths({ accessToken: 'x', followUp: { subject: '{{ call.nope }}' } }), ['followUp.subject']);
  assert.equal(paths({ accessToken: 'x', person: { properties: { city: '{{ oops' } } }), [
    'person.properties.city',
  ]);
  assert.equal(paths({ accessToken: 'x', owner: {} }), ['owner']);
  assert.equal(paths({ accessToken: 'x', sale: { when: 'call.nope' } }), ['sale.when', 'sale.stage']);
  assert.equal(paths({ accessToken: 'x', tasks: {} }), ['']);
});

setup('every setting is described, and the title has a default', () => {
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
  assert.match(JSON.stringify(schema), `"default":${JSON.stringify(defaultTitle)}`);
});

/** Settings that ask for everything. */
const rich = {
  attribution: true,
  owner: { by: 'call.serviceId', map: { 123: 'jane@acme.example' }, otherwise: 'desk@acme.example' },
  followUp: {},
  sale: { when: "call.survey.outcome == 'Sale'", pipeline: 'Trade', stage: 'Sold' },
  activity: { company: true },
};

setup('what else is asked for is planned, made and read back, and running it again changes nothing', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, rich);
    const wanted = (await connection.plan(soon())).map(({ action, subject }) => `${action} ${subject}`);
    assert.equal(wanted, [
      'create property group calls.delacon',
      'create property calls.delacon_call_id',
      'create property group contacts.delacon',
      'create property contacts.delacon_caller',
      ...['first', 'last'].flatMap((touch) =>
        ['call_at', 'source', 'keywords', 'campaign', 'landing_page', 'gclid'].map(
          (part) => `create property contacts.delacon_${touch}_${part}`,
        ),
      ),
      'create property group tasks.delacon',
      'create property tasks.delacon_call_id',
      'create property group deals.delacon',
      'create property deals.delacon_call_id',
    ]);
    await connection.apply(soon(), () => {});
    const after = await connection.plan(soon());
    assert.equal(new Set(after.map(({ action }) => action)), new Set(['keep']));
    hubspot.forgetRequests();
    await connection.apply(soon(), () => {});
    assert.is(hubspot.countRequests('POST'), 0);
    hubspot.addOwner('jane@acme.example');
    hubspot.addOwner('desk@acme.example');
    assert.equal(await problemsOf(hubspot, rich), []);
    const call = deliveryOf([startPush('1'), endPush('1')]);
    assert.is((await deliverOne(connection, call)).kind, 'delivered');
    assert.is(hubspot.records('deals').length, 1);
  }, bare),
);

setup('check goes on where HubSpot does not tell which account it is, for that takes no scope of ours', () =>
  withHubSpotEmulator(async (hubspot) => {
    const refusal = {
      category: 'MISSING_SCOPES',
      message: 'This app has not been granted all required scopes.',
    };
    hubspot.strike(answering(403, refusal), 'account-info');
    const findings = await (await open(hubspot)).check(soon());
    assert.equal(
      findings.map(({ level, subject }) => [level, subject]),
      [
        ['warning', 'account'],
        ['ok', 'property calls.delacon_call_id'],
        ['ok', 'property contacts.delacon_caller'],
      ],
    );
    assert.match(findings[0]?.fix ?? '', 'Nothing needs to be done');
  }),
);

setup('what nobody asked for is not planned, nor are its scopes needed', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const connection = await open(hubspot);
      assert.is((await connection.plan(soon())).length, 4);
      await connection.apply(soon(), () => {});
      assert.equal(await problemsOf(hubspot), []);
      assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
    },
    {
      provisioned: false,
      scopes: [
        'crm.objects.contacts.read',
        'crm.objects.contacts.write',
        'crm.schemas.contacts.write',
        'crm.schemas.calls.write',
      ],
    },
  ),
);

for (const [object, settings] of [
  ['tasks', { followUp: {} }],
  ['deals', { sale: rich.sale }],
] as const) {
  setup(`a property of ${object} with our name that is not unique is a conflict`, () =>
    withHubSpotEmulator(async (hubspot) => {
      hubspot.addProperty(object, { name: 'delacon_call_id' });
      const connection = await open(hubspot, settings);
      const conflict = (await connection.plan(soon())).find(({ action }) => action === 'conflict');
      assert.is(conflict?.subject, `property ${object}.delacon_call_id`);
      assert.match(conflict?.detail ?? '', 'without unique values');
      await connection.apply(soon(), () => {}).catch(() => {});
      assert.is(hubspot.countRequests('POST'), 0);
      const subjects = (await problemsOf(hubspot, settings)).map(({ subject }) => subject);
      assert.ok(subjects.includes(`property ${object}.delacon_call_id`), subjects.join());
    }, bare),
  );
}

setup('an attribution property of another type is a conflict', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addProperty('contacts', { name: 'delacon_first_call_at' });
    const plan = await (await open(hubspot, { attribution: true })).plan(soon());
    assert.match(
      plan.find(({ action }) => action === 'conflict')?.detail ?? '',
      'exists as string, not as date and time',
    );
  }, bare),
);

setup('check names unknown pipelines, stages and owners, with what there is and what to do', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addOwner('desk@acme.example', 'deactivated');
    const settings = { ...rich, sale: { ...rich.sale, stage: 'Won' } };
    assert.equal(await problemsOf(hubspot, settings), [
      {
        level: 'problem',
        subject: 'owner jane@acme.example',
        message: 'HubSpot has no user jane@acme.example.',
        fix: 'Invite them, or correct `owner` in the configuration.',
      },
      {
        level: 'problem',
        subject: 'owner desk@acme.example',
        message: 'desk@acme.example is deactivated in HubSpot.',
        fix: 'Name somebody else in `owner`, or bring the user back.',
      },
      {
        level: 'problem',
        subject: 'sale',
        message: 'The deal pipeline Trade has no stage "Won". It has Quoted (975310), Sold (975311).',
        fix: 'Name one of them in sale.stage, by id or label.',
      },
    ]);
    const elsewhere = { sale: { ...rich.sale, pipeline: 'Retail' } };
    assert.equal(
      (await problemsOf(hubspot, elsewhere)).map(({ message }) => message),
      ['HubSpot has no deal pipeline "Retail". It has Sales Pipeline (default), Trade (8675309).'],
    );
  }),
);

setup('check warns of tasks that nobody owns', () =>
  withHubSpotEmulator(async (hubspot) => {
    const [warning, ...others] = await problemsOf(hubspot, { followUp: {} });
    assert.is(others.length, 0);
    assert.is(warning?.level, 'warning');
    assert.match(warning?.message ?? '', 'Nobody owns the tasks');
  }),
);

setup('check tells of each scope that is missing, and goes on', () =>
  withHubSpotEmulator(async (hubspot) => {
    for (const scope of ['deals', 'owners', 'companies']) hubspot.scopes.delete(`crm.objects.${scope}.read`);
    const problems = await problemsOf(hubspot, rich);
    assert.equal(
      problems.map(({ subject, message }) => [subject, /Grant (\S+)/.exec(message)?.[1]]),
      [
        ['properties of deals', 'crm.objects.deals.read'],
        ['owner', 'crm.objects.owners.read'],
        ['sale', 'crm.objects.deals.read'],
        ['activity.company', 'crm.objects.companies.read'],
      ],
    );
  }),
);

setup(
  'a plan that may not look at deals, and an apply that may not define them, say which scope to grant',
  () =>
    withHubSpotEmulator(async (hubspot) => {
      const connection = await open(hubspot, { sale: rich.sale });
      hubspot.scopes.delete('crm.schemas.deals.write');
      assert.match(
        String(await connection.apply(soon(), () => {}).catch(String)),
        'Grant crm.schemas.deals.write',
      );
      hubspot.scopes.delete('crm.objects.deals.read');
      assert.match(String(await connection.plan(soon()).catch(String)), 'Grant crm.objects.deals.read');
    }, bare),
);

setup('drift shows: a property, a stage and a user that went since setup', () =>
  withHubSpotEmulator(async (hubspot) => {
    const jane = hubspot.addOwner('jane@acme.example');
    hubspot.addOwner('desk@acme.example');
    assert.equal(await problemsOf(hubspot, rich), []);
    hubspot.archiveProperty('tasks', 'delacon_call_id');
    hubspot.archiveProperty('contacts', 'delacon_last_source');
    hubspot.removeStage('975311');
    hubspot.deactivateOwner(jane);
    assert.equal(
      (await problemsOf(hubspot, rich)).map(({ subject }) => subject),
      [
        'property contacts.delacon_last_source',
        'property tasks.delacon_call_id',
        'owner jane@acme.example',
        'sale',
      ],
    );
    const plan = await (await open(hubspot, rich)).plan(soon());
    assert.equal(
      plan.filter(({ action }) => action !== 'keep').map(({ subject }) => subject),
      ['property contacts.delacon_last_source', 'property tasks.delacon_call_id'],
    );
  }),
);

setup('check names an outcome of the configuration that the account does not have', () =>
  withHubSpotEmulator(async (hubspot) => {
    const [problem] = await problemsOf(hubspot, { activity: { outcomes: { answered: 'Talked' } } });
    assert.match(problem?.message ?? '', 'no call outcome "Talked" for answered. It has Busy (9d9162e7');
    assert.equal(
      await problemsOf(hubspot, { activity: { outcomes: { answered: 'left live message' } } }),
      [],
    );
  }),
);

setup.run();
