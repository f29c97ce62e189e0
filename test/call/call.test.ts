import { type CallState, foldFields, kindOf, laneOf, type Reading, readCall } from '../../src/call/call.ts';
import { parsePhone } from '../../src/call/phone.ts';
import { type Fields, parsePush } from '../../src/call/push.ts';
import { withheldWords } from '../../src/config/withheld-words.ts';
import { endPush, endSample, startPush, startSample } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';

const call = suite('call');

const reading: Reading = {
  region: 'AU',
  timezone: 'Australia/Sydney',
  withheldWords,
  missed: ['unanswered', 'busy', 'voicemail'],
  emailOnly: [],
};
const receivedAt = new Date('2026-11-02T03:15:00.000Z');

function read(fields: Fields, more: Partial<CallState> = {}, otherwise: Partial<Reading> = {}) {
  const ended = ['end', 'both'].includes(kindOf(fields));
  return readCall(
    {
      source: 'acme',
      callId: '1122334',
      fields,
      firstReceivedAt: receivedAt,
      endReceivedAt: ended ? receivedAt : null,
      lapsed: false,
      ...more,
    },
    { ...reading, ...otherwise },
  );
}

/** What a call says, without its raw fields and with times as text. */
function plain(fields: Fields, more: Partial<CallState> = {}): Record<string, unknown> {
  const { fields: _, ...rest } = JSON.parse(JSON.stringify(read(fields, more)));
  return rest;
}

const article = {
  start: parsePush(startSample).fields,
  both: foldFields(parsePush(startSample).fields, parsePush(endSample).fields),
};

const ofStart = {
  id: '1122334',
  source: 'acme',
  title: 'Call from 0444 444 444 to abc',
  serviceId: '123',
  startedAt: '2019-05-02T00:12:17.003Z',
  endedAt: null,
  phase: 'ringing',
  caller: {
    number: '+61444444444',
    national: '0444444444',
    display: '0444 444 444',
    raw: '+61444444444',
    country: 'AU',
    withheld: false,
    exchange: 'abc',
    city: 'abc',
    state: 'abc',
  },
  dialled: {
    number: '+61288889999',
    national: '0288889999',
    display: '(02) 8888 9999',
    raw: '0288889999',
    country: 'AU',
  },
  answeredBy: { number: null, national: null, display: '', raw: '', country: null },
  dealer: { id: 'abc', name: 'abc', category: 'abc' },
  marketing: {
    engine: 'abc',
    type: 'abc',
    keywords: 'abc',
    referrer: 'abc',
    landingPage: 'https://www.delaconconcorp.com.au?gclid=C152ddsa12213123132',
    calledFrom: 'https://www.delaconcorp.com/contact_us',
    sessionId: 'Cuei212417iiyskskiidfsikks',
    googleClientId: '123456.4567',
    gclid: 'C152ddsa12213123132',
    gbraid: null,
    wbraid: null,
    msclkid: null,
    fbclid: null,
    utm: { source: null, medium: null, campaign: null, term: null, content: null, id: null },
  },
  result: null,
  resultText: null,
  missed: false,
  durationSeconds: null,
  voicemail: null,
  survey: { outcome: null, saleAmount: null },
  ivr: null,
  extra: null,
  converted: null,
  recording: { url: null, playerUrl: null },
  notes: [],
};

call("every name, from the article's start sample", () => {
  assert.equal(plain(article.start), ofStart);
});

call("every name, from both of the article's samples", () => {
  assert.equal(plain(article.both), {
    ...ofStart,
    title: 'Call from 0444 444 444 to abc, answered by 029898989',
    endedAt: '2019-05-02T00:13:07.003Z',
    phase: 'ended',
    answeredBy: { number: null, national: null, display: '029898989', raw: '029898989', country: null },
    result: 'answered',
    resultText: 'Answered',
    durationSeconds: 50,
    voicemail: true,
    survey: { outcome: 'Sale', saleAmount: null },
    ivr: '1234',
    converted: 'online',
    recording: {
      url: 'https://pla.delaconcorp.com......abc.wav',
      playerUrl: 'https://pla.delaconcorp.com......abc.wav?mode=direct',
    },
    notes: [
      'PLA_Answering_Point "029898989" is not a telephone number; it is kept as sent.',
      'PLA_SurveySaleAmount "abc" is not an amount; it is kept as sent.',
    ],
  });
});

