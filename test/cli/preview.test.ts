// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of the YAML
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlannedRequest } from '../../src/connector/index.ts';
import { pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { type HubSpotEmulator, withHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { assert, suite, until } from '../support/suite.ts';

const previews = suite('preview --requests');

const sources = `sources: { acme: { tokens: [${pushToken}] } }\n`;
const sandboxYaml = `${sources}connectors: { try-it: { type: sandbox } }\n`;
const hubspotYaml = ({ url, token }: HubSpotEmulator, more = '') =>
  `${sources}connectors: { crm: { type: hubspot, accessToken: ${token}, baseUrl: "${url}"${more} } }\n`;

interface Shown {
  callId: string;
  push: string;
  revision: number;
  isRepeat: boolean;
  connectors: { connector: string; requests: PlannedRequest[]; outcome: { kind: string; notes: string[] } }[];
}

const lines = (shown: Shown | undefined) =>
  shown?.connectors.flatMap(({ requests }) => requests.map(({ method, path }) => `${method} ${path}`)) ?? [];

previews('what one connector lacks stops no other: it is stood in for, or left out and told', () =>
  withBridgeFolder(async (folder) => {
    const hook = 'hook: { type: webhook, url: "${HOOK_URL}", secrets: ["${HOOK_SECRET}"] }';
    const salesforce =
      'sf: { type: salesforce, apiVersion: "${VERSION}", auth: { flow: clientCredentials, loginUrl: "${SF_URL}", clientId: "${SF_ID}", clientSecret: "${SF_SECRET}" } }';
    folder.configure(`${sources}connectors: { box: { type: sandbox }, ${hook}, ${salesforce} }\n`);
    for (const more of [[], ['--requests']]) {
      const { code, stdout, stderr } = await folder.run('preview', ...more);
      assert.is(code, 1, stderr);
      assert.match(stdout, /^ {2}box[,:] /m);
      assert.match(stdout, /^ {2}hook[,:] /m);
      assert.match(stderr, /^sf is left out:\n.*\$\{VERSION\} is not set/);
      assert.not.match(stderr, 'HOOK');
    }
    const { code, stdout, stderr } = await folder.run('preview', '--online');
    assert.is(code, 1, stderr);
    assert.match(stdout, /^ {2}box: delivered/m);
    assert.match(stderr, /^hook is left out:\n.*\$\{HOOK_URL\} is not set.*\n.*\$\{HOOK_SECRET\}/m);
    const alone = await folder.run('preview', '--connector', 'sf');
    assert.equal([alone.code, alone.stdout], [1, '']);
    assert.match(alone.stderr, '${VERSION} is not set');
  }),
);

previews('offline: start, then end, for an empty CRM; with no CRM, and no store', () =>
  withBridgeFolder(async (folder) => {
    const nobody = { url: 'http://127.0.0.1:9', token: 'pat-na1-nobody-0123' } as HubSpotEmulator;
    folder.configure(hubspotYaml(nobody));
    const { code, stdout, stderr } = await folder.run('preview', '--requests', '--json');
    assert.is(code, 0, stderr);
    const shown: Shown[] = JSON.parse(stdout);
    assert.equal(
      shown.map(({ callId, push, revision }) => [callId, push, revision]),
      [
        ['1122334', 'start', 1],
        ['1122334', 'end', 2],
      ],
    );
    assert.equal(shown.map(lines), [
      [
        'POST /crm/objects/2026-09/contacts/batch/read',
        'POST /crm/objects/2026-09/contacts/search',
        'POST /crm/objects/2026-09/contacts/batch/upsert',
        'POST /crm/objects/2026-09/calls/batch/create',
      ],
      ['POST /crm/objects/2026-09/calls/batch/update'],
    ]);
    assert.not(existsSync(join(folder.path, 'data')));

    const readable = await folder.run('preview', '--requests');
    assert.match(readable.stdout, 'Nothing was sent.');
    assert.match(readable.stdout, 'Call 1122334, revision 2: its end arrives');
    assert.match(readable.stdout, '\n    POST /crm/objects/2026-09/calls/batch/create\n      inputs:\n');
    assert.match(readable.stdout, 'hs_call_status: IN_PROGRESS');
    assert.not.match(readable.stdout, 'pat-na1');
  }),
);

previews('online: what only reads is sent; neither the CRM nor the store changes', () =>
  withHubSpotEmulator((hubspot) =>
    withBridgeFolder(async (folder) => {
      const id = hubspot.addContact({ phone: '0444 444 444' });
      folder.configure(hubspotYaml(hubspot));
      const before = [hubspot.contacts(), hubspot.calls()];
      for (const _ of ['once', 'and as if it had not been']) {
        hubspot.forgetRequests();
        const { code, stdout, stderr } = await folder.run('preview', '--online', '--json');
        assert.is(code, 0, stderr);
        assert.not.match(stdout, hubspot.token);
        const [first]: Shown[] = JSON.parse(stdout);
        assert.equal(
          first?.connectors[0]?.requests.map(({ path, sent }) => [path, sent]),
          [
            ['/crm/objects/2026-09/contacts/batch/read', true],
            ['/crm/objects/2026-09/contacts/search', true],
            ['/crm/objects/2026-09/contacts/batch/update', false],
            ['/crm/objects/2026-09/calls/batch/create', false],
          ],
        );
        assert.match(JSON.stringify(first?.connectors[0]?.requests[3]?.body), `"to":{"id":"${id}"}`);
        assert.equal(hubspot.requestNames(), [
          'POST /crm/objects/2026-09/contacts/batch/read',
          'POST /crm/objects/2026-09/contacts/search',
        ]);
      }
      assert.equal([hubspot.contacts(), hubspot.calls()], before);
    }),
  ),
);

previews(
  'a stored call is shown as it would be delivered again: with its records online, without them offline',
  () =>
    withHubSpotEmulator((hubspot) =>
      withBridgeFolder(async (folder) => {
        folder.configure(hubspotYaml(hubspot));
        const bridge = await folder.startHere();
        await bridge.push(startPush('7'));
        await until('the call to be there', () => hubspot.calls().length === 1);
        await bridge.stop();
        const at = async (...args: string[]) =>
          lines(JSON.parse((await folder.run('preview', '--call', '7', '--json', ...args)).stdout)[0]);
        assert.equal(await at('--online'), ['POST /crm/objects/2026-09/calls/batch/update']);
        assert.is((await at('--requests')).at(-1), 'POST /crm/objects/2026-09/calls/batch/create');
        const records = JSON.parse((await folder.run('preview', '--call', '7', '--json')).stdout);
        assert.is(records[0].connectors[0].records[1].key.value, '7');
        const unknown = await folder.run('preview', '--call', '8');
        assert.is(unknown.code, 1);
        assert.match(unknown.stderr, 'No call 8 was received.');
      }),
    ),
);

previews('a refusal online is shown in the words of the CRM, and ends with 1', () =>
  withHubSpotEmulator((hubspot) =>
    withBridgeFolder(async (folder) => {
      hubspot.refuseToken();
      folder.configure(hubspotYaml(hubspot));
      const { code, stdout } = await folder.run('preview', '--online');
      assert.is(code, 1);
      assert.match(stdout, /crm: blocked\. HubSpot refuses the access token/);
      assert.not.match(stdout, hubspot.token);
    }),
  ),
);

previews('several calls from a file keep their order; a repeat delivers nothing; atEnd waits', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(`${sources}connectors: { try-it: { type: sandbox, write: atEnd } }\n`);
    const file = join(folder.path, 'pushes.json');
    writeFileSync(
      file,
      JSON.stringify([startPush('1'), startPush('2'), startPush('1'), endPush('2'), endPush('1')]),
    );
    const { stdout } = await folder.run('preview', file, '--requests', '--json');
    const shown: Shown[] = JSON.parse(stdout);
    assert.equal(
      shown.map((one) => [one.callId, one.revision, one.isRepeat, lines(one).length]),
      [
        ['1', 1, false, 0],
        ['2', 1, false, 0],
        ['1', 1, true, 0],
        ['2', 2, false, 2],
        ['1', 2, false, 1],
      ],
    );
    assert.equal(lines(shown[3]), ['CREATE contact', 'CREATE call']);
    assert.equal(lines(shown[4]), ['CREATE call']);
    assert.equal(shown[0]?.connectors[0]?.outcome.notes, ['It waits for the end of the call.']);
  }),
);

