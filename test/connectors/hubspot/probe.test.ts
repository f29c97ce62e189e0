import type { Tools } from '../../../src/connector/contract.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { type TestTools, testTools } from '../../support/connector-tools.ts';
import type { Oddities } from '../../support/hubspot/oddities.ts';
import {
  type EmulatorOptions,
  faults,
  type HubSpotEmulator,
  withHubSpotEmulator,
} from '../../support/hubspot-emulator.ts';
import { type Probed, runProbe } from '../../support/run-probe.ts';
import { assert, suite } from '../../support/suite.ts';
import { VirtualTime } from '../../support/virtual-clock.ts';
import { withWorker } from '../../support/with-worker.ts';
import { deliverOne, open, unmetered } from './rig.ts';

const probe = suite('hubspot probe');

interface Tried {
  hubspot: HubSpotEmulator;
  tools: TestTools;
  time: VirtualTime;
  run(signal?: AbortSignal): Promise<Probed>;
}

function withAccount(use: (tried: Tried) => Promise<void>, options: EmulatorOptions = {}): Promise<void> {
  const time = new VirtualTime();
  return withHubSpotEmulator(
    async (hubspot) => {
      const unlimited = { take: async () => {}, allow() {} };
      const tools = testTools({ name: 'acme-test', clock: time.clock(), rateLimit: () => unlimited });
      const connection = await open(hubspot, {}, tools);
      await use({ hubspot, tools, time, run: (signal) => runProbe(connection, time, signal) });
    },
    { limits: unmetered, now: () => time.now(), ...options },
  );
}

const held = (hubspot: HubSpotEmulator) => [
  ...hubspot.contacts(),
  ...(['calls', 'tasks', 'deals'] as const).flatMap((kind) => hubspot.records(kind)),
];

const found = (tools: TestTools) => JSON.parse(tools.kept.get('found') ?? '{}') as Record<string, unknown>;

probe('an account that is as the documents say: all holds, nothing is left, nothing is done otherwise', () =>
  withAccount(async ({ hubspot, tools, run }) => {
    const tried = await run();
    assert.is(tried.problem, undefined);
    assert.equal(tried.failing(), []);
    assert.equal(
      tried.results.filter(({ holds }) => holds === null).map(({ assumption }) => assumption),
      [],
    );
    assert.equal(held(hubspot), []);
    assert.is(tools.kept.get('probe'), undefined);
    assert.equal(found(tools), { indexLagMs: 6000 });
    assert.match(tried.about('The phone index').seen, 'mobile with +61: without country code and zero');
    assert.not.match(JSON.stringify(tried.results), /491 ?570 ?\d\d\d|5550 ?1234/);
  }),
);

type Other = [
  what: string,
  account: EmulatorOptions,
  assumption: string,
  seen: RegExp,
  found: Record<string, unknown>,
  foundBefore?: Record<string, unknown>,
];
const others: Other[] = [
  ...(
    [
      ['calls', 'callKeys'],
      ['tasks', 'taskKeys'],
      ['deals', 'dealKeys'],
    ] as const
  ).flatMap(([kind, finding]): Other[] => [
    [
      `keys of ${kind} that are not kept unique`,
      { oddities: { keys: { [kind]: 'ignored' } } },
      `HubSpot keeps the key of a ${kind.slice(0, -1)} unique`,
      /^201: id \d+$/,
      { [finding]: 'searched' },
    ],
    [
      `keys of ${kind} that could not be made unique`,
      { oddities: { keys: { [kind]: 'refused' } } },
      `HubSpot keeps the key of a ${kind.slice(0, -1)} unique`,
      /^201: id \d+$/,
      { [finding]: 'searched' },
      { [finding]: 'searched' },
    ],
    [
      `${kind} that cannot be read by their key`,
      { oddities: { keys: { [kind]: 'unread' } } },
      `A ${kind.slice(0, -1)} is found by its key at once`,
      /^400: .*non-unique/,
      { [finding]: 'searched' },
    ],
  ]),
  [
    'words that nobody knows',
    { oddities: { words: 'Nope, that will not do.' } },
    'That a key is taken is said in words',
    /Nope, that will not do/,
    { refusals: 'unread' },
  ],
  [
    'calls that show once they have ended',
    { oddities: { hidesUnfinished: true } },
    'A call shows on its contact while',
    /^Only the ended call is listed/,
    { timeline: 'ended' },
  ],
  [
    'an index that holds numbers as typed',
    { oddities: { indexesAsTyped: true } },
    'The phone index holds',
    /mobile with 0: as typed/,
    { phoneIndex: 'odd' },
  ],
  [
    'short lists',
    { oddities: { longestList: 30 } },
    'A search takes 110 values',
    /^At most 20\. 400: /,
    { longestList: 20 },
  ],
  [
    'an index that is hours behind',
    { indexDelayMs: 3_600_000 },
    'Searching finds a new contact',
    /^Not found: mobile with \+61, /,
    { indexLagMs: 120_000 },
  ],
  ['all or nothing', { partialSuccess: false }, 'With trace ids, one bad call', /^400/, {}],
  ['no trace ids', { echoTraceIds: false }, 'Answers repeat the trace ids', /^It is not/, {}],
  [
    'deleted calls that keep their ids',
    { oddities: { keepsDeletedKeys: true } },
    'A call that was deleted',
    /^400|^207/,
    {},
  ],
  [
    'merged contacts that answer',
    { oddities: { answersMergedIds: true } },
    'A contact who was merged',
    /^200: id \d+/,
    {},
  ],
];
for (const [title, options, assumption, seen, kept, before] of others) {
  probe(`it sees ${title}, in HubSpot's words, keeps it for the connector, and deletes all`, () =>
    withAccount(async ({ hubspot, tools, run }) => {
      if (before) tools.kept.set('found', JSON.stringify(before));
      const tried = await run();
      assert.is(tried.problem, undefined);
      const about = tried.about(assumption);
      assert.is(about.holds, false, JSON.stringify(about));
      assert.match(about.seen, seen);
      assert.ok(about.otherwise);
      const { indexLagMs, ...rest } = found(tools);
      assert.equal({ ...rest, ...('indexLagMs' in kept ? { indexLagMs } : {}) }, kept);
      assert.equal(held(hubspot), []);
    }, options),
  );
}

