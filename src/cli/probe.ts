import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { confirm, isCancel } from '@clack/prompts';
import packageFile from '../../package.json' with { type: 'json' };
import { maskNumbersIn } from '../call/mask.ts';
import type { ConnectorSettings } from '../config/settings.ts';
import type { Assumption, Probe } from '../connector/contract.ts';
import { TextFinder } from '../text/text-finder.ts';
import type { CommandOptions } from './command-options.ts';
import { withConnection, withStore } from './opened.ts';
import { plainText, print } from './plain-text.ts';
import { printJson, table } from './tables.ts';
import { configured } from './wrong-use.ts';

interface ProbeOptions extends CommandOptions {
  yes?: boolean;
  report?: string;
}

/** Puts what we believe about a CRM to the test on an account, and writes a report that may be shown around. */
export async function probe(name: string, options: ProbeOptions): Promise<void> {
  await withStore(options.config, async (config, store) => {
    const { connectors } = config.settings;
    configured('connector', name, connectors);
    const connector = connectors[name] as ConnectorSettings;
    await withConnection(name, connector, config, store, async (connection) => {
      if (!connection.probe) throw new Error(`A ${connector.type} connector has nothing to probe.`);
      const { type } = connector.definition;
      if (!options.json) announce(name, type, connection.probe);
      if (!options.yes && !(await agreed(name))) return;
      const results: Assumption[] = [];
      const secrets = new TextFinder(config.secrets);
      const show = (text: string) => maskNumbersIn(secrets.replace(text, () => '[secret]'));
      const problem = await run(connection.probe, show, (result) => {
        results.push({ ...result, seen: show(result.seen) });
        if (!options.json) console.error(`${verdict(result)}  ${result.assumption}`);
      });
      const about = versions(type, connection.probe);
      const file = resolve(options.report ?? unusedName(`probe-${name}-${about.at.slice(0, 10)}`));
      await writeFile(file, report(about, results, problem));
      if (problem !== undefined || results.some(isUnforeseen)) process.exitCode = 1;
      if (options.json) return printJson({ ...about, results, problem: problem ?? null, report: file });
      console.log(`\n${draw(results)}\n`);
      print(summary(results));
      if (problem !== undefined) console.error(plainText(problem));
      console.log(`For a bug report: ${file}. It has no secrets and no whole phone numbers.`);
    });
  });
}

/** A second probe of a day leaves the report of the first as it is. */
function unusedName(name: string): string {
  for (let n = 1; ; n++) {
    const file = `${name}${n === 1 ? '' : `-${n}`}.md`;
    if (!existsSync(file)) return file;
  }
}

function announce(name: string, type: string, { writes }: Probe): void {
  console.log(
    `This tries on the account of "${name}" what ${type}'s documents do not settle. Use a TEST account. It will`,
  );
  for (const sentence of writes) console.log(`  - ${sentence}`);
}

async function agreed(name: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error(`Nothing was written. If "${name}" is a test account and may be written to: --yes`);
    process.exitCode = 2;
    return false;
  }
  const answer = await confirm({
    message: 'Is it a test account, and may it be written to?',
    initialValue: false,
  });
  const yes = !isCancel(answer) && answer;
  if (!yes) process.exitCode = 1;
  return yes;
}

/** The first signal stops after the request under way, and deletes what was written; a second one ends at once. */
async function run(
  probe: Probe,
  show: (text: string) => string,
  found: (result: Assumption) => void,
): Promise<string | undefined> {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130); // what is left is deleted by the next probe
    console.error('Stopping: what was written is deleted first. Once more to stop at once.');
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  try {
    await probe.run(controller.signal, found);
    return undefined;
  } catch (reason) {
    return show(reason instanceof Error ? reason.message : String(reason));
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  }
}

/** It does not hold, and the connector has no other way. */
function isUnforeseen({ holds, otherwise }: Assumption): boolean {
  return holds === false && otherwise === '';
}

function verdict({ holds }: Assumption): string {
  return holds === null ? '?  ' : holds ? 'yes' : 'NO ';
}

interface About {
  at: string;
  connector: string;
  api: string;
  bridge: string;
  runtime: string;
}

function versions(connector: string, { api }: Probe): About {
  const { bun, node } = process.versions;
  const runtime = bun === undefined ? `Node ${node}` : `Bun ${bun}`;
  const bridge = packageFile.version;
  return {
    at: new Date().toISOString(),
    connector,
    api,
    bridge,
    runtime: `${runtime}, ${process.platform} ${process.arch}`,
  };
}

const headings = ['assumption', 'expected', 'seen', 'holds', 'otherwise the connector'];

function cells(result: Assumption): string[] {
  const { assumption, expected, seen, otherwise } = result;
  return [assumption, expected, seen, verdict(result).trim(), otherwise];
}

function draw(results: readonly Assumption[]): string {
  const width = Math.max(process.stdout.columns ?? 160, 100) - 6 - 8;
  const widths = [0.22, 0.2, 0.33, 0, 0.25].map((share) => Math.floor(width * share) || 6);
  // A word that is longer than its column would be cut: JSON is full of them.
  const broken = (text: string, column: number) =>
    text.replace(new RegExp(`\\S{${(widths[column] as number) - 1}}`, 'g'), '$& ');
  return table(
    headings,
    results.map((result) => cells(result).map(broken)),
    widths,
  );
}

function summary(results: readonly Assumption[]): string {
  const count = (holds: boolean | null) => results.filter((result) => result.holds === holds).length;
  const differs = count(false);
  const open = count(null);
  return [
    `${count(true)} of ${results.length} are as expected.`,
    ...(differs > 0
      ? [`${differs} are not: the connector goes the other way named beside them from now on.`]
      : []),
    ...(open > 0 ? [`${open} could not be told.`] : []),
  ].join(' ');
}

function report(about: About, results: readonly Assumption[], problem: string | undefined): string {
  const cell = (text: string) => text.replace(/\s+/g, ' ').replaceAll('|', '\\|');
  const lines = [
    `# What delacon-bridge found out about ${about.connector}`,
    '',
    ...Object.entries(about).map(([what, text]) => `- ${what}: ${text}`),
    '',
    `| ${headings.join(' | ')} |`,
    `|${headings.map(() => ' --- |').join('')}`,
    ...results.map((result) => `| ${cells(result).map(cell).join(' | ')} |`),
    '',
    problem === undefined ? summary(results) : `${summary(results)} ${problem}`,
  ];
  return `${lines.join('\n')}\n`;
}
