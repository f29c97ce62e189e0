import type { Call, Delivery, RecordDraft } from '../../src/connector/contract.ts';
import { summary } from './call-summary.ts';
import type { HubSpotOptions } from './options.ts';
import { ownProperties } from './setup-names.ts';
import { withMapping } from './values.ts';

/** Outcomes that every account begins with. https://developers.hubspot.com/docs/api-reference/latest/crm/activities/calls/guide */
export const dispositions = {
  connected: 'f240bbac-87c9-4f6e-bf70-924b57d47db7',
  busy: '9d9162e7-6cf3-4944-bf63-4dff82258764',
  noAnswer: '73a0d17f-1163-4015-bdd5-ec830791da20',
  leftVoicemail: 'b2cf5968-551e-4856-9783-52b3da59a7d0',
} as const;

/** The call record of a delivery: the whole of what the call shows now, whatever it showed before. */
export function callDraft(options: HubSpotOptions, delivery: Delivery): RecordDraft {
  const { call, source } = delivery;
  const scope = { call, timezone: source.timezone };
  const defaults = {
    hs_timestamp: call.startedAt,
    hs_call_title: options.activity.title.render(scope) ?? `Call ${call.id}`,
    hs_call_body: summary(call),
    hs_call_direction: 'INBOUND',
    hs_call_status: statusOf(call),
    hs_call_disposition: dispositionOf(call),
    hs_call_duration: call.durationSeconds === null ? null : call.durationSeconds * 1000, // milliseconds
    hs_call_from_number: call.caller.number ?? call.caller.raw,
    hs_call_to_number: call.dialled.number ?? call.dialled.raw,
    hs_call_recording_url: recordingOf(call),
  };
  return {
    role: 'activity',
    type: 'call',
    key: { property: ownProperties.calls, value: delivery.key },
    properties: withMapping(defaults, options.activity.properties, delivery),
    notes: notesOn(call),
  };
}

/** A status that is not final leaves the call half hidden on the timeline, so a lapsed call gets a final one. */
function statusOf(call: Call): string {
  if (call.phase === 'ringing') return 'IN_PROGRESS';
  if (call.result === 'busy') return 'BUSY';
  if (call.result === 'unanswered') return 'NO_ANSWER';
  return 'COMPLETED';
}

function dispositionOf(call: Call): string | null {
  if (call.result === 'answered') return dispositions.connected;
  if (call.voicemail) return dispositions.leftVoicemail;
  if (call.result === 'busy') return dispositions.busy;
  return call.result === 'unanswered' ? dispositions.noAnswer : null;
}

function recordingOf(call: Call): string | null {
  return call.recording.url?.startsWith('https://') ? call.recording.url : null;
}

function notesOn(call: Call): string[] {
  const unplayable = call.recording.url !== null && recordingOf(call) === null;
  return unplayable
    ? ['The recording is not https, which HubSpot does not play; its address is in the body.']
    : [];
}
