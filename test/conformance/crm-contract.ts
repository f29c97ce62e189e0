import type { Connection, Delivery, Outcome, RecordRef } from '../../src/connector/index.ts';
import type { TouchFields } from '../../src/crm/index.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { type TestTools, testTools } from '../support/connector-tools.ts';
import { movingClock } from '../support/moving-clock.ts';
import { assert, suite } from '../support/suite.ts';

/** What every CRM has, be it one that says nothing of its fields. */
export interface SmallCrm {
  /** A fresh connection, with settings as YAML gives them beside the log-in. What `tools` keep is all that is remembered. */
  open(settings: Record<string, unknown>, tools?: TestTools): Promise<Connection>;
  /** Somebody who may own records. Returns how records name them. */
  addUser(address: string): string;
  /** Where records say whose they are. */
  ownerField: string;
  /** Where the touches of a person are. */
  touches?: TouchFields | undefined;
  /** As somebody else typed them in, so that searching finds them at once. */
  addPerson(phone: string): RecordRef;
  /** A field that an administrator makes, of activities or of whatever people may be. Returns its name. */
  addField(of: 'activity' | 'person', kind: 'number' | 'boolean'): string;
  countRequests(): number;
  /** A request writes one record. */
  writesOneByOne?: true;
  forgetRequests(): void;
  /** As somebody who edits a record by hand. */
  edit(record: RecordRef, values: Record<string, string | number>): void;
  /** As somebody who deletes a record by hand. */
  remove(record: RecordRef): void;
  /** What it holds of a record. */
  held(record: RecordRef): Record<string, unknown>;
}

/** A CRM as its emulator shows it, and as its administrators and users change it. */
export interface RuledCrm extends SmallCrm {
  /** Fields that no activity has, or that nobody may write. */
  unwritable: { missing: string; readOnly: string };
  /** As an administrator who makes the missing one, on everything. */
  addMissing(): void;
  /** As an administrator whose rule lets nobody be given a person. */
  refuseOwners(): void;
  /** A stage of sales that it has. */
  stage: string;
  /** How often it was asked for the fields of activities. */
  descriptionsAsked(): number;
  /** The next question for them is not answered. */
  refuseDescription(): void;
}

async function deliver(connection: Connection, delivery: Delivery): Promise<Outcome> {
  const [outcome] = await connection.deliver([delivery], AbortSignal.timeout(20_000));
  return outcome as Outcome;
}

const whole = (id: string, start: Record<string, string> = {}, end: Record<string, string> = {}) =>
  deliveryOf([startPush(id, start), endPush(id, end)]);

