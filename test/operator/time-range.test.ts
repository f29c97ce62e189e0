import { rangeOf, startOfDay } from '../../src/operator/time-range.ts';
import { assert, suite } from '../support/suite.ts';

const range = suite('time range');

range('a day begins at midnight of its zone, over changes of the clock too', () => {
  for (const [at, zone, midnight] of [
    ['2026-11-24T03:15:00Z', 'Australia/Sydney', '2026-11-23T13:00:00.000Z'],
    ['2026-11-24T03:15:00.250Z', 'UTC', '2026-11-24T00:00:00.000Z'],
    ['2026-11-24T03:15:00Z', 'Australia/Adelaide', '2026-11-23T13:30:00.000Z'],
    ['2026-10-04T04:00:00Z', 'Australia/Sydney', '2026-10-03T14:00:00.000Z'], // clocks went forward at 2
    ['2026-04-05T10:00:00Z', 'Australia/Sydney', '2026-04-04T13:00:00.000Z'], // clocks went back at 3
    ['2026-11-23T13:00:00Z', 'Australia/Sydney', '2026-11-23T13:00:00.000Z'],
    ['2026-11-23T12:59:59Z', 'Australia/Sydney', '2026-11-22T13:00:00.000Z'],
    ['2026-09-06T12:00:00Z', 'America/Santiago', '2026-09-06T04:00:00.000Z'], // there was no midnight
  ] as const)
    assert.is(startOfDay(new Date(at), zone).toISOString(), midnight, `${at} ${zone}`);
});

range('periods are days of the zone, or so much time until now', () => {
  const now = new Date('2026-11-24T03:15:00Z');
  const of = (asked: Parameters<typeof rangeOf>[0]) => {
    const { since, until } = rangeOf(asked, now, 'Australia/Sydney');
    return [since.toISOString(), until.toISOString()];
  };
  assert.equal(of({}), ['2026-11-23T13:00:00.000Z', '2026-11-24T03:15:00.000Z']);
  assert.equal(of({ period: 'yesterday' }), ['2026-11-22T13:00:00.000Z', '2026-11-23T13:00:00.000Z']);
  assert.equal(of({ period: '7d' }), ['2026-11-17T03:15:00.000Z', '2026-11-24T03:15:00.000Z']);
  const since = new Date('2026-11-01T00:00:00Z');
  assert.equal(of({ since }), ['2026-11-01T00:00:00.000Z', '2026-11-24T03:15:00.000Z']);
});

range.run();
