import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BridgeFolder, pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import { endPush, endSample, startPush, startSample } from '../support/build-push.ts';
import {
  answering,
  type Fault,
  faults,
  type HubSpotEmulator,
  withHubSpotEmulator,
} from '../support/hubspot-emulator.ts';
import { type SalesforceEmulator, withSalesforceEmulator } from '../support/salesforce-emulator.ts';
import { assert, suite, until } from '../support/suite.ts';

/*
 * The real bridge against the emulators, over real HTTP: what a customer's CRM holds in the end. In a process of its own
 * where it is ended.
 */

const bridge = suite('the bridge');

const source = (more = '') => `sources: { acme: { tokens: [${pushToken}]${more} } }\n`;
const fast = 'delivery: { retry: [20ms], giveUpAfter: 1m, probe: [200ms] }\n';

const hubspotYaml = (hubspot: HubSpotEmulator, more = '') => `${fast}connectors:
  crm: { type: hubspot, accessToken: ${hubspot.token}, baseUrl: "${hubspot.url}"${more} }
`;
const salesforceYaml = (salesforce: SalesforceEmulator) => `${fast}connectors:
  crm:
    type: salesforce
    auth: { flow: clientCredentials, loginUrl: "${salesforce.url}", clientId: ${salesforce.clientId}, clientSecret: ${salesforce.clientSecret} }
`;

async function withHubSpot(
  use: (hubspot: HubSpotEmulator, folder: BridgeFolder) => Promise<void>,
  sourceSettings = '',
  connectorSettings = '',
): Promise<void> {
  await withHubSpotEmulator((hubspot) =>
    withBridgeFolder(async (folder) => {
      folder.configure(source(sourceSettings) + hubspotYaml(hubspot, connectorSettings));
      await use(hubspot, folder);
    }),
  );
}

const statusOf = (hubspot: HubSpotEmulator, key = '1122334') =>
  hubspot.calls().find((call) => call.properties['delacon_call_id'] === key)?.properties['hs_call_status'];

const acknowledged = (callId: string) => ({
  status: 200,
  body: { PLA_Call_Id: callId, success: 'true', error: '' },
});

bridge("the vendor's two samples become one contact and one call in HubSpot", () =>
  withHubSpot(async (hubspot, folder) => {
    const running = await folder.start();
    assert.equal(await running.push(startSample, '/create'), acknowledged('1122334'));
    await until('the call to ring', () => statusOf(hubspot) === 'IN_PROGRESS');
    assert.equal(await running.push(endSample, '/update'), acknowledged('1122334'));
    await until('the call to end', () => statusOf(hubspot) === 'COMPLETED');
    const [contact, ...otherContacts] = hubspot.contacts();
    const [call, ...otherCalls] = hubspot.calls();
    assert.equal([otherContacts, otherCalls], [[], []]);
    assert.is(contact?.properties['phone'], '+61444444444');
    assert.equal(call?.contactIds, [contact?.id]);
    assert.is(call?.properties['hs_call_duration'], '50000');
    assert.is(call?.properties['hs_call_direction'], 'INBOUND');
    assert.is(await running.kill('SIGTERM'), 0);
  }),
);

bridge("the vendor's two samples become one lead and one Task in Salesforce", () =>
  withSalesforceEmulator((salesforce) =>
    withBridgeFolder(async (folder) => {
      folder.configure(source() + salesforceYaml(salesforce));
      const running = await folder.startHere();
      await running.push(startSample, '/create');
      await until('the Task to be open', () => salesforce.tasks()[0]?.['Status'] === 'In Progress');
      await running.push(endSample, '/update');
      await until('the Task to be completed', () => salesforce.tasks()[0]?.['Status'] === 'Completed');
      const [lead, ...otherLeads] = salesforce.leads();
      const [task, ...otherTasks] = salesforce.tasks();
      assert.equal([otherLeads, otherTasks, salesforce.contacts()], [[], [], []]);
      assert.is(lead?.['Phone'], '+61444444444');
      assert.is(task?.['WhoId'], lead?.id);
      assert.is(task?.['TaskSubtype'], 'Call');
      assert.is(task?.['CallDurationInSeconds'], 50);
      assert.is(task?.['Delacon_Call_Id__c'], '1122334');
    }),
  ),
);

