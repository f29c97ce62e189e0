import { type Field, fit } from '../../src/crm/index.ts';
import { assert, suite } from '../support/suite.ts';

const fitting = suite('fitting values to fields');

const options = [
  { value: 'trade', label: 'Trade customer' },
  { value: 'home', label: 'Home owner' },
];
const text: Field = { kind: 'text', length: 40 };
const number: Field = { kind: 'number' };
const whole: Field = { kind: 'number', digits: 4, isWhole: true };
const boolean: Field = { kind: 'boolean' };
const option: Field = { kind: 'option', options };
const several: Field = { kind: 'option', options, takesSeveral: true };
const open: Field = { kind: 'option', options, takesOthers: true, length: 5 };
const instantField: Field = { kind: 'instant' };
const date: Field = { kind: 'date' };
const email: Field = { kind: 'email' };

const instant = new Date('2026-11-02T15:30:00.000Z'); // the next day in Sydney

const fits: [Field, string | number | boolean | Date, string | null][] = [
  [text, 'as it is', 'as it is'],
  [text, 12.5, '12.5'],
  [text, instant, '2026-11-02T15:30:00.000Z'],
  [text, 'half \ud83d', 'half \ufffd'],
  [option, 'trade', 'trade'],
  [option, 'TRADE', 'trade'],
  [option, ' home Owner', 'home'],
  [option, 'builder', null],
  [option, 'trade;home', null],
  [{ kind: 'option', options: [] }, 'trade', null],
  [{ kind: 'option' }, 'kept elsewhere', 'kept elsewhere'],
  [several, 'Trade customer;home', 'trade;home'],
  [several, ';home', ';home'],
  [several, 'home;builder', null],
  [open, 'home owner', 'home'],
  [open, 'roofs', 'roofs'],
  [boolean, true, 'true'],
  [boolean, 'No', 'false'],
  [boolean, 'yes', 'true'],
  [boolean, 1, 'true'],
  [boolean, 'maybe', null],
  [number, 0.1, '0.1'],
  [number, 1e-7, '0.0000001'],
  [number, '$1,250.00', '1250'],
  [number, 'US$1,250.50', '1250.5'],
  [number, '-3.50', '-3.50'],
  [number, '12345678901234567890', '12345678901234567890'],
  [number, true, '1'],
  [number, instant, '1793633400000'],
  [number, '1,5', null], // fifteen, or one and a half
  [number, 'abc', null],
  [number, Number.NaN, null],
  [whole, '9998.6', '9999'],
  [whole, '9999.6', null],
  [instantField, instant, '2026-11-02T15:30:00.000Z'],
  [instantField, '2026-11-02T15:30:00+11:00', '2026-11-02T04:30:00.000Z'],
  [instantField, '1793633400000', '2026-11-02T15:30:00.000Z'],
  [instantField, '2026-11-02 15:30', null],
  [instantField, 'yesterday', null],
  [date, instant, '2026-11-03'],
  [date, '2026-11-02', '2026-11-02'],
  [date, 'soon', null],
  [date, '2028-02-29', '2028-02-29'],
  [date, '2026-02-29', null],
  [date, '2026-02-30', null], // runtimes take it for 2 March
  [date, '2026-02-30T10:00:00Z', null],
  [instantField, '2026-02-30T10:00:00Z', null],
  [email, 'jane@acme.example', 'jane@acme.example'],
  [email, 'jane', null],
];
for (const [field, value, expected] of fits) {
  const shown = value instanceof Date ? 'an instant' : JSON.stringify(value);
  const { kind: _, options: known, ...more } = field;
  const form = JSON.stringify({ ...more, ...(known ? { options: known.length } : {}) });
  fitting(`${field.kind} ${form}: ${shown}`, () => {
    const fitted = fit('x', value, field, 'Australia/Sydney');
    assert.is(fitted.text, expected);
    assert.is(fitted.note?.startsWith('x was left out: ') ?? false, expected === null, fitted.note);
  });
}

fitting('what was changed on the way is told, and what was left out is shown', () => {
  const noteOf = (value: string, field: Field) => fit('x', value, field, 'UTC').note;
  assert.is(noteOf('a'.repeat(41), text), 'x was cut to 40 characters.');
  assert.is(
    noteOf('builder', option),
    'x was left out: "builder" is not one of its options: Trade customer (trade), Home owner (home).',
  );
  assert.is(noteOf('about 50', number), 'x was left out: "about 50" is not a number.');
  assert.is(noteOf('12345', whole), 'x was left out: "12345" has more than 4 digits.');
  assert.is(noteOf('roofs and gutters', open), 'x was cut to 5 characters.');
});

fitting.run();
