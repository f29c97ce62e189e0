import type { CommandOptions } from './command-options.ts';
import { withOperator } from './opened.ts';
import { printJson } from './tables.ts';

/** Leaves a delivery out, though the call may change, until it is replayed. */
export async function skip(
  callId: string,
  {
    connector,
    reason,
    source,
    ...options
  }: CommandOptions & { connector: string; reason: string; source?: string },
): Promise<void> {
  await withOperator(options.config, async (operator) => {
    const found = await operator.stories(callId, source);
    if (found.length === 0) throw new Error(`No call ${callId} was received.`);
    if (found.length > 1)
      throw new Error(
        `Several sources have a call ${callId}: choose with --source ${found.map((one) => one.source).join(' or ')}.`,
      );
    const story = await operator.skip(found[0]!.source, callId, { connector, reason });
    if (options.json) return printJson(story);
    console.log(
      `Call ${callId} is left out of ${connector}, until replayed: delacon-bridge replay ${callId} --connector ${connector}`,
    );
  });
}