/** What must be the same wherever records are, whatever they are written with. */
export function smallCrmContract(
  name: string,
  withCrm: (use: (crm: SmallCrm) => Promise<void>) => Promise<void>,
): void {
  const contract = suite(`CRM contract of records: ${name}`);
  const owner = {
    by: 'call.answeredBy.number',
    map: { '0298989898': 'jane@acme.example' },
    otherwise: 'desk@acme.example',
  };

  contract(
    'an activity is nobody’s while it rings, then whose its call names, and then whose people say',
    () =>
      withCrm(async (crm) => {
        const jane = crm.addUser('jane@acme.example');
        const joe = crm.addUser('joe@acme.example');
        crm.addUser('desk@acme.example');
        const tools = testTools();
        const started = ['1', '2'].map((id) => deliveryOf([startPush(id)]));
        const first = await (await crm.open({ owner }, tools)).deliver(started, AbortSignal.timeout(20_000));
        const records = first.map((outcome) => outcome.records ?? {});
        const ownersNow = () =>
          records.map(({ activity }) => crm.held(activity as RecordRef)[crm.ownerField]);
        crm.edit(records[1]?.activity as RecordRef, { [crm.ownerField]: joe });
        const ended = records.map((known, i) => ({ ...whole(`${i + 1}`), records: known }));
        const deliverTo = async (connection: Connection, batch: readonly Delivery[]) => {
          crm.forgetRequests();
          for (const outcome of await connection.deliver(batch, AbortSignal.timeout(20_000)))
            assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
          return crm.countRequests();
        };
        const connection = await crm.open({ owner }, tools);
        await deliverTo(connection, ended);
        assert.equal(ownersNow(), [jane, joe]);
        crm.edit(records[0]?.activity as RecordRef, { [crm.ownerField]: joe });
        await deliverTo(connection, ended);
        assert.equal(ownersNow(), [joe, joe]);
        const ofTwo = await deliverTo(await crm.open({ owner }, tools), ended);
        assert.equal(ownersNow(), [joe, joe]);
        const ofOne = await deliverTo(await crm.open({ owner }, tools), ended.slice(0, 1));
        assert.is(ofTwo, ofOne + (crm.writesOneByOne ? 1 : 0), 'looked at once for a batch');
      }),
  );

  contract('a follow-up of an earlier call that is settled is completed, and noted', () =>
    withCrm(async (crm) => {
      const connection = await crm.open({ followUp: { doneWhen: 'reached' } });
      await connection.apply(AbortSignal.timeout(20_000), () => {});
      const at = (hour: number) => ({ PLA_CallStartTime: `2026-10-01T0${hour}:00:00Z` });
      const missed = await deliver(connection, whole('1', at(1), { PLA_CallResult: 'Unanswered' }));
      const id = missed.records?.followUp?.id;
      const reached = await deliver(connection, whole('2', at(2)));
      assert.equal(reached.notes, [`The follow-up ${id} of an earlier call was completed.`]);
      const again = await deliver(connection, whole('3', at(3)));
      assert.is(again.notes, undefined);
    }),
  );

  /** A call that an advertisement brought. */
  const advertised = (id: string, day: number, keywords: string) =>
    whole(id, {
      PLA_CallStartTime: `2026-10-0${day}T00:00:00Z`,
      PLA_Search_Engine_Used: 'google',
      PLA_Keywords_Searched: keywords,
    });

  /** The keywords of a person's first and last touch. */
  const touchesOf = (crm: SmallCrm, person: RecordRef | undefined) => {
    const held = crm.held(person as RecordRef);
    return crm.touches && [held[crm.touches.first.keywords], held[crm.touches.last.keywords]];
  };

  contract(
    'the first touch is that of the earliest call, also when that comes last; the last the latest',
    () =>
      withCrm(async (crm) => {
        if (!crm.touches) return;
        const { clock, pass } = movingClock();
        const settings = { attribution: true };
        const tools = testTools({ clock });
        const connection = await crm.open(settings, tools);
        await connection.apply(AbortSignal.timeout(20_000), () => {});
        const { records } = await deliver(connection, advertised('2', 2, 'tap'));
        assert.equal(touchesOf(crm, records?.person), ['tap', 'tap']);
        await deliver(connection, advertised('4', 4, 'roof'));
        pass(60_000);
        await deliver(connection, advertised('1', 1, 'drain'));
        assert.equal(touchesOf(crm, records?.person), ['drain', 'roof']);
        await deliver(await crm.open(settings, tools), advertised('3', 3, 'leak'));
        assert.equal(touchesOf(crm, records?.person), ['drain', 'roof']);
      }),
  );

  contract('of several new calls in one batch, too, in any order', () =>
    withCrm(async (crm) => {
      if (!crm.touches) return;
      const connection = await crm.open({ attribution: true });
      await connection.apply(AbortSignal.timeout(20_000), () => {});
      const batch = [advertised('2', 2, 'tap'), advertised('4', 4, 'roof'), advertised('1', 1, 'drain')];
      const [outcome] = await connection.deliver(batch, AbortSignal.timeout(20_000));
      assert.equal(touchesOf(crm, outcome?.records?.person), ['drain', 'roof']);
    }),
  );

  contract('onUpdate: never writes nothing on people who were there, be it how their calls came about', () =>
    withCrm(async (crm) => {
      const mapped = crm.addField('person', 'number');
      const person = { onUpdate: 'never', properties: { [mapped]: '1' } };
      const { touches = { first: {}, last: {} } } = crm;
      const connection = await crm.open({ ...(crm.touches && { attribution: true }), person });
      await connection.apply(AbortSignal.timeout(20_000), () => {});
      const there = crm.addPerson('0444 444 444');
      const { records } = await deliver(connection, advertised('1', 1, 'drain'));
      assert.equal(records?.person, there);
      const held = crm.held(there);
      const blank = [mapped, ...Object.values(touches).flatMap((touch) => Object.values<string>(touch))];
      for (const field of blank) assert.is(held[field] ?? null, null, field);
    }),
  );

  contract('a blank of a person is believed for ten seconds: what people fill in meanwhile stays', () =>
    withCrm(async (crm) => {
      const { clock, pass } = movingClock();
      const field = crm.addField('person', 'number');
      const there = crm.addPerson('0444 444 444');
      const person = { properties: { [field]: '{{ call.extra }}' } };
      const connection = await crm.open({ person }, testTools({ clock }));
      await deliver(connection, whole('1', {}, { PLA_ExtraTracking: '' }));
      crm.edit(there, { [field]: 7 });
      pass(10_000);
      crm.forgetRequests();
      await deliver(connection, whole('2', {}, { PLA_ExtraTracking: '5' }));
      assert.is(String(crm.held(there)[field]), '7');
      const asked = crm.countRequests();
      pass(9_000);
      crm.forgetRequests();
      await deliver(connection, whole('3', {}, { PLA_ExtraTracking: '5' }));
      assert.is(crm.countRequests(), asked - 1, 'and not looked at again');
    }),
  );

  contract(
    'a person made while the phone rang gets who answered; taken meanwhile, they stay where they are',
    () =>
      withCrm(async (crm) => {
        const jane = crm.addUser('jane@acme.example');
        const joe = crm.addUser('joe@acme.example');
        crm.addUser('desk@acme.example');
        const owner = {
          by: 'call.answeredBy.number',
          map: { '0298989898': 'jane@acme.example', '0255501234': 'joe@acme.example' },
          otherwise: 'desk@acme.example',
        };
        const tools = testTools();
        const numbers = ['0444444444', '0444444445', '0444444446'];
        const started = numbers.map((PLA_Caller_Phone_Number, i) =>
          deliveryOf([startPush(`${i}`, { PLA_Caller_Phone_Number })]),
        );
        const first = await (await crm.open({ owner }, tools)).deliver(started, AbortSignal.timeout(20_000));
        const records = first.map((outcome) => outcome.records ?? {});
        const ownersNow = () => records.map(({ person }) => crm.held(person as RecordRef)[crm.ownerField]);
        crm.edit(records[1]?.person as RecordRef, { [crm.ownerField]: joe });
        const ended = numbers.map((PLA_Caller_Phone_Number, i) => ({
          ...whole(`${i}`, { PLA_Caller_Phone_Number }, i === 2 ? { PLA_Answering_Point: '0255501234' } : {}),
          records: records[i] ?? {},
        }));
        const connection = await crm.open({ owner }, tools);
        const outcomes = await connection.deliver(ended, AbortSignal.timeout(20_000));
        for (const outcome of outcomes) assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
        assert.equal(ownersNow(), [jane, joe, joe]);
        const [name = ''] = numbers;
        const later = whole('9', { PLA_Caller_Phone_Number: name }, { PLA_Answering_Point: '0255501234' });
        await deliver(connection, later);
        assert.equal(ownersNow(), [jane, joe, joe], 'once');
      }),
  );

  contract('an activity that somebody deleted is made again, for the same person', () =>
    withCrm(async (crm) => {
      const connection = await crm.open({});
      const { records = {} } = await deliver(connection, deliveryOf([startPush('1')]));
      crm.remove(records.activity as RecordRef);
      const outcome = await deliver(connection, { ...whole('1'), records });
      assert.is(
        outcome.kind,
        'delivered',
        `a record that is gone has the cure gone: ${JSON.stringify(outcome)}`,
      );
      assert.is.not(Object.keys(crm.held(outcome.records?.activity as RecordRef)).length, 0);
      assert.equal(outcome.records?.person, records.person);
    }),
  );

  contract('calls of somebody who was deleted are of whoever has the number now, and a note says so', () =>
    withCrm(async (crm) => {
      const { clock, pass } = movingClock();
      const connection = await crm.open({}, testTools({ clock }));
      const { person } = (await deliver(connection, whole('1'))).records ?? {};
      crm.remove(person as RecordRef);
      let outcome = await deliver(connection, whole('2'));
      // Whether they became another may be searched for, for a while.
      for (let n = 1; n < 10 && outcome.kind === 'retry' && outcome.notBefore; n++) {
        pass(outcome.notBefore.getTime() - clock.now().getTime());
        outcome = await deliver(connection, whole('2'));
      }
      const told = JSON.stringify(outcome);
      assert.is(outcome.kind, 'delivered', `a record whose person is gone has the cure orphan: ${told}`);
      assert.is.not(outcome.records?.person?.id, person?.id);
      assert.match(
        told,
        `no longer has the ${person?.type} ${person?.id}, so the caller was looked up again`,
      );
    }),
  );

  contract('a person who was there before is nobody’s to give', () =>
    withCrm(async (crm) => {
      crm.addUser('jane@acme.example');
      const there = crm.addPerson('0444 444 444');
      const before = crm.held(there)[crm.ownerField];
      const owner = { by: 'call.answeredBy.number', map: { '0298989898': 'jane@acme.example' } };
      const connection = await crm.open({ owner });
      const { records = {} } = await deliver(connection, deliveryOf([startPush('1')]));
      await deliver(connection, { ...whole('1'), records });
      assert.is(crm.held(there)[crm.ownerField], before);
    }),
  );

  contract.run();
}

