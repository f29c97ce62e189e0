import { assert, suite } from '../support/suite.ts';
import { torture } from './torture.ts';

const killing = suite('torture');

killing('a bridge that is killed under load, with CRMs that fail, loses and doubles nothing', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const runtime = process.versions['bun'] === undefined ? 'node' : 'bun';
  const result = await torture({ runtime, seed, kills: 20, minutes: 1 });
  const { lost, doubled, wrong } = result;
  const again = `npm run torture -- --seed ${seed} --kills 20 --runtime ${runtime}`;
  assert.equal({ lost, doubled, wrong }, { lost: [], doubled: [], wrong: [] }, again);
  assert.ok(result.acknowledged > 0 && result.calls > 0 && result.kills.atStep > 0, again);
});

killing.run();
