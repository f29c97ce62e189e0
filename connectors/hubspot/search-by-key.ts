import type { HubSpotApi } from './api.ts';
import type { LinkFrom } from './associations.ts';
import { ownProperties } from './setup-names.ts';

/** Of a list of values in a search. */
const mostSearched = 100;

/** The oldest record of each key, by id, as far as the search index shows them. @throws RequestFailed */
export async function findBySearch(
  api: HubSpotApi,
  objectType: LinkFrom,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const key = ownProperties[objectType];
  for (let start = 0; start < keys.length; start += mostSearched) {
    // Lists are compared in lower case; what is found is compared again.
    const values = keys.slice(start, start + mostSearched).map((text) => text.toLowerCase());
    for (const part of within(values)) {
      const filters = [{ propertyName: key, operator: 'IN', values: part }];
      const request = { filterGroups: [{ filters }], properties: [key], limit: 200 };
      const { rows } = await api.search(objectType, request, signal);
      for (const { id, properties } of rows) {
        const held = properties[key] ?? '';
        const other = found.get(held);
        if (other === undefined || Number(id) < Number(other)) found.set(held, id);
      }
    }
  }
  return found;
}

/** The body of a search has at most 3,000 characters. */
function within(values: readonly string[]): string[][] {
  const parts: string[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const value of values) {
    size += JSON.stringify(value).length + 1;
    if (size > 2_500) {
      parts.push([]);
      size = JSON.stringify(value).length + 1;
    }
    parts.at(-1)?.push(value);
  }
  return parts;
}
