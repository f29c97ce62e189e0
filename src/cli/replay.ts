import { confirm, isCancel } from '@clack/prompts';
import { connectorsFor } from '../config/read-call.ts';
import { count, counted } from '../text/plural.ts';
import { type CommandOptions, pasted } from './command-options.ts';
import { withOperator, withStore } from './opened.ts';
import { everyCall, filterOf, noCall, refuseUnknown, type Selection } from './selection.ts';
import { printJson } from './tables.ts';
import { configured, WrongUse } from './wrong-use.ts';

const atOnce = 500;

/** Makes calls due again. A bridge that runs on the store notices within a second; otherwise the next start does. */
export async function replay(
  callIds: readonly string[],
  options: CommandOptions & Selection & { yes?: boolean; rejected?: boolean },
): Promise<void> {
  const { source, connector, state, since } = options;
  if (options.rejected) {
    if (callIds.length > 0 || [connector, state, since].some((option) => option !== undefined))
      throw new WrongUse('--rejected reads pushes that are no calls yet: choose no more than --source.');
    return replayRejected(options);
  }
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
        if (found.length === 0) throw noCall(callId, options.config);
        rows.push(...found.map((story) => story.row));
      }
    } else {
      for await (const call of everyCall(store, filterOf(options, atOnce))) rows.push(call.row);
    }
    if (rows.length === 0) refuseUnknown(options, settings);
    const calls = counted(rows.length, 'call');
    const message = [`Deliver ${calls} again?`, `${calls} would be delivered again.`] as const;
    if (rows.length > 0 && !options.yes && !(await agreed(...message))) return;
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

/** Reads again what could not be read when it came. What can be read by now becomes a call, and is delivered. */
async function replayRejected({
  source,
  ...options
}: CommandOptions & { yes?: boolean; source?: string }): Promise<void> {
  await withOperator(options.config, async (operator) => {
    const bodies = await operator.rejectedBodies(source);
    const pushes = counted(bodies, 'unreadable push', 'unreadable pushes');
    const message = [`Read ${pushes} again?`, `${pushes} would be read again.`] as const;
    if (bodies > 0 && !options.yes && !(await agreed(...message))) return;
    const done = await operator.readAgain(source === undefined ? {} : { source });
    if (options.json) return printJson(done);
    if (bodies === 0) return console.log('No unreadable push is kept.');
    console.log(
      `${counted(done.read, 'push', 'pushes')} could be read and ${done.read === 1 ? 'is a call' : 'are calls'} now.`,
    );
    if (done.left > 0)
      console.log(
        `${counted(done.left, 'push', 'pushes')} still cannot be read, and stay: ${pasted('rejected', options.config)}`,
      );
    if (done.withoutSource > 0)
      console.log(
        `${count(done.withoutSource)} of those are of a source that is configured no more: configure it again first.`,
      );
  });
}

async function agreed(message: string, would: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error(`${would} To do so without being asked: --yes`);
    process.exitCode = 2;
    return false;
  }
  const answer = await confirm({ message });
  return !isCancel(answer) && answer;
}
