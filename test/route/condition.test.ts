import { compileCondition, holds } from '../../src/route/condition.ts';
import { TemplateProblem } from '../../src/route/template.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';

const condition = suite('condition');

const { call } = deliveryOf([startPush('7'), endPush('7')]);
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
  ['call.missed == false', true],

  // Texts, as people mean them.
  ['call.dealer.name == "ABC"', true],
  ['call.dealer.name != "ABC"', false],
  ['call.dealer.name contains "B"', true],
  ['call.result == "Answered"', true],
  ['call.result | exactly: "Answered"', false],
  ['call.result | exactly: "answered"', true],
  ['call.extra == ""', true],
  ['call.extra != ""', false],
  ['call.extra contains ""', false],
  ['call.serviceId == 123', true],
  ['call.serviceId == "0123"', false],
  ['call.durationSeconds == "50"', true],
  ['call.durationSeconds > "30"', true],
  ['call.voicemail == "No"', true],
  ['PLA_VoicemailLeft == "Yes"', false],
  ['PLA_Converted == "y"', true],
  ['pla_cid == "123" and PLA_Duration >= 50', true],
  ['call.answeredBy.number == "02 9898 9898"', true],
  ['call.answeredBy.number == "+61 2 9898 9898"', true],
  ['PLA_Answering_Point == "(02) 9898 9899"', false],

  // Nothing is neither more nor less than anything.
  ['call.extra < 5', false],
  ['call.extra >= 0', false],

  // Times, in the time zone of the source: it is 10:12 there.
  ['call.startedAt > "2019-01-01"', true],
  ['call.startedAt < "2019-01-01"', false],
  ['call.startedAt >= "2019-05-02 10:12"', true],
  ['call.startedAt > "2019-05-02 10:13"', false],
  ['call.startedAt == "2019-05-02"', true],
  ['call.startedAt == "2019-05-01"', false],
  ['call.startedAt < "2019-05-02T00:13:00Z"', true],
  ['"2019-05-02" <= PLA_CallStartTime', true],
  ['call.startedAt < call.endedAt', true],

  ['(call.missed or call.result == "answered") and call.durationSeconds > 5', true],
  ['call.missed and (call.result == "answered" or call.durationSeconds > 5)', false],
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
  ['call.rezult == "x"', 'no call has the name "call.rezult". Did you mean "call.result"?'],
  ['(call.missed or call.rezult)', 'no call has the name "call.rezult". Did you mean "call.result"?'],
  ['call.result == answered', 'no call has the name "answered". A text stands in quotes: \'answered\'.'],
  [
    'missed and call.voicemail',
    'no call has the name "missed". Did you mean "call.missed"? A text stands in quotes: \'missed\'.',
  ],
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

for (const [written, right] of [
  ["call.result = 'answered'", "call.result == 'answered'"],
  ["call.result === 'a=b'", "call.result == 'a=b'"],
  ["call.result !== 'a'", "call.result != 'a'"],
  ["call.result <> 'a'", "call.result != 'a'"],
  ['call.durationSeconds => 5', 'call.durationSeconds >= 5'],
  ["call.missed && call.result == 'a && b'", "call.missed and call.result == 'a && b'"],
  ['call.missed||call.voicemail', 'call.missed or call.voicemail'],
  ['!call.missed', 'not call.missed'],
  ['! call.missed && !(call.voicemail)', 'not call.missed and not (call.voicemail)'],
  ['call.missed AND NOT call.voicemail', 'call.missed and not call.voicemail'],
  ["call.result is 'answered'", "call.result == 'answered'"],
  ["call.result is not 'answered'", "call.result != 'answered'"],
  ['call.result == ‘answered’', "call.result == 'answered'"],
  ['PLA_Search_Type = paid', "PLA_Search_Type == 'paid'"],
  ['PLA_Search_Type is Call ext && call.missed', "PLA_Search_Type == 'Call ext' and call.missed"],
  ['(call.extra = a-b || call.missed)', "(call.extra == 'a-b' or call.missed)"],
  ['call.startedAt = call.endedAt', 'call.startedAt == call.endedAt'],
  ['call.missed = true', 'call.missed == true'],
] as const)
  condition(`${written} is led to ${right}`, () => {
    assert.is(
      problemOf(() => compileCondition(written)),
      `"${written}" is not how a condition is written. Did you mean "${right}"? There is ==, !=, <, >, contains, and, or, not.`,
    );
    compileCondition(right);
  });

for (const [source, odd] of [
  [
    "'missed'",
    "'missed' is a text by itself, which is so for every call. Did you mean call.missed? A text is compared with something, as in call.resultText == 'missed'.",
  ],
  [
    "call.missed and not ('Sale')",
    "'Sale' is a text by itself, which is so for every call. A text is compared with something, as in call.resultText == 'Sale'.",
  ],
  [
    "call.startedAt > '1 March'",
    "'1 March' is no time that can be compared. Write it as '2026-03-01' or '2026-03-01 14:30', in the time zone of the source.",
  ],
  [
    "call.missed and (call.result == 'Abandoned')",
    "call.result is never 'Abandoned': it is answered, unanswered, busy or other. call.resultText is what Delacon sent.",
  ],
  [
    "call.converted == 'Y'",
    "call.converted is never 'Y': it is online, repeat or offline. PLA_Converted is what Delacon sent.",
  ],
  ["call.phase == 'over'", "call.phase is never 'over': it is ringing, ended or lapsed."],
  ["call.result == 'Answered' and PLA_CallResult == 'Abandoned'", undefined],
  ["call.startedAt > '2026-03-01'", undefined],
  ['true', undefined],
  ['call.missed and not (false)', undefined],
] as const)
  condition(`of ${source} is said ${odd === undefined ? 'nothing' : 'that no call meets it'}`, () => {
    assert.is(compileCondition(source).odd, odd);
  });

condition('one that cannot be told does not hold', () => {
  assert.is(holds(compileCondition('call.missed | date: "%Y", call.dealer.name'), scope), false);
});

condition.run();
