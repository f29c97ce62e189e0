import { SearchLimit } from '../../../connectors/hubspot/search-limit.ts';
import { rateLimit } from '../../../src/connector/rate-limit.ts';
import { assert, suite } from '../../support/suite.ts';
import { VirtualTime } from '../../support/virtual-clock.ts';

const limit = suite('hubspot search limit');

/** Searches that are asked for at once and answered when told to be. */
function asked(count: number, signals: AbortSignal[] = []) {
  const time = new VirtualTime();
  const searches = new SearchLimit((requests, perMs) => rateLimit(time.clock(), requests, perMs));
  /** When each was sent, in the order of sending. */
  const sent: number[] = [];
  const answers: PromiseWithResolvers<void>[] = [];
  const search = () => {
    sent.push(time.passed);
    answers.push(Promise.withResolvers<void>());
    return answers.at(-1)!.promise;
  };
  const never = new AbortController().signal;
  const all = Array.from({ length: count }, (_, place) => searches.run(search, signals[place] ?? never));
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const pass = async (ms: number) => {
    await settle();
    await time.pass(ms, settle);
  };
  return { all, sent, answers, pass };
}

limit(
  'while the first search is on its way no other is sent, and the next is a turn after its answer',
  async () => {
    const { sent, answers, pass } = asked(4);
    await pass(5_000);
    assert.equal(sent, [0]);
    answers[0]?.resolve();
    await pass(5_000);
    assert.equal(sent, [0, 5_230, 5_460, 5_690], 'the others do not wait for answers');
  },
);

limit('a first search that fails lets the others go', async () => {
  const { all, sent, answers, pass } = asked(2);
  await pass(0);
  answers[0]?.reject(new Error('cut'));
  assert.is(await all[0]?.catch((thrown: Error) => thrown.message), 'cut');
  await pass(1_000);
  assert.equal(sent, [0, 460], 'after its own turn and the one its answer takes');
});

limit('one that is given up does not wait for the first, and takes nothing from the others', async () => {
  const stop = new AbortController();
  const { sent, answers, pass } = asked(3, [new AbortController().signal, stop.signal]);
  await pass(100);
  stop.abort();
  await pass(100);
  assert.equal(sent, [0, 100], 'it is for the search to see that it is given up');
  answers[0]?.resolve();
  await pass(1_000);
  assert.equal(sent, [0, 100, 460]);
});

limit.run();
