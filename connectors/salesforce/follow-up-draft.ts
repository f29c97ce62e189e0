import {
  type Delivery,
  followUpOf,
  localDate,
  ownerOf,
  type RecordDraft,
  withMapping,
} from '../../src/connector/index.ts';
import { textSummary } from '../../src/crm/index.ts';
import type { SalesforceOptions } from './options.ts';
import { followUpKey, longestDescription } from './setup-names.ts';

/** The Task that a missed call leaves, as far as the call says it; undefined for a call that leaves none. */
export function followUpDraft(options: SalesforceOptions, delivery: Delivery): RecordDraft | undefined {
  const followUp = followUpOf(options.followUp, delivery);
  if (!followUp) return undefined;
  const { subject, dueAt } = followUp;
  const defaults = {
    Subject: subject,
    ActivityDate: localDate(dueAt, delivery.source.timezone),
    // A due date has no time of day, so the reminder tells it.
    IsReminderSet: true,
    ReminderDateTime: dueAt,
    Description: textSummary(delivery, longestDescription),
    OwnerId: ownerOf(options.owner, delivery),
  };
  return {
    role: 'followUp',
    type: 'task',
    key: { property: followUpKey, value: delivery.key },
    properties: withMapping(defaults, options.followUp?.properties ?? {}, delivery),
    notes: [],
  };
}
