import {
  type Delivery,
  followUpOf,
  ownerOf,
  type RecordDraft,
  withMapping,
} from '../../src/connector/index.ts';
import { htmlSummary } from '../../src/crm/index.ts';
import type { HubSpotOptions } from './options.ts';
import { longestText, ownProperties } from './setup-names.ts';

/** The task of a call that somebody should return; undefined for a call that needs none. */
export function taskDraft(options: HubSpotOptions, delivery: Delivery): RecordDraft | undefined {
  const followUp = followUpOf(options.followUp, delivery);
  if (!followUp) return undefined;
  const defaults = {
    hs_timestamp: followUp.dueAt, // when it is due
    hs_task_subject: followUp.subject,
    hs_task_body: htmlSummary(delivery, longestText),
    hs_task_status: 'NOT_STARTED',
    hs_task_type: 'CALL',
    hubspot_owner_id: ownerOf(options.owner, delivery),
  };
  return {
    role: 'followUp',
    type: 'task',
    key: { property: ownProperties.tasks, value: delivery.key },
    properties: withMapping(defaults, options.followUp?.properties ?? {}, delivery),
    notes: [],
  };
}
