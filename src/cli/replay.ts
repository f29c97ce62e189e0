import { confirm, isCancel } from '@clack/prompts';
import { counted } from '../counted.ts';
import { connectorsFor } from '../reading.ts';
import type { CommandOptions } from './command-options.ts';
import { withStore } from './opened.ts';
import { everyCall, filterOf, noCall, refuseUnknown, type Selection } from './selection.ts';
import { printJson } from './tables.ts';
import { configured, WrongUse } from './wrong-use.ts';

const atOnce = 500;

/** Makes calls due again. A bridge that runs on the store notices within a second; otherwise the next start does. */
export async function replay(
  callIds: readonly string[],
  options: CommandOptions & Selection & { yes?: boolean },
): Promise<void> {
  const { source, connector, state, since } = options;
  if (callIds.length === 0 && [connector, state, since, source].every((option) => option === undefined)) {
    throw new WrongUse(
      'Which calls? Name them, or choose some with --state, --connector, --since or --source.',
    );
  }
  await withStore(options.config, async ({ settings }, store) => {
    if (connector !== undefined) configured('connector', connector, settings.connectors); // else nobody would write
    const rows: number[] = [];
    if (callIds.length > 0) {
      for (const callId of callIds) {
        const found = await store.stories(callId, source);
        if (found.length === 0) throw noCall(callId);
        rows.push(...found.map((story) => story.row));
      }
    } else {
      for await (const call of everyCall(store, filterOf(options, atOnce))) rows.push(call.row);
    }
    if (rows.length === 0) refuseUnknown(options, settings);
    if (rows.length > 0 && !options.yes && !(await agreed(rows.length))) return;
    let deliveries = 0;
    for (let i = 0; i < rows.length; i += atOnce) {
      const route = (call: Parameters<typeof connectorsFor>[1]) => connectorsFor(settings, call);
      // Of many, what somebody skipped stays so: that is undone call by call.
      const which = { connector, exceptSkipped: callIds.length === 0 };
      deliveries += await store.replay(rows.slice(i, i + atOnce), route, new Date(), which);
    }
    if (options.json) printJson({ calls: rows.length, deliveries });
    else if (rows.length === 0) console.log('No call matches.');
    else
      console.log(
        `${counted(rows.length, 'call is', 'calls are')} due again, with ${counted(deliveries, 'delivery', 'deliveries')}.`,
      );
  });
}

async function agreed(count: number): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error(`${counted(count, 'call')} would be delivered again. To do so without being asked: --yes`);
    process.exitCode = 2;
    return false;
  }
  const answer = await confirm({ message: `Deliver ${counted(count, 'call')} again?` });
  return !isCancel(answer) && answer;
}
