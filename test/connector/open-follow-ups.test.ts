import { followUpOption } from '../../src/connector/index.ts';
import { OpenFollowUps } from '../../src/connector/open-follow-ups.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { testTools } from '../support/connector-tools.ts';
import { assert, suite } from '../support/suite.ts';

const open = suite('open follow-ups');

const at = (hour: number) => String(Date.parse('2026-11-02T00:00:00Z') + hour * 3_600_000).padStart(20, '0');
const call = (id: string, hour: number, result: string, number = '+61444444444') =>
  deliveryOf([
    startPush(id, { PLA_CallStartTime: at(hour), PLA_Caller_Phone_Number: number }),
    endPush(id, { PLA_CallResult: result }),
  ]);
const task = (id: string) => ({ type: 'task', id });
const options = (doneWhen: string) => followUpOption.parse({ doneWhen });
const ids = (settled: { followUp: { id: string } }[]) => settled.map(({ followUp }) => followUp.id);

open(
  'a later answered call settles the follow-ups of earlier ones, of its own caller, until they are removed',
  async () => {
    const { memory, kept } = testTools();
    const followUps = new OpenFollowUps(options('reached'), memory);
    await followUps.add([
      { delivery: call('1', 1, 'Unanswered'), followUp: task('t1') },
      { delivery: call('2', 2, 'Busy'), followUp: task('t2') },
      { delivery: call('3', 1, 'Busy', '+61444444445'), followUp: task('t3') },
      { delivery: call('4', 9, 'Busy'), followUp: task('t4') },
    ]);
    assert.equal(await followUps.settledBy([call('5', 3, 'Unanswered')]), []);
    const settled = await followUps.settledBy([call('6', 3, 'Answered')]);
    assert.equal(ids(settled), ['t1', 't2']);
    assert.is(settled[0]?.by.key, '6');
    assert.equal(ids(await followUps.settledBy([call('6', 3, 'Answered')])), ['t1', 't2'], 'not removed yet');
    await followUps.remove(settled);
    assert.equal(await followUps.settledBy([call('6', 3, 'Answered')]), []);
    assert.match(kept.get('openFollowUps/+61444444444') ?? '', 't4');
  },
);

open(
  'a call that reaches the CRM after the one that settles it is settled at once, after a restart too',
  async () => {
    const { memory } = testTools();
    await new OpenFollowUps(options('reached'), memory).settledBy([call('2', 2, 'Answered')]);
    const followUps = new OpenFollowUps(options('reached'), memory);
    const late = call('1', 1, 'Unanswered');
    await followUps.add([{ delivery: late, followUp: task('t1') }]);
    const settled = await followUps.settledBy([late]);
    assert.equal(settled, [{ followUp: task('t1'), by: late }]);
    const later = call('3', 3, 'Unanswered');
    await followUps.add([{ delivery: later, followUp: task('t3') }]);
    await followUps.remove(settled);
    assert.equal(await followUps.settledBy([later]), []);
  },
);

open('calledAgain: any later call, and never the call itself', async () => {
  const followUps = new OpenFollowUps(options('calledAgain'), testTools().memory);
  const first = call('1', 1, 'Unanswered');
  await followUps.add([{ delivery: first, followUp: task('t1') }]);
  assert.equal(await followUps.settledBy([first]), []);
  assert.equal(ids(await followUps.settledBy([call('2', 2, 'Busy')])), ['t1']);
});

open('closedByHand keeps nothing in mind', async () => {
  const { memory, kept } = testTools();
  const followUps = new OpenFollowUps(options('closedByHand'), memory);
  await followUps.add([{ delivery: call('1', 1, 'Unanswered'), followUp: task('t1') }]);
  assert.equal(await followUps.settledBy([call('2', 2, 'Answered')]), []);
  assert.is(kept.size, 0);
});

open.run();
