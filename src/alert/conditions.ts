import { mendOf, toldOf } from '../call/refusal.ts';
import type { AlertSettings } from '../config/alerts.ts';
import type { Backlog } from '../store/deliveries.ts';
import type { Rejection } from '../store/rejections.ts';
import { afterWorking } from '../text/business-hours.ts';
import { ownCommand } from '../text/own-command.ts';
import { counted } from '../text/plural.ts';
import { durationText, timeText, type What } from './notice.ts';

/** Something that somebody should know of for as long as it lasts. */
export interface Condition {
  what: What;
  /** The connector or source, or the end of a token; empty for the store, and for tokens that are not told apart. */
  of: string;
  since: Date;
  title: string;
  lines: string[];
}

/** How things are. */
export interface Facts {
  connectors: {
    name: string;
    blocked: { reason: string; since: Date } | null;
    openReason: string | null;
    backlog: Backlog;
  }[];
  sources: { name: string; timezone: string; heardAt: Date }[];
  /** What was not taken of late. */
  rejected: Rejection[];
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
  for (const { name, blocked, openReason, backlog } of facts.connectors) {
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
          `Blocked since ${shown(blocked.since)}; ${few(due)} waiting. It goes on by itself once the cause is mended: ${ownCommand('check --online')} says more.`,
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
          `Mend the cause, then deliver again: ${ownCommand(`replay --state failed --connector ${name}`)}`,
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
          ...(openReason === null ? [] : [openReason]),
          `${few(due)} waiting, the oldest since ${shown(waitingSince)}. To see why: ${ownCommand(`calls --state due --connector ${name}`)}`,
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
  return [...found, ...refusedOf(facts.rejected, shown)];
}

/** Unknown tokens that are told one by one; noise has many. */
const mostTokensTold = 5;
const mostLines = 5;

function refusedOf(rejected: readonly Rejection[], shown: (at: Date) => string): Condition[] {
  const condition = (what: What, of: string, title: string, about: readonly Rejection[]): Condition => ({
    what,
    of,
    since: new Date(Math.min(...about.map(({ firstAt }) => firstAt.getTime()))),
    title,
    lines: about.slice(0, mostLines).map((one) => `${toldOf(one, shown)}. ${mendOf(one.cause)}`),
  });
  // The first stay themselves, however many come after them.
  const tokens = rejected
    .filter(({ cause }) => cause === 'unknown_token')
    .sort((a, b) => a.firstAt.getTime() - b.firstAt.getTime());
  const named = tokens.filter(({ mark }) => mark !== '').slice(0, mostTokensTold);
  const others = tokens.filter((one) => !named.includes(one));
  const found = named.map((one) =>
    condition('refused', `…${one.mark}`, `A URL with a token that is none of ours: ends …${one.mark}`, [one]),
  );
  if (others.length > 0)
    found.push(condition('refused', '', 'URLs with tokens that are none of ours', others));
  for (const [source, its] of Map.groupBy(rejected, (one) => one.source)) {
    if (source === '') continue; // whoever opens a URL that is none of ours
    const unreadable = its.filter(({ cause }) => cause === 'unreadable');
    const refused = its.filter(({ cause }) => cause !== 'unreadable' && cause !== 'closing');
    if (unreadable.length > 0)
      found.push(condition('unreadable', source, `Pushes of ${source} could not be read`, unreadable));
    if (refused.length > 0)
      found.push(condition('refused', source, `Pushes of ${source} were refused`, refused));
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
    case 'unreadable':
    case 'refused':
      return settings.rejectedMs !== undefined;
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
    case 'unreadable':
      return `No unreadable push of ${of} has come for a while`;
    case 'refused':
      if (of.startsWith('…')) return `No push to the URL that ends ${of} has come for a while`;
      return of === ''
        ? 'No push with a token that is none of ours has come for a while'
        : `No push of ${of} was refused for a while`;
    case 'store':
      return 'The store takes writes again';
  }
}

function few(n: number): string {
  return n >= countedTo ? `More than ${countedTo} calls` : counted(n, 'call');
}
