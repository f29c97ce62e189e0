// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of the YAML
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { assert, suite } from '../support/suite.ts';
import { load, withConfig } from './with-config.ts';

const envFile = suite('.env beside the configuration');

const yaml = 'operator: { token: "${TOKEN}" }\n';
const tokenOf = async (text: string | Buffer, env = {}) =>
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

const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const sayings = 'TOKEN=0123456789ab-caf\u00e9\r\nOTHER=x\r\n';
for (const [encoding, bytes] of [
  ['UTF-16, as Notepad and PowerShell save', utf16(`\uFEFF${sayings}`)],
  ['UTF-16 with its bytes the other way round', utf16(`\uFEFF${sayings}`).swap16()],
  ['UTF-16 without a mark', utf16(sayings)],
  ['Windows-1252', Buffer.from(sayings, 'latin1')],
] as const)
  envFile(`what Windows saves as ${encoding} is read, in the YAML and in files of secrets too`, async () => {
    assert.is(await tokenOf(bytes), '0123456789ab-caf\u00e9');
    const config = Buffer.from('operator: { token: "${file:secret}" } # caf\u00e9\n', 'latin1');
    const { settings } = await load({
      'config/bridge.yaml': encoding === 'Windows-1252' ? config : utf16(config.toString('latin1')),
      'config/secret': bytes,
    });
    assert.is(settings.operator.token, sayings.trimEnd());
  });

envFile('one of two encodings, as PowerShell makes with >>, is a problem that says what to do', () =>
  withConfig(
    {
      'config/bridge.yaml': yaml,
      'config/.env': Buffer.concat([Buffer.from('OTHER=x\n'), utf16('TOKEN=hunter-two\r\n')]),
    },
    async ({ problems }) => {
      const told = await problems();
      assert.match(
        told,
        /^config\/\.env +cannot be read: it is text of two encodings.* Save it anew, as UTF-8\.$/m,
      );
      assert.not.match(told, 'hunter');
    },
  ),
);

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
