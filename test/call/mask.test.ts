import fc from 'fast-check';
import { maskKnownNumbers, maskNumber, maskNumbersIn, maskWritten } from '../../src/call/mask.ts';
import { assert, suite } from '../support/suite.ts';

const mask = suite('masking numbers');

mask('of a number the last three digits are shown, and of the first what leaves four hidden', () => {
  const cases: [string, string][] = [
    ['+61444444444', '+6144***444'],
    ['0444444444', '044***444'],
    ['(02) 8888 9999', '028***999'],
    ['０４４４ ４４４ ４４４', '044***444'],
    ['021123456', '02***456'],
    ['98989898', '***'],
    ['131234', '***'],
    ['', '***'],
  ];
  for (const [number, shown] of cases) assert.is(maskNumber(number), shown);
});

/** Ways to write 0412 345 678 that people, keyboards and programs have. */
const spellings = [
  '+61412345678',
  '+61 412 345 678',
  '61412345678',
  '0011 61 412 345 678',
  '0412345678',
  '0412 345 678',
  '04 12 34 56 78',
  '0412-345-678',
  '0412.345.678',
  '(0412) 345678',
  '(0)412 345 678',
  '(0) 412 345 678',
  '0(4) 1234 5678',
  '(61) 412 345 678',
  '61 (0)412 345 678',
  '+(61) 412 345 678',
  '0412 / 345 678',
  '0412\u00a0345\u00a0678',
  '0412\u202f345\u2009678',
  '0412\u2011345\u2013678',
  '0412\u200b345\u200b678',
  '0412_345_678',
  '0412    345   678',
  '0412+345+678',
  '0412,345,678',
  '+61,412,345,678',
  '0412\u2022345\u00b7678',
  '0412%20345%20678',
  '0412%2F345%2d678',
  '０４１２３４５６７８',
  '＋６１ ４１２ ３４５ ６７８',
  '٠٤١٢٣٤٥٦٧٨',
];
/** What of the number must not be left, with all that is no digit taken away and digits of other scripts read. */
const digitsOf = (text: string) =>
  text
    .normalize('NFKC')
    .replace(/[٠-٩]/g, (d) => String(d.charCodeAt(0) - 0x660))
    .replace(/\D/g, '');

for (const written of spellings) {
  mask(`hides ${JSON.stringify(written)} in running text`, () => {
    for (const text of [written, `ring ${written}, please`, `"${written}"`, `x\n${written}.`]) {
      assert.not.match(digitsOf(maskNumbersIn(text)), '2345', text);
      assert.not.match(digitsOf(maskKnownNumbers(text, ['+61412345678'])), '2345', text);
    }
    assert.not.match(digitsOf(maskWritten(written)), '2345');
  });
}

mask('a whole number is hidden right beside letters, too', () => {
  for (const written of [
    '0412345678',
    '0412 345 678',
    '61412345678',
    '+61412345678',
    '0212345678',
    '64212345678',
  ])
    for (const text of [
      `x${written}`,
      `${written}x`,
      `tel${written}to`,
      `id_${written}a`,
      `\u00e9${written}`,
    ])
      assert.not.match(maskNumbersIn(text).replace(/\D/g, ''), /2345/, text);
});

mask('a number is hidden beside the word that says which it is, whatever joins them', () => {
  for (const written of ['0412345678', '09 234 5678', '61412345678', '+61 412 345 678', '041 234 5678'])
    for (const text of [
      ...['Tel.', 'tel:', 'ph', 'Mob.', 'M: ', 'call ', '(m)', '[home] ', 'no.'].map(
        (word) => word + written,
      ),
      ...['mob', '(mobile)', ' (h)', '[work]', ' - fax'].map((word) => written + word),
    ])
      assert.not.match(maskNumbersIn(`ring ${text}, please`).replace(/\D/g, ''), /2345/, text);
});

mask('a known number is hidden whatever stands beside it', () => {
  for (const text of ['412345678', '4 12 34 56 78', 'x61412345678y', '99991234 5 412345678 1'])
    assert.not.match(digitsOf(maskKnownNumbers(`no ${text} it`, [null, '+61412345678'])), '2345', text);
  assert.is(maskKnownNumbers('0412 345 679', ['+61412345678']), '0412 345 679');
});

mask('numbers, and nothing else of a text, are hidden', () => {
  const part = fc.constantFrom(
    'call',
    '7',
    'id 39001, 201',
    '2026-05-06 07:08',
    '127.0.0.1:8080',
    'took 0.5 s',
    'é',
    '\n',
  );
  const number = fc.constantFrom(...spellings);
  fc.assert(
    fc.property(fc.array(fc.tuple(part, number), { maxLength: 5 }), part, (pairs, last) => {
      const text = pairs.map(([before, written]) => `${before}; ${written}; `).join('') + last;
      const shown = maskNumbersIn(text);
      assert.is(
        shown.replace(/\+?\d+\*\*\*\d{3}/g, '#'),
        pairs.map(([before]) => `${before}; #; `).join('') + last,
      );
    }),
  );
});

for (const text of [
  '2026-11-02T03:15:00.123Z',
  'at 2026-05-06 07:08:09',
  'took 0.123456789 s',
  '127.0.0.1:8080',
  '0.5.6, 10.0.0.12',
  '00T5g00000AbCdEEAV',
  'f240bbac-87c9-4f6e-bf70-924b57d47db7',
  '00Q5g000001234567AAA',
  'c0412345',
  '00T5gno0912345AAA',
  'version 1.09123456',
  '"ids":[612,345,678,901,234]',
])
  mask(`leaves ${text} as it is`, () => assert.is(maskNumbersIn(text), text));

mask('a number that stands right behind another is hidden, too', () => {
  assert.is(maskNumbersIn('+64 9 123 4+64 9 123 4567'), '***+649***567');
  assert.is(maskNumbersIn('0412345678+61412345678'), '041***678+6141***678');
});

mask('long texts of digits, blanks and brackets are passed through in one go', () => {
  const known = ['+61412345678', '+61298989898'];
  for (const part of ['1', '0', '0 ', '(', '1(', '0412345', '+', '0.', 'ph', 'ph0', '1 ', '\u00a0', '61']) {
    const text = part.repeat(200_000);
    // A pattern that looks back at what it has seen takes minutes here.
    assert.ok(maskNumbersIn(maskKnownNumbers(text, known)).length > 0, part);
  }
});

mask.run();
