import * as fc from 'fast-check';
import type { CallState } from '../../src/call/call.ts';
import { parsePush } from '../../src/call/push.ts';
import type { Attempt, DueDelivery, DueFilter, Settlement } from '../../src/store/deliveries.ts';
import type { NewPush } from '../../src/store/intake.ts';
import type { Lease } from '../../src/store/leases.ts';
import type { KeptPush, NewRejection, ReadAgain, Rejection } from '../../src/store/rejections.ts';
import type { Store } from '../../src/store/store.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { rawBody, rejection, room } from '../support/rejections.ts';
import { assert, suite } from '../support/suite.ts';
import { newPush } from '../support/with-store.ts';

/** What src/store/store.ts promises. Every implementation runs it. */
export function storeContract(
  name: string,
  withStore: <T>(use: (store: Store) => Promise<T>) => Promise<T>,
): void {
  const contract = suite(`${name} store`);
  const promise = (title: string, body: (store: Store) => Promise<void>) =>
    contract(title, () => withStore(body));

  promise(
    'a first push makes a call of revision 1, due at every connector its route names',
    async (store) => {
      const push = newPush(startPush('1'), { route: () => ['hubspot', 'salesforce'] });
      const { state, ...recorded } = await store.record(push);
      assert.equal(recorded, { repeat: false, begins: true, revision: 1, due: ['hubspot', 'salesforce'] });
      assert.equal(plain(state), {
        source: 'acme',
        callId: '1',
        fields: startPush('1'),
        firstReceivedAt: at(0),
        endReceivedAt: null,
        lapsed: false,
      });
      const [story] = await store.stories('1');
      assert.equal(
        story!.pushes.map(({ body }) => body),
        [push.body],
      );
      assert.equal(story!.deliveries, [
        { ...freshDelivery, connector: 'hubspot' },
        { ...freshDelivery, connector: 'salesforce' },
      ]);
      assert.equal(story!.attempts, []);
    },
  );

  promise('what is kept first under a name stays, whoever comes second', async (store) => {
    assert.is(await store.kept('a token'), null);
    const both = await Promise.all(['one', 'two'].map((text) => store.keepFirst('a token', text)));
    assert.equal(both, ['one', 'one']);
    assert.equal([await store.kept('a token'), await store.keepFirst('another', 'two')], ['one', 'two']);
    await store.keep('a token', 'three');
    assert.is(await store.kept('a token'), 'three');
  });

  promise('a link that signs in is used once, in its time', async (store) => {
    for (const [digest, minute] of Object.entries({ a: 1, b: 15, c: 15 }))
      await store.addSignInLink(digest, at(0), at(minute * 60));
    const used = (digest: string, minute: number) => store.useSignInLink(digest, at(minute * 60));
    assert.equal(await Promise.all([used('a', 1), used('b', 2), used('b', 2), used('d', 2)]), [
      false,
      true,
      false,
      false,
    ]);
    await store.addSignInLink('e', at(20 * 60), at(35 * 60));
    assert.equal(
      [await used('c', 3), await used('e', 21)],
      [false, true],
      'what is over goes with the next one',
    );
  });

  promise('a repeat of the very same body is counted and changes nothing', async (store) => {
    await store.record(newPush(startPush('1')));
    await store.record(newPush(endPush('1'), { receivedAt: at(60) }));
    const again = await store.record(newPush(startPush('1'), { receivedAt: at(90) }));
    assert.equal([again.repeat, again.revision, again.due], [true, 2, []]);
    assert.is(again.state.fields['PLA_CallResult'], 'Answered');
    await store.record(newPush(startPush('1'), { receivedAt: at(95) }));
    const [story] = await store.stories('1');
    assert.equal(
      story!.pushes.map(({ receivedAt, repeats, lastRepeatAt }) => [receivedAt, repeats, lastRepeatAt]),
      [
        [at(0), 2, at(95)],
        [at(60), 0, null],
      ],
    );
    assert.is(story!.revision, 2);
  });

  promise('another body that says nothing new is kept, and the revision stays', async (store) => {
    await store.record(newPush(startPush('1')));
    const same = newPush(startPush('1'), { body: `${JSON.stringify(startPush('1'))} `, receivedAt: at(5) });
    const { repeat, revision, due } = await store.record(same);
    assert.equal([repeat, revision, due], [false, 1, []]);
    const [story] = await store.stories('1');
    assert.is(story!.pushes.length, 2);
    assert.equal(story!.lastReceivedAt, at(5));
  });

  promise('a push that tells more raises the revision, and every delivery wants it', async (store) => {
    await store.record(newPush(startPush('1'), { route: () => ['a', 'b'] }));
    await deliver(store, 'a');
    const { revision, due, state } = await store.record(
      newPush(endPush('1'), { receivedAt: at(60), route: () => ['b'] }),
    );
    assert.equal([revision, [...due].sort()], [2, ['a', 'b']]);
    assert.equal(state.endReceivedAt, at(60));
    const [view] = await store.calls({ limit: 1 });
    assert.equal(
      view!.deliveries.map((one) => [one.connector, one.state, one.wantedRevision, one.deliveredRevision]),
      [
        ['a', 'due', 2, 1],
        ['b', 'due', 2, 0],
      ],
    );
    assert.equal(view!.deliveries[0]!.dueAt, at(60));
  });

  promise('route is asked with the folded call', async (store) => {
    const asked: CallState[] = [];
    const route = (state: CallState) => {
      asked.push(state);
      return [];
    };
    await store.record(newPush(endPush('1'), { route, receivedAt: at(60) }));
    await store.record(newPush(startPush('1'), { route, receivedAt: at(65) }));
    assert.equal(plain(asked.at(-1)!), {
      source: 'acme',
      callId: '1',
      fields: { ...endPush('1'), ...startPush('1') },
      firstReceivedAt: at(60),
      endReceivedAt: at(60),
      lapsed: false,
    });
  });

  promise(
    'a route that matches later adds a delivery; one that matches no more takes none away',
    async (store) => {
      await store.record(newPush(startPush('1'), { route: () => ['a'] }));
      const { due } = await store.record(
        newPush(endPush('1'), { receivedAt: at(60), route: () => ['late'] }),
      );
      assert.equal([...due].sort(), ['a', 'late']);
      const [view] = await store.calls({ limit: 1 });
      assert.equal(
        view!.deliveries.map((one) => [one.connector, one.wantedRevision]),
        [
          ['a', 2],
          ['late', 2],
        ],
      );
    },
  );

  promise('a call that no route takes is kept, as unrouted', async (store) => {
    const { due } = await store.record(newPush(startPush('1'), { route: () => [] }));
    assert.equal(due, []);
    await store.record(newPush(startPush('2')));
    assert.equal(ids(await store.calls({ state: 'unrouted', limit: 10 })), ['1']);
  });

  promise('a route that throws fails its own push alone, and nothing of it is written', async (store) => {
    const results = await Promise.allSettled([
      store.record(newPush(startPush('1'))),
      store.record(
        newPush(startPush('2'), {
          route() {
            throw new RangeError('this route is broken');
          },
        }),
      ),
      store.record(newPush(startPush('3'))),
    ]);
    assert.equal(
      results.map((result) => (result.status === 'rejected' ? String(result.reason) : result.value.revision)),
      [1, 'RangeError: this route is broken', 1],
    );
    assert.equal(ids(await store.calls({ limit: 10 })), ['3', '1']);
    assert.equal(await store.stories('2'), []);
  });

  promise('a call of many pushes is folded, and each repeat found, as one of few', async (store) => {
    const part = (n: number) => newPush({ PLA_Call_Id: '1', PLA_City: `city ${n}`, [`part${n}`]: 'x' });
    for (let n = 1; n <= 9; n++) {
      const { revision, state } = await store.record(part(n));
      assert.equal([revision, state.fields['PLA_City'], state.fields['part1']], [n, `city ${n}`, 'x']);
      assert.is((await store.record(part(n))).repeat, true);
      const [view] = await store.calls({ limit: 1 });
      assert.is(Object.keys(view!.state.fields).length, 2 + n);
    }
    assert.is((await store.record(part(9))).repeat, true);
    const [due] = await store.takeDue('crm', at(10), 10);
    assert.equal(
      [due!.revision, due!.state.fields['PLA_City'], due!.state.fields['part5']],
      [9, 'city 9', 'x'],
    );
    const [story] = await store.stories('1');
    assert.equal(
      story!.pushes.map(({ repeats }) => repeats),
      [1, 1, 1, 1, 1, 1, 1, 1, 2],
    );
  });

  promise('an earlier body that comes again after another said otherwise corrects it', async (store) => {
    const sale = endPush('1', { PLA_SurveyOutcome: 'Sale' });
    const none = endPush('1', { PLA_SurveyOutcome: 'No sale' });
    for (const [n, push] of [sale, none, sale].entries()) {
      const { repeat, revision, state, due } = await store.record(newPush(push, { receivedAt: at(n) }));
      assert.equal([repeat, revision, due], [false, n + 1, ['crm']]);
      assert.is(state.fields['PLA_SurveyOutcome'], push['PLA_SurveyOutcome']);
    }
    assert.is((await store.record(newPush(sale, { receivedAt: at(9) }))).repeat, true);
    const [story] = await store.stories('1');
    assert.is(story!.state.fields['PLA_SurveyOutcome'], 'Sale');
    assert.equal(
      story!.pushes.map(({ body, repeats, lastRepeatAt }) => [body, repeats, lastRepeatAt]),
      [
        [JSON.stringify(sale), 0, null],
        [JSON.stringify(none), 0, null],
        [JSON.stringify(sale), 1, at(9)],
      ],
    );
  });

  promise(
    'whatever comes again and in whatever order: a call is what all its pushes say in turn',
    async (store) => {
      const value = fc.constantFrom('', 'a', 'b');
      const said = fc.record({ PLA_City: value, PLA_SurveyOutcome: value, x: value }, { requiredKeys: [] });
      let call = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(said, { minLength: 1, maxLength: 14 }), async (pushes) => {
          const id = `m${++call}`;
          const kept: { body: string; repeats: number }[] = [];
          let known: Record<string, string> = {};
          let revision = 0;
          for (const fields of pushes) {
            const push = newPush({ PLA_Call_Id: id, ...fields } as Record<string, string>);
            const next = { ...known };
            for (const [key, text] of Object.entries(push.fields))
              if (text !== '' || !(key in next)) next[key] = text;
            const changed = JSON.stringify(next) !== JSON.stringify(known);
            const same = changed ? undefined : kept.findLast(({ body }) => body === push.body);
            if (same) same.repeats++;
            else kept.push({ body: push.body, repeats: 0 });
            if (changed) revision++;
            known = next;
            const recorded = await store.record(push);
            assert.equal([recorded.repeat, recorded.revision], [same !== undefined, revision]);
          }
          const [story] = await store.stories(id);
          assert.equal({ ...story!.state.fields }, known);
          assert.equal(
            story!.pushes.map(({ body, repeats }) => ({ body, repeats })),
            kept,
          );
        }),
        { numRuns: 60 },
      );
    },
  );

  promise(
    'a call that grows without end stops growing: what is beyond is kept, counted and noted',
    async (store) => {
      const push = (n: number) =>
        newPush({ PLA_Call_Id: '1', PLA_City: `city ${n}`, [`key${n}`]: 'x'.repeat(100_000) });
      for (let n = 1; n <= 12; n++) {
        const { repeat, state } = await store.record(push(n));
        assert.equal([repeat, state.fields['PLA_City']], [false, `city ${n}`], 'its own fields are read on');
      }
      assert.is((await store.record(push(12))).repeat, true);
      await store.record(newPush(endPush('1')));
      const [story] = await store.stories('1');
      const { state, pushes } = story!;
      assert.ok(JSON.stringify(state.fields).length < 600_000);
      assert.equal(
        [state.fields['key5']?.length, state.fields['key6'], state.fields['PLA_CallResult']],
        [100_000, undefined, 'Answered'],
      );
      assert.equal([pushes.length, state.notFolded, state.endReceivedAt !== null], [13, 7, true]);
      assert.is(pushes[11]!.repeats, 1);
      const [due] = await store.takeDue('crm', at(10), 10);
      assert.is(due!.state.notFolded, 7);
    },
  );

  promise('one push of too many keys is kept, and what the article names is read of it', async (store) => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`k${n}`, 'x']));
    const { state } = await store.record(newPush({ ...startPush('1'), ...many }));
    assert.equal(
      [state.notFolded, Object.keys(state.fields).length],
      [1, Object.keys(startPush('1')).length],
    );
    const [story] = await store.stories('1');
    assert.equal({ ...story!.state.fields }, { ...startPush('1') });
    assert.is(Object.keys(story!.pushes[0]!.fields).length > 5_000, true);
  });

  promise('calls with one id from two sources are two calls', async (store) => {
    await store.record(newPush(startPush('1')));
    const { revision } = await store.record(newPush(endPush('1'), { source: 'other' }));
    assert.is(revision, 1);
    assert.equal(
      (await store.stories('1')).map(({ state }) => state.source),
      ['acme', 'other'],
    );
    assert.equal(
      (await store.stories('1', 'other')).map(({ state }) => state.source),
      ['other'],
    );
  });

  promise('keys like __proto__ are data, in the call and in its pushes', async (store) => {
    const body = '{"PLA_Call_Id":"1","__proto__":"p","constructor":"c"}';
    const { fields } = parsePush(body);
    await store.record(newPush(fields, { body, callId: '1' }));
    await store.record(newPush({ PLA_City: 'Perth' }, { callId: '1' }));
    const [story] = await store.stories('1');
    for (const kept of [story!.state.fields, story!.pushes[0]!.fields]) {
      assert.is(Object.entries(kept).find(([key]) => key === '__proto__')?.[1], 'p');
      assert.is(kept['constructor'], 'c');
    }
  });

  promise('200 pushes at once, several of them of one call, come to exact counts', async (store) => {
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        store.record(newPush({ PLA_Call_Id: `${i % 50}`, [`part${Math.floor(i / 50) % 2}`]: 'x' })),
      ),
    );
    assert.is(results.filter(({ repeat }) => repeat).length, 100);
    const calls = await store.calls({ limit: 1_000 });
    assert.is(calls.length, 50);
    for (const call of calls) {
      assert.is(call.revision, 2);
      assert.equal(Object.keys(call.state.fields).sort(), ['PLA_Call_Id', 'part0', 'part1']);
    }
    assert.equal(await countsOf(store), ['crm due 50']);
    const [story] = await store.stories('7');
    assert.equal(
      story!.pushes.map(({ repeats }) => repeats),
      [1, 1],
    );
  });

  promise('takeDue: longest due first, up to the limit, of the connector alone', async (store) => {
    await store.record(newPush(caller('2', '0400000002'), { receivedAt: at(2) }));
    await store.record(newPush(caller('1', '0400000001'), { receivedAt: at(1) }));
    await store.record(newPush(caller('3', '0400000003'), { receivedAt: at(3) }));
    await store.record(newPush(caller('4', '0400000004'), { receivedAt: at(0), route: () => ['other'] }));
    assert.equal(ids(await store.takeDue('crm', at(10), 2)), ['1', '2']);
    assert.equal(ids(await store.takeDue('crm', at(10), 10)), ['1', '2', '3']);
    assert.equal(ids(await store.takeDue('crm', at(2), 10)), ['1', '2'], 'not before its time');
    const [first] = await store.takeDue('crm', at(10), 1);
    const { state, callRow, ...due } = first!;
    assert.equal(due, {
      connector: 'crm',
      lane: '00000001',
      urgency: 'live',
      revision: 1,
      records: {},
      dueAt: at(1),
      isRewrite: false,
      attempts: 0,
      failures: 0,
      failingSince: null,
      triedMs: 0,
    });
    assert.is(state.callId, '1');
    assert.type(callRow, 'number');
  });

  promise('takeDue leaves out the lanes given', async (store) => {
    await store.record(newPush(caller('1', '0400000001')));
    await store.record(newPush(caller('2', '+61 400 000 001')));
    await store.record(newPush(caller('3', '0400000003')));
    assert.equal(ids(await store.takeDue('crm', at(1), 10, { exceptLanes: ['00000001'] })), ['3']);
    assert.equal(
      ids(await store.takeDue('crm', at(1), 10, { exceptLanes: new Set(['00000001', '00000003']) })),
      [],
    );
  });

  promise('takeDue finds live calls, of those who called last, behind whatever waits', async (store) => {
    for (let n = 0; n < 5; n++) await store.record(newPush(caller(`old ${n}`, `041000000${n}`)));
    for (const [id, number] of [
      ['1', '0400000001'],
      ['2', '0400000002'],
      ['3', '0400000001'],
    ] as const)
      await store.record(newPush(caller(id, number), { receivedAt: at(200 + Number(id)) }));
    const live = async (limit: number, seconds: number) =>
      ids(await store.takeDue('crm', at(seconds), limit, { liveOnly: true }));
    assert.equal(await live(10, 210), ['1', '2', '3']);
    assert.equal(await live(1, 210), ['1'], 'who called last, and the earlier call first');
    assert.equal(await live(10, 322), ['3'], 'for two minutes');
    assert.equal(await live(10, 400), []);
    await store.record(newPush(endPush('old 3'), { receivedAt: at(400) }));
    assert.equal(await live(10, 400), ['old 3'], 'again when it ends');
  });

  promise('takeDue takes late pushes after live ones, and historic calls after all others', async (store) => {
    const told = (id: string, came: number, began: number, duration?: string) =>
      store.record(
        newPush(
          startPush(id, {
            PLA_Caller_Phone_Number: `04000${id.replace(/\D/g, '').padStart(5, '0')}`,
            PLA_CallStartTime: `${at(began).getTime()}`,
            ...(duration === undefined ? {} : { PLA_Duration: duration }),
          }),
          { receivedAt: at(came) },
        ),
      );
    await told('1 in time', 100_000, 100_000);
    await told('2 historic', 100_001, 100, '50');
    await told('3 late', 100_002, 99_000, '50');
    for (
      let n = 10;
      n < 1_310;
      n += 100 // as many as a look goes past
    )
      await Promise.all(Array.from({ length: 100 }, (_, i) => told(`${n + i} historic`, 100_003, 100, '50')));
    await told('4 rings', 100_200, 100_199);
    const take = async (which: DueFilter, limit = 4) => {
      const due = await store.takeDue('crm', at(100_200), limit, which);
      return due.map(({ state, urgency }) => [state.callId, urgency]);
    };
    const live = ['4 rings', 'live'];
    assert.equal(await take({ liveOnly: true }), [live]);
    const late = ['3 late', 'backlog'];
    const historic = ['2 historic', 'historic'];
    assert.equal(await take({}), [['1 in time', 'backlog'], late, live, historic]);
    assert.equal(await take({ oldestFirst: true }, 3), [['1 in time', 'backlog'], historic, late]);

    const [first] = await store.takeDue('crm', at(100_200), 1);
    const tried = {
      attempt: { ...attempt, at: at(100_200) },
      next: { state: 'due' as const, at: at(100_205) },
    };
    await store.settle(await leaseOn(store, 'crm'), [settlement(first!, tried)]);
    assert.equal(await take({}, 2), [late, live]);
    assert.equal(await store.nextDueAt('crm', at(100_200)), at(100_205));
    assert.is(await store.makeAllDue('crm', at(100_200)), 1);
    await told('3 late', 100_200, 100_100, '99');
    assert.equal(
      await take({ liveOnly: true }),
      [['3 late', 'live'], live],
      'told of in time, a call is live whatever was known of it',
    );
    await told('4 rings', 100_600, 100_199, '50');
    assert.equal((await take({}, 3)).at(-1), ['4 rings', 'backlog'], 'and late, it keeps its place');
  });

  promise(
    'takeDue finds what is free behind thousands of one busy caller, and those again',
    async (store) => {
      const one = (n: number) => caller(`m${n}`, '0400000001');
      for (let n = 0; n < 2_500; n += 500)
        await Promise.all(Array.from({ length: 500 }, (_, i) => store.record(newPush(one(n + i)))));
      await store.record(newPush(caller('other', '0400000002'), { receivedAt: at(1) }));
      const busy = { exceptLanes: ['00000001'] };
      assert.equal(ids(await store.takeDue('crm', at(10), 10, busy)), ['other']);
      assert.equal(ids(await store.takeDue('crm', at(10), 10, busy)), ['other']);
      assert.is((await store.takeDue('crm', at(10), 10)).length, 10, 'its lane is free again');
      const lease = await leaseOn(store, 'crm');
      let written = 0;
      for (let due: DueDelivery[] = []; ; written += due.length) {
        due = await store.takeDue('crm', at(10), 400);
        await store.takeDue('crm', at(10), 1, busy);
        if (due.length === 0) break;
        await store.settle(
          lease,
          due.map((item) => settlement(item)),
        );
      }
      assert.is(written, 2_501);
    },
  );

  promise('takeDue leaves out calls, and takes none but some, if asked to', async (store) => {
    for (const id of ['1', '2', '3']) await store.record(newPush(caller(id, `040000000${id}`)));
    const [first, second] = await store.takeDue('crm', at(10), 2);
    const rows = [first!.callRow, second!.callRow];
    assert.equal(ids(await store.takeDue('crm', at(10), 10, { exceptCalls: rows })), ['3']);
    assert.equal(ids(await store.takeDue('crm', at(10), 10, { onlyCalls: rows })), ['1', '2']);
  });

  promise('what waits for its next try is due when that is asked for', async (store) => {
    await store.record(newPush(startPush('1')));
    await deliver(store, 'crm', { next: { state: 'due', at: at(500) } });
    assert.is((await store.takeDue('crm', at(500), 1))[0]!.triedMs, 490_000);
    assert.is(await store.makeAllDue('other', at(60)), 0);
    assert.is(await store.makeAllDue('crm', at(60)), 1);
    assert.is(
      (await store.takeDue('crm', at(60), 1))[0]!.triedMs,
      50_000,
      'what it did not wait does not count',
    );
  });

  promise('a replay and the end of a pause have an open circuit tried at once', async (store) => {
    await store.record(newPush(startPush('1')));
    const open = { connector: 'crm', blockedReason: null, openReason: 'No answer.', since: at(0) };
    const probeAt = async () => (await store.connectorStates())[0]!.probeAt;
    await store.setConnectorState({ ...open, probeAt: at(900) });
    assert.equal(await probeAt(), at(900));
    await store.replay([(await store.calls({ limit: 1 }))[0]!.row], () => ['crm'], at(60));
    assert.equal(await probeAt(), new Date(0));
    await store.setConnectorState({ ...open, probeAt: at(900) });
    await store.pauseConnector('crm', null);
    assert.equal(await probeAt(), new Date(0));
  });

  promise('takeDue leaves out calls under way, if asked to', async (store) => {
    await store.record(newPush(startPush('1')));
    await store.record(newPush(endPush('2')));
    await store.record(newPush(startPush('3'), { lapseAfterMs: 1 }));
    await store.lapse(at(5), () => ['crm'], 10);
    assert.equal(ids(await store.takeDue('crm', at(10), 10, { overOnly: true })).sort(), ['2', '3']);
    assert.equal(ids(await store.takeDue('crm', at(10), 10)).sort(), ['1', '2', '3']);
  });

  promise('nextDueAt is the earliest time after the one given', async (store) => {
    assert.is(await store.nextDueAt('crm', at(0)), null);
    await store.record(newPush(startPush('1'), { receivedAt: at(10) }));
    await store.record(newPush(startPush('2'), { receivedAt: at(20) }));
    assert.equal(await store.nextDueAt('crm', at(0)), at(10));
    assert.equal(await store.nextDueAt('crm', at(10)), at(20));
    assert.is(await store.nextDueAt('crm', at(20)), null);
    assert.is(await store.nextDueAt('other', at(0)), null);
  });

  promise('settled as delivered, a delivery is due no more and knows its records', async (store) => {
    await store.record(newPush(startPush('1')));
    const records = { activity: { type: 'call', id: '900' }, person: { type: 'contact', id: '5' } };
    assert.is(await deliver(store, 'crm', { records }), true);
    assert.equal(await store.takeDue('crm', at(9_999), 10), []);
    const [story] = await store.stories('1');
    assert.equal(story!.deliveries, [
      { ...freshDelivery, state: 'delivered', deliveredRevision: 1, dueAt: null, records },
    ]);
    assert.equal(story!.attempts, [{ ...attempt, connector: 'crm', n: 1, revision: 1 }]);
  });

  promise('records left out of a settlement keep what was known', async (store) => {
    await store.record(newPush(startPush('1')));
    await deliver(store, 'crm', { records: { person: { type: 'contact', id: '5' } } });
    await store.record(newPush(endPush('1'), { receivedAt: at(60) }));
    await deliver(store, 'crm', { records: { activity: { type: 'call', id: '900' } } });
    const [view] = await store.calls({ limit: 1 });
    assert.equal(view!.deliveries[0]!.records, {
      activity: { type: 'call', id: '900' },
      person: { type: 'contact', id: '5' },
    });
  });

  promise('settled as due later, it waits; a failure counts from the first of its row', async (store) => {
    await store.record(newPush(startPush('1')));
    const later = (seconds: number, countsAsFailure: boolean) => ({
      attempt: {
        ...attempt,
        at: at(seconds - 10),
        outcome: 'retry' as const,
        reason: 'HubSpot answered 503.',
      },
      next: countsAsFailure ? { state: 'due' as const, at: at(seconds) } : { state: 'due' as const },
    });
    await deliver(store, 'crm', later(100, true));
    assert.equal(await store.takeDue('crm', at(99), 10), []);
    assert.equal(failuresOf(await store.takeDue('crm', at(100), 10)), [[1, at(90)]]);
    await deliver(store, 'crm', later(200, true));
    await deliver(store, 'crm', later(300, false));
    assert.equal(failuresOf(await store.takeDue('crm', at(300), 10)), [[2, at(90)]]);
    const [story] = await store.stories('1');
    assert.equal(
      story!.attempts.map(({ n, reason }) => [n, reason]),
      [
        [1, 'HubSpot answered 503.'],
        [2, 'HubSpot answered 503.'],
        [3, 'HubSpot answered 503.'],
      ],
    );
    assert.is(story!.deliveries[0]!.lastReason, 'HubSpot answered 503.');
    await deliver(store, 'crm');
    await store.record(newPush(endPush('1'), { receivedAt: at(400) }));
    assert.equal(failuresOf(await store.takeDue('crm', at(400), 10)), [[0, null]], 'a success ends the row');
  });

  promise('what does not count as a failure starts no row', async (store) => {
    await store.record(newPush(startPush('1')));
    await deliver(store, 'crm', { next: { state: 'due' } });
    assert.equal(failuresOf(await store.takeDue('crm', at(5), 10)), [[0, null]]);
  });

  promise('settled as failed, it stays until the call changes', async (store) => {
    await store.record(newPush(startPush('1')));
    await deliver(store, 'crm', failed);
    assert.equal(await store.takeDue('crm', at(9_999), 10), []);
    assert.equal(await countsOf(store), ['crm failed 1']);
    const { due } = await store.record(newPush(endPush('1'), { receivedAt: at(60) }));
    assert.equal(due, ['crm']);
    assert.equal(failuresOf(await store.takeDue('crm', at(60), 10)), [[0, null]]);
  });

  promise('a newer revision is due at once, though the one before waits for its next try', async (store) => {
    await store.record(newPush(startPush('1')));
    await deliver(store, 'crm', { next: { state: 'due', at: at(500) } });
    await store.record(newPush(endPush('1'), { receivedAt: at(60) }));
    assert.equal(
      (await store.takeDue('crm', at(60), 10)).map(({ revision }) => revision),
      [2],
    );
  });

  for (const next of [{ state: 'delivered' }, { state: 'failed' }] as const) {
    promise(`a revision that came during an attempt is due once that is ${next.state}`, async (store) => {
      await store.record(newPush(startPush('1')));
      const lease = await leaseOn(store, 'crm');
      const [due] = await store.takeDue('crm', at(10), 1);
      await store.record(newPush(endPush('1'), { receivedAt: at(11) }));
      await store.settle(lease, [settlement(due!, { next })]);
      const [view] = await store.calls({ limit: 1 });
      const [delivery] = view!.deliveries;
      assert.equal(
        [delivery!.state, delivery!.wantedRevision, delivery!.deliveredRevision],
        ['due', 2, next.state === 'delivered' ? 1 : 0],
      );
      assert.equal(
        (await store.takeDue('crm', at(12), 1)).map(({ revision }) => revision),
        [2],
      );
    });
  }

  promise('settlements of one batch are written one by one, together', async (store) => {
    for (const id of ['1', '2', '3']) await store.record(newPush(caller(id, `040000000${id}`)));
    const lease = await leaseOn(store, 'crm');
    const [a, b, c] = await store.takeDue('crm', at(10), 10);
    const late = { next: { state: 'due' as const, at: at(99) } };
    await store.settle(lease, [settlement(a!), settlement(b!, failed), settlement(c!, late)]);
    assert.equal(
      (await store.calls({ limit: 10 })).map(({ state, deliveries }) => [state.callId, deliveries[0]!.state]),
      [
        ['3', 'due'],
        ['2', 'failed'],
        ['1', 'delivered'],
      ],
    );
  });

  promise('a settlement for a call that is not there is passed over', async (store) => {
    await store.record(newPush(startPush('1')));
    const lease = await leaseOn(store, 'crm');
    const [due] = await store.takeDue('crm', at(10), 1);
    assert.is(await store.settle(lease, [settlement({ ...due!, callRow: 4_711 }), settlement(due!)]), true);
    assert.equal(await countsOf(store), ['crm delivered 1']);
  });

  promise(
    'a lease has one holder until it expires or is released, and each next one a higher fence',
    async (store) => {
      const first = await store.acquireLease('crm', 'one', at(0), 30_000);
      assert.is(first!.holder, 'one');
      assert.is(await store.acquireLease('crm', 'two', at(29), 30_000), null);
      assert.ok(await store.acquireLease('other', 'two', at(29), 30_000), 'another name is another lease');
      const second = await store.acquireLease('crm', 'two', at(30), 30_000);
      assert.ok(second!.fence > first!.fence);
      assert.is(await store.renewLease(first!, at(31), 30_000), false);
      assert.is(await store.renewLease(second!, at(40), 30_000), true);
      assert.is(await store.acquireLease('crm', 'one', at(65), 30_000), null, 'renewed until 70');
      await store.releaseLease(first!);
      assert.is(
        await store.acquireLease('crm', 'one', at(65), 30_000),
        null,
        'not the old holder’s to release',
      );
      await store.releaseLease(second!);
      const third = await store.acquireLease('crm', 'one', at(65), 30_000);
      assert.ok(third!.fence > second!.fence);
    },
  );

  promise(
    'a lease that lasts for longer than any is given was taken before the clock was set back, and is over',
    async (store) => {
      const first = await store.acquireLease('crm', 'one', at(3_600), 30_000);
      assert.is(await store.acquireLease('crm', 'two', at(3_570), 30_000), null, 'clocks differ a little');
      const second = await store.acquireLease('crm', 'two', at(0), 30_000);
      assert.ok(second!.fence > first!.fence);
      assert.is(await store.renewLease(first!, at(1), 30_000), false);
    },
  );

  promise('who does not hold the lease any more says nothing of its connector', async (store) => {
    const first = await leaseOn(store, 'crm');
    await store.acquireLease('crm', 'two', at(60), 30_000);
    await store.setConnectorState({ connector: 'crm', blockedReason: 'Revoked.', since: at(0) }, first);
    assert.equal(await store.connectorStates(), []);
  });

  promise(
    'what is delivered after a write that is unanswered is written once more minutes later, and delivered meanwhile',
    async (store) => {
      await store.record(newPush(startPush('1')));
      await deliver(store, 'crm', unanswered);
      assert.equal(ids(await store.takeDue('crm', at(60), 10)), ['1'], 'the retry');
      await deliver(store, 'crm', { attempt: { ...attempt, at: at(60) } });
      await store.record(newPush(caller('2', '0400000002'), { receivedAt: at(70) }));
      await deliver(store, 'crm', { attempt: { ...attempt, at: at(70) } });

      assert.equal(await countsOf(store), ['crm delivered 2']);
      assert.is((await store.backlog('crm', 10)).due, 0);
      assert.is(await store.makeAllDue('crm', at(71)), 0, 'an open circuit that closes does not hasten it');
      const [story] = await store.stories('1');
      const { dueAt, rewriteAt } = story!.deliveries[0]!;
      assert.equal(
        [dueAt, rewriteAt],
        [null, at(360)],
        '300 s after it ended, with others in a whole minute',
      );
      assert.equal(await store.nextDueAt('crm', at(71)), at(360));
      assert.equal(await store.takeDue('crm', at(359), 10), []);
      assert.equal(await store.takeDue('crm', at(360), 10, { liveOnly: true }), []);
      const [again] = await store.takeDue('crm', at(360), 10);
      assert.equal([again!.state.callId, again!.isRewrite, again!.urgency], ['1', true, 'backlog']);

      await deliver(store, 'crm', { attempt: { ...attempt, at: at(360) } });
      assert.is(await store.nextDueAt('crm', at(71)), null);
      assert.is((await store.stories('1'))[0]!.deliveries[0]!.rewriteAt, null);
    },
  );

  promise('a delivery that comes later than a late write can is the last word', async (store) => {
    await store.record(newPush(startPush('1')));
    await deliver(store, 'crm', unanswered);
    await deliver(store, 'crm', { attempt: { ...attempt, at: at(311) } });
    assert.is(await store.nextDueAt('crm', at(0)), null);
  });

  promise('a write that is unanswered counts for all that the call says later', async (store) => {
    await store.record(newPush(startPush('1')));
    await deliver(store, 'crm', { ...unanswered, next: { state: 'delivered' } });
    await store.record(newPush(endPush('1'), { receivedAt: at(60) }));
    assert.equal(await countsOf(store), ['crm due 1']);
    await deliver(store, 'crm', { attempt: { ...attempt, at: at(60) } });
    assert.equal((await store.stories('1'))[0]!.deliveries[0]!.rewriteAt, at(360));
  });

  promise('what is written once more and comes to nothing waits as any other', async (store) => {
    await store.record(newPush(startPush('1')));
    await deliver(store, 'crm', { ...unanswered, next: { state: 'delivered' } });
    const later = { ...unanswered.attempt, at: at(360) };
    await deliver(store, 'crm', { attempt: later, unanswered: true, next: { state: 'due', at: at(400) } });
    assert.equal(await countsOf(store), ['crm due 1']);
    await deliver(store, 'crm', { attempt: { ...attempt, at: at(400) } });
    assert.equal((await store.stories('1'))[0]!.deliveries[0]!.rewriteAt, at(720), 'it was unanswered again');
  });

  promise(
    'after a holder that did not release the lease, what was there counts as unanswered',
    async (store) => {
      for (const id of ['1', '2', '3']) await store.record(newPush(caller(id, `040000000${id}`)));
      await deliver(store, 'crm'); // and released
      await leaseOn(store, 'crm');
      const lease = (await store.acquireLease('crm', 'the next one', at(100), 30_000)) as Lease;
      await store.record(newPush(caller('4', '0400000004'), { receivedAt: at(101) }));
      const due = await store.takeDue('crm', at(120), 10);
      const when = (seconds: number) => ({ attempt: { ...attempt, at: at(seconds) } });
      await store.settle(lease, [
        settlement(due[0]!, when(120)),
        settlement(due[1]!, when(400)),
        settlement(due[2]!, when(120)),
      ]);
      const shown = await store.calls({ limit: 10 });
      assert.equal(
        shown.map(({ state, deliveries }) => [state.callId, deliveries[0]!.rewriteAt]),
        [
          ['4', null],
          ['3', null], // long afterwards
          ['2', at(420)],
          ['1', null],
        ],
      );
      await store.releaseLease(lease, 'something');
      await store.acquireLease('crm', 'the one after', at(500), 30_000);
      await store.record(newPush(endPush('1'), { receivedAt: at(501) }));
      const third = (await store.acquireLease('crm', 'again', at(540), 30_000)) as Lease;
      const [first] = (await store.takeDue('crm', at(541), 10)).filter(({ state }) => state.callId === '1');
      await store.settle(third, [settlement(first!, when(550))]);
      assert.equal((await store.stories('1'))[0]!.deliveries[0]!.rewriteAt, at(840));
    },
  );

  promise('a clock that is set back leaves what is to be written once more its wait', async (store) => {
    await store.record(newPush(startPush('1')));
    await deliver(store, 'crm', {
      attempt: { ...attempt, at: at(7_200) },
      unanswered: true,
    });
    assert.is(await store.bringForward('crm', at(60)), 0, 'nothing is due by it');
    assert.equal(await store.nextDueAt('crm', at(60)), at(360));
  });

  promise(
    'time of which nobody knows whether it passed is none that a late write had to come',
    async (store) => {
      for (const id of ['1', '2', '3']) await store.record(newPush(caller(id, `040000000${id}`)));
      const lease = await leaseOn(store, 'crm');
      const [first, second, third] = await store.takeDue('crm', at(0), 10);
      await store.settle(lease, [
        settlement(first!, { attempt: { ...attempt, at: at(50) }, unanswered: true }),
        settlement(second!, {
          attempt: { ...attempt, at: at(50), outcome: 'retry', reason: 'Cut.' },
          unanswered: true,
          next: { state: 'due', at: at(65) },
        }),
      ]);
      await store.discountTime('other', at(1_000), 900);
      assert.equal(await store.nextDueAt('crm', at(100)), at(360));
      await store.discountTime('crm', at(1_000), 900_000); // it is 100 in truth
      assert.equal(await store.nextDueAt('crm', at(100)), at(1_260));
      await store.settle(lease, [
        settlement(second!, { attempt: { ...attempt, at: at(1_000) } }),
        settlement(third!, { attempt: { ...attempt, at: at(1_000) } }),
      ]);
      const shown = await store.calls({ limit: 10 });
      assert.equal(
        shown.map(({ state, deliveries }) => [state.callId, deliveries[0]!.rewriteAt]),
        [
          ['3', null],
          ['2', at(1_260)],
          ['1', at(1_260)],
        ],
      );
      await store.discountTime('crm', at(5_000), 60_000); // long afterwards
      assert.equal(await store.nextDueAt('crm', at(100)), at(1_260));
    },
  );

  promise('what is to be written once more is not too old to be kept', async (store) => {
    await store.record(newPush(startPush('1')));
    await deliver(store, 'crm', { ...unanswered, next: { state: 'delivered' } });
    assert.is((await store.purge('calls', at(100_000), 0, 10)).removed, 0);
    await deliver(store, 'crm', { attempt: { ...attempt, at: at(360) } });
    assert.is((await store.purge('calls', at(100_000), 0, 10)).removed, 1);
  });

  promise('what a clock that ran ahead made wait is brought forward, and nothing else', async (store) => {
    for (const id of ['1', '2', '3', '4']) await store.record(newPush(caller(id, `040000000${id}`)));
    await store.record(newPush(startPush('5'), { receivedAt: at(7_200) })); // by the clock that ran ahead
    const lease = await leaseOn(store, 'crm');
    const [first, second, third, fourth] = await store.takeDue('crm', at(0), 10);
    const tried = (n: number) => ({ ...attempt, at: at(n), outcome: 'retry' as const, reason: 'Busy.' });
    const later = (n: number) => ({ state: 'due' as const, at: at(n) });
    await store.settle(lease, [
      settlement(first!, { attempt: tried(0), next: later(86_400) }), // as long as the CRM asked for
      settlement(second!, { attempt: tried(7_200), next: later(7_205) }),
      // The clock ran ahead during the attempt.
      settlement(third!, { attempt: { ...tried(0), tookMs: 7_200_000 }, next: later(7_205) }),
      settlement(fourth!),
    ]);
    assert.is(await store.bringForward('other', at(10)), 0);
    assert.is(await store.bringForward('crm', at(10)), 3);
    assert.is(await store.bringForward('crm', at(10)), 0);
    const due = await store.takeDue('crm', at(10), 10);
    assert.equal(
      due.map(({ state, dueAt, failingSince }) => [state.callId, dueAt, failingSince]),
      [
        ['2', at(10), at(10)],
        ['3', at(10), at(0)],
        ['5', at(10), null],
      ],
    );
    assert.equal(await store.nextDueAt('crm', at(10)), at(86_400));
  });

  promise('a call that came by a clock that ran far ahead lapses all the same', async (store) => {
    await store.record(newPush(startPush('1'), { lapseAfterMs: 60_000, receivedAt: at(61) }));
    await store.record(newPush(startPush('2'), { lapseAfterMs: 60_000, receivedAt: at(60) }));
    await store.record(newPush(endPush('3'), { lapseAfterMs: 60_000, receivedAt: at(61) }));
    assert.is((await store.lapse(at(0), () => [], 10)).lapsed, 1);
    assert.equal(await store.nextLapseAt(), at(120), 'of the second, which is ahead by what it may ring');
  });

  promise(
    'what the holder of an older lease settles is refused, and nothing of it is written',
    async (store) => {
      await store.record(newPush(startPush('1')));
      const older = await store.acquireLease('crm', 'one', at(0), 1_000);
      const [due] = await store.takeDue('crm', at(10), 1);
      const newer = await store.acquireLease('crm', 'two', at(10), 30_000);
      assert.is(await store.settle(older!, [settlement(due!)]), false);
      const [story] = await store.stories('1');
      assert.equal([story!.attempts, story!.deliveries[0]!.state], [[], 'due']);
      assert.is(await store.settle(newer!, [settlement(due!)]), true);
    },
  );

  promise('an expired lease that nobody took still settles', async (store) => {
    await store.record(newPush(startPush('1')));
    const lease = await store.acquireLease('crm', 'one', at(0), 1);
    const [due] = await store.takeDue('crm', at(100), 1);
    assert.is(await store.settle(lease!, [settlement(due!, { attempt: { ...attempt, at: at(100) } })]), true);
  });

  promise('replay makes deliveries due at once, whatever their state, and routes anew', async (store) => {
    const callers = ['1', '2', '3'].map((id) => caller(id, `040000000${id}`));
    for (const fields of callers) await store.record(newPush(fields));
    const lease = await leaseOn(store, 'crm');
    const [delivered, broken, waiting] = await store.takeDue('crm', at(10), 10);
    const late = { next: { state: 'due' as const, at: at(9_999) } };
    await store.settle(lease, [
      settlement(delivered!),
      settlement(broken!, failed),
      settlement(waiting!, late),
    ]);
    await store.record(newPush(startPush('4'), { route: () => [] }));
    const rows = (await store.calls({ limit: 10 })).map(({ row }) => row);

    assert.is(await store.replay([...rows, 4_711], () => ['crm', 'new'], at(20)), 8);
    const due = await store.takeDue('crm', at(20), 10);
    assert.equal(ids(due).sort(), ['1', '2', '3', '4']);
    assert.equal(failuresOf(due), [
      [0, null],
      [0, null],
      [0, null],
      [0, null],
    ]);
    assert.equal(ids(await store.takeDue('new', at(20), 10)).sort(), ['1', '2', '3', '4']);
    assert.equal(await store.calls({ state: 'unrouted', limit: 10 }), []);
    const [view] = await store.calls({ callId: '1', limit: 1 });
    assert.equal([view!.revision, view!.deliveries[0]!.deliveredRevision], [1, 0]);
  });

  promise('replay of one connector leaves the others, and of many what is skipped', async (store) => {
    await store.record(newPush(startPush('1'), { route: () => ['a', 'b'] }));
    const [{ row } = { row: 0 }] = await store.calls({ limit: 1 });
    await deliver(store, 'a');
    await deliver(store, 'b');
    assert.is(await store.replay([row], () => ['a', 'b', 'c'], at(20), { connector: 'b' }), 1);
    assert.equal(await countsOf(store), ['a delivered 1', 'b due 1']);
    await store.skip(row, 'b', 'A test call.', at(21));
    assert.is(await store.replay([row], () => [], at(22), { exceptSkipped: true }), 1);
    assert.equal(await countsOf(store), ['a due 1', 'b skipped 1']);
    assert.is(await store.replay([row], () => [], at(23)), 2);
    const [story] = await store.stories('1');
    assert.equal(
      story!.deliveries.map((one) => [one.state, one.lastReason, one.skippedRevision]),
      [
        ['due', null, null],
        ['due', null, null],
      ],
    );
    assert.equal(
      story!.decisions.map(({ at: when, ...made }) => [when, made.decision, made.connector, made.reason]),
      [
        [at(20), 'replay', 'b', null],
        [at(21), 'skip', 'b', 'A test call.'],
        [at(22), 'replay', null, null],
        [at(23), 'replay', null, null],
      ],
    );
  });

  promise('a skipped delivery stays out while its call changes, and says so', async (store) => {
    await store.record(newPush(startPush('1'), { route: () => ['a', 'b'] }));
    const [{ row } = { row: 0 }] = await store.calls({ limit: 1 });
    assert.is(await store.skip(row, 'none', 'No.', at(1)), null);
    assert.is(await store.skip(row, 'a', 'A test call.', at(1)), 'skipped');
    await deliver(store, 'b');
    assert.is(await store.skip(row, 'b', 'Too late.', at(2)), 'delivered');
    const { due } = await store.record(
      newPush(endPush('1'), { receivedAt: at(60), route: () => ['a', 'b'] }),
    );
    assert.equal(due, ['b']);
    assert.equal(await store.takeDue('a', at(9_999), 10), []);
    const [view] = await store.calls({ limit: 1 });
    const [skipped] = view!.deliveries;
    assert.equal(
      [
        skipped!.state,
        skipped!.skippedRevision,
        skipped!.wantedRevision,
        skipped!.dueAt,
        skipped!.lastReason,
      ],
      ['skipped', 1, 2, null, 'A test call.'],
    );
    await deliver(store, 'b');
    assert.equal((await store.purge('calls', at(9_999), 0, 10)).removed, 1, 'a person has dealt with it');
  });

  promise('a pause is kept apart from being blocked', async (store) => {
    await store.pauseConnector('crm', { since: at(5), reason: 'Being moved.' });
    await store.setConnectorState({ connector: 'crm', blockedReason: 'Revoked.', since: at(6) });
    const [paused] = await store.connectorStates();
    assert.equal(
      [paused!.blockedReason, paused!.paused],
      ['Revoked.', { since: at(5), reason: 'Being moved.' }],
    );
    await store.pauseConnector('crm', null);
    const [resumed] = await store.connectorStates();
    assert.equal([resumed!.blockedReason, resumed!.since, resumed!.paused], ['Revoked.', at(6), null]);
  });

  promise('the last attempt that came to nothing is known, until its call is erased', async (store) => {
    await store.record(newPush(startPush('1')));
    await deliver(store, 'crm', failed);
    const [state] = await store.connectorStates();
    const { reason, outcome } = failed.attempt as Attempt;
    assert.equal(state!.lastError, { at: at(10), outcome, reason, source: 'acme', callId: '1' });
    const [{ row } = { row: 0 }] = await store.calls({ limit: 1 });
    await store.erase({
      rows: [row],
      number: '+61444444444',
      shown: '***',
      told: [],
      mask: (text) => text,
      holds: () => false,
      unsearchable: false,
      at: at(0),
    });
    assert.equal(await store.connectorStates(), []);
    assert.equal(await store.stories('1'), []);
  });

  promise(
    'what was under way of an erased call settles nothing of the call that comes next',
    async (store) => {
      const erase = async (row: number) =>
        store.erase({
          rows: [row],
          number: '+61444444444',
          shown: '***',
          told: [],
          mask: String,
          holds: () => false,
          unsearchable: false,
          at: at(0),
        });
      await store.record(newPush(startPush('1')));
      const lease = await leaseOn(store, 'crm');
      const [first] = await store.takeDue('crm', at(1_000), 1);
      await erase(first!.callRow);
      await store.record(newPush(startPush('2')));
      const [second] = await store.takeDue('crm', at(1_000), 1);
      await erase(second!.callRow);
      await erase(0); // one that finds nothing
      await store.record(newPush(startPush('3')));
      await store.settle(lease, [settlement(first!), settlement(second!)]);
      const [third] = await store.takeDue('crm', at(1_000), 1);
      assert.equal([third!.state.callId, third!.records], ['3', {}]);
    },
  );

  promise('how long a push took to the CRM is counted once, not for writing it again', async (store) => {
    await store.record(newPush(startPush('1')));
    await deliver(store, 'crm'); // at 10 s, in 250 ms
    const [{ row } = { row: 0 }] = await store.calls({ limit: 1 });
    await store.replay([row], () => [], at(20));
    await deliver(store, 'crm');
    const lag = await store.countLag(at(-900).getTime(), at(900).getTime());
    assert.equal(
      lag.map(({ connector, deliveries, step }) => [connector, deliveries, step]),
      [['crm', 1, 107]],
    );
    // Of a longer range in wider steps of time: hours, days, weeks.
    const hour = 3_600_000;
    for (const [hours, widthMs] of [
      [72, hour],
      [240, 24 * hour],
      [24 * 100, 168 * hour],
    ] as const) {
      const until = at(900).getTime();
      const wide = await store.countLag(until - hours * hour, until);
      assert.equal(
        wide.map(({ at: from, connector, deliveries, step }) => [
          from % widthMs,
          connector,
          deliveries,
          step,
        ]),
        [[0, 'crm', 1, 107]],
        `${hours} hours`,
      );
    }
  });

  promise('replay without a call does nothing', async (store) => {
    assert.is(await store.replay([], () => ['crm'], at(0)), 0);
    assert.is(await store.replay([1], () => ['crm'], at(0)), 0);
  });

  promise('a start without an end lapses after its time, and is delivered as that', async (store) => {
    await store.record(newPush(startPush('1'), { lapseAfterMs: 60_000 }));
    await store.record(newPush(startPush('2'), { lapseAfterMs: 90_000, receivedAt: at(1) }));
    await store.record(newPush(endPush('3'), { lapseAfterMs: 1 }));
    await deliver(store, 'crm');
    assert.equal(await store.nextLapseAt(), at(60));
    assert.equal(await store.lapse(at(59), () => [], 10), { lapsed: 0, due: [] });
    const routed: boolean[] = [];
    const route = (state: CallState) => {
      routed.push(state.lapsed);
      return ['missed-calls'];
    };
    const { lapsed, due } = await store.lapse(at(60), route, 10);
    assert.equal([lapsed, [...due].sort(), routed], [1, ['crm', 'missed-calls'], [true]]);
    const [view] = await store.calls({ callId: '1', limit: 1 });
    assert.equal([view!.state.lapsed, view!.state.endReceivedAt, view!.revision], [true, null, 2]);
    assert.equal(
      view!.deliveries.map(({ state }) => state),
      ['due', 'due'],
    );
    assert.equal(await store.nextLapseAt(), at(91));
    assert.equal((await store.lapse(at(9_999), () => [], 10)).lapsed, 1);
    assert.is(await store.nextLapseAt(), null);
  });

  promise(
    'what waits keeps its place when its call lapses: nobody rings, and it has waited longest',
    async (store) => {
      await store.record(newPush(startPush('1'), { lapseAfterMs: 60_000 }));
      await store.record(newPush(startPush('2'), { receivedAt: at(30) }));
      assert.is((await store.lapse(at(60), () => ['crm'], 10)).lapsed, 1);
      const due = await store.takeDue('crm', at(60), 10);
      assert.equal(
        due.map(({ state, revision, dueAt }) => [state.callId, revision, dueAt]),
        [
          ['1', 2, at(0)],
          ['2', 1, at(30)],
        ],
      );
      assert.equal((await store.backlog('crm', 10)).waitingSince, at(0));
    },
  );

  promise('a call that rings while clocks are changed lapses when its time has passed', async (store) => {
    const hours4 = 4 * 3_600_000;
    for (const [callId, receivedAt, before, after] of [
      // Forward in Auckland and in Sydney, back in both, and over the end of a leap day.
      ['1', '2026-09-26T13:30:00Z', '2026-09-26T17:29:59.999Z', '2026-09-26T17:30:00Z'],
      ['2', '2026-10-03T15:30:00Z', '2026-10-03T19:29:59.999Z', '2026-10-03T19:30:00Z'],
      ['3', '2026-04-04T15:30:00Z', '2026-04-04T19:29:59.999Z', '2026-04-04T19:30:00Z'],
      ['4', '2024-02-29T12:30:00Z', '2024-02-29T16:29:59.999Z', '2024-02-29T16:30:00Z'],
    ] as const) {
      const fields = startPush(callId);
      await store.record(newPush(fields, { lapseAfterMs: hours4, receivedAt: new Date(receivedAt) }));
      assert.equal(await store.nextLapseAt(), new Date(after));
      assert.is((await store.lapse(new Date(before), () => [], 10)).lapsed, 0);
      assert.is((await store.lapse(new Date(after), () => [], 10)).lapsed, 1);
    }
  });

  promise('lapse takes no more than its limit, the longest overdue first', async (store) => {
    for (const id of ['1', '2', '3']) {
      await store.record(newPush(startPush(id), { lapseAfterMs: 1_000 * (10 - Number(id)) }));
    }
    assert.is((await store.lapse(at(60), () => [], 2)).lapsed, 2);
    assert.equal(
      (await store.calls({ limit: 10 })).map(({ state }) => [state.callId, state.lapsed]),
      [
        ['3', true],
        ['2', true],
        ['1', false],
      ],
    );
  });

  promise('a late end opens a lapsed call as ended; an end in time keeps it from lapsing', async (store) => {
    await store.record(newPush(startPush('1'), { lapseAfterMs: 1_000 }));
    await store.record(newPush(startPush('2'), { lapseAfterMs: 1_000 }));
    await store.record(newPush(endPush('2')));
    assert.is((await store.lapse(at(60), () => [], 10)).lapsed, 1);
    const { state, revision, due } = await store.record(newPush(endPush('1'), { receivedAt: at(61) }));
    assert.equal([state.endReceivedAt, revision, due], [at(61), 3, ['crm']]);
    assert.is(await store.nextLapseAt(), null);
  });

  promise('people are remembered by connector and number, and forgotten', async (store) => {
    const lead = { type: 'lead', id: '1' };
    const contact = { type: 'contact', id: '2' };
    await store.rememberPeople(
      'crm',
      new Map([
        ['+61400000001', lead],
        ['+61400000002', lead],
      ]),
    );
    await store.rememberPeople('crm', new Map([['+61400000002', contact]]));
    await store.rememberPeople('other', new Map());
    assert.equal(
      [...(await store.findPeople('crm', ['+61400000001', '+61400000002', '+61400000003']))],
      [
        ['+61400000001', lead],
        ['+61400000002', contact],
      ],
    );
    assert.is((await store.findPeople('other', ['+61400000001'])).size, 0);
    await store.forgetPeople('crm', ['+61400000001', '+61400000009']);
    await store.forgetPeople('crm', []);
    assert.equal(
      [...(await store.findPeople('crm', ['+61400000001', '+61400000002']))],
      [['+61400000002', contact]],
    );
  });

  promise("a connector's memory is its own, and holds the last text under each name", async (store) => {
    await store.remember(
      'crm',
      new Map([
        ['token', 'first'],
        ['probe', '{}'],
      ]),
    );
    await store.remember('crm', new Map([['token', 'second']]));
    await store.remember('other', new Map());
    assert.equal(
      [...(await store.recall('crm', ['token', 'probe', 'nothing']))],
      [
        ['token', 'second'],
        ['probe', '{}'],
      ],
    );
    assert.is((await store.recall('other', ['token'])).size, 0);
    await store.forget('crm', ['token', 'nothing']);
    await store.forget('other', ['probe']);
    assert.equal([...(await store.recall('crm', ['token', 'probe'])).keys()], ['probe']);
  });

  promise('the state of a connector is the last one set', async (store) => {
    await store.setConnectorState({ connector: 'b', blockedReason: 'The token was revoked.', since: at(0) });
    await store.setConnectorState({ connector: 'a', blockedReason: null, since: at(1) });
    await store.setConnectorState({ connector: 'b', blockedReason: null, since: at(2) });
    assert.equal(await store.connectorStates(), [
      { ...working, connector: 'a', since: at(1) },
      { ...working, connector: 'b', since: at(2) },
    ]);
  });

  const wrongToken = (mark: string, seconds: number, count = 1) =>
    rejection({ mark, firstAt: at(seconds), lastAt: at(seconds), count });
  const unreadable = (body: string | Uint8Array, seconds: number, source = 'acme', reason = 'Not JSON.') =>
    rejection({
      ...{ source, reason, cause: 'unreadable', mark: '' },
      ...{ firstAt: at(seconds), lastAt: at(seconds), body: rawBody(body) },
    });
  const marksOf = async (store: Store) =>
    (await store.tallyRejected(at(0))).map(({ mark, count }) => [mark, count]);
  const keptOf = async (store: Store, headBytes = 100) =>
    (await store.rejections({ kept: true, limit: 100, headBytes })).map(({ head }) =>
      new TextDecoder().decode(head!),
    );

  promise('what was not taken is counted by source, cause and mark, the latest first', async (store) => {
    const tooLarge = rejection({ source: 'acme', cause: 'too_large', firstAt: at(3), lastAt: at(3) });
    await store.reject([wrongToken('9f2c', 1), tooLarge, wrongToken('77aa', 4)], room);
    const again = { ...wrongToken('9f2c', 9, 13), sender: '203.0.113.9', reason: 'Another reason.' };
    const [total] = await store.reject([again], room);
    const plainly = ({ body: _, ...rest }: NewRejection): Rejection => rest;
    const expected = plainly({ ...again, firstAt: at(1), count: 14 });
    assert.equal(total, expected);
    assert.equal(await store.tallyRejected(at(0)), [
      expected,
      plainly(wrongToken('77aa', 4)),
      plainly(tooLarge),
    ]);
    assert.equal(
      (await store.tallyRejected(at(4))).map(({ mark }) => mark),
      ['9f2c', '77aa'],
    );
    assert.equal(await store.rejectedKept(), []);
    assert.equal(await store.reject([], room), []);
  });

  promise('tokens that came once give way to others, and are counted as one', async (store) => {
    await store.reject([wrongToken('true', 0, 2)], room);
    const others = Array.from({ length: 300 }, (_, n) => wrongToken(`${1000 + n}`, n + 1));
    await store.reject(others.slice(0, 250), room);
    for (const one of others.slice(250)) await store.reject([one], room);
    const marks = new Map((await marksOf(store)) as [string, number][]);
    assert.is(marks.size, 201);
    assert.equal([marks.get('true'), marks.get(''), marks.get('1299')], [2, 101, 1]);
    // Those of a source are its own.
    const outside = rejection({ source: 'acme', cause: 'refused_address', mark: '203.0.113.9' });
    await store.reject([outside], room);
    assert.is((await store.tallyRejected(at(0))).length, 202);
  });

  promise('a body that cannot be read is kept whole, and once however often it comes', async (store) => {
    const long = `{"PLA_Call_Id":${'x'.repeat(200_000)}\u0000é`;
    await store.reject([unreadable(long, 1)], room);
    await store.reject([unreadable('{', 2), unreadable(long, 3, 'acme', 'Newer.')], room);
    await store.reject([unreadable(long, 4, 'other')], room);
    const bytes = new TextEncoder().encode(long);
    const [other, acme, brace] = await store.rejections({ limit: 10, headBytes: 5 });
    assert.equal(
      [other!.source, acme!.source, brace!.source].concat(
        [other!, acme!, brace!].map(({ count }) => `${count}`),
      ),
      ['other', 'acme', 'acme', '1', '2', '1'],
    );
    assert.equal([acme!.reason, acme!.firstAt, acme!.lastAt], ['Newer.', at(1), at(3)]);
    assert.equal([acme!.bytes, new TextDecoder().decode(acme!.head!)], [bytes.length, '{"PLA']);
    const whole = await store.rejection(acme!.row);
    assert.equal(Buffer.from(whole!.head!).equals(bytes), true);
    assert.is(await store.rejection(999), null);
    assert.equal(await store.rejectedKept(), [
      { source: 'acme', bodies: 2, bytes: bytes.length + 1 },
      { source: 'other', bodies: 1, bytes: bytes.length },
    ]);
    const [, next] = await store.rejections({ limit: 2, headBytes: 5 });
    const page = await store.rejections({ limit: 2, headBytes: 5, before: next! });
    assert.equal(
      page.map(({ row }) => row),
      [brace!.row],
    );
    const kinds = [
      await store.rejections({ kept: false, limit: 9, headBytes: 0 }),
      await store.rejections({ source: 'other', limit: 9, headBytes: 0 }),
    ];
    assert.equal(
      kinds.map(({ length }) => length),
      [0, 1],
    );
  });

  promise("a source's oldest bodies make room, and are counted; another's stay", async (store) => {
    await store.reject([unreadable('theirs', 0, 'other')], 20_000);
    for (let n = 1; n <= 4; n++) await store.reject([unreadable(`${n}`.repeat(6_000), n)], 20_000);
    assert.equal((await keptOf(store, 1)).sort(), ['2', '3', '4', 't']);
    // One that is longer than all the room is kept all the same; short ones count as what a row takes.
    await store.reject([unreadable('5'.repeat(30_000), 5)], 20_000);
    assert.equal((await keptOf(store, 1)).sort(), ['5', 't']);
    for (let n = 10; n < 30; n++) await store.reject([unreadable(`${n}`, n)], 20_000);
    assert.equal((await keptOf(store)).sort(), ['26', '27', '28', '29', 'theirs']);
    const [gone] = await store.rejections({ source: 'acme', kept: false, limit: 5, headBytes: 0 });
    assert.equal([gone!.cause, gone!.count, gone!.firstAt], ['unreadable', 21, at(1)]);
    assert.match(gone!.reason, 'retention.rejectedBytes');
  });

  /** Reads bodies that are whole by now, as receiving would. */
  const readNow = (kept: KeptPush): NewPush | { reason: string } | null => {
    if (kept.source === 'gone') return null;
    const body = new TextDecoder().decode(kept.body.bytes);
    try {
      const { callId, fields } = parsePush(body.replace(/^broken /, ''));
      return newPush(fields, { callId, body, source: kept.source, receivedAt: kept.firstAt });
    } catch (reason) {
      return { reason: (reason as Error).message };
    }
  };

  promise('what can be read by now is recorded as of when it came, and leaves the ledger', async (store) => {
    const body = (fields: object) => `broken ${JSON.stringify(fields)}`;
    await store.reject([unreadable(body(startPush('1')), 1)], room);
    await store.reject([unreadable(body(startPush('1')), 8)], room);
    await store.reject([unreadable('never', 2), unreadable(body(endPush('1')), 3)], room);
    await store.reject([unreadable('', 6, 'blank')], room);
    await store.reject([unreadable(body(startPush('2')), 4, 'gone'), wrongToken('9f2c', 5)], room);
    const { taken, ...rest } = await store.readAgain(undefined, 0, readNow);
    assert.equal(rest, { left: 2, passed: 1, lastRow: null });
    assert.equal(
      taken.map(({ push, recorded }) => [push.callId, recorded.revision, recorded.due]),
      [
        ['1', 1, ['crm']],
        ['1', 2, ['crm']],
      ],
    );
    const [story] = await store.stories('1');
    assert.equal(
      story!.pushes.map(({ receivedAt, repeats, lastRepeatAt }) => [receivedAt, repeats, lastRepeatAt]),
      [
        [at(1), 1, at(8)],
        [at(3), 0, null],
      ],
    );
    assert.equal([story!.state.firstReceivedAt, story!.state.endReceivedAt], [at(1), at(3)]);
    assert.equal(
      (await keptOf(store)).map((text) => text.slice(0, 6)),
      ['', 'broken', 'never'],
    );
    const [never] = await store.rejections({ source: 'acme', kept: true, limit: 5, headBytes: 0 });
    assert.is(never!.reason, 'The body is neither a JSON object nor a form.');
    assert.equal((await store.readAgain(undefined, 0, readNow)).taken, []);
    assert.is((await store.takeDue('crm', at(99), 10)).length, 1);
  });

  promise('of two that read again at once, one records each', async (store) => {
    const bodies = Array.from({ length: 120 }, (_, n) => `broken ${JSON.stringify(startPush(`${n + 1}`))}`);
    await store.reject(
      bodies.map((body, n) => unreadable(body, n)),
      room,
    );
    const readAll = async () => {
      let taken = 0;
      for (let row: number | null = 0; row !== null; ) {
        const step: ReadAgain = await store.readAgain('acme', row, readNow);
        taken += step.taken.length;
        row = step.lastRow;
      }
      return taken;
    };
    const [one = 0, two = 0] = await Promise.all([readAll(), readAll()]);
    assert.is(one + two, 120);
    assert.is((await store.calls({ limit: 200 })).length, 120);
    assert.equal(await store.rejectedKept(), []);
  });

  promise('an older push that is read late takes nothing back of what came since', async (store) => {
    const sale = { PLA_SurveyOutcome: 'Sale', PLA_VoicemailLeft: 'No' };
    await store.reject([unreadable(`broken ${JSON.stringify(endPush('1', sale))}`, 1)], room);
    await store.record(newPush(startPush('1'), { receivedAt: at(0) }));
    const later = { PLA_SurveyOutcome: 'No sale', PLA_VoicemailLeft: '' };
    await store.record(newPush(endPush('1', later), { receivedAt: at(5) }));
    const { taken } = await store.readAgain(undefined, 0, readNow);
    assert.equal(
      taken.map(({ recorded }) => recorded.revision),
      [3],
    );
    const fields = async () => (await store.stories('1'))[0]!.state.fields;
    assert.equal(
      [(await fields())['PLA_SurveyOutcome'], (await fields())['PLA_VoicemailLeft']],
      ['No sale', 'No'],
    );
    await store.record(newPush({ PLA_Call_Id: '1', PLA_dtmf: 'Plumbing' }, { receivedAt: at(6) }));
    assert.equal(
      [(await fields())['PLA_SurveyOutcome'], (await fields())['PLA_dtmf']],
      ['No sale', 'Plumbing'],
    );
    assert.equal((await store.calls({ limit: 1 }))[0]!.lastReceivedAt, at(6));
  });

  promise('a body with an erased number is gone, whatever else is in it', async (store) => {
    const bytes = Buffer.from('{"a":"\u0000\xff", "b": "0412345678"', 'latin1');
    await store.reject([unreadable(bytes, 1), unreadable('0499999999', 2)], room);
    const holds = (text: string) => text.includes('12345678');
    const erasure = {
      rows: [],
      number: '+61412345678',
      shown: '***',
      told: [],
      mask: String,
      holds,
      unsearchable: false,
      at: at(3),
    };
    assert.is((await store.erase(erasure)).unreadable, 1);
    assert.equal(await keptOf(store), ['0499999999']);
  });

  promise('calls are found by each filter, newest first, page by page', async (store) => {
    await store.record(newPush(startPush('1'), { route: () => ['a'] }));
    await store.record(newPush(startPush('2'), { route: () => ['a', 'b'], receivedAt: at(10) }));
    await store.record(newPush(startPush('3'), { route: () => [], receivedAt: at(20), source: 'other' }));
    await deliver(store, 'a');
    const find = async (filter: object) => ids(await store.calls({ limit: 10, ...filter }));
    assert.equal(await find({}), ['3', '2', '1']);
    assert.equal(await find({ limit: 2 }), ['3', '2']);
    const [, second] = await store.calls({ limit: 2 });
    assert.equal(await find({ beforeRow: second!.row }), ['1']);
    assert.equal(await find({ source: 'other' }), ['3']);
    assert.equal(await find({ callId: '2' }), ['2']);
    assert.equal(await find({ connector: 'b' }), ['2']);
    assert.equal(await find({ since: at(10) }), ['3', '2']);
    assert.equal(await find({ state: 'unrouted' }), ['3']);
    assert.equal(await find({ state: 'delivered' }), ['1']);
    assert.equal(await find({ state: 'due' }), ['2']);
    assert.equal(await find({ state: 'failed' }), []);
    assert.equal(await find({ state: 'due', connector: 'a' }), ['2']);
    assert.equal(await find({ state: 'delivered', connector: 'b' }), []);
    assert.equal(await find({ source: 'acme', state: 'due', since: at(11) }), []);
  });

  promise('deliveries are counted by connector and state', async (store) => {
    await store.record(newPush(startPush('1'), { route: () => ['a', 'b'] }));
    await store.record(newPush(startPush('2'), { route: () => ['a'] }));
    await deliver(store, 'a', failed);
    assert.equal(await countsOf(store), ['a due 1', 'a failed 1', 'b due 1']);
  });

  promise('a backlog is counted up to a number, and says since when the oldest has waited', async (store) => {
    const none = { due: 0, failed: 0, waitingSince: null, latestFailed: null };
    assert.equal(await store.backlog('crm', 10), none);
    for (let n = 1; n <= 5; n++) await store.record(newPush(startPush(`${n}`), { receivedAt: at(n) }));
    await store.record(newPush(startPush('6'), { receivedAt: at(0), route: () => ['other'] }));
    assert.equal(await store.backlog('crm', 10), { ...none, due: 5, waitingSince: at(1) });
    assert.equal(await store.backlog('crm', 3), { ...none, due: 3, waitingSince: at(1) });
    const retry = {
      attempt: { ...attempt, at: at(20), outcome: 'retry' as const, reason: 'HubSpot answered 503.' },
      next: { state: 'due' as const, at: at(9_000) },
    };
    await deliver(store, 'crm', retry);
    assert.equal((await store.backlog('crm', 10)).waitingSince, at(2));
    for (let n = 2; n <= 5; n++) {
      const attempted = { ...attempt, outcome: 'rejected' as const, reason: 'There is no such property.' };
      await deliver(store, 'crm', { ...failed, attempt: attempted });
    }
    assert.equal(await store.backlog('crm', 10), {
      due: 1,
      failed: 4,
      waitingSince: at(20), // since its first failure, not when it is due again
      latestFailed: { callId: '5', reason: 'There is no such property.' },
    });
    assert.is((await store.backlog('crm', 3)).failed, 3);
  });

  promise('while a connector is blocked, its backlog has waited since then at least', async (store) => {
    await store.record(newPush(startPush('1'), { receivedAt: at(900) }));
    const state = { connector: 'crm', blockedReason: 'The token was revoked.', since: at(60) };
    await store.setConnectorState(state);
    assert.equal((await store.backlog('crm', 10)).waitingSince, at(60));
    await store.setConnectorState({ ...state, blockedReason: null });
    assert.equal((await store.backlog('crm', 10)).waitingSince, at(900));
  });

  promise('the latest push of each source is found among the last ones', async (store) => {
    await store.record(newPush(startPush('1'), { receivedAt: at(1) }));
    await store.record(newPush(startPush('2'), { receivedAt: at(2), source: 'other' }));
    await store.record(newPush(endPush('1'), { receivedAt: at(3) }));
    const all = { acme: at(3), other: at(2) };
    assert.equal(Object.fromEntries(await store.latestPushes(10)), all);
    assert.equal(Object.fromEntries(await store.latestPushes(1)), { acme: at(3) });
  });

  promise('it knows the room it takes', async (store) => {
    await store.record(newPush(startPush('1')));
    const sizes = Object.values(await store.size());
    assert.ok(sizes.length > 0 && sizes.some((bytes) => bytes > 4_000), String(sizes));
  });

  promise('it says that it can be written to', async (store) => {
    await store.checkWritable();
    await store.record(newPush(startPush('1')));
    await store.checkWritable();
  });

  contract.run();
}