for (const [end, title] of [
  [{ PLA_CallResult: 'Unanswered' }, 'Missed call from 0444 444 444 to abc'],
  [{ PLA_CallResult: 'NO_ANSWER', PLA_VoicemailLeft: 'No' }, 'Missed call from 0444 444 444 to abc'],
  [{ PLA_CallResult: 'NO_ANSWER', PLA_VoicemailLeft: 'Yes' }, 'Voicemail from 0444 444 444 to abc'],
  [{ PLA_CallResult: 'Busy' }, 'Missed call from 0444 444 444 to abc'],
  [{ PLA_CallResult: 'Answered' }, 'Call from 0444 444 444 to abc, answered by (02) 9898 9898'],
  [{ PLA_CallResult: 'Diverted' }, 'Call from 0444 444 444 to abc'],
] as const)
  call(`${JSON.stringify(end)} is titled "${title}"`, () => {
    const fields = { ...startPush('1'), PLA_VoicemailLeft: 'No', PLA_Answering_Point: '0298989898', ...end };
    assert.is(read(fields).title, title);
  });

call('a title has what is known: whoever counts as missed, a withheld number, no dealer', () => {
  const fields = startPush('1', { PLA_Caller_Phone_Number: 'anonymous', PLA_Dealer_Name: '' });
  assert.is(read(fields).title, 'Call from withheld number');
  const end = { PLA_CallResult: 'Diverted', PLA_Answering_Point: '0298989898' };
  assert.is(
    read({ ...fields, ...end }, {}, { missed: ['diverted'] }).title,
    'Missed call from withheld number',
  );
});

call('fields hold every key as received', () => {
  assert.is(read(article.both).fields['PLA_RecordingFile'], ' https://pla.delaconcorp.com......abc.wav');
  assert.is(read(startPush('1', { PLA_assignee: 'Jo' })).fields['PLA_assignee'], 'Jo');
});

call('extra tracking is text', () => {
  assert.is(read({ PLA_ExtraTracking: ' x1 ' }).extra, 'x1');
});

call('times come from the receipt where the pushes have none', () => {
  const endReceivedAt = new Date('2026-11-02T03:16:00.000Z');
  const noTimes = read(endPush('1', { PLA_Duration: '' }), { endReceivedAt });
  assert.is(String(noTimes.startedAt), '2026-11-02T03:15:00.000Z');
  assert.is(String(noTimes.endedAt), '2026-11-02T03:16:00.000Z');
  const noStart = read(endPush('1', { PLA_Duration: '90s' }), { endReceivedAt });
  assert.is(String(noStart.endedAt), '2026-11-02T03:16:30.000Z');
});

call('an end is never before its start', () => {
  const ahead = read({ PLA_CallStartTime: '2026-11-02T04:00:00Z', PLA_CallResult: 'Busy' });
  assert.is(String(ahead.endedAt), '2026-11-02T04:00:00.000Z');
});

call('a call rings until its end is known, or lapses; a late end ends it all the same', () => {
  assert.is(read(startPush('1')).phase, 'ringing');
  assert.is(read(startPush('1'), { lapsed: true }).phase, 'lapsed');
  assert.is(read(startPush('1'), { lapsed: true }).endedAt, null);
  assert.is(read({ ...startPush('1'), ...endPush('1') }, { lapsed: true }).phase, 'ended');
});

call('a caller of whom a switch sends nothing but a filled-in number is withheld, and makes nobody', () => {
  for (const raw of ['266696687', '+61000000000', 'sip:anonymous@192.168.100.200']) {
    const { caller, notes } = read(startPush('1', { PLA_Caller_Phone_Number: raw }));
    assert.equal([caller.withheld, caller.number, caller.raw, notes], [true, null, raw, []]);
  }
});

