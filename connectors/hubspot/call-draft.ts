import {
  type Call,
  type Delivery,
  ownerOf,
  type RecordDraft,
  withMapping,
} from '../../src/connector/index.ts';
import { htmlSummary } from '../../src/crm/index.ts';
import type { HubSpotOptions } from './options.ts';
import { longestText, ownProperties } from './setup-names.ts';

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

/** The call record of a delivery: the whole of what the call shows now, whatever it showed before. */
export function callDraft(options: HubSpotOptions, delivery: Delivery): RecordDraft {
  const { call, source } = delivery;
  const scope = { call, timezone: source.timezone };
  const defaults = {
    hs_timestamp: call.startedAt,
    hs_call_title: options.activity.title.render(scope) ?? `Call ${call.id}`,
    hs_call_body: htmlSummary(delivery, longestText),
    hs_call_direction: 'INBOUND',
    hs_call_status: statusOf(call),
    hs_call_disposition: outcomeOf(call, options.activity.outcomes),
    hs_call_duration: call.durationSeconds === null ? null : call.durationSeconds * 1000, // milliseconds
    hs_call_from_number: call.caller.number ?? call.caller.raw,
    hs_call_to_number: call.dialled.number ?? call.dialled.raw,
    hs_call_recording_url: recordingOf(call),
    hs_call_has_voicemail: hasVoicemail(call) || null,
    hubspot_owner_id: ownerOf(options.owner, delivery),
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
  const name = [
    ...told,
    call.voicemail === true && call.result !== 'answered' ? 'voicemail' : '',
    call.result ?? '',
  ].find((one) => outcomes.has(one));
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
