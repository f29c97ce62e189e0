import type { Row } from './answers.ts';
import type { HubSpotApi } from './api.ts';
import type { Facts } from './facts.ts';
import { RequestFailed } from './failures.ts';

/** Where a contact keeps the ids of those that were merged into it. */
const mergedIds = 'hs_merged_object_ids';

/** What fits into the body of a search, with room for the rest. */
const mostAsked = 100;

/**
 * Whom contacts were merged into, by the id of the one that is gone. People merge the contact that a call made into the
 * one they know, which may have another number, and would have to merge the next one, too, if it were not followed.
 * Undefined: this account cannot be asked. @throws RequestFailed
 */
export async function heirsOf(
  api: HubSpotApi,
  gone: readonly string[],
  { longestList = mostAsked }: Partial<Facts>,
  signal: AbortSignal,
): Promise<Map<string, Row> | undefined> {
  const heirs = new Map<string, Row>();
  const asked = [...new Set(gone)];
  const most = Math.min(mostAsked, longestList);
  for (let start = 0; start < asked.length; start += most) {
    const values = asked.slice(start, start + most);
    const rows = await search(api, values, signal);
    if (!rows) return undefined;
    for (const row of rows) {
      for (const id of (row.properties[mergedIds] ?? '').split(';')) {
        if (values.includes(id)) heirs.set(id, row);
      }
    }
  }
  return heirs;
}

/** The search for those that these were merged into. */
export function mergedFrom(values: readonly string[]) {
  const filters = [{ propertyName: mergedIds, operator: 'IN', values }];
  return { filterGroups: [{ filters }], properties: [mergedIds], limit: 200 };
}

/** No document says that these ids can be searched for. */
async function search(
  api: HubSpotApi,
  values: readonly string[],
  signal: AbortSignal,
): Promise<Row[] | undefined> {
  try {
    return (await api.search('contacts', mergedFrom(values), signal)).rows;
  } catch (thrown) {
    if (thrown instanceof RequestFailed && thrown.failure.kind === 'rejected') return undefined;
    throw thrown;
  }
}
