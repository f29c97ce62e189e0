import { type Call, type Delivery, isVoicemail } from '../../src/connector/index.ts';
import { type CrmModel, htmlSummary } from '../../src/crm/index.ts';
import { touchFields } from './attribution.ts';
import type { HubSpotOptions } from './options.ts';
import { longestText, ownerName, ownProperties } from './setup-names.ts';

/**
 * The outcomes that every account begins with, by what came of a call.
 * https://developers.hubspot.com/docs/api-reference/latest/crm/activities/calls/guide
 */
export const defaultOutcomes: Readonly<Record<string, string>> = {
  answered: 'f240bbac-87c9-4f6e-bf70-924b57d47db7', // Connected
  busy: '9d9162e7-6cf3-4944-bf63-4dff82258764', // Busy
  unanswered: '73a0d17f-1163-4015-bdd5-ec830791da20', // No answer
  voicemail: 'b2cf5968-551e-4856-9783-52b3da59a7d0', // Left voicemail
};

/** What calls become in HubSpot, unless the mapping says otherwise: calls, contacts, tasks and deals. */
export function modelOf({ activity: { outcomes } }: HubSpotOptions): CrmModel {
  return {
    owner: ownerName,
    touches: touchFields,
    person: {
      type: 'contact',
      key: ownProperties.contacts,
      // A contact needs a name, and whoever sees it must be able to tell that nobody gave it one.
      defaults: ({ call: { caller } }) => ({
        phone: caller.number,
        firstname: 'Caller',
        lastname: caller.display,
        city: caller.city, // of landlines
        state: caller.state,
      }),
    },
    activity: {
      type: 'call',
      key: ownProperties.calls,
      defaults: (delivery, title) => callDefaults(delivery, title, outcomes),
      notes: ({ call }) => notesOn(call),
    },
    followUp: {
      type: 'task',
      key: ownProperties.tasks,
      defaults: (delivery, { subject, dueAt }) => ({
        hs_timestamp: dueAt, // when it is due
        hs_task_subject: subject,
        hs_task_body: htmlSummary(delivery, longestText),
        hs_task_status: 'NOT_STARTED',
        hs_task_type: 'CALL',
      }),
    },
    sale: {
      type: 'deal',
      key: ownProperties.deals,
      // Its stage is as the configuration names it.
      defaults: (_, { name, pipeline, stage, amount, closedAt }) => ({
        dealname: name,
        pipeline: pipeline ?? null,
        dealstage: stage,
        amount,
        closedate: closedAt,
      }),
    },
  };
}

/** The whole of what a call shows now, whatever it showed before. */
function callDefaults(delivery: Delivery, title: string, outcomes: Readonly<Record<string, string>>) {
  const { call } = delivery;
  return {
    hs_timestamp: call.startedAt,
    hs_call_title: title,
    hs_call_body: htmlSummary(delivery, longestText),
    hs_call_direction: 'INBOUND',
    hs_call_status: statusOf(call),
    hs_call_disposition: outcomeOf(call, outcomes),
    hs_call_duration: call.durationSeconds === null ? null : call.durationSeconds * 1000, // milliseconds
    hs_call_from_number: call.caller.number ?? call.caller.raw,
    hs_call_to_number: call.dialled.number ?? call.dialled.raw,
    hs_call_recording_url: recordingOf(call),
    hs_call_has_voicemail: hasVoicemail(call) || null,
  };
}

/** A status that is not final leaves the call half hidden on the timeline, so a lapsed call gets a final one. */
function statusOf(call: Call): string {
  if (call.phase === 'ringing') return 'IN_PROGRESS';
  if (call.result === 'busy') return 'BUSY';
  if (call.result === 'unanswered') return 'NO_ANSWER';
  return 'COMPLETED';
}

/** "`true` only together with a missed status", HubSpot's guide says of the property; else it has no value. */
function hasVoicemail(call: Call): boolean {
  return call.voicemail === true && (call.result === 'unanswered' || call.result === 'busy');
}

/** What we call what came of a call. */
const ownNames: readonly string[] = ['answered', 'busy', 'unanswered', 'voicemail', 'other'];

/** By the survey's answer or the result as Delacon worded it, where these are configured; else by our own names. */
function outcomeOf(call: Call, configured: Readonly<Record<string, string>>): string | null {
  const outcomes = new Map(
    Object.entries({ ...defaultOutcomes, ...configured }).map(([name, one]) => [
      name.trim().toLowerCase(),
      one,
    ]),
  );
  const told = [call.survey.outcome, call.resultText]
    .map((text) => text?.trim().toLowerCase() ?? '')
    .filter((text) => !ownNames.includes(text));
  const name = [...told, isVoicemail(call) ? 'voicemail' : '', call.result ?? ''].find((one) =>
    outcomes.has(one),
  );
  return name === undefined ? null : (outcomes.get(name) ?? null);
}

/** HubSpot's player gets the form for players; the link in the body is for browsers. */
function recordingOf(call: Call): string | null {
  return call.recording.url?.startsWith('https://') ? call.recording.playerUrl : null;
}

function notesOn(call: Call): string[] {
  const unplayable = call.recording.url !== null && recordingOf(call) === null;
  return unplayable
    ? ['The recording is not https, which HubSpot does not play; its address is in the body.']
    : [];
}
