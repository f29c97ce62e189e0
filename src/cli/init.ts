import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isCancel, select, text } from '@clack/prompts';
import { pushUrlsOf } from '../bridge/push-urls.ts';
import { sentence } from '../config/check-form.ts';
import { envFileOf, readEnvFile } from '../config/env-file.ts';
import { configSchema } from '../config/json-schema.ts';
import { ConfigProblems, ProblemList } from '../config/problems.ts';
import { homeZones, settingsSchema } from '../config/settings.ts';
import { readText } from '../config/text-file.ts';
import { connectorExample, connectorNames } from '../connector/registry.ts';
import { ownCommand } from '../text/own-command.ts';
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

/**
 * Asks what a first configuration needs, writes it, its secrets into a file of their own, and says what to paste and what
 * to do next. Overwrites nothing.
 */
export async function init(options: CommandOptions & Partial<Answers>): Promise<void> {
  const types = await connectorNames();
  const answers = await answersFor(options, types);
  configured('connector', answers.connector, Object.fromEntries(types.map((type) => [type, true])));
  const problem = problemWith(answers);
  if (problem !== undefined) throw new WrongUse(problem);

  const file = resolve(options.config);
  const envFile = envFileOf(file);
  if (existsSync(file)) throw thereAlready(file);
  const known = await variablesIn(envFile);
  const example = ownVariables(answers.source, await connectorExample(answers.connector));
  const wanted = [...example.matchAll(variable)].map(([, name = '']) => name);
  const tokenName = variableOf(answers.source, 'PUSH_TOKEN');
  await refuseSecretsOfOthers(
    file,
    [tokenName, ...wanted].filter((name) => Object.hasOwn(known, name)),
  );
  const variables = {
    [tokenName]: randomBytes(24).toString('base64url'),
    OPERATOR_TOKEN: randomBytes(24).toString('base64url'),
    ...Object.fromEntries(wanted.map((name) => [name, ''])),
    ...known,
  };
  await inFolder(file, async () => {
    await addVariables(envFile, variables, known);
    await keepFromGit(envFile);
    await writeUnlessThere(
      join(dirname(file), schemaFile),
      `${JSON.stringify(await configSchema(), null, 2)}\n`,
    );
    // Last: killed before it, this command can be given again.
    if (!(await writeUnlessThere(file, yamlOf(answers, example)))) throw thereAlready(file);
  });

  const base = answers.publicUrl || 'http://127.0.0.1:8080';
  const urls = pushUrlsOf(answers.source, base, variables[tokenName] ?? '');
  const missing = wanted.filter((name) => !variables[name]);
  const shownEnv = relative('.', envFile);
  if (options.json) return printJson({ file: options.config, envFile: shownEnv, variables: missing, urls });
  console.log(
    `Written: ${options.config}, and its secrets to ${shownEnv}: tokens for pushes and for the operator.\n`,
  );
  console.log(portalLines(urls).join('\n'));
  console.log('Next:');
  for (const name of missing) console.log(`  put a value behind ${name}= in ${shownEnv}`);
  const name = `${answers.source}-${answers.connector}`;
  for (const command of ['check --online', `setup ${name}`, 'start'])
    console.log(`  ${pasted(command, options.config)}`);
  if (answers.publicUrl === '') {
    console.log(
      '\nDelacon reaches public addresses only: set listen.publicUrl to that of a proxy that speaks https.',
    );
  }
}

/** @throws ConfigProblems: what is there must be mended before anything is added to it */
async function variablesIn(envFile: string): Promise<Record<string, string | undefined>> {
  const problems = new ProblemList(process.cwd());
  const { variables } = await readEnvFile(envFile, problems);
  if (problems.all.length > 0) throw new ConfigProblems(problems.all);
  return variables;
}

