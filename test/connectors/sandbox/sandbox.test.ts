import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sandbox from '../../../connectors/sandbox/index.ts';
import { LocalCrm } from '../../../connectors/sandbox/local-crm.ts';
import { type Fields, parsePush } from '../../../src/call/push.ts';
import type { RecordRef } from '../../../src/connector/index.ts';
import { connectorContract } from '../../conformance/connector-contract.ts';
import { smallCrmContract } from '../../conformance/crm-contract.ts';
import { deliveryOf, endPush, endSample, startPush, startSample } from '../../support/build-push.ts';
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

smallCrmContract('sandbox', (use) =>
  withFolder(async (folder) => {
    const crm = new LocalCrm(join(folder, 'sandbox.db'));
    try {
      await use({
        open: async (settings, tools = testTools()) =>
          sandbox.open(sandbox.options.parse(settings), { ...tools, dataDir: folder }),
        addUser: (address) => address,
        ownerField: 'owner',
        countRequests: () => 0,
        forgetRequests() {},
        edit: (record, values) => crm.update(record, values),
        held: (record) => crm.read(record) ?? {},
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
      title: 'Call from 0444 444 444 to abc, answered by 029898989',
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
      recording: 'https://pla.delaconcorp.com......abc.wav',
      contact: outcome?.records?.person?.id,
    });
    await connection.close();
  }),
);
behaviour('a missed call leaves one open task, which the next answered call completes', () =>
  withFolder(async (folder) => {
    const options = sandbox.options.parse({
      followUp: { doneWhen: 'reached', dueIn: '2h' },
      owner: { by: 'call.answeredBy.number', map: { '(02) 9898 9898': 'jane@acme.example' } },
    });
    const tools = testTools({ dataDir: folder });
    const connection = await sandbox.open(options, tools);
    const deliver = async (...pushes: Fields[]) => {
      const [outcome] = await connection.deliver([deliveryOf(pushes)], AbortSignal.timeout(5_000));
      return outcome?.records ?? {};
    };
    const read = (record: RecordRef | undefined) =>
      record ? connection.read?.(record, AbortSignal.timeout(5_000)) : undefined;

    const unanswered = { PLA_CallResult: 'Unanswered', PLA_Duration: '20s' };
    const earlier = { PLA_CallStartTime: '00000001556755000000' };
    const missed = [startPush('1', earlier), endPush('1', unanswered)];
    const { followUp } = await deliver(...missed);
    assert.equal((await deliver(...missed)).followUp, followUp, 'once, however often it is written');
    assert.equal(await read(followUp), {
      key: '1',
      status: 'open',
      subject: 'Call back 0444 444 444',
      dueAt: '2019-05-02T01:57:00.000Z',
      owner: 'jane@acme.example',
      contact: '1',
    });

    await deliver(startPush('2'), endPush('2', unanswered));
    assert.is((await read(followUp))?.['status'], 'open', 'missed again');
    await deliver(startPush('3', { PLA_Caller_Phone_Number: '+61411111111' }), endPush('3'));
    assert.is((await read(followUp))?.['status'], 'open', 'somebody else');
    await deliver(startPush('0', { PLA_CallStartTime: '00000001556750000000' }), endPush('0'));
    assert.is((await read(followUp))?.['status'], 'open', 'an older call, delivered late');
    const isOpen = (name: string) => name.startsWith('openFollowUps/');
    assert.is([...tools.kept.keys()].filter(isOpen).length, 1);
    const last = deliveryOf([startPush('4', { PLA_CallStartTime: '00000001556759000000' }), endPush('4')]);
    const [outcome] = await connection.deliver([last], AbortSignal.timeout(5_000));
    assert.ok(outcome?.notes?.includes(`The follow-up ${followUp?.id} of an earlier call was completed.`));
    assert.is((await read(followUp))?.['status'], 'completed');
    assert.is([...tools.kept.keys()].filter(isOpen).length, 0);
    await connection.close();
  }),
);

behaviour('a sale leaves one deal with its amount', () =>
  withFolder(async (folder) => {
    const options = sandbox.options.parse({
      sale: {
        when: "call.survey.outcome == 'Sale' or call.phase == 'ringing'",
        stage: 'closedwon',
        properties: { gclid: '{{ call.marketing.gclid }}' },
      },
    });
    const connection = await sandbox.open(options, testTools({ dataDir: folder }));
    const signal = AbortSignal.timeout(5_000);
    const batch = [
      deliveryOf([startPush('1'), endPush('1')]),
      deliveryOf([startPush('2'), endPush('2', { PLA_SurveyOutcome: 'Enquiry' })]),
      deliveryOf([startPush('3')]),
    ];
    const outcomes = await connection.deliver(batch, signal);
    const [first, second, third] = outcomes.map(({ records }) => records?.sale);
    assert.equal([second, third], [undefined, undefined], 'no sale, and not over yet');
    assert.equal(first && (await connection.read?.(first, signal)), {
      key: '1',
      name: 'Sale by phone, 0444 444 444',
      stage: 'closedwon',
      closedAt: '2019-05-02T00:13:07.003Z',
      amount: 1250,
      gclid: 'C152ddsa12213123132',
      contact: '1',
    });
    await connection.close();
  }),
);

behaviour('refuseOnce refuses a call the first time, with a way out, and no other call', () =>
  withFolder(async (folder) => {
    const options = sandbox.options.parse({ refuseOnce: 'call.missed' });
    const connection = await sandbox.open(options, testTools({ dataDir: folder }));
    const batch = [
      deliveryOf([startPush('1'), endPush('1')]),
      deliveryOf([startPush('2'), endPush('2', { PLA_CallResult: 'Busy' })]),
    ];
    const kinds = async () =>
      (await connection.deliver(batch, AbortSignal.timeout(5_000))).map(({ kind }) => kind);
    assert.equal(await kinds(), ['delivered', 'rejected']);
    assert.equal(await kinds(), ['delivered', 'delivered']);
    await connection.close();
  }),
);

behaviour.run();
