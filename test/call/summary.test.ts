import { type Reading, readCall, stateAt } from '../../src/call/call.ts';
import type { Fields } from '../../src/call/push.ts';
import { summaryOf } from '../../src/call/summary.ts';
import { assert, suite } from '../support/suite.ts';

const summary = suite('summary of a call');

const reading: Reading = {
  region: 'AU',
  timezone: 'Australia/Sydney',
  withheldWords: ['anonymous'],
  missed: ['unanswered', 'busy', 'voicemail'],
  emailOnly: [],
};
const started = {
  PLA_Call_Id: '7',
  PLA_Caller_Phone_Number: '+61491570156',
  PLA_CallStartTime: '00000001795648500000',
};

function told(fields: Fields, lapsed = false): string[] {
  const state = { ...stateAt(new Date(1_795_648_500_000), 'acme', '7', { ...started, ...fields }), lapsed };
  return summaryOf(readCall(state, reading), reading.timezone).map(({ label, text }) =>
    label === undefined ? text : `${label}: ${text}`,
  );
}

const caller = 'Caller: 0491 570 156';
const id = 'Delacon call: 7';

for (const [name, fields, lines] of [
  ['that rings', {}, ['Call in progress · Thu 26 Nov 2026, 10:15 am AEDT', caller, id]],
  [
    'that was answered',
    {
      PLA_CallResult: 'Answered',
      PLA_Duration: '225s',
      PLA_Answering_Point: '0298989898',
      PLA_Number_Dialed: '1300123456',
      PLA_Dealer_Name: 'Acme',
      PLA_Dealer_Category: 'Plumbing',
      PLA_VoicemailLeft: 'No',
    },
    [
      'Answered call · Thu 26 Nov 2026, 10:15 am AEDT · 3:45 · answered by (02) 9898 9898',
      caller,
      'Number dialled: 1300 123 456',
      'Dealer: Acme (Plumbing)',
      id,
    ],
  ],
  [
    'that was missed',
    { PLA_CallResult: 'Unanswered', PLA_Duration: '25', PLA_Answering_Point: '0298989898' },
    ['Missed call · Thu 26 Nov 2026, 10:15 am AEDT · 0:25 · rang at (02) 9898 9898', caller, id],
  ],
  [
    'that met a busy line',
    { PLA_CallResult: 'Busy' },
    ['Missed call (busy) · Thu 26 Nov 2026, 10:15 am AEDT', caller, id],
  ],
  [
    'that left a message',
    { PLA_CallResult: 'Unanswered', PLA_VoicemailLeft: 'Yes', PLA_Duration: '3725s' },
    ['Voicemail · Thu 26 Nov 2026, 10:15 am AEDT · 1:02:05', caller, id],
  ],
  [
    'that was a sale, after a paid search',
    {
      PLA_CallResult: 'Answered',
      PLA_SurveyOutcome: 'Sale',
      PLA_SurveySaleAmount: '$1,250',
      PLA_Converted: 'Y',
      PLA_Search_Engine_Used: 'google',
      PLA_Search_Type: 'paid',
      PLA_Keywords_Searched: 'plumber near me',
      PLA_Landing_Page: 'https://acme.example/?utm_campaign=spring&gclid=Cj0KCQ',
      PLA_dtmf: 'Sales',
    },
    [
      'Answered call · Thu 26 Nov 2026, 10:15 am AEDT',
      caller,
      'Survey: Sale',
      'Sale amount: $1,250.00',
      'Converted: online',
      'Menu choice: Sales',
      'Campaign: spring',
      'Source: google / paid',
      'Keywords: plumber near me',
      'Landing page: https://acme.example/?utm_campaign=spring&gclid=Cj0KCQ',
      'Click ID: gclid Cj0KCQ',
      id,
    ],
  ],
  [
    'that was a complaint, of no amount',
    { PLA_CallResult: 'Answered', PLA_SurveyOutcome: 'Complaint', PLA_SurveySaleAmount: '0' },
    ['Answered call · Thu 26 Nov 2026, 10:15 am AEDT', caller, 'Survey: Complaint', id],
  ],
  [
    'of somebody who withholds the number, from a landline',
    { PLA_Caller_Phone_Number: 'anonymous', PLA_City: 'Melbourne', PLA_State: 'VIC' },
    ['Call in progress · Thu 26 Nov 2026, 10:15 am AEDT', 'Caller: withheld number (Melbourne, VIC)', id],
  ],
  [
    'of which nothing can be read, as it was sent',
    {
      PLA_CallResult: 'Transferred to\nthe moon',
      PLA_Duration: 'about a minute',
      PLA_VoicemailLeft: 'perhaps',
      PLA_SurveySaleAmount: 'abc',
      PLA_Converted: 'N',
      PLA_RecordingFile: '/abc.wav',
      PLA_Landing_Page: 'our page',
      PLA_Answering_Point: 'reception',
    },
    [
      'Call ("Transferred to the moon") · Thu 26 Nov 2026, 10:15 am AEDT · duration "about a minute" · rang at reception',
      caller,
      'Voicemail: "perhaps"',
      'Sale amount: "abc"',
      'Converted: "N"',
      'Recording: "/abc.wav"',
      'Landing page: our page',
      id,
    ],
  ],
  [
    'with what programs ask for, at its end',
    {
      PLA_ExtraTracking: 'vip',
      PLA_Dealer_ID: '0298989898',
      PLA_CID: '123',
      PLA_SESSID: '0123456789abcdef0123456789abcdef',
      PLA_UAID: '123456.4567',
    },
    [
      'Call in progress · Thu 26 Nov 2026, 10:15 am AEDT',
      caller,
      'Extra tracking: vip',
      'Dealer ID: 0298989898',
      'Service ID: 123',
      'Web session: 0123456789abcdef0123456789abcdef',
      'Google client ID: 123456.4567',
      id,
    ],
  ],
] as const)
  summary(`tells a call ${name}`, () => assert.equal(told(fields), [...lines]));

