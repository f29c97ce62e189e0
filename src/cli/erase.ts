import { confirm, isCancel, progress } from '@clack/prompts';
import type { Holdings } from '../operator/actions.ts';
import { type Looked, waitingText } from '../operator/erasure.ts';
import { ownCommand } from '../text/own-command.ts';
import { counted } from '../text/plural.ts';
import type { CommandOptions } from './command-options.ts';
import { withOperator } from './opened.ts';
import { print } from './plain-text.ts';
import { printJson } from './tables.ts';

/** Removes everything that the store knows of a phone number, and says what is left elsewhere. */
export async function erase(
  number: string,
  options: CommandOptions & { yes?: boolean; region?: string; unsearchable?: boolean },
): Promise<void> {
  await withOperator(options.config, async (operator) => {
    const given = { number, region: options.region };
    const held = await watched('Looking through all calls', options, (looked) =>
      operator.holdings(given, looked),
    );
    if (!options.json) {
      print(
        `${counted(held.calls, 'call')} of ${held.number} ${held.calls === 1 ? 'is' : 'are'} in the store.`,
      );
      for (const { connector, role, type, id } of held.inCrm)
        print(`  stays in ${connector}: ${role}, ${type} ${id}`);
      if (held.elsewhere > 0)
        print(
          `${counted(held.elsewhere, 'call')} of others ${held.elsewhere === 1 ? 'names' : 'name'} it, as who answered or in a text, and ${held.elsewhere === 1 ? 'stays' : 'stay'}.`,
        );
      if (held.unsearchable > 0)
        print(
          options.unsearchable
            ? `${counted(held.unsearchable, 'rejected push', 'rejected pushes')} cannot be searched, since they are packed in a way that is not read: they go as well, whosever they are.`
            : unsearchableText(held),
        );
    }
    if (!options.yes && !(await agreed())) return;
    const done = await watched('Erasing, and looking again', options, (looked) =>
      operator.erase({ ...given, unsearchable: options.unsearchable ?? false }, looked),
    );
    if (options.json) return printJson(done);
    const { erased, left, inCrm, inLog } = done;
    for (const [what, count] of Object.entries(erased)) print(`  ${what.padEnd(12)} ${count} erased`);
    print(`Searched again: ${counted(left, 'call')} of this number left.`);
    if (done.unsearchable > 0) print(unsearchableText(done));
    if (inCrm.length > 0) print("The records named above are the CRM's: erase them there.");
    if (done.waiting.length > 0) print(waitingText(done));
    if (inLog)
      print(
        "Something reads the store's file just now, such as a backup: until it ends, what was erased stays in the log beside the file. The bridge removes it within a minute after, or with its next start.",
      );
    print('Backups made before still hold the number, and so may the logs of proxies.');
  });
}

function unsearchableText({ unsearchable: count }: Pick<Holdings, 'unsearchable'>): string {
  return `${counted(count, 'rejected push', 'rejected pushes')} could not be searched, packed in a way that is not read, and may hold the number. What can be known of ${count === 1 ? 'it' : 'them'}: ${ownCommand('rejected')}. To remove ${count === 1 ? 'it' : 'them'} as well, whosever ${count === 1 ? 'it is' : 'they are'}: --unsearchable. Else retention.rejected does.`;
}

/** On a terminal long work shows how far it is. */
async function watched<T>(
  what: string,
  { json }: CommandOptions,
  work: (looked?: Looked) => Promise<T>,
): Promise<T> {
  if (json || !process.stdout.isTTY) return work();
  const bar = progress({ max: 100 });
  bar.start(what);
  let shown = 0;
  try {
    return await work((share) => {
      const now = Math.floor(share * 100);
      if (now > shown) bar.advance(now - shown);
      shown = now;
    });
  } finally {
    bar.stop(what);
  }
}

async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error('Erasing cannot be taken back. To do so without being asked: --yes');
    process.exitCode = 2;
    return false;
  }
  const answer = await confirm({ message: 'Erase them? This cannot be taken back.', initialValue: false });
  return !isCancel(answer) && answer;
}
