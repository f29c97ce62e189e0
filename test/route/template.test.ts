import { mapFields } from '../../src/route/map-fields.ts';
import {
  callNames,
  compileCondition,
  compileTemplate,
  holds,
  TemplateProblem,
  type Value,
} from '../../src/route/template.ts';
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

const problems: [source: string, problem: string][] = [
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

const condition = suite('condition');

const conditions: [source: string, matches: boolean][] = [
  ['call.missed', false],
  ['not call.missed', true],
  ['call.durationSeconds > 30', true],
  ['call.durationSeconds > 30 and call.result == "busy"', false],
  ['call.dealer.name == "abc" or call.missed', true],
  ['call.result contains "ans"', true],
  ['call.fields.PLA_CID == "123"', true],
  ['call.extra', false],
  ['call.extra == nil', true],
  ['call.survey.saleAmount >= 1250', true],
];
for (const [source, matches] of conditions) {
  condition(`${source} is ${matches}`, () => {
    const compiled = compileCondition(source);
    assert.is(compiled.matches(scope), matches);
    assert.is(compiled.text, source);
  });
}

const broken: [source: string, problem: string][] = [
  ['call.missed and', '"call.missed and" is not a complete condition.'],
  ['and call.missed', '"and call.missed" is not a complete condition.'],
  ['call.missed ==', '"call.missed ==" is not a complete condition.'],
  ['call.missed call.missed', '"call.missed call.missed" is not a complete condition.'],
  ['', 'invalid value expression: "".'],
  ['{{ call.missed }}', 'a condition is a bare expression: leave out the braces.'],
  ['call.missed %}{% if true', 'a condition is a bare expression: leave out the braces.'],
  ['call.result = "answered"', 'expected "|" before filter.'],
  ['call.rezult == "x"', 'no call has the name "call.rezult". Did you mean "call.result"?'],
  ['call.result == answered', 'no call has the name "answered".'],
  ['call.missed | foo', 'undefined filter: foo.'],
];
for (const [source, problem] of broken) {
  condition(`"${source}" is refused`, () => {
    assert.is(
      problemOf(() => compileCondition(source)),
      problem,
    );
  });
}

template('one that fails for a call yields nothing, and throws nothing', () => {
  assert.is(compileTemplate('{{ call.startedAt | date: "%Y", call.dealer.name }}').render(scope), null);
  assert.is(compileTemplate('In {{ call.startedAt | date: "%Y", "Nowhere/Land" }}').render(scope), null);
  assert.is(holds(compileCondition('call.missed == false'), scope), true);
});

template.run();
condition.run();
