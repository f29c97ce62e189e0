import type { TouchFields } from '../../src/crm/index.ts';

/*
 * A person's touches are in properties of our own, since those that HubSpot keeps for this cannot be set, or are its own
 * to set. https://knowledge.hubspot.com/properties/understand-source-properties
 */

const fieldsOf = (which: 'first' | 'last') => ({
  at: `delacon_${which}_call_at`,
  source: `delacon_${which}_source`,
  keywords: `delacon_${which}_keywords`,
  campaign: `delacon_${which}_campaign`,
  landingPage: `delacon_${which}_landing_page`,
  gclid: `delacon_${which}_gclid`,
});

export const touchFields: TouchFields = { first: fieldsOf('first'), last: fieldsOf('last') };

const labels: Record<keyof TouchFields['first'], string> = {
  at: 'call',
  source: 'source',
  keywords: 'keywords',
  campaign: 'campaign',
  landingPage: 'landing page',
  gclid: 'Google click id',
};

/** What setup creates on contacts, where attribution is on. */
export const attributionProperties = (['first', 'last'] as const).flatMap((which) =>
  Object.entries(touchFields[which]).map(([part, name]) => ({
    name,
    label: `Delacon: ${which} ${labels[part as keyof typeof labels]}`,
    description: `Written by delacon-bridge: how the contact's ${which} call came about.`,
    type: part === 'at' ? ('datetime' as const) : ('string' as const),
  })),
);
