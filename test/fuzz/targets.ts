import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { property as readable } from '../../connectors/hubspot/answers.ts';
import {
  failureOfAnswer as hubspotAnswer,
  failureOfRow as hubspotRow,
  propertyProblems,
} from '../../connectors/hubspot/failures.ts';
import { fitProperty } from '../../connectors/hubspot/fields.ts';
import {
  failureOfToken,
  failureOfAnswer as salesforceAnswer,
  failureOfRow as salesforceRow,
} from '../../connectors/salesforce/failures.ts';
import { readCall } from '../../src/call/call.ts';
import { decodeContent } from '../../src/call/content-coding.ts';
import { readHandBuiltJson } from '../../src/call/hand-built-json.ts';
import { maskNumber, maskNumbersIn, maskWritten } from '../../src/call/mask.ts';
import { isWithheld, parsePhone, samePhone, writtenForms } from '../../src/call/phone.ts';
import { decodeBody, parsePush, UnreadablePush } from '../../src/call/push.ts';
import { parseAmount, parseDuration, parseInstant, parseUrl, parseYesNo } from '../../src/call/values.ts';
import { systemClock } from '../../src/clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import { parseTree } from '../../src/config/parse-yaml.ts';
import { ConfigProblems, ProblemList } from '../../src/config/problems.ts';
import { withheldWords } from '../../src/config/withheld-words.ts';
import { createLog } from '../../src/log.ts';
import { Access } from '../../src/operator/access.ts';
import { Api } from '../../src/operator/api.ts';
import { AddressList, senderAddress } from '../../src/receive/addresses.ts';
import { Ledger } from '../../src/receive/ledger.ts';
import { receiveRoutes } from '../../src/receive/routes.ts';
import { TokenTable } from '../../src/receive/tokens.ts';
import { compileCondition, holds } from '../../src/route/condition.ts';
import { compileTemplate, TemplateProblem } from '../../src/route/template.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { parseDuration as parseSetting, parseSize } from '../../src/text/quantities.ts';
import { endPush, endSample, startPush, startSample } from '../support/build-push.ts';
import { answering, faults as hubspotFaults } from '../support/hubspot-emulator.ts';
import { faults as salesforceFaults } from '../support/salesforce-emulator.ts';
import { withOperator } from '../support/with-operator.ts';
import { hubspotTarget, salesforceTarget } from './crm-targets.ts';
import type { mutatedJson } from './mutate.ts';

/** Something that reads what comes from outside. It may refuse, in its own words; anything else it throws is a bug. */
export interface Target {
  name: string;
  corpus: string[];
  /** How many inputs it gets for each hundred. */
  share: number;
  /** How an input is broken; as any text if it does not say. */
  mutate?: typeof mutatedJson;
  read(input: string): unknown;
  close?(): Promise<void>;
}

const repository = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const now = new Date('2026-11-24T00:00:00Z');
const reading = {
  region: 'AU' as const,
  timezone: 'Australia/Sydney',
  withheldWords,
  missed: ['unanswered', 'busy', 'voicemail'],
  emailOnly: [],
};
const call = readCall(
  {
    source: 'acme',
    callId: '1',
    fields: { ...startPush('1'), ...endPush('1') },
    firstReceivedAt: now,
    endReceivedAt: now,
    lapsed: false,
  },
  reading,
);

function allowing<T>(expected: new (...args: never[]) => Error, read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof expected) return undefined;
    throw thrown;
  }
}

/** Every target. The endpoints write to a store of their own. */
export async function allTargets(): Promise<Target[]> {
  return [
    { name: 'a push as text', share: 18, corpus: pushes, read: readPush },
    { name: 'a hand-built push', share: 12, corpus: [...handBuilt, ...pushes], read: readHandBuilt },
    { name: 'a compressed push', share: 3, corpus: [...pushes, ...handBuilt], read: readCoded },
    { name: 'values of a push', share: 30, corpus: values, read: readValues },
    { name: 'a telephone number', share: 14, corpus: numbers, read: readNumber },
    { name: 'a template', share: 10, corpus: templates, read: readTemplate },
    { name: 'a condition', share: 8, corpus: conditions, read: readCondition },
    {
      name: 'a YAML text',
      share: 3,
      corpus: yamls,
      read: (text) => parseTree(text, 'fuzz.yaml', new ProblemList('/')),
    },
    { name: 'what a CRM answers', share: 14, corpus: answers, read: readAnswer },
    { name: 'what HubSpot says of a field', share: 6, corpus: metadata, read: readMetadata },
    await hubspotTarget(),
    await salesforceTarget(),
    await configurationTarget(),
    await endpointTarget(),
    await operatorTarget(),
  ];
}

