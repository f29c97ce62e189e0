import * as fc from 'fast-check';
import { readHandBuiltJson } from '../../src/call/hand-built-json.ts';
import { decodeBody, parsePush, pushFields, UnreadablePush } from '../../src/call/push.ts';
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

/** Bodies as programs write them that put one together by hand, and what they say. */
const handBuilt: [what: string, body: string, fields: Record<string, string>][] = [
  ['a raw line feed', '{"PLA_Call_Id":"1","PLA_City":"blocked\ndrain"}', { PLA_City: 'blocked\ndrain' }],
  ['a raw CR LF', '{"PLA_Call_Id":"1","PLA_City":"blocked\r\ndrain",}', { PLA_City: 'blocked\r\ndrain' }],
  ['a raw tab and a NUL', '{"PLA_Call_Id":"1","PLA_City":"a\tb\0c"}', { PLA_City: 'a\tb\0c' }],
  ['an escape that is none', '{"PLA_Call_Id":"1","PLA_City":"AC\\DC"}', { PLA_City: 'AC\\DC' }],
  ['an escaped apostrophe', `{"PLA_Call_Id":"1","PLA_City":"Joe\\'s"}`, { PLA_City: "Joe\\'s" }],
  [
    'escapes beside one that is none',
    '{"PLA_Call_Id":"1","a":"\\D \\"x\\" \\\\ \\u0041\\n"}',
    { a: '\\D "x" \\ A\n' },
  ],
  ['an incomplete escape', '{"PLA_Call_Id":"1","a":"\\u12","b":"\\x41"}', { a: '\\u12', b: '\\x41' }],
  [
    'a backslash at the end',
    '{"PLA_Call_Id":"1","PLA_City":"C:\\","PLA_State":"D:\\"}',
    { PLA_City: 'C:\\', PLA_State: 'D:\\' },
  ],
  ['a NUL behind the end', '{"PLA_Call_Id":"1"}\0', {}],
  ['blanks, NULs and a comma behind the end', '{"PLA_Call_Id":"1"} \0\0\r\n,', {}],
  ['a NUL before and a BOM', '\0\ufeff{"PLA_Call_Id":"1"}', {}],
  ['commas to spare', '{,"PLA_Call_Id":"1",,"a":"2", ,\n,}', { a: '2' }],
  [
    'a missing comma',
    '{"PLA_Call_Id":"1" "PLA_City":"x"\n"pla_state":"y"}',
    { PLA_City: 'x', PLA_State: 'y' },
  ],
  ['missing values', '{"PLA_Call_Id":"1","a":,"b": ,"c":}', { a: '', b: '', c: '' }],
  [
    'words for nothing',
    '{"PLA_Call_Id":"1","a":undefined,"b":NaN,"c":None,"d":NULL,"e":nil}',
    { a: '', b: '', c: '', d: '', e: '' },
  ],
  ['words for truth', '{"PLA_Call_Id":"1","a":True,"b":FALSE}', { a: 'true', b: 'false' }],
  [
    'values without quotes',
    '{"PLA_Call_Id":0042,"PLA_CallStartTime":00000001556755937003,"PLA_Caller_Phone_Number":+61 444 444 444,"PLA_Duration":50s,"PLA_URL":https://a.example/?b=1}',
    {
      PLA_Call_Id: '0042',
      PLA_CallStartTime: '00000001556755937003',
      PLA_Caller_Phone_Number: '+61 444 444 444',
      PLA_Duration: '50s',
      PLA_URL: 'https://a.example/?b=1',
    },
  ],
  ['keys without quotes', '{PLA_Call_Id:"1", PLA_City : "x"}', { PLA_City: 'x' }],
  [
    'single quotes',
    `{'PLA_Call_Id':'1','PLA_City':"O'Brien",'a':'Joe\\'s'}`,
    { PLA_City: "O'Brien", a: "Joe's" },
  ],
  [
    'single quotes and an apostrophe',
    "{'PLA_Call_Id':'1','PLA_City':'Joe's Plumbing'}",
    { PLA_City: "Joe's Plumbing" },
  ],
  [
    'quotes within a text',
    '{"PLA_Call_Id":"1","PLA_Keywords_Searched":"24" "blinds"","PLA_CID":"3",}',
    { PLA_Keywords_Searched: '24" "blinds"', PLA_CID: '3' },
  ],
  [
    'quotes, a comma and a line break within a text',
    '{"PLA_Call_Id":"1","PLA_City":"a", "b"\n","PLA_CID":null}',
    { PLA_City: 'a", "b"\n', PLA_CID: '' },
  ],
  [
    'a line break within what is nested',
    '{"PLA_Call_Id":"1","a":{"b":["x\ny",1,true,{}]}}',
    { a: '{"b":["x\\ny",1,true,{}]}' },
  ],
  [
    'a long number',
    '{"PLA_Call_Id":12345678901234567890,"a":"x\ny"}',
    { PLA_Call_Id: '12345678901234567890', a: 'x\ny' },
  ],
  ['a field __proto__', '{"PLA_Call_Id":"1","__proto__":{"a":"x\n"}}', {}],
];
for (const [what, body, said] of handBuilt) {
  push(`reads a body with ${what}`, () => {
    const { __proto__: _, ...fields } = { ...parsePush(body).fields };
    assert.equal(fields, { PLA_Call_Id: '1', ...said });
  });
}

