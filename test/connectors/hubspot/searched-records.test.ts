import type { Connection, Outcome } from '../../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { type TestTools, testTools } from '../../support/connector-tools.ts';
import {
  answering,
  type Fault,
  faults,
  type HubSpotEmulator,
  withHubSpotEmulator,
} from '../../support/hubspot-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { VirtualTime } from '../../support/virtual-clock.ts';
import { open, soon, strikeForGood, unmetered } from './rig.ts';

const searched = suite('hubspot records without unique keys');

/** A call that leaves all there is. */
const settings = {
  followUp: { when: "call.survey.outcome == 'Sale'", doneWhen: 'reached' },
  sale: { when: "call.survey.outcome == 'Sale'", stage: 'closedwon' },
};
const call = (id: string, records = {}) => deliveryOf([startPush(id), endPush(id)], { records });

const kinds = [
  { kind: 'calls', finding: 'callKeys', role: 'activity' },
  { kind: 'tasks', finding: 'taskKeys', role: 'followUp' },
  { kind: 'deals', finding: 'dealKeys', role: 'sale' },
] as const;
type Kind = (typeof kinds)[number];

interface Account {
  hubspot: HubSpotEmulator;
  tools: TestTools;
  time: VirtualTime;
  /** As after a restart. */
  reopen(): Promise<Connection>;
  /** Delivers the call as the outcome before left it. */
  attempt(before?: Outcome): Promise<Outcome>;
}

function withAccount(
  { kind, finding }: Kind,
  odd: 'refused' | 'ignored' | 'unread',
  use: (account: Account) => Promise<void>,
): Promise<void> {
  const time = new VirtualTime();
  return withHubSpotEmulator(
    async (hubspot) => {
      const unlimited = { take: async () => {}, allow() {} };
      const tools = testTools({ clock: time.clock(), rateLimit: () => unlimited });
      tools.kept.set('found', JSON.stringify({ [finding]: 'searched' }));
      const reopen = () => open(hubspot, settings, tools);
      const attempt = async (before?: Outcome) => {
        const [outcome] = await (await reopen()).deliver([call('1', before?.records)], soon());
        return outcome as Outcome;
      };
      await use({ hubspot, tools, time, reopen, attempt });
    },
    { limits: unmetered, indexDelayMs: 1e12, now: () => time.now(), oddities: { keys: { [kind]: odd } } },
  );
}

function checkBooks({ hubspot, tools }: Account, outcome: Outcome): void {
  assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
  const [contact, ...others] = hubspot.contacts();
  assert.is(others.length, 0);
  for (const { kind, role } of kinds) {
    const records = hubspot.records(kind);
    assert.equal(
      records.map(({ properties }) => properties['delacon_call_id']),
      ['1'],
      kind,
    );
    assert.is(outcome.records?.[role]?.id, records[0]?.id);
    assert.equal(records[0]?.links.contacts, [contact?.id], kind);
  }
  assert.equal(hubspot.records('deals')[0]?.links.calls, [hubspot.calls()[0]?.id]);
  assert.equal(
    [...tools.kept.keys()].filter((name) => name.startsWith('making')),
    [],
  );
}

const reasonOf = (outcome: Outcome) => (outcome.kind === 'delivered' ? '' : outcome.reason);

const lost: [string, Fault][] = [
  ['lost', faults.loseAnswer],
  ['a 504 after the write', faults.gatewayTimeout],
  ['half there', faults.brokenJson],
];
for (const one of kinds) {
  const { kind } = one;
  for (const odd of ['refused', 'ignored', 'unread'] as const) {
    for (const [name, fault] of lost) {
      searched(`${kind}, unique keys ${odd}: an answer that is ${name} makes no second, over a restart`, () =>
        withAccount(one, odd, async (account) => {
          const { hubspot, attempt, time } = account;
          hubspot.strike(fault, `${kind}/batch/create`);
          const failed = await attempt();
          assert.is(failed.kind, 'retry', JSON.stringify(failed));
          const waiting = await attempt(failed);
          assert.match(reasonOf(waiting), 'does not keep its key unique');
          const wait = (waiting as { notBefore?: Date }).notBefore?.getTime();
          assert.is(wait, time.now().getTime() + 300_000);
          hubspot.settleIndex();
          checkBooks(account, await attempt(waiting));
        }),
      );
    }

    searched(`${kind}, unique keys ${odd}: what was never made is made once the index would show it`, () =>
      withAccount(one, odd, async (account) => {
        const { hubspot, attempt, time } = account;
        hubspot.strike(faults.drop, `${kind}/batch/create`);
        const waiting = await attempt(await attempt());
        assert.is(waiting.kind, 'retry', JSON.stringify(waiting));
        await time.pass(299_999, async () => {});
        assert.is((await attempt(waiting)).kind, 'retry');
        assert.is(hubspot.records(kind).length, 0);
        await time.pass(1, async () => {});
        checkBooks(account, await attempt(waiting));
      }),
    );
  }

  for (const [limit, fault] of [
    ['of ten seconds', faults.rollingLimit],
    ['of a second', faults.secondlyLimitOldForm],
  ] as const)
    searched(`${kind}: what a limit ${limit} kept from being made is made at the next attempt`, () =>
      withAccount(one, 'ignored', async (account) => {
        const { hubspot, attempt } = account;
        hubspot.strike(fault, `${kind}/batch/create`);
        const limited = await attempt();
        assert.is(limited.kind, 'retry', JSON.stringify(limited));
        checkBooks(account, await attempt(limited));
      }),
    );

  for (const keys of ['ignored', 'refused'] as const)
    searched(`${kind}: one that is refused is begun anew when it is tried again (keys are ${keys})`, () =>
      withAccount(one, keys, async (account) => {
        const { hubspot, attempt } = account;
        const refusal = answering(400, { category: 'VALIDATION_ERROR', message: 'no' });
        strikeForGood(hubspot, refusal, `${kind}/batch/create`);
        const refused = await attempt();
        hubspot.calm();
        assert.is(refused.kind, 'rejected', JSON.stringify(refused));
        checkBooks(account, await attempt(refused));
      }),
    );

  searched(`${kind}: a taken key is waited for, in an account that keeps it and does not read by it`, () =>
    withAccount(one, 'unread', async (account) => {
      const { hubspot, attempt, time } = account;
      hubspot.strike(faults.loseAnswer, `${kind}/batch/create`);
      const waiting = await attempt(await attempt());
      await time.pass(300_000, async () => {});
      const taken = await attempt(waiting);
      assert.is(taken.kind, 'retry', JSON.stringify(taken));
      assert.match(reasonOf(taken), `one of its ${kind} has delacon_call_id 1 already, but does not show it`);
      hubspot.settleIndex();
      checkBooks(account, await attempt(taken));
    }),
  );
}