for (const raw of ['anonymous', 'Private', ' UNKNOWN ', 'no caller id', '0000000000', '+', '12345', '-']) {
  call(`a caller sent as "${raw}" is withheld`, () => {
    const { caller, notes } = read(startPush('1', { PLA_Caller_Phone_Number: raw }));
    assert.equal(
      [caller.withheld, caller.number, caller.display, caller.raw],
      [true, null, 'withheld number', raw.trim()],
    );
    assert.equal(notes, []);
  });
}

call('a caller sent as another word is shown by it, and withheld all the same', () => {
  for (const [raw, display] of [
    ['reception', '"reception"'],
    ['sip:front\ndesk@10.0.0.1', '"sip:front desk@10.0.0.1"'],
    ['Private Number', 'withheld number'],
    ['"Anonymous" <sip:Anonymous@anonymous.invalid>', 'withheld number'],
    ['ab'.repeat(40), `"${'ab'.repeat(40).slice(0, 59)}…"`],
  ] as const) {
    const { caller } = read(startPush('1', { PLA_Caller_Phone_Number: raw }));
    assert.equal([caller.withheld, caller.number, caller.display], [true, null, display]);
  }
});

call('a blank caller is unknown, not withheld; an unreadable one is noted', () => {
  const { caller } = read(startPush('1', { PLA_Caller_Phone_Number: '' }));
  assert.equal([caller.withheld, caller.number, caller.display], [false, null, 'unknown number']);
  const broken = read(startPush('1', { PLA_Caller_Phone_Number: '0444 444' }));
  assert.equal([broken.caller.withheld, broken.caller.number, broken.caller.raw], [false, null, '0444 444']);
  assert.equal(broken.notes, [
    'PLA_Caller_Phone_Number "0444 444" is not a telephone number; it is kept as sent.',
  ]);
});

call("the words for a withheld caller are the source's", () => {
  const fields = startPush('1', { PLA_Caller_Phone_Number: 'Geheim 123456' });
  assert.is(read(fields).caller.withheld, false);
  assert.is(read(fields, {}, { withheldWords: ['geheim 123456'] }).caller.withheld, true);
});

call("numbers are read in the source's region", () => {
  const { dialled } = read(startPush('1', { PLA_Number_Dialed: '0800 123 456' }), {}, { region: 'NZ' });
  assert.is(dialled.number, '+64800123456');
});

const results: [text: string, result: string | null][] = [
  ['Answered', 'answered'],
  [' ANSWERED ', 'answered'],
  ['unanswered', 'unanswered'],
  ['Not Answered', 'unanswered'],
  ['no-answer', 'unanswered'],
  ['Busy', 'busy'],
  ['Busy tone', 'busy'],
  ['busy tone was received', 'busy'],
  ['Line engaged', 'busy'],
  ['Abandoned', 'unanswered'],
  ['Call was abandoned by caller', 'unanswered'],
  ['Missed', 'unanswered'],
  ['Missed call', 'unanswered'],
  ['No reply', 'unanswered'],
  ['NO_ANSWER', 'unanswered'],
  ['Call answered', 'answered'],
  ['constructor', 'other'],
  ['the call', 'other'],
  ['Diverted', 'other'],
  ['answered elsewhere', 'other'],
  ['', null],
];
for (const [text, result] of results) {
  call(`the result "${text}" is ${result}`, () => {
    const { result: read_, resultText } = read(endPush('1', { PLA_CallResult: text }));
    assert.equal([read_, resultText], [result, text.trim() || null]);
  });
}

