/** A record in the CRM. `type` is the CRM's own word in lower case: contact, lead, call, task. */
export interface RecordRef {
  type: string;
  id: string;
}

/** What a call may leave in a CRM. */
export const recordRoles = ['person', 'activity', 'followUp', 'sale'] as const;
export type RecordRole = (typeof recordRoles)[number];

/** What of a call is in the CRM. A call without a person has none: withheld, or not to be created. */
export type Records = Partial<Record<RecordRole, RecordRef>>;
