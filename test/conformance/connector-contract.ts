import type { Connection, Delivery, Outcome } from '../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';

/** A CRM that a connector writes to, as its emulator shows it. */
export interface Crm {
  /**
   * A fresh connection, with an empty map of people. `tools.memory` is empty, too, unless nothing but it can tell what was
   * made, as where keys are not unique. What it needs is set up already.
   */
  open(): Promise<Connection>;
  /** The activities it holds. */
  activities(): { key: string; completed: boolean; personId: string | null }[];
  /** The people it holds. */
  people(): { id: string; phone: string }[];
  /**
   * A person whom somebody else typed in. Returns the id; searching finds the person at once. Undefined: whoever
   * receives the calls finds the people, and the connector knows of none.
   */
  addPerson?(phone: string): string;
  /**
   * Each strikes once, at the request after `skip` others, whatever kind of request that is (token requests apart).
   * Undefined: this CRM cannot fail.
   */
  faults?: {
    loseAnswerAfterCommit(skip: number): void;
    dropBeforeCommit(skip: number): void;
    /** Too busy. */
    throttle(skip: number): void;
    serverError(skip: number): void;
    /** Takes back what has not struck yet. */
    clear(): void;
    /** Every request is refused as unauthorised from now on, until `acceptToken`. */
    refuseToken(): void;
    acceptToken(): void;
  };
  /** Fields that make the CRM refuse this call alone, under the default mapping; undefined if there are none. */
  unacceptable?: Record<string, string>;
  /** Texts that must never be shown. */
  secrets: string[];
}

