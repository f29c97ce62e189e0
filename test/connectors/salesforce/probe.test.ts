import type { Fields } from '../../../src/call/push.ts';
import type { Records, Tools } from '../../../src/connector/index.ts';
import {
  foundIn,
  type OtherAccount,
  type ProbedAccount,
  probeContract,
  probeOf,
} from '../../conformance/probe-contract.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import type { Oddities } from '../../support/salesforce/org.ts';
import {
  type EmulatorOptions,
  type Fault,
  faults,
  type SalesforceEmulator,
  withSalesforceEmulator,
} from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { VirtualTime } from '../../support/virtual-clock.ts';
import { withWorker } from '../../support/with-worker.ts';
import { deliverOne, open } from './rig.ts';

const probe = suite('salesforce probe');

interface Tried extends ProbedAccount<Fault> {
  salesforce: SalesforceEmulator;
}

function withOrg(use: (tried: Tried) => Promise<void>, options: EmulatorOptions = {}): Promise<void> {
  const time = new VirtualTime();
  return withSalesforceEmulator(
    async (salesforce) => {
      const tools = testTools({ name: 'acme-test', clock: time.clock() });
      const { org } = salesforce;
      await use({
        salesforce,
        tools,
        time,
        open: () => open(salesforce, {}, tools),
        held: () => ['Task', 'Lead', 'Contact', 'Account'].flatMap((name) => org.live(name)),
        requestNames: salesforce.requestNames,
        strike: (fault, skip) => salesforce.strike(fault, '/', skip),
        calm: salesforce.calm,
        mayDelete(may) {
          if (may) org.notDeletable.clear();
          else org.notDeletable.add('Task');
        },
      });
    },
    { now: () => time.now(), ...options },
  );
}

const others: OtherAccount<EmulatorOptions>[] = [
  {
    what: 'words that nobody knows',
    options: { oddities: { words: 'Nope, that will not do.' } },
    assumption: 'That a Task is there is said',
    seen: /^ODD_REFUSAL: "Nope, that will not do\."/,
    found: { refusals: 'unread' },
  },
  {
    what: 'a TaskSubtype that may be changed',
    options: { oddities: { takesSubtypes: true } },
    assumption: 'That a Task is there is said',
    seen: /^It is taken: id 00T\w+, "created": false/,
    found: {},
  },
  {
    what: 'a search that takes separators for words',
    options: { oddities: { searchesWords: true } },
    assumption: 'Searching finds Australian numbers',
    seen: /Not found: 0x xxxx xxxx\./,
    found: { search: 'separators' },
  },
  {
    what: 'no references into collections',
    options: { oddities: { refusesReferences: 'into collections' } },
    assumption: 'A composite request can refer',
    seen: /^INVALID_INPUT: "Invalid reference specified\."/,
    found: {},
  },
  {
    what: 'no references at all',
    options: { oddities: { refusesReferences: 'all' } },
    assumption: 'A Lead and the call of them',
    seen: /^The request was refused as a whole\./,
    found: {},
  },
  {
    what: 'a key that is not kept unique',
    options: { oddities: { ignoresUnique: true } },
    assumption: 'Salesforce keeps our key unique',
    seen: /^id 00T/,
    found: {},
  },
  {
    what: 'a duplicate rule that blocks',
    options: { duplicateRule: 'block' },
    assumption: 'A Lead who has the number of another',
    seen: /DUPLICATES_DETECTED: "Use one of these records\?"/,
    found: {},
  },
  {
    what: 'a user who may not use the Metadata API',
    options: { mayCustomize: false },
    assumption: 'The Metadata API shows',
    seen: /INSUFFICIENT_ACCESS/,
    found: {},
  },
];

probeContract<EmulatorOptions, Fault>('salesforce', {
  with: withOrg,
  bare: { provisioned: false },
  quick: { indexDelayMs: 0 },
  untried: ['That the person of a Task is a converted Lead is said in words that the connector knows.'],
  measured: {},
  others,
  wroteAfter: 'An upsert under our field',
  faults: [faults.loseAnswer, faults.drop, faults.serverError, faults.gatewayTimeout],
});

probe('of numbers it tells how they were typed, and after how long they were found', () =>
  withOrg(async (account) => {
    assert.match((await probeOf(account)).about('Searching finds').seen, /0xxx-xxx-xxx after 180 s/);
  }),
);

probe('an index that shows nothing in ten minutes tells nothing', () =>
  withOrg(
    async (account) => {
      const about = (await probeOf(account)).about('Searching finds');
      assert.is(about.holds, null);
      assert.match(about.seen, /^Not found: \+x/);
      assert.equal(foundIn(account.tools), {});
    },
    { indexDelayMs: 3_600_000 },
  ),
);

