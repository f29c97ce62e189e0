import type { Call } from '../call/call.ts';

/** How a call came about, in the words under which CRMs keep a person's first and latest touch. */
export interface Touch {
  at: Date;
  /** `google / paid`; what Delacon calls engine and type. */
  source: string | null;
  keywords: string | null;
  campaign: string | null;
  landingPage: string | null;
  gclid: string | null;
}

/** Null for a call that says nothing of how it came about, such as one from a printed number. */
export function touchOf({ startedAt, marketing }: Call): Touch | null {
  const { engine, type, keywords, landingPage, gclid, utm } = marketing;
  const source = [engine ?? utm.source, type ?? utm.medium].filter(Boolean).join(' / ') || null;
  const touch = { source, keywords, campaign: utm.campaign, landingPage, gclid };
  return Object.values(touch).some((value) => value !== null) ? { at: startedAt, ...touch } : null;
}
