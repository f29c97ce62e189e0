import { finderOf } from '../../src/call/find-number.ts';
import { assert, suite } from '../support/suite.ts';

const find = suite('finding a number in a text');

const holds = finderOf('+61412345678');

for (const written of [
  '+61412345678',
  '61412345678',
  '0061412345678',
  '0011 61 412 345 678',
  '+61 (0)412 345 678',
  '0412345678',
  '0412 345 678',
  '0412.345.678',
  '(0412) 345-678',
  '412345678',
  '4 12 34 56 78',
  '0412\u00a0345\u00a0678',
  '0412\u2013345\u2013678',
  '０４１２ ３４５ ６７８',
  '%2B61412345678',
  '%2B61+412+345+678',
  '%2B61%20412%20345%20678',
  '0412\\u00a0345\\u00a0678',
  '0412\\t345\\t678',
  '0412\\/345\\/678',
  '0412&#160;345&#xA0;678',
  '0412&nbsp;345&nbsp;678',
  '&#48;412345678',
  '%252B61%2520412%2520345%2520678',
  '%5Cu0030412%20345678',
  '02 9898 9898 / 0412 345 678',
  '0412 345 678 0412 345 679',
  '0412,345,678',
  '0412\u2022345\u00b7678',
  '0298989898,0412345678,5',
])
  find(`finds it as ${written}`, () => {
    for (const text of [
      written,
      `{"PLA_Caller_Phone_Number":"${written}"}`,
      `ring ${written}, please`,
      `x=${written}&y=7`,
    ])
      assert.ok(holds(text), text);
  });

for (const written of [
  '+61412345679',
  '0412345',
  '04123456789',
  '10412345678',
  '+64412345678',
  '+64 412 345 678',
  '5132271572',
  '00000412345678',
  '',
])
  find(`takes ${written} for another`, () => assert.not(holds(`ring ${written}, please`)));

find('a short national number is found, too', () => {
  assert.ok(finderOf('+6421123456')('021 123 456'));
  assert.not(finderOf('+6421123456')('021 123 4567'));
  assert.ok(finderOf('+611300975707')('1300 975 707'));
});

find('long texts of digits are passed through in one go', () => {
  for (const part of [
    '1',
    '0',
    '412345678',
    '41234567',
    '1 ',
    '(',
    '%3',
    '%30',
    '\\u0030',
    '+61 ',
    '&#48;',
    '&#',
    '%2525',
    '&nbsp;',
    '\\/',
  ])
    assert.type(holds(part.repeat(100_000)), 'boolean', part);
});

find.run();
