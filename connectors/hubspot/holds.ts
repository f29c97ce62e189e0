import { labelled, type RecordRef } from '../../src/connector/index.ts';
import type { HubSpotApi } from './api.ts';
import { type HubSpotOptions, mappedProperties } from './options.ts';
import { wantedProperties } from './setup.ts';
import type { ObjectType } from './setup-names.ts';

/** Of a record. */
export const objectTypes: Record<string, ObjectType> = {
  contact: 'contacts',
  call: 'calls',
  task: 'tasks',
  deal: 'deals',
};

/** What the bridge writes without being asked to. */
const written: Record<ObjectType, readonly string[]> = {
  contacts: ['firstname', 'lastname', 'phone', 'mobilephone', 'city', 'state', 'hubspot_owner_id'],
  calls: [
    'hs_timestamp',
    'hs_call_title',
    'hs_call_body',
    'hs_call_direction',
    'hs_call_status',
    'hs_call_disposition',
    'hs_call_duration',
    'hs_call_from_number',
    'hs_call_to_number',
    'hs_call_recording_url',
    'hs_call_has_voicemail',
    'hubspot_owner_id',
  ],
  tasks: [
    'hs_timestamp',
    'hs_task_subject',
    'hs_task_body',
    'hs_task_status',
    'hs_task_type',
    'hubspot_owner_id',
  ],
  deals: ['dealname', 'pipeline', 'dealstage', 'amount', 'closedate', 'hubspot_owner_id'],
};

/** What HubSpot holds of a record, of all that the bridge may have written. Null: it is gone, or merged away. */
export async function holds(
  api: HubSpotApi,
  options: HubSpotOptions,
  { type, id }: RecordRef,
  signal: AbortSignal,
): Promise<Record<string, unknown> | null> {
  const objectType = objectTypes[type];
  if (!objectType) return null;
  const own = wantedProperties(objectType, options, {}).map(({ name }) => name);
  const names = [...new Set([...written[objectType], ...mappedProperties(options)[objectType], ...own])];
  const [[row], definitions] = await Promise.all([
    api.read(objectType, [id], { properties: names }, signal),
    api.properties(objectType, signal),
  ]);
  if (!row) return null;
  const held = Object.fromEntries(names.map((name) => [name, row.properties[name]]));
  return labelled(held, new Map(definitions.map(({ name, label }) => [name, label])));
}
