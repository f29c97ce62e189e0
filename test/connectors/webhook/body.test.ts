import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import webhook from '../../../connectors/webhook/index.ts';
import { differencesOf } from '../../../src/cli/differences.ts';
import type { PlannedRequest } from '../../../src/connector/index.ts';
import { load, problemsOf } from '../../config/with-config.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { assert, suite } from '../../support/suite.ts';
import { isSignature, testSecret } from '../../support/webhook-receiver.ts';
import { deliverOne } from './rig.ts';

const bodies = suite('a body of the receiver’s own');

const body = {
  text: '{{ call.title }}',
  answered: "{{ call.result == 'answered' }}",
  missed: '{{ call.missed }}',
  seconds: '{{ PLA_Duration }}',
  minutes: '{{ PLA_Duration | divided_by: 60.0 | round: 1 }}',
  rangAt: '{{ call.startedAt }}',
  day: '{{ call.startedAt | date: "%d/%m/%Y" }}',
  amount: '{{ call.survey.saleAmount }}',
  menu: 'menu: {{ call.ivr }}',
  priority: 2,
  isTest: false,
  contact: { phone: '{{ call.caller.number }}', name: { last: '{{ call.caller.display }}' } },
  tags: ['phone', '{{ PLA_Dealer_Name }}', { of: '{{ call.source }}' }],
};
const missed = [
  startPush('1', { PLA_CallStartTime: '00000001556755937003', PLA_Dealer_Name: 'Acme' }),
  endPush('1', {
    PLA_CallResult: 'Unanswered',
    PLA_Duration: '225s',
    PLA_VoicemailLeft: 'No',
    PLA_Answering_Point: '0298989898',
    PLA_dtmf: '',
    PLA_SurveySaleAmount: '',
  }),
];

/** One that files whatever is posted. */
async function withAnyReceiver(
  use: (url: string, received: { id: string; headers: Record<string, unknown>; body: string }[]) => unknown,
): Promise<void> {
  const received: { id: string; headers: Record<string, unknown>; body: string }[] = [];
  const server = createServer(async (request, response) => {
    received.push({
      id: String(request.headers['webhook-id']),
      headers: request.headers,
      body: await text(request),
    });
    response.writeHead(200).end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, received);
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
}

const optionsFor = (url: string, settings: object) =>
  webhook.options.parse({ url, secrets: [testSecret], allowPrivate: true, ...settings });

bodies(
  'is posted in place of the event, each value with its type, under the same id, and signed as it is',
  () =>
    withAnyReceiver(async (url, received) => {
      const connection = await webhook.open(optionsFor(url, { body }), testTools());
      for (let time = 0; time < 2; time++)
        assert.is((await deliverOne(connection, deliveryOf(missed))).kind, 'delivered');
      await connection.close();
      const [first, again] = received;
      assert.equal(JSON.parse(first?.body ?? ''), {
        text: 'Missed call from 0444 444 444 to Acme',
        answered: false,
        missed: true,
        seconds: 225,
        minutes: 3.8,
        rangAt: '2019-05-02T00:12:17.003Z',
        day: '02/05/2019',
        amount: null,
        menu: 'menu: ',
        priority: 2,
        isTest: false,
        contact: { phone: '+61444444444', name: { last: '0444 444 444' } },
        tags: ['phone', 'Acme', { of: 'acme' }],
      });
      assert.is(first?.id, '1_2');
      assert.equal([again?.id, again?.body], [first?.id, first?.body]);
      const { headers } = first!;
      assert.is(headers['content-type'], 'application/json');
      const signed = `${first?.id}.${headers['webhook-timestamp']}.${first?.body}`;
      assert.ok(await isSignature(testSecret, String(headers['webhook-signature']), signed));
    }),
);

bodies('is what a dry run plans and what drafts name, by path', async () => {
  const options = optionsFor('http://127.0.0.1:1/', { body });
  const planned: PlannedRequest[] = [];
  const plan = (request: PlannedRequest) => void planned.push(request);
  const connection = await webhook.openDry!(options, testTools(), { plan } as never);
  await deliverOne(connection, deliveryOf(missed));
  assert.match(JSON.stringify(planned[0]?.body), '"text":"Missed call from 0444 444 444 to Acme"');
  const [draft] = webhook.draft(options, deliveryOf(missed));
  assert.equal(
    ['contact.name.last', 'tags.1', 'tags.2.of', 'rangAt', 'minutes', 'amount'].map(
      (name) => draft?.properties[name],
    ),
    ['0444 444 444', 'Acme', 'acme', '2019-05-02T00:12:17.003Z', 3.8, undefined],
  );
});

bodies('of more than a megabyte fails its call alone', () =>
  withAnyReceiver(async (url, received) => {
    const long = startPush('1', { PLA_ExtraTracking: 'x'.repeat(100_000) });
    const many = Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`n${n}`, '{{ call.extra }}']));
    const connection = await webhook.open(optionsFor(url, { body: many }), testTools());
    const outcome = await deliverOne(connection, deliveryOf([long]));
    assert.is(outcome.kind, 'rejected');
    assert.match(JSON.stringify(outcome), 'bytes long, and 1000000 are the most');
    assert.is((await deliverOne(connection, deliveryOf([startPush('2')]))).kind, 'delivered');
    await connection.close();
    assert.is(received.length, 1);
  }),
);

