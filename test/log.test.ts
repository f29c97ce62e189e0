import fc from 'fast-check';
import { createLog, redactor, secretHider } from '../src/log.ts';
import { assert, suite } from './support/suite.ts';

const log = suite('log');

/** What a log wrote, as text and as the JSON of each line. */
function capture(secrets: string[], use: (log: ReturnType<typeof createLog>) => void) {
  const written: string[] = [];
  use(createLog('info', secrets, { write: (line) => void written.push(line) }));
  const text = written.join('');
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { text, lines };
}

log('lines are JSON with time, level, message and what they are about', () => {
  const { lines } = capture([], (log) => {
    log.info({ call: '1122334', connector: 'crm', attempt: 2, tookMs: 250 }, 'Call delivered.');
    log.debug('not written');
    log.child({ connector: 'other' }).error('Broken.');
  });
  const [{ time, ...first } = {}, { time: _, ...second } = {}] = lines;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(first, {
    level: 'info',
    call: '1122334',
    connector: 'crm',
    attempt: 2,
    tookMs: 250,
    msg: 'Call delivered.',
  });
  assert.equal(second, { level: 'error', connector: 'other', msg: 'Broken.' });
  assert.is(lines.length, 2);
});

const masked: [text: string, shown: string][] = [
  ['+61444444444', '+6144***444'],
  ['caller 0444 444 444 rang', 'caller 044***444 rang'],
  ['(02) 8888 9999', '028***999'],
  ['61444444444', '6144***444'],
  ['+64 21 123 456', '+642***456'],
  ['0011 44 20 7946 0958', '0011***958'],
  ['"phone":"+61444444444"', '"phone":"+6144***444"'],
  ['phone=%2B61444444444&x=1', 'phone=%2B6144***444&x=1'],
  ['q=%200444444444', 'q=%20044***444'],
  ['line\\n0444444444', 'line\\n044***444'],
  ['0444444444, 0444444445', '044***444, 044***445'],
  ['tel:+61444444444.', 'tel:+6144***444.'],
];
for (const [text, shown] of masked) {
  log(`masks ${text}`, () => assert.is(redactor([])(text), shown));
}

for (const text of [
  '2026-11-02T03:15:00.123Z',
  '2026-05-06 07:08:09',
  'PLA_CallStartTime 00000001556755937003',
  'call 1122334',
  'call 12345678901234567890',
  '00Q5g00000412345AAA',
  '0033000000AbCdEAA0',
  'g00000412345678',
  '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
  '127.0.0.1:8080',
  'took 0.123456789 s',
  'batch of 100, 61 calls',
  'HTTP 503',
]) {
  log(`leaves ${text} as it is`, () => assert.is(redactor([])(text), text));
}

log('no secret is written, wherever it stands and however it is written', () => {
  const secrets = ['pat-au-1234', 'pat-au-1234-longer', 'with "quotes" and \\', 'a/b c+d', 'abc'];
  const { text, lines } = capture(secrets, (log) => {
    log.info({ token: 'pat-au-1234', list: ['x pat-au-1234-longer y'] }, 'with "quotes" and \\');
    log.warn({ url: `https://crm.example/?key=${encodeURIComponent('a/b c+d')}` }, 'Bearer pat-au-1234');
    log.error({ err: new Error('refused a/b c+d') }, 'abc');
  });
  for (const part of ['pat-au', 'longer', 'quotes', 'a%2Fb', 'a/b']) assert.not(text.includes(part), part);
  assert.equal(
    [lines[0]!['token'], lines[0]!['list'], lines[0]!['msg']],
    ['[secret]', ['x [secret] y'], '[secret]'],
  );
  assert.is(lines[1]!['url'], 'https://crm.example/?key=[secret]');
  assert.is(lines[2]!['msg'], 'abc', 'what is shorter than four letters would hide half the log');
});