summary('finds the click id in the session id, where that is one and the landing page has none', () => {
  const click = 'EAIaIQobChMIwYjL2uq3iAMVbKRmAh0Q-gB0EAAYASAAEgK_XvD_BwE';
  const page = 'https://acme.example/?gclid=Cj0KCQ';
  const of = (fields: Fields) => told(fields).filter((line) => /^(Click|Web)/.test(line));
  assert.equal(of({ PLA_SESSID: click }), [`Click ID: gclid ${click}`]);
  assert.equal(of({ PLA_SESSID: click, PLA_Landing_Page: page }), [
    'Click ID: gclid Cj0KCQ',
    `Web session: ${click}`,
  ]);
});

summary('says when the end of a call never came', () => {
  assert.equal(told({}, true)[0], 'Call · Thu 26 Nov 2026, 10:15 am AEDT · how it ended was not received');
});

summary('cuts with a sign, and an address between two of its parameters', () => {
  const page = `https://acme.example/?a=${'x'.repeat(1_900)}&b=${'y'.repeat(300)}`;
  const lines = told({ PLA_Landing_Page: page, PLA_ExtraTracking: 'z'.repeat(600) });
  assert.ok(
    lines.includes(
      `Landing page: ${page.slice(0, page.indexOf('&b='))} … (${page.length} characters as sent)`,
    ),
  );
  assert.ok(lines.includes(`Extra tracking: ${'z'.repeat(499)}…`));
});

summary('tells times by the clocks there, and durations as clocks do', () => {
  const call = (seconds: number) =>
    readCall(
      stateAt(new Date('2026-07-01T00:05:00Z'), 'acme', '7', {
        PLA_CallStartTime: '2026-07-01T00:05:00Z',
        PLA_Duration: `${seconds}`,
      }),
      reading,
    );
  const zones = [
    'Australia/Perth',
    'Pacific/Auckland',
    'Europe/London',
    'America/New_York',
    'UTC',
    'Asia/Kolkata',
  ];
  assert.equal(
    zones.map((zone) => summaryOf(call(0), zone)[0]?.text),
    [
      'Call · Wed 1 Jul 2026, 8:05 am AWST',
      'Call · Wed 1 Jul 2026, 12:05 pm NZST',
      'Call · Wed 1 Jul 2026, 1:05 am BST',
      'Call · Tue 30 Jun 2026, 8:05 pm EDT',
      'Call · Wed 1 Jul 2026, 12:05 am UTC',
      'Call · Wed 1 Jul 2026, 5:35 am GMT+5:30',
    ],
  );
  assert.equal(
    [59, 60, 3_725, 36_000].map((seconds) => summaryOf(call(seconds), 'UTC')[0]?.text.split(' · ')[2]),
    ['0:59', '1:00', '1:02:05', '10:00:00'],
  );
});

summary.run();
