import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectorNames, loadConnector, NoConnector } from '../../src/connector/registry.ts';
import { assert, suite } from '../support/suite.ts';

const registry = suite('connector registry');

const fixtures = resolve(fileURLToPath(new URL('fixtures', import.meta.url)));

async function refusalOf(type: string): Promise<string> {
  try {
    await loadConnector(type, fixtures);
  } catch (thrown) {
    if (thrown instanceof NoConnector) return thrown.message;
    throw thrown;
  }
  return '';
}

registry('knows the connectors that come with the bridge', async () => {
  assert.equal(await connectorNames(), ['hubspot', 'salesforce', 'sandbox', 'webhook']);
});

registry('loads each of them under the name of its folder', async () => {
  for (const name of await connectorNames()) assert.is((await loadConnector(name, '/')).type, name);
});

registry('loads a path from the folder of the file that names it', async () => {
  assert.is((await loadConnector('./crm.ts', fixtures)).type, 'crm');
  assert.is((await loadConnector('./crm', fixtures)).type, 'crm');
  assert.is((await loadConnector('../fixtures/crm', fixtures)).type, 'crm');
  assert.is((await loadConnector(`${fixtures}/crm.ts`, '/')).type, 'crm');
  assert.is((await loadConnector('../../../connectors/sandbox', fixtures)).type, 'sandbox');
});

const known = 'Known connectors: hubspot, salesforce, sandbox, webhook.';
const readme = 'connectors/README.md shows what it must be.';
const refusals: [type: string, message: string][] = [
  ['hubspott', `there is no "hubspott". Did you mean "hubspot"? ${known}`],
  ['HubSpot', `there is no "HubSpot". Did you mean "hubspot"? ${known}`],
  ['@acme/delacon-crm', `there is no "@acme/delacon-crm". ${known}`],
  ['node:fs', `there is no "node:fs". ${known}`],
  ['data:text/javascript,1', `there is no "data:text/javascript,1". ${known}`],
  ['hubspot/../../src/main.ts', `there is no "hubspot/../../src/main.ts". ${known}`],
  ['./nowhere', `there is no module at ${fixtures}/nowhere. A path is relative to the file that names it.`],
  ['./no-default.ts', `it is not a connector: its default export is not made by defineConnector. ${readme}`],
  [
    './almost.ts',
    `it is not a connector: its default export has no options that are a Zod 4 schema. ${readme}`,
  ],
  ['fast-check', `it is not a connector: its default export has no type. ${readme}`],
  ['./throws.ts', 'it could not be loaded: the library of this connector is not installed'],
];
for (const [type, message] of refusals) {
  registry(`refuses ${type}`, async () => assert.is(await refusalOf(type), message));
}

registry.run();