const missed: [result: string, voicemail: string, list: string[], missed: boolean][] = [
  ['Answered', 'No', ['unanswered', 'busy', 'voicemail'], false],
  ['Answered', 'Yes', ['unanswered', 'busy', 'voicemail'], false],
  ['Unanswered', 'No', ['unanswered'], true],
  ['Unanswered', 'No', ['busy'], false],
  ['Busy', '', ['unanswered', 'busy'], true],
  ['', 'Yes', ['voicemail'], true],
  ['Other', 'Yes', ['voicemail'], true],
  ['', 'Yes', ['unanswered'], false],
  ['', 'No', ['voicemail'], false],
  ['Diverted', 'No', ['other'], true],
  ['Diverted', 'No', ['diverted'], true],
  ['Call diverted', 'No', ['diverted'], true],
  ['Diverted', 'No', ['unanswered'], false],
  ['Abandoned', 'No', ['unanswered'], true],
  ['Abandoned', 'No', ['busy'], false],
  ['Abandoned', 'No', ['abandoned'], true],
  ['No reply', 'No', ['abandoned'], false],
];
for (const [result, voicemail, list, expected] of missed) {
  call(
    `result "${result}", voicemail "${voicemail}", counting ${list.join(', ')}: missed is ${expected}`,
    () => {
      const fields = endPush('1', { PLA_CallResult: result, PLA_VoicemailLeft: voicemail });
      assert.is(read(fields, {}, { missed: list }).missed, expected);
    },
  );
}

call('a call that never rang is not missed', () => {
  const noAnsweringPoint = { PLA_Answering_Point: '', PLA_VoicemailLeft: 'Yes' };
  const missedIs = (fields: Fields, emailOnly: string[] = []) =>
    read(endPush('1', { PLA_CID: '77', ...fields }), {}, { missed: ['unanswered', 'voicemail'], emailOnly })
      .missed;
  assert.is(missedIs({ ...noAnsweringPoint, PLA_CallResult: '' }), false, 'straight to voicemail');
  assert.is(missedIs({ ...noAnsweringPoint, PLA_CallResult: 'Unanswered' }), true, 'it says that it rang');
  assert.is(missedIs({ PLA_CallResult: '', PLA_VoicemailLeft: 'Yes' }), true, 'somebody was rung');
  assert.is(missedIs({ PLA_CallResult: 'Unanswered' }, ['77']), false, 'a service that only takes messages');
});

call('converted says online, repeat or, once the end is known, offline', () => {
  const converted = (text: string) => read(endPush('1', { PLA_Converted: text })).converted;
  assert.equal([converted('Y'), converted('r'), converted('')], ['online', 'repeat', 'offline']);
  assert.is(read(startPush('1')).converted, null);
  assert.is(converted('constructor'), null);
  assert.equal(read(endPush('1', { PLA_Converted: 'maybe' })).notes, [
    'PLA_Converted "maybe" is not Y, R or blank; it is kept as sent.',
  ]);
});

call('what cannot be read is null, and a note says so', () => {
  const fields = {
    ...startPush('1', { PLA_CallStartTime: 'noon', PLA_Number_Dialed: 'x'.repeat(100) }),
    ...endPush('1', { PLA_Duration: 'long', PLA_VoicemailLeft: 'perhaps', PLA_RecordingFile: 'tape 7' }),
  };
  assert.equal(read(fields).notes, [
    'PLA_CallStartTime "noon" is not a time; it is kept as sent.',
    `PLA_Number_Dialed "${'x'.repeat(80)}" is not a telephone number; it is kept as sent.`,
    'PLA_Duration "long" is not a duration; it is kept as sent.',
    'PLA_VoicemailLeft "perhaps" is not yes or no; it is kept as sent.',
    'PLA_RecordingFile "tape 7" is not a URL; it is kept as sent.',
  ]);
  assert.is(read(fields).recording.playerUrl, null);
});

call('pushes that said more than a call holds are noted', () => {
  assert.equal(read(startPush('1'), { notFolded: 2 }).notes, [
    "2 pushes said more than one call holds (1000 fields, 524288 characters): kept as sent, and of what went beyond only short values of Delacon's own fields are read.",
  ]);
});

call('parts read when first asked for are the same ever after', () => {
  const one = read(article.both);
  assert.is(one.caller, one.caller);
  assert.is(one.marketing, one.marketing);
  assert.ok(Object.keys(one).includes('caller'));
});

