import { parsePhone, type Region, samePhone, writtenForms } from '../../src/connector/contract.ts';
import type { HubSpotApi, Row } from './api.ts';
import type { Found } from './found.ts';
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

/** What people type into, for accounts whose index does not hold digits. */
const typed = ['phone', 'mobilephone'];

type Account = Pick<Partial<Found>, 'phoneIndex' | 'longestList'>;

/** As few requests as the cap allows: about 34 Australian numbers each. */
export function packSearches(wanted: readonly Wanted[], account: Account): Wanted[][] {
  const packs: Wanted[][] = [];
  let pack: Wanted[] = [];
  for (const one of wanted) {
    if (pack.length > 0 && !fits(searchFor([...pack, one], account, '9999'), account)) {
      packs.push(pack);
      pack = [];
    }
    pack.push(one);
  }
  return pack.length > 0 ? [...packs, pack] : packs;
}

function fits(search: ReturnType<typeof searchFor>, { longestList = Number.POSITIVE_INFINITY }: Account) {
  const lists = search.filterGroups.flatMap(({ filters }) => filters.map(({ values }) => values.length));
  return JSON.stringify(search).length <= longestBody && Math.max(...lists) <= longestList;
}

function searchFor(wanted: readonly Wanted[], { phoneIndex }: Account, after: string | undefined) {
  const groups = (names: readonly string[], forms: (one: Wanted) => string[]) => {
    const values = [...new Set(wanted.flatMap(forms))];
    return names.map((propertyName) => ({ filters: [{ propertyName, operator: 'IN', values }] }));
  };
  return {
    filterGroups: [
      ...groups(indexes, digitForms),
      ...(phoneIndex === 'odd' ? groups(typed, typedForms) : []),
    ],
    properties: ['phone', 'mobilephone', 'createdate', ownProperties.contacts],
    limit: largestPage,
    ...(after === undefined ? {} : { after }),
  };
}

export function digitForms({ number, region }: Wanted): string[] {
  return writtenForms(number, region).filter((form) => /^\d+$/.test(form));
}

function typedForms({ number, region }: Wanted): string[] {
  const { display } = parsePhone(number, region);
  const international = parsePhone(number, region === 'US' ? 'GB' : 'US').display;
  return [
    ...new Set([...writtenForms(number, region), display, display.replace(/[()]/g, ''), international]),
  ];
}

/** The contacts that have each number, in either field. */
export async function searchByPhone(
  api: HubSpotApi,
  wanted: readonly Wanted[],
  account: Account,
  signal: AbortSignal,
): Promise<Map<string, Row[]>> {
  const found = new Map<string, Row>();
  let after: string | undefined;
  do {
    const page = await api.search('contacts', searchFor(wanted, account, after), signal);
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
