import { msOfStep, spansBetween, stepOfMs, toQuarters } from '../../src/store/time-buckets.ts';
import { assert, suite } from '../support/suite.ts';

const spans = suite('spans of time');

const at = (text: string) => Date.parse(`2026-11-${text}:00.000Z`);

spans('a range is made of long spans in the middle and short ones at its ends', () => {
  const told = spansBetween(at('02T22:45'), at('05T01:15'), ['quarter', 'hour', 'day']);
  assert.equal(
    told.map(({ span, from, to }) => [span, new Date(from).toISOString(), new Date(to).toISOString()]),
    [
      ['quarter', '2026-11-02T22:45:00.000Z', '2026-11-02T23:00:00.000Z'],
      ['hour', '2026-11-02T23:00:00.000Z', '2026-11-03T00:00:00.000Z'],
      ['day', '2026-11-03T00:00:00.000Z', '2026-11-05T00:00:00.000Z'],
      ['hour', '2026-11-05T00:00:00.000Z', '2026-11-05T01:00:00.000Z'],
      ['quarter', '2026-11-05T01:00:00.000Z', '2026-11-05T01:15:00.000Z'],
    ],
  );
  assert.equal(spansBetween(at('02T22:45'), at('02T22:45'), ['quarter']), []);
});

spans('a range is widened to whole quarters, and one of them stays as it is', () => {
  const range = (since: string, until: string) => toQuarters(new Date(at(since)), new Date(at(until)));
  assert.equal(range('02T22:46', '02T23:01'), { since: at('02T22:45'), until: at('02T23:15') });
  assert.equal(range('02T22:45', '02T23:15'), { since: at('02T22:45'), until: at('02T23:15') });
});

spans('a step is within five percent of the time it stands for', () => {
  for (const ms of [0, 40, 250, 1_000, 61_000, 86_400_000]) {
    const back = msOfStep(stepOfMs(ms));
    assert.ok(Math.abs(back - ms) <= 0.05 * ms + 1, `${ms} became ${back}`);
  }
});

spans.run();
