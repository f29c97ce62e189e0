import type { Records, Tools } from '../../../src/connector/contract.ts';
import type { Fields } from '../../../src/receive/push.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { type TestTools, testTools } from '../../support/connector-tools.ts';
import { type Probed, runProbe } from '../../support/run-probe.ts';
import type { Oddities } from '../../support/salesforce/org.ts';
import {
  type EmulatorOptions,
  faults,
  type SalesforceEmulator,
  withSalesforceEmulator,
} from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { VirtualTime } from '../../support/virtual-clock.ts';
import { withWorker } from '../../support/with-worker.ts';
import { deliverOne, open } from './rig.ts';

const probe = suite('salesforce probe');

interface Tried {
  salesforce: SalesforceEmulator;
  tools: TestTools;
  time: VirtualTime;
  run(signal?: AbortSignal): Promise<Probed>;
}

function withOrg(use: (tried: Tried) => Promise<void>, options: EmulatorOptions = {}): Promise<void> {
  const time = new VirtualTime();
  return withSalesforceEmulator(
    async (salesforce) => {
      const tools = testTools({ name: 'acme-test', clock: time.clock() });
      const connection = await open(salesforce, {}, tools);
      await use({ salesforce, tools, time, run: (signal) => runProbe(connection, time, signal) });
    },
    { now: () => time.now(), ...options },
  );
}

const found = (tools: TestTools) => JSON.parse(tools.kept.get('found') ?? '{}') as Record<string, unknown>;
const left = ({ org }: SalesforceEmulator) =>
  ['Task', 'Lead', 'Contact', 'Account'].flatMap((name) => org.live(name));

probe('an org that is as the documents say: all holds, nothing is left, nothing is done otherwise', () =>
  withOrg(async ({ salesforce, tools, run }) => {
    const tried = await run();
    assert.is(tried.problem, undefined);
    assert.equal(tried.failing(), []);
    assert.equal(
      tried.results.filter(({ holds }) => holds === null).map(({ assumption }) => assumption),
      ['That the person of a Task is a converted Lead is said in words that the connector knows.'],
    );
    assert.equal(left(salesforce), []);
    assert.equal(found(tools), {});
    assert.is(tools.kept.get('probe'), undefined);
    assert.match(tried.about('Searching finds').seen, /0xxx-xxx-xxx after 180 s/);
    assert.not.match(JSON.stringify(tried.results), /491.?570.?\d\d\d|5550 ?1234/);
  }),
);

const others: [string, EmulatorOptions, string, RegExp, Record<string, unknown>][] = [
  [
    'words that nobody knows',
    { oddities: { words: 'Nope, that will not do.' } },
    'That a Task is there is said',
    /^ODD_REFUSAL: "Nope, that will not do\."/,
    { refusals: 'unread' },
  ],
  [
    'a TaskSubtype that may be changed',
    { oddities: { takesSubtypes: true } },
    'That a Task is there is said',
    /^It is taken: id 00T\w+, "created": false/,
    {},
  ],
  [
    'a search that takes separators for words',
    { oddities: { searchesWords: true } },
    'Searching finds Australian numbers',
    /Not found: 0x xxxx xxxx\./,
    { search: 'separators' },
  ],
  [
    'no references into collections',
    { oddities: { refusesReferences: true } },
    'A composite request can refer',
    /^INVALID_INPUT: "Invalid reference specified\."/,
    {},
  ],
  [
    'a key that is not kept unique',
    { oddities: { ignoresUnique: true } },
    'Salesforce keeps our key unique',
    /^id 00T/,
    {},
  ],
  [
    'a duplicate rule that blocks',
    { duplicateRule: 'block' },
    'A Lead who has the number of another',
    /DUPLICATES_DETECTED: "Use one of these records\?"/,
    {},
  ],
  [
    'a user who may not use the Metadata API',
    { mayCustomize: false },
    'The Metadata API shows',
    /INSUFFICIENT_ACCESS/,
    {},
  ],
];
for (const [title, options, assumption, seen, kept] of others) {
  probe(`it sees ${title}, in Salesforce's words, keeps it for the connector, and deletes all`, () =>
    withOrg(async ({ salesforce, tools, run }) => {
      const tried = await run();
      assert.is(tried.problem, undefined);
      const about = tried.about(assumption);
      assert.is(about.holds, false, JSON.stringify(about));
      assert.match(about.seen, seen);
      assert.ok(about.otherwise);
      assert.equal(found(tools), kept);
      assert.equal(left(salesforce), []);
    }, options),
  );
}

probe('an index that shows nothing in ten minutes tells nothing', () =>
  withOrg(
    async ({ tools, run }) => {
      const about = (await run()).about('Searching finds');
      assert.is(about.holds, null);
      assert.match(about.seen, /^Not found: \+x/);
      assert.equal(found(tools), {});
    },
    { indexDelayMs: 3_600_000 },
  ),
);

probe('without what setup makes, or without the right to delete, nothing is tried', async () => {
  await withOrg(
    async ({ salesforce, run }) => {
      assert.is((await run()).problem, 'Nothing was tried. Run `delacon-bridge setup acme-test` first.');
      assert.equal(left(salesforce), []);
    },
    { provisioned: false },
  );
  await withOrg(async ({ salesforce, run }) => {
    salesforce.org.notDeletable.add('Lead');
    assert.match((await run()).problem ?? '', /^Nothing was tried\. Let the bridge's user delete Leads/);
    assert.equal(left(salesforce), []);
  });
});

probe('interrupted anywhere, it deletes what it wrote and says that it was', () =>
  withOrg(async ({ salesforce, tools, time }) => {
    for (let after = 1; after <= 17; after += 2) {
      const controller = new AbortController();
      const connection = await open(salesforce, {}, tools);
      let seen = 0;
      const tried = await runProbe(connection, time, controller.signal, () => {
        if (++seen === after) controller.abort();
      });
      assert.match(tried.problem ?? '', 'It was interrupted.');
      assert.equal(left(salesforce), [], `after ${after}`);
    }
  }),
);

probe('whatever fails at whichever request, nothing is left', () =>
  withOrg(
    async ({ salesforce, run }) => {
      await run();
      const count = salesforce.requestNames().length;
      const kinds = [faults.loseAnswer, faults.drop, faults.serverError, faults.gatewayTimeout];
      for (let skip = 6; skip < count; skip += 5) {
        salesforce.strike(kinds[skip % kinds.length] ?? faults.drop, '/', skip);
        const tried = await run();
        salesforce.calm();
        assert.equal(left(salesforce), [], `request ${skip}: ${tried.problem}`);
      }
    },
    { indexDelayMs: 0 },
  ),
);

probe('what could not be deleted is named, and the next probe deletes it', () =>
  withOrg(async ({ salesforce, tools, run }) => {
    const controller = new AbortController();
    const connection = await open(salesforce, {}, tools);
    const running = connection.probe?.run(controller.signal, (result) => {
      if (!result.assumption.startsWith('An upsert under our field')) return;
      salesforce.org.notDeletable.add('Task');
      controller.abort();
    });
    const problem = String(await running?.catch((thrown: Error) => thrown.message));
    const [task] = salesforce.tasks();
    assert.match(problem, `In the account are left: Task ${task?.id}`);
    salesforce.org.notDeletable.clear();
    assert.is((await run()).problem, undefined);
    assert.equal(left(salesforce), []);
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
          person: { attribution: true },
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
