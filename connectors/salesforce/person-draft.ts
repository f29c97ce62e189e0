import {
  type Call,
  type Delivery,
  ownerOf,
  type RecordDraft,
  withMapping,
} from '../../src/connector/index.ts';
import { touchesOfNew } from '../../src/crm/index.ts';
import type { SalesforceOptions } from './options.ts';
import { attributionFields, ownFields } from './setup-names.ts';

/**
 * The lead or contact that a call makes when nobody has its number; undefined when none is to be made.
 * @param calls all of the caller's that are known by then
 */
export function personDraft(
  options: SalesforceOptions,
  delivery: Delivery,
  calls: readonly Call[],
): RecordDraft | undefined {
  const { caller } = delivery.call;
  const { create, properties } = options.person;
  if (caller.number === null || create === false) return undefined;
  const defaults = {
    LastName: caller.display,
    Company: create === 'Lead' ? 'Unknown' : null, // a Lead without one would convert to a person account
    Phone: caller.number,
    LeadSource: 'Phone Inquiry',
    OwnerId: ownerOf(options.owner, delivery),
    ...(options.attribution ? touchesOfNew(attributionFields, calls) : {}),
  };
  return {
    role: 'person',
    type: create === 'Lead' ? 'lead' : 'contact',
    key: { property: ownFields[create], value: caller.number },
    properties: withMapping(defaults, properties, delivery),
    notes: [],
  };
}
