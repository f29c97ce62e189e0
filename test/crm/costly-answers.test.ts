import { pageText } from '../../src/crm/failure.ts';
import { asJson } from '../../src/crm/requests.ts';
import { assert, suite } from '../support/suite.ts';

/**
 * Answers are bounded in bytes, but what is made of them was not: 16 MB of brackets took a gigabyte, and 100 kB of `<`
 * half a minute, in which no push was answered.
 */
const costly = suite('answers that cost more than their bytes');

const many = 1_100_000;

for (const [what, text] of [
  ['nested deeply', `${'['.repeat(many)}${']'.repeat(many)}`],
  ['many', `[${'{},'.repeat(many)}{}]`],
  ['numbers', `[${'0,'.repeat(many)}0]`],
] as const)
  costly(`values beyond all measure are not read: ${what}`, () => {
    assert.is(typeof asJson(text), 'string');
  });

costly('the largest answer in good faith is read', () => {
  const text = 'a text, with commas; '.repeat(40);
  const fields = Array.from({ length: 10_000 }, (_, n) => ({ name: `f${n}`, text, options: [1, 2, 3] }));
  assert.equal(asJson(JSON.stringify(fields)), fields);
});

costly('the time for the words of a page grows with the page, and its beginning is enough', () => {
  for (const page of ['<', '< ', '<title>', '<title ', '<p', '\t\n'])
    assert.ok(pageText(page.repeat(2_000_000)).length <= 200);
  assert.is(pageText(`<html><head><title>Bad\n gateway</title>${'<p'.repeat(2_000_000)}`), 'Bad gateway');
  assert.is(pageText('<h1>Sorry</h1> <p class="x">Come back later'), 'Sorry Come back later');
});

costly.run();
