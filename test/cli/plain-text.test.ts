import { plainText } from '../../src/cli/plain-text.ts';
import { table } from '../../src/cli/tables.ts';
import { assert, suite } from '../support/suite.ts';

const plain = suite('what commands show');

plain('a text from outside is shown, and cannot steer the terminal', () => {
  assert.is(
    plainText('\u001b]0;title\u0007 \u009b2J\r\u202ename\n\tnext'),
    '\\u001b]0;title\\u0007 \\u009b2J\\u000d\\u202ename\n\tnext',
  );
  assert.is(plainText('Zoë’s Plumbing, Māngere 😀'), 'Zoë’s Plumbing, Māngere 😀');
});

plain('JSON stays what it was', () => {
  const value = { name: 'a\u007fb\u009bc\u001bd' };
  assert.equal(JSON.parse(plainText(JSON.stringify(value))), value);
});

plain('a cell of a table is one line', () => {
  assert.is(table(['dealer', 'call'], [['a\r\n\u001b[31mb', '7']]), 'dealer         call\na \\u001b[31mb  7');
});

plain.run();
