import { parsePhone, samePhone, writtenForms } from '../../src/receive/phone.ts';
import { assert, suite } from '../support/suite.ts';

const phone = suite('phone numbers');

const spellings: [text: string, region: 'AU' | 'NZ', number: string | null][] = [
  ['+61444444444', 'AU', '+61444444444'],
  ['61444444444', 'AU', '+61444444444'],
  ['0061444444444', 'AU', '+61444444444'],
  ['0444 444 444', 'AU', '+61444444444'],
  ['444444444', 'AU', '+61444444444'],
  ['0288889999', 'AU', '+61288889999'],
  ['(02) 8888 9999 ext 5', 'AU', '+61288889999'],
  ['131234', 'AU', '+61131234'],
  ['1300 123 456', 'AU', '+611300123456'],
  ['1800123456', 'AU', '+611800123456'],
  ['0800 123 456', 'NZ', '+64800123456'],
  ['021 123 456', 'NZ', '+6421123456'],
  ['0011 44 20 7946 0958', 'AU', '+442079460958'],
  ['0444 444 444', 'NZ', null],
  ['029898989', 'AU', null],
  ['anonymous', 'AU', null],
  ['', 'AU', null],
];
for (const [text, region, number] of spellings) {
  phone(`reads "${text}" in ${region} as ${number}`, () => {
    assert.is(parsePhone(text, region).number, number);
  });
}

phone('shows a number as people of the region write it, a foreign one internationally', () => {
  assert.equal(parsePhone('+61444444444', 'AU'), {
    number: '+61444444444',
    national: '0444444444',
    display: '0444 444 444',
    raw: '+61444444444',
    country: 'AU',
  });
  assert.is(parsePhone('+61444444444', 'NZ').display, '+61 444 444 444');
});

phone('keeps what it cannot read', () => {
  assert.equal(parsePhone('029898989', 'AU'), {
    number: null,
    national: null,
    display: '029898989',
    raw: '029898989',
    country: null,
  });
});

phone('knows every form in which people type a number', () => {
  assert.equal(writtenForms('+61444444444', 'AU'), [
    '+61444444444',
    '61444444444',
    '0444444444',
    '444444444',
  ]);
  assert.equal(writtenForms('+611300123456', 'AU'), ['+611300123456', '611300123456', '1300123456']);
});

phone('compares by number, not by spelling', () => {
  assert.ok(samePhone('(0444) 444-444', '+61444444444', 'AU'));
  assert.not(samePhone('0444 444 445', '+61444444444', 'AU'));
  assert.not(samePhone(null, '+61444444444', 'AU'));
});

const odd: [text: string, number: string][] = [
  ['(+61) 412 345 678', '+61412345678'],
  ['tel:+61412345678', '+61412345678'],
  ['M: 0412 345 678', '+61412345678'],
  ['0412 345 678 (mobile)', '+61412345678'],
  ['\u202d0412345678\u202c', '+61412345678'], // as copied from an address book
  ['64 21 123 4567', '+64211234567'],
  ['1 (513) 227-1572', '+15132271572'],
  ['44 20 7946 0958', '+442079460958'],
];
for (const [text, number] of odd) {
  phone(`takes ${JSON.stringify(text)} for ${number}, and for no other`, () => {
    assert.ok(samePhone(text, number, 'AU'));
    assert.not(samePhone(text, number.replace(/.$/, '1'), 'AU'));
  });
}

phone('knows a number of a range that nobody has told of yet by its national form, too', () => {
  const number = '+61479513633';
  assert.is(parsePhone(number, 'AU').number, number);
  assert.ok(writtenForms(number, 'AU').includes('0479513633'));
  assert.ok(samePhone('0479 513 633', number, 'AU'));
  assert.not(samePhone('0479 513 634', number, 'AU'));
  assert.not(samePhone('0479 513 633', number, 'NZ'));
});

phone('does not guess the country of a national number', () => {
  assert.not(samePhone('(513) 227-1572', '+15132271572', 'AU'));
  assert.not(samePhone('020 7946 0958', '+442079460958', 'AU'));
  assert.not(samePhone('0412 345 678', '+64412345678', 'AU'));
});

phone('a number of more digits than E.164 has is none', () => {
  assert.is(parsePhone('+623456781412345678', 'AU').number, null);
});

phone.run();