const pushes = [
  startSample,
  endSample,
  JSON.stringify(startPush('7', { PLA_Call_Id: '99999999999999999999' })),
  'PLA_Call_Id=7&PLA_Caller_Phone_Number=%2B61444444444',
  '{"PLA_Call_Id":7,"PLA_Duration":50,"nested":{"a":[1,{"b":null}]}}',
];

/** As programs write them that escape nothing, and what is put around them. */
const handBuilt = [
  '{"PLA_Call_Id":"7","PLA_Keywords_Searched":"blocked\r\ndrain","PLA_City":"AC\\DC","PLA_State":"Joe\\\'s",}\0',
  '{"PLA_Call_Id":7,"PLA_Keywords_Searched":"24" blinds","PLA_Duration":50s,"PLA_CID":,"PLA_URL":undefined}',
  "{'PLA_Call_Id':'7','PLA_Dealer_Name':'Joe's Plumbing','PLA_City':None}",
  'payload={"PLA_Call_Id":"7","PLA_Caller_Phone_Number":"+61444444444"}',
  `json=${encodeURIComponent('{"PLA_Call_Id":"7"}')}&x=1`,
  JSON.stringify('{"PLA_Call_Id":"7"}'),
  '--x\r\nContent-Disposition: form-data; name="PLA_Call_Id"\r\n\r\n7\r\n--x\r\nContent-Disposition: form-data; name="payload"\r\n\r\n{"a":1}\r\n--x--\r\n',
  '<call><id>7</id></call>',
];

/** Valid JSON says the same to the lenient reader; and whatever bytes a text is written in, it is a push or unreadable. */
function readHandBuilt(text: string): void {
  readPush(text);
  for (const encoded of encodings(text)) allowing(UnreadablePush, () => parsePush(decodeBody(encoded)));
  let exact: unknown;
  try {
    exact = JSON.parse(text);
  } catch {
    allowing(SyntaxError, () => readHandBuiltJson(text));
    return;
  }
  if (typeof exact !== 'object' || /\d{16}|\de/i.test(text)) return; // numbers that a double does not hold
  const lenient = allowing(SyntaxError, () => readHandBuiltJson(text));
  if (JSON.stringify(lenient) !== JSON.stringify(exact)) throw new Error('valid JSON was read otherwise');
}

function encodings(text: string): Buffer[] {
  const half = text.length >> 1;
  return [
    Buffer.from(text, 'utf16le'),
    Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
    Buffer.from(text, 'latin1'),
    Buffer.concat([Buffer.from(text.slice(0, half)), Buffer.from(text.slice(half), 'latin1')]),
  ];
}

/** A body in a coding, and what of it went wrong on the way. */
function readCoded(text: string): void {
  const limit = 4_096;
  const bytes = Buffer.from(text);
  const at = bytes.length >> 1;
  for (const [coding, encode] of Object.entries(encoders)) {
    const whole = encode(bytes);
    const broken = Buffer.concat([whole.subarray(0, at), bytes.subarray(0, 3), whole.subarray(at + 1)]);
    for (const [said, sent] of [
      [coding, whole],
      [`${coding}, ${coding}`, encode(whole)],
      [coding, broken],
      [coding, whole.subarray(0, at)],
      ['', broken],
      [text.slice(0, 40), whole],
    ] as const) {
      const content = decodeContent(sent, said, limit);
      // What is in no coding after all stays as it came.
      if (typeof content === 'object' && 'length' in content && content.length > Math.max(limit, sent.length))
        throw new Error('more was decompressed than the limit');
    }
    const content = decodeContent(whole, coding, limit);
    const isRight =
      bytes.length > limit ? content === 'too long' : Buffer.compare(content as Buffer, bytes) === 0;
    if (!isRight) throw new Error(`${coding} gives another body`);
  }
}

const encoders: Record<string, (bytes: Uint8Array) => Buffer> = {
  gzip: gzipSync,
  deflate: deflateSync,
  'deflate ': deflateRawSync,
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
};

