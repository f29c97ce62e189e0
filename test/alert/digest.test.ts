import { periodBefore } from '../../src/alert/digest.ts';
import { assert, suite } from '../support/suite.ts';

const digest = suite('the time of the digest');

const hours = (from: Date, to: Date) => (to.getTime() - from.getTime()) / 3_600_000;

const cases: [
  what: string,
  now: string,
  at: string,
  zone: string,
  from: string,
  to: string,
  hours: number,
][] = [
  [
    'a usual day',
    '2026-11-24T21:00:00Z',
    '08:00',
    'Australia/Sydney',
    '2026-11-23T21:00Z',
    '2026-11-24T21:00Z',
    24,
  ],
  [
    'just before',
    '2026-11-24T20:59:59.999Z',
    '08:00',
    'Australia/Sydney',
    '2026-11-22T21:00Z',
    '2026-11-23T21:00Z',
    24,
  ],
  // Clocks in Sydney go forward on 4 October 2026 at 2:00, and back on 4 April 2027 at 3:00.
  [
    'a short day in Sydney',
    '2026-10-03T22:00:00Z',
    '08:00',
    'Australia/Sydney',
    '2026-10-02T22:00Z',
    '2026-10-03T21:00Z',
    23,
  ],
  [
    'a long day in Sydney',
    '2027-04-03T23:00:00Z',
    '08:00',
    'Australia/Sydney',
    '2027-04-02T21:00Z',
    '2027-04-03T22:00Z',
    25,
  ],
  // In Auckland on 27 September 2026 and on 4 April 2027.
  [
    'a short day in Auckland',
    '2026-09-26T20:00:00Z',
    '08:00',
    'Pacific/Auckland',
    '2026-09-25T20:00Z',
    '2026-09-26T19:00Z',
    23,
  ],
  [
    'a long day in Auckland',
    '2027-04-03T20:30:00Z',
    '08:00',
    'Pacific/Auckland',
    '2027-04-02T19:00Z',
    '2027-04-03T20:00Z',
    25,
  ],
  [
    'no daylight saving in Brisbane',
    '2026-10-03T22:00:00Z',
    '08:00',
    'Australia/Brisbane',
    '2026-10-02T22:00Z',
    '2026-10-03T22:00Z',
    24,
  ],
];
for (const [what, now, at, zone, from, to, length] of cases) {
  digest(`${what}: ${at} in ${zone}`, () => {
    const { next, ...period } = periodBefore(new Date(now), at, zone);
    assert.equal(period, { from: new Date(from), to: new Date(to) });
    assert.equal(periodBefore(next, at, zone).from, period.to);
    assert.is(hours(period.from, period.to), length);
  });
}

digest(
  'in a year and more there is one for each day, one after the other, though 02:30 is missing or comes twice',
  () => {
    for (const zone of [
      'Australia/Sydney',
      'Pacific/Auckland',
      'Australia/Lord_Howe',
      'Australia/Adelaide',
    ]) {
      let now = new Date('2026-01-01T00:00:00Z');
      let last: Date | undefined;
      for (let day = 0; day < 400; day++) {
        now = periodBefore(now, '02:30', zone).next;
        const { from, to } = periodBefore(now, '02:30', zone);
        assert.equal(to, now, `${zone} ${now.toISOString()}`);
        if (last) assert.equal(from, last);
        assert.ok(hours(from, to) >= 23 && hours(from, to) <= 25, `${zone} ${now.toISOString()}`);
        last = to;
      }
    }
  },
);

digest.run();
