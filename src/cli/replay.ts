import { confirm, isCancel } from '@clack/prompts';
import { connectorsFor } from '../reading.ts';
import type { CommandOptions } from './command-options.ts';
import { withStore } from './opened.ts';
import { everyCall, filterOf, type Selection } from './selection.ts';
import { printJson } from './tables.ts';

const atOnce = 500;

/** Makes calls due again. A bridge that runs on the store notices within a second; otherwise the next start does. */
export async function replay(
  callIds: readonly string[],
  options: CommandOptions & Selection & { yes?: boolean },
): Promise<void> {
  const { source, connector, state, since } = options;
  if (callIds.length === 0 && [connector, state, since, source].every((option) => option === undefined)) {
    console.error('Which calls? Name them, or choose some with --state, --connector, --since or --source.');
    process.exitCode = 2;
    return;
  }
  await withStore(options.config, async ({ settings }, store) => {
    const rows: number[] = [];
    if (callIds.length > 0) {
      for (const callId of callIds) {
        const found = await store.stories(callId, source);
        if (found.length === 0) throw new Error(`No call ${callId} was received.`);
        rows.push(...found.map((story) => story.row));
      }
    } else {
      for await (const call of everyCall(store, filterOf(options, atOnce))) rows.push(call.row);
    }
    if (rows.length > 0 && !options.yes && !(await agreed(rows.length))) return;
    let deliveries = 0;
    for (let i = 0; i < rows.length; i += atOnce) {
      const route = (call: Parameters<typeof connectorsFor>[1]) => connectorsFor(settings, call);
      // Of many, what somebody skipped stays so: that is undone call by call.
      const which = { connector, exceptSkipped: callIds.length === 0 };
      deliveries += await store.replay(rows.slice(i, i + atOnce), route, new Date(), which);
    }
    if (options.json) printJson({ calls: rows.length, deliveries });
    else console.log(`${rows.length} calls are due again, with ${deliveries} deliveries.`);
  });
}

async function agreed(count: number): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error(`${count} calls would be delivered again. To do so without being asked: --yes`);
    process.exitCode = 2;
    return false;
  }
  const answer = await confirm({ message: `Deliver ${count} calls again?` });
  return !isCancel(answer) && answer;
}
