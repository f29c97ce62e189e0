import { compileCondition } from '../../src/route/condition.ts';
import { mapFields } from '../../src/route/map-fields.ts';
import { callNames } from '../../src/route/names.ts';
import { compileTemplate, TemplateProblem, type Value } from '../../src/route/template.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';

const template = suite('template');

const { call } = deliveryOf([startPush('7', { PLA_assignee: 'Jo' }), endPush('7')]);
const scope = { call, timezone: 'Australia/Sydney' };

function problemOf(compile: () => unknown): string {
  try {
    compile();
  } catch (reason) {
    assert.instance(reason, TemplateProblem);
    return (reason as Error).message;
  }
  throw new Error('it was compiled');
}

const renders: [source: string | number | boolean, value: Value][] = [
  ['{{ call.durationSeconds }}', 50],
  ['{{- call.durationSeconds -}}', 50],
  ['{{ call.missed }}', false],
  ['{{ call.survey.saleAmount | times: 2 }}', 2500],
  ['{{ call.result == "answered" }}', true],
  ['{{ call.id }}', '7'],
  ['{{ call.extra }}', null],
  ['{{ call.durationSeconds | divided_by: 0 }}', null],
  ['{{ call.extra | default: "none" }}', 'none'],
  ['{{ call.extra | times: 1.1 | round: 2 }}', null],
  ['{{ call.extra | default: 0 | plus: 1 }}', 1],
  ['{{ call.notes }}', ''],
  ['{{ call.fields.PLA_assignee }}', 'Jo'],
  ['{{ call.fields["PLA_CID"] }}', '123'],
  ['{{ call.fields.PLA_None }}', null],
  ['{{ call.fields.__proto__ }}', null],
  ['{{ call.fields.constructor }}', null],
  [' {{ call.durationSeconds }}', ' 50'],
  ['{{ call.extra }}x', 'x'],
  ['Call {{ call.id }} at {{ call.startedAt }}', 'Call 7 at 2019-05-02T00:12:17.003Z'],
  ['{% if call.missed %}Missed{% else %}{{ call.result | capitalize }}{% endif %}', 'Answered'],
  ['{% assign who = call.caller.display %}{{ who }}', '0444 444 444'],
  ['plain text', 'plain text'],
  ['', ''],
  [5, 5],
  [true, true],
  ['{{ call.startedAt | date: "%Y-%m-%d %H:%M" }}', '2019-05-02 10:12'],
  ['at {{ call.startedAt | date: "%H:%M" }}', 'at 10:12'],
  ['{{ call.startedAt | date: "%H:%M", "Asia/Tokyo" }}', '09:12'],
];
for (const [source, value] of renders) {
  template(`${JSON.stringify(source)} gives ${JSON.stringify(value)}`, () => {
    assert.is(compileTemplate(source).render(scope), value);
  });
}

template('a single time stays a time', () => {
  const value = compileTemplate('{{ call.startedAt }}').render(scope);
  assert.instance(value, Date);
  assert.is((value as Date).getTime(), 1_556_755_937_003);
});

template("the date filter writes the source's time", () => {
  const local = compileTemplate('{{ call.startedAt | date: "%d %b %H:%M" }}');
  assert.is(local.render({ call, timezone: 'Australia/Perth' }), '02 May 08:12');
  assert.is(local.render({ call, timezone: 'Pacific/Auckland' }), '02 May 12:12');
  assert.is(local.render({ call, timezone: 'America/New_York' }), '01 May 20:12');
});

/*
 * Whoever writes a mapping has the vendor's article before them.
 */