/** What must be the same in every CRM: the same settings and the same calls do the same, whatever the CRM calls it. */
export function crmContract(
  name: string,
  withCrm: (use: (crm: RuledCrm) => Promise<void>) => Promise<void>,
): void {
  smallCrmContract(name, withCrm);
  const contract = suite(`CRM contract: ${name}`);

  contract('$1,250.00 is a number and yes a yes wherever the field is one', () =>
    withCrm(async (crm) => {
      const properties = {
        [crm.addField('activity', 'number')]: '$1,250.00',
        [crm.addField('activity', 'boolean')]: 'yes',
      };
      const outcome = await deliver(await crm.open({ activity: { properties } }), whole('1'));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.is(outcome.notes, undefined);
      const held = crm.held(outcome.records?.activity as RecordRef);
      assert.equal(
        Object.keys(properties).map((field) => String(held[field])),
        ['1250', 'true'],
      );
    }),
  );

  for (const why of ['missing', 'readOnly'] as const)
    contract(`a mapped field that is ${why} blocks, by its name, and costs the neighbours nothing`, () =>
      withCrm(async (crm) => {
        const field = crm.unwritable[why];
        const connection = await crm.open({ activity: { properties: { [field]: '{{ call.extra }}' } } });
        const batch = ['1', '2'].map((id) => whole(id, {}, { PLA_ExtraTracking: id === '1' ? '5' : '' }));
        const [blocked, written] = await connection.deliver(batch, AbortSignal.timeout(20_000));
        assert.is(blocked?.kind, 'blocked', JSON.stringify(blocked));
        assert.match(JSON.stringify(blocked), `activity.properties.${field}`);
        assert.is(written?.kind, 'delivered', JSON.stringify(written));
      }),
    );

  const parts = [
    ['person', {}],
    ['followUp', { when: 'call.dealer.id' }],
    ['sale', { when: 'call.dealer.id', stage: 'closedwon' }],
  ] as const;
  for (const [part, settings] of parts)
    contract(`a mapped field that no ${part} has blocks, by its name, until an administrator makes it`, () =>
      withCrm(async (crm) => {
        const { missing } = crm.unwritable;
        const { clock, pass } = movingClock();
        const properties = { [missing]: '5' };
        const stage = part === 'sale' ? { stage: crm.stage } : {};
        const tools = testTools({ clock });
        // Set up before the mapping named it.
        const before = await crm.open({ [part]: { ...settings, ...stage } }, tools);
        await before.apply(AbortSignal.timeout(20_000), () => {});
        const connection = await crm.open({ [part]: { ...settings, ...stage, properties } }, tools);
        const blocked = await deliver(connection, whole('1'));
        assert.is(blocked.kind, 'blocked', JSON.stringify(blocked));
        assert.match(JSON.stringify(blocked), `${part}.properties.${missing}`);
        crm.addMissing();
        pass(10_000);
        const outcome = await deliver(connection, whole('1'));
        assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
        assert.is(String(crm.held(outcome.records?.[part] as RecordRef)[missing]), '5');
      }),
    );

  contract('a mapped field that people who were there do not have blocks, by its name', () =>
    withCrm(async (crm) => {
      const { missing } = crm.unwritable;
      const tools = testTools();
      await deliver(await crm.open({}, tools), whole('1'));
      const connection = await crm.open({ person: { properties: { [missing]: '5' } } }, tools);
      const outcome = await deliver(connection, whole('2'));
      assert.is(outcome.kind, 'blocked', JSON.stringify(outcome));
      assert.match(JSON.stringify(outcome), `person.properties.${missing}`);
    }),
  );

  contract(
    'what the CRM says of its fields is believed for ten minutes, and serves on while it is away',
    () =>
      withCrm(async (crm) => {
        const { clock, pass } = movingClock();
        const field = crm.addField('activity', 'number');
        const properties = { [field]: '$5' };
        const connection = await crm.open({ activity: { properties } }, testTools({ clock }));
        await deliver(connection, whole('1'));
        assert.is(crm.descriptionsAsked(), 1);
        pass(9 * 60_000);
        await deliver(connection, whole('2'));
        assert.is(crm.descriptionsAsked(), 1);
        pass(60_000);
        await deliver(connection, whole('3'));
        assert.is(crm.descriptionsAsked(), 2);
        pass(10 * 60_000);
        crm.refuseDescription();
        const outcome = await deliver(connection, whole('4'));
        assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
        assert.is(crm.descriptionsAsked(), 3);
        assert.is(String(crm.held(outcome.records?.activity as RecordRef)[field]), '5');
      }),
  );

  contract('a person who cannot be given to who answered costs no call, and the note says why, once', () =>
    withCrm(async (crm) => {
      crm.addUser('jane@acme.example');
      const owner = { by: 'call.answeredBy.number', map: { '0298989898': 'jane@acme.example' } };
      const tools = testTools();
      const connection = await crm.open({ owner }, tools);
      const { records = {} } = await deliver(connection, deliveryOf([startPush('1')]));
      crm.refuseOwners();
      const ended = await deliver(connection, { ...whole('1'), records });
      assert.is(ended.kind, 'delivered', JSON.stringify(ended));
      assert.is(ended.notes?.length, 1, JSON.stringify(ended));
      const again = await deliver(connection, { ...whole('1'), records });
      assert.equal([again.kind, again.notes], ['delivered', undefined]);
    }),
  );

  contract.run();
}
