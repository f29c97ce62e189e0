import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sqlite from 'node:sqlite';
import sandbox from '../../../connectors/sandbox/index.ts';
import { LocalCrm } from '../../../connectors/sandbox/local-crm.ts';
import { model } from '../../../connectors/sandbox/model.ts';
import { type Fields, parsePush } from '../../../src/call/push.ts';
import type { RecordRef, Tools } from '../../../src/connector/index.ts';
import type { TouchFields } from '../../../src/crm/index.ts';
import { connectorContract } from '../../conformance/connector-contract.ts';
import { smallCrmContract } from '../../conformance/crm-contract.ts';
import { deliveryOf, endPush, endSample, startPush, startSample } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { movingClock } from '../../support/moving-clock.ts';
import { assert, suite } from '../../support/suite.ts';

function withFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  const cleanUp = () => rmSync(folder, { recursive: true, force: true });
  const result = use(folder);
  if (result instanceof Promise) return result.finally(cleanUp) as T;
  cleanUp();
  return result;
}

type Keys = 'unique' | 'none';

const openIn = (folder: string) => sandbox.open(sandbox.options.parse({}), testTools({ dataDir: folder }));

/** With the file open beside the connection, as somebody who looks into it has it. */
const withCrm =
  <C>(keys: Keys, crmOf: (crm: LocalCrm, folder: string) => C) =>
  (use: (crm: C) => Promise<void>) =>
    withFolder(async (folder) => {
      const crm = new LocalCrm(join(folder, 'sandbox.db'), keys);
      try {
        await use(crmOf(crm, folder));
      } finally {
        crm.close();
      }
    });

/** As somebody who knows of no keys. */
function typedIn(crm: LocalCrm, phone: string): string {
  void crm.create('contact', [{ phone }]);
  return String(crm.all('contact').at(-1)?.id);
}

let requests = 0;
for (const name of ['create', 'update', 'read', 'search', 'users'] as const) {
  const real = LocalCrm.prototype[name] as (...args: unknown[]) => unknown;
  Object.assign(LocalCrm.prototype, {
    [name](this: LocalCrm, ...args: unknown[]) {
      requests++;
      return real.apply(this, args);
    },
  });
}

