// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of the YAML
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { ConfigProblems } from '../../src/config/problems.ts';
import type { Settings } from '../../src/config/settings.ts';
import { assert, suite } from '../support/suite.ts';
import { crm, load, withConfig } from './with-config.ts';

const loading = suite('loading the configuration');

const token = 'abcdefghijklmnop';

const withoutPlaces = (routes: Settings['routes']) => routes.map(({ place: _, ...route }) => route);

loading('without a file the built-in settings hold', async () => {
  const { settings, warnings, files, secrets } = await load({});
  assert.equal(settings.listen.port, 8080);
  assert.equal(settings.store, { url: 'sqlite:data/bridge.db' });
  assert.equal(settings.receive, { maxBodyBytes: 262_144, timeoutMs: 30_000 });
  assert.equal(settings.delivery, {
    retryMs: [5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 10_800_000, 21_600_000],
    giveUpAfterMs: 604_800_000,
    probeMs: [5_000, 15_000, 60_000, 120_000, 300_000, 900_000],
  });
  assert.is(settings.operator.token, undefined);
  assert.equal(Object.keys(settings.sources), ['default']);
  assert.is(settings.connectors['sandbox']?.definition.type, 'sandbox');
  assert.equal(withoutPlaces(settings.routes), [{ sources: ['default'], to: ['sandbox'], stop: false }]);
  assert.equal([warnings, secrets], [[], []]);
  assert.equal(
    files.map((file) => file.replace(/.*\/config\//, '')),
    ['default.yaml'],
  );
});

loading('settings are laid over the defaults key by key, and lists are replaced', async () => {
  const { settings } = await load('listen: { port: 9000 }\ndelivery: { retry: [1s, 500ms] }\nlog:\n');
  assert.is(settings.listen.port, 9000);
  assert.is(settings.listen.host, '127.0.0.1');
  assert.equal(settings.delivery.retryMs, [1_000, 500]);
  assert.is(settings.delivery.giveUpAfterMs, 604_800_000);
  assert.is(settings.log.level, 'info', 'a key without a value is as if it were not there');
});

loading('a source has its defaults, even when nothing stands below its name', async () => {
  const { settings } = await load(
    'sources:\n  acme:\n  nz: { region: NZ, callIdPrefix: nz- }\nroutes: [{ to: [sandbox] }]',
  );
  assert.equal(settings.sources['acme'], {
    name: 'acme',
    tokens: [],
    region: 'AU',
    timezone: 'Australia/Sydney',
    allowFrom: [],
    lapseAfterMs: 14_400_000,
    withheld: [
      'anonymous',
      'private',
      'unknown',
      'unavailable',
      'withheld',
      'blocked',
      'restricted',
      'no caller id',
    ],
    missed: ['unanswered', 'busy', 'voicemail'],
    emailOnly: [],
    callIdPrefix: '',
  });
  assert.is(settings.sources['nz']?.timezone, 'Pacific/Auckland');
});

loading('a source takes all its settings', async () => {
  const { settings } = await load(`
sources:
  acme:
    tokens: [${token}]
    region: US
    timezone: America/New_York
    allowFrom: [203.0.113.0/24, "2001:db8::/32"]
    lapseAfter: 30m
    withheld: [Private Number]
    missed: [busy, other, No reply]
    emailOnly: ["456"]
    callIdPrefix: acme-
    rateLimit: 50`);
  assert.equal(settings.sources['acme'], {
    name: 'acme',
    tokens: [token],
    region: 'US',
    timezone: 'America/New_York',
    allowFrom: ['203.0.113.0/24', '2001:db8::/32'],
    lapseAfterMs: 1_800_000,
    withheld: ['private number'],
    missed: ['busy', 'other', 'noreply'],
    emailOnly: ['456'],
    callIdPrefix: 'acme-',
    rateLimit: 50,
  });
});

loading("a user's sources, connectors and routes each replace the built-in ones", async () => {
  const sources = await load('sources: { acme: { tokens: [] } }');
  assert.equal(Object.keys(sources.settings.sources), ['acme']);
  assert.equal(Object.keys(sources.settings.connectors), ['sandbox']);
  assert.equal(sources.settings.routes, [
    { sources: ['acme'], to: ['sandbox'], stop: false, place: 'config/bridge.yaml', isImplied: true },
  ]);

  const connectors = await load(`connectors: { acme: { type: ${crm}, accessToken: abcdefgh } }`);
  assert.equal(Object.keys(connectors.settings.sources), ['default']);
  assert.equal(Object.keys(connectors.settings.connectors), ['acme']);
  assert.equal(connectors.settings.routes, [
    { sources: ['default'], to: ['acme'], stop: false, place: 'config/bridge.yaml', isImplied: true },
  ]);

  const routes = await load('routes: [{ to: [sandbox], when: call.missed, stop: true }]');
  assert.equal(Object.keys(routes.settings.sources), ['default']);
  const [route] = routes.settings.routes;
  assert.is(route?.stop, true);
  assert.is(route?.when?.text, 'call.missed');
  assert.is(route?.place, 'config/bridge.yaml:1:10');
});

loading('connectors get their options parsed, and keep what was written for comparison', async () => {
  const { settings } = await load(
    `
connectors:
  acme:
    type: ${crm}
    accessToken: \${TOKEN}
    title: "Call from {{ call.caller.display }}"
    owner:
    timeoutSeconds: \${SECONDS}
    person:
    lead: "false"`,
    { TOKEN: '0123456789', SECONDS: '30' },
  );
  const acme = settings.connectors['acme']!;
  const options = acme.options as Record<string, unknown>;
  assert.is(acme.type, 'crm');
  assert.is(options['accessToken'], '0123456789');
  assert.is(options['timeoutSeconds'], 30);
  assert.is(options['write'], 'live');
  assert.is(options['owner'], null, 'an option that may be null keeps it');
  assert.is(options['lead'], false);
  assert.equal(acme.raw, {
    type: crm,
    accessToken: '0123456789',
    title: 'Call from {{ call.caller.display }}',
    owner: null,
    timeoutSeconds: 30,
    lead: false,
  });
  assert.equal(JSON.parse(JSON.stringify(acme.raw)), acme.raw);
});

loading('a connector may be a module next to the file that names it', async () => {
  const text = await readFile(crm, 'utf8');
  assert.match(text, "from 'delacon-bridge/connector'");
  const module = `import 'delacon-bridge/crm';\n${text.replace("'zod'", `'${import.meta.resolve('zod')}'`)}`;
  const files = {
    'config/bridge.yaml': 'connectors: { acme: { type: ./crm, accessToken: abcdefgh } }',
    'config/crm.ts': module,
  };
  assert.is((await load(files)).settings.connectors['acme']?.type, 'crm');
});

loading('anchors, aliases and merge keys are resolved, and what is written out wins', async () => {
  const { settings } = await load(`
sources:
  acme: &acme { tokens: [${token}], lapseAfter: 1h, region: NZ }
  beta: { lapseAfter: 2h, <<: *acme, tokens: [], callIdPrefix: beta- }
routes: [{ source: acme, to: &to [sandbox] }, { source: beta, to: *to }]`);
  assert.is(settings.sources['beta']?.region, 'NZ');
  assert.is(settings.sources['beta']?.lapseAfterMs, 7_200_000);
  assert.equal(settings.sources['beta']?.tokens, []);
  assert.equal(settings.routes[1]?.to, ['sandbox']);
});

loading('what may be meant is a warning', async () => {
  const { warnings } = await load(`
sources: { acme: { tokens: [] }, idle: { tokens: [] } }
connectors: { sandbox: { type: sandbox }, spare: { type: sandbox } }
routes: [{ source: acme, to: [sandbox] }]`);
  assert.equal(warnings, [
    'config/bridge.yaml:3:43  connectors.spare: no route leads to it, so it will get no calls. Add one, as in routes: [{ source: …, to: [spare] }].',
    'config/bridge.yaml:2:34  sources.idle: no route takes its calls; they are kept and shown as unrouted. Add one, as in routes: [{ source: idle, to: […] }].',
  ]);
});

loading('a setting at the place it had before is read, with a warning that says what to write', async () => {
  const { settings, warnings } = await load(
    `
sources: { acme: { tokens: [] } }
connectors:
  sf:
    type: salesforce
    auth: { flow: clientCredentials, loginUrl: https://acme.my.salesforce.com, clientId: a, clientSecret: \${SECRET} }
    person:
      attribution: true`,
    { SECRET: 'secret' },
  );
  assert.is((settings.connectors['sf']!.options as { attribution: boolean }).attribution, true);
  assert.equal(warnings, [
    'config/bridge.yaml:8:20  connectors.sf.person.attribution: it has moved, and is read here for now. Write connectors.sf.attribution instead.',
  ]);
});

loading('a name without braces, and a comparison that no call meets, are told where they stand', async () => {
  const { warnings } = await load(`
sources: { acme: { tokens: [] } }
connectors:
  sandbox:
    type: sandbox
    person: { properties: { service: call.serviceId, keyword: PLA_Keywords_Searched, odd: fine } }
    followUp: { when: "call.result == 'Abandoned'" }
routes:
  - { source: acme, when: call.startedAt > 'March', to: [sandbox] }`);
  assert.equal(warnings, [
    "config/bridge.yaml:9:27  routes[0].when: 'March' is no time that can be compared. Write it as '2026-03-01' or '2026-03-01 14:30', in the time zone of the source.",
    'config/bridge.yaml:6:38  connectors.sandbox.person.properties.service: it writes the words "call.serviceId" and no value of the call. Did you mean {{ call.serviceId }}?',
    'config/bridge.yaml:6:63  connectors.sandbox.person.properties.keyword: it writes the words "PLA_Keywords_Searched" and no value of the call. Did you mean {{ PLA_Keywords_Searched }}?',
    "config/bridge.yaml:7:23  connectors.sandbox.followUp.when: call.result is never 'Abandoned': it is answered, unanswered, busy or other. call.resultText is what Delacon sent.",
  ]);
});

loading(
  'what is odd is told beside mistakes, in its own connector or elsewhere, and not what follows from them',
  async () => {
    const thrown = await load(`
sources: { acme: { regoin: AU } }
connectors:
  one: { type: sandbox, wirte: live, person: { properties: { service: call.serviceId } }, followUp: { when: "call.result == 'Lost'" } }
routes:
  - { when: call.startedAt > 'March', to: [oen] }`).catch((reason: unknown) => reason);
    assert.instance(thrown, ConfigProblems);
    const { problems, warnings } = thrown as ConfigProblems;
    const path = (warning: string) => / {2}(\S+): /.exec(warning)?.[1];
    assert.equal(
      [problems.map((problem) => problem.path), warnings.map(path)],
      [
        ['sources.acme.regoin', 'connectors.one.wirte', 'routes[0].to[0]'],
        ['routes[0].when', 'connectors.one.person.properties.service', 'connectors.one.followUp.when'],
      ],
    );
  },
);

loading('one of a few known words is read in any letter case', async () => {
  const { settings } = await load(`
log: { level: WARN }
connectors: { sandbox: { type: sandbox, write: AtEnd, followUp: { doneWhen: reached, hours: { days: [Mon, FRI] } } } }`);
  const { write, followUp } = settings.connectors['sandbox']!.options as {
    write: string;
    followUp: { hours: { days: string[] } };
  };
  assert.equal([settings.log.level, write, followUp.hours.days], ['warn', 'atEnd', ['mon', 'fri']]);
});

loading(
  'sources that share a CRM are told apart by their prefixes; those that do not need none',
  async () => {
    const apart = await load(`
sources: { acme: , beta: { callIdPrefix: beta- } }
routes: [{ to: [sandbox] }]`);
    assert.equal(apart.warnings, []);
    const separate = await load(`
sources: { acme: , beta: }
connectors: { one: { type: sandbox }, two: { type: sandbox } }
routes: [{ source: acme, to: [one] }, { source: beta, to: [two] }]`);
    assert.equal(separate.warnings, []);
  },
);

const clients = {
  'config/bridge.yaml':
    'include: [clients/*.yaml]\nroutes: [{ to: [sandbox] }]\nconnectors: { sandbox: { type: sandbox } }\n',
  'config/clients/beta.yaml':
    'sources: { beta: { callIdPrefix: beta- } }\nroutes: [{ source: beta, to: [sandbox] }]',
  'config/clients/acme.yaml': `sources:\n  acme: { tokens: ["\${file:acme.token}"] }\nroutes: [{ source: acme, to: [sandbox] }]`,
  'config/clients/acme.token': `${token}\n`,
};

loading('included files add sources, connectors and routes, in the order of their names', async () => {
  const { settings, files } = await load(clients);
  assert.equal(Object.keys(settings.sources), ['acme', 'beta']);
  assert.equal(settings.sources['acme']?.tokens, [token]);
  assert.equal(
    settings.routes.map((route) => route.sources),
    [undefined, ['acme'], ['beta']],
  );
  assert.equal(
    files.map((file) => file.replace(/.*\/config\//, '')),
    ['default.yaml', '.env', 'bridge.yaml', 'clients/acme.yaml', 'clients/acme.token', 'clients/beta.yaml'],
  );
});

loading('a name in two files is a problem that names both places', () =>
  withConfig(
    { ...clients, 'config/clients/gamma.yaml': '# ours\nsources:\n  acme:\n' },
    async ({ problems }) => {
      assert.is(
        await problems(),
        'config/clients/gamma.yaml:3:3  sources.acme: is in config/clients/acme.yaml:2:3 already. Give one of them another name.',
      );
    },
  ),
);

loading('problems of all files come together, sorted by file and place', () =>
  withConfig(
    {
      ...clients,
      'config/clients/gamma.yaml':
        'include: [x.yaml]\nlisten: {}\nsource: {}\nconnectors: { a: { type: sandbax } }\n',
      'config/clients/acme.yaml': 'sources: { acme: { tokens: ["${ACME}"] } }\nroutes: [{ to: [nowhere] }]',
    },
    async ({ problems }) => {
      assert.is(
        await problems(),
        `\
config/clients/acme.yaml:1:29   sources.acme.tokens[0]: \${ACME} is not set. Write ACME=… into config/.env, or export it.
config/clients/acme.yaml:2:17   routes[1].to[0]: there is no connector "nowhere". Known: sandbox, a.
config/clients/gamma.yaml:1:1   include: an included file holds sources, connectors, routes and tests only. Move it to the main file.
config/clients/gamma.yaml:2:1   listen: an included file holds sources, connectors, routes and tests only. Move it to the main file.
config/clients/gamma.yaml:3:1   source: an included file holds sources, connectors, routes and tests only. Did you mean "sources"?
config/clients/gamma.yaml:4:26  connectors.a.type: there is no "sandbax". Did you mean "sandbox"? Known connectors: hubspot, salesforce, sandbox, webhook.`,
      );
    },
  ),
);

loading('a file that cannot be read hides what cannot be judged without it', () =>
  withConfig(
    {
      ...clients,
      'config/clients/acme.yaml': 'sources: { acme: "',
      'config/bridge.yaml': `${clients['config/bridge.yaml']}include2: 1\n`,
    },
    async ({ problems }) => {
      assert.is(await problems(), 'config/clients/acme.yaml:1:19  a quote is not closed before this place.');
    },
  ),
);

loading('a pattern that matches no file is a problem', () =>
  withConfig('include:\n  - clients/*.yaml', async ({ problems }) => {
    assert.is(
      await problems(),
      'config/bridge.yaml:2:5  include[0]: no file matches "clients/*.yaml". The pattern is relative to this file.',
    );
  }),
);

loading('any text either loads or is a list of problems', () =>
  withConfig({}, async ({ write, load }) => {
    const example = await readFile(new URL('../../config/default.yaml', import.meta.url), 'utf8');
    const pieces = [
      'sources',
      'connectors',
      'routes',
      'acme',
      'type',
      'sandbox',
      'tokens',
      'to',
      'when',
      'listen',
      'include',
    ];
    const signs = [
      ':',
      ': ',
      '\n',
      '\n  ',
      '\n    - ',
      '[',
      ']',
      '{',
      '}',
      ', ',
      '"',
      "'",
      '&a ',
      '*a',
      '<<: ',
      '!',
      '|',
      '#',
      '---',
    ];
    const values = [
      '1',
      'true',
      'null',
      '5s',
      '${A}',
      '${',
      '$${',
      '${file:.}',
      '{{ call.id }}',
      '{% if',
      '__proto__',
      '\u0000',
      '\t',
    ];
    const soup = fc
      .array(fc.constantFrom(...pieces, ...signs, ...values), { maxLength: 25 })
      .map((parts) => parts.join(''));
    const damaged = fc
      .tuple(
        fc.nat(example.length),
        fc.nat(6),
        fc.oneof(fc.constantFrom(...signs, ...values), fc.string({ maxLength: 3 })),
      )
      .map(([at, length, put]) => example.slice(0, at) + put + example.slice(at + length));
    await fc.assert(
      fc.asyncProperty(fc.oneof(soup, damaged, fc.string({ unit: 'binary' }), fc.json()), async (yaml) => {
        await write('config/bridge.yaml', yaml);
        try {
          await load({ A: 'a value' });
        } catch (thrown) {
          if (!(thrown instanceof ConfigProblems)) throw thrown;
          assert.ok(thrown.problems.length > 0);
          for (const { line, column, message } of thrown.problems) {
            assert.ok(message !== '' && !message.includes('undefined'), message);
            if (yaml.includes('\0') && message.startsWith('cannot be read')) continue; // it is no text, in no line
            assert.ok(
              line >= 1 && column >= 1 && line <= yaml.split(/\r\n|[\r\n]/).length,
              `${line}:${column}`,
            );
          }
        }
      }),
      { numRuns: 400, interruptAfterTimeLimit: 15_000 },
    );
  }),
);

loading.run();
