import { type Call, type Delivery, isVoicemail, localDate } from '../../src/connector/index.ts';
import { type CrmModel, textSummary } from '../../src/crm/index.ts';
import { callType } from './facts.ts';
import type { PersonObject, SalesforceOptions } from './options.ts';
import { attributionFields, followUpKey, longestDescription, ownFields } from './setup-names.ts';

/**
 * Where a landline says that its caller is. An org may keep these from the bridge's user, and has perhaps a list of
 * countries and their states: nobody asked for them, so they are written where they are taken.
 */
export const placeFields: Readonly<Record<PersonObject, Place>> = {
  Lead: { city: 'City', state: 'State', stateCode: 'StateCode', countryCode: 'CountryCode' },
  Contact: {
    city: 'MailingCity',
    state: 'MailingState',
    stateCode: 'MailingStateCode',
    countryCode: 'MailingCountryCode',
  },
};

interface Place {
  city: string;
  state: string;
  /** There, where the org has the lists. */
  stateCode: string;
  countryCode: string;
}

/** Fields that Salesforce takes when a Task is created, and refuses ever after. */
export const createOnly: readonly string[] = ['TaskSubtype'];

/** Fields of which people have the last word: written when a Task is made, and left alone afterwards. */
export function madeOnly({ preset, activity }: SalesforceOptions): readonly string[] {
  return [
    ...createOnly,
    // Under the preset an operator completes the call, perhaps before its end is known here.
    ...(preset === 'delacon' ? ['Status'] : []),
    ...('Type' in activity.properties ? [] : ['Type']),
  ];
}

/** What calls become in Salesforce, unless the mapping says otherwise: Tasks, Leads or Contacts, and Opportunities. */
export function modelOf(options: SalesforceOptions): CrmModel {
  const object: PersonObject = options.person.create || 'Lead';
  return {
    owner: 'OwnerId',
    touches: attributionFields,
    person: {
      type: object.toLowerCase(),
      key: ownFields[object],
      defaults: ({ call: { caller } }) => ({
        LastName: caller.display,
        // A Lead without one would convert to a person account.
        ...(object === 'Lead' ? { Company: 'Unknown' } : {}),
        Phone: caller.number,
        LeadSource: 'Phone Inquiry',
        [placeFields[object].city]: caller.city,
        [placeFields[object].state]: caller.state,
      }),
    },
    activity: {
      type: 'task',
      key: ownFields.Task,
      defaults: (delivery, title) => callDefaults(options, delivery, title),
      // With the write that ends it and not before: an org may keep a Task to its owner, who could not complete it for us.
      isOwned: ({ call }) => call.phase !== 'ringing',
    },
    followUp: {
      type: 'task',
      key: followUpKey,
      defaults: (delivery, { subject, dueAt }) => ({
        Subject: subject,
        ActivityDate: localDate(dueAt, delivery.source.timezone),
        // A due date has no time of day, so the reminder tells it.
        IsReminderSet: true,
        ReminderDateTime: dueAt,
        Description: textSummary(delivery, longestDescription),
      }),
    },
    sale: {
      type: 'opportunity',
      key: ownFields.Opportunity,
      defaults: (delivery, { name, stage, closedAt, amount, pipeline }) => ({
        Name: name,
        StageName: stage,
        CloseDate: localDate(closedAt, delivery.source.timezone),
        Amount: amount,
        RecordTypeId: pipeline ?? null,
        Description: textSummary(delivery, longestDescription),
      }),
    },
  };
}

/** The whole of what a call shows now, whatever it showed before. */
function callDefaults({ preset, activity }: SalesforceOptions, delivery: Delivery, title: string) {
  const { call, source } = delivery;
  const isOpen = call.phase === 'ringing' || preset === 'delacon';
  return {
    TaskSubtype: 'Call',
    Type: callType, // where the org has it
    CallType: 'Inbound',
    Subject: title,
    Status: isOpen ? 'In Progress' : 'Completed',
    ActivityDate: dateOf(call, source.timezone),
    CallDurationInSeconds: call.durationSeconds,
    CallDisposition: dispositionOf(call, activity.outcomes),
    CallObject: call.id,
    Description: textSummary(delivery, longestDescription),
  };
}

/** An open Task that has a date locks the person's record while it is inserted; a closed one does not. */
function dateOf(call: Call, timezone: string): string | null {
  return call.phase === 'ringing' ? null : localDate(call.startedAt, timezone);
}

/** What the configuration calls the result, a message left before the rest; else that one was left, or what Delacon calls it. */
function dispositionOf(call: Call, outcomes: Readonly<Record<string, string>>): string | null {
  const { result, resultText } = call;
  const words = [isVoicemail(call) ? 'voicemail' : null, resultText, result];
  for (const word of words) {
    const named = Object.entries(outcomes).find(
      ([name]) => word !== null && name.trim().toLowerCase() === word.trim().toLowerCase(),
    );
    if (named) return named[1];
  }
  return isVoicemail(call) ? 'Left voicemail' : resultText;
}
