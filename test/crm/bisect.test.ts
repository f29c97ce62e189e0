import * as fc from 'fast-check';
import { bisect, type CrmFailure } from '../../src/crm/index.ts';
import { assert, suite } from '../support/suite.ts';

const bisecting = suite('bisecting');

type Fate = { failure?: CrmFailure | undefined };
const rejected = { failure: { kind: 'rejected', reason: 'no', cure: { what: 'field' } } } as const;

/** Refuses every request that has one of these in it. */
function refusing(bad: ReadonlySet<number>, refusal: Fate, sizes: number[] = []) {
  return async (part: readonly number[]) => {
    sizes.push(part.length);
    const isRefused = part.some((one) => bad.has(one));
    const all = (fate: Fate) => new Map(part.map((one) => [one, fate]));
    return isRefused
      ? { written: new Map(), refused: all(refusal) }
      : { written: all({}), refused: new Map() };
  };
}

bisecting('all but the bad ones are written, each once, whichever they are', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 40 }),
      fc.array(fc.nat(39)),
      fc.integer({ min: 1, max: 12 }),
      async (count, some, largest) => {
        const records = Array.from({ length: count }, (_, i) => i);
        const bad = new Set(some);
        const sizes: number[] = [];
        const fates = await bisect(records, largest, refusing(bad, rejected, sizes), () => false);
        assert.equal(
          [...fates.keys()].sort((a, b) => a - b),
          records,
        );
        for (const [one, { failure }] of fates) assert.is(failure !== undefined, bad.has(one));
        assert.ok(sizes.every((size) => size <= largest));
      },
    ),
  ),
);

bisecting('those that use what is refused are to blame at once: two requests', async () => {
  const sizes: number[] = [];
  const bad = new Set([3, 5]);
  const records = [1, 2, 3, 4, 5, 6, 7];
  const fates = await bisect(records, 100, refusing(bad, rejected, sizes), (one) => bad.has(one));
  assert.equal(sizes, [7, 5]);
  for (const [one, { failure }] of fates) assert.is(failure !== undefined, bad.has(one));
});

bisecting('what says nothing of the records is not asked again in halves', async () => {
  const sizes: number[] = [];
  const refusal = { failure: { kind: 'retry', reason: 'busy' } } as const;
  const fates = await bisect([1, 2, 3], 100, refusing(new Set([1]), refusal, sizes), () => false);
  assert.equal(sizes, [3]);
  assert.is([...fates.values()].filter(({ failure }) => failure?.kind === 'retry').length, 3);
});

bisecting(
  'too many are halved, a lone one of a larger request too; one that was sent alone is not',
  async () => {
    const smaller = { failure: { kind: 'retry', reason: 'too many', cure: { what: 'smaller' } } } as const;
    const sizes: number[] = [];
    const write = async (part: readonly number[]) => {
      sizes.push(part.length);
      const last = part.at(-1) as number;
      return {
        written: new Map<number, Fate>(part.slice(0, -1).map((one) => [one, {}])),
        refused: new Map<number, Fate>([[last, smaller]]),
      };
    };
    const fates = await bisect([1, 2, 3], 100, write, () => false);
    assert.equal(sizes, [3, 1]);
    assert.is(fates.get(3)?.failure?.reason, 'too many');
  },
);

bisecting.run();