probe('statuses that the account does not have are seen, and written as completed', () =>
  withAccount(async ({ hubspot, tools, run }) => {
    hubspot.removeOption('calls', 'hs_call_status', 'BUSY');
    const about = (await run()).about('Calls may have the statuses');
    assert.is(about.holds, false);
    assert.match(
      about.seen,
      /Accepted: IN_PROGRESS, COMPLETED, NO_ANSWER\. Refused: BUSY: .*BUSY was not one of/,
    );
    const busy = deliveryOf([startPush('1'), endPush('1', { PLA_CallResult: 'Busy' })]);
    const outcome = await deliverOne(await open(hubspot, {}, tools), busy);
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.equal(outcome.notes, ['This HubSpot account has no call status BUSY.']);
    assert.is(hubspot.calls()[0]?.properties['hs_call_status'], 'COMPLETED');
  }),
);

probe('a running bridge goes by what a probe beside it found, within a minute', () =>
  withAccount(async ({ hubspot, tools, time }) => {
    const connection = await open(hubspot, {}, tools);
    await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(hubspot.calls().length, 1);
    tools.kept.set('found', JSON.stringify({ timeline: 'ended' }));
    await time.pass(60_000, async () => {});
    const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.equal(outcome, { kind: 'delivered', records: {}, notes: ['It waits for the end of the call.'] });
    assert.is(hubspot.calls().length, 1);
    await deliverOne(connection, deliveryOf([startPush('2'), endPush('2')]));
    assert.is(hubspot.calls().length, 2);
  }),
);

probe('without what setup makes, nothing is tried', () =>
  withAccount(
    async ({ hubspot, run }) => {
      const { problem, results } = await run();
      assert.is(problem, 'Nothing was tried. Run `delacon-bridge setup acme-test` first.');
      assert.equal(results, []);
      assert.equal(held(hubspot), []);
    },
    { provisioned: false },
  ),
);

probe('tasks and deals are tried where setup made a key for them, and no others are made', () =>
  withAccount(async ({ hubspot, run }) => {
    hubspot.archiveProperty('tasks', 'delacon_call_id');
    hubspot.scopes.delete('crm.objects.deals.read');
    const tried = await run();
    assert.is(tried.problem, undefined);
    assert.equal(tried.failing(), []);
    for (const kind of ['task', 'deal']) {
      for (const about of [`HubSpot keeps the key of a ${kind}`, `A ${kind} is found by its key`]) {
        const { holds, seen } = tried.about(about);
        assert.equal(
          { holds, seen },
          { holds: null, seen: `The configuration asks for no ${kind}s, so setup made no key.` },
        );
      }
      assert.is(hubspot.countRequests(`${kind}s/batch`), 0);
    }
  }),
);

probe('interrupted anywhere, it deletes what it wrote and says that it was', () =>
  withAccount(async ({ hubspot, tools, time }) => {
    for (let after = 1; after <= 15; after += 2) {
      const controller = new AbortController();
      const connection = await open(hubspot, {}, tools);
      let seen = 0;
      const tried = await runProbe(connection, time, controller.signal, () => {
        if (++seen === after) controller.abort();
      });
      assert.match(tried.problem ?? '', 'It was interrupted.');
      assert.equal(held(hubspot), [], `after ${after}`);
    }
  }),
);

probe('whatever fails at whichever request, nothing is left', () =>
  withAccount(async ({ hubspot, run }) => {
    await run();
    const count = hubspot.requestNames().length;
    const kinds = [faults.loseAnswer, faults.drop, faults.serverError, faults.gatewayTimeout];
    for (let skip = 4; skip < count; skip += 8) {
      const fault = kinds[skip % kinds.length] ?? faults.drop;
      hubspot.strike(fault, '', skip);
      const tried = await run();
      hubspot.calm();
      assert.equal(held(hubspot), [], `request ${skip}: ${tried.problem}`);
    }
  }),
);

