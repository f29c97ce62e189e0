import { callsPage } from '../../src/operator/calls.ts';
import { overview } from '../../src/operator/overview.ts';
import { inCrm } from '../../src/operator/page/overview.ts';
import { OperatorProblem } from '../../src/operator/problem.ts';
import { story } from '../../src/operator/story.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';
import { testSecret, withWebhookReceiver } from '../support/webhook-receiver.ts';
import { withOperator } from '../support/with-operator.ts';

const operator = suite('operator');

const yaml = 'sources: { acme: {} }\nconnectors: { box: { type: sandbox } }\n';

operator('overview, list and story of a call are as their schemas say', () =>
  withOperator(yaml, async ({ operator: asked, receive, index }) => {
    await receive(startPush('1'));
    await receive(endPush('1', { PLA_CallResult: 'Busy' }));
    await index();
    assert.is(overview.parse(await asked.overview()).calls.received, 1);
    const [call] = callsPage.parse(await asked.calls()).calls;
    assert.equal([call!.callId, call!.result, call!.missed], ['1', 'busy', true]);
    const told = story.parse(await asked.story('acme', '1'));
    assert.equal(
      told.pushes.map(({ kind }) => kind),
      ['start', 'end'],
    );
    assert.equal(told.fields.find(({ name }) => name === 'PLA_CallResult')?.push, 2);
  }),
);

operator(
  'an overview of days before there was standard time ends, and one of a thousand years is refused',
  () =>
    withOperator(yaml, async ({ operator: asked }) => {
      // Days in Sydney began at 13:55:08 UTC then, in the middle of a quarter: counting by quarters stood still.
      const old = await asked.overview({ since: new Date('1850-01-01'), until: new Date('1850-02-01') });
      assert.is(
        old.byTime.reduce((sum, { calls }) => sum + calls, 0),
        0,
      );
      assert.ok(old.byTime.length >= 31 && old.byTime.length <= 64, String(old.byTime.length));
      for (const [since, until] of [
        ['0001-01-01', '2026-01-01'],
        ['2026-01-01', '9999-12-31'],
      ] as const) {
        const problem = await asked
          .overview({ since: new Date(since), until: new Date(until) })
          .catch((thrown) => thrown);
        assert.is(problem.message, 'since and until must be no more than ten years apart.');
      }
    }),
);

operator('days of the overview are those of the clocks there, when they are changed and in leap years', () =>
  withOperator(
    'sources: { acme: { timezone: Pacific/Auckland } }\nconnectors: { box: { type: sandbox } }\n',
    async ({ operator: asked, receive, index }) => {
      const at = (receivedAt: string) => receive(startPush(receivedAt), { receivedAt: new Date(receivedAt) });
      await at('2024-02-28T11:00:00Z'); // 29 February, 00:00
      await at('2024-02-29T10:59:59Z'); // 29 February, 23:59:59
      await at('2026-09-26T12:00:00Z'); // 27 September, 00:00, a day of 23 hours
      await at('2026-09-27T10:59:59Z'); // 27 September, 23:59:59
      await at('2027-04-04T11:59:59Z'); // 4 April, 23:59:59, after 25 hours
      await index();
      const days = async (since: string, until: string) =>
        (await asked.overview({ since: new Date(since), until: new Date(until) })).byTime
          .filter(({ calls }) => calls > 0)
          .map(({ at: day, calls }) => `${day} ${calls}`);
      assert.equal(await days('2024-02-20T11:00:00Z', '2024-03-05T11:00:00Z'), [
        '2024-02-28T11:00:00.000Z 2',
      ]);
      assert.equal(await days('2026-09-20T12:00:00Z', '2026-10-05T11:00:00Z'), [
        '2026-09-26T12:00:00.000Z 2',
      ]);
      assert.equal(await days('2027-03-25T11:00:00Z', '2027-04-10T12:00:00Z'), [
        '2027-04-03T11:00:00.000Z 1',
      ]);
    },
  ),
);

operator('what is not there is a problem with a way out', () =>
  withOperator(yaml, async ({ operator: asked }) => {
    const problem = await asked.story('acme', '1').catch((thrown) => thrown);
    assert.instance(problem, OperatorProblem);
    assert.match(problem.message, 'No call 1 of acme is stored');
    const unknown = await asked.check('bix').catch((thrown) => thrown);
    assert.is(unknown.message, 'There is no connector "bix". Did you mean "box"? Known: box.');
  }),
);

