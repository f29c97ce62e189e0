import { confirm, isCancel } from '@clack/prompts';
import type { ConnectorSettings } from '../config/settings.ts';
import type { PlanStep } from '../connector/contract.ts';
import type { CommandOptions } from './command-options.ts';
import { patience, withConnection, withStore } from './opened.ts';
import { print } from './plain-text.ts';
import { printJson, table } from './tables.ts';
import { configured } from './wrong-use.ts';

/** Shows the plan, asks, applies it, and proves it by planning again. */
export async function setup(name: string, options: CommandOptions & { yes?: boolean }): Promise<void> {
  await withStore(options.config, async (config, store) => {
    const { connectors } = config.settings;
    configured('connector', name, connectors);
    const settings = connectors[name] as ConnectorSettings;
    await withConnection(name, settings, config, store, async (connection) => {
      const plan = await connection.plan(patience());
      if (!options.json) show(plan);
      if (plan.some((step) => step.action === 'conflict')) {
        throw new Error('Nothing was changed: the conflicts need a hand first.');
      }
      const missing = plan.filter((step) => step.action === 'create').length;
      if (missing > 0) {
        if (!options.yes && !(await agreed(missing))) {
          if (options.json) printJson({ plan, created: 0 });
          process.exitCode = 1;
          return;
        }
        await connection.apply(patience(), (step) => {
          if (!options.json) print(`created  ${step.subject}`);
        });
        const left = (await connection.plan(patience())).filter((step) => step.action !== 'keep');
        if (left.length > 0) {
          show(left);
          throw new Error('The CRM does not show what was created: try again in a minute.');
        }
      }
      if (options.json) printJson({ plan, created: missing });
      else print(missing > 0 ? 'Read back: everything is in place.' : 'Everything is in place.');
    });
  });
}

function show(plan: readonly PlanStep[]): void {
  if (plan.length > 0)
    console.log(
      table(
        ['', 'what', ''],
        plan.map((step) => [step.action, step.subject, step.detail]),
      ),
    );
}

async function agreed(count: number): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error(`Nothing was changed. To create ${count} without being asked: --yes`);
    return false;
  }
  const answer = await confirm({ message: `Create ${count}?` });
  return !isCancel(answer) && answer;
}