for (const [source, value] of [
  ['{{ PLA_Keywords_Searched }}', 'abc'],
  ['{{ pla_keywords_searched }}', 'abc'],
  ['{{ PLA_Duration }}', 50],
  ['{{ PLA_SurveySaleAmount | times: 2 }}', 2500],
  ['{{ PLA_SurveySalesAmount }}', 1250],
  ['{{ PLA_VoicemailLeft }}', false],
  ['{{ PLA_Number_Dialed }}', '+61288889999'],
  ['{{ PLA_Converted }}', 'Y'],
  ['{{ PLA_CallResult }}', 'Answered'],
  ['{{ PLA_CallStartTime | date: "%H:%M" }}', '10:12'],
  ['From {{ PLA_Caller_Phone_Number }} to {{PLA_Dealer_Name}}', 'From +61444444444 to abc'],
  ['{{ PLA_ExtraTracking }}', null],
  ['{% assign PLA_mine = "x" %}{{ PLA_mine }}', 'x'],
] as const) {
  template(`${source} gives ${JSON.stringify(value)}, as the article names it`, () => {
    assert.is(compileTemplate(source).render(scope), value);
  });
}

template("a number that cannot be read is what Delacon sent, and a withheld one nobody's", () => {
  const { call } = deliveryOf([
    startPush('7', { PLA_Caller_Phone_Number: 'anonymous' }),
    endPush('7', { PLA_Answering_Point: '029898989' }),
  ]);
  const given = (source: string) => compileTemplate(source).render({ call, timezone: 'UTC' });
  assert.is(given('{{ PLA_Answering_Point }}'), '029898989');
  assert.is(given('{{ PLA_Caller_Phone_Number }}'), null);
});

for (const [source, odd] of [
  [
    'call.serviceId',
    'it writes the words "call.serviceId" and no value of the call. Did you mean {{ call.serviceId }}?',
  ],
  [
    'PLA_Keywords_Searched',
    'it writes the words "PLA_Keywords_Searched" and no value of the call. Did you mean {{ PLA_Keywords_Searched }}?',
  ],
  ['{call.id}', 'it writes the words "call.id" and no value of the call. Did you mean {{ call.id }}?'],
  [
    'dealer.name',
    'it writes the words "dealer.name" and no value of the call. Did you mean {{ call.dealer.name }}?',
  ],
  [
    '{{ call.id }} call.dealer.name',
    'it writes the words "call.dealer.name" and no value of the call. Did you mean {{ call.dealer.name }}?',
  ],
  [
    'call.startedAt | date: "%Y"',
    'it writes the words "call.startedAt" and no value of the call. Did you mean {{ call.startedAt | date: "%Y" }}?',
  ],
  [
    'call.keywords',
    'it writes the words "call.keywords" and no value of the call. Did you mean {{ call.marketing.keywords }}?',
  ],
  [
    'PLA_Keyword',
    'it writes the words "PLA_Keyword" and no value of the call. Did you mean {{ PLA_Keywords_Searched }}?',
  ],
  ['Please call.', undefined],
  ['Call back', undefined],
  ['result', undefined],
  ['https://acme.example/?from=bridge', undefined],
  ['{{ call.serviceId }}', undefined],
  ['{% if call.missed %}Missed{% endif %}', undefined],
] as const) {
  template(
    `of ${JSON.stringify(source)} is said ${odd === undefined ? 'nothing' : 'that it has no braces'}`,
    () => {
      assert.is(compileTemplate(source).odd, odd);
    },
  );
}

