import { type Delivery, type RecordDraft, type Values, withMapping } from '../../src/connector/index.ts';
import { touchChanges } from './attribution.ts';
import type { HubSpotOptions } from './options.ts';
import { ownProperties } from './setup-names.ts';

/** The contact that a call makes when HubSpot has none with its number; undefined for a number that is not known. */
export function contactDraft(
  options: HubSpotOptions,
  delivery: Delivery,
  ownerId: string | null = null,
): RecordDraft | undefined {
  const { caller } = delivery.call;
  if (caller.number === null) return undefined;
  // A contact needs a name, and whoever sees it must be able to tell that nobody gave it one.
  const defaults = {
    phone: caller.number,
    firstname: 'Caller',
    lastname: caller.display,
    hubspot_owner_id: ownerId,
  };
  return {
    role: 'person',
    type: 'contact',
    key: { property: ownProperties.contacts, value: caller.number },
    properties: {
      ...(options.attribution ? filled(touchChanges({}, delivery)) : {}),
      ...withMapping(defaults, options.person.properties, delivery),
    },
    notes: [],
  };
}

/** Without the blanks, of which a new record needs none. */
function filled(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}