for (const keys of ['unique', 'none'] as const) {
  const name = keys === 'unique' ? 'sandbox' : 'sandbox without unique keys';
  connectorContract(
    name,
    withCrm(keys, (crm, folder) => ({
      open: async (tools) => sandbox.open(sandbox.options.parse({ keys }), { ...tools, dataDir: folder }),
      ...(keys === 'none' ? { remembers: true } : {}),
      activities: () =>
        crm.all('call').map(({ fields }) => ({
          key: String(fields['delacon_call_id']),
          completed: fields['status'] !== 'ringing',
          personId: fields['contact'] === undefined ? null : String(fields['contact']),
        })),
      people: () => crm.all('contact').map(({ id, fields }) => ({ id, phone: String(fields['phone']) })),
      addPerson: (phone) => typedIn(crm, phone),
      secrets: [],
    })),
  );
  smallCrmContract(
    name,
    withCrm(keys, (crm, folder) => ({
      open: async (settings, tools = testTools()) =>
        sandbox.open(sandbox.options.parse({ ...settings, keys }), { ...tools, dataDir: folder }),
      addUser: (address) => address,
      ownerField: 'owner',
      touches: model.touches as TouchFields,
      addPerson: (phone) => ({ type: 'contact', id: typedIn(crm, phone) }),
      addField: (_, kind) => `mapped_${kind}`, // whatever is named is a field
      countRequests: () => requests,
      forgetRequests() {
        requests = 0;
      },
      remove: ({ id }) => new sqlite.DatabaseSync(crm.file).exec(`delete from records where id = ${id}`),
      edit: ({ type, id }, fields) => void crm.update(type, [{ id, fields }]),
      held: ({ type, id }) => crm.all(type).find((row) => row.id === id)?.fields ?? {},
    })),
  );
}

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
      delacon_caller: '+61444444444',
      firstname: 'Caller',
      lastname: '0444 444 444',
      phone: '+61444444444',
      city: 'abc',
      state: 'abc',
    });
    assert.equal(await read(outcome?.records?.activity), {
      delacon_call_id: '1122334',
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
      delacon_call_id: '1',
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
      delacon_call_id: '1',
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

behaviour(
  'a file of before, whose keys are unique, is read and written on; it may keep none, and again',
  () =>
    withFolder(async (folder) => {
      const file = join(folder, 'sandbox.db');
      const before = new sqlite.DatabaseSync(file);
      before.exec(`
      create table if not exists records (
        id integer primary key,
        type text not null,
        key text not null,
        properties text not null,
        contact integer,
        unique (type, key)
      );
      insert into records values (7, 'contact', '+61444444444', '{"phone":"+61444444444"}', null);
      insert into records values (9, 'call', '1', '{"status":"ringing"}', 7);
    `);
      before.close();
      for (const keys of ['unique', 'none', 'unique'] as const) {
        const tools = testTools({ dataDir: folder });
        const connection = await sandbox.open(sandbox.options.parse({ keys }), tools);
        const activity = { type: 'call', id: '9' };
        const person = { type: 'contact', id: '7' };
        const records = keys === 'unique' ? {} : { activity, person };
        const delivery = deliveryOf([startPush('1'), endPush('1')], { records });
        const [outcome] = await connection.deliver([delivery], AbortSignal.timeout(5_000));
        assert.equal(outcome?.records, { activity, person });
        const held = await connection.read?.(activity, AbortSignal.timeout(5_000));
        assert.equal([held?.['status'], held?.['contact']], ['completed', '7']);
        await connection.close();
        const crm = new LocalCrm(file);
        const fates = await crm.create('call', [{ delacon_call_id: '1' }]);
        assert.is(fates[0]?.failure?.cure?.what, keys === 'unique' ? 'taken' : undefined);
        for (const { id } of crm.all('call').slice(1))
          new sqlite.DatabaseSync(file).exec(`delete from records where id = ${id}`);
        crm.close();
      }
    }),
);

behaviour('a contact that somebody deleted is followed: the caller is looked up again', () =>
  withFolder(async (folder) => {
    const tools = testTools({ dataDir: folder });
    const connection = await sandbox.open(sandbox.options.parse({}), tools);
    const signal = AbortSignal.timeout(5_000);
    const [first] = await connection.deliver([deliveryOf([startPush('1')])], signal);
    const id = first?.records?.person?.id;
    new sqlite.DatabaseSync(join(folder, 'sandbox.db')).exec(`delete from records where id = ${id}`);
    const [second] = await connection.deliver([deliveryOf([startPush('2')])], signal);
    assert.is(second?.kind, 'delivered', JSON.stringify(second));
    assert.is.not(second?.records?.person?.id, id);
    assert.match(
      JSON.stringify(second?.notes),
      `Sandbox no longer has the contact ${id}, so the caller was looked up again.`,
    );
    await connection.close();
  }),
);

behaviour(
  'a file that another program holds is the connector\u2019s trouble, and no verdict on the call',
  () =>
    withFolder(async (folder) => {
      const connection = await openIn(folder);
      const other = new sqlite.DatabaseSync(join(folder, 'sandbox.db'));
      other.exec('begin immediate');
      const deliver = async () =>
        (await connection.deliver([deliveryOf([startPush('1')])], AbortSignal.timeout(5_000)))[0];
      const held = await deliver();
      assert.equal([held?.kind, held?.kind === 'retry' && held.scope], ['retry', 'connector']);
      other.close();
      assert.is((await deliver())?.kind, 'delivered');
      await connection.close();
    }),
);

for (const keys of ['unique', 'none'] as const)
  behaviour(
    `stopped at any step, with ${keys === 'none' ? 'no' : ''} unique keys, each record is made once`,
    async () => {
      const missed = { PLA_CallResult: 'Unanswered' };
      const options = sandbox.options.parse({ keys, followUp: {}, owner: { by: 'call.serviceId', map: {} } });
      for (let step = 1, isOver = false; !isOver; step++)
        await withFolder(async (folder) => {
          const tools = testTools({ dataDir: folder });
          let steps = 0;
          /** From this step on, nothing that is asked for is done: the process is gone. */
          const stopping = <T extends object>(means: T): T =>
            new Proxy(means, {
              get:
                (target, name) =>
                (...args: unknown[]) => {
                  if (++steps >= step) throw new Error('killed');
                  return (target as Record<string | symbol, (...all: unknown[]) => unknown>)[name]?.(...args);
                },
            });
          const calls = [deliveryOf([startPush('1')]), deliveryOf([startPush('2'), endPush('2', missed)])];
          const deliver = async (own: Tools) => {
            const connection = await sandbox.open(options, own);
            try {
              return await connection.deliver(calls, AbortSignal.timeout(5_000));
            } finally {
              await connection.close();
            }
          };
          const { memory, people } = tools;
          isOver = await deliver({ ...tools, memory: stopping(memory), people: stopping(people) }).then(
            () => true,
            () => false,
          );
          const { clock, pass } = movingClock();
          pass(3_600_000);
          const outcomes = await deliver({ ...tools, clock });
          assert.equal(
            outcomes.map(({ kind }) => kind),
            ['delivered', 'delivered'],
            JSON.stringify(outcomes),
          );
          const crm = new LocalCrm(join(folder, 'sandbox.db'));
          const counts = ['contact', 'call', 'task'].map((type) => crm.all(type).length);
          crm.close();
          assert.equal(counts, [1, 2, 1], `stopped at step ${step}`);
        });
    },
  );

behaviour.run();
