// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of the YAML
import { writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { ConfigProblems } from '../../src/config/problems.ts';
import { assert, suite } from '../support/suite.ts';
import { crm, type Folder, load, problemsOf, withConfig } from './with-config.ts';

const secrets = suite('secrets of the configuration');

secrets('are what variables and files gave, and what secret settings hold', async () => {
  const { secrets } = await load(
    {
      'config/bridge.yaml': `
listen: { port: \${PORT}, publicUrl: "\${URL}" }
store: { url: "sqlite:\${FOLDER}/bridge.db" }
operator: { token: literal-operator-token }
log: { level: \${LEVEL} }
sources:
  acme: { tokens: [literal-push-token, "\${PUSH_TOKEN}"], timezone: "\${ZONE:-Australia/Perth}" }
connectors:
  acme:
    type: ${crm}
    accessToken: literal-access-token
    baseUrl: \${CRM_URL}
    owner: "Bearer \${OWNER}"
    title: "{{ call.id }} \${file:title.txt}"
    write: \${WRITE}
    login: { flow: password, user: jane, password: literal-password }
`,
      'config/title.txt': 'from the file\n',
    },
    {
      PORT: '9000',
      URL: 'https://calls.example.com',
      FOLDER: 'from-folder',
      LEVEL: 'info',
      PUSH_TOKEN: 'push-token-from-env',
      CRM_URL: 'https://user:pass@crm.example',
      OWNER: 'from-owner',
      WRITE: 'live',
    },
  );
  assert.equal([...secrets].sort(), [
    'from the file',
    'from-folder',
    'from-owner',
    'https://user:pass@crm.example',
    'literal-access-token',
    'literal-operator-token',
    'literal-password',
    'literal-push-token',
    'push-token-from-env',
  ]);
});

secrets('that stand in the file itself are warned of, by line and without the secret', async () => {
  const { warnings } = await load(
    {
      'config/bridge.yaml': `
operator: { token: literal-operator-token }
sources:
  acme: { tokens: [literal-push-token, "\${PUSH_TOKEN}"] }
connectors:
  acme: { type: ${crm}, accessToken: "\${PUSH_TOKEN}", login: { flow: password, user: jane, password: literal } }
`,
    },
    { PUSH_TOKEN: 'push-token-from-env' },
  );
  assert.equal(warnings, [
    'config/bridge.yaml has secrets as they are, in lines 2, 4, 6. Put them into variables (${NAME}) or files (${file:/run/secrets/name}).',
  ]);
});

secrets('whoever is reached from elsewhere without a token of their own is told where', async () => {
  const told = async (yaml: string) => (await load(yaml, { EMPTY: '' })).warnings.join();
  for (const [yaml, place] of [
    ['listen: { publicUrl: "https://a.example" }', '1:22  listen.publicUrl'],
    ['listen: { trustedProxies: [10.0.0.1] }', '1:27  listen.trustedProxies'],
    ['listen: { host: 0.0.0.0 }\noperator: { token: ${EMPTY} }', '1:17  listen.host'],
  ] as const)
    assert.match(
      await told(yaml),
      `config/bridge.yaml:${place}: the bridge is reached from elsewhere, and operator.token is not set.`,
    );
  for (const yaml of [
    'listen: { host: "::1" }',
    'listen: { host: 0.0.0.0 }\noperator: { token: "${TOKEN:-0123456789abcdef}" }',
  ])
    assert.is(await told(yaml), '');
});

secrets('are shown in a problem by the name of their variable', async () => {
  assert.is(
    await problemsOf('sources: { acme: { timezone: "${ZONE}", region: ${REGION} } }', {
      ZONE: 'not-a-zone',
      REGION: 'XX',
    }),
    `\
1:30 sources.acme.timezone: there is no time zone "\${ZONE}". Write one like Australia/Perth.
1:49 sources.acme.region: "\${REGION}" is no country code: use two capital letters, such as AU or NZ.`,
  );
});

/** Every place below `good` where a text stands, with that text replaced. */
function* withSecretAt(good: unknown, secret: string): Generator<unknown> {
  if (typeof good === 'string' || typeof good === 'number' || typeof good === 'boolean') yield secret;
  else if (Array.isArray(good))
    for (const [index, item] of good.entries())
      for (const changed of withSecretAt(item, secret)) yield good.with(index, changed);
  else if (typeof good === 'object' && good !== null)
    for (const [key, item] of Object.entries(good))
      for (const changed of withSecretAt(item, secret)) yield { ...good, [key]: changed };
}

const good = {
  listen: { host: 'a', port: 1, publicUrl: 'https://a.example', trustedProxies: ['::1'] },
  store: { url: 'sqlite:a' },
  receive: { maxBodyBytes: '1MiB', timeout: '30s' },
  delivery: { retry: ['1s'], giveUpAfter: '1d', probe: ['1m'] },
  operator: {
    token: 'abcdefghijklmnop',
    readOnlyToken: 'bcdefghijklmnopq',
    maskNumbers: true,
    session: '1h',
  },
  log: { level: 'info' },
  unknown: 'a',
  sources: {
    acme: {
      tokens: ['abcdefghijklmnop'],
      region: 'AU',
      timezone: 'UTC',
      allowFrom: ['::1'],
      lapseAfter: '1h',
      withheld: ['a'],
      missed: ['busy'],
      callIdPrefix: 'a',
      rateLimit: 1,
    },
  },
  connectors: {
    acme: {
      type: crm,
      accessToken: 'a',
      baseUrl: 'https://a.example',
      write: 'live',
      timeoutSeconds: 1,
      tries: 2,
      person: {
        create: true,
        whenSeveral: 'none',
        withheld: 'none',
        onUpdate: 'never',
        properties: { a: 'b' },
      },
      title: 'a',
      when: 'call.missed',
      lead: false,
      owner: 'a',
      login: { flow: 'key', key: 'a' },
    },
    other: { type: 'nowhere', accessToken: 'a' },
  },
  routes: [{ source: 'acme', when: 'call.missed', to: ['acme'], stop: true }],
};

async function assertHidden(folder: Folder, secret: string, written: string): Promise<void> {
  for (const changed of withSecretAt(good, written)) {
    await folder.write('config/bridge.yaml', JSON.stringify(changed));
    const thrown = await folder.load({ SECRET: secret }).catch((problem: unknown) => problem);
    if (!(thrown instanceof ConfigProblems)) throw thrown;
    assert.not.ok(thrown.message.includes(secret), `${secret} in: ${thrown.message}`);
  }
}

secrets('never appear in a problem, wherever a variable put them', () =>
  withConfig({}, (folder) =>
    fc.assert(
      fc.asyncProperty(
        fc
          .oneof(
            fc.string({ minLength: 8, maxLength: 30 }).filter((text) => !text.includes('\u0000')),
            fc.constantFrom(
              '0123456789',
              '1d 2h or so',
              '"quoted" $& $1 text',
              '{{ call.nothing }}',
              'sqlite',
              '.*(+?)[a-z]{2}',
            ),
          )
          .filter((text) => text.trim().length >= 6),
        (secret) => assertHidden(folder, secret, '${SECRET}'),
      ),
      { numRuns: 8, interruptAfterTimeLimit: 15_000 },
    ),
  ),
);

secrets('never appear in a problem when they are in a broken file', async () => {
  for (const yaml of [
    'operator: { token: "hunter-two',
    'operator: { token: hunter-two: x }',
    'operator: token: hunter-two',
    '- a\nhunter-two: hunter-two',
  ])
    assert.not.match(await problemsOf(yaml), 'hunter-two');
});

secrets('that a file gave are hidden like those of variables', () =>
  withConfig({ secret: 'from-the-file' }, async ({ path, write, problems }) => {
    await writeFile(`${path}/secret`, 'from-the-file');
    await write('config/bridge.yaml', 'log: { level: "${file:../secret}" }');
    assert.is(
      await problems(),
      'config/bridge.yaml:1:15  log.level: there is no "${file:../secret}". It must be debug, info, warn, error or silent.',
    );
  }),
);

secrets.run();
