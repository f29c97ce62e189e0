import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BridgeFolder, pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import {
  type EmulatorOptions,
  faults,
  type HubSpotEmulator,
  withHubSpotEmulator,
} from '../support/hubspot-emulator.ts';
import { assert, suite, until } from '../support/suite.ts';

const probe = suite('probe command');

/** The bridge's own limits follow the account's, and would hold up a test. */
const limits = { perTenSeconds: 1_000_000, searchesPerSecond: 1_000_000 };
const quick = { indexDelayMs: 0, limits };

function withAccount(
  use: (folder: BridgeFolder, hubspot: HubSpotEmulator) => Promise<void>,
  options: EmulatorOptions = quick,
): Promise<void> {
  return withHubSpotEmulator(
    (hubspot) =>
      withBridgeFolder(async (folder) => {
        folder.configure(
          `sources: { acme: { tokens: [${pushToken}] } }
connectors:
  acme-test: { type: hubspot, accessToken: ${hubspot.token}, baseUrl: "${hubspot.url}" }
  try-it: { type: sandbox }
`,
        );
        await use(folder, hubspot);
      }),
    options,
  );
}

const held = (hubspot: HubSpotEmulator) => [...hubspot.calls(), ...hubspot.contacts()];
const reports = (folder: BridgeFolder) => readdirSync(folder.path).filter((name) => name.endsWith('.md'));

probe('without a terminal it says what it would write, and writes nothing unless told to', () =>
  withAccount(async (folder, hubspot) => {
    const { code, stdout, stderr } = await folder.run('probe', 'acme-test');
    assert.is(code, 2);
    assert.match(stdout, /Use a TEST account/);
    assert.match(stdout, /make about a dozen contacts/);
    assert.match(stderr, /Nothing was written.*--yes/);
    assert.is(hubspot.countRequests(), 0);
    assert.equal(reports(folder), []);
  }),
);

probe('with --yes it shows a table, writes a report for others to read, and leaves nothing', () =>
  withAccount(async (folder, hubspot) => {
    const { code, stdout, stderr } = await folder.run('probe', 'acme-test', '--yes');
    assert.is(code, 0, stderr);
    assert.match(stdout, /assumption +expected +seen +holds +otherwise the connector/);
    assert.match(stdout, /(\d\d) of \1 are as expected\./);
    assert.match(stderr, /yes {2}HubSpot keeps the key of a call unique\./);
    const [file = ''] = reports(folder);
    assert.match(file, /^probe-acme-test-\d{4}-\d\d-\d\d\.md$/);
    const report = readFileSync(join(folder.path, file), 'utf8');
    assert.match(report, /- bridge: \d+\.\d+\.\d+\n- runtime: (Node|Bun) \d/);
    assert.match(report, /- api: HubSpot API 2026-09/);
    assert.match(
      report,
      '| The phone index holds Australian numbers in a form that the connector asks for. |',
    );
    for (const text of [report, stdout, stderr]) {
      assert.not(text.includes(hubspot.token));
      assert.not.match(text.replace('+61 491 570 006', ''), /491 ?570 ?\d{3}|5550 ?1234/);
    }
    assert.equal(held(hubspot), []);
  }),
);

probe('what the account does otherwise is told as JSON, and is no failure where there is another way', () =>
  withAccount(
    async (folder, hubspot) => {
      const { code, stdout, stderr } = await folder.run(
        'probe',
        'acme-test',
        '--yes',
        '--json',
        '--report',
        'told.md',
      );
      assert.is(code, 0, stderr);
      const { results, connector, problem, report } = JSON.parse(stdout);
      assert.equal([connector, problem], ['hubspot', null]);
      assert.ok(existsSync(report));
      const about = results.find((one: { assumption: string }) =>
        /key of a call unique/.test(one.assumption),
      );
      assert.is(about.holds, false);
      assert.match(about.otherwise, /searches for a call/);
      assert.equal(held(hubspot), []);
    },
    { ...quick, oddities: { keys: { calls: 'ignored' } } },
  ),
);

probe(
  'a CRM that fails in the middle: the report has the rest, nothing is left, and the exit code tells',
  () =>
    withAccount(async (folder, hubspot) => {
      hubspot.strike(faults.loseAnswer, 'calls/batch/create', 2);
      hubspot.strike(faults.unavailable, 'DELETE', 1);
      const { code, stdout, stderr } = await folder.run('probe', 'acme-test', '--yes');
      assert.is(code, 1);
      assert.match(stderr, /\d of \d\d could not be tried\./);
      assert.match(stdout, /Not tried: HubSpot gave no/);
      assert.is(reports(folder).length, 1);
      assert.equal(held(hubspot), []);
    }),
);

probe('a refused token: nothing is tried, in words that help', () =>
  withAccount(async (folder, hubspot) => {
    hubspot.refuseToken();
    const earlier = `probe-acme-test-${new Date().toISOString().slice(0, 10)}.md`;
    writeFileSync(join(folder.path, earlier), 'what an earlier probe found');
    const { code, stderr } = await folder.run('probe', 'acme-test', '--yes');
    assert.is(code, 1);
    assert.is(readFileSync(join(folder.path, earlier), 'utf8'), 'what an earlier probe found');
    assert.match(stderr, /HubSpot refuses the access token\. Create a service key/);
    assert.not(stderr.includes(hubspot.token));
  }),
);

probe('a signal stops it, after what it wrote is deleted', () =>
  withAccount(
    async (folder, hubspot) => {
      const running = spawnProbe(folder);
      await until('the search for what was made', () => hubspot.countRequests('contacts/search') > 1, 60_000);
      assert.ok(held(hubspot).length > 0);
      running.child.kill('SIGINT');
      assert.is(await running.ended, 1);
      assert.match(running.output(), /Stopping: what was written is deleted first/);
      assert.match(running.output(), /It was interrupted\./);
      assert.equal(held(hubspot), []);
      assert.is(reports(folder).length, 1);
    },
    { indexDelayMs: 3_600_000, limits },
  ),
);

probe('what a killed one left is deleted by the next', () =>
  withAccount(
    async (folder, hubspot) => {
      const running = spawnProbe(folder);
      await until('the search for what was made', () => hubspot.countRequests('contacts/search') > 1, 60_000);
      running.child.kill('SIGKILL');
      await running.ended;
      assert.ok(held(hubspot).length > 0);
      hubspot.settleIndex();
      const next = spawnProbe(folder);
      await until(
        'the next one to search',
        () => {
          hubspot.settleIndex();
          return /NO |yes {2}A search takes/.test(next.output());
        },
        60_000,
      );
      await next.ended;
      assert.equal(held(hubspot), []);
    },
    { indexDelayMs: 3_600_000, limits },
  ),
);

probe('wrong use: another name, and a connector that has nothing to probe', () =>
  withAccount(async (folder) => {
    const other = await folder.run('probe', 'acme-tset', '--yes');
    assert.is(other.code, 2);
    assert.match(other.stderr, /no connector "acme-tset"\. Did you mean "acme-test"/);
    const sandbox = await folder.run('probe', 'try-it', '--yes');
    assert.is(sandbox.code, 1);
    assert.match(sandbox.stderr, 'A sandbox connector has nothing to probe.');
  }),
);

/** One that is not waited for. */
function spawnProbe(folder: BridgeFolder): {
  child: ChildProcess;
  ended: Promise<number | null>;
  output(): string;
} {
  const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
  const args = [main, '--config', join(folder.path, 'bridge.yaml'), 'probe', 'acme-test', '--yes'];
  const child = spawn(process.execPath, args, { cwd: folder.path });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended, output: () => output };
}

probe.run();
