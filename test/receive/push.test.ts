import { decodeBody, parsePush, pushFields, UnreadablePush } from '../../src/receive/push.ts';
import { endSample, startSample } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';

const push = suite('push');

/** The fields with an ordinary prototype, as assert.equal wants them. */
const fieldsOf = (body: string) => ({ ...parsePush(body).fields });

function refusal(body: string): string {
  try {
    parsePush(body);
  } catch (reason) {
    assert.instance(reason, UnreadablePush);
    return (reason as Error).message;
  }
  throw new Error('the body was read');
}

push("reads the article's start sample", () => {
  const { callId, fields } = parsePush(startSample);
  assert.is(callId, '1122334');
  assert.equal(
    { ...fields },
    {
      PLA_Call_Id: '1122334',
      PLA_Caller_Phone_Number: '+61444444444',
      PLA_Exchange: 'abc',
      PLA_City: 'abc',
      PLA_State: 'abc',
      PLA_Number_Dialed: '0288889999',
      PLA_Dealer_ID: 'abc',
      PLA_Dealer_Name: 'abc',
      PLA_Dealer_Category: 'abc',
      PLA_Search_Engine_Used: 'abc',
      PLA_Search_Type: 'abc',
      PLA_Keywords_Searched: 'abc',
      PLA_URL: 'abc',
      PLA_CID: '123',
      PLA_SESSID: 'Cuei212417iiyskskiidfsikks',
      PLA_UAID: '123456.4567',
      PLA_CallStartTime: '00000001556755937003',
      PLA_Landing_Page: 'https://www.delaconconcorp.com.au?gclid=C152ddsa12213123132',
      PLA_Page_Called_From: 'https://www.delaconcorp.com/contact_us',
    },
  );
});

push("reads the article's end sample, with its comma before the brace and its blank before the URL", () => {
  assert.equal(fieldsOf(endSample), {
    PLA_Call_Id: '1122334',
    PLA_CID: '123',
    PLA_Answering_Point: '029898989',
    PLA_CallResult: 'Answered',
    PLA_Duration: '50s',
    PLA_VoicemailLeft: 'Yes',
    PLA_SurveyOutcome: 'Sale',
    PLA_SurveySaleAmount: 'abc',
    PLA_Converted: 'Y',
    PLA_dtmf: '1234',
    PLA_RecordingFile: ' https://pla.delaconcorp.com......abc.wav',
  });
});

push('a trailing comma is forgiven where JSON has one, and kept within a text', () => {
  assert.equal(fieldsOf('{"PLA_Call_Id":"1","a":"x,}","b":["y",\n],"c":"\\",]",\n\t}'), {
    PLA_Call_Id: '1',
    a: 'x,}',
    b: '["y"]',
    c: '",]',
  });
});

push('a BOM, blanks and line breaks around the body do not count', () => {
  assert.equal(fieldsOf('\uFEFF\r\n {"PLA_Call_Id":"1"} \n'), { PLA_Call_Id: '1' });
});

push('a form is read as one', () => {
  assert.equal(fieldsOf('PLA_Call_Id=1122334&PLA_City=Surry+Hills&pla_cid=%31%32&other=a%26b'), {
    PLA_Call_Id: '1122334',
    PLA_City: 'Surry Hills',
    PLA_CID: '12',
    other: 'a&b',
  });
});

push('numbers, truth, null and nested values become text', () => {
  assert.equal(
    fieldsOf('{"PLA_Call_Id":1122334,"a":50,"b":1.5,"c":true,"d":false,"e":null,"f":{"g":[1]},"h":[]}'),
    {
      PLA_Call_Id: '1122334',
      a: '50',
      b: '1.5',
      c: 'true',
      d: 'false',
      e: '',
      f: '{"g":[1]}',
      h: '[]',
    },
  );
});

push('a call id sent as a bare number keeps every digit', () => {
  for (const id of ['12345678901234567890', '9007199254740993', '9007199254740992', '1122334']) {
    assert.is(parsePush(`{"PLA_Call_Id":${id}}`).callId, id);
    assert.is(parsePush(`{"PLA_Call_Id":${id},}`).callId, id, 'with a trailing comma');
  }
});

push('known keys are known in any letter case and with blanks around; unknown ones are kept as sent', () => {
  assert.equal(
    fieldsOf('{"pla_call_id":"1"," PLA_CALLRESULT ":"Busy","PLA_DTMF":"2","Pla_Other":"x","":"y"}'),
    {
      PLA_Call_Id: '1',
      PLA_CallResult: 'Busy',
      PLA_dtmf: '2',
      Pla_Other: 'x',
      '': 'y',
    },
  );
  for (const name of pushFields) {
    const fields = fieldsOf(JSON.stringify({ PLA_Call_Id: '1', [name.toUpperCase()]: '1' }));
    assert.is(fields[name], '1', name);
  }
});

push("the report's spelling of the sale amount is the same key", () => {
  assert.equal(fieldsOf('{"PLA_Call_Id":"1","PLA_SurveySalesAmount":"5"}'), {
    PLA_Call_Id: '1',
    PLA_SurveySaleAmount: '5',
  });
});

