import {
  type Call,
  compileTemplate,
  type Delivery,
  localDate,
  type RecordDraft,
} from '../../src/connector/contract.ts';
import { summary } from './call-summary.ts';
import type { SalesforceOptions } from './options.ts';
import { ownFields } from './setup-names.ts';
import { withMapping } from './values.ts';

const subject = compileTemplate(
  'Call from {{ call.caller.display }}{% if call.dealer.name %} to {{ call.dealer.name }}{% endif %}',
);

/** Fields that Salesforce takes when a Task is created, and refuses ever after. */
export const createOnly: readonly string[] = ['TaskSubtype'];

/** The Task of a delivery: the whole of what the call shows now, whatever it showed before. */
export function taskDraft(options: SalesforceOptions, delivery: Delivery): RecordDraft {
  const { call, source } = delivery;
  const defaults = {
    TaskSubtype: 'Call',
    CallType: 'Inbound',
    Subject: subject.render({ call, timezone: source.timezone }),
    Status: call.phase === 'ringing' ? 'In Progress' : 'Completed',
    ActivityDate: dateOf(call, source.timezone),
    CallDurationInSeconds: call.durationSeconds,
    CallDisposition: call.resultText,
    CallObject: call.id,
    Description: summary(call),
  };
  return {
    role: 'activity',
    type: 'task',
    key: { property: ownFields.Task, value: delivery.key },
    properties: withMapping(defaults, options.activity.properties, delivery),
    notes: [],
  };
}

/** An open Task that has a date locks the person's record while it is inserted; a closed one does not. */
function dateOf(call: Call, timezone: string): string | null {
  return call.phase === 'ringing' ? null : localDate(call.startedAt, timezone);
}