log('of many secrets none is left, whole or in part, alone or over another, in whatever form', () => {
  const letters = fc.string({
    unit: fc.constantFrom('a', 'b', '-', '"', '\\', '/', ' ', 'é', '\ud83d'),
    minLength: 4,
    maxLength: 9,
  });
  const spelled = [
    (secret: string) => secret,
    (secret: string) => JSON.stringify(secret).slice(1, -1),
    (secret: string) => JSON.stringify(JSON.stringify(secret)).slice(3, -3),
    (secret: string) => encodeURIComponent(secret.toWellFormed()),
    (secret: string) => new URLSearchParams({ a: secret }).toString().slice(2),
  ];
  fc.assert(
    fc.property(
      fc.array(letters, { minLength: 1, maxLength: 40 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(4), fc.constantFrom('', 'x', 'a', '[secret]')), { maxLength: 8 }),
      (secrets, parts) => {
        const all = parts.map(([n, form, before]) => {
          const secret = secrets[n % secrets.length]!;
          return { before, text: spelled[form]!(secret) };
        });
        const line = all.map(({ before, text }) => before + text).join('');
        const shown = secretHider(secrets)(line);
        const left = shown.split('[secret]');
        for (const secret of secrets)
          for (const form of spelled)
            for (const part of left) assert.not(part.includes(form(secret)), `${form(secret)} in ${shown}`);
        // What is no secret's stays, and every secret that was put in is gone.
        assert.ok(left.length > 1 || all.length === 0);
        assert.ok(shown.replaceAll('[secret]', '').length <= all.map(({ before }) => before).join('').length);
      },
    ),
    { numRuns: 500 },
  );
});

log('secrets that overlap are hidden whole, and what stands between is kept', () => {
  const hide = secretHider(['abcd', 'cdefgh', 'cdefgh-and-more', 'push-1', 'push-12', 'push-2']);
  assert.is(hide('xabcdefghy'), 'x[secret]y');
  assert.is(hide('push-1 push-12 push-123 push-2 push-3'), '[secret] [secret] [secret]3 [secret] push-3');
  assert.is(hide('cdefgh-and-mor'), '[secret]-and-mor');
  assert.is(hide('abc'), 'abc');
});

log('a line stays JSON, whatever is masked in it', () => {
  const { lines } = capture(['s3cr3t"\\'], (log) => {
    log.info(
      { number: 61444444444, nested: { number: 61444444444 }, body: '{"phone":61444444444}' },
      's3cr3t"\\',
    );
    log.info({ text: 'a\n0444444444\t0444444444"0444444444\\0444444444' }, '+61444444444');
    log.error({ err: new Error('Number +61 444 444 444 was refused') }, 'Failed.');
  });
  assert.equal(lines[0]!['number'], '6144***444');
  assert.equal(lines[0]!['nested'], { number: '6144***444' });
  assert.is(lines[0]!['body'], '{"phone":6144***444}');
  assert.is(lines[0]!['msg'], '[secret]');
  assert.is(lines[1]!['text'], 'a\n044***444\t044***444"044***444\\044***444');
  assert.is(lines[1]!['msg'], '+6144***444');
  assert.is((lines[2]!['err'] as Error).message, 'Number +6144***444 was refused');
});

log('a text from outside cannot steer the terminal or make a line of its own', () => {
  const hostile = 'a\u001b[2Jb\u009b31mc\rd\ne\u202ef\u007fg\bh';
  const { text, lines } = capture([], (log) => log.info({ name: hostile, literal: '\\u001b' }, hostile));
  assert.is(lines.length, 1);
  assert.equal([lines[0]!['name'], lines[0]!['literal']], ['a?[2Jb?31mc?d\ne?f?g?h', '\\u001b']);
  assert.is(lines[0]!['msg'], lines[0]!['name']);
  assert.is(text.split('\n').length, 2);
});

log('a long line of digits and blanks is passed through in one go', () => {
  const text = '0 '.repeat(100_000);
  assert.ok(redactor([])(text).length > 0);
});

log.run();