/** What every connector promises, whichever CRM it writes to. An author runs this with an emulator of their own. */
export function connectorContract(
  name: string,
  withCrm: (use: (crm: Crm) => Promise<void>) => Promise<void>,
): void {
  const contract = suite(`connector contract: ${name}`);
  const signal = () => AbortSignal.timeout(20_000);
  const caller = (number: string) => ({ PLA_Caller_Phone_Number: number });

  async function deliver(connection: Connection, ...batch: Delivery[]): Promise<Outcome[]> {
    const outcomes = await connection.deliver(batch, signal());
    assert.is(outcomes.length, batch.length, 'one outcome for each delivery');
    return outcomes;
  }

  contract('a call that rings is one open activity on one person', () =>
    withCrm(async (crm) => {
      const connection = await crm.open();
      const [outcome] = await deliver(connection, deliveryOf([startPush('1')]));
      assert.is(outcome?.kind, 'delivered', JSON.stringify(outcome));
      assert.is(crm.people().length, 1);
      assert.is(crm.people()[0]?.phone, '+61444444444');
      assert.equal(crm.activities(), [{ key: '1', completed: false, personId: crm.people()[0]!.id }]);
      await connection.close();
    }),
  );

  contract('its end completes the same activity', () =>
    withCrm(async (crm) => {
      const connection = await crm.open();
      const [first] = await deliver(connection, deliveryOf([startPush('1')]));
      const records = first?.records ?? {};
      const [second] = await deliver(connection, deliveryOf([startPush('1'), endPush('1')], { records }));
      assert.is(second?.kind, 'delivered', JSON.stringify(second));
      assert.equal(second?.records?.activity, records.activity);
      assert.equal(crm.activities(), [{ key: '1', completed: true, personId: crm.people()[0]!.id }]);
      await connection.close();
    }),
  );

  contract('the same state written again, with and without the memory of it, changes nothing', () =>
    withCrm(async (crm) => {
      const connection = await crm.open();
      const [first] = await deliver(connection, deliveryOf([startPush('1'), endPush('1')]));
      await deliver(
        connection,
        deliveryOf([startPush('1'), endPush('1')], { records: first?.records ?? {} }),
      );
      await connection.close();
      const other = await crm.open();
      const [again] = await deliver(other, deliveryOf([startPush('1'), endPush('1')]));
      assert.is(again?.kind, 'delivered', JSON.stringify(again));
      assert.equal(again?.records, first?.records);
      assert.is(crm.activities().length, 1);
      assert.is(crm.people().length, 1);
      await other.close();
    }),
  );

  contract('an end without its start is an activity without a person; the late start links the person', () =>
    withCrm(async (crm) => {
      const connection = await crm.open();
      const [first] = await deliver(connection, deliveryOf([endPush('1')]));
      assert.is(first?.kind, 'delivered', JSON.stringify(first));
      assert.equal(crm.activities(), [{ key: '1', completed: true, personId: null }]);
      assert.is(crm.people().length, 0);
      await deliver(
        connection,
        deliveryOf([endPush('1'), startPush('1')], { records: first?.records ?? {} }),
      );
      assert.equal(crm.activities(), [{ key: '1', completed: true, personId: crm.people()[0]!.id }]);
      await connection.close();
    }),
  );

  contract('a person who is in the CRM already gets the call, however the number was typed', () =>
    withCrm(async (crm) => {
      const id = crm.addPerson?.('(0444) 444 444');
      const connection = await crm.open();
      const [outcome] = await deliver(connection, deliveryOf([startPush('1')]));
      assert.is(outcome?.kind, 'delivered', JSON.stringify(outcome));
      assert.is(outcome?.records?.person?.id, id, JSON.stringify(outcome));
      assert.is(crm.people().length, 1);
      await connection.close();
    }),
  );

  contract('several calls of one new caller in one batch make one person', () =>
    withCrm(async (crm) => {
      const connection = await crm.open();
      await deliver(connection, ...['1', '2', '3'].map((id) => deliveryOf([startPush(id)])));
      assert.is(crm.people().length, 1);
      assert.equal(
        new Set(crm.activities().map((activity) => activity.personId)),
        new Set([crm.people()[0]!.id]),
      );
      assert.equal(
        crm
          .activities()
          .map((activity) => activity.key)
          .sort(),
        ['1', '2', '3'],
      );
      await connection.close();
    }),
  );

  contract('a full batch of new callers, each with a call of their own', () =>
    withCrm(async (crm) => {
      const connection = await crm.open();
      const numbers = Array.from(
        { length: connection.limits.batch },
        (_, i) => `+614${String(10_000_000 + i * 37)}`,
      );
      const batch = numbers.map((number, i) =>
        deliveryOf([startPush(`c${i}`, caller(number)), endPush(`c${i}`)]),
      );
      const outcomes = await deliver(connection, ...batch);
      const failed = outcomes.filter(({ kind }) => kind !== 'delivered');
      assert.equal(failed, [], 'limits.batch is what one deliver takes, however many requests it is');
      assert.equal(new Set(crm.people().map((person) => person.phone)), new Set(numbers));
      const phoneOf = new Map(crm.people().map((person) => [person.id, person.phone]));
      for (const { key, personId } of crm.activities()) {
        assert.is(phoneOf.get(personId ?? ''), numbers[Number(key.slice(1))], `the right person for ${key}`);
      }
      assert.is(crm.activities().length, numbers.length);
      await connection.close();
    }),
  );

  contract('a withheld number makes no person', () =>
    withCrm(async (crm) => {
      const connection = await crm.open();
      const [outcome] = await deliver(connection, deliveryOf([startPush('1', caller('anonymous'))]));
      assert.is(outcome?.kind, 'delivered', JSON.stringify(outcome));
      assert.equal(crm.activities(), [{ key: '1', completed: false, personId: null }]);
      assert.is(crm.people().length, 0);
      await connection.close();
    }),
  );

  contract('a call that lapses is closed', () =>
    withCrm(async (crm) => {
      const connection = await crm.open();
      const [first] = await deliver(connection, deliveryOf([startPush('1')]));
      await deliver(
        connection,
        deliveryOf([startPush('1')], { records: first?.records ?? {}, lapsed: true }),
      );
      assert.equal(
        crm.activities().map((activity) => activity.completed),
        [true],
      );
      await connection.close();
    }),
  );

  contract('one bad call does not fail its neighbours', () =>
    withCrm(async (crm) => {
      if (!crm.unacceptable)
        return assert.is(crm.faults, undefined, 'a CRM that never refuses has no faults either');
      const connection = await crm.open();
      const numbers = ['+61444444441', '+61444444442', '+61444444443'];
      const batch = numbers.map((number, i) =>
        deliveryOf([startPush(`c${i}`, { ...caller(number), ...(i === 1 ? crm.unacceptable : {}) })]),
      );
      const outcomes = await deliver(connection, ...batch);
      assert.equal(
        outcomes.map((outcome) => outcome.kind),
        ['delivered', 'rejected', 'delivered'],
        JSON.stringify(outcomes),
      );
      assert.equal(
        crm
          .activities()
          .map((activity) => activity.key)
          .sort(),
        ['c0', 'c2'],
      );
      await connection.close();
    }),
  );

  for (const fault of ['loseAnswerAfterCommit', 'dropBeforeCommit', 'throttle', 'serverError'] as const) {
    contract(`nothing is doubled and nothing lost by ${fault} at any request`, () =>
      withCrm(async (crm) => {
        if (!crm.faults)
          return assert.is(crm.unacceptable, undefined, 'a CRM without faults refuses nothing either');
        // The fault strikes one request later in each round, until every kind of request had its turn.
        for (const skip of [0, 1, 2, 3, 4, 5]) {
          const number = `+6144440000${skip}`;
          const connection = await crm.open();
          const calls = ['a', 'b'].map((call) => deliveryOf([startPush(`${skip}${call}`, caller(number))]));
          crm.faults[fault](skip);
          let outcomes = await deliver(connection, ...calls);
          for (let attempt = 2; outcomes.some((outcome) => outcome.kind !== 'delivered'); attempt++) {
            assert.ok(attempt < 6, JSON.stringify(outcomes));
            for (const outcome of outcomes) {
              assert.ok(outcome.kind === 'delivered' || outcome.kind === 'retry', JSON.stringify(outcome));
            }
            outcomes = await deliver(connection, ...calls.map((call) => ({ ...call, attempt })));
          }
          assert.equal(
            crm.people().filter((person) => person.phone === number).length,
            1,
            `one person after ${fault} at request ${skip + 1}`,
          );
          crm.faults.clear();
          for (const call of calls) {
            assert.is(crm.activities().filter((activity) => activity.key === call.key).length, 1);
          }
          await connection.close();
        }
      }),
    );
  }

  contract('a write whose answer is lost is unanswered; what only reads, or is refused, is not', () =>
    withCrm(async (crm) => {
      if (!crm.faults)
        return assert.is(crm.unacceptable, undefined, 'a CRM without faults refuses nothing either');
      const seen = { written: false };
      for (const skip of [0, 1, 2, 3, 4, 5]) {
        const connection = await crm.open();
        const call = deliveryOf([startPush(`${skip}`, caller(`+6144440000${skip}`))]);
        const people = crm.people().length;
        crm.faults.loseAnswerAfterCommit(skip);
        const [outcome] = await deliver(connection, call);
        crm.faults.clear();
        const isThere = crm.activities().some(({ key }) => key === call.key);
        const isUntouched = !isThere && crm.people().length === people;
        if (outcome!.kind !== 'delivered' && isThere) {
          assert.is(outcome!.unanswered, true, JSON.stringify(outcome));
          seen.written = true;
        } else if (isUntouched) assert.is(outcome!.unanswered, undefined, JSON.stringify(outcome));
        crm.faults.throttle(skip);
        const [refused] = await deliver(connection, { ...call, attempt: 2 });
        crm.faults.clear();
        assert.is(refused!.unanswered, undefined, JSON.stringify(refused));
        await connection.close();
      }
      assert.ok(seen.written, 'no answer to the write of an activity was lost');
    }),
  );

  contract('a refused token blocks, shows no secret, and is over when the token is accepted again', () =>
    withCrm(async (crm) => {
      if (!crm.faults)
        return assert.is(crm.unacceptable, undefined, 'a CRM without faults refuses nothing either');
      const connection = await crm.open();
      crm.faults.refuseToken();
      const [refused] = await deliver(connection, deliveryOf([startPush('1')]));
      assert.is(refused?.kind, 'blocked', JSON.stringify(refused));
      for (const secret of crm.secrets) assert.not(JSON.stringify(refused).includes(secret));
      crm.faults.acceptToken();
      const [accepted] = await deliver(connection, deliveryOf([startPush('1')]));
      assert.is(accepted?.kind, 'delivered', JSON.stringify(accepted));
      await connection.close();
    }),
  );

  contract('an aborted delivery ends soon, and is no verdict on the call', () =>
    withCrm(async (crm) => {
      const connection = await crm.open();
      const outcomes = await connection
        .deliver([deliveryOf([startPush('1')])], AbortSignal.abort())
        .catch(() => []);
      for (const outcome of outcomes) assert.ok(outcome.kind === 'retry' || outcome.kind === 'delivered');
      await connection.close();
    }),
  );

  contract('what the bridge needs is found in place', () =>
    withCrm(async (crm) => {
      const connection = await crm.open();
      const plan = await connection.plan(signal());
      assert.equal(
        plan.filter((step) => step.action !== 'keep'),
        [],
      );
      const problems = (await connection.check(signal())).filter((finding) => finding.level === 'problem');
      assert.equal(problems, []);
      await connection.close();
    }),
  );

  contract.run();
}
