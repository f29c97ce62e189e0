import type { Clock, Connection, Delivery, Outcome } from '../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { type TestTools, testTools } from '../support/connector-tools.ts';
import { movingClock } from '../support/moving-clock.ts';
import { assert, suite } from '../support/suite.ts';

/** A CRM that a connector writes to, as its emulator shows it. */
export interface Crm {
  /** A fresh connection with these. What it needs is set up already. */
  open(tools: TestTools): Promise<Connection>;
  /** Keys are not unique in it: what was made is known by `tools.memory` alone, which is kept from one connection to the next. */
  remembers?: true;
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
    /** The token that was issued is refused from now on, and another one is not. Undefined: none is issued. */
    expireToken?(): void;
  };
  /** Fields that make the CRM refuse this call alone, under the default mapping; undefined if there are none. */
  unacceptable?: Record<string, string>;
  /** Texts that must never be shown. Best repeated by the emulator in what it refuses, as some CRMs do. */
  secrets: string[];
}

/** A CRM whose connections share what the bridge keeps for them, as far as `remembers` says. */
interface Opened extends Omit<Crm, 'open'> {
  open(): Promise<Connection>;
  /** What is waited for between two attempts is over. */
  later(): void;
}

/**
 * What every connector promises, whichever CRM it writes to. An author runs this with an emulator of their own, which tells
 * the time by `clock` where it has to: ten minutes pass between two attempts.
 */
export function connectorContract(
  name: string,
  withOne: (use: (crm: Crm) => Promise<void>, clock: Clock) => Promise<void>,
): void {
  const withCrm = (use: (crm: Opened) => Promise<void>) => {
    const { clock, pass } = movingClock();
    const tools = testTools({ clock });
    return withOne((crm) => {
      const open = () => {
        tools.known.clear();
        if (!crm.remembers) tools.kept.clear();
        return crm.open(tools);
      };
      return use({ ...crm, open, later: () => pass(600_000) });
    }, clock);
  };
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
      crm.later();
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
      const id = crm.people()[0]!.id;
      assert.equal(
        crm.activities().sort((a, b) => a.key.localeCompare(b.key)),
        ['1', '2', '3'].map((key) => ({ key, completed: false, personId: id })),
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
      assert.equal(
        crm
          .people()
          .map((person) => person.phone)
          .sort(),
        numbers.toSorted(),
      );
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
              const told = `after ${fault} at request ${skip + 1}: ${JSON.stringify(outcome)}`;
              assert.ok(outcome.kind === 'delivered' || outcome.kind === 'retry', told);
              // Other calls would fare no better.
              if (attempt === 2 && outcome.kind === 'retry')
                assert.is(outcome.scope, 'connector', `its scope is the connector, ${told}`);
            }
            crm.later();
            outcomes = await deliver(connection, ...calls.map((call) => ({ ...call, attempt })));
          }
          assert.equal(
            crm.people().filter((person) => person.phone === number).length,
            1,
            `one person after ${fault} at request ${skip + 1}`,
          );
          crm.faults.clear();
          for (const call of calls) {
            assert.is(
              crm.activities().filter((activity) => activity.key === call.key).length,
              1,
              `one activity ${call.key} after ${fault} at request ${skip + 1}`,
            );
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
        const told = JSON.stringify(outcome);
        if (outcome!.kind !== 'delivered' && isThere) {
          assert.is(outcome!.unanswered, true, `written, and not marked as unanswered: ${told}`);
          seen.written = true;
        } else if (isUntouched)
          assert.is(outcome!.unanswered, undefined, `nothing is written, and it is marked: ${told}`);
        crm.later();
        crm.faults.throttle(skip);
        const [refused] = await deliver(connection, { ...call, attempt: 2 });
        crm.faults.clear();
        assert.is(refused!.unanswered, undefined, `refused, and it is marked: ${JSON.stringify(refused)}`);
        await connection.close();
      }
      assert.ok(seen.written, 'no answer to the write of an activity was lost');
    }),
  );

  contract('so is the completion of an activity whose answer is lost', () =>
    withCrm(async (crm) => {
      if (!crm.faults)
        return assert.is(crm.unacceptable, undefined, 'a CRM without faults refuses nothing either');
      let isSeen = false;
      for (const skip of [0, 1, 2, 3, 4, 5]) {
        const connection = await crm.open();
        const pushes = [startPush(`${skip}`), endPush(`${skip}`)];
        const [{ records = {} } = {}] = await deliver(connection, deliveryOf(pushes.slice(0, 1)));
        crm.faults.loseAnswerAfterCommit(skip);
        const [ended] = await deliver(connection, deliveryOf(pushes, { records }));
        crm.faults.clear();
        const isDone = crm.activities().some(({ key, completed }) => key === `${skip}` && completed);
        const told = JSON.stringify(ended);
        if (isDone && ended?.kind !== 'delivered') {
          isSeen = true;
          assert.is(ended?.unanswered, true, `completed, and not marked as unanswered: ${told}`);
        }
        await connection.close();
      }
      assert.ok(isSeen, 'no answer to the completion of an activity was lost');
    }),
  );

  contract('a token that is refused before its time is renewed, and costs no attempt', () =>
    withCrm(async (crm) => {
      if (!crm.faults?.expireToken) return;
      const connection = await crm.open();
      await deliver(connection, deliveryOf([startPush('1')]));
      crm.faults.expireToken();
      const [outcome] = await deliver(connection, deliveryOf([startPush('2')]));
      assert.is(outcome?.kind, 'delivered', JSON.stringify(outcome));
      await connection.close();
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
      for (const secret of crm.secrets)
        assert.not(JSON.stringify(refused).includes(secret), 'it shows a secret, in whichever words');
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
