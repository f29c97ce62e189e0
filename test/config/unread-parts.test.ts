// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of the YAML
import { type Config, loadConfig } from '../../src/config/load.ts';
import { assert, suite } from '../support/suite.ts';
import { crm, withConfig } from './with-config.ts';

const unread = suite('what a command does not read');

const yaml = `
operator: { token: "\${OPERATOR_TOKEN}" }
alerts: { webhook: { url: "\${ALERTS}" } }
sources:
  acme: { tokens: ["\${PUSH_TOKEN}"], timezone: Australia/Perth }
  beta: { region: "\${REGION}", callIdPrefix: b- }
connectors:
  first: { type: ${crm}, accessToken: "\${FIRST}" }
  second: { type: ${crm}, accessToken: in-the-file, owner: "\${file:nowhere}" }
  third: { type: ${crm}, accessToken: in-the-file }
routes: [{ source: acme, to: [first, second, third] }, { source: beta, to: [third] }]
`;

const asRead = <T>(text: string, use: (config: Config) => Promise<T> | T, env = {}) =>
  withConfig(text, async ({ path }) => use(await loadConfig(undefined, { env, cwd: path, asRead: true })));
const told = (read: () => unknown): string => {
  try {
    return String(read());
  } catch (reason) {
    return (reason as Error).message;
  }
};

/* Every command needed every secret: `pause`, `backup` and `calls` ended with "is not set" beside a bridge that ran. */
unread('needs no variable, and whoever reads it is told where the variable stands', () =>
  asRead(yaml, ({ settings }) => {
    assert.equal(Object.keys(settings.connectors), ['first', 'second', 'third']);
    assert.equal(
      [settings.connectors['first']?.type, settings.sources['acme']?.timezone],
      ['crm', 'Australia/Perth'],
    );
    assert.is(settings.store.url, 'sqlite:data/bridge.db');
    assert.match(JSON.stringify(settings.connectors['third']?.options), 'in-the-file');
    for (const [read, message] of [
      [() => settings.operator, 'config/bridge.yaml:2:20  operator.token: ${OPERATOR_TOKEN} is not set.'],
      [() => settings.alerts, 'alerts.webhook.url: ${ALERTS} is not set.'],
      [
        () => settings.sources['acme']?.tokens,
        'config/bridge.yaml:5:20  sources.acme.tokens[0]: ${PUSH_TOKEN} is not set.',
      ],
      [
        () => settings.sources['beta']?.region,
        'config/bridge.yaml:6:19  sources.beta.region: ${REGION} is not set.',
      ],
      [() => settings.connectors['first']?.options, 'connectors.first.accessToken: ${FIRST} is not set.'],
      [
        () => settings.connectors['second']?.options,
        'connectors.second.owner: ${file:nowhere} cannot be read: there is no such file.',
      ],
    ] as const)
      assert.match(told(read), message);
  }),
);

unread('is as little of a problem when its variable is empty, or holds what cannot be', () =>
  asRead(
    yaml,
    ({ settings }) => {
      assert.is(settings.operator.token, undefined, 'as if it were not there');
      assert.match(
        told(() => settings.sources['acme']?.tokens),
        'tokens[0]: is too short',
      );
      assert.match(
        told(() => settings.connectors['first']?.options),
        '${FIRST} is empty. Give it a value',
      );
    },
    { OPERATOR_TOKEN: '', PUSH_TOKEN: 'short', REGION: 'AU', FIRST: '', ALERTS: 'https://a.example/' },
  ).catch((reason) => assert.unreachable(String(reason))),
);

unread('is still wrong where the file itself is, or what is read of it', async () => {
  for (const [text, message] of [
    [`${yaml}log: { levle: info }\n`, 'unknown setting'],
    ['include: ["${CLIENTS}"]\n', '${CLIENTS} is not set'],
  ] as const) {
    const said = await asRead(text, () => '').catch((reason: Error) => reason.message);
    assert.match(said, message);
  }
  await asRead('store: { url: "sqlite:${DATA}/bridge.db" }\n', ({ settings }) =>
    assert.match(
      told(() => settings.store),
      '${DATA} is not set',
    ),
  );
});

/* With no CRM to ask, `preview` and `test` ended without its secrets all the same. */
unread('is stood in for where no CRM is asked', () =>
  withConfig(yaml, async ({ path }) => {
    const { settings } = await loadConfig(undefined, { env: {}, cwd: path, asRead: true, standIns: true });
    assert.equal(
      ['first', 'second'].map(
        (name) => JSON.parse(JSON.stringify(settings.connectors[name]?.options)).accessToken,
      ),
      ['not-set', 'in-the-file'],
    );
    assert.match(
      told(() => settings.operator),
      '${OPERATOR_TOKEN} is not set.',
    );
  }),
);

unread('start and check read everything', () =>
  withConfig(yaml, async ({ problems }) => {
    assert.is((await problems()).split('\n').length, 6);
  }),
);

unread.run();
