import { labelled, type RecordRef } from '../../src/connector/index.ts';
import { unaskedFields } from '../../src/crm/index.ts';
import type { HubSpotApi } from './api.ts';
import { modelOf } from './model.ts';
import { type HubSpotOptions, mappedProperties } from './options.ts';
import { wantedProperties } from './setup.ts';
import type { ObjectType } from './setup-names.ts';
import { ownerName } from './setup-names.ts';

/** Of a record. */
export const objectTypes: Record<string, ObjectType> = {
  contact: 'contacts',
  call: 'calls',
  task: 'tasks',
  deal: 'deals',
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
  const unasked = unaskedFields(modelOf(options));
  const written: Record<ObjectType, readonly string[]> = {
    contacts: [...unasked.person, 'mobilephone'],
    calls: unasked.activity,
    tasks: unasked.followUp,
    deals: unasked.sale,
  };
  const own = wantedProperties(objectType, options, {}).map(({ name }) => name);
  const names = [
    ...new Set([...written[objectType], ownerName, ...mappedProperties(options)[objectType], ...own]),
  ];
  const [[row], definitions] = await Promise.all([
    api.read(objectType, [id], { properties: names }, signal),
    api.properties(objectType, signal),
  ]);
  if (!row) return null;
  const held = Object.fromEntries(names.map((name) => [name, row.properties[name]]));
  return labelled(held, new Map(definitions.map(({ name, label }) => [name, label])));
}
