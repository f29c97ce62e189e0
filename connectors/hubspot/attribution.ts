import { type Delivery, type Touch, touchOf, type Values } from '../../src/connector/index.ts';
import type { Properties } from './batches.ts';

/*
 * How a person's first call came about, and their latest: in properties of our own, since those that HubSpot keeps for
 * this cannot be set, or are its own to set. https://knowledge.hubspot.com/properties/understand-source-properties
 */

const parts = [
  { name: 'call_at', label: 'call', type: 'datetime', of: (touch: Touch) => touch.at },
  { name: 'source', label: 'source', type: 'string', of: (touch: Touch) => touch.source },
  { name: 'keywords', label: 'keywords', type: 'string', of: (touch: Touch) => touch.keywords },
  { name: 'campaign', label: 'campaign', type: 'string', of: (touch: Touch) => touch.campaign },
  { name: 'landing_page', label: 'landing page', type: 'string', of: (touch: Touch) => touch.landingPage },
  { name: 'gclid', label: 'Google click id', type: 'string', of: (touch: Touch) => touch.gclid },
] as const;

const touches = ['first', 'last'] as const;

/** What setup creates on contacts, where attribution is on. */
export const attributionProperties = touches.flatMap((which) =>
  parts.map(({ name, label, type }) => ({
    name: `delacon_${which}_${name}`,
    label: `Delacon: ${which} ${label}`,
    description: `Written by delacon-bridge: how the contact's ${which} call came about.`,
    type,
  })),
);

export const attributionNames: readonly string[] = attributionProperties.map(({ name }) => name);

/**
 * What a call changes of the touches that a contact holds: the first is that of the earliest call, and stays; the last
 * is that of the latest, as the call now stands. A touch is written whole, so that no part of another one is left.
 */
export function touchChanges(held: Properties, { call }: Delivery): Values {
  const touch = touchOf(call);
  if (!touch) return {};
  const at = touch.at.getTime();
  const written = (which: (typeof touches)[number]): Values =>
    Object.fromEntries(parts.map(({ name, of }) => [`delacon_${which}_${name}`, of(touch) ?? '']));
  const firstAt = Date.parse(held['delacon_first_call_at'] ?? '');
  const lastAt = Date.parse(held['delacon_last_call_at'] ?? '');
  return {
    ...(at >= firstAt ? {} : written('first')),
    ...(at < lastAt ? {} : written('last')),
  };
}
