import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../src/log.ts';
import { type Bridge, startBridge } from '../../src/main.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { assert, suite, until } from '../support/suite.ts';

/*
 * An agency keeps a file for each client. Once, every source went to every connector when no file had routes, and the
 * calls of each client stood in the CRMs of all.
 */

const clients = suite('a file for each client');

interface Agency {
  bridge: Bridge;
  write(file: string, yaml: string): void;
  said(): string;
}

const main = (folder: string) =>
  `listen: { host: 127.0.0.1, port: 0 }\nstore: { url: "sqlite:${folder}/data/bridge.db" }\ninclude: [clients/*.yaml]\n`;
const tokenOf = (source: string) => `push-token-of-${source}`;
const source = (name: string) => `${name}: { tokens: [${tokenOf(name)}] }`;
const client = (name: string, more = '') =>
  `sources: { ${source(name)} }\nconnectors: { ${name}-crm: { type: sandbox } }\n${more}`;

async function withAgency(names: readonly string[], use: (agency: Agency) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-'));
  const write = (file: string, yaml: string) => writeFileSync(join(folder, file), yaml);
  let said = '';
  try {
    mkdirSync(join(folder, 'clients'));
    write('bridge.yaml', main(folder));
    for (const name of names) write(`clients/${name}.yaml`, client(name));
    const log = createLog('info', [], {
      write(line) {
        said += line;
      },
    });
    const bridge = await startBridge({ configPath: join(folder, 'bridge.yaml'), env: {}, log });
    try {
      await use({ bridge, write, said: () => said });
    } finally {
      await bridge.stop();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function pushCall({ bridge }: Agency, name: string, callId: string): Promise<void> {
  for (const push of [startPush(callId), endPush(callId)]) {
    const url = `${bridge.url}/push/${tokenOf(name)}`;
    const { status } = await fetch(url, { method: 'POST', body: JSON.stringify(push) });
    assert.is(status, 200);
  }
}

/** The calls that are in a CRM, and in which. */
async function held({ bridge }: Agency): Promise<string[]> {
  const { calls } = await bridge.operator.calls({ state: 'delivered' });
  return calls
    .map(
      ({ source, callId, deliveries }) =>
        `${source} ${callId}: ${deliveries.map(({ connector }) => connector).join()}`,
    )
    .sort();
}

clients('each call is in the CRM of its own client alone, also after a file was changed meanwhile', () =>
  withAgency(['acme', 'beta', 'coro'], async (agency) => {
    // The ids are those of three Delacon accounts, which may count alike.
    for (const name of ['acme', 'beta', 'coro']) await pushCall(agency, name, '77');
    const first = ['acme 77: acme-crm', 'beta 77: beta-crm', 'coro 77: coro-crm'];
    await until('three calls', async () => (await held(agency)).length === 3);
    assert.equal(await held(agency), first);
    const [told] = (await agency.bridge.operator.story('beta', '77')).routing;
    assert.match(told?.place ?? '', /clients\/beta\.yaml$/);
    assert.is(told?.why, 'the file has no routes, so calls of its source beta go to its connector beta-crm');

    agency.write('clients/coro.yaml', client('coro', 'routes: [{ when: call.missed, to: [coro-crm] }]\n'));
    await until('it to be in force', () => /configuration is in force/.test(agency.said()));
    for (const name of ['acme', 'beta', 'coro']) await pushCall(agency, name, '78');
    await until('two more', async () => (await held(agency)).length === 5);
    assert.equal(await held(agency), [...first, 'acme 78: acme-crm', 'beta 78: beta-crm'].sort());
  }),
);

clients('a file that brings two clients together is not taken over, and what nobody feeds is told', () =>
  withAgency(['acme', 'beta'], async (agency) => {
    agency.write(
      'clients/beta.yaml',
      `sources: { ${source('beta')}, dent: }\nconnectors: { beta-crm: { type: sandbox } }`,
    );
    await until('it to be refused', () =>
      /not taken over:.*beta\.yaml:1:\d+ +sources\.dent: beta-crm would get the calls of beta and dent/.test(
        agency.said(),
      ),
    );
    agency.write('clients/beta.yaml', `sources: { ${source('beta')} }`);
    await until('it to be taken over', () => /configuration is in force/.test(agency.said()));
    assert.match(agency.said(), /beta\.yaml:1:12 {2}sources\.beta: no route takes its calls/);
  }),
);

clients.run();