const envelope: [what: string, body: string][] = [
  ['payload=, encoded', `payload=${encodeURIComponent('{"PLA_Call_Id":"1","PLA_City":"a+b & c"}')}`],
  ['data=, as it is', 'data={"PLA_Call_Id":"1","PLA_City":"a+b & c"}'],
  [
    'json= beside another field',
    `x=2&json=${encodeURIComponent('{"PLA_Call_Id":"1","PLA_City":"a+b & c",}')}`,
  ],
  [
    'a form whose only name is the JSON',
    `${encodeURIComponent('{"PLA_Call_Id":"1","PLA_City":"a+b & c"}')}=`,
  ],
  ['an encoded body', encodeURIComponent('{"PLA_Call_Id":"1","PLA_City":"a+b & c"}')],
  ['an object in an object', '{"data":{"PLA_Call_Id":"1","PLA_City":"a+b & c"}}'],
  ['JSON made of JSON', JSON.stringify('{"PLA_Call_Id":"1","PLA_City":"a+b & c"}')],
  [
    'multipart/form-data',
    '--x-1\r\nContent-Disposition: form-data; name="PLA_Call_Id"\r\n\r\n1\r\n--x-1\r\ncontent-disposition: form-data; name=pla_city\r\nContent-Type: text/plain\r\n\r\na+b & c\r\n--x-1--\r\n',
  ],
  [
    'multipart/form-data with a payload',
    '--x\nContent-Disposition: form-data; name="payload"; filename="a.json"\n\n{"PLA_Call_Id":"1",\n\n"PLA_City":"a+b & c"}\n--x--',
  ],
];
for (const [what, body] of envelope) {
  push(`reads ${what}`, () => {
    const { x: _, ...fields } = fieldsOf(body);
    assert.equal(fields, { PLA_Call_Id: '1', PLA_City: 'a+b & c' });
  });
}

push('a long call id within an object keeps every digit', () => {
  assert.is(parsePush('{"data":{"PLA_Call_Id":12345678901234567890}}').callId, '12345678901234567890');
});

for (const id of ['{"a":1}', '["1"]', '[]', 'true', 'false', '{}']) {
  push(`a call id that is ${id} is refused`, () => {
    const reason = 'PLA_Call_Id is not usable: it must be a text or a number. The push was not stored.';
    for (const key of ['PLA_Call_Id', 'pla_call_id']) {
      assert.is(refusal(`{"${key}":${id}}`), reason);
      assert.is(refusal(`{"${key}":${id},"PLA_City":"a\nb"}`), reason);
    }
  });
}