push('of a key sent twice the last that says something counts', () => {
  assert.is(fieldsOf('{"PLA_Call_Id":"1","PLA_City":"a","PLA_City":"b"}')['PLA_City'], 'b');
  assert.is(fieldsOf('{"PLA_Call_Id":"1","PLA_City":"a","pla_city":""}')['PLA_City'], 'a');
  assert.is(fieldsOf('{"PLA_Call_Id":"1","PLA_City":"a","pla_city":"b"}')['PLA_City'], 'b');
  assert.is(fieldsOf('PLA_Call_Id=1&PLA_City=a&PLA_City=')['PLA_City'], 'a');
  assert.is(fieldsOf('PLA_Call_Id=1&PLA_City=a&PLA_City=b')['PLA_City'], 'b');
});

push('__proto__, constructor and the like are data', () => {
  for (const body of [
    '{"PLA_Call_Id":"1","__proto__":"p","constructor":"c","toString":"t","hasOwnProperty":"h"}',
    'PLA_Call_Id=1&__proto__=p&constructor=c&toString=t&hasOwnProperty=h',
  ]) {
    const { fields } = parsePush(body);
    assert.is(Object.getPrototypeOf(fields), null);
    assert.equal(Object.entries(fields), [
      ['PLA_Call_Id', '1'],
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['toString', 't'],
      ['hasOwnProperty', 'h'],
    ]);
  }
  assert.is(Reflect.get({}, 'p'), undefined);
});

push('the call id is trimmed; up to 64 printable characters are taken', () => {
  assert.is(parsePush('{"PLA_Call_Id":" 1122334\\n"}').callId, '1122334');
  assert.is(parsePush(`{"PLA_Call_Id":"${'9'.repeat(64)}"}`).callId, '9'.repeat(64));
});

const unreadable: [body: string, reason: string][] = [
  ['', 'The body is empty.'],
  [' \n', 'The body is empty.'],
  ['\uFEFF', 'The body is empty.'],
  ['hello', 'The body is neither a JSON object nor a form.'],
  ['null', 'The body is neither a JSON object nor a form.'],
  ['5', 'The body is neither a JSON object nor a form.'],
  ['<xml a="b"/>', 'The body is neither a JSON object nor a form.'],
  ['[]', 'The body is JSON, but not an object.'],
  ['[{"PLA_Call_Id":"1"}]', 'The body is JSON, but not an object.'],
  ['"PLA_Call_Id=1"', 'The body is JSON, but not an object.'],
  ['{"PLA_Call_Id":"1"', 'The body is not JSON.'],
  ["{'PLA_Call_Id':'1'}", 'The body is not JSON.'],
  ['{"PLA_Call_Id":"1",,}', 'The body is not JSON.'],
  ['{"PLA_Call_Id":"1"}{}', 'The body is not JSON.'],
  ['{}', 'PLA_Call_Id is missing: the push cannot be told from others, so it was not stored.'],
  [
    '{"PLA_Call_Id":" ","PLA_CID":"1"}',
    'PLA_Call_Id is missing: the push cannot be told from others, so it was not stored.',
  ],
  [
    '{"PLA_Call_Id":null}',
    'PLA_Call_Id is missing: the push cannot be told from others, so it was not stored.',
  ],
  ['a=b', 'PLA_Call_Id is missing: the push cannot be told from others, so it was not stored.'],
  [
    `{"PLA_Call_Id":"${'9'.repeat(65)}"}`,
    'PLA_Call_Id is not usable: it must be at most 64 printable characters. The push was not stored.',
  ],
  [
    '{"PLA_Call_Id":"1\\u00002"}',
    'PLA_Call_Id is not usable: it must be at most 64 printable characters. The push was not stored.',
  ],
  [
    '{"PLA_Call_Id":"\\ud800"}',
    'PLA_Call_Id is not usable: it must be at most 64 printable characters. The push was not stored.',
  ],
];
for (const [body, reason] of unreadable) {
  push(`refuses ${JSON.stringify(body).slice(0, 90)}`, () => assert.is(refusal(body), reason));
}

push('the body of bytes is UTF-8, or Windows-1252 where it is not', () => {
  assert.is(decodeBody(Buffer.from('{"a":"Zoë – ok"}')), '{"a":"Zoë – ok"}');
  assert.is(decodeBody(Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d])), '{}');
  assert.is(decodeBody(Buffer.from([0x5a, 0x6f, 0xeb, 0x20, 0x96])), 'Zoë –');
});

push('nesting is kept up to a hundred levels and refused beyond', () => {
  const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  assert.is(fieldsOf(`{"PLA_Call_Id":"1","a":${nested(100)}}`)['a'], nested(100));
  assert.is(refusal(`{"PLA_Call_Id":"1","a":${nested(102)}}`), 'The body is nested too deeply.');
});

push('256 KiB made to be slow are refused all the same', () => {
  const size = 256 * 1024;
  assert.is(refusal(`{"a":"${'\\"'.repeat(size / 2)}`), 'The body is not JSON.');
  assert.is(refusal(`{${','.repeat(size)}`), 'The body is not JSON.');
  assert.is(refusal(`{"PLA_Call_Id":"1"${','.repeat(size)}}`), 'The body is not JSON.');
  assert.is(refusal(`{"PLA_Call_Id":"1"${', '.repeat(size / 2)}x}`), 'The body is not JSON.');
  assert.is(refusal('['.repeat(size)), 'The body is not JSON.');
  assert.is(refusal('a'.repeat(size)), 'The body is neither a JSON object nor a form.');
  const deep = `${'['.repeat(size / 2)}${']'.repeat(size / 2)}`;
  assert.match(refusal(`{"PLA_Call_Id":"1","a":${deep}}`), /^The body is (nested too deeply|not JSON)\.$/);
});

push.run();