probe('what could not be deleted is named, and the next probe deletes it', () =>
  withAccount(async ({ hubspot, tools, run }) => {
    const controller = new AbortController();
    const connection = await open(hubspot, {}, tools);
    const running = connection.probe?.run(controller.signal, (result) => {
      if (result.assumption.startsWith('HubSpot keeps the key of a call')) {
        hubspot.scopes.delete('crm.objects.contacts.write');
        controller.abort();
      }
    });
    const problem = String(await running?.catch((thrown: Error) => thrown.message));
    const [call] = hubspot.calls();
    assert.match(problem, `In the account are left: calls ${call?.id}`);
    hubspot.scopes.add('crm.objects.contacts.write');
    assert.is((await run()).problem, undefined);
    assert.equal(hubspot.calls(), []);
  }),
);

/** In a round the first call leaves a task, and each of the others a deal. */
const leaving = {
  followUp: { when: "call.result == 'unanswered'" },
  sale: { when: "call.survey.outcome == 'Sale'", stage: 'closedwon' },
};
const inVain = { PLA_CallResult: 'Unanswered', PLA_SurveyOutcome: '' };

/** Starts and ends of many calls, of new and known callers, through the worker, while answers are lost. */
async function throughWorker(oddities: Partial<Oddities>, kept: Record<string, unknown>): Promise<void> {
  const time = new VirtualTime();
  await withHubSpotEmulator(
    async (hubspot) => {
      const known = hubspot.addContact({ phone: '0444 444 444' });
      const opened = (tools: Tools) => {
        const memory = testTools();
        memory.kept.set('found', JSON.stringify(kept));
        return open(hubspot, leaving, { ...memory, ...tools, memory: memory.memory });
      };
      await withWorker(
        opened,
        async (worker) => {
          for (let round = 0; round < 4; round++) {
            const ids = [1, 2, 3].map((one) => `${round}-${one}`);
            const fault = round === 3 ? faults.drop : faults.loseAnswer;
            for (const at of ['calls/batch/update', ...made.map((kind) => `${kind}/batch/create`)])
              hubspot.strike(fault, at);
            await worker.record(
              ...ids.map((id, place) =>
                startPush(id, place === 0 ? {} : { PLA_Caller_Phone_Number: `+6141122233${place}` }),
              ),
            );
            await worker.deliverAll();
            await worker.record(...ids.map((id, place) => endPush(id, place === 0 ? inVain : {})));
            await worker.deliverAll();
            if (round === 1) for (const { id } of hubspot.calls().slice(0, 2)) hubspot.archiveCall(id);
          }
          hubspot.calm();
          for (const [kind, count] of [
            ['calls', 10], // 12, of which two were deleted by hand
            ['tasks', 4],
            ['deals', 8],
          ] as const) {
            const records = hubspot.records(kind);
            const keys = records.map(({ properties }) => properties['delacon_call_id']);
            assert.is(new Set(keys).size, keys.length, `${kind}, each once: ${keys.join(', ')}`);
            assert.is(keys.length, count, kind);
            for (const { links } of records) assert.is(links.contacts.length, 1, 'one person');
          }
          for (const { properties } of hubspot.calls())
            assert.ok(['COMPLETED', 'NO_ANSWER'].includes(properties['hs_call_status'] ?? ''));
          assert.is(hubspot.contacts().length, 3);
          assert.ok(hubspot.calls().some(({ contactIds }) => contactIds[0] === known));
        },
        time,
      );
    },
    { limits: unmetered, now: () => time.now(), indexDelayMs: 20_000, oddities },
  );
}

const made = ['calls', 'tasks', 'deals'] as const;
const keysThat = (odd: 'ignored' | 'refused' | 'unread') =>
  Object.fromEntries(made.map((kind) => [kind, odd]));
const allSearched = { callKeys: 'searched', taskKeys: 'searched', dealKeys: 'searched' };
const ways: [string, Partial<Oddities>, Record<string, unknown>][] = [
  ['keys are not kept unique', { keys: keysThat('ignored') }, allSearched],
  ['properties cannot be unique', { keys: keysThat('refused') }, allSearched],
  ['nothing is read by its key', { keys: keysThat('unread') }, allSearched],
  ['refusals are in unknown words', { words: 'Nope.' }, { refusals: 'unread' }],
  ['calls show once they have ended', { hidesUnfinished: true }, { timeline: 'ended' }],
  ['the index holds numbers as typed', { indexesAsTyped: true }, { phoneIndex: 'odd' }],
  ['lists are short', { longestList: 8 }, { longestList: 8 }],
];
for (const [title, oddities, kept] of ways) {
  probe(`where ${title}, each call is still written exactly once, on the right person`, () =>
    throughWorker(oddities, kept),
  );
}

probe.run();
