import { type Region, samePhone, writtenForms } from '../../src/connector/contract.ts';
import type { HubSpotApi } from './api.ts';
import type { Row } from './batches.ts';
import type { HubSpotOptions } from './options.ts';
import { ownProperties } from './setup-names.ts';

/**
 * Finds contacts by what people typed into their phone fields. HubSpot searches calculated properties that hold
 * digits only, usually without country code and trunk zero, though not in every account: so every written form is
 * asked for, and what is found is compared with the number before it is believed.
 */

export interface Wanted {
  number: string;
  region: Region;
}

/** The endpoint's cap on the request's body. */
const longestBody = 3_000;
const largestPage = 200;

const indexes = ['hs_searchable_calculated_phone_number', 'hs_searchable_calculated_mobile_number'];

/** As few requests as the cap allows: about 34 Australian numbers each. */
export function packSearches(wanted: readonly Wanted[]): Wanted[][] {
  const packs: Wanted[][] = [];
  let pack: Wanted[] = [];
  for (const one of wanted) {
    if (pack.length > 0 && JSON.stringify(searchFor([...pack, one], '9999')).length > longestBody) {
      packs.push(pack);
      pack = [];
    }
    pack.push(one);
  }
  return pack.length > 0 ? [...packs, pack] : packs;
}

function searchFor(wanted: readonly Wanted[], after: string | undefined) {
  const values = [...new Set(wanted.flatMap(digitForms))];
  return {
    filterGroups: indexes.map((propertyName) => ({ filters: [{ propertyName, operator: 'IN', values }] })),
    properties: ['phone', 'mobilephone', 'createdate', ownProperties.contacts],
    limit: largestPage,
    ...(after === undefined ? {} : { after }),
  };
}

function digitForms({ number, region }: Wanted): string[] {
  return writtenForms(number, region).filter((form) => /^\d+$/.test(form));
}

/** The contacts that have each number, in either field. */
export async function searchByPhone(
  api: HubSpotApi,
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<Map<string, Row[]>> {
  const found = new Map<string, Row>();
  let after: string | undefined;
  do {
    const page = await api.search('contacts', searchFor(wanted, after), signal);
    for (const row of page.rows) found.set(row.id, row);
    after = page.next;
  } while (after !== undefined && Number(after) + largestPage <= 10_000);
  return new Map(wanted.map((one) => [one.number, [...found.values()].filter((row) => hasNumber(row, one))]));
}

function hasNumber(row: Row, { number, region }: Wanted): boolean {
  return (
    samePhone(row.properties['phone'], number, region) ||
    samePhone(row.properties['mobilephone'], number, region)
  );
}

/** Who of several gets the call, or null: the number does not tell. */
export function choose(rows: readonly Row[], rule: HubSpotOptions['person']['whenSeveral']): Row | null {
  if (rows.length > 1 && rule === 'none') return null;
  const byAge = [...rows].sort((a, b) => madeAt(a) - madeAt(b) || Number(a.id) - Number(b.id));
  return byAge.at(rule === 'oldest' ? 0 : -1) ?? null;
}

function madeAt(row: Row): number {
  return Date.parse(row.properties['createdate'] ?? '') || 0;
}