/** Those that are there stay as they are. */
async function addVariables(
  envFile: string,
  variables: Record<string, string | undefined>,
  known: Record<string, string | undefined>,
): Promise<void> {
  const lines = Object.entries(variables).filter(([name]) => !Object.hasOwn(known, name));
  const text = lines.map(([name, value]) => `${name}=${value}\n`).join('');
  const head =
    '# Read by delacon-bridge; what the environment has wins. Whoever reads this can send calls and sign in.\n';
  if (await writeUnlessThere(envFile, head + text, 0o600)) return;
  const there = await readText(envFile);
  const added = (there === '' || there.endsWith('\n') ? '' : '\n') + text;
  if ((await readFile(envFile, 'utf8')).replace(/^\uFEFF/, '') === there) return appendFile(envFile, added);
  // Of another encoding, such as Notepad's UTF-16, which must not end in this one.
  const anew = `${envFile}.new`;
  await writeFile(anew, there + added, { mode: 0o600 });
  await rename(anew, envFile);
}

/** Secrets have no business in a repository. */
async function keepFromGit(envFile: string): Promise<void> {
  for (let folder = dirname(envFile); ; folder = dirname(folder)) {
    const rules = await readFile(join(folder, '.gitignore'), 'utf8').catch(() => '');
    if (/^\/?(\*\*\/)?\.env\s*$/m.test(rules)) return;
    if (existsSync(join(folder, '.git'))) return appendFile(join(dirname(envFile), '.gitignore'), '.env\n');
    if (folder === dirname(folder)) return; // no repository
  }
}

/** `acme-au` has `ACME_AU_PUSH_TOKEN`. */
function variableOf(source: string, name: string): string {
  const prefix = source.toUpperCase().replaceAll('-', '_');
  return `${/^\d/.test(prefix) ? '_' : ''}${prefix}_${name}`;
}

const variable = /\$\{(\w+)\}/g;

/** Files that are read together share an .env: under one name, two clients would share a CRM. */
function ownVariables(source: string, example: string): string {
  return example.replace(variable, (_, name: string) => `\${${variableOf(source, name)}}`);
}

const ownFolder = fileURLToPath(new URL('../../config', import.meta.url));
/** They come with the program, and nobody's calls go by them. */
const ownFiles = ['default.yaml', 'demo.yaml', 'example.yaml'].map((name) => join(ownFolder, name));

/** A source of the same name in another file would be given its push URL, and its CRM. */
async function refuseSecretsOfOthers(file: string, taken: readonly string[]): Promise<void> {
  const folder = dirname(file);
  for (const name of taken.length > 0 ? await readdir(folder) : []) {
    const other = join(folder, name);
    if (!/\.ya?ml$/i.test(name) || ownFiles.includes(other)) continue;
    const text = await readText(other).catch(() => ''); // a folder, or not ours to read
    const shared = taken.find((secret) => text.includes(`\${${secret}`));
    if (shared === undefined) continue;
    throw new WrongUse(
      `${name} beside it has ${shared} already: both files would share a push URL or a CRM. Name another source with --source.`,
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
# What is not here is as in config/default.yaml, which has every setting. \`${ownCommand('check', true)}\` says what is wrong.

listen:
  ${publicLine}  # what the URLs for the Delacon portal begin with

store:
  url: ${storeUrl}

operator:
  token: \${OPERATOR_TOKEN}  # as .env beside this file has it; the page, the API and the metrics need it

sources:
  ${source}:
    tokens: ["\${${variableOf(source, 'PUSH_TOKEN')}}"]  # the secret of its push URLs
    region: ${region}
    timezone: ${timezone}

connectors:
  ${source}-${connector}:
${example.trimEnd().replace(/^/gm, '    ')}

routes:
  - { source: ${source}, to: [${source}-${connector}] }
`;
}

async function inFolder(file: string, write: () => Promise<void>): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await write();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    throw new Error(
      `${file} cannot be written (${code}). Name a file in a folder that this user may write to with --config.`,
      { cause },
    );
  }
}

function thereAlready(file: string): Error {
  return new Error(
    `${basename(file)} is there already, and stays as it is. Name another file with --config.`,
  );
}

/** False when the file is there. */
async function writeUnlessThere(file: string, content: string, mode?: number): Promise<boolean> {
  try {
    await writeFile(file, content, { flag: 'wx', mode });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}
