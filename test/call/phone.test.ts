import * as fc from 'fast-check';
import { getCountries, getExampleNumber, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import examples from 'libphonenumber-js/mobile/examples';
import {
  isOtherWord,
  isWithheld,
  parsePhone,
  type Region,
  samePhone,
  writtenForms,
} from '../../src/call/phone.ts';
import { withheldWords } from '../../src/config/withheld-words.ts';
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
  ['sip:0412345678@x', 'AU', '+61412345678'],
  ['SIPS:+61412345678;user=phone@10.0.0.1:5060', 'AU', '+61412345678'],
  ['sip:0412345678:secret@pbx.example;transport=tcp', 'AU', '+61412345678'],
  ['"Jo Bloggs 7" <sip:0412345678@10.11.12.13>;tag=1', 'AU', '+61412345678'],
  ['0412345678@pbx.example', 'AU', '+61412345678'],
  ['tel:+61-412-345-678;ext=12', 'AU', '+61412345678'],
  ['tel:0412345678', 'AU', '+61412345678'],
  ['tel:412345678;phone-context=+61', 'NZ', '+61412345678'],
  ['tel:%2B61412345678', 'AU', '+61412345678'],
  ['%2B61412345678', 'AU', '+61412345678'],
  ['０４１２ ３４５ ６７８', 'AU', '+61412345678'],
  ['＋６１（４１２）３４５６７８', 'AU', '+61412345678'],
  ['٠٤١٢٣٤٥٦٧٨', 'AU', '+61412345678'],
  ['۰۴۱۲۳۴۵۶۷۸', 'AU', '+61412345678'],
  ['0412\u00a0345\u202f678', 'AU', '+61412345678'],
  ['0412\u2007345\u200b\u2009678', 'AU', '+61412345678'],
  ['\u202a+61 412 345 678\u202c', 'AU', '+61412345678'],
  ['0412–345—678', 'AU', '+61412345678'],
  ['0011 61 412 345 678', 'AU', '+61412345678'],
  ['0011 61 412 345 678', 'NZ', '+61412345678'],
  ['00 61 412 345 678', 'AU', '+61412345678'],
  ['(+61) (0)412 345 678', 'AU', '+61412345678'],
  ['+61 (0)412 345 678', 'NZ', '+61412345678'],
  ['(0061) 412 345 678', 'AU', '+61412345678'],
  ['++61 412 345 678', 'AU', '+61412345678'],
  ['+ 61 412 345 678', 'AU', '+61412345678'],
  ['+0061412345678', 'AU', '+61412345678'],
  ['+0412345678', 'AU', '+61412345678'],
  ['whatsapp:+61412345678', 'AU', '+61412345678'],
  ['WhatsApp: 0412 345 678', 'AU', '+61412345678'],
  ['viber://0412345678', 'AU', '+61412345678'],
  ['Mobile: 0412 345 678 ext 5', 'AU', '+61412345678'],
  ["'0412345678", 'AU', '+61412345678'],
  ['\u2019+61 412 345 678', 'AU', '+61412345678'],
  ['="0412345678"', 'AU', '+61412345678'],
  ['"+61412345678",', 'AU', '+61412345678'],
  ['0412345678#', 'AU', '+61412345678'],
  ['412,345,678', 'AU', '+61412345678'],
  ['0412, 345, 678', 'AU', '+61412345678'],
  ['+61,412,345,678', 'NZ', '+61412345678'],
  ['412345678.0', 'AU', '+61412345678'],
  ['0412\u2022345\u00b7678', 'AU', '+61412345678'],
  ['Tel. 0412 345 678', 'AU', '+61412345678'],
  ['Tel.0412345678', 'AU', '+61412345678'],
  ['tel 0412345678', 'AU', '+61412345678'],
  ['TELEPHONE - 0412 345 678', 'AU', '+61412345678'],
  ['mob 0412345678', 'AU', '+61412345678'],
  ['Mob.: 0412345678', 'AU', '+61412345678'],
  ['mobile +61 412 345 678', 'AU', '+61412345678'],
  ['mob0412345678', 'AU', '+61412345678'],
  ['ph: 0412345678', 'AU', '+61412345678'],
  ['Ph 0412345678', 'AU', '+61412345678'],
  ['Ph. No. 0412 345 678', 'AU', '+61412345678'],
  ['M: 0412345678', 'AU', '+61412345678'],
  ['m 0412 345 678', 'AU', '+61412345678'],
  ['(m) 0412 345 678', 'AU', '+61412345678'],
  ['call 0412345678', 'AU', '+61412345678'],
  ['Call from 0412345678', 'AU', '+61412345678'],
  ['0412345678 (mobile)', 'AU', '+61412345678'],
  ['0412 345 678(mob.)', 'AU', '+61412345678'],
  ['0412 345 678 [Mobile phone]', 'AU', '+61412345678'],
  ['0412 345 678 - mobile', 'AU', '+61412345678'],
  ['0412345678 mob', 'AU', '+61412345678'],
  ['(home) 02 8888 9999', 'AU', '+61288889999'],
  ['(02) 8888 9999 (home)', 'AU', '+61288889999'],
  ['02 8888 9999 (work) ext 5', 'AU', '+61288889999'],
  ['Home (02) 8888 9999', 'AU', '+61288889999'],
  ['W: (02) 8888 9999 ext 5', 'AU', '+61288889999'],
  ['A/H 02 8888 9999', 'AU', '+61288889999'],
  ['fax 02 8888 9999', 'AU', '+61288889999'],
  ['Work 1300 123 456', 'AU', '+611300123456'],
  ['mob 021 123 4567', 'NZ', '+64211234567'],
  ['order 0412345678', 'AU', null],
  ['reference 0412345678', 'AU', null],
  ['ABN 61 412 345 678', 'AU', null],
  ['m0412345678', 'AU', null],
  ['homely 0412345678', 'AU', null],
  ['0412345678 homeloans', 'AU', null],
  ['0412345678 (Mary)', 'AU', null],
  ['mobile 12', 'AU', null],
  ['home', 'AU', null],
  ['reception: 12', 'AU', null],
  ['+61000000000', 'AU', null],
  ['+61 0000 00000', 'AU', null],
  ['+64000000000', 'AU', null],
  ['+10000000000', 'AU', null],
  ['+61111111111', 'AU', null],
  [`${'0'.repeat(300)}412345678`, 'AU', null],
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

const typedOnAKeypad = [
  '266696687',
  '7748283',
  '8656696',
  '94844353',
  '7378742833',
  '2562533',
  '86282452253',
];
for (const region of ['AU', 'NZ'] as const)
  for (const text of [
    ...typedOnAKeypad,
    '+266696687',
    '+86282452253',
    '266 696 687',
    '+61000000000',
    '+61 000 000 000',
    '61000000000',
    '+64000000000',
    '0000000000',
    '+61111111111',
    '9999999999',
    'sip:anonymous@192.168.100.200',
    '"Anonymous" <sip:Anonymous@anonymous.invalid>',
    '００００００００００',
    'sip:266696687@10.11.12.13',
  ])
    phone(`${text} is a withheld number in ${region}`, () =>
      assert.ok(isWithheld(text, region, withheldWords)),
    );

phone('words of your own are known when they are typed on a keypad, too', () => {
  assert.not(isWithheld('6626394373', 'AU', withheldWords));
  assert.ok(isWithheld('6626394373', 'AU', ['nobody here']));
});

phone('a number that is written whole is none, whatever word its digits are', () => {
  for (const text of ['0266696687', '+61266696687', '61266696687', '(02) 6669 6687', '+61 2 6669 6687'])
    assert.not(isWithheld(text, 'AU', withheldWords), text);
  assert.not(isWithheld('09 484 4353', 'NZ', withheldWords));
  assert.not(isWithheld('(737) 874-2833', 'US', withheldWords));
  assert.not(isWithheld('+6622553743', 'AU', withheldWords), 'a number of Bangkok');
});

phone('no number of any country is taken for a withheld one, in whatever form it is written', () => {
  for (const country of getCountries()) {
    const example = getExampleNumber(country, examples);
    if (!example?.isValid()) continue;
    const { number } = example;
    const abroad = [number, example.formatInternational(), `sip:${number}@pbx.example`, example.getURI()];
    const written: [text: string, region: Region][] = [
      [example.formatNational(), country],
      ...(['AU', 'NZ', country] as const).flatMap((region) =>
        abroad.map((text): [string, Region] => [text, region]),
      ),
    ];
    for (const [text, region] of written) {
      assert.not(isWithheld(text, region, withheldWords), `${text} in ${region}`);
      assert.is(parsePhone(text, region).number, number, `${text} in ${region}`);
    }
  }
});

const digitsOrMarks = fc
  .string({ unit: fc.constantFrom(...'0123456789', ' ', '-', '.', '(', ')'), minLength: 6, maxLength: 20 })
  .map((rest) => `0${rest}1`);
const ofNumbers = ['Tel.', 'mob', 'Ph:', 'PHONE', 'call', '(home)', '[W]', 'M', 'Work ph.', 'a/h'];
const ofOthers = ['order', 'ref', 'ABN', 'unit', 'id', 'ticket', 'telly', 'phoney', 'notice', 'homes', 'x'];

phone('a word that says which number it is makes none of what is none, and another word none at all', () => {
  fc.assert(
    fc.property(
      fc.oneof(digitsOrMarks, fc.constantFrom('0412 345 678', '(02) 8888 9999', '1300 123 456')),
      fc.constantFrom(...ofNumbers),
      fc.constantFrom(...ofOthers),
      (text, word, other) => {
        const { number } = parsePhone(text, 'AU');
        assert.is(parsePhone(`${word} ${text}`, 'AU').number, number);
        assert.is(parsePhone(`${text} (${word.replace(/[[\]()]/g, '')})`, 'AU').number, number);
        assert.is(parsePhone(`${other} ${text}`, 'AU').number, null);
        assert.is(parsePhone(`${text} ${other}y`, 'AU').number, null);
      },
    ),
    { numRuns: 2_000 },
  );
});

phone('a word beside a few digits is still a word that somebody sent', () => {
  for (const text of ['mobile 12', 'call desk 3', 'Office'])
    assert.ok(isOtherWord(text, withheldWords), text);
});

phone('texts of nothing but such words take no longer than others', () => {
  for (const part of ['ph', 'mob ', 'm ', 'p.h.', 'no ', 'tel tel. '])
    for (const text of [part.repeat(100), `${part.repeat(60)}0412345678`, `0412345678${part.repeat(60)}`])
      assert.is(parsePhone(text.slice(0, 250), 'AU').number, null, text);
});

phone('numbers of Australia and New Zealand are numbers, as they are dialled and as they are shown', () => {
  const digits = (least: number, most = least) =>
    fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: least, maxLength: most });
  const dialled = fc.oneof(
    digits(8).map((rest): [string, Region] => [`04${rest}`, 'AU']),
    fc
      .tuple(fc.constantFrom('2', '3', '7', '8'), digits(8))
      .map(([area, rest]): [string, Region] => [`0${area}${rest}`, 'AU']),
    digits(6).map((rest): [string, Region] => [`1300${rest}`, 'AU']),
    digits(6).map((rest): [string, Region] => [`1800${rest}`, 'AU']),
    digits(4).map((rest): [string, Region] => [`13${rest}`, 'AU']),
    digits(7, 8).map((rest): [string, Region] => [`021${rest}`, 'NZ']),
    fc
      .tuple(fc.constantFrom('3', '4', '6', '7', '9'), digits(7))
      .map(([area, rest]): [string, Region] => [`0${area}${rest}`, 'NZ']),
    digits(6).map((rest): [string, Region] => [`0800${rest}`, 'NZ']),
  );
  fc.assert(
    fc.property(dialled, ([text, region]) => {
      const known = parsePhoneNumberFromString(text, region);
      fc.pre(known?.isValid() === true);
      for (const form of [
        text,
        known!.number,
        known!.number.slice(1),
        known!.formatNational(),
        known!.formatInternational(),
      ]) {
        assert.not(isWithheld(form, region, withheldWords), form);
        assert.is(parsePhone(form, region).number, known!.number, form);
      }
    }),
    { numRuns: 2_000 },
  );
});

phone.run();