const orders: [title: string, pushes: Record<string, string>[]][] = [
  ['the end before the start', [endPush('7'), startPush('7')]],
  ['the start twice', [startPush('7'), startPush('7'), endPush('7')]],
  [
    'the end three times, a survey only in the third',
    [
      startPush('7'),
      endPush('7', { PLA_SurveyOutcome: '' }),
      endPush('7', { PLA_SurveyOutcome: '', PLA_dtmf: '2' }),
      endPush('7', { PLA_SurveyOutcome: 'Sale' }),
    ],
  ],
];
for (const [title, pushes] of orders) {
  bridge(`${title}: one right activity`, () =>
    withHubSpot(async (hubspot, folder) => {
      const running = await folder.startHere();
      for (const push of pushes) assert.equal(await running.push(push), acknowledged('7'));
      await until('the call to be complete', () => {
        const [call] = hubspot.calls();
        return (
          call?.properties['hs_call_status'] === 'COMPLETED' &&
          call.contactIds.length === 1 &&
          /Sale/.test(call.properties['hs_call_body'] ?? '')
        );
      });
      assert.is(hubspot.calls().length, 1);
      assert.is(hubspot.contacts().length, 1);
    }),
  );
}

bridge('only an end: an activity without a person', () =>
  withHubSpot(async (hubspot, folder) => {
    const running = await folder.startHere();
    await running.push(endPush('7'));
    await until('the call', () => statusOf(hubspot, '7') === 'COMPLETED');
    assert.equal(
      hubspot.calls().map((call) => call.contactIds),
      [[]],
    );
    assert.equal(hubspot.contacts(), []);
  }),
);

bridge('only a start lapses; the late end completes the same activity', () =>
  withHubSpot(async (hubspot, folder) => {
    const running = await folder.startHere();
    await running.push(startPush('7'));
    await until('the call to lapse', () =>
      /not received/.test(hubspot.calls()[0]?.properties['hs_call_body'] ?? ''),
    );
    await running.push(endPush('7'));
    await until('the late end', () => hubspot.calls()[0]?.properties['hs_call_duration'] === '50000');
    assert.is(hubspot.calls().length, 1);
    assert.not(/not received/.test(hubspot.calls()[0]?.properties['hs_call_body'] ?? ''));
  }, ', lapseAfter: 300ms'),
);

bridge('killed right after an answered push: the call is delivered after the next start, once', () =>
  withHubSpot(async (hubspot, folder) => {
    const first = await folder.start();
    assert.equal(await first.push(startPush('7')), acknowledged('7'));
    await first.kill('SIGKILL');
    const second = await folder.start();
    await until('the call', () => hubspot.calls().length > 0);
    await second.push(endPush('7'));
    await until('its end', () => statusOf(hubspot, '7') === 'COMPLETED');
    assert.is(hubspot.calls().length, 1);
    assert.is(hubspot.contacts().length, 1);
  }),
);

const failures: [title: string, fault: Fault][] = [
  ['answers 429', answering(429, { policyName: 'TEN_SECONDLY_ROLLING' }, { 'retry-after': '1' })],
  ['answers 503', answering(503, '<html>busy</html>')],
  ['resets the connection before it writes', faults.drop],
  ['resets the connection after it wrote', faults.loseAnswer],
];
for (const [title, fault] of failures) {
  bridge(`HubSpot ${title}: nothing lost, nothing doubled, and explain tells`, () =>
    withHubSpot(async (hubspot, folder) => {
      const running = await folder.startHere();
      hubspot.strike(fault, 'calls');
      await running.push(startPush('7'));
      await until('the call', () => hubspot.calls().length > 0, 30_000);
      await running.push(endPush('7'));
      await until('its end', () => statusOf(hubspot, '7') === 'COMPLETED', 30_000);
      assert.is(hubspot.calls().length, 1);
      assert.is(hubspot.contacts().length, 1);
      const { code, stdout } = await folder.run('explain', '7');
      assert.is(code, 0);
      assert.match(stdout, /retry/);
      assert.match(stdout, /delivered/);
    }),
  );
}

bridge(
  'a wrong token blocks the connector, receiving goes on, and all is delivered when it is accepted',
  () =>
    withHubSpot(async (hubspot, folder) => {
      hubspot.refuseToken();
      const running = await folder.startHere();
      for (const id of ['1', '2', '3']) assert.equal(await running.push(startPush(id)), acknowledged(id));
      await until('the connector to be blocked', () => /Blocked/.test(running.output()));
      assert.equal(await running.push(startPush('4')), acknowledged('4'));
      assert.equal(hubspot.calls(), []);
      hubspot.acceptToken();
      await until('all calls', () => hubspot.calls().length === 4);
      const { stdout } = await folder.run('explain', '1');
      assert.match(stdout, /blocked/);
      assert.not.match(running.output() + stdout, new RegExp(hubspot.token));
    }),
);

