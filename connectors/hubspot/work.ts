import type { Delivery, Outcome, Records } from '../../src/connector/index.ts';
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

/** What is to be waited for decides, then what may pass, then what will not. */
const order = ['blocked', 'retry', 'rejected'] as const;

export function outcomeOf({ records, whyPerson, notes, failures }: Work): Outcome {
  const told = {
    ...(notes.length > 0 ? { notes: [...new Set(notes)] } : {}),
    ...(whyPerson ? { whyPerson } : {}),
  };
  const kind = order.find((one) => failures.some((failure) => failure.kind === one));
  if (kind === undefined) return { kind: 'delivered', records, ...told };
  const reason = failures.map((failure) => failure.reason).join(' ');
  const waits = failures.flatMap((one) =>
    one.kind === kind && one.notBefore ? [one.notBefore.getTime()] : [],
  );
  // Where one part of a call met the connector's trouble, the others would have, too.
  const scope = failures.some((one) => one.kind === kind && one.scope === 'connector')
    ? { scope: 'connector' as const }
    : {};
  const notBefore =
    waits.length > 0 && kind !== 'rejected' ? { notBefore: new Date(Math.max(...waits)) } : {};
  return { kind, reason, records, ...told, ...notBefore, ...(kind === 'retry' ? scope : {}) } as Outcome;
}
