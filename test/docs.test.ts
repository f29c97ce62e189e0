import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connectorNames } from '../src/connector/registry.ts';
import { callNames } from '../src/route/names.ts';
import { withBridgeFolder } from './support/bridge-process.ts';
import { assert, suite } from './support/suite.ts';

const docs = suite('documentation');

const root = new URL('../', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');

docs('every connector is in both lists, and has a README of its own', async () => {
  for (const name of await connectorNames()) {
    assert.match(read('README.md'), `| ${name} |`);
    assert.match(read('connectors/README.md'), `[${name}](${name}/README.md)`);
    assert.ok(existsSync(new URL(`connectors/${name}/README.md`, root)), name);
  }
});

docs('every command is in the README', () =>
  withBridgeFolder(async (folder) => {
    const { stdout } = await folder.run('--help');
    const names = [...stdout.matchAll(/^ {2}([a-z]+)(?= \[| <| )/gm)].map((match) => match[1] as string);
    assert.ok(names.length >= 9, stdout);
    for (const name of names.filter((other) => other !== 'help')) {
      assert.match(read('README.md'), new RegExp(`(\`${name}[ \`]|npm run ${name}\\b)`), name);
    }
  }),
);

docs('the promise stands in the README, word for word', () => {
  assert.match(
    read('README.md').replace(/\n> /g, ' '),
    'Acknowledged means stored. Every stored call reaches the CRM, and appears there exactly once, because each write carries a key that the CRM enforces. What cannot be written waits in the open, with the reason, and is never dropped.',
  );
});

docs('every link between the documents leads to a file', () => {
  for (const file of [
    'README.md',
    'config/fields.md',
    'config/metrics.md',
    'connectors/README.md',
    'connectors/hubspot/README.md',
    'connectors/salesforce/README.md',
    'connectors/sandbox/README.md',
    'connectors/webhook/README.md',
    'src/README.md',
    '.github/CONTRIBUTING.md',
    '.github/SECURITY.md',
  ]) {
    for (const [, target = ''] of read(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      assert.ok(existsSync(new URL(target, new URL(file, root))), `${file} links to ${target}`);
    }
  }
});

docs('each folder of src, and what stands alone there, is in its README', () => {
  const told = read('src/README.md');
  for (const { name } of readdirSync(new URL('src/', root), { withFileTypes: true })) {
    const folder = name.includes('.') ? name : `${name}/`;
    if (!['README.md', 'clock.ts'].includes(name)) assert.match(told, `- \`${folder}\``);
  }
});

docs(
  "the table of Delacon's fields is what `fields --markdown` makes of the code, and every name is beside it",
  () =>
    withBridgeFolder(async (folder) => {
      const both = fileURLToPath(new URL('config/examples/both-crms.yaml', root));
      const { stdout } = await folder.run('fields', '--markdown', '--config', both);
      const told = read('config/fields.md');
      assert.ok(
        told.includes(`\n\n${stdout}\n`),
        'npm run -s bridge -- fields --markdown --config config/examples/both-crms.yaml',
      );
      const { stdout: json } = await folder.run('fields', '--json', '--config', both);
      for (const { name, summary } of JSON.parse(json))
        assert.ok(summary.length > 0, `${name} shows nowhere`);
      for (const name of callNames) if (name !== 'call.fields') assert.match(told, `\`${name}\``);
    }),
);

docs.run();