function readPush(text: string): void {
  const push = allowing(UnreadablePush, () => parsePush(decodeBody(Buffer.from(text, 'utf8'))));
  if (!push) return;
  if (Object.getPrototypeOf(push.fields) !== null) throw new Error('keys of a push reach a prototype');
  const { fields, callId } = push;
  const state = { source: 'acme', callId, fields, firstReceivedAt: now, endReceivedAt: now, lapsed: false };
  JSON.stringify(readCall(state, reading));
}

const values = [
  '50s',
  '1m 20s',
  '00:01:20',
  '1h2m',
  '00000001556755937003',
  '2026-11-24T10:00:00+11:00',
  '$1,250.00',
  'AUD 1 250.50',
  'Yes',
  'https://www.example.com/?gclid=C1&utm_source=google&utm_campaign=winter#x',
  ' https://pla.delaconcorp.com/r/1.wav',
];

function readValues(text: string): void {
  parseInstant(text);
  parseDuration(text);
  parseAmount(text);
  parseYesNo(text);
  parseUrl(text);
  parseSetting(text);
  parseSize(text);
  const fields = { PLA_Call_Id: '1', PLA_Landing_Page: text, PLA_RecordingFile: text, PLA_CallResult: text };
  JSON.stringify(
    readCall(
      { source: 'a', callId: '1', fields, firstReceivedAt: now, endReceivedAt: now, lapsed: false },
      reading,
    ),
  );
  senderAddress('10.0.0.1', text, new AddressList(['10.0.0.0/8', '::1']));
}

const numbers = [
  '+61412345678',
  '0412 345 678',
  '(02) 9876 5432 ext 12',
  '1300 123 456',
  '0011 44 20 7946 0958',
  'anonymous',
  '+64 9 123 4567',
  '"Jo" <sip:0412345678@10.0.0.1;user=phone>',
  'Tel. 0412 345 678 (mobile)',
  'tel:412345678;phone-context=+61;ext=9',
  '（＋６１）（0）４١٢\u00a0345 678',
  '266696687',
];

function readNumber(text: string): void {
  const { number } = parsePhone(text, 'AU');
  if (number !== null && !/^\+\d{3,15}$/.test(number)) throw new Error(`"${number}" is not E.164`);
  if (number !== null) writtenForms(number, 'AU');
  samePhone(text, '+61412345678', 'NZ');
  isWithheld(text, 'AU', withheldWords);
  maskNumber(text);
  maskWritten(text);
  maskNumbersIn(text);
}

const templates = [
  'Call from {{ call.caller.display }}{% if call.dealer.name %} to {{ call.dealer.name }}{% endif %}',
  '{{ call.startedAt | date: "%Y-%m-%d" }}',
  '{% assign a = call.ivr | split: "," %}{% for x in a %}{{ x | upcase }}{% endfor %}',
  '{% case call.result %}{% when "answered" %}1{% else %}2{% endcase %}',
  '{{ call.fields.PLA_CID | plus: 1 | times: 3 | default: "x" }}',
];

function readTemplate(text: string): void {
  const template = allowing(TemplateProblem, () => compileTemplate(text));
  if (!template) return;
  template.render({ call, timezone: 'Australia/Sydney' });
}

const conditions = [
  "call.dealer.category == 'Plumbing'",
  'call.missed and call.durationSeconds > 10',
  "call.survey.outcome contains 'Sale' or call.converted == 'repeat'",
];

function readCondition(text: string): void {
  const condition = allowing(TemplateProblem, () => compileCondition(text));
  if (!condition) return;
  holds(condition, { call, timezone: 'Australia/Sydney' });
}

const yamls = [
  repository('config/default.yaml'),
  repository('config/example.yaml'),
  `store: { url: "sqlite:data/bridge.db" }
sources: { acme: { tokens: [a-token-that-is-long] } }
connectors: { box: { type: sandbox } }
alerts:
  blockedFor: 5m
  silentFor: 2h
  hours: { from: "08:00", to: "18:00", days: [mon, tue] }
  digest: "08:00"
  email: { from: bridge@acme.example, to: [ops@acme.example], url: "smtps://user:pass@mail.acme.example" }
  webhook: { url: "https://hooks.acme.example/x", form: slack }
tests:
  - name: a missed call is called back
    pushes: [{ PLA_Caller_Phone_Number: 0412 345 678 }, { PLA_CallResult: Busy }]
    call: { missed: true, caller.number: "+61412345678" }
    to: [box]
    records: { box: { person: { lastname: 0412 345 678 }, followUp: none } }
`,
];

