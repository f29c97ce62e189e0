import { confirm, isCancel } from '@clack/prompts';
import { isSupportedCountry } from 'libphonenumber-js/max';
import type { Settings } from '../config/settings.ts';
import type { RecordRef } from '../connector/contract.ts';
import { callOf } from '../reading.ts';
import { type CallState, laneOf } from '../receive/call.ts';
import { maskNumber, parsePhone, type Region } from '../receive/phone.ts';
import type { CallView, Store } from '../store/store.ts';
import type { Common } from './main.ts';
import { withStore } from './opened.ts';
import { everyCall } from './selection.ts';
import { printJson } from './tables.ts';

/** Removes everything that the store knows of a phone number, and says what is left elsewhere. */
export async function erase(
  written: string,
  options: Common & { yes?: boolean; region?: string },
): Promise<void> {
  await withStore(options.config, async ({ settings }, store) => {
    const region = regionOf(settings, options.region);
    const { number } = parsePhone(written, region);
    if (number === null)
      throw new Error(
        `"${written}" is no telephone number in ${region}. Write it as +61412345678, or give --region.`,
      );
    const calls = await callsOf(store, settings, number);
    const inCrm = calls.flatMap(({ deliveries }) =>
      deliveries.flatMap(({ connector, records }) =>
        (Object.entries(records) as [string, RecordRef][]).map(([role, { type, id }]) => ({
          connector,
          role,
          type,
          id,
        })),
      ),
    );
    if (!options.json) {
      console.log(`${calls.length} calls of ${maskNumber(number)} are in the store.`);
      for (const { connector, role, type, id } of inCrm)
        console.log(`  stays in ${connector}: ${role}, ${type} ${id}`);
    }
    if (!options.yes && !(await agreed())) return;
    const shown = maskNumber(number);
    const digits = number.slice(-8);
    const rows = calls.map(({ row }) => row);
    const erased = await store.erase({ rows, number, shown, digits, at: new Date() });
    const left = (await callsOf(store, settings, number)).length;
    if (options.json) return printJson({ number: shown, erased, left, inCrm });
    for (const [what, count] of Object.entries(erased)) console.log(`  ${what.padEnd(12)} ${count} erased`);
    console.log(`Searched again: ${left} calls of this number are left.`);
    if (inCrm.length > 0) console.log("The records named above are the CRM's: erase them there.");
    console.log('Backups made before still hold the number.');
  });
}

/** Calls of the caller, and calls that were the caller's in a push before another one named somebody else. */
async function callsOf(store: Store, settings: Settings, number: string): Promise<CallView[]> {
  const found = new Map<number, CallView>();
  const isCallers = (state: CallState) => callOf(settings, state)?.caller.number === number;
  const lane = laneOf('', { PLA_Caller_Phone_Number: number });
  for await (const call of everyCall(store, { lane, limit: 500 }))
    if (isCallers(call.state)) found.set(call.row, call);
  for (const row of await store.callsHolding(number.slice(-8))) {
    if (found.has(row)) continue;
    const [call] = await store.calls({ beforeRow: row + 1, limit: 1 });
    if (call?.row !== row) continue;
    const [story] = await store.stories(call.state.callId, call.state.source);
    if (story?.pushes.some(({ fields }) => isCallers({ ...call.state, fields }))) found.set(row, call);
  }
  return [...found.values()];
}

/** The country in whose spelling the number is read: as told, or that of the first source. */
function regionOf(settings: Settings, given: string | undefined): Region {
  const region = given?.toUpperCase() ?? Object.values(settings.sources)[0]?.region ?? 'AU';
  if (!isSupportedCountry(region)) throw new Error(`--region ${given}: use two letters, such as AU or NZ.`);
  return region;
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
