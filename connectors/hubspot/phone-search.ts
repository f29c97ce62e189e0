import { parsePhone, writtenForms } from '../../src/connector/index.ts';
import type { Candidate, Wanted } from '../../src/crm/index.ts';
import type { Row } from './answers.ts';
import type { HubSpotApi } from './api.ts';
import type { Facts } from './facts.ts';
import { RequestFailed } from './failures.ts';
import { ownProperties } from './setup-names.ts';

/**
 * Finds contacts by what people typed into their phone fields. HubSpot searches calculated properties that hold
 * digits only, usually without country code and leading zeros, though not in every account: so every written form is
 * asked for, and what is found is compared with the number before it is believed. Forms that few people write are
 * asked for as long as that costs no further request.
 */

interface Asked extends Wanted {
  /** Leave the rare forms out: with them, this many numbers would take more requests. */
  isSparing?: boolean;
}

/** The endpoint's cap on the request's body. */
const longestBody = 3_000;
const largestPage = 200;
/** HubSpot searches no further than 10,000 records. */
const mostPages = 10_000 / largestPage;

const indexes = ['hs_searchable_calculated_phone_number', 'hs_searchable_calculated_mobile_number'];

/** What people type into, for accounts whose index does not hold digits. */
const typed = ['phone', 'mobilephone'];

type Account = Pick<Partial<Facts>, 'phoneIndex' | 'longestList'>;

/** So few are searched for one by one: what a field holds besides a number can be seen past for one alone. */
const mostAlone = 3;

/** As few requests as the cap allows: about 34 Australian numbers each, or 12 with their rare forms. */
export function packSearches(wanted: readonly Wanted[], account: Account): Asked[][] {
  if (wanted.length <= mostAlone && account.phoneIndex !== 'odd') return wanted.map((one) => [one]);
  const sparing = pack(
    wanted.map((one) => ({ ...one, isSparing: true })),
    account,
  );
  const generous = pack(wanted, account);
  return generous.length <= sparing.length ? generous : sparing;
}

function pack(wanted: readonly Asked[], account: Account): Asked[][] {
  const packs: Asked[][] = [];
  let open: Asked[] = [];
  for (const one of wanted) {
    if (open.length > 0 && !fits(searchFor([...open, one], account, '9999'), account)) {
      packs.push(open);
      open = [];
    }
    open.push(one);
  }
  return open.length > 0 ? [...packs, open] : packs;
}

function fits(search: ReturnType<typeof searchFor>, { longestList = Number.POSITIVE_INFINITY }: Account) {
  const lists = search.filterGroups.flatMap(({ filters }) =>
    filters.map((filter) => ('values' in filter ? filter.values.length : 1)),
  );
  return JSON.stringify(search).length <= longestBody && Math.max(...lists) <= longestList;
}

function searchFor(wanted: readonly Asked[], { phoneIndex }: Account, after: string | undefined) {
  const among = (names: readonly string[], forms: (one: Asked) => readonly string[]) => {
    const values = [...new Set(wanted.flatMap(forms))];
    return names.map((propertyName) => ({ filters: [{ propertyName, operator: 'IN', values }] }));
  };
  const [only, ...others] = wanted;
  // The digits of an extension stand behind the number, and so may another number, or before it. Groups are few, so only one number can be asked for like this.
  const within =
    only && others.length === 0 && !only.isSparing && phoneIndex !== 'odd'
      ? indexes.map((propertyName) => {
          const value = `*${shortestForm(only)}*`;
          return { filters: [{ propertyName, operator: 'CONTAINS_TOKEN', value }] };
        })
      : [];
  return {
    filterGroups: [
      ...among(indexes, digitForms),
      ...(phoneIndex === 'odd' ? among(typed, typedForms) : []),
      ...within,
    ],
    properties: ['phone', 'mobilephone', 'createdate', ownProperties.contacts],
    limit: largestPage,
    ...(after === undefined ? {} : { after }),
  };
}

export function digitForms({ number, region, isSparing = false }: Asked): string[] {
  const forms = writtenForms(number, region).filter((form) => /^\d+$/.test(form));
  if (isSparing) return forms;
  const whole = number.slice(1);
  const [local, countryCode] = localAndCountryCode({ number, region });
  // 0061 412 …, as dialled from elsewhere; 0011 61 412 …, as from Australia; +61 (0)412 …
  const rare = [`00${whole}`, `0011${whole}`, `11${whole}`, `${countryCode}0${local}`];
  return [...new Set([...forms, ...rare])];
}

function typedForms({ number, region }: Wanted): string[] {
  const { display } = parsePhone(number, region);
  const international = parsePhone(number, region === 'US' ? 'GB' : 'US').display;
  return [
    ...new Set([...writtenForms(number, region), display, display.replace(/[()]/g, ''), international]),
  ];
}

/** Without country code and trunk zero: all other forms end with it. */
function shortestForm(one: Wanted): string {
  return localAndCountryCode(one)[0];
}

function localAndCountryCode({ number, region }: Wanted): [local: string, countryCode: string] {
  const whole = number.slice(1);
  const forms = writtenForms(number, region).filter((form) => /^\d+$/.test(form) && whole.endsWith(form));
  const local = forms.reduce((shortest, form) => (form.length < shortest.length ? form : shortest), whole);
  return [local, whole.slice(0, whole.length - local.length)];
}

/** Contacts that may have one of these numbers. @throws RequestFailed */
export async function searchByPhone(
  api: HubSpotApi,
  wanted: readonly Asked[],
  account: Account,
  signal: AbortSignal,
): Promise<Row[]> {
  try {
    return await searchPages(api, wanted, account, signal);
  } catch (thrown) {
    const isRefused = thrown instanceof RequestFailed && thrown.failure.kind === 'rejected';
    if (!isRefused || wanted.every(({ isSparing }) => isSparing)) throw thrown;
    // No document says that these properties take wildcards; without them, most people are found.
    const sparing = wanted.map((one) => ({ ...one, isSparing: true }));
    return searchPages(api, sparing, account, signal);
  }
}

async function searchPages(
  api: HubSpotApi,
  wanted: readonly Asked[],
  account: Account,
  signal: AbortSignal,
): Promise<Row[]> {
  const found = new Map<string, Row>();
  let after: string | undefined;
  for (let page = 0; page < mostPages; page++) {
    const { rows, next } = await api.search('contacts', searchFor(wanted, account, after), signal);
    for (const row of rows) found.set(row.id, row);
    after = next;
    if (after === undefined) break;
  }
  return [...found.values()];
}

/** A contact as one who may be the caller. */
export function candidateOf({ id, properties }: Row): Candidate {
  const record = { type: 'contact', id };
  return {
    record,
    person: record,
    key: properties[ownProperties.contacts] || null,
    keyField: ownProperties.contacts,
    isConverted: false,
    createdAt: properties['createdate'] ?? '',
    numbers: typed.flatMap((field) => {
      const text = properties[field];
      return text ? [{ field, text }] : [];
    }),
    rank: 0,
  };
}
