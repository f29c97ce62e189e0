import { within } from '../../src/runtime/deadlines.ts';
import { assert, suite, until } from '../support/suite.ts';

const deadlines = suite('deadlines');

/*
 * On Bun, 3,500 senders who stopped within their bodies ended the bridge, half a minute after they came: all of them were
 * answered in one turn, each answer within the one before, until there was no stack left. `npm run load` has the real ones.
 */
deadlines('many who are late together are told so over many turns', async () => {
  let turn = 0;
  let isCounting = true;
  const count = () => {
    turn++;
    if (isCounting) setImmediate(count);
  };
  const told = new Map<number, number>();
  let n = 0;
  for (let i = 0; i < 3_500; i++)
    within(0, () => {
      n++;
      told.set(turn, (told.get(turn) ?? 0) + 1);
    });
  const inTime = within(600_000, () => assert.unreachable());
  count();
  await until('all are told', () => n === 3_500);
  isCounting = false;
  inTime();
  assert.ok(Math.max(...told.values()) <= 100, JSON.stringify([...told]));
});

deadlines('who is in time is told nothing', async () => {
  let isLate = false;
  within(0, () => (isLate = true))();
  let isOver = false;
  within(1, () => (isOver = true));
  await until('another is late', () => isOver);
  assert.not(isLate);
});

deadlines.run();
