import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import { assert, suite } from '../support/suite.ts';

const command = suite('test');

const yaml = `sources: { acme: { tokens: [${pushToken}] } }
connectors: { try-it: { type: sandbox }, other: { type: sandbox } }
routes: [{ to: [try-it] }]
tests:
  - name: a call has its caller
    pushes: [{ PLA_Caller_Phone_Number: 0412 345 678 }]
    records: { try-it: { person: { lastname: 0412 345 678 } } }
  - name: a call has its dealer
    pushes: [{ PLA_Dealer_Name: Sydney }]
    records: { try-it: { activity: { dealer: Perth } } }
`;

command('tells what passed and what failed: expected, got, and where it is expected', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(yaml);
    const { code, stdout, stderr } = await folder.run('test');
    assert.is(code, 1, stderr);
    assert.is(
      stdout,
      `passed  a call has its caller
FAILED  a call has its dealer  (bridge.yaml:10:11)
    bridge.yaml:12:46  try-it, activity, dealer
      expected  Perth
      got       Sydney
1 passed, 1 failed.
`,
    );
    const { passed, failed, tests } = JSON.parse((await folder.run('test', '--json')).stdout);
    assert.equal([passed, failed], [1, 1]);
    assert.equal(tests[1].differences, [
      { place: 'bridge.yaml:12:46', what: 'try-it, activity, dealer', expected: 'Perth', got: 'Sydney' },
    ]);
  }),
);

command('ends with 0 when all pass, 1 when there are none, 2 for a connector that is not there', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(yaml);
    const file = join(folder.path, 'more.yaml');
    writeFileSync(file, 'tests: [{ name: routed, pushes: [{}], to: [try-it] }]');
    const ran = await folder.run('test', '--file', file);
    assert.equal([ran.code, ran.stdout], [0, 'passed  routed\n1 passed, 0 failed.\n']);
    const none = await folder.run('test', '--connector', 'other');
    assert.is(none.code, 1);
    assert.match(none.stdout, 'There are no tests for other.');
    const unknown = await folder.run('test', '--connector', 'othr');
    assert.is(unknown.code, 2);
    assert.match(unknown.stderr, 'Did you mean "other"?');
  }),
);

command('shows what a push holds, and lets it steer no terminal', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(yaml.replace('Sydney', '"\\e[31mSydney\\a"'));
    const { stdout } = await folder.run('test');
    assert.match(stdout, 'got       \\u001b[31mSydney\\u0007');
    assert.not.match(stdout, '\u001b');
  }),
);

command.run();
