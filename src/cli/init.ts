import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isCancel, select, text } from '@clack/prompts';
import { sentence } from '../config/check-form.ts';
import { configSchema } from '../config/json-schema.ts';
import { homeZones, settingsSchema } from '../config/settings.ts';
import { connectorExample, connectorNames } from '../connector/registry.ts';
import { pushUrlsOf } from '../main.ts';
import { sourceTokens } from '../source-tokens.ts';
import { dataDirOf } from '../store/open.ts';
import { portalLines } from './banner.ts';
import { type CommandOptions, pasted } from './command-options.ts';
import { printJson } from './tables.ts';
import { configured, WrongUse } from './wrong-use.ts';

interface Answers {
  source: string;
  region: string;
  timezone: string;
  connector: string;
  publicUrl: string;
}

const storeUrl = 'sqlite:data/bridge.db';
const schemaFile = 'bridge.schema.json';

/** Asks what a first configuration needs, writes it, and says what to paste and what to do next. Overwrites nothing. */
export async function init(options: CommandOptions & Partial<Answers>): Promise<void> {
  const types = await connectorNames();
  const answers = await answersFor(options, types);
  configured('connector', answers.connector, Object.fromEntries(types.map((type) => [type, true])));
  const problem = problemWith(answers);
  if (problem !== undefined) throw new WrongUse(problem);

  const file = resolve(options.config);
  const example = await connectorExample(answers.connector);
  await write(file, yamlOf(answers, example));
  await writeUnlessThere(
    join(dirname(file), schemaFile),
    `${JSON.stringify(await configSchema(), null, 2)}\n`,
  );

  const source = { [answers.source]: { tokens: [] } };
  const { [answers.source]: [token = ''] = [] } = await sourceTokens(
    { sources: source },
    dataDirOf(storeUrl),
  );
  const urls = pushUrlsOf(answers.source, answers.publicUrl || 'http://127.0.0.1:8080', token);
  const variables = [...example.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name);
  if (options.json) return printJson({ file: options.config, variables, urls });
  console.log(`Written: ${options.config}\n`);
  console.log(portalLines(urls).join('\n'));
  console.log('Next:');
  for (const name of variables) console.log(`  export ${name}=…`);
  const name = `${answers.source}-${answers.connector}`;
  for (const command of ['check --online', `setup ${name}`, 'start'])
    console.log(`  ${pasted(command, options.config)}`);
  if (answers.publicUrl === '') {
    console.log(
      '\nDelacon reaches public addresses only: set listen.publicUrl to that of a proxy that speaks https.',
    );
  }
}

async function answersFor(given: Partial<Answers>, types: readonly string[]): Promise<Answers> {
  const { source, region, timezone, connector, publicUrl } = given;
  if (!process.stdin.isTTY) {
    if (connector === undefined) {
      throw new WrongUse(
        `Nobody is there to ask: name the CRM with --connector. Known: ${types.join(', ')}.`,
      );
    }
    const place = region ?? 'AU';
    return {
      source: source ?? 'main',
      region: place,
      timezone: timezone ?? usualTimezone(place),
      connector,
      publicUrl: publicUrl ?? '',
    };
  }
  const ask = async (name: keyof Answers, message: string, usual: string) => {
    const validate = (answer = '') => problemWith({ ...anyGood, [name]: answer || usual });
    return (
      given[name] ?? answered(await text({ message, placeholder: usual, defaultValue: usual, validate }))
    );
  };
  const to =
    connector ??
    answered(await select({ message: 'Where do calls go?', options: types.map((value) => ({ value })) }));
  const from = await ask('source', 'A name for the Delacon account', 'main');
  const place = await ask('region', 'Its country: AU, NZ, …', 'AU');
  return {
    connector: to,
    source: from,
    region: place,
    timezone: await ask('timezone', 'Its time zone', usualTimezone(place)),
    publicUrl: await ask(
      'publicUrl',
      'Where the outside world reaches the bridge (may be left for later)',
      '',
    ),
  };
}

function answered(answer: string | symbol): string {
  if (isCancel(answer) || typeof answer === 'symbol') throw new Error('Nothing was written.');
  return answer;
}

function usualTimezone(region: string): string {
  return homeZones[region] ?? 'UTC';
}

const anyGood = { source: 'main', region: 'AU', timezone: 'UTC', publicUrl: '' };

/** By the schema that checks the file, before there is one. */
function problemWith({ source, region, timezone, publicUrl }: typeof anyGood): string | undefined {
  const { sources, listen } = settingsSchema.shape;
  const checked = [
    sources.safeParse({ [source]: { region, timezone } }, { error: sentence }),
    listen.partial().safeParse(publicUrl === '' ? {} : { publicUrl }, { error: sentence }),
  ];
  const [issue] = checked.flatMap(({ error }) => error?.issues ?? []);
  if (!issue) return undefined;
  const inner = issue.code === 'invalid_key' ? issue.issues[0] : issue;
  return `${String(issue.path.at(-1))}: ${inner?.message ?? issue.message}`;
}

function yamlOf({ source, region, timezone, connector, publicUrl }: Answers, example: string): string {
  const publicLine = publicUrl === '' ? '# publicUrl: https://calls.example.com' : `publicUrl: ${publicUrl}`;
  return `# yaml-language-server: $schema=./${schemaFile}
# What is not here is as in config/default.yaml, which has every setting. \`delacon-bridge check\` says what is wrong.

listen:
  ${publicLine}  # what the URLs for the Delacon portal begin with

store:
  url: ${storeUrl}

sources:
  ${source}:  # its push token was made by itself, and lies beside the store
    region: ${region}
    timezone: ${timezone}

connectors:
  ${source}-${connector}:
${example.trimEnd().replace(/^/gm, '    ')}

routes:
  - { source: ${source}, to: [${source}-${connector}] }
`;
}

async function write(file: string, content: string): Promise<void> {
  let isWritten: boolean;
  try {
    await mkdir(dirname(file), { recursive: true });
    isWritten = await writeUnlessThere(file, content);
  } catch (cause) {
    throw new Error(
      `${file} cannot be written (${(cause as NodeJS.ErrnoException).code}). Name a file in a folder that this user may write to with --config.`,
      { cause },
    );
  }
  if (isWritten) return;
  throw new Error(`${basename(file)} is there already, and stays as it is. Name another file with --config.`);
}

/** False when the file is there. */
async function writeUnlessThere(file: string, content: string): Promise<boolean> {
  try {
    await writeFile(file, content, { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}