bridge('a value of one call that HubSpot refuses among 99 good ones is left out, and that is noted', () =>
  withHubSpotEmulator((hubspot) =>
    withBridgeFolder(async (folder) => {
      hubspot.addProperty('calls', { name: 'topic' });
      hubspot.refuseValues('calls', 'topic', /^b$/);
      folder.configure(
        source() + hubspotYaml(hubspot, ', activity: { properties: { topic: "{{ call.extra }}" } }'),
      );
      hubspot.refuseToken();
      const running = await folder.startHere();
      for (let i = 0; i < 100; i++) {
        await running.push(startPush(`c${i}`, { PLA_ExtraTracking: i === 50 ? 'b' : 'a' }));
      }
      hubspot.acceptToken();
      await until('all calls', () => hubspot.calls().length === 100, 30_000);
      const topics = hubspot.calls().map(({ properties }) => properties['topic']);
      assert.is(topics.filter((topic) => topic === 'a').length, 99);
      await until('what was left out to be noted', async () =>
        /topic/.test((await folder.run('explain', 'c50')).stdout.split('written')[0] ?? ''),
      );
    }),
  ),
);

bridge('of a changed configuration, it says what a running bridge goes on without', () =>
  withBridgeFolder(async (folder) => {
    const sandbox = `${source()}connectors: { try-it: { type: sandbox } }\n`;
    folder.configure(sandbox);
    const running = await folder.startHere();
    folder.configure(`${sandbox}receive: { timeout: 20s }\nlog: { level: debug }\n`);
    await until('the change to be told of', () =>
      /in force, but for receive\.timeout, log\.level: restart the bridge for that\./.test(running.output()),
    );
    folder.configure(sandbox);
    await until('it to be undone', () => /configuration is in force\./.test(running.output()));
  }),
);

bridge(
  'a change that cannot be taken over leaves the bridge running as it was, and is taken over once mended',
  () =>
    withBridgeFolder(async (folder) => {
      // A token file that cannot be read ended the bridge. And what was wrong in a file that nothing had named before could
      // be mended without being noticed.
      const sandbox = `${source()}connectors: { try-it: { type: sandbox } }\n`;
      folder.configure(sandbox);
      const running = await folder.startHere();
      const said = (what: RegExp) => until(`${what}`, () => what.test(running.output()), 30_000);
      const included = join(folder.path, 'more.yaml');
      mkdirSync(join(folder.path, 'data/other.push-token'), { recursive: true });
      writeFileSync(included, 'sources: { other: { callIdPrefix: b-, region: Nowhere } }\n');
      folder.configure(`${sandbox}include: [more.yaml]\n`);
      await said(/not taken over:\\n\S*more\.yaml:1:\d+ +sources\.other\.region/);
      writeFileSync(included, 'sources: { other: { callIdPrefix: b- } }\n');
      await said(/not taken over:\\nThe push token in \S*other\.push-token cannot be read/);
      assert.is((await running.push(startPush('1'))).status, 200);
      rmSync(join(folder.path, 'data/other.push-token'), { recursive: true });
      writeFileSync(included, 'sources: { other: { callIdPrefix: bb- } }\n');
      await said(/configuration is in force\./);
    }),
);

bridge('everything it answers is protected, also what is not there', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(`${source()}connectors: { try-it: { type: sandbox } }\n`);
    const running = await folder.startHere();
    for (const path of ['/', '/healthz', '/readyz', '/nothing', '/push/']) {
      const { headers } = await fetch(`${running.url}${path}`);
      assert.equal(
        ['x-content-type-options', 'x-frame-options', 'referrer-policy', 'cache-control'].map((name) =>
          headers.get(name),
        ),
        ['nosniff', 'DENY', 'same-origin', 'no-store'],
        path,
      );
      assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none'/);
      assert.is(headers.get('server') ?? headers.get('x-powered-by'), null);
    }
  }),
);

bridge('SIGTERM lets what is under way end, and leaves the rest due', () =>
  withHubSpot(async (hubspot, folder) => {
    const running = await folder.start();
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        running.push(startPush(`c${i}`, { PLA_Caller_Phone_Number: `+6144440000${10 + i}` })),
      ),
    );
    assert.is(await running.kill('SIGTERM'), 0);
    await folder.start();
    await until('all calls', () => hubspot.calls().length === 20, 30_000);
  }),
);

bridge.run();