const problems: [source: string, problem: string][] = [
  [
    '{{ PLA_Keyword }}',
    'Delacon\'s article has no field PLA_Keyword. Did you mean "PLA_Keywords_Searched"? One that your account sends besides is call.fields.PLA_Keyword.',
  ],
  [
    '{{ PLA_Dealer_Nam }}',
    'Delacon\'s article has no field PLA_Dealer_Nam. Did you mean "PLA_Dealer_Name"? One that your account sends besides is call.fields.PLA_Dealer_Nam.',
  ],
  [
    '{{ PLA_assignee }}',
    "Delacon's article has no field PLA_assignee. One that your account sends besides is call.fields.PLA_assignee.",
  ],
  ['{{ call.PLA_CID }}', 'no call has the name "call.PLA_CID". Did you mean "PLA_CID"?'],
  ['{{ keywords }}', 'no call has the name "keywords". Did you mean "call.marketing.keywords"?'],
  [
    '{{ call.landing_page }}',
    'no call has the name "call.landing_page". Did you mean "call.marketing.landingPage"?',
  ],
  [
    '{{ call.calller.number }}',
    'no call has the name "call.calller.number". Did you mean "call.caller.number"?',
  ],
  [
    '{{ call.caller.Number }}',
    'no call has the name "call.caller.Number". Did you mean "call.caller.number"?',
  ],
  [
    '{{ call.durationSecond }}',
    'no call has the name "call.durationSecond". Did you mean "call.durationSeconds"?',
  ],
  ['{{ something.else.entirely }}', 'no call has the name "something.else.entirely".'],
  ['{{ call.startedAt.constructor }}', 'no call has the name "call.startedAt.constructor".'],
  ['{% if call.mised %}x{% endif %}', 'no call has the name "call.mised". Did you mean "call.missed"?'],
  [
    '{{ call.dealer }}',
    'call.dealer is a group, not a value. It has call.dealer.id, call.dealer.name, call.dealer.category.',
  ],
  [
    '{{ call.caller }}',
    'call.caller is a group, not a value. It has call.caller.number, call.caller.national, call.caller.display, ' +
      'call.caller.raw, call.caller.country, call.caller.withheld, ….',
  ],
  ['{{ call.fields }}', 'call.fields is a map: name a key, as in call.fields.PLA_CID.'],
  ['{{ call.id | uppercase }}', 'undefined filter: uppercase.'],
  ['{{ call.id', 'output "{{ call.id" not closed.'],
  ['{% if call.missed %}x', 'tag {% if call.missed %} not closed.'],
  ['{% include "x" %}', 'tag "include" not found.'],
  ['{% render "/etc/passwd" %}', 'tag "render" not found.'],
  ['{% layout "x" %}', 'tag "layout" not found.'],
  ['{% block a %}{% endblock %}', 'tag "block" not found.'],
  ['x'.repeat(100_001), 'parse length limit exceeded.'],
];
for (const [source, problem] of problems) {
  template(`${source.slice(0, 60)} is refused`, () => {
    assert.is(
      problemOf(() => compileTemplate(source)),
      problem,
    );
  });
}

template('every name that the design promises is known, and can be written', () => {
  for (const name of [
    ...['id', 'source', 'serviceId', 'startedAt', 'endedAt', 'phase', 'result', 'resultText', 'missed'],
    ...['durationSeconds', 'voicemail', 'survey.outcome', 'survey.saleAmount', 'ivr', 'extra', 'converted'],
    ...['recording.url', 'recording.playerUrl', 'dealer.id', 'dealer.name', 'dealer.category'],
    ...['number', 'national', 'display', 'raw', 'withheld', 'country'].map((part) => `caller.${part}`),
    ...['exchange', 'city', 'state'].map((part) => `caller.${part}`),
    ...['number', 'display', 'raw'].flatMap((part) => [`dialled.${part}`, `answeredBy.${part}`]),
    ...['engine', 'type', 'keywords', 'referrer', 'landingPage'].map((part) => `marketing.${part}`),
    ...['calledFrom', 'sessionId', 'googleClientId'].map((part) => `marketing.${part}`),
    ...['gclid', 'gbraid', 'wbraid', 'msclkid', 'fbclid'].map((part) => `marketing.${part}`),
    ...['source', 'medium', 'campaign', 'term', 'content', 'id'].map((part) => `marketing.utm.${part}`),
  ]) {
    assert.ok(callNames.has(`call.${name}`), name);
    compileTemplate(`{{ call.${name} }}`).render(scope);
  }
});

