// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of the YAML
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { assert, suite } from '../support/suite.ts';
import { load, withConfig } from './with-config.ts';

const envFile = suite('.env beside the configuration');

const yaml = 'operator: { token: "${TOKEN}" }\n';
const tokenOf = async (text: string, env = {}) =>
  (await load({ 'config/bridge.yaml': yaml, 'config/.env': text }, env)).settings.operator.token;

for (const [text, token] of [
  ['TOKEN=0123456789abcdef', '0123456789abcdef'],
  [
    '\uFEFF# secrets\r\n\r\n export  TOKEN = 0123456789abcdef  # of the operator\r\nOTHER=\r\n',
    '0123456789abcdef',
  ],
  ["TOKEN='01234567#89$HOME\"`'", '01234567#89$HOME"`'],
  ['TOKEN="0123456789 # abc\'def"', "0123456789 # abc'def"],
  ['TOKEN="0123456789\nabcdef"\nOTHER=x', '0123456789\nabcdef'],
  ['TOKEN=01234567$HOME=${OTHER}\\n', '01234567$HOME=${OTHER}\\n'],
  ['TOKEN=of-before-0123456789\nTOKEN=0123456789abcdef', '0123456789abcdef'],
] as const)
  envFile(`${JSON.stringify(text)} gives ${JSON.stringify(token)}, on every runtime`, async () => {
    assert.is(await tokenOf(text), token);
  });

envFile('what the environment has wins over it', async () => {
  assert.is(
    await tokenOf('TOKEN=of-the-file-0123456', { TOKEN: 'of-the-environment' }),
    'of-the-environment',
  );
});

envFile('what it says of itself is a problem at its line, and is not quoted', () =>
  withConfig(
    {
      'config/bridge.yaml': yaml,
      'config/.env': 'TOKEN=abc#hunter-two\n# fine\nhunter-two\nA="hunter-two\nB=1\n',
    },
    async ({ problems }) => {
      const told = await problems();
      assert.equal(
        [...told.matchAll(/^config\/\.env:(\d+):1 +is no NAME=value\./gm)].map(([, line]) => line),
        ['1', '3', '4'],
      );
      assert.not.match(told, 'hunter-two');
    },
  ),
);

envFile('one that others may read is warned of, and one that is not there is noticed once it is', () =>
  withConfig({ 'config/bridge.yaml': yaml, 'config/.env': 'TOKEN=0123456789abcdef' }, async (folder) => {
    const file = join(folder.path, 'config/.env');
    chmodSync(file, 0o644);
    assert.equal((await folder.load()).warnings, [
      'config/.env has secrets that other users of this machine may read: chmod 600 config/.env',
    ]);
    chmodSync(file, 0o600);
    const { warnings, files, secrets } = await folder.load();
    assert.equal([warnings, files.includes(file), secrets], [[], true, ['0123456789abcdef']]);
    assert.ok((await folder.load({ TOKEN: 'x'.repeat(16) })).files.includes(file));
  }),
);

envFile.run();
