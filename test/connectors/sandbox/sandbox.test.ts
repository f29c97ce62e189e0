import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sandbox from '../../../connectors/sandbox/index.ts';
import { LocalCrm } from '../../../connectors/sandbox/local-crm.ts';
import type { RecordRef } from '../../../src/connector/contract.ts';
import { parsePush } from '../../../src/receive/push.ts';
import { connectorContract } from '../../conformance/connector-contract.ts';
import { deliveryOf, endSample, startSample } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { assert, suite } from '../../support/suite.ts';

function withFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  const cleanUp = () => rmSync(folder, { recursive: true, force: true });
  const result = use(folder);
  if (result instanceof Promise) return result.finally(cleanUp) as T;
  cleanUp();
  return result;
}

const openIn = (folder: string) => sandbox.open(sandbox.options.parse({}), testTools({ dataDir: folder }));

connectorContract('sandbox', (use) =>
  withFolder(async (folder) => {
    const crm = new LocalCrm(join(folder, 'sandbox.db'));
    try {
      await use({
        open: async () => openIn(folder),
        activities: () =>
          crm.all('call').map((call) => ({
            key: String(call['key']),
            completed: call['status'] !== 'ringing',
            personId: call['contact'] === undefined ? null : String(call['contact']),
          })),
        people: () =>
          crm.all('contact').map((contact) => ({ id: contact.id, phone: String(contact['phone']) })),
        addPerson: () =>
          crm.create({
            role: 'person',
            type: 'contact',
            key: { property: 'delacon_caller', value: '+61444444444' },
            properties: { phone: '+61444444444' },
            notes: [],
          }).id,
        secrets: [],
      });
    } finally {
      crm.close();
    }
  }),
);

const behaviour = suite('sandbox');

behaviour("the vendor's samples are one contact and one completed call", () =>
  withFolder(async (folder) => {
    const connection = await openIn(folder);
    const pushes = [startSample, endSample].map((body) => parsePush(body).fields);
    const [outcome] = await connection.deliver([deliveryOf(pushes)], AbortSignal.timeout(5_000));
    assert.is(outcome?.kind, 'delivered');
    const read = async (record: RecordRef | undefined) =>
      record && connection.read?.(record, AbortSignal.timeout(5_000));
    assert.equal(await read(outcome?.records?.person), {
      key: '+61444444444',
      firstname: 'Caller',
      lastname: '0444 444 444',
      phone: '+61444444444',
      city: 'abc',
      state: 'abc',
    });
    assert.equal(await read(outcome?.records?.activity), {
      key: '1122334',
      title: 'Call from 0444 444 444 to abc',
      status: 'completed',
      startedAt: '2019-05-02T00:12:17.003Z',
      endedAt: '2019-05-02T00:13:07.003Z',
      from: '+61444444444',
      to: '+61288889999',
      answeredBy: '029898989',
      dealer: 'abc',
      result: 'answered',
      missed: false,
      durationSeconds: 50,
      voicemail: true,
      survey: 'Sale',
      ivr: '1234',
      converted: 'online',
      engine: 'abc',
      keywords: 'abc',
      landingPage: 'https://www.delaconconcorp.com.au?gclid=C152ddsa12213123132',
      gclid: 'C152ddsa12213123132',
      recording: 'https://pla.delaconcorp.com......abc.wav?mode=direct',
      contact: outcome?.records?.person?.id,
    });
    await connection.close();
  }),
);
behaviour.run();
