// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of the YAML
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigProblems } from '../../src/config/problems.ts';
import { assert, suite } from '../support/suite.ts';
import { crm, problemsOf, withConfig } from './with-config.ts';

const problems = suite('configuration problems');

problems('a file with eight mistakes gets eight located messages', async () => {
  const cwd = fileURLToPath(new URL('fixtures', import.meta.url));
  const thrown = await loadConfig('eight-mistakes.yaml', { env: {}, cwd }).catch(
    (problem: unknown) => problem,
  );
  assert.instance(thrown, ConfigProblems);
  const { message, problems } = thrown as ConfigProblems;
  assert.is(
    message,
    `\
eight-mistakes.yaml:5:17   sources.acme.lapseAfter: a duration needs a unit: write 90s, 90m, 90h or 90d.
eight-mistakes.yaml:7:14   sources.beta.tokens[0]: is a token of sources.acme already. Make another one.
eight-mistakes.yaml:12:18  connectors.acme-crm.accessToken: \${CRM_TOKEN} is not set. Write CRM_TOKEN=… into .env, or export it.
eight-mistakes.yaml:13:5   connectors.acme-crm.wirte: unknown setting. Did you mean "write"?
eight-mistakes.yaml:15:17  connectors.acme-crm.properties.keywords: no call has the name "call.marketing.keyword". Did you mean "call.marketing.keywords"?
eight-mistakes.yaml:16:28  connectors.acme-crm.person.whenSeveral: there is no "newst". Did you mean "newest"? It must be newest, oldest or none.
eight-mistakes.yaml:18:11  connectors.acme-hubspot.type: there is no "hubspott". Did you mean "hubspot"? Known connectors: hubspot, salesforce, sandbox, webhook.
eight-mistakes.yaml:21:10  routes[0].to[0]: there is no connector "acme-cmr". Did you mean "acme-crm"?`,
  );
  assert.equal(problems[3], {
    file: 'eight-mistakes.yaml',
    line: 13,
    column: 5,
    path: 'connectors.acme-crm.wirte',
    message: 'unknown setting. Did you mean "write"?',
  });
});

