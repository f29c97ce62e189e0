import { type CommandOptions, pasted } from './command-options.ts';
import { withOperator } from './opened.ts';
import { noCall, severalSources } from './selection.ts';
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
    const [first, ...others] = found.map((one) => one.source);
    if (first === undefined) throw noCall(callId, options.config);
    if (others.length > 0) throw severalSources(callId, [first, ...others]);
    const story = await operator.skip(first, callId, { connector, reason });
    if (options.json) return printJson(story);
    console.log(
      `Call ${callId} is left out of ${connector}, until replayed: ${pasted(`replay ${callId} --connector ${connector}`, options.config)}`,
    );
  });
}
