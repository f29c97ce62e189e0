import * as fc from 'fast-check';
import { afterWorking, hoursOption, nextOpening } from '../../src/text/business-hours.ts';
import { assert, suite } from '../support/suite.ts';

const hours = suite('business hours');

const hour = 3_600_000;
const week = hoursOption.parse({});
const due = (start: string, work: number, timezone: string, options = week) =>
  afterWorking(new Date(start), work, options, timezone).toISOString();

const cases: [what: string, start: string, hours: number, timezone: string, due: string][] = [
  ['within the day', '2026-11-24T10:00:00+11:00', 4, 'Australia/Sydney', '2026-11-24T14:00:00+11:00'],
  ['into the next day', '2026-11-24T15:00:00+11:00', 4, 'Australia/Sydney', '2026-11-25T11:00:00+11:00'],
  ['before opening', '2026-11-24T06:30:00+11:00', 1, 'Australia/Sydney', '2026-11-24T10:00:00+11:00'],
  [
    'after closing on a Friday',
    '2026-11-27T18:00:00+11:00',
    2,
    'Australia/Sydney',
    '2026-11-30T11:00:00+11:00',
  ],
  ['exactly to closing', '2026-11-24T13:00:00+11:00', 4, 'Australia/Sydney', '2026-11-24T17:00:00+11:00'],
  [
    'over the start of daylight saving',
    '2026-10-02T16:00:00+10:00',
    2,
    'Australia/Sydney',
    '2026-10-05T10:00:00+11:00',
  ],
  [
    'over the end of daylight saving',
    '2026-04-03T16:00:00+13:00',
    2,
    'Pacific/Auckland',
    '2026-04-06T10:00:00+12:00',
  ],
  [
    'where half hours count',
    '2026-11-24T16:30:00+10:30',
    1,
    'Australia/Adelaide',
    '2026-11-25T09:30:00+10:30',
  ],
];
/** On days on which clocks are changed, and somebody works through the night. */
const nights = hoursOption.parse({ days: ['sun', 'mon'], from: '01:00', to: '05:00' });
for (const [what, work, timezone, expected] of [
  // Forward at 2:00: from 1:00 to 5:00 it is three hours.
  ['3 on a short night', 3, 'Australia/Sydney', '2026-10-04T05:00:00+11:00'],
  ['4 on a short night', 4, 'Australia/Sydney', '2026-10-05T02:00:00+11:00'],
  ['3 on a short night', 3, 'Pacific/Auckland', '2026-09-27T05:00:00+13:00'],
  ['4 on a short night', 4, 'Pacific/Auckland', '2026-09-28T02:00:00+13:00'],
  // Back at 3:00: it is five.
  ['5 on a long night', 5, 'Australia/Sydney', '2026-04-05T05:00:00+10:00'],
  ['6 on a long night', 6, 'Australia/Sydney', '2026-04-06T02:00:00+10:00'],
  ['5 on a long night', 5, 'Pacific/Auckland', '2026-04-05T05:00:00+12:00'],
  ['6 on a long night', 6, 'Pacific/Auckland', '2026-04-06T02:00:00+12:00'],
] as const)
  hours(`working hours: ${what}, ${timezone}`, () => {
    const midnight = new Date(Date.parse(`${expected.slice(0, 10)}T00:00:00Z`) - 40 * hour).toISOString();
    assert.is(due(midnight, work * hour, timezone, nights), new Date(expected).toISOString());
  });

hours('a leap day is worked on like any other', () => {
  const start = '2024-02-28T16:00:00+11:00';
  assert.is(due(start, 2 * hour, 'Australia/Sydney'), new Date('2024-02-29T10:00:00+11:00').toISOString());
  assert.is(due(start, 10 * hour, 'Australia/Sydney'), new Date('2024-03-01T10:00:00+11:00').toISOString());
});

for (const [what, start, work, timezone, expected] of cases) {
  hours(`${work} working hours, ${what}`, () => {
    assert.is(due(start, work * hour, timezone), new Date(expected).toISOString());
  });
}

hours('holidays are left out, and a life of holidays gives the plain time', () => {
  const closed = hoursOption.parse({ except: ['2026-12-25', '2026-12-28'] });
  assert.is(
    due('2026-12-24T16:00:00+11:00', 2 * hour, 'Australia/Sydney', closed),
    new Date('2026-12-29T10:00:00+11:00').toISOString(),
  );
  const never = Array.from({ length: 900 }, (_, n) =>
    new Date(Date.parse('2026-01-01') + n * 86_400_000).toISOString().slice(0, 10),
  );
  assert.is(
    due('2026-01-02T10:00:00Z', 2 * hour, 'UTC', hoursOption.parse({ except: never })),
    '2026-01-02T12:00:00.000Z',
  );
});

for (const [what, start, timezone, expected] of [
  ['by day', '2026-11-24T10:00:00+11:00', 'Australia/Sydney', '2026-11-25T09:00:00+11:00'],
  ['in the evening', '2026-11-24T21:30:00+11:00', 'Australia/Sydney', '2026-11-25T09:00:00+11:00'],
  ['before opening', '2026-11-24T06:30:00+11:00', 'Australia/Sydney', '2026-11-24T09:00:00+11:00'],
  ['at opening', '2026-11-24T09:00:00+11:00', 'Australia/Sydney', '2026-11-25T09:00:00+11:00'],
  ['on a Friday', '2026-11-27T10:00:00+08:00', 'Australia/Perth', '2026-11-30T09:00:00+08:00'],
  ['on a Sunday', '2026-11-29T23:59:59+13:00', 'Pacific/Auckland', '2026-11-30T09:00:00+13:00'],
  ['before holidays', '2026-12-24T16:00:00+11:00', 'Australia/Sydney', '2026-12-29T09:00:00+11:00'],
  ['before daylight saving', '2026-10-02T16:00:00+10:00', 'Australia/Sydney', '2026-10-05T09:00:00+11:00'],
  ['before it ends', '2026-04-03T16:00:00+13:00', 'Pacific/Auckland', '2026-04-06T09:00:00+12:00'],
] as const)
  hours(`the next business morning of a call ${what}, ${timezone}`, () => {
    const closed = hoursOption.parse({ except: ['2026-12-25', '2026-12-28'] });
    assert.is(nextOpening(new Date(start), closed, timezone).toISOString(), new Date(expected).toISOString());
  });

hours('what is due is within working hours, and never before the work is done', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date('2026-01-01'), max: new Date('2027-12-31'), noInvalidDate: true }),
      fc.integer({ min: 1, max: 40 * hour }),
      fc.constantFrom('Australia/Sydney', 'Australia/Perth', 'Pacific/Auckland', 'Australia/Lord_Howe'),
      (start, work, timezone) => {
        const at = afterWorking(start, work, week, timezone);
        assert.ok(at.getTime() - start.getTime() >= work);
        const parts = new Intl.DateTimeFormat('en-GB', {
          timeZone: timezone,
          weekday: 'short',
          hour: '2-digit',
          minute: '2-digit',
          hourCycle: 'h23',
        }).formatToParts(at);
        const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
        const time = `${part('hour')}:${part('minute')}`;
        assert.ok(time >= '09:00' && time <= '17:00', time);
        assert.not.ok(['Sat', 'Sun'].includes(part('weekday')));
      },
    ),
  );
});

hours('hours that close before they open are refused', () => {
  assert.not.ok(hoursOption.safeParse({ from: '17:00', to: '09:00' }).success);
  assert.not.ok(hoursOption.safeParse({ from: '9am' }).success);
});

hours.run();