/*
 * A sale was written without its name, and so refused, because the machine had stood still for a moment just then.
 */
template('a machine that stands still for a moment takes nothing from what is rendered', () => {
  const { now } = performance;
  const stalled = <T>(render: () => T) => {
    let asked = 0;
    performance.now = () => now.call(performance) + (++asked > 1 ? 10_000 : 0);
    try {
      return render();
    } finally {
      performance.now = now;
    }
  };
  const subject = compileTemplate('Call from {{ call.caller.display }}');
  assert.is(
    stalled(() => subject.render(scope)),
    `Call from ${scope.call.caller.display}`,
  );
  const condition = compileCondition('call.caller.number');
  assert.is(
    stalled(() => condition.matches(scope)),
    true,
  );
});

template('a loop without end is stopped, and yields nothing', () => {
  assert.is(compileTemplate('{% for i in (1..100000000) %}x{% endfor %}').render(scope), null);
});

/*
 * What one render may make is counted before it is made. With ten million, a loop's range alone held the whole bridge up for a
 * second, and a text of ten million letters went into each call.
 */
for (const [what, source] of [
  ['a long range', '{% for i in (1..5000000) %}{{ i }}{% endfor %}'],
  [
    'loops in loops',
    '{% for i in (1..900) %}{% for j in (1..900) %}{% for k in (1..900) %}{% endfor %}{% endfor %}{% endfor %}',
  ],
  [
    'a text that doubles',
    '{% assign a = "x" %}{% for i in (1..60) %}{% assign a = a | append: a %}{% endfor %}{{ a }}',
  ],
  ['a table without end', '{% tablerow i in (1..900000) %}x{% endtablerow %}'],
  ['filters upon filters', `{{ call.id ${'| append: call.marketing.landingPage '.repeat(2_000)} }}`],
  ['a width without end', '{{ call.startedAt | date: "%1000000000d" }}'],
] as const) {
  template(`${what} is stopped, and yields nothing`, () => {
    assert.is(compileTemplate(source).render(scope), null);
  });
}

for (const [what, source] of [
  ['braces', '{'.repeat(50_000)],
  ['brackets', `{{ ${'('.repeat(20_000)} }}`],
  ['blocks', '{% if call.missed %}'.repeat(5_000)],
] as const) {
  template(`${what} within ${what} without end are refused`, () => {
    problemOf(() => compileTemplate(source));
  });
}

template('no text of a call is a template, whatever is in it', () => {
  const hostile = '{{ call.caller.number }}{% for i in (1..9) %}x{% endfor %}';
  const { call } = deliveryOf([startPush('7', { PLA_Dealer_Name: hostile })]);
  assert.is(compileTemplate('to {{ call.dealer.name }}').render({ call, timezone: 'UTC' }), `to ${hostile}`);
});

template('a mapping leaves out what has no value, and the blanks around what has', () => {
  const mapping = Object.fromEntries(
    Object.entries({
      z: '{{ call.id }}',
      none: '{{ call.extra }}',
      blank: '  {{ call.extra }} ',
      a: ' {{ call.result }} ',
      zero: '{{ call.durationSeconds | minus: 50 }}',
      no: '{{ call.missed }}',
      when: '{{ call.startedAt }}',
    }).map(([property, source]) => [property, compileTemplate(source)]),
  );
  const mapped = mapFields(mapping, scope);
  assert.equal(mapped, { z: '7', a: 'answered', zero: 0, no: false, when: call.startedAt });
  assert.equal(Object.keys(mapped), ['z', 'a', 'zero', 'no', 'when']);
});

template('one that fails for a call yields nothing, and throws nothing', () => {
  assert.is(compileTemplate('{{ call.startedAt | date: "%Y", call.dealer.name }}').render(scope), null);
  assert.is(compileTemplate('In {{ call.startedAt | date: "%Y", "Nowhere/Land" }}').render(scope), null);
});

template.run();
