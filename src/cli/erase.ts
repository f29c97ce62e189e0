import { confirm, isCancel } from '@clack/prompts';
import { counted } from '../counted.ts';
import type { CommandOptions } from './command-options.ts';
import { withOperator } from './opened.ts';
import { print } from './plain-text.ts';
import { printJson } from './tables.ts';

/** Removes everything that the store knows of a phone number, and says what is left elsewhere. */
export async function erase(
  number: string,
  options: CommandOptions & { yes?: boolean; region?: string },
): Promise<void> {
  await withOperator(options.config, async (operator) => {
    const given = { number, region: options.region };
    const held = await operator.holdings(given);
    if (!options.json) {
      print(
        `${counted(held.calls, 'call')} of ${held.number} ${held.calls === 1 ? 'is' : 'are'} in the store.`,
      );
      for (const { connector, role, type, id } of held.inCrm)
        print(`  stays in ${connector}: ${role}, ${type} ${id}`);
    }
    if (!options.yes && !(await agreed())) return;
    const { erased, left, inCrm, number: shown } = await operator.erase(given);
    if (options.json) return printJson({ number: shown, erased, left, inCrm });
    for (const [what, count] of Object.entries(erased)) print(`  ${what.padEnd(12)} ${count} erased`);
    print(`Searched again: ${counted(left, 'call')} of this number left.`);
    if (inCrm.length > 0) print("The records named above are the CRM's: erase them there.");
    print('Backups made before still hold the number.');
  });
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