operator('a check says first what keeps calls from the connector right now', () =>
  withWebhookReceiver(async (receiver) => {
    receiver.answerAll({ status: 401 });
    const hook = `{ type: webhook, url: "${receiver.url}", secrets: ["${testSecret}"], allowPrivate: true }`;
    await withOperator(
      `sources: { acme: {} }\nconnectors: { hook: ${hook} }\n`,
      async ({ operator: asked, store }) => {
        const since = new Date('2026-11-02T03:15:00Z');
        const reason = 'hooks answered 401. Check secrets and headers.';
        await store.setConnectorState({ connector: 'hook', blockedReason: reason, since });
        const [first, second] = (await asked.check('hook')).findings;
        assert.equal([first?.level, first?.subject], ['problem', 'deliveries']);
        assert.is(first?.message, `Nothing is written since 2026-11-02T03:15:00.000Z. ${reason}`);
        assert.is(second?.level, 'warning', 'nothing is in order about a 401');
        await store.pauseConnector('hook', { since, reason: 'the migration' });
        const [paused] = (await asked.check('hook')).findings;
        assert.match(paused?.message ?? '', /^Paused since .*: the migration\.$/);
        await store.pauseConnector('hook', null);
        await store.setConnectorState({ connector: 'hook', blockedReason: null, since });
        assert.equal((await asked.check('hook')).findings.length, 1);
      },
    );
  }),
);

operator('a masked reader sees no whole number, no raw push and no recording, and changes nothing', () =>
  withOperator(yaml, async ({ operator: asked, receive, index }) => {
    await receive(startPush('1', { PLA_Caller_Phone_Number: '0412 345 678', note: 'ring 412345678' }));
    await receive(endPush('1'));
    await index();
    const reader = asked.for({ role: 'reader', masked: true });
    const shown = JSON.stringify([await reader.calls(), await reader.story('acme', '1')]);
    assert.not.match(shown, /412\W*345\W*678/);
    assert.not.match(shown, 'recordings/1.wav');
    const told = await reader.story('acme', '1');
    assert.equal([told.callId, told.recording, told.pushes[0]!.body], ['1', null, null]);
    const problem = await reader.replay('acme', '1').catch((thrown) => thrown);
    assert.is(problem.kind, 'forbidden');
  }),
);

operator('a masked reader finds no call by digits of its number, and all by words and ids', () =>
  withOperator(yaml, async ({ operator: asked, receive, index }) => {
    const fields = { PLA_Dealer_Name: 'Smith Plumbing', note: 'ring x412y or 412 345 on 412345678' };
    await receive(startPush('77', { PLA_Caller_Phone_Number: '+61412345678', ...fields }));
    await receive(startPush('78', { PLA_Caller_Phone_Number: '5132271572' }));
    await index();
    const reader = asked.for({ role: 'reader', masked: true });
    const find = async (who: typeof asked, search: string) => (await who.calls({ search })).calls.length;
    const digits = [
      '+61412345678',
      '0412 345 678',
      '0412345678',
      '345678',
      '412',
      '345',
      'x412y',
      '０４１２３４５６７８',
    ];
    for (const text of digits) assert.is(await find(reader, text), 0, text);
    for (const text of ['smith', 'plumbing ring', '77']) assert.is(await find(reader, text), 1, text);
    assert.is(await find(asked, '0412 345 678'), 1);
    assert.not.match(JSON.stringify(await reader.calls()), /13\W*227\W*15/, 'nor one of an unknown form');
  }),
);

operator('each connector has its own figure of what is in its CRM', () =>
  withOperator(
    'sources: { acme: }\nconnectors: { first: { type: sandbox }, second: { type: sandbox } }\n',
    async ({ operator: asked, receive, index, store }) => {
      for (let n = 1; n <= 5; n++) await receive({ PLA_Call_Id: `${n}` });
      await index();
      // The first has two of them, and the second none: all five wait for one CRM or the other.
      const now = new Date();
      const lease = await store.acquireLease('first', 'me', now, 60_000);
      for (const { callRow, revision } of await store.takeDue('first', now, 2))
        await store.settle(lease!, [
          {
            callRow,
            revision,
            attempt: {
              at: now,
              tookMs: 1,
              outcome: 'delivered',
              reason: null,
              notes: [],
              requests: 1,
              batch: 1,
            },
            records: {},
            next: { state: 'delivered' },
          },
        ]);
      const { calls } = await asked.overview();
      assert.is(calls.inCrm, 0);
      assert.equal(calls.connectors, [
        { connector: 'first', calls: 5, inCrm: 2, waiting: 3, failed: 0, skipped: 0 },
        { connector: 'second', calls: 5, inCrm: 0, waiting: 5, failed: 0, skipped: 0 },
      ]);
      const text = String(await inCrm(calls)).replace(/<[^>]*>/g, '');
      assert.match(text, '0 of 5 in second2 of 5 in first');
    },
  ),
);

operator.run();
