import * as z from 'zod';
import { holds } from '../route/condition.ts';
import { afterWorking, hoursOption } from '../text/business-hours.ts';
import type { Delivery } from './contract.ts';
import { condition, duration, mapping, template } from './options.ts';

export const followUpOption = z
  .strictObject({
    when: condition().prefault('call.missed').describe('Which calls. Default: call.missed.'),
    subject: template()
      .prefault('Call back {{ call.caller.display }}')
      .describe('What is to be done. Default: "Call back", and the caller.'),
    dueIn: duration()
      .prefault('4h')
      .describe('Due so long after the call; in working hours, where they are given.'),
    hours: hoursOption.optional(),
    doneWhen: z
      .enum(['closedByHand', 'reached', 'calledAgain'])
      .default('closedByHand')
      .describe(
        'reached: completed when a later call of the caller is answered; calledAgain: when there is a later call at all.',
      ),
    properties: mapping().default({}).describe('Further properties of the task: template.'),
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
  const from = call.endedAt ?? call.startedAt;
  return {
    subject: String(options.subject.render(scope) ?? `Call back ${call.caller.display}`),
    dueAt: options.hours
      ? afterWorking(from, options.dueIn, options.hours, source.timezone)
      : new Date(from.getTime() + options.dueIn),
  };
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