for (const id of [
  'undefined',
  'null',
  'NaN',
  '[object Object]',
  '{{call_id}}',
  '{id}',
  '{"a":1}',
  '<no value>',
  'PLA_Call_Id',
  '%PLA_Call_Id%',
  '[PLA_Call_Id]',
  '@Model.PLA_Call_Id',
  '#callid#',
  '(null)',
  'Array',
  'System.Object',
  '0',
  '-1',
]) {
  push(
    `a call id that a template wrote for none, ${id}, is refused: else all such calls would be one`,
    () => {
      assert.is(
        refusal(JSON.stringify({ PLA_Call_Id: id })),
        `PLA_Call_Id is not usable: "${id}" stands where an id should. The push was not stored.`,
      );
    },
  );
}

const unreadable: [body: string, reason: string][] = [
  ['', 'The body is empty.'],
  [' \n', 'The body is empty.'],
  ['\uFEFF', 'The body is empty.'],
  ['hello', 'The body is neither a JSON object nor a form.'],
  ['null', 'The body is neither a JSON object nor a form.'],
  ['5', 'The body is neither a JSON object nor a form.'],
  ['<xml a="b"/>', 'The body is XML or HTML, which is not read: send JSON.'],
  ['[]', 'The body is JSON, but not an object.'],
  ['[{"PLA_Call_Id":"1"}]', 'The body is JSON, but not an object.'],
  ['"PLA_Call_Id=1"', 'The body is JSON, but not an object.'],
  ['{"PLA_Call_Id":"1"', 'The body is not JSON.'],
  ['{"PLA_Call_Id":"1","PLA_City":"x', 'The body is not JSON.'],
  ['{"PLA_Call_Id":"1","PLA_City":"x","', 'The body is not JSON.'],
  ['{"PLA_Call_Id":"1"},{"PLA_Call_Id":"2"}', 'The body is not JSON.'],
  ['{"PLA_Call_Id":"1" "other":"2"}', 'The body is not JSON.'],
  ['{"PLA_Call_Id":"1","a":"24" x 36","PLA_CID":"2"}', 'The body is not JSON.'], // where is the end of a?
  ['{"PLA_Call_Id":"1","PLA_City":"x" b","other":"2"}', 'The body is not JSON.'],
  ['{"PLA_Call_Id":"1","PLA_City":"x" b"}, "c"}', 'The body is not JSON.'],
  ['{"PLA_Call_Id":"1"2"}', 'The body is not JSON.'],
  ['{"PLA_Call_Id":"1","PLA_City":"a"b","PLA_City":"c"}', 'The body is not JSON.'],
  ['{"PLA_Call_Id":1 b:2}', 'The body is not JSON.'],
  [
    '--x\r\nContent-Disposition: form-data; name="PLA_Call_Id"\r\n\r\n1\r\n',
    'The body is neither a JSON object nor a form.',
  ],
  [
    '--x\r\nContent-Disposition: form-data; name="PLA_Call_Id"\r\nContent-Transfer-Encoding: base64\r\n\r\nMTEyMg==\r\n--x--',
    'A part of the body has "Content-Transfer-Encoding: base64", which is not read: send it as it is.',
  ],
  [
    'payload={"PLA_CID":"1"}',
    'PLA_Call_Id is missing: the push cannot be told from others, so it was not stored.',
  ],
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

push('a body in UTF-16 is read, with and without BOM', () => {
  const text = '{"a":"Zoë"}';
  const little = Buffer.from(text, 'utf16le');
  const big = Buffer.from(text, 'utf16le').swap16();
  for (const bytes of [
    little,
    big,
    Buffer.concat([Buffer.from([0xff, 0xfe]), little]),
    Buffer.concat([Buffer.from([0xfe, 0xff]), big]),
  ])
    assert.is(decodeBody(bytes), text);
});

push('bytes of Windows-1252 in the midst of UTF-8 spoil no other letter', () => {
  const mixed = [Buffer.from('{"a":"Zoë 😀 '), Buffer.from([0xeb, 0x96, 0xc3]), Buffer.from('ü"}')];
  assert.is(decodeBody(Buffer.concat(mixed)), '{"a":"Zoë 😀 ë–Ãü"}');
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
  assert.is(refusal(`{"PLA_Call_Id":"1"${', '.repeat(size / 2)}x}`), 'The body is not JSON.');
  assert.is(refusal('['.repeat(size)), 'The body is nested too deeply.');
  assert.is(refusal('{"a":'.repeat(size / 5)), 'The body is nested too deeply.');
  for (const slow of [
    '" ',
    '"PLA_a":',
    '"PLA_a" ',
    ',"PLA_a":"',
    "'",
    ' \0',
    '",',
    '" "',
    '\\',
    '\\u',
    'a ',
    '-',
    '\u00a0',
  ])
    refusal(`{"PLA_a":"${slow.repeat(size / slow.length)}`);
  for (const slow of ['\0 ', '--', '--x\r\n', '\r\n\r\n', '; ', '%7B', '={'])
    refusal(`--x\r\n${slow.repeat(size / slow.length)}`);
  assert.is(refusal('a'.repeat(size)), 'The body is neither a JSON object nor a form.');
  const deep = `${'['.repeat(size / 2)}${']'.repeat(size / 2)}`;
  assert.match(refusal(`{"PLA_Call_Id":"1","a":${deep}}`), /^The body is (nested too deeply|not JSON)\.$/);
});

/** A template as hand-built bodies are filled: nothing is escaped. */
const filled = (values: readonly string[]) =>
  `{"PLA_Call_Id":"7",${values.map((value, i) => `\n"${pushFields[i + 1]}":"${value}"`).join(',')},\n}`;
const filledWith = (values: readonly string[]) => ({
  PLA_Call_Id: '7',
  ...Object.fromEntries(values.map((value, i) => [pushFields[i + 1], value])),
});
const unescaped = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(..." \n\r\t\0{}[]:,'\\uDx1é") }),
);

