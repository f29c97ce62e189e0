import { readFile } from 'node:fs/promises';
import { differencesOf } from '../../src/cli/differences.ts';
import { assert, suite } from '../support/suite.ts';
import { load, problemsOf, withConfig } from './with-config.ts';

const tests = suite('tests of mappings');

const crm = `connectors: { box: { type: sandbox, followUp: {}, sale: { when: "call.survey.outcome == 'Sale'", stage: won } } }
sources: { acme: {}, other: {} }
routes: [{ source: acme, when: call.missed, to: [box] }]
`;
const pushes = `
      - { PLA_Caller_Phone_Number: 0412 345 678, PLA_Dealer_Name: Sydney }
      - { PLA_CallResult: Busy, PLA_Duration: 5s }`;

/** What a test of these expectations tells: `path: what, expected / got`. */
async function told(expectations: string, more = '', choice = {}): Promise<string[]> {
  const { settings } = await load(
    `${crm}tests:\n  - name: one\n    at: 2026-11-02T14:15:00+11:00\n    pushes: ${pushes}\n${more}${expectations.replace(/^/gm, '    ')}`,
  );
  const differences = differencesOf(settings, settings.tests[0]!, choice);
  return (differences ?? [{ path: [], what: 'nothing', expected: '', got: '' }]).map(
    ({ path, what, expected, got }) => `${path.join('.')}: ${what}, ${expected} / ${got}`,
  );
}

tests(
  'what is as expected has no difference: texts, numbers, booleans, times, parts, and what is not there',
  async () => {
    const expectations = `to: [box]
call: { missed: true, durationSeconds: 5, startedAt: 2026-11-02T03:15:00Z, survey.outcome: null, fields.PLA_CallResult: Busy }
records:
  box:
    person: { lastname: 0412 345 678, phone: "+61412345678", city: null, delacon_caller: "+61412345678" }
    activity: { durationSeconds: "5", missed: true, title: { contains: Sydney } }
    followUp: { dueAt: 2026-11-02T18:15:05+11:00 }
    sale: none`;
    assert.equal(await told(expectations), []);
  },
);

tests('each difference has the path of its expectation, what was expected and what came', async () => {
  const expectations = `to: []
call: { missed: false }
records:
  box:
    person: none
    activity: { result: answered, resullt: busy, dealer: null, title: { contains: Perth } }
    followUp: { dueAt: 2026-11-02T18:15:06+11:00 }
    sale: { amount: 5 }`;
  assert.equal(await told(expectations), [
    'call.missed: call.missed, false / true',
    'to: goes to, nobody / box (config/bridge.yaml:3:10: call.missed is true)',
    'records.box.person: box, person, none / a contact, with firstname: Caller',
    'records.box.activity.result: box, activity, result, answered / busy',
    'records.box.activity.resullt: box, activity, resullt, busy / (nothing); the call has title, status, startedAt, endedAt, from, dealer, result, missed, durationSeconds, converted, delacon_call_id',
    'records.box.activity.dealer: box, activity, dealer, (nothing) / Sydney',
    'records.box.activity.title: box, activity, title, … Perth … / Missed call from 0412 345 678 to Sydney',
    'records.box.followUp.dueAt: box, followUp, dueAt, 2026-11-02T18:15:06+11:00 / 2026-11-02T07:15:05.000Z',
    'records.box.sale: box, sale, a record / none',
  ]);
});

tests('records of a connector that does not get the call are a difference, with the reason', async () => {
  assert.equal(await told('records: { box: { sale: none } }', '    source: other\n'), [
    'records.box: box, that it gets the call / not sent to it: no route is for its source',
  ]);
});

tests('of one connector, the rest is left aside', async () => {
  const expectations = 'to: []\ncall: { missed: false }\nrecords: { box: { sale: none } }';
  assert.equal(await told(expectations, '', { connector: 'box' }), [
    'to: goes to, nobody / box (config/bridge.yaml:3:10: call.missed is true)',
  ]);
  assert.equal(await told('call: { missed: false }', '', { connector: 'box' }), [': nothing,  / ']);
});

tests('a call whose end did not come', async () => {
  const { settings } = await load(
    `${crm}tests: [{ name: one, lapsed: true, pushes: [{ PLA_Caller_Phone_Number: 0412 345 678 }], call: { phase: lapsed } }]`,
  );
  assert.equal(differencesOf(settings, settings.tests[0]!, {}), []);
});

tests('mistakes are found before anything runs, each at its place', async () => {
  const yaml = `${crm}tests:
  - name: nothing expected
    pushes: [{ PLA_CallResult: Busy }]
  - sourc: acme
    source: acm
    at: yesterday
    pushes: [nofile.json, { PLA_Call_Id: "2", PLA_CID: 3 }, { PLA_Call_Id: "4" }]
    call: { misssed: true, call.missed: true }
    to: [bx]
    records: { boxx: { persn: none, person: nobody } }
`;
  assert.is(
    await problemsOf(yaml),
    `5:5 tests[0]: expects nothing. Give it call, to or records.
7:5 tests[1].name: is missing. What is tested, in words.
7:5 tests[1].sourc: unknown setting. Did you mean "source"?
8:13 tests[1].source: there is no source "acm". Did you mean "acme"?
9:9 tests[1].at: must be a time, such as 2026-11-02T14:15:00+11:00.
10:56 tests[1].pushes[1].PLA_CID: must be text. Put it in quotes.
11:13 tests[1].call.misssed: no call has the name "misssed". Did you mean "missed"?
11:28 tests[1].call["call.missed"]: no call has the name "call.missed". Leave "call." out.
12:10 tests[1].to[0]: there is no connector "bx". Known: box.
13:16 tests[1].records.boxx: there is no connector "boxx". Did you mean "box"?
13:24 tests[1].records.boxx.persn: unknown setting. Did you mean "person"?
13:45 tests[1].records.boxx.person: must be none, or a group of properties ("name: value", one a line).`,
  );
});