probe('without the right to delete, nothing is tried', () =>
  withOrg(async (account) => {
    account.salesforce.org.notDeletable.add('Lead');
    const { problem } = await probeOf(account);
    assert.match(problem ?? '', /^Nothing was tried\. Let the bridge's user delete Leads/);
    assert.equal(account.held(), []);
  }),
);

/** Starts and ends of calls, of new and known callers, through the worker, while answers are lost and people go. */
async function throughWorker(oddities: Partial<Oddities>, kept: Record<string, unknown>): Promise<void> {
  const time = new VirtualTime();
  await withSalesforceEmulator(
    async (salesforce) => {
      const known = salesforce.addContact({ Phone: '04 44-444-444' });
      const opened = (tools: Tools) => {
        const { memory, kept: texts } = testTools();
        texts.set('found', JSON.stringify(kept));
        return open(salesforce, {}, { ...testTools(), ...tools, memory });
      };
      await withWorker(
        opened,
        async (worker) => {
          for (let round = 0; round < 4; round++) {
            const ids = [1, 2, 3].map((one) => `${round}-${one}`);
            salesforce.strike(faults.loseAnswer, '/composite/sobjects/Task');
            await worker.record(
              ...ids.map((id, place) =>
                startPush(id, place === 0 ? {} : { PLA_Caller_Phone_Number: `+6141122233${place}` }),
              ),
            );
            await worker.deliverAll();
            salesforce.strike(faults.loseAnswer, 'PATCH /composite/sobjects');
            await worker.record(...ids.map((id) => endPush(id)));
            await worker.deliverAll();
            if (round === 1) for (const { id } of salesforce.leads()) salesforce.delete(id);
          }
          salesforce.calm();
          // Those of deleted leads are in the recycle bin with them.
          const tasks = salesforce.org.all('Task').map(({ values }) => values);
          const keys = tasks.map((task) => String(task['Delacon_Call_Id__c']));
          assert.equal(
            keys.sort(),
            [0, 1, 2, 3].flatMap((round) => [1, 2, 3].map((one) => `${round}-${one}`)),
          );
          for (const task of tasks) {
            assert.is(task['Status'], 'Completed');
            assert.is(task['TaskSubtype'], 'Call');
            assert.ok(task['WhoId']);
          }
          assert.is(tasks.filter((task) => task['WhoId'] === known).length, 4);
          assert.is(salesforce.leads().length, 2, 'made again once, after they were deleted');
        },
        time,
      );
    },
    { now: () => time.now(), oddities },
  );
}

const ways: [string, Partial<Oddities>, Record<string, unknown>][] = [
  ['refusals are in unknown words', { words: 'Nope.' }, { refusals: 'unread' }],
  ['searching takes separators for words', { searchesWords: true }, { search: 'separators' }],
  ['the subtype of a Task may be changed', { takesSubtypes: true }, {}],
  ['keys are not kept unique', { ignoresUnique: true }, {}],
  ['nothing can be referred to', { refusesReferences: 'all' }, {}],
];
for (const [title, oddities, kept] of ways) {
  probe(`where ${title}, each call is still written exactly once, on the right person`, () =>
    throughWorker(oddities, kept),
  );
}

probe('where refusals are in unknown words, a bad call still fails by itself', () =>
  withOrg(
    async ({ salesforce, tools }) => {
      tools.kept.set('found', JSON.stringify({ refusals: 'unread' }));
      salesforce.org.refusedValues.set('Task.Subject', /FORBIDDEN/);
      const connection = await open(salesforce, {}, tools);
      const bad = deliveryOf([startPush('1', { PLA_Dealer_Name: 'FORBIDDEN' })]);
      assert.is((await deliverOne(connection, bad)).kind, 'rejected');
      assert.is((await deliverOne(connection, deliveryOf([startPush('2')]))).kind, 'delivered');
    },
    { oddities: { words: 'Nope.' } },
  ),
);

probe(
  'where refusals are in unknown words, what calls leave finds its place, and people who went are noticed',
  () =>
    withOrg(
      async ({ salesforce, tools }) => {
        tools.kept.set('found', JSON.stringify({ refusals: 'unread' }));
        const settings = {
          attribution: true,
          followUp: { when: 'call.missed', doneWhen: 'calledAgain' },
          sale: { when: "call.survey.outcome == 'Sale'", stage: 'Closed Won' },
        };
        const connection = await open(salesforce, settings, tools);
        await connection.apply(AbortSignal.timeout(20_000), () => {});
        const missed = { PLA_CallResult: 'No answer', PLA_SurveyOutcome: '' };
        const deliver = async (records: Records, ...pushes: Fields[]) => {
          const outcome = await deliverOne(connection, deliveryOf(pushes, { records }));
          assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
          return outcome.records as Records;
        };
        const first = await deliver({}, startPush('1'), endPush('1', missed));
        salesforce.delete(first.followUp?.id ?? '');
        const second = await deliver({}, startPush('2'));
        assert.equal(second.person, first.person, 'a follow-up that was deleted holds nothing up');

        salesforce.delete(first.person?.id ?? '');
        const third = await deliver({}, startPush('3'));
        assert.not.equal(third.person, first.person, 'whose touches cannot be written, is gone');

        const into = salesforce.addLead({ Phone: '0411 222 333' });
        salesforce.org.merge(third.person?.id ?? '', into);
        const rest = await deliver(third, startPush('3'), endPush('3', missed));
        const followUp = salesforce.tasks().find(({ id }) => id === rest.followUp?.id);
        assert.is(followUp?.['WhoId'], into, 'the follow-up goes to whom they were merged into');
      },
      { oddities: { words: 'Nope.' } },
    ),
);

probe.run();
