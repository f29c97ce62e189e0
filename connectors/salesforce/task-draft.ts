import {
  type Call,
  compileTemplate,
  type Delivery,
  localDate,
  ownerOf,
  type RecordDraft,
  withMapping,
} from '../../src/connector/index.ts';
import { defaultTitle, textSummary } from '../../src/crm/index.ts';
import type { SalesforceOptions } from './options.ts';
import { longestDescription, ownFields } from './setup-names.ts';

const subject = compileTemplate(defaultTitle);

/** Fields that Salesforce takes when a Task is created, and refuses ever after. */
export const createOnly: readonly string[] = ['TaskSubtype'];

/** Fields of which people have the last word: written when a Task is made, and left alone afterwards. */
export function madeOnly({ preset }: SalesforceOptions): readonly string[] {
  // Under the preset an operator completes the call, perhaps before its end is known here.
  return preset === 'delacon' ? [...createOnly, 'Status'] : createOnly;
}

/**
 * The Task of a delivery: the whole of what the call shows now, whatever it showed before. It is given away with the write
 * that ends it and not before: an org may keep a Task to its owner, who could then not complete it for us.
 */
export function taskDraft(options: SalesforceOptions, delivery: Delivery): RecordDraft {
  const { call, source } = delivery;
  const isOpen = call.phase === 'ringing' || options.preset === 'delacon';
  const defaults = {
    TaskSubtype: 'Call',
    CallType: 'Inbound',
    Subject: subject.render({ call, timezone: source.timezone }),
    Status: isOpen ? 'In Progress' : 'Completed',
    ActivityDate: dateOf(call, source.timezone),
    CallDurationInSeconds: call.durationSeconds,
    CallDisposition: dispositionOf(call, options.activity.outcomes),
    CallObject: call.id,
    Description: textSummary(delivery, longestDescription),
    OwnerId: ownerOf(options.owner, delivery),
  };
  const { OwnerId, ...rest } = withMapping(defaults, options.activity.properties, delivery);
  const isGiven = OwnerId !== undefined && call.phase !== 'ringing';
  return {
    role: 'activity',
    type: 'task',
    key: { property: ownFields.Task, value: delivery.key },
    properties: isGiven ? { ...rest, OwnerId } : rest,
    notes: [],
  };
}

/** An open Task that has a date locks the person's record while it is inserted; a closed one does not. */
function dateOf(call: Call, timezone: string): string | null {
  return call.phase === 'ringing' ? null : localDate(call.startedAt, timezone);
}

/** What the configuration calls the result, a message left before the rest; else that one was left, or what Delacon calls it. */
function dispositionOf(call: Call, outcomes: Readonly<Record<string, string>>): string | null {
  const { result, resultText, voicemail } = call;
  const isVoicemail = voicemail === true && result !== 'answered';
  const words = [isVoicemail ? 'voicemail' : null, resultText, result];
  for (const word of words) {
    const named = Object.entries(outcomes).find(
      ([name]) => word !== null && name.trim().toLowerCase() === word.trim().toLowerCase(),
    );
    if (named) return named[1];
  }
  return isVoicemail ? 'Left voicemail' : resultText;
}
