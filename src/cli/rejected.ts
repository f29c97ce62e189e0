import type { RejectedPush } from '../operator/rejected.ts';
import { type CommandOptions, pasted } from './command-options.ts';
import { withOperator } from './opened.ts';
import { print } from './plain-text.ts';
import { refuseUnknown } from './selection.ts';
import { localTime, printJson, table } from './tables.ts';

/** What was not taken, the latest first: refused pushes with what leads to the mend, then the unreadable ones. */
export async function rejected(options: CommandOptions & { source?: string; limit: number }): Promise<void> {
  await withOperator(options.config, async (operator, { settings }) => {
    const which = {
      limit: Math.min(Math.max(options.limit, 1), 200),
      ...(options.source === undefined ? {} : { source: options.source }),
    };
    const refused = (await operator.rejected({ ...which, kept: false })).pushes;
    const kept = (await operator.rejected({ ...which, kept: true })).pushes;
    if (refused.length + kept.length === 0) refuseUnknown(which, settings);
    if (options.json) return printJson({ refused, kept });
    if (refused.length + kept.length === 0) return print('Nothing was refused or unreadable.');
    for (const { source, told, mend, sender } of refused)
      print(
        `${source === null ? '' : `${source}: `}${told}${sender === null ? '' : `, last from ${sender}`}.\n  ${mend}`,
      );
    if (kept.length === 0) return;
    const timezone = Object.values(settings.sources)[0]?.timezone ?? 'UTC';
    print(`${refused.length > 0 ? '\n' : ''}Unreadable, and kept:`);
    print(
      table(
        ['last came', 'times', 'source', 'bytes', 'why'],
        kept.map((push) => rowOf(push, timezone)),
      ),
    );
    print(`To read them again, such as after an update: ${pasted('replay --rejected', options.config)}`);
  });
}

function rowOf(
  { lastAt, count, source, isConfigured, bytes, reason }: RejectedPush,
  timezone: string,
): string[] {
  return [
    localTime(new Date(lastAt), timezone),
    String(count),
    isConfigured ? (source ?? '') : `${source} (configured no more)`,
    String(bytes ?? ''),
    reason,
  ];
}
