import { type Delivery, type RecordDraft, withMapping } from '../../src/connector/index.ts';
import { attributionOfNew } from './attribution.ts';
import type { SalesforceOptions } from './options.ts';
import { ownerFor } from './owners.ts';
import { ownFields } from './setup-names.ts';

/** The lead or contact that a call makes when nobody has its number; undefined when none is to be made. */
export function personDraft(options: SalesforceOptions, delivery: Delivery): RecordDraft | undefined {
  const { caller } = delivery.call;
  const { create, properties, attribution } = options.person;
  if (caller.number === null || create === false) return undefined;
  const defaults = {
    LastName: caller.display,
    Company: create === 'Lead' ? 'Unknown' : null, // a Lead without one would convert to a person account
    Phone: caller.number,
    LeadSource: 'Phone Inquiry',
    OwnerId: ownerFor(options, delivery),
    ...(attribution ? attributionOfNew(delivery.call) : {}),
  };
  return {
    role: 'person',
    type: create === 'Lead' ? 'lead' : 'contact',
    key: { property: ownFields[create], value: caller.number },
    properties: withMapping(defaults, properties, delivery),
    notes: [],
  };
}
