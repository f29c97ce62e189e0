import { systemClock } from '../../../src/clock.ts';
import type { Tools } from '../../../src/connector/index.ts';
import {
  type OtherAccount,
  type ProbedAccount,
  probeContract,
  probeOf,
} from '../../conformance/probe-contract.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import type { Oddities } from '../../support/hubspot/oddities.ts';
import {
  type EmulatorOptions,
  type Fault,
  faults,
  type HubSpotEmulator,
  withHubSpotEmulator,
} from '../../support/hubspot-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { VirtualTime } from '../../support/virtual-clock.ts';
import { withWorker } from '../../support/with-worker.ts';
import { deliverOne, open, unmetered } from './rig.ts';

const probe = suite('hubspot probe');

interface Tried extends ProbedAccount<Fault> {
  hubspot: HubSpotEmulator;
}

function withAccount(use: (tried: Tried) => Promise<void>, options: EmulatorOptions = {}): Promise<void> {
  const time = new VirtualTime();
  return withHubSpotEmulator(
    async (hubspot) => {
      const unlimited = { take: async () => {}, allow() {} };
      const tools = testTools({ name: 'acme-test', clock: time.clock(), rateLimit: () => unlimited });
      await use({
        hubspot,
        tools,
        time,
        open: () => open(hubspot, {}, tools),
        held: () => [
          ...hubspot.contacts(),
          ...(['calls', 'tasks', 'deals'] as const).flatMap((kind) => hubspot.records(kind)),
        ],
        requestNames: hubspot.requestNames,
        strike: (fault, skip) => hubspot.strike(fault, '', skip),
        calm: hubspot.calm,
        mayDelete(may) {
          if (may) hubspot.scopes.add('crm.objects.contacts.write');
          else hubspot.scopes.delete('crm.objects.contacts.write');
        },
      });
    },
    { limits: unmetered, now: () => time.now(), ...options },
  );
}

type Other = OtherAccount<EmulatorOptions>;
const keys = (
  [
    ['calls', 'call', 'callKeys'],
    ['tasks', 'task', 'taskKeys'],
    ['deals', 'deal', 'dealKeys'],
  ] as const
).flatMap(([kind, one, finding]): Other[] => [
  {
    what: `keys of ${kind} that are not kept unique`,
    options: { oddities: { keys: { [kind]: 'ignored' } } },
    assumption: `HubSpot keeps the key of a ${one} unique`,
    seen: /^201: id \d+$/,
    found: { [finding]: 'searched' },
  },
  {
    what: `keys of ${kind} that could not be made unique`,
    options: { oddities: { keys: { [kind]: 'refused' } } },
    assumption: `HubSpot keeps the key of a ${one} unique`,
    seen: /^201: id \d+$/,
    found: { [finding]: 'searched' },
    before: { [finding]: 'searched' },
  },
  {
    what: `${kind} that cannot be read by their key`,
    options: { oddities: { keys: { [kind]: 'unread' } } },
    assumption: `A ${one} is found by its key at once`,
    seen: /^400: .*non-unique/,
    found: { [finding]: 'searched' },
  },
]);
const others: Other[] = [
  ...keys,
  {
    what: 'words that nobody knows',
    options: { oddities: { words: 'Nope, that will not do.' } },
    assumption: 'That a key is taken is said in a code',
    seen: /Nope, that will not do/,
    found: {},
  },
  {
    what: 'merged contacts that cannot be searched for',
    options: { oddities: { hidesMerged: true } },
    assumption: 'Whom a contact was merged into is found',
    seen: /^200, and nothing else/,
    found: {},
  },
  {
    what: 'calls that show once they have ended',
    options: { oddities: { hidesUnfinished: true } },
    assumption: 'A call shows on its contact while',
    seen: /^Only the ended call is listed/,
    found: { timeline: 'ended' },
  },
  {
    what: 'an index that holds numbers as typed',
    options: { oddities: { indexesAsTyped: true } },
    assumption: 'The phone index holds',
    seen: /mobile with 0: as typed/,
    found: { phoneIndex: 'odd' },
  },
  {
    what: 'short lists',
    options: { oddities: { longestList: 30 } },
    assumption: 'A search takes 110 values',
    seen: /^At most 20\. 400: /,
    found: { longestList: 20 },
  },
  {
    what: 'an index that is hours behind',
    options: { indexDelayMs: 3_600_000 },
    assumption: 'Searching finds a new contact',
    seen: /^Not found: mobile with \+61, /,
    found: { indexLagMs: 120_000 },
  },
  {
    what: 'all or nothing',
    options: { partialSuccess: false },
    assumption: 'With trace ids, one bad call',
    seen: /^400/,
    found: {},
  },
  {
    what: 'no trace ids',
    options: { echoTraceIds: false },
    assumption: 'Answers repeat the trace ids',
    seen: /^It is not/,
    found: {},
  },
  {
    what: 'deleted calls that keep their keys',
    options: { oddities: { keepsDeletedKeys: true } },
    assumption: 'A call that was deleted',
    seen: /^400|^207/,
    found: {},
  },
  {
    what: 'merged contacts that keep their keys',
    options: { oddities: { keepsDeletedKeys: true } },
    assumption: 'The key of a contact who was merged',
    seen: /^400|^207/,
    found: {},
  },
  {
    what: 'merged contacts that answer',
    options: { oddities: { answersMergedIds: true } },
    assumption: 'A contact who was merged',
    seen: /^200: id \d+/,
    found: {},
  },
];