const token = 'a'.repeat(16);
const cases: [what: string, yaml: string, expected: string][] = [
  [
    'a result with a letter wrong',
    'sources: { acme: { missed: [unanswerd, Busy, Abandoned, No reply, Not answered] } }',
    '1:29 sources.acme.missed[0]: "unanswerd" is nearly a result. Did you mean "unanswered"?',
  ],
  [
    'a push URL that opens the page',
    `operator: { token: ${token} }\nsources: { acme: { tokens: [${token}] } }`,
    '2:29 sources.acme.tokens[0]: is operator.token already. Make another one.',
  ],
  // What YAML itself has to say
  ['an open quote', 'log: { level: "info', '1:20 a quote is not closed before this place.'],
  ['a tab', 'log:\n\tlevel: info', '2:1 a tab cannot indent YAML. Use blanks.'],
  ['a missing colon', 'log: {}\nlisten', '2:1 a name needs a colon and a value after it.'],
  [
    'two colons',
    'listen: port: 1',
    '1:9 there is a second "name: value" in this line. Put the value in quotes.',
  ],
  ['a list without its end', 'include: [a', '1:12 a list that begins with [ must end with ].'],
  [
    'a second document',
    'log: {}\n---\nlog: {}',
    '2:1 a second document begins here. Leave out the "---", or use include.',
  ],
  ['a tag', 'log: !level info', '1:6 tags (!word) mean nothing here. If it is text, put it in quotes.'],
  [
    'a key that comes twice',
    'listen:\n  port: 1\n  host: x\n  port: 2',
    '4:3 listen.port: is here twice, the first time in line 2. Leave one of them out.',
  ],
  ['an alias without an anchor', 'log: *level', '1:6 this alias has no anchor before it.'],
  [
    'an alias within its anchor',
    'log: &log { level: *log }',
    '1:20 this alias stands inside its own anchor.',
  ],
  [
    'aliases that multiply',
    `${'abcdefghi'.replace(
      /./g,
      (at) =>
        `${at}: &${at} [${
          at === 'a'
            ? 1
            : Array(10)
                .fill(`*${String.fromCharCode(at.charCodeAt(0) - 1)}`)
                .join()
        }]\n`,
    )}`,
    '6:11 the aliases multiply beyond measure.',
  ],
  ['deep nesting', `a: ${'['.repeat(70)}1${']'.repeat(70)}`, '1:64 is nested too deeply.'],
  [
    'a list instead of settings',
    '- a',
    '1:1 the file must consist of settings, as in "listen: { port: 8080 }".',
  ],
  [
    'a key that objects have',
    '__proto__: {}',
    '1:1 this cannot be the name of a setting: write a word before the colon.',
  ],
  [
    'a merge of nothing',
    '<<: 1',
    '1:1 << merges groups of settings: write <<: *name of an anchor on a group.',
  ],

  // Names
  [
    'settings that do not exist yet',
    'retantion: { calls: 1d }\ntracing: {}',
    `\
1:1 retantion: unknown setting. Did you mean "retention"?
2:1 tracing: unknown setting. Known here: listen, store, receive, delivery, retention, operator, alerts, log, include, sources, connectors, routes, tests.`,
  ],
  [
    'a setting in another letter case',
    'listen: { publicurl: "https://a.example" }',
    '1:11 listen.publicurl: unknown setting. Did you mean "publicUrl"?',
  ],
  [
    "a CRM's own words for what every connector has",
    'connectors: { sandbox: { type: sandbox, contact: {}, task: {}, deal: {}, lead: {}, call: {} } }',
    `\
1:41 connectors.sandbox.contact: unknown setting. Did you mean "person"?
1:54 connectors.sandbox.task: unknown setting. Did you mean "followUp"?
1:64 connectors.sandbox.deal: unknown setting. Did you mean "sale"?
1:74 connectors.sandbox.lead: unknown setting. Did you mean "person"?
1:84 connectors.sandbox.call: unknown setting. Did you mean "activity"?`,
  ],
  [
    'other words for titles and times, and working hours as a text',
    'connectors: { sandbox: { type: sandbox, activity: { subject: a }, followUp: { title: a, dueAt: 1h, hours: 9-5 }, sale: { title: a, stage: b, if: call.missed } } }',
    `\
1:53 connectors.sandbox.activity.subject: unknown setting. Did you mean "title"?
1:79 connectors.sandbox.followUp.title: unknown setting. Did you mean "subject"?
1:89 connectors.sandbox.followUp.dueAt: unknown setting. Did you mean "due"?
1:107 connectors.sandbox.followUp.hours: must be a group of settings ("name: value", one a line; known here: days, from, to, except).
1:122 connectors.sandbox.sale.title: unknown setting. Did you mean "name"?
1:142 connectors.sandbox.sale.if: unknown setting. Did you mean "when"?`,
  ],
  [
    'what is missing because it has another name, once',
    'connectors: { hook: { type: webhook, url: "https://a.example", secret: a } }\nroutes: []',
    '1:64 connectors.hook.secret: unknown setting. Did you mean "secrets"?',
  ],
  [
    'opening hours that are none, and says nothing of what follows from them',
    'connectors: { sandbox: { type: sandbox, followUp: { hours: { from: 9am, to: "17:00" } } } }',
    '1:68 connectors.sandbox.followUp.hours.from: must be a time such as "09:00".',
  ],
  [
    'a day that ends before it begins',
    'connectors: { sandbox: { type: sandbox, followUp: { hours: { from: 9:00, to: 8:30 } } } }',
    '1:78 connectors.sandbox.followUp.hours.to: must be later than `from`.',
  ],
  [
    'a wait, and a morning, each where the other stands',
    'connectors: { one: { type: sandbox, followUp: { due: 4h } }, two: { type: sandbox, followUp: { dueIn: next business day } } }\nroutes: []',
    `\
1:54 connectors.one.followUp.due: must be "next business morning": when hours.from comes next on a working day. For a wait, write dueIn: 4h in its place.
1:103 connectors.two.followUp.dueIn: "next business day" is not a duration. Write one like 5s, 1m, 4h or 7d. For the morning of the next working day, write due: next business morning in its place.`,
  ],
  [
    'a task that is due twice',
    'connectors: { sandbox: { type: sandbox, followUp: { dueIn: 4h, due: next business morning } } }',
    '1:69 connectors.sandbox.followUp.due: stands beside dueIn, and a task is due once. Take one of them out.',
  ],
  [
    'owners that name nobody, and halves of a rule',
    'connectors: { one: { type: sandbox, owner: {} }, two: { type: sandbox, owner: { by: call.dealer.name } }, three: { type: sandbox, owner: { map: { a: b } } }, four: { type: sandbox, owner: [a] }, five: { type: sandbox, assignee: a } }\nroutes: []',
    `\
1:44 connectors.one.owner: names nobody. Write an e-mail address (owner: jane@acme.example), or by and map where the call decides.
1:72 connectors.two.owner.map: is missing. Value → e-mail address of the CRM's user. Phone numbers may be written in any form.
1:131 connectors.three.owner.by: is missing. What decides: call.answeredBy.number, call.serviceId, call.dealer.name.
1:189 connectors.four.owner: names nobody. Write an e-mail address (owner: jane@acme.example), or by and map where the call decides.
1:219 connectors.five.assignee: unknown setting. Did you mean "owner"?`,
  ],
  [
    'an unknown setting without a value',
    'listen: { prot: }',
    '1:11 listen.prot: unknown setting. Did you mean "port"?',
  ],
  [
    'a name that fits no URL',
    'sources: { "acme pty": {} }\nroutes: []',
    '1:12 sources["acme pty"]: a name has only letters, digits, - and _, and begins with a letter or a digit.',
  ],

  // Kinds of values
  [
    'a text for a group',
    'listen: 8080',
    '1:9 listen: must be a group of settings ("name: value", one a line; known here: host, port, publicUrl, trustedProxies).',
  ],
  ['a text for a list', 'include: a.yaml', '1:10 include: must be a list: write it in [ ].'],
  ['a text for a number', 'listen: { port: http }', '1:17 listen.port: must be a number.'],
  ['a fraction', 'listen: { port: 80.5 }', '1:17 listen.port: must be a whole number.'],
  ['a port that is none', 'listen: { port: 99999 }', '1:17 listen.port: must be at most 65535.'],
  ['no boolean', `routes: [{ to: [sandbox], stop: yes }]`, '1:33 routes[0].stop: must be true or false.'],
  [
    'a number where YAML would drop zeros',
    'operator: { token: 0123 }',
    '1:20 operator.token: must be text. Put it in quotes.',
  ],
  [
    'an operator token that can be guessed',
    'operator: { token: hunter2 }',
    '1:20 operator.token: is too short: a token has at least 16 characters. Try openssl rand -hex 24.',
  ],
  [
    'an operator token that was pasted with its blanks',
    'operator: { token: " abcdefghijklmnop" }',
    '1:20 operator.token: begins or ends with a blank or an end of line. Was it pasted with it?',
  ],
  [
    'a token of a CRM that was pasted with its end of line',
    'connectors: { acme: { type: hubspot, accessToken: "pat-ap1-0123456789\\n" } }',
    '1:51 connectors.acme.accessToken: begins or ends with a blank or an end of line. Was it pasted with it?',
  ],
  [
    'a read-only token that may do everything',
    'operator: { token: abcdefghijklmnop, readOnlyToken: abcdefghijklmnop }',
    '1:53 operator.readOnlyToken: is the same as operator.token. Give the read-only role one of its own.',
  ],
  [
    'an unknown word',
    'log: { level: warning }',
    '1:15 log.level: there is no "warning". It must be debug, info, warn, error or silent.',
  ],
  [
    'an address without scheme',
    'listen: { publicUrl: a.example }',
    '1:22 listen.publicUrl: must be a URL, as in https://calls.example.com.',
  ],
  [
    'another scheme',
    'listen: { publicUrl: "ftp://a.example" }',
    '1:22 listen.publicUrl: must be a URL, as in https://calls.example.com.',
  ],
  [
    'an address at which everything would travel in the open',
    'listen: { publicUrl: "http://a.example" }',
    "1:22 listen.publicUrl: must begin with https:// (http:// is for this machine only): callers' numbers and the operator's token would travel in the open. Put a proxy that speaks https in front.",
  ],
  [
    'an address that nothing can be put behind',
    'listen: { publicUrl: "https://a.example/?a=b" }',
    '1:22 listen.publicUrl: must be an address alone, without user, query or #: paths are put behind it.',
  ],
  [
    'ranges that are none',
    'listen: { trustedProxies: [10.0.0.0/33, localhost, 10.0.0.1/8/9, ::1, 10.0.0.0/8] }',
    `\
1:28 listen.trustedProxies[0]: "10.0.0.0/33" is no address or range. Write one like 203.0.113.7 or 203.0.113.0/24.
1:41 listen.trustedProxies[1]: "localhost" is no address or range. Write one like 203.0.113.7 or 203.0.113.0/24.
1:52 listen.trustedProxies[2]: "10.0.0.1/8/9" is no address or range. Write one like 203.0.113.7 or 203.0.113.0/24.`,
  ],
  [
    'PostgreSQL, without showing its password',
    'store: { url: "postgres://bridge:secret@db/bridge" }',
    '1:15 store.url: PostgreSQL is not built yet. Use sqlite:data/bridge.db.',
  ],
  [
    'another store',
    'store: { url: data/bridge.db }',
    '1:15 store.url: must begin with sqlite: and name a file, as in sqlite:data/bridge.db.',
  ],
  ['a tiny size', 'receive: { maxBodyBytes: 1B }', '1:26 receive.maxBodyBytes: must be at least 1024.'],
  [
    'delays that are none',
    'delivery: { retry: [], probe: 5s, giveUpAfter: soon }',
    `\
1:20 delivery.retry: must not be empty.
1:31 delivery.probe: must be a list: write it in [ ].
1:48 delivery.giveUpAfter: "soon" is not a duration. Write one like 5s, 1m, 4h or 7d.`,
  ],

  // Sources
  [
    'tokens that are easy to guess or fit no URL',
    `sources: { acme: { tokens: [short, "with/slash/and%percent"] } }`,
    `\
1:29 sources.acme.tokens[0]: is too short: a token has at least 16 characters. Try openssl rand -hex 24.
1:36 sources.acme.tokens[1]: has characters that do not fit a URL: use letters, digits and - . _ ~ only.`,
  ],
  [
    'a token twice in one list',
    `sources: { acme: { tokens: [${token}, ${token}] } }`,
    '1:47 sources.acme.tokens[1]: is in this list already. Make another one.',
  ],
  [
    'a region that is none',
    'sources: { acme: { region: XY } }',
    '1:28 sources.acme.region: "XY" is no country code: use two capital letters, such as AU or NZ.',
  ],
  [
    'a time zone that is none',
    'sources: { acme: { timezone: Australia/Sidney } }',
    '1:30 sources.acme.timezone: there is no time zone "Australia/Sidney". Did you mean "Australia/Sydney"?',
  ],
  [
    'a country whose time zone nobody can guess',
    'sources:\n  acme: { region: US }',
    '2:3 sources.acme.timezone: is missing: US has no default one. Write one like Australia/Perth.',
  ],
  [
    'a prefix that runs into the number after it',
    'sources: { acme: { callIdPrefix: acme2 } }',
    '1:34 sources.acme.callIdPrefix: may have letters, digits and - . _ only, and must not end with a digit, as call ids begin with one.',
  ],
  [
    'two accounts in one CRM',
    'sources:\n  acme:\n  beta:\n  other: { callIdPrefix: o- }\nroutes: [{ to: [sandbox] }]',
    '3:3 sources.beta.callIdPrefix: acme and beta both feed sandbox, where the call ids of two Delacon accounts may collide. Set callIdPrefix: beta- on the newer one; records already in the CRM keep their ids.',
  ],

  // Connectors
  [
    'a connector without a type',
    'connectors:\n  acme: { accessToken: x }',
    '2:3 connectors.acme.type: is missing. Folder in connectors/, a package, or ./path/to/module. The other settings are its own.',
  ],
  [
    'a setting that a connector must have',
    `connectors:\n  acme:\n    type: ${crm}`,
    '2:3 connectors.acme.accessToken: is missing. A token of the CRM.',
  ],
  [
    'what a connector finds wrong',
    `connectors:
  acme:
    type: ${crm}
    accessToken: abcdefgh
    baseUrl: http://crm.example
    timeoutSeconds: 90
    tries: 1.5
    title: "{{ call.caller }}"
    when: call.missed and
    lead: leed
    properties: { a: "{{ call.id | shout }}", b: [1] }
    login: { flow: pasword }`,
    `\
5:14 connectors.acme.baseUrl: must begin with https:// (http:// is for this machine only): the token would travel in the open.
6:21 connectors.acme.timeoutSeconds: must be at most 60.
7:12 connectors.acme.tries: must be a whole number.
8:12 connectors.acme.title: call.caller is a group, not a value. It has call.caller.number, call.caller.national, call.caller.display, call.caller.raw, call.caller.country, call.caller.withheld, ….
9:11 connectors.acme.when: "call.missed and" is not a complete condition.
10:11 connectors.acme.lead: there is no "leed". Did you mean "Lead"? It must be Lead, Contact or false.
11:22 connectors.acme.properties.a: undefined filter: shout.
11:50 connectors.acme.properties.b: must be text, or a number, or true or false.
12:20 connectors.acme.login.flow: there is no "pasword". Did you mean "password"? It must be key or password.`,
  ],
  [
    'an address of a CRM that is none',
    `connectors:\n  acme:\n    type: ${crm}\n    accessToken: abcdefgh\n    baseUrl: crm.example`,
    '5:14 connectors.acme.baseUrl: must be a URL, as in https://calls.example.com.',
  ],
  [
    'a login of which half is there',
    `connectors: { acme: { type: ${crm}, accessToken: abcdefgh, login: { flow: key } } }`,
    `1:${crm.length + 54} connectors.acme.login.key: is missing. The key.`,
  ],

  // Routes
  [
    'routes that lead nowhere',
    'routes: [{ source: defualt, to: [sandbax] }, { to: [] }, { to: sandbox }]',
    `\
1:20 routes[0].source: there is no source "defualt". Did you mean "default"?
1:34 routes[0].to[0]: there is no connector "sandbax". Did you mean "sandbox"?
1:52 routes[1].to: must not be empty.
1:64 routes[2].to: must be a list: write it in [ ].`,
  ],
  [
    'a connector that has no likeness',
    'routes: [{ to: [my-crm] }]',
    '1:17 routes[0].to[0]: there is no connector "my-crm". Known: sandbox.',
  ],
  [
    'a condition with braces',
    'routes: [{ to: [sandbox], when: "{{ call.missed }}" }]',
    '1:33 routes[0].when: a condition is a bare expression: leave out the braces.',
  ],
  [
    'alerts that would travel in the open',
    'alerts: { webhook: { url: "http://hooks.acme.example/s3cr3t" } }',
    '1:27 alerts.webhook.url: must begin with https:// (http:// is for this machine only): the token would travel in the open.',
  ],
  [
    'alerts to what is no address, without quoting it',
    'alerts: { webhook: { url: "s3cr3t" }, email: { url: "https://s3cr3t.example" } }',
    `\
1:27 alerts.webhook.url: is no address: it begins with https://.
1:53 alerts.email.url: must be like smtps://user:password@smtp.acme.example, or smtp:// for STARTTLS.`,
  ],
  [
    'alerts in a form that the chat does not take',
    'alerts: { webhook: { url: "https://hooks.slack.com/services/T0/B0/x" } }',
    '1:27 alerts.webhook.url: hooks.slack.com takes form: slack.',
  ],
  [
    'e-mail without a sender and a server, and with half an account',
    'alerts: { email: { to: [ops@acme.example], user: bridge } }',
    `\
1:24 alerts.email.to: needs from beside it: an address that the mail server may send from.
1:24 alerts.email.to: needs a mail server beside it: name it as host, or give all of it as url.
1:50 alerts.email.user: needs password beside it.`,
  ],
  [
    'e-mail addresses that are none, and a line break in one',
    'alerts: { email: { to: [ops], host: mail, from: "Calls\\nBcc: eve@evil.example <bridge@acme.example>" } }',
    `\
1:25 alerts.email.to[0]: "ops" is no e-mail address. Write one like ops@acme.example.
1:49 alerts.email.from: "Calls Bcc: eve@evil.example <bridge@acme.example>" is no e-mail address. Write one like ops@acme.example.`,
  ],
  [
    'a mail server that is given twice',
    'alerts: { email: { url: "smtp://mail.acme.example", port: 25 } }',
    '1:25 alerts.email.url: says all of it: leave out host, port, user and password.',
  ],
  [
    'alert times without a unit, a zone that is none and a time of day that is none',
    'alerts: { blockedFor: 5, silentFor: never, digest: "8.00", timezone: Australia/Sidney }',
    `\
1:23 alerts.blockedFor: a duration needs a unit: write 5s, 5m, 5h or 5d. Or off.
1:37 alerts.silentFor: "never" is not a duration. Write one like 5s, 1m, 4h or 7d. Or off.
1:52 alerts.digest: must be a time such as "09:00".
1:70 alerts.timezone: there is no time zone "Australia/Sidney". Did you mean "Australia/Sydney"?`,
  ],
  [
    'a name that no call has',
    'routes: [{ to: [sandbox], when: "call.delaer.category == 1" }]',
    '1:33 routes[0].when: no call has the name "call.delaer.category". Did you mean "call.dealer.category"?',
  ],
];
for (const [what, yaml, expected] of cases) {
  problems(`finds ${what}`, async () => assert.is(await problemsOf(yaml), expected));
}

