import type { ConnectorHealth } from '../operator/connectors.ts';
import { counted } from '../text/plural.ts';
import { type CommandOptions, pasted } from './command-options.ts';
import { withOperator } from './opened.ts';
import { printJson } from './tables.ts';
import { configured } from './wrong-use.ts';

/** Stops the attempts of a connector, over restarts too; calls wait. A running bridge notices within a second. */
export async function pause(connector: string, options: CommandOptions & { reason?: string }): Promise<void> {
  await withOperator(options.config, async (operator, { settings }) => {
    configured('connector', connector, settings.connectors);
    const health = await operator.pause(connector, { reason: options.reason });
    tell(
      health,
      `Paused: calls for ${connector} wait until: ${pasted(`resume ${connector}`, options.config)}`,
      options,
    );
  });
}

export async function resume(connector: string, options: CommandOptions): Promise<void> {
  await withOperator(options.config, async (operator, { settings }) => {
    configured('connector', connector, settings.connectors);
    const health = await operator.resume(connector);
    tell(
      health,
      `Resumed: ${counted(health.backlog, 'delivery is', 'deliveries are')} due for ${connector}.`,
      options,
    );
  });
}

function tell(health: ConnectorHealth, sentence: string, { json }: CommandOptions): void {
  if (json) printJson(health);
  else console.log(sentence);
}
