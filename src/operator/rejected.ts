import { isUtf8 } from 'node:buffer';
import * as z from 'zod';
import { decodeBody } from '../call/push.ts';
import { mendOf, refusals, toldOf } from '../call/refusal.ts';
import type { Settings } from '../config/settings.ts';
import type { RejectedKept, Rejection, StoredRejection } from '../store/rejections.ts';
import { instant } from './time-range.ts';

export const rejectedQuery = z.strictObject({
  source: z.string().optional(),
  kept: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('true: unreadable pushes whose body is kept; false: the others.'),
  after: z.string().optional().describe('The `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(200).optional(),
});
export type RejectedQuery = z.output<typeof rejectedQuery>;

const told = z.object({
  source: z.string().nullable().describe('Null: its token is none of ours.'),
  cause: z.enum(refusals),
  tokenEnd: z
    .string()
    .nullable()
    .describe(
      'Of an unknown token: its last four characters. Null: it is too short for that, or one of many.',
    ),
  sender: z.string().nullable().describe('The address that the last one came from.'),
  reason: z.string().describe('Of the last one.'),
  count: z.int(),
  firstAt: instant,
  lastAt: instant,
  told: z.string().describe('All that in a sentence.'),
  mend: z.string().describe('What leads to the mend.'),
});

const rejectedPush = told.extend({
  id: z.string(),
  isConfigured: z.boolean().describe('Whether its source is configured: otherwise it cannot be read again.'),
  bytes: z.int().nullable().describe('Length of the body. Null: none is kept.'),
  text: z
    .string()
    .nullable()
    .describe('The body; in a list no more than its beginning. Null: none is kept, or numbers are masked.'),
});
export type RejectedPush = z.output<typeof rejectedPush>;

/** Pushes that were not taken, the latest first. */
export const rejectedPushes = z.object({
  pushes: z.array(rejectedPush),
  next: z.string().nullable().describe('Where the next page begins. Null: this is the last.'),
});
export type RejectedPushes = z.output<typeof rejectedPushes>;

export const wholeRejected = rejectedPush;

/** For the overview. */
export const rejectedLately = z.object({
  kept: z.int().describe('Unreadable pushes whose bodies are kept.'),
  refused: z.array(told).describe('What was refused within the last day: the latest ten kinds.'),
});
export type RejectedLately = z.output<typeof rejectedLately>;

export const readAgainOrder = z.strictObject({
  source: z.string().optional().describe('Only of this source. Not set: of all.'),
});

export const readAgainDone = z.object({
  read: z.int().describe('Pushes that could be read by now: they are calls.'),
  left: z.int().describe('Those that still cannot be read.'),
  withoutSource: z.int().describe('Of those that are left: their source is configured no more.'),
});
export type ReadAgainDone = z.output<typeof readAgainDone>;

/** So much of a body is shown in a list. */
export const shownBytes = 4_000;
const mostLately = 10;

function toldAs(rejection: Rejection, timeOf: (at: Date) => string): z.output<typeof told> {
  const { source, cause, mark, sender, reason, count, firstAt, lastAt } = rejection;
  return {
    source: source || null,
    cause,
    tokenEnd: cause === 'unknown_token' && mark !== '' ? mark : null,
    sender: sender || null,
    reason,
    count,
    firstAt: firstAt.toISOString(),
    lastAt: lastAt.toISOString(),
    told: toldOf(rejection, timeOf),
    mend: mendOf(cause),
  };
}

export function rejectedOf(
  rejection: StoredRejection & { head: Uint8Array | null },
  settings: Settings,
  timeOf: (at: Date) => string,
): RejectedPush {
  const { row, source, bytes, head } = rejection;
  return {
    ...toldAs(rejection, timeOf),
    id: String(row),
    isConfigured: Object.hasOwn(settings.sources, source),
    bytes,
    text: head && textOf(head, head.length === bytes),
  };
}

export function latelyOf(
  lately: readonly Rejection[],
  kept: readonly RejectedKept[],
  timeOf: (at: Date) => string,
): RejectedLately {
  return {
    kept: kept.reduce((total, { bodies }) => total + bodies, 0),
    refused: lately
      // What is kept waits on its page, and a shutdown was meant.
      .filter(({ cause }) => cause !== 'unreadable' && cause !== 'closing')
      .slice(0, mostLately)
      .map((one) => toldAs(one, timeOf)),
  };
}

/** A beginning may end within a character. */
function textOf(bytes: Uint8Array, isWhole: boolean): string {
  const cut = isWhole ? 0 : [0, 1, 2, 3].find((n) => isUtf8(bytes.subarray(0, bytes.length - n)));
  return decodeBody(bytes.subarray(0, bytes.length - (cut ?? 0)));
}