for (const one of kinds) {
  searched(`${one.kind}: killed before the outcome was stored, the next attempt makes no second`, () =>
    withAccount(one, 'ignored', async (account) => {
      assert.is((await account.attempt()).kind, 'delivered');
      checkBooks(account, await account.attempt());
    }),
  );

  searched(`${one.kind}: what is noted does not grow without end`, () =>
    withAccount(one, 'ignored', async ({ hubspot, tools, reopen }) => {
      const connection = await reopen();
      const batch = (name: string) => Array.from({ length: 100 }, (_, i) => call(`${name}${i}`));
      for (let round = 0; round < 11; round++) {
        const [a, b] = await Promise.all(
          ['a', 'b'].map((name) => connection.deliver(batch(name + round), soon())),
        );
        for (const { kind } of [...(a ?? []), ...(b ?? [])]) assert.is(kind, 'delivered');
      }
      assert.equal(
        [...tools.kept.keys()].filter((name) => name.startsWith('making')),
        [],
      );
      const made = JSON.parse(tools.kept.get(`made ${one.kind}`) ?? '[]') as [string, string][];
      assert.is(made.length, 2_000);
      const ids = new Map(
        hubspot
          .records(one.kind)
          .map(({ properties, id }) => [`delacon_call_id ${properties['delacon_call_id']}`, id]),
      );
      for (const [name, id] of made) assert.is(id, ids.get(name));
    }),
  );
}

searched('batches side by side lose none of their notes, however slow the store', () =>
  withAccount(kinds[0], 'ignored', async ({ tools, reopen }) => {
    const { recall } = tools.memory;
    tools.memory.recall = async (names) => {
      const texts = await recall(names);
      await new Promise((resolve) => setTimeout(resolve, 50));
      return texts;
    };
    const connection = await reopen();
    const ids = ['1', '2', '3', '4'];
    await Promise.all(ids.map((id) => connection.deliver([call(id)], soon())));
    const made = JSON.parse(tools.kept.get('made calls') ?? '[]') as [string, string][];
    assert.equal(
      made.map(([name]) => name).sort(),
      ids.map((id) => `delacon_call_id ${id}`),
    );
  }),
);

searched('a follow-up that was found, and not made, is remembered as open', () =>
  withAccount(kinds[1], 'ignored', async ({ hubspot, attempt, reopen }) => {
    hubspot.strike(faults.loseAnswer, 'tasks/batch/create');
    const waiting = await attempt(await attempt());
    hubspot.settleIndex();
    await attempt(waiting);
    const later = deliveryOf([
      startPush('2', { PLA_CallStartTime: '00000001556759537003' }),
      endPush('2', { PLA_SurveyOutcome: '' }),
    ]);
    await (await reopen()).deliver([later], soon());
    assert.equal(
      hubspot.records('tasks').map(({ properties }) => properties['hs_task_status']),
      ['COMPLETED'],
    );
  }),
);

for (const { kind, finding } of kinds) {
  searched(
    `${kind} that may have no unique property get one that is not, from setup, and check says so`,
    () =>
      withHubSpotEmulator(
        async (hubspot) => {
          const tools = testTools();
          const connection = await open(hubspot, settings, tools);
          await connection.apply(soon(), () => {});
          assert.equal(JSON.parse(tools.kept.get('found') ?? '{}'), { [finding]: 'searched' });
          const plan = await connection.plan(soon());
          assert.equal(new Set(plan.map(({ action }) => action)), new Set(['keep']));
          const about = (await connection.check(soon())).filter(({ message }) =>
            /searched for/.test(message),
          );
          assert.equal(about, [
            {
              level: 'ok',
              subject: `property ${kind}.delacon_call_id`,
              message: `HubSpot does not keep it unique here, so ${kind} are searched for before they are made again.`,
            },
          ]);
          const [outcome] = await connection.deliver([call('1')], soon());
          assert.is(outcome?.kind, 'delivered', JSON.stringify(outcome));
          assert.equal(
            kinds.map((one) => hubspot.records(one.kind).length),
            [1, 1, 1],
          );
        },
        { provisioned: false, oddities: { keys: { [kind]: 'refused' } } },
      ),
  );
}

searched.run();
