import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { pick } from '../support/random.ts';

/** A push as it is sent, and what is to be read of it. */
export interface Body {
  bytes: Buffer;
  headers: Record<string, string>;
  /** What is to be stored of it. */
  text: string;
  fields: Record<string, string>;
}

export function asPrinted(fields: Record<string, string>): Body {
  const text = JSON.stringify(fields);
  return { bytes: Buffer.from(text), headers: {}, text, fields };
}

/** The same push as programs send it that build JSON by hand, in other encodings and codings. */
export function oddBody(random: () => number, printed: Record<string, string>): Body {
  const fields = { ...printed };
  let body = asPrinted(fields);
  if (random() < 0.5) body = builtByHand(random, fields);
  else if (random() < 0.2) body = withText(String(new URLSearchParams(fields)), fields);
  switch (Math.floor(random() * 8)) {
    case 0:
      body.bytes = Buffer.from(`\ufeff${body.text}`, 'utf16le');
      break;
    case 1:
      body.bytes = Buffer.from(`\ufeff${body.text}`);
      break;
    case 2:
    case 3:
      return coded('gzip', gzipSync(body.bytes), body);
    case 4:
      return coded('deflate', deflateSync(body.bytes), body);
    case 5:
      return coded('br', brotliCompressSync(body.bytes), body);
  }
  return body;
}

/** Texts that nobody escaped, between quotes. */
function builtByHand(random: () => number, fields: Record<string, string>): Body {
  for (const [key, text] of [
    ['PLA_Dealer_Name', `${fields['PLA_Dealer_Name']} \\Drains`],
    ['PLA_Keywords_Searched', `blocked drain\n\tand ${pick(random, ['\x01', '\x1f', '\r\n'])}taps`],
    ['PLA_dtmf', 'Sales\\Dealers'],
  ] as const)
    if (fields[key]) fields[key] = text;
  const inner = Object.entries(fields).map(([key, value]) => `"${key}" : "${value}"`);
  return withText(`{${inner.join(',\r\n')}${pick(random, ['}', ',}', '}\0', '}\r\n\0\0', ' } '])}`, fields);
}

function withText(text: string, fields: Record<string, string>): Body {
  return { bytes: Buffer.from(text), headers: {}, text, fields };
}

function coded(coding: string, bytes: Buffer, body: Body): Body {
  return { ...body, bytes, headers: { 'content-encoding': coding } };
}

/** Bodies that are no push. */
export const unreadable: readonly Body[] = [
  '',
  '{"PLA_Caller_Phone_Number":"+61491570156"}',
  '{"PLA_Call_Id":{"id":1}}',
  '{"PLA_Call_Id":"","PLA_Duration":"5s"}',
  '<call><id>7</id></call>',
  'the quick brown fox',
  '["PLA_Call_Id","7"]',
  '\0\0\0',
  '{"PLA_Call_Id":"7","PLA_Dealer_Name":"a" "b","c',
]
  .map((text): Body => ({ bytes: Buffer.from(text), headers: {}, text, fields: {} }))
  .concat([
    {
      bytes: Buffer.from('{"PLA_Call_Id":"8"}'),
      headers: { 'content-encoding': 'zstd' },
      text: '',
      fields: {},
    },
    { bytes: gzipSync('{"PLA_Call_Id":"9"}').subarray(0, 20), headers: {}, text: '', fields: {} },
  ]);
