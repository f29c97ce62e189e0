/*
 * What is sent to a CRM and not answered may be carried out late: after a newer state of the call was written, which it
 * takes back. So what was delivered meanwhile is written once more when nothing can come any more.
 */

/**
 * After so long nothing that was sent is carried out any more. CRMs give a request up after 100 s (HubSpot) or 120 s
 * (Salesforce); what stands between may hold it back, or send it a second time.
 */
export const latestMs = 5 * 60_000;

/** What is to be written once more waits for others, to be written with them. */
const togetherMs = 60_000;

/** When a state is written once more, of which a write was last left unanswered then. */
export function rewriteAt(unansweredAt: number): number {
  return Math.ceil((unansweredAt + latestMs) / togetherMs) * togetherMs;
}

/**
 * Since when a write is unanswered that may undo what an attempt wrote. Null: there is none.
 * @param known those that are known of, by when they were last under way
 * @param beganAt of the attempt
 */
export function unansweredAt(known: readonly (number | null)[], beganAt: number): number | null {
  const latest = Math.max(...known.map((at) => at ?? Number.NEGATIVE_INFINITY));
  return beganAt < latest + latestMs ? latest : null;
}
