import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { differencesOf } from '../../src/cli/differences.ts';
import { loadConfig } from '../../src/config/load.ts';
import { assert, suite } from '../support/suite.ts';

/*
 * The configurations that people copy: each loads without a word, passes its own tests, and is in the README.
 */

const examples = suite('examples of configurations');

const folder = fileURLToPath(new URL('../../config/examples/', import.meta.url));
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** A value for every variable that any of them names. */
function environmentOf(text: string): Record<string, string> {
  const names = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name);
  const given = (name: string) => {
    if (name.endsWith('_URL')) return 'https://acme.my.salesforce.com';
    return name.endsWith('_SECRET') && !name.includes('SF')
      ? `whsec_${'not+set+'.repeat(4)}`
      : `${name.toLowerCase()}-0123456789`;
  };
  return Object.fromEntries(names.map((name) => [name, given(name)]));
}

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.yaml'),
);
const env = environmentOf(files.map((name) => readFileSync(join(folder, name), 'utf8')).join());

for (const name of files.filter((name) => !/[\\/]/.test(name)))
  examples(`${name} passes its tests, and nothing is said against it`, async () => {
    const { settings, warnings } = await loadConfig(join(folder, name), { env });
    assert.equal(warnings, []);
    assert.ok(settings.tests.length > 0);
    for (const test of settings.tests) assert.equal(differencesOf(settings, test, {}), [], test.name);
    assert.match(readme, `(config/examples/${name})`);
  });

examples.run();