problems('a file that was named and is not there says what to do', () =>
  withConfig({}, async ({ problems }) => {
    assert.is(
      await problems({}, 'my.yaml'),
      'my.yaml  cannot be read: there is no such file. Copy config/example.yaml to it, or name another with --config.',
    );
  }),
);

problems('a folder in place of the usual file is not taken for no file', () =>
  withConfig({ 'config/bridge.yaml/x': '' }, async ({ problems }) => {
    assert.match(await problems(), 'config/bridge.yaml  cannot be read: it is a folder.');
  }),
);

problems('a file outside the working directory is shown whole', () =>
  withConfig({ 'a.yaml': 'log: 1' }, ({ path }) =>
    withConfig({}, async ({ problems }) => {
      assert.match(await problems({}, `${path}/a.yaml`), `${path}/a.yaml:1:6  log: must be`);
    }),
  ),
);

problems('a control character in a value does not reach the terminal', async () => {
  assert.is(
    await problemsOf('log: { level: "\\e[31m\\nred" }'),
    '1:15 log.level: there is no " [31m red". It must be debug, info, warn, error or silent.',
  );
});

problems('a connector whose own check throws is one problem of that connector', async () => {
  const type = crm.replace('crm.ts', 'trips.ts');
  assert.is(
    await problemsOf(`log: { level: x }\nconnectors:\n  acme: { type: ${type}, port: 1 }`),
    `\
1:15 log.level: there is no "x". It must be debug, info, warn, error or silent.
3:9 connectors.acme: "trips" could not check its settings: nobody thought of 1.`,
  );
});

problems.run();