probeContract<EmulatorOptions, Fault>('hubspot', {
  with: withAccount,
  bare: { provisioned: false },
  quick: { indexDelayMs: 0 },
  untried: [],
  measured: { indexLagMs: 6_000 },
  others,
  wroteAfter: 'HubSpot keeps the key of a call',
  faults: [faults.loseAnswer, faults.drop, faults.serverError, faults.gatewayTimeout],
});

probe('of numbers it tells how the index holds them', () =>
  withAccount(async (account) => {
    const { seen } = (await probeOf(account)).about('The phone index');
    assert.match(seen, 'mobile with +61: without country code and zero');
  }),
);

probe('statuses that the account does not have are seen, and written as completed', () =>
  withAccount(async (account) => {
    const { hubspot, tools } = account;
    hubspot.removeOption('calls', 'hs_call_status', 'BUSY');
    const about = (await probeOf(account)).about('Calls may have the statuses');
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

probe('tasks and deals are tried where setup made a key for them, and no others are made', () =>
  withAccount(async (account) => {
    const { hubspot } = account;
    hubspot.archiveProperty('tasks', 'delacon_call_id');
    hubspot.scopes.delete('crm.objects.deals.read');
    const tried = await probeOf(account);
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
  ['refusals are in unknown words', { words: 'Nope.' }, {}],
  ['calls show once they have ended', { hidesUnfinished: true }, { timeline: 'ended' }],
  ['the index holds numbers as typed', { indexesAsTyped: true }, { phoneIndex: 'odd' }],
  ['lists are short', { longestList: 8 }, { longestList: 8 }],
];
for (const [title, oddities, kept] of ways) {
  probe(`where ${title}, each call is still written exactly once, on the right person`, () =>
    throughWorker(oddities, kept),
  );
}

probe('a call whose making was noted by a clock that ran ahead is waited for as if it were made now', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      let now = Date.parse('2026-11-02T03:15:00Z');
      const clock = { now: () => new Date(now), after: systemClock.after };
      const tools = testTools({ clock, rateLimit: () => ({ take: async () => {}, allow() {} }) });
      tools.kept.set('found', JSON.stringify({ callKeys: 'searched' }));
      const connection = await open(hubspot, {}, tools);
      const delivery = deliveryOf([startPush('1')]);
      now += 86_400_000;
      hubspot.strike(faults.drop, 'calls/batch/create');
      assert.is((await deliverOne(connection, delivery)).kind, 'retry');
      now -= 86_400_000;
      const waiting = await deliverOne(connection, delivery);
      assert.equal('notBefore' in waiting && waiting.notBefore, new Date(now + 300_000));
      now += 299_999;
      assert.is((await deliverOne(connection, delivery)).kind, 'retry');
      now += 1;
      const outcome = await deliverOne(connection, delivery);
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.is(hubspot.calls().length, 1);
    },
    { oddities: { keys: { calls: 'ignored' } } },
  ),
);

probe.run();
