import { sendTestNotice } from '../alert/test-notice.ts';
import { systemClock } from '../clock.ts';
import { loadConfig } from '../config/load.ts';
import type { Finding } from '../connector/contract.ts';
import { redactor } from '../log.ts';
import type { CommandOptions } from './command-options.ts';
import { patience, withConnection, withStore } from './opened.ts';
import { print } from './plain-text.ts';
import { printJson } from './tables.ts';

/** Configuration problems are thrown, and so exit with 1; here is what else there is to say. */
export async function check(options: CommandOptions & { online?: boolean; alerts?: boolean }): Promise<void> {
  const { settings, warnings, secrets } = await loadConfig(options.config, { env: process.env });
  const findings: (Finding & { connector?: string })[] = options.online ? await online(options.config) : [];
  if (options.alerts) findings.push(...(await sendTestNotice(settings, systemClock, redactor(secrets))));
  const problems = findings.filter((finding) => finding.level === 'problem').length;
  if (problems > 0) process.exitCode = 1;
  if (options.json) return printJson({ warnings, findings });
  for (const warning of warnings) print(`warning  ${warning}`);
  for (const { connector, level, subject, message, fix } of findings) {
    const about = connector === undefined ? subject : `${connector}, ${subject}`;
    print(`${level.padEnd(8)} ${about}: ${message}${fix ? `\n         ${fix}` : ''}`);
  }
  const count = (record: object) => Object.keys(record).length;
  print(
    problems > 0
      ? `${problems} of ${findings.length} findings are problems.`
      : `The configuration is in order: ${count(settings.sources)} sources, ${count(settings.connectors)} connectors, ${settings.routes.length} routes.${options.online ? '' : ' With --online the CRMs are asked too.'}`,
  );
}

function online(configPath: string): Promise<(Finding & { connector: string })[]> {
  return withStore(configPath, async (config, store) => {
    const findings: (Finding & { connector: string })[] = [];
    for (const [connector, settings] of Object.entries(config.settings.connectors)) {
      const found = await withConnection(connector, settings, config, store, (connection) =>
        connection.check(patience()),
      );
      findings.push(...found.map((finding) => ({ connector, ...finding })));
    }
    return findings;
  });
}