previews('the sandbox online is what its file holds, and the file stays as it is', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(sandboxYaml);
    const bridge = await folder.startHere();
    await bridge.push(startPush('1'));
    await until('the call to be delivered', async () =>
      /"deliveredRevision": 1/.test((await folder.run('calls', '--json')).stdout),
    );
    const file = join(folder.path, 'end.json');
    writeFileSync(file, JSON.stringify(startPush('2')));
    const online = async () =>
      JSON.parse((await folder.run('preview', file, '--online', '--json')).stdout).map(lines);
    assert.equal(await online(), [['CREATE call']]);
    assert.equal(await online(), [['CREATE call']]);
    await bridge.stop();
  }),
);

previews('a secret that a variable put into an address is not shown', () =>
  withBridgeFolder(async (folder) => {
    const secret = 'hook-secret-0123';
    writeFileSync(join(folder.path, 'secret'), secret);
    folder.configure(
      `${sources}connectors: { hook: { type: webhook, url: "https://hooks.acme.example/\${file:secret}", secrets: [whsec_${Buffer.alloc(32, 7).toString('base64')}] } }\n`,
    );
    const { stdout, code, stderr } = await folder.run('preview', '--requests');
    assert.is(code, 0, stderr);
    assert.match(stdout, 'POST /[secret]');
    assert.not.match(stdout, secret);
  }),
);

previews('unknown names and a file beside --call are wrong use', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(sandboxYaml);
    for (const args of [
      ['--source', 'acmee'],
      ['--connector', 'tryit'],
      ['push.json', '--call', '7'],
    ]) {
      const { code, stderr } = await folder.run('preview', ...args);
      assert.is(code, 2, args.join(' '));
      assert.ok(stderr.length > 10 && !/\n\s+at /.test(stderr), stderr);
    }
  }),
);

previews.run();