push('a template filled with texts that have no quote gives these texts', () => {
  // What is an escape in JSON is one here, too.
  const text = unescaped.map((value) => value.replaceAll('"', '').replace(/\\(?=[\\/bfnrtu])/g, ''));
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), (values) => {
      assert.equal(fieldsOf(filled(values)), filledWith(values));
    }),
    { numRuns: 2_000 },
  );
});

push('a template filled with texts that have quotes gives these texts, or is refused', () => {
  const text = fc
    .tuple(
      unescaped,
      fc.constantFrom('', '"', '""', ' "x" ', '", "', '","', '" : "', '"}', '"},{"'),
      unescaped,
    )
    .map((parts) => parts.join('').replaceAll('\\', ''));
  let read = 0;
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (values) => {
      let fields: Record<string, string>;
      try {
        fields = fieldsOf(filled(values));
      } catch (reason) {
        assert.instance(reason, UnreadablePush);
        return;
      }
      read++;
      assert.equal(fields, filledWith(values));
    }),
    { numRuns: 2_000 },
  );
  assert.ok(read > 500, `${read} were read`);
});

push('valid JSON is read by the lenient reader as by JSON.parse', () => {
  const value = fc.jsonValue({ maxDepth: 4, noUnicodeString: false });
  fc.assert(
    fc.property(value, fc.constantFrom(0, 1, '\t'), (any, indent) => {
      const text = JSON.stringify(any, null, indent);
      // Whole numbers beyond a double keep their digits.
      const exact = (_: string, one: unknown, context?: { source: string }) =>
        typeof one === 'number' && Math.abs(one) > Number.MAX_SAFE_INTEGER ? context?.source : one;
      assert.is(JSON.stringify(readHandBuiltJson(text)), JSON.stringify(JSON.parse(text, exact)));
    }),
    { numRuns: 2_000 },
  );
});

push.run();