tests('pushes that cannot be read, and pushes of several calls', async () => {
  const test = (list: string) => `${crm}tests: [{ name: one, to: [], pushes: ${list} }]`;
  assert.is(
    await problemsOf(test('[nofile.json]')),
    '4:39 tests[0].pushes[0]: nofile.json cannot be read: there is no such file. A file is relative to the one that names it.',
  );
  assert.is(
    await problemsOf(test('[{ PLA_Call_Id: "2" }, { PLA_Call_Id: "4" }]')),
    '4:30 tests[0].pushes: are of several calls (2, 4). Make it a test for each.',
  );
});

tests(
  'of a record without what is expected, names like it are told, and otherwise a number of all',
  async () => {
    const { settings } =
      await load(`${crm.replace('type: sandbox', 'type: webhook, url: "https://a.example", secrets: [whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0]').replace(/, followUp.*/, ' } }')}tests:
  - name: one
    pushes: [{ PLA_Caller_Phone_Number: 0412 345 678, PLA_CallResult: Busy }]
    records: { box: { activity: { missed: true, colour: red } } }`);
    const told = differencesOf(settings, settings.tests[0]!, {})?.map(({ got }) => got) ?? [];
    assert.is(told[0], '(nothing); the webhook has data.call.missed');
    assert.match(told[1] ?? '', /^\(nothing\); the webhook has type, timestamp, .*, \S+ and \d+ more$/);
  },
);

tests('a test without a source is of the first in its own file', () =>
  withConfig(
    {
      'config/bridge.yaml': 'include: [clients/*.yaml]',
      ...Object.fromEntries(
        ['acme', 'beta'].map((name) => [
          `config/clients/${name}.yaml`,
          `sources: { ${name}: {} }\nconnectors: { ${name}-crm: { type: sandbox } }\ntests: [{ name: ${name}, pushes: [{ PLA_CallResult: Busy }], to: [${name}-crm] }]`,
        ]),
      ),
    },
    async ({ load }) => {
      const { settings } = await load();
      assert.equal(
        settings.tests.map(({ name, source }) => [name, source]),
        [
          ['acme', 'acme'],
          ['beta', 'beta'],
        ],
      );
      assert.equal(
        settings.tests.map((test) => differencesOf(settings, test, {})),
        [[], []],
      );
    },
  ),
);

const one = (name: string) => `{ name: ${name}, to: [], pushes: [pushes/end.txt] }`;

tests('tests come from files that the list names, from included ones, and from those named instead', () =>
  withConfig(
    {
      'config/bridge.yaml': `${crm}include: [clients/*.yaml]\ntests: [${one('here')}, tests/*.yaml]\n`,
      'config/pushes/end.txt': 'PLA_Call_Id=7&PLA_CallResult=Answered',
      'config/clients/acme.yaml': `tests: [${one('included')}]`,
      'config/clients/pushes/end.txt': '{"PLA_Call_Id":"8"}\n\n{"PLA_Call_Id":"8","PLA_CallResult":"Busy"}',
      'config/tests/a.yaml': `tests: [${one('named')}]`,
      'config/tests/pushes/end.txt': '{"PLA_Call_Id":"9"}',
      'other.yaml': `tests: [{ name: instead, to: [nobody], pushes: [{}] }]`,
    },
    async ({ load, path, write, problems }) => {
      const { settings, placeOf, files } = await load();
      assert.equal(
        settings.tests.map(({ name, callId, pushes }) => [name, callId, pushes.length]),
        [
          ['here', '7', 1],
          ['named', '9', 1],
          ['included', '8', 2],
        ],
      );
      assert.is(placeOf(['tests', 1, 'name']), 'config/tests/a.yaml:1:17');
      assert.ok(files.some((file) => file.endsWith('tests/a.yaml')));

      const { loadConfig } = await import('../../src/config/load.ts');
      const instead = await loadConfig(undefined, { env: {}, cwd: path, testFiles: ['other.yaml'] }).catch(
        (thrown: Error) => thrown.message,
      );
      assert.is(instead, 'other.yaml:1:31  tests[0].to[0]: there is no connector "nobody". Known: box.');
      await write('config/tests/b.yaml', 'routes: []\ntests: 5\n');
      assert.is(
        await problems(),
        `config/tests/b.yaml:1:1  routes: a file of tests holds tests only, in a list under "tests:".
config/tests/b.yaml:2:8  tests: must be a list: write it in [ ].`,
      );
    },
  ),
);

tests('the built-in test and the one of example.yaml pass', async () => {
  const example = await readFile(new URL('../../config/example.yaml', import.meta.url), 'utf8');
  const env = {
    ACME_PUSH_TOKEN: '0a1b2c3d4e5f6a7b8c9d',
    OPERATOR_TOKEN: 'an-operator-token-of-acme',
    HUBSPOT_TOKEN: 'pat-ap1-example',
  };
  for (const { settings } of [await load({}), await load(example, env)]) {
    assert.is(settings.tests.length, 1);
    assert.equal(differencesOf(settings, settings.tests[0]!, {}), []);
  }
});

tests.run();
