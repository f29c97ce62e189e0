import type { Delivery, Records } from '../../src/connector/index.ts';
import type { Failure } from './failures.ts';

/** A delivery on its way: what has been found out for it, what of it is in HubSpot, and what went wrong. */
export interface Work {
  readonly delivery: Delivery;
  records: Records;
  /** HubSpot's id of the user whom the configuration names. */
  ownerId: string | null;
  contactId: string | null;
  /** Whether `contactId` is final, as for a call that is to have none. */
  isSettled: boolean;
  companyId: string | null;
  /** Once it was found out. */
  whyPerson?: string | undefined;
  notes: string[];
  /** After one with the person or the call, nothing else is written. */
  failures: Failure[];
}

export function workOn(delivery: Delivery): Work {
  return {
    delivery,
    records: delivery.records,
    ownerId: null,
    contactId: delivery.records.person?.id ?? null,
    isSettled: delivery.records.person !== undefined,
    companyId: null,
    notes: [],
    failures: [],
  };
}
