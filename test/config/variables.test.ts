// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of the YAML
import { assert, suite } from '../support/suite.ts';
import { crm, load, problemsOf } from './with-config.ts';

const variables = suite('variables');

/** What `owner` of a connector becomes: any text is right there. */
async function ownerOf(written: string, env: Record<string, string> = {}, files = {}): Promise<unknown> {
  const yaml = `connectors:\n  acme:\n    type: ${crm}\n    accessToken: abcdefgh\n    owner: ${written}`;
  const { settings } = await load({ 'config/bridge.yaml': yaml, ...files }, env);
  return (settings.connectors['acme']!.options as Record<string, unknown>)['owner'];
}

const cases: [written: string, value: string][] = [
  ['${NAME}', 'jane'],
  ['"${NAME}"', 'jane'],
  ["'${NAME}'", 'jane'],
  ['${NAME} and ${NAME}', 'jane and jane'],
  ['mr-${ABSENT:-nobody}-${NAME}', 'mr-nobody-jane'],
  ['${EMPTY:-nobody}', 'nobody'],
  ['${NAME:-nobody}', 'jane'],
  ['${ABSENT:-a, b: [c] # d}', 'a, b: [c] # d'],
  ['$${NAME}', '${NAME}'],
  ['$NAME costs $5', '$NAME costs $5'],
  ['"${{ call.survey.saleAmount }}"', '${{ call.survey.saleAmount }}'],
  ['"{{ call.id }} ${NAME}"', '{{ call.id }} jane'],
  ['|-\n      ${NAME}\n      and more', 'jane\nand more'],
  ['${ZEROS}', '0123'],
  ['${TRUE}', 'true'],
  ['${YAML}', '{ a: 1 }\n- b # c'],
  ['${NESTED}', '${NAME}'],
  ['${file:owner.txt}', 'jane of the file'],
  ['${file:../secrets/owner}', 'far jane'],
];
for (const [written, value] of cases) {
  variables(`${JSON.stringify(written)} is ${JSON.stringify(value)}`, async () => {
    const env = {
      NAME: 'jane',
      EMPTY: '',
      ZEROS: '0123',
      TRUE: 'true',
      YAML: '{ a: 1 }\n- b # c',
      NESTED: '${NAME}',
    };
    const files = { 'config/owner.txt': 'jane of the file\n', 'secrets/owner': 'far jane\r\n' };
    assert.is(await ownerOf(written, env, files), value);
  });
}

variables('stand in lists and groups without quotes', async () => {
  const { settings } = await load(
    'sources: { acme: { tokens: [${ONE}, ${TWO:-abcdefghijklmnop}] } }\noperator: { token: ${THREE} }',
    { ONE: '0123456789012345', THREE: '5432109876543210' },
  );
  assert.equal(settings.sources['acme']?.tokens, ['0123456789012345', 'abcdefghijklmnop']);
  assert.is(settings.operator.token, '5432109876543210');
});

variables('give numbers and booleans where the setting is one', async () => {
  const { settings } = await load(
    'listen: { port: ${PORT}, host: ${HOST} }\nroutes: [{ to: [sandbox], stop: ${STOP} }]',
    { PORT: '9000', HOST: '127', STOP: 'true' },
  );
  assert.is(settings.listen.port, 9000);
  assert.is(settings.listen.host, '127');
  assert.is(settings.routes[0]?.stop, true);
});

variables('that are empty give no value', async () => {
  const { settings } = await load('operator: { token: ${TOKEN} }\nlisten: { publicUrl: ${URL:-} }', {
    TOKEN: '',
  });
  assert.is(settings.operator.token, undefined);
  assert.is(settings.listen.publicUrl, undefined);
});

const mistakes: [what: string, yaml: string, expected: string][] = [
  [
    'is not set',
    'listen: { host: ${HOST} }',
    '1:17 listen.host: ${HOST} is not set. Write HOST=… into config/.env, or export it.',
  ],
  [
    'are not set, in one value',
    'store: { url: "sqlite:${A}/${B}" }',
    `\
1:15 store.url: \${A} is not set. Write A=… into config/.env, or export it.
1:15 store.url: \${B} is not set. Write B=… into config/.env, or export it.`,
  ],
  [
    'is empty where a value must be',
    `connectors: { a: { accessToken: "\${EMPTY}", type: ${crm} } }`,
    '1:33 connectors.a.accessToken: ${EMPTY} is empty. Give it a value before starting.',
  ],
  [
    'does not end',
    'store: { url: "sqlite:${A" }',
    '1:15 store.url: ${ is not closed by }. Write $${ for a plain ${.',
  ],
  [
    'has no proper name',
    'store: { url: "sqlite:${env:A}" }',
    '1:15 store.url: ${env:A} is not a variable. Write ${NAME}, ${NAME:-default} or ${file:path}, or $${ for a plain ${.',
  ],
  [
    'is a file that is not there',
    'store: { url: "${file:nowhere}" }',
    '1:15 store.url: ${file:nowhere} cannot be read: there is no such file.',
  ],
  ['is a folder', 'store: { url: "${file:.}" }', '1:15 store.url: ${file:.} cannot be read: it is a folder.'],
  [
    'is inherited by every object',
    'store: { url: "${constructor}" }',
    '1:15 store.url: ${constructor} is not set. Write constructor=… into config/.env, or export it.',
  ],
];
for (const [what, yaml, expected] of mistakes) {
  variables(`a variable that ${what} is a problem`, async () => {
    assert.is(await problemsOf(yaml, { EMPTY: '' }), expected);
  });
}

variables('in names and comments are left alone', async () => {
  assert.match(await problemsOf('# ${A}\nsources: { "${B}": }'), '2:12 sources["${B}"]: a name has only');
});

variables.run();
