import {
  type Call,
  type Delivery,
  ownerOf,
  type RecordDraft,
  withMapping,
} from '../../src/connector/index.ts';
import { touchesOfNew } from '../../src/crm/index.ts';
import { touchFields } from './attribution.ts';
import type { HubSpotOptions } from './options.ts';
import { ownProperties } from './setup-names.ts';

/**
 * The contact that a call makes when HubSpot has none with its number; undefined for a number that is not known.
 * @param calls all of the caller's that are known by then
 */
export function contactDraft(
  options: HubSpotOptions,
  delivery: Delivery,
  calls: readonly Call[],
): RecordDraft | undefined {
  const { caller } = delivery.call;
  if (caller.number === null) return undefined;
  // A contact needs a name, and whoever sees it must be able to tell that nobody gave it one.
  const defaults = {
    phone: caller.number,
    firstname: 'Caller',
    lastname: caller.display,
    city: caller.city, // of landlines
    state: caller.state,
    hubspot_owner_id: ownerOf(options.owner, delivery),
  };
  return {
    role: 'person',
    type: 'contact',
    key: { property: ownProperties.contacts, value: caller.number },
    properties: {
      ...(options.attribution ? touchesOfNew(touchFields, calls) : {}),
      ...withMapping(defaults, options.person.properties, delivery),
    },
    notes: [],
  };
}
