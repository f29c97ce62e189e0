/**
 * How HubSpot numbers the kinds of links, by where they come from. No link between a call and a task is documented:
 * both are linked to the contact. https://developers.hubspot.com/docs/api-reference/legacy/crm/associations/associate-records/guide
 */
const typeIds = {
  calls: { contacts: 194, companies: 182 },
  tasks: { contacts: 204, companies: 192 },
  deals: { contacts: 3, companies: 341, calls: 205 },
} as const;

/** Contact → its primary company. */
export const primaryCompany = 1;

export type LinkFrom = keyof typeof typeIds;
export type LinkTo = 'contacts' | 'companies' | 'calls';

/** A record that another one belongs to. */
export interface Link {
  to: LinkTo;
  id: string;
}

/** The links of whatever a call leaves: to its contact, and to the contact's company. */
export function linksTo(contactId: string | null, companyId: string | null): Link[] {
  return [
    ...(contactId === null ? [] : [{ to: 'contacts' as const, id: contactId }]),
    ...(companyId === null ? [] : [{ to: 'companies' as const, id: companyId }]),
  ];
}

/** As the `associations` of a record to be created. */
export function asAssociation(from: LinkFrom, { to, id }: Link) {
  const ids: Partial<Record<LinkTo, number>> = typeIds[from];
  const type = { associationCategory: 'HUBSPOT_DEFINED', associationTypeId: ids[to] as number };
  return { to: { id }, types: [type as typeof type & { associationCategory: never }] };
}
