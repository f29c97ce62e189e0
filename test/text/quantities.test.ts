import { isAddressOrRange } from '../../src/config/addresses.ts';
import { parseDuration, parseSize } from '../../src/text/quantities.ts';
import { assert, suite } from '../support/suite.ts';

const quantities = suite('durations, sizes and addresses');

quantities('reads durations', () => {
  const durations = ['250ms', '5s', '1m', '4 h', '7d', '3650d'].map(parseDuration);
  assert.equal(durations, [250, 5_000, 60_000, 14_400_000, 604_800_000, 315_360_000_000]);
});

const problems: [written: string | number, problem: string][] = [
  [90, 'a duration needs a unit: write 90s, 90m, 90h or 90d.'],
  ['90', 'a duration needs a unit: write 90s, 90m, 90h or 90d.'],
  ['5 minutes', '"5 minutes" is not a duration. Write one like 5s, 1m, 4h or 7d.'],
  ['1h30m', '"1h30m" is not a duration. Write one like 5s, 1m, 4h or 7d.'],
  ['-1s', '"-1s" is not a duration. Write one like 5s, 1m, 4h or 7d.'],
  ['0s', 'must be longer than nothing.'],
  ['9999999d', 'must be at most 3650d.'],
];
for (const [written, problem] of problems) {
  quantities(`says what is wrong with the duration ${JSON.stringify(written)}`, () => {
    assert.equal(parseDuration(written), { problem });
  });
}

quantities('reads sizes', () => {
  assert.equal(
    [4096, '4096', '256KiB', '1 MiB', '1MB'].map(parseSize),
    [4096, 4096, 262_144, 1_048_576, 1_000_000],
  );
  assert.equal(parseSize('1GB'), {
    problem: '"1GB" is not a size. Write one like 256KiB or 1MiB, or a number of bytes.',
  });
});

quantities('knows addresses and ranges', () => {
  for (const good of ['10.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '::1', '2001:db8::/128'])
    assert.ok(isAddressOrRange(good), good);
  for (const bad of [
    '',
    '10.0.0',
    '10.0.0.1/33',
    '::/129',
    '10.0.0.1/',
    '10.0.0.1/8/8',
    '10.0.0.1/-1',
    'fe80::1%eth0',
    'localhost',
  ])
    assert.not.ok(isAddressOrRange(bad), bad);
});

quantities.run();
