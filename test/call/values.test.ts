import {
  parseAmount,
  parseDuration,
  parseInstant,
  parseUrl,
  parseYesNo,
  playerUrl,
} from '../../src/call/values.ts';
import { assert, suite } from '../support/suite.ts';

const values = suite('values');

const instants: [text: string, iso: string | null][] = [
  ['00000001556755937003', '2019-05-02T00:12:17.003Z'],
  ['1556755937003', '2019-05-02T00:12:17.003Z'],
  ['1556755937', '2019-05-02T00:12:17.000Z'],
  [' 1556755937003 ', '2019-05-02T00:12:17.003Z'],
  ['2026-11-02T03:15:00Z', '2026-11-02T03:15:00.000Z'],
  ['2026-11-02t03:15:00z', '2026-11-02T03:15:00.000Z'],
  ['2026-11-02 03:15:00 +11:00', '2026-11-01T16:15:00.000Z'],
  ['2026-11-02T03:15:00+1100', '2026-11-01T16:15:00.000Z'],
  ['2026-11-02T03:15Z', '2026-11-02T03:15:00.000Z'],
  ['2026-11-02T03:15:00.123456789Z', '2026-11-02T03:15:00.123Z'],
  ['2026-11-02T03:15:00', null], // no zone: not an instant
  ['2026-11-02T25:15Z', null],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
  ['2025-02-29T00:00:00Z', null], // a runtime would take it for 1 March
  ['2026-04-31T00:00:00Z', null],
  ['2026-10-04T02:30:00+10:00', '2026-10-03T16:30:00.000Z'], // left out by Sydney's clocks, and an instant all the same
  ['9999-12-31T23:59:59Z', null],
  ['1970-01-01T00:00:00Z', null],
  ['00001556755937003000', null], // microseconds
  ['02/11/2026', null],
  ['00000000000000000000', null],
  ['99999999999999999999', null],
  ['100000000000000000000', null],
  ['-1556755937003', null],
  ['', null],
];
for (const [text, iso] of instants) {
  values(`reads the time "${text}" as ${iso}`, () => {
    assert.is(parseInstant(text)?.toISOString() ?? null, iso);
  });
}

values('writes a time as ISO 8601 wherever it becomes text', () => {
  assert.is(`${parseInstant('1556755937003')}`, '2019-05-02T00:12:17.003Z');
});

const durations: [text: string, seconds: number | null][] = [
  ['50s', 50],
  ['50', 50],
  ['50.9s', 50],
  ['0s', 0],
  ['1m 20s', 80],
  ['1m', 60],
  ['1h2m', 3720],
  ['1 hr 2 mins 3 secs', 3723],
  ['2 HOURS', 7200],
  ['00:01:20', 80],
  ['1:20', 80],
  ['01:00:00', 3600],
  ['604800', 604_800],
  ['604801', null],
  ['-5', null],
  ['abc', null],
  ['5x', null],
  ['', null],
  [' ', null],
];
for (const [text, seconds] of durations) {
  values(`reads the duration "${text}" as ${seconds} seconds`, () => {
    assert.is(parseDuration(text), seconds);
  });
}

const amounts: [text: string, amount: number | null][] = [
  ['1250', 1250],
  ['$1,250.00', 1250],
  ['AUD 1 250.50', 1250.5],
  ['A$99', 99],
  ['NZ$ 99.95', 99.95],
  ['99.95 NZD', 99.95],
  ['99AUD', 99],
  ['0', 0],
  ['1,234,567.89', 1_234_567.89],
  ['-5', null],
  ['1.250,00', null],
  ['12,50', null],
  ['abc', null],
  ['', null],
  ['$', null],
];
for (const [text, amount] of amounts) {
  values(`reads the amount "${text}" as ${amount}`, () => {
    assert.is(parseAmount(text), amount);
  });
}

values('yes and no in the spellings met', () => {
  for (const yes of ['Yes', 'yes', ' Y ', 'TRUE', '1']) assert.is(parseYesNo(yes), true, yes);
  for (const no of ['No', 'n', 'false', '0']) assert.is(parseYesNo(no), false, no);
  for (const neither of ['maybe', '', '2', 'abc']) assert.is(parseYesNo(neither), null, neither);
});

values('a URL keeps its spelling and loses the blanks around it', () => {
  assert.is(
    parseUrl(' https://pla.delaconcorp.com......abc.wav'),
    'https://pla.delaconcorp.com......abc.wav',
  );
  assert.is(parseUrl('HTTP://example.com/a%20b?c=d'), 'HTTP://example.com/a%20b?c=d');
  for (const none of ['', 'abc', 'ftp://example.com/a', 'javascript:alert(1)', 'https://', 'https:///a']) {
    assert.is(parseUrl(none), null, none);
  }
});

values('the player link has mode=direct within the query, and before a fragment', () => {
  assert.is(playerUrl('https://a.example/c.wav'), 'https://a.example/c.wav?mode=direct');
  assert.is(playerUrl('https://a.example/c.wav?id=7'), 'https://a.example/c.wav?id=7&mode=direct');
  assert.is(playerUrl('https://a.example/c.wav?'), 'https://a.example/c.wav?mode=direct');
  assert.is(playerUrl('https://a.example/c.wav??'), 'https://a.example/c.wav??&mode=direct');
  assert.is(playerUrl('https://a.example/c&mode=direct'), 'https://a.example/c&mode=direct?mode=direct');
  assert.is(
    playerUrl('https://a.example/c?a=%20b+c&mode=direct#x'),
    'https://a.example/c?a=%20b+c&mode=direct#x',
  );
  assert.is(playerUrl('https://a.example/c.wav#t=5'), 'https://a.example/c.wav?mode=direct#t=5');
});

values('long texts of blanks, digits and separators are read in one pass', () => {
  const blanks = ' '.repeat(250_000);
  for (const text of [
    `1${blanks}x`,
    `1h${blanks}x`,
    `$${blanks}1`,
    '1,'.repeat(125_000),
    '1:'.repeat(125_000),
  ]) {
    assert.is(
      parseAmount(text) ?? parseDuration(text) ?? parseInstant(text),
      text.startsWith('$') ? 1 : null,
    );
  }
});

values.run();
