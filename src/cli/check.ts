import { sendTestNotice } from '../alert/test-notice.ts';
import { systemClock } from '../clock.ts';
import { accountOf, type Config, loadConfig, usualFile } from '../config/load.ts';
import { ConfigProblems } from '../config/problems.ts';
import { adviceOnShared, sharedAccounts } from '../config/shared-accounts.ts';
import type { Finding } from '../connector/contract.ts';
import { standing } from '../deliver/standing.ts';
import { redactor } from '../log.ts';
import { environment } from '../runtime/environment.ts';
import { counted } from '../text/plural.ts';
import type { CommandOptions } from './command-options.ts';
import { patience, withConnection, withStore } from './opened.ts';
import { print } from './plain-text.ts';
import { printJson } from './tables.ts';

/** Configuration problems are thrown, and so are told and exit with 1; here is what else there is to say. */
export async function check(options: CommandOptions & { online?: boolean; alerts?: boolean }): Promise<void> {
  const { settings, file, warnings, secrets } = await loadConfig(options.config, {
    env: environment(),
  }).catch((reason) => {
    if (reason instanceof ConfigProblems) {
      if (options.json) printJson({ problems: reason.problems, warnings: reason.warnings, findings: [] });
      else for (const warning of reason.warnings) print(`warning  ${warning}`);
    }
    throw reason;
  });
  const findings: (Finding & { connector?: string })[] = options.online ? await online(options.config) : [];
  if (options.alerts) findings.push(...(await sendTestNotice(settings, systemClock, redactor(secrets))));
  const problems = findings.filter((finding) => finding.level === 'problem').length;
  if (problems > 0) process.exitCode = 1;
  if (options.json) return printJson({ problems: [], warnings, findings });
  for (const warning of warnings) print(`warning  ${warning}`);
  for (const { connector, level, subject, message, fix } of findings) {
    const about = connector === undefined ? subject : `${connector}, ${subject}`;
    print(`${level.padEnd(8)} ${about}: ${message}${fix ? `\n         ${fix}` : ''}`);
  }
  if (problems > 0)
    return print(`${counted(problems, 'problem')} among ${counted(findings.length, 'finding')}.`);
  const what = file === undefined ? `There is no ${usualFile}. The built-in configuration` : file;
  const { sources, connectors, routes } = settings;
  const written = routes.filter(({ isImplied }) => !isImplied).length;
  const alone = new Set(routes.filter(({ isImplied }) => isImplied).map(({ place }) => place)).size;
  const parts = [
    counted(Object.keys(sources).length, 'source'),
    counted(Object.keys(connectors).length, 'connector'),
    ...(written > 0 || alone === 0 ? [counted(written, 'route')] : []),
    ...(alone > 0
      ? [
          `${counted(alone, 'file')} without routes, whose calls go to ${alone === 1 ? 'its' : 'their'} own connectors`,
        ]
      : []),
  ];
  print(
    `${what} is in order: ${parts.join(', ')}.${options.online ? '' : ' With --online the CRMs are asked too.'}`,
  );
}

function online(configPath: string): Promise<(Finding & { connector: string })[]> {
  return withStore(configPath, async (config, store) => {
    const findings: (Finding & { connector: string })[] = [];
    const states = await store.connectorStates();
    for (const [connector, settings] of Object.entries(config.settings.connectors)) {
      const found = await withConnection(connector, settings, config, store, (connection) =>
        connection.check(patience()),
      );
      findings.push(
        ...[...standing(connector, states), ...found].map((finding) => ({ connector, ...finding })),
      );
    }
    return [...findings, ...inOneAccount(config, findings)];
  });
}

/** Connectors of different clients that lead to one account, though they log in differently: the same is told without asking. */
function inOneAccount(
  { settings }: Config,
  findings: readonly (Finding & { connector: string })[],
): (Finding & { connector: string })[] {
  const accounts = findings.map(({ connector, account }) => [connector, account] as const);
  return sharedAccounts(settings, accounts).flatMap(({ connector, other }) => {
    const [own, theirs] = [connector, other].map((name) => accountOf(settings.connectors[name]!));
    if (own !== undefined && own === theirs) return [];
    const message = `It is the account of ${other}, too, so calls of different sources meet in one CRM.`;
    return [
      { connector, level: 'warning', subject: 'account', message, fix: adviceOnShared(connector, other) },
    ];
  });
}
