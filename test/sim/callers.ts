import { parsePhone } from '../../src/call/phone.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { pick } from '../support/random.ts';
import type { Sent } from '../torture/delacon.ts';
import { asPrinted } from '../torture/odd-bodies.ts';

/** Four people, in the spellings that they come in, and who withholds. */
const callers = [
  ['+61412000001', '0412 000 001'],
  ['+61412000002', '0412000002'],
  ['+61298765432', '(02) 9876 5432'],
  ['+64211234567'],
  ['anonymous'],
];

export const numbers = ['+61412000001', '+61412000002', '+61298765432', '+64211234567'];

/** Their digits, as no log may have them. */
export const digits = /412[ -]?000[ -]?00[12]|9876[ -]?5432|211[ -]?234[ -]?567/;

export interface PlannedPush {
  atMs: number;
  push: Sent;
  /** Sent again with the same body, as it may be. */
  isRepeat: boolean;
  /** Whose call it is, where somebody tells. */
  number: string | null;
}

/**
 * The pushes of some calls: the start as the phone rings, the end when it is over; some the other way round, some twice,
 * some halves alone, some ends much later than anybody waits, surveys that come after.
 */
export function plannedPushes(
  random: () => number,
  calls: number,
  withinMs: number,
  firstId = 1,
): PlannedPush[] {
  const planned: PlannedPush[] = [];
  let number: string | null = null;
  const add = (atMs: number, fields: Record<string, string>) => {
    const push: Sent = { ...asPrinted(fields), acknowledged: false, isCorrected: false };
    planned.push({ atMs, push, isRepeat: false, number });
    if (random() < 0.1) planned.push({ atMs: atMs + random() * 40_000, push, isRepeat: true, number });
  };
  for (let call = 0; call < calls; call++) {
    const callId = String(firstId + call);
    const caller = { PLA_Caller_Phone_Number: pick(random, pick(random, callers)) };
    number = parsePhone(caller.PLA_Caller_Phone_Number, 'AU').number;
    const ringsAt = random() * withinMs * 0.8;
    const lastsMs = random() < 0.1 ? 150_000 + random() * 60_000 : random() * 60_000;
    const seconds = `${Math.round(lastsMs / 1000)}s`;
    const end = { PLA_Duration: seconds, PLA_CallResult: pick(random, ['Answered', 'Unanswered', 'Busy']) };
    const kind = random();
    if (kind > 0.06) add(ringsAt, startPush(callId, caller));
    // An end alone tells of no caller.
    if (kind < 0.94)
      add(kind > 0.8 ? Math.max(0, ringsAt - random() * 3_000) : ringsAt + lastsMs, endPush(callId, end));
    if (random() < 0.15)
      add(ringsAt + lastsMs + random() * 60_000, {
        PLA_Call_Id: callId,
        PLA_SurveyOutcome: 'Sale',
        PLA_Duration: seconds,
      });
  }
  return planned.sort((a, b) => a.atMs - b.atMs);
}

/** The same for days on end: within the nine hours of work of each. */
export function plannedDays(random: () => number, callsADay: number, days: number): PlannedPush[] {
  return Array.from({ length: days }, (_, day) =>
    plannedPushes(random, callsADay, 9 * 3_600_000, 1 + day * callsADay).map((one) => ({
      ...one,
      atMs: one.atMs + day * 86_400_000,
    })),
  ).flat();
}

/** Many who withhold their number ring one after the other, each for a moment. */
export function plannedRush(fromMs: number, everyMs: number, calls: number, firstId: number): PlannedPush[] {
  return Array.from({ length: calls }, (_, nth) => {
    const fields = startPush(String(firstId + nth), { PLA_Caller_Phone_Number: 'anonymous' });
    const push: Sent = { ...asPrinted(fields), acknowledged: false, isCorrected: false };
    return { atMs: fromMs + nth * everyMs, push, isRepeat: false, number: null };
  });
}