const kinds: [fields: Fields, kind: string][] = [
  [{ PLA_Caller_Phone_Number: '1' }, 'start'],
  [{ PLA_Number_Dialed: '1' }, 'start'],
  [{ PLA_CallStartTime: '1' }, 'start'],
  [{ PLA_CallResult: 'x' }, 'end'],
  [{ PLA_Duration: '1' }, 'end'],
  [{ PLA_Answering_Point: '1' }, 'end'],
  [{ PLA_RecordingFile: 'x' }, 'end'],
  [{ PLA_VoicemailLeft: 'No' }, 'end'],
  [{ PLA_SurveyOutcome: 'Sale' }, 'end'],
  [{ PLA_Converted: 'Y' }, 'end'],
  [{ PLA_Caller_Phone_Number: '1', PLA_Duration: '1' }, 'both'],
  [{ PLA_Caller_Phone_Number: '1', PLA_Duration: ' ', PLA_CallResult: '' }, 'start'],
  [{ PLA_Call_Id: '1', PLA_CID: '1', PLA_ExtraTracking: 'x' }, 'neither'],
  [{}, 'neither'],
];
for (const [fields, kind] of kinds) {
  call(`${JSON.stringify(fields)} tells of ${kind}`, () => assert.is(kindOf(fields), kind));
}

call('calls of one caller share a lane, however the number is spelt; without one a call has its own', () => {
  const lane = (number: string) => laneOf('77', { PLA_Caller_Phone_Number: number });
  assert.is(lane('+61 444 444 444'), '44444444');
  assert.is(lane('0444444444'), '44444444');
  for (const extension of [' ext 12', ' ext.12', 'x12', '#12', ';ext=12', ',,12', ' доб 12']) {
    assert.is(lane(`0444444444${extension}`), '44444444', extension);
    assert.is(parsePhone(`0444444444${extension}`, 'AU').number, '+61444444444', extension);
  }
  for (const spelt of [
    'sip:0444444444@10.11.12.13',
    'tel:+61-444-444-444;ext=12',
    '٠٤٤٤٤٤٤٤٤٤',
    '０４４４ ４４４ ４４４',
  ])
    assert.is(lane(spelt), '44444444', spelt);
  assert.is(lane('anonymous'), '77');
  assert.is(laneOf('77', {}), '77');
});

const impossible: [what: string, sent: string][] = [
  ['two days ahead', '00000001793762100000'], // 2026-11-04T03:15:00Z
  ['a century ahead', '2126-11-02T03:15:00Z'],
  ['in the year 9999', '9999-12-31T23:59:59Z'],
  ['in 1970', '00000000000000000000'],
  ['negative', '-1793589300000'],
  ['in microseconds', '00001793589300000000'],
  ['on 30 February', '2026-02-30T03:15:00Z'],
];
for (const [what, sent] of impossible) {
  call(`a start ${what} is kept as sent and noted; the time of receipt stands instead`, () => {
    const it = read(startPush('1', { PLA_CallStartTime: sent, PLA_Duration: '50s' }));
    assert.equal(
      [it.startedAt.toISOString(), it.endedAt?.toISOString()],
      ['2026-11-02T03:15:00.000Z', '2026-11-02T03:15:50.000Z'],
    );
    assert.is(it.fields['PLA_CallStartTime'], sent);
    assert.is(it.notes.length, 1);
    assert.match(
      it.notes[0]!,
      /^PLA_CallStartTime .* (is not a time|is more than a day after the push came)/,
    );
  });
}

call('a start some hours ahead is believed: clocks and time zones go wrong', () => {
  const it = read(startPush('1', { PLA_CallStartTime: '2026-11-02T17:15:00Z' }));
  assert.equal([it.startedAt.toISOString(), it.notes], ['2026-11-02T17:15:00.000Z', []]);
});

call('an end that came by a clock set back is not before its start', () => {
  const state = { firstReceivedAt: receivedAt, endReceivedAt: new Date('2026-11-02T02:15:00Z') };
  const it = read({ ...startPush('1', { PLA_CallStartTime: '' }), PLA_CallResult: 'Busy' }, state);
  assert.equal(
    [it.startedAt.toISOString(), it.endedAt?.toISOString()],
    ['2026-11-02T03:15:00.000Z', '2026-11-02T03:15:00.000Z'],
  );
});

call.run();