async function configurationTarget(): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-config-'));
  const { writeFile } = await import('node:fs/promises');
  const file = join(folder, 'bridge.yaml');
  return {
    name: 'a configuration',
    share: 1,
    corpus: yamls,
    async read(text) {
      await writeFile(file, text);
      try {
        await loadConfig(file, { env: {}, cwd: folder });
      } catch (thrown) {
        if (!(thrown instanceof ConfigProblems)) throw thrown;
      }
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

const circumstances = {
  request: 'calls/batch/create',
  connector: 'crm',
  now,
  secrets: ['pat-na1-fuzz-0123456789'],
};
const salesforceCircumstances = {
  request: 'upsert Task',
  connector: 'crm',
  now,
  mapped: new Map([['Subject', ['activity.properties.Subject']]]),
  secrets: ['fuzz-secret-0123456789'],
  usage: undefined,
};

const answers = [
  ...Object.values(hubspotFaults),
  ...Object.values(salesforceFaults),
  answering(400, { errors: [] }),
]
  .flatMap((fault) => ('answer' in fault && fault.answer ? [fault.answer.body] : []))
  .concat(
    '{"category":"VALIDATION_ERROR","message":"Property values were not valid: [{\\"isValid\\":false,\\"message\\":\\"x\\",\\"error\\":\\"INVALID_LONG\\",\\"name\\":\\"hs_call_duration\\"}]","errors":[{"context":{"propertyName":["a"]},"code":"PROPERTY_DOESNT_EXIST"}]}',
    '[{"message":"No such column \'X__c\' on sobject of type Task","errorCode":"INVALID_FIELD","fields":["X__c"]}]',
    '{"error":"invalid_grant","error_description":"expired"}',
  );

const statuses = [200, 207, 300, 400, 401, 403, 404, 409, 414, 423, 429, 477, 500, 502, 503, 524];

function readAnswer(text: string): void {
  const status = statuses[text.length % statuses.length] as number;
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {}
  hubspotAnswer({ status, body, headers: { 'retry-after': text.slice(0, 20) } }, circumstances);
  propertyProblems(body);
  salesforceAnswer({ status, body }, salesforceCircumstances);
  failureOfToken({ status, body }, 'Check the app.', salesforceCircumstances);
  if (typeof body === 'object' && body !== null) {
    hubspotRow(body, circumstances);
    salesforceRow(Array.isArray(body) ? body : [body], salesforceCircumstances);
  }
}

const metadata = [
  '{"name":"delacon_result","label":"Result","type":"enumeration","fieldType":"select","options":[{"value":"Answered","label":"Answered","hidden":false}]}',
  '{"name":"a","type":"number","fieldType":"number","options":[]}',
  '{"name":"b","type":"bool","options":[{"value":"true","label":"Yes"}]}',
  '{"name":"c","type":"date","options":[]}',
  '{"name":"d","type":"datetime","options":[],"modificationMetadata":{"readOnlyValue":true}}',
];
const mapped = ['Answered', '1e999', '2026-02-30', '275761-01-01', true, 1e300, new Date(0)];

/** Whatever a property is said to be, a value fits or is left out with the reason. */
function readMetadata(text: string): void {
  let described: Record<string, unknown>;
  try {
    described = JSON.parse(text);
  } catch {
    described = { type: text.slice(0, 12) };
  }
  if (typeof described !== 'object' || described === null || Array.isArray(described)) return;
  const { data: property } = readable.safeParse({ name: 'x', type: 'string', ...described });
  if (!property) return;
  for (const value of [...mapped, text.slice(0, 300)]) {
    const { text: fit, note } = fitProperty('x', value, property, 'Australia/Sydney') as {
      text: string | null;
      note?: string;
    };
    if (fit === null && !note) throw new Error('a value was left out, and nothing says why');
  }
}

/** Answers that are designed. */
const told = new Set([200, 303, 400, 401, 403, 404, 405, 409, 413, 429]);

const asked = [
  '/api/overview?period=7d',
  '/api/overview?since=2026-11-01T00:00:00Z&until=2026-11-24T00:00:00Z',
  '/api/calls?search=0412%20345&state=failed&missed=true&limit=10&after=7',
  '/api/calls?result=busy&source=acme&connector=box&since=2026-11-01T00:00:00%2B11:00',
  '/api/calls/count?search=hot%20water',
  '/api/calls/acme/1',
  '/api/connectors/box/plan',
  '/api/replays {"of":{"state":"failed"},"expected":1}',
  '/api/calls/acme/1/skip {"connector":"box","reason":"a test call"}',
  '/api/connectors/box/pause {"reason":"the CRM is changed"}',
  '/api/holdings {"number":"0412 345 678","region":"AU"}',
  '/api/trials {"source":"acme","pushes":"{\\"PLA_Call_Id\\":\\"7\\",\\"PLA_Duration\\":\\"50s\\"}"}',
];

/** The operator API, asked by an operator. */
async function operatorTarget(): Promise<Target> {
  const secret = 'an-operator-token-of-fuzzing';
  const yaml = `operator: { token: ${secret} }\nsources: { acme: {} }\nconnectors: { box: { type: sandbox } }\n`;
  let close = () => {};
  const over = new Promise<void>((resolve) => (close = resolve));
  const ready = Promise.withResolvers<Api>();
  const ended = withOperator(yaml, async ({ operator, settings, receive, index }) => {
    await receive(startPush('1'));
    await receive(endPush('1'));
    await index();
    const log = createLog('silent');
    const access = new Access({
      settings: () => settings,
      operatorToken: () => secret,
      useLink: async () => false,
      peer: () => '203.0.113.7',
      clock: systemClock,
      log,
    });
    ready.resolve(new Api({ operator, access, log }));
    await over;
  });
  ended.catch(ready.reject);
  const api = await ready.promise;
  return {
    name: 'the operator API',
    share: 2,
    corpus: asked,
    async read(text) {
      const [path = '', body] = text.split(/ (.*)/s, 2);
      const url = `http://bridge.example/${path.replace(/^\/+/, '')}`;
      if (!URL.canParse(url) || new URL(url).pathname.endsWith('/changes')) return;
      const answer = await api.routes.request(url, {
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { method: 'POST', body }),
      });
      const said = await answer.text();
      if (!told.has(answer.status)) throw new Error(`answered ${answer.status}: ${said}`);
    },
    async close() {
      close();
      await ended;
    },
  };
}

const token = 'a-push-token-for-fuzzing';
const answerable = new Set([200, 400, 403, 404, 405, 413, 415]);

async function endpointTarget(): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  const store = await openSqliteStore(join(folder, 'bridge.db'), 'bridge');
  const ledger = new Ledger({
    store,
    clock: systemClock,
    log: createLog('silent'),
    bytesPerSource: () => 1024 ** 2,
    written: () => {},
  });
  const app = receiveRoutes({
    current: () => ({
      tokens: new TokenTable({ acme: { tokens: [token] } }),
      sources: new Map([['acme', { allowFrom: new AddressList([]), rate: undefined, lapseAfterMs: 1_000 }]]),
      proxies: new AddressList([]),
      maxBodyBytes: 16_384,
      timeoutMs: 30_000,
      closing: false,
    }),
    record: (push) => store.record(push),
    route: () => ['crm'],
    recorded: () => {},
    refused: (push) => ledger.note(push),
    peer: () => '198.51.100.7',
    clock: { now: systemClock.now, after: (_, run) => systemClock.after(0, run) }, // guesses are answered late
    log: createLog('silent'),
  });
  const paths = [`/push/${token}`, `/Push/${token}/Create/`, `//push/${token}/update`, '/push/wrong'];
  const methods = ['POST', 'POST', 'POST', 'PUT'];
  return {
    name: 'the push endpoints',
    share: 2,
    corpus: [...pushes, ...handBuilt],
    async read(text) {
      const path = paths[text.length % paths.length] as string;
      const method = methods[(text.length >> 2) % methods.length] as string;
      const answer = await app.request(path, {
        method,
        body: text,
        headers: {
          'content-type': text.length % 2 ? 'text/plain' : 'application/json',
          ...(text.length % 7 === 0 ? { 'content-encoding': 'gzip' } : {}),
        },
      });
      if (!answerable.has(answer.status)) throw new Error(`answered ${answer.status}`);
      const said = (await answer.json()) as Record<string, unknown>;
      if (Object.keys(said).join() !== 'PLA_Call_Id,success,error')
        throw new Error(`answered ${JSON.stringify(said)}`);
      if (Object.values(said).some((value) => typeof value !== 'string'))
        throw new Error('answered what is no text');
    },
    async close() {
      await ledger.close();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
