import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  failureOfAnswer as hubspotAnswer,
  failureOfRow as hubspotRow,
  propertyProblems,
} from '../../connectors/hubspot/failures.ts';
import {
  failureOfToken,
  failureOfAnswer as salesforceAnswer,
  failureOfRow as salesforceRow,
} from '../../connectors/salesforce/failures.ts';
import { systemClock } from '../../src/clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import { parseTree } from '../../src/config/parse-yaml.ts';
import { ConfigProblems, ProblemList } from '../../src/config/problems.ts';
import { parseDuration as parseSetting, parseSize } from '../../src/config/quantities.ts';
import { withheldWords } from '../../src/config/withheld-words.ts';
import { createLog } from '../../src/log.ts';
import { AddressList, senderAddress } from '../../src/receive/addresses.ts';
import { readCall } from '../../src/receive/call.ts';
import { maskNumber, parsePhone, samePhone, writtenForms } from '../../src/receive/phone.ts';
import { decodeBody, parsePush, UnreadablePush } from '../../src/receive/push.ts';
import { receiveRoutes } from '../../src/receive/routes.ts';
import { TokenTable } from '../../src/receive/tokens.ts';
import { parseAmount, parseDuration, parseInstant, parseUrl, parseYesNo } from '../../src/receive/values.ts';
import { compileCondition, compileTemplate, holds, TemplateProblem } from '../../src/route/template.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { endPush, endSample, startPush, startSample } from '../support/build-push.ts';
import { answering, faults as hubspotFaults } from '../support/hubspot-emulator.ts';
import { faults as salesforceFaults } from '../support/salesforce-emulator.ts';

/** Something that reads what comes from outside. It may refuse, in its own words; anything else it throws is a bug. */
export interface Target {
  name: string;
  corpus: string[];
  /** How many inputs it gets for each hundred. */
  share: number;
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
    await configurationTarget(),
    await endpointTarget(),
  ];
}

const pushes = [
  startSample,
  endSample,
  JSON.stringify(startPush('7', { PLA_Call_Id: '99999999999999999999' })),
  'PLA_Call_Id=7&PLA_Caller_Phone_Number=%2B61444444444',
  '{"PLA_Call_Id":7,"PLA_Duration":50,"nested":{"a":[1,{"b":null}]}}',
];

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
];

function readNumber(text: string): void {
  const { number } = parsePhone(text, 'AU');
  if (number !== null && !/^\+\d{3,15}$/.test(number)) throw new Error(`"${number}" is not E.164`);
  if (number !== null) writtenForms(number, 'AU');
  samePhone(text, '+61412345678', 'NZ');
  maskNumber(text);
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

const yamls = [repository('config/default.yaml'), repository('config/example.yaml')];

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
  mapped: new Set(['Subject']),
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
  salesforceAnswer({ status, body: text }, salesforceCircumstances);
  failureOfToken({ status, body: text }, 'Check the app.', salesforceCircumstances);
  if (typeof body === 'object' && body !== null) {
    hubspotRow(body, circumstances);
    salesforceRow(Array.isArray(body) ? body : [body], salesforceCircumstances);
  }
}

const token = 'a-push-token-for-fuzzing';
const answerable = new Set([200, 400, 403, 404, 405, 413]);

async function endpointTarget(): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  const store = await openSqliteStore(join(folder, 'bridge.db'), 'bridge');
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
    recordUnreadable: (body) => store.recordUnreadable(body),
    route: () => ['crm'],
    recorded: () => {},
    refused: () => {},
    peer: () => '198.51.100.7',
    clock: { now: systemClock.now, after: (_, run) => systemClock.after(0, run) }, // guesses are answered late
    log: createLog('silent'),
  });
  const paths = [`/push/${token}`, `/push/${token}/create`, `/push/${token}/update`, '/push/wrong'];
  const methods = ['POST', 'POST', 'POST', 'PUT'];
  return {
    name: 'the push endpoints',
    share: 2,
    corpus: pushes,
    async read(text) {
      const path = paths[text.length % paths.length] as string;
      const method = methods[(text.length >> 2) % methods.length] as string;
      const answer = await app.request(path, {
        method,
        body: text,
        headers: { 'content-type': text.length % 2 ? 'text/plain' : 'application/json' },
      });
      if (!answerable.has(answer.status)) throw new Error(`answered ${answer.status}`);
      const said = (await answer.json()) as Record<string, unknown>;
      if (Object.keys(said).join() !== 'PLA_Call_Id,success,error')
        throw new Error(`answered ${JSON.stringify(said)}`);
      if (Object.values(said).some((value) => typeof value !== 'string'))
        throw new Error('answered what is no text');
    },
    async close() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
