import { afterWorking } from '../connector/business-hours.ts';
import { counted } from '../counted.ts';
import type { Backlog } from '../store/store.ts';
import { durationText, timeText, type What } from './notice.ts';
import type { AlertSettings } from './options.ts';

/** Something that somebody should know of for as long as it lasts. */
export interface Condition {
  what: What;
  /** The connector or source; empty for the store. */
  of: string;
  since: Date;
  title: string;
  lines: string[];
}

/** How things are. */
export interface Facts {
  connectors: { name: string; blocked: { reason: string; since: Date } | null; backlog: Backlog }[];
  sources: { name: string; timezone: string; heardAt: Date }[];
  /** Why the store takes no writes. Null: it does. */
  storeFails: string | null;
}

/** Beyond, a number is told as "more than". */
export const countedTo = 10_000;

/** What is not as it should be, by the settings. */
export function conditionsOf(facts: Facts, settings: AlertSettings, now: Date): Condition[] {
  const found: Condition[] = [];
  const nowMs = now.getTime();
  const shown = (at: Date) => timeText(at, settings.timezone);
  if (facts.storeFails !== null)
    found.push({
      what: 'store',
      of: '',
      since: now,
      title: 'The store takes no writes: pushes are refused',
      lines: [
        facts.storeFails,
        'Make room on the disk, or see what else is wrong with it. Delacon is not known to push again.',
      ],
    });
  for (const { name, blocked, backlog } of facts.connectors) {
    const { due, failed, waitingSince, latestFailed } = backlog;
    const { blockedForMs, backlogOlderThanMs } = settings;
    if (blocked && blockedForMs !== undefined && nowMs - blocked.since.getTime() >= blockedForMs)
      found.push({
        what: 'blocked',
        of: name,
        since: blocked.since,
        title: `${name} is blocked: its calls wait`,
        lines: [
          blocked.reason,
          `Blocked since ${shown(blocked.since)}; ${few(due)} waiting. It goes on by itself once the cause is mended: delacon-bridge check --online says more.`,
        ],
      });
    if (settings.failed && failed > 0)
      found.push({
        what: 'failed',
        of: name,
        since: now,
        title: `${few(failed)} failed in ${name}`,
        lines: [
          ...(latestFailed
            ? [`The latest, ${latestFailed.callId}: ${latestFailed.reason ?? 'no reason is known.'}`]
            : []),
          `Mend the cause, then deliver again: delacon-bridge replay --state failed --connector ${name}`,
        ],
      });
    if (
      waitingSince &&
      backlogOlderThanMs !== undefined &&
      nowMs - waitingSince.getTime() >= backlogOlderThanMs
    )
      found.push({
        what: 'backlog',
        of: name,
        since: waitingSince,
        title: `Calls have waited for ${name} for ${durationText(nowMs - waitingSince.getTime())}`,
        lines: [
          `${few(due)} waiting, the oldest since ${shown(waitingSince)}. To see why: delacon-bridge calls --state due --connector ${name}`,
        ],
      });
  }
  const { silentForMs } = settings;
  for (const { name, timezone, heardAt } of facts.sources) {
    if (silentForMs === undefined || now < afterWorking(heardAt, silentForMs, settings.hours, timezone))
      continue;
    found.push({
      what: 'silence',
      of: name,
      since: heardAt,
      title: `No push of ${name} for ${durationText(silentForMs)} of working time`,
      lines: [
        `Nothing has come since ${shown(heardAt)}.`,
        'Call one of its numbers. If nothing comes, look at the data integration in the Delacon portal, and whether the address of the bridge can be reached.',
      ],
    });
  }
  return found;
}

/** Whether the settings still ask for it. */
export function isWatched(what: What, settings: AlertSettings): boolean {
  switch (what) {
    case 'blocked':
      return settings.blockedForMs !== undefined;
    case 'failed':
      return settings.failed;
    case 'backlog':
      return settings.backlogOlderThanMs !== undefined;
    case 'silence':
      return settings.silentForMs !== undefined;
    case 'store':
      return true;
  }
}

/** What is told when a condition is over. */
export function recoveryOf(what: What, of: string): string {
  switch (what) {
    case 'blocked':
      return `${of} is no longer blocked`;
    case 'failed':
      return `No failed calls are left in ${of}`;
    case 'backlog':
      return `${of} has caught up`;
    case 'silence':
      return `Pushes of ${of} come again`;
    case 'store':
      return 'The store takes writes again';
  }
}

function few(n: number): string {
  return n >= countedTo ? `More than ${countedTo} calls` : counted(n, 'call');
}
