import * as z from 'zod';
import { holds } from '../route/condition.ts';
import { afterWorking, hoursOption, nextOpening } from '../text/business-hours.ts';
import type { Delivery } from './contract.ts';
import { condition, duration, mapping, template } from './options.ts';

const nextMorning = 'next business morning';
const usualWaitMs = 4 * 3_600_000;

export const followUpOption = z
  .strictObject({
    when: condition().prefault('call.missed').describe('Which calls. Default: call.missed.'),
    subject: template()
      .prefault('Call back {{ call.caller.display }}')
      .describe('What is to be done. Default: "Call back", and the caller.'),
    dueIn: duration(`For the morning of the next working day, write due: ${nextMorning} in its place.`)
      .optional()
      .describe('Due so long after the call; in working hours, where they are given. Default: 4h.'),
    due: z
      .literal(nextMorning, {
        error: `must be "${nextMorning}": when hours.from comes next on a working day. For a wait, write dueIn: 4h in its place.`,
      })
      .optional()
      .describe(
        `In place of dueIn. ${nextMorning}: when hours.from comes next on a working day (09:00, Monday to Friday, unless hours says otherwise).`,
      ),
    hours: hoursOption.optional(),
    doneWhen: z
      .enum(['closedByHand', 'reached', 'calledAgain'])
      .default('closedByHand')
      .describe(
        'reached: completed when a later call of the caller is answered; calledAgain: when there is a later call at all.',
      ),
    properties: mapping().default({}).describe('Further properties of the task: template.'),
  })
  .refine(({ due, dueIn }) => due === undefined || dueIn === undefined, {
    path: ['due'],
    error: 'stands beside dueIn, and a task is due once. Take one of them out.',
  })
  .describe('A task for each call that somebody should return. It is made once, and not changed afterwards.');

export type FollowUpOptions = z.output<typeof followUpOption>;

/** Null while the call is under way, and for a call that needs none. */
export function followUpOf(
  options: FollowUpOptions | undefined,
  { call, source }: Delivery,
): { subject: string; dueAt: Date } | null {
  const scope = { call, timezone: source.timezone };
  if (!options || call.phase === 'ringing' || !holds(options.when, scope)) return null;
  return {
    subject: String(options.subject.render(scope) ?? `Call back ${call.caller.display}`),
    dueAt: dueAfter(call.endedAt ?? call.startedAt, options, source.timezone),
  };
}

function dueAfter(call: Date, options: FollowUpOptions, timezone: string): Date {
  const { due, dueIn = usualWaitMs, hours } = options;
  if (due === nextMorning) return nextOpening(call, hours ?? hoursOption.parse({}), timezone);
  return hours ? afterWorking(call, dueIn, hours, timezone) : new Date(call.getTime() + dueIn);
}

/** Whether this call settles the open follow-ups of earlier calls of the same caller. */
export function settlesFollowUps(options: FollowUpOptions | undefined, { call }: Delivery): boolean {
  switch (options?.doneWhen) {
    case 'reached':
      return call.result === 'answered';
    case 'calledAgain':
      return true;
    default:
      return false;
  }
}
