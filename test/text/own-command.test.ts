import { readdirSync, readFileSync } from 'node:fs';
import { pasted } from '../../src/cli/command-options.ts';
import { usualFile } from '../../src/config/load.ts';
import { nameCommands, ownCommand } from '../../src/text/own-command.ts';
import { assert, suite } from '../support/suite.ts';

const commands = suite('commands in messages');

commands('are named as whoever started the program calls them', () => {
  assert.is(ownCommand('check --online'), 'delacon-bridge check --online');
  try {
    nameCommands((command) => `npm run bridge -- ${command}`);
    assert.is(ownCommand('check --online'), 'npm run bridge -- check --online');
  } finally {
    nameCommands(undefined);
  }
});

commands('tell strangers no path of this machine', () => {
  for (const config of [usualFile, '/etc/acme/bridge.yaml'])
    assert.match(pasted('link', config, true), /^(npm run bridge --|delacon-bridge) link$/);
  assert.match(pasted('link', '/etc/acme/bridge.yaml'), ' link --config /etc/acme/bridge.yaml');
});

/** They describe what is the same everywhere: settings, the API, help, what a probe leaves by its title. */
const descriptions = [
  'src/config/settings.ts',
  'src/operator/endpoints.ts',
  'src/text/own-command.ts',
  'src/cli/command-options.ts',
  'src/cli/program.ts',
];

commands('are written out by no message', () => {
  const root = new URL('../../', import.meta.url);
  const known = readFileSync(new URL('src/cli/program.ts', root), 'utf8').matchAll(/\.command\('(\w+)/g);
  const names = [...known].map(([, name]) => name).filter((name) => name !== 'probe');
  assert.ok(names.length > 15);
  const written = new RegExp(`delacon-bridge (?:${names.join('|')})\\b`);
  const wrong = ['src', 'connectors'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name}`)
      .filter((name) => name.endsWith('.ts') && !descriptions.includes(name))
      .filter((name) =>
        written.test(readFileSync(new URL(name, root), 'utf8').replace(/^ *(\*|\/\/|\/\*).*$/gm, '')),
      ),
  );
  assert.equal(wrong, []);
});

commands.run();