/** So many seconds after the first push. */
function at(seconds: number): Date {
  return new Date(Date.UTC(2026, 10, 2, 3, 15, seconds));
}

const freshDelivery = {
  connector: 'crm',
  state: 'due',
  wantedRevision: 1,
  deliveredRevision: 0,
  dueAt: at(0),
  rewriteAt: null,
  failures: 0,
  lastReason: null,
  skippedRevision: null,
  records: {},
};

const attempt: Omit<Attempt, 'n' | 'revision'> = {
  at: at(10),
  tookMs: 250,
  outcome: 'delivered',
  reason: null,
  notes: ['The city was cut to 40 characters.'],
  requests: 3,
  batch: 1,
};

const failed: Partial<Settlement> = {
  attempt: { ...attempt, outcome: 'rejected', reason: 'HubSpot refused the property "x".' },
  next: { state: 'failed' },
};

const unanswered = {
  attempt: { ...attempt, outcome: 'retry', reason: 'No answer.' },
  unanswered: true,
  next: { state: 'due' },
} satisfies Partial<Settlement>;

function settlement({ callRow, revision }: DueDelivery, more: Partial<Settlement> = {}): Settlement {
  return { callRow, revision, attempt, records: {}, next: { state: 'delivered' }, ...more };
}

async function leaseOn(store: Store, connector: string): Promise<Lease> {
  const lease = await store.acquireLease(connector, 'this bridge', at(0), 30_000);
  assert.ok(lease);
  return lease as Lease;
}

/** Attempts the longest due delivery of a connector. */
async function deliver(store: Store, connector: string, more: Partial<Settlement> = {}): Promise<boolean> {
  const lease = await leaseOn(store, connector);
  const [due] = await store.takeDue(connector, at(1_000), 1);
  const settled = await store.settle(lease, [settlement(due!, more)]);
  await store.releaseLease(lease);
  return settled;
}

const caller = (callId: string, number: string) => startPush(callId, { PLA_Caller_Phone_Number: number });
const plain = (state: CallState) => ({ ...state, fields: { ...state.fields } });
const ids = (calls: readonly { state: CallState }[]) => calls.map(({ state }) => state.callId);
const working = { blockedReason: null, openReason: null, probeAt: null, paused: null, lastError: null };
const failuresOf = (due: readonly DueDelivery[]) => due.map((one) => [one.failures, one.failingSince]);

async function countsOf(store: Store): Promise<string[]> {
  const counts = new Map<string, number>();
  for (const { deliveries } of await store.calls({ limit: 1_000 }))
    for (const { connector, state } of deliveries) {
      const place = `${connector} ${state}`;
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
  return [...counts].map(([place, count]) => `${place} ${count}`).sort();
}