const yaml = (settings: string) =>
  `connectors:\n  hook:\n    type: webhook\n    url: https://a.example\n    secrets: [${testSecret}]\n${settings}\n`;

for (const [what, settings, problem] of [
  [
    'a name that no call has, however deep',
    '    body:\n      a: { b: ["{{ call.caler.number }}"] }\n      c: "{{ PLA_Keyword }}"',
    `\
7:16 connectors.hook.body.a.b[0]: no call has the name "call.caler.number". Did you mean "call.caller.number"?
8:10 connectors.hook.body.c: Delacon's article has no field PLA_Keyword. Did you mean "PLA_Keywords_Searched"? One that your account sends besides is call.fields.PLA_Keyword.`,
  ],
  [
    'properties and a test event beside it',
    '    properties: { a: b }\n    testEvent: true\n    body: { a: b }',
    `\
6:17 connectors.hook.properties: stands in the event that body replaces. Move what it has into body.
7:16 connectors.hook.testEvent: is of the event that body replaces. Leave it out.`,
  ],
  [
    'a text, such as JSON, and nothing at all',
    '    body: \'{ "a": 1 }\'',
    '6:11 connectors.hook.body: must be a group, such as { text: "{{ call.title }}" }, without quotes around the whole.',
  ],
  ['an empty one', '    body: {}', '6:11 connectors.hook.body: must not be empty.'],
  [
    'more levels than anybody reads',
    `    body: ${'{ a: '.repeat(9)}1${' }'.repeat(9)}`,
    '6:51 connectors.hook.body.a.a.a.a.a.a.a.a: is more than 8 levels deep.',
  ],
  [
    'more values than anybody maps',
    `    body: { a: [${Array.from({ length: 250 }, () => 1).join(', ')}] }`,
    '6:617 connectors.hook.body.a[200]: is one of more than 200 values.',
  ],
  [
    'other words for it',
    '    payload: { a: b }',
    '6:5 connectors.hook.payload: unknown setting. Did you mean "body"?',
  ],
] as const)
  bodies(`check tells of ${what}`, async () => {
    assert.is(await problemsOf(yaml(settings)), problem);
  });

bodies('check tells of a name without its braces', async () => {
  const { warnings } = await load(yaml('    body: { contact: { phone: call.caller.number } }'));
  assert.match(
    warnings.join('\n'),
    'connectors.hook.body.contact.phone: it writes the words "call.caller.number" and no value of the call. Did you mean {{ call.caller.number }}?',
  );
});

bodies('a test of the mapping expects it by path', async () => {
  const test = `tests:
  - name: one
    pushes: [{ PLA_Caller_Phone_Number: 0412 345 678 }, { PLA_CallResult: Busy }]
    records: { hook: { activity: { contact.phone: "+61412345678", tags.0: busy, note: null, text: { contains: Missed } } } }`;
  const { settings } = await load(
    `${yaml('    body: { text: "{{ call.title }}", contact: { phone: "{{ PLA_Caller_Phone_Number }}" }, tags: ["{{ call.result }}", b], note: "{{ call.ivr }}" }')}${test}`,
  );
  assert.equal(differencesOf(settings, settings.tests[0]!, {}), []);
  const { settings: wrong } = await load(
    `${yaml('    body: { phone: "{{ PLA_Caller_Phone_Number }}" }')}${test}`,
  );
  assert.match(JSON.stringify(differencesOf(wrong, wrong.tests[0]!, {})), '(nothing); the webhook has phone');
});

bodies.run();
