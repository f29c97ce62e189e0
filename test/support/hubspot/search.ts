import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { Properties } from './properties.ts';
import { invalid, unknownProperty } from './refusals.ts';

/**
 * The number under which HubSpot's index holds a phone field: digits without country code, as captured from answers
 * that others published. Whether a trunk zero is dropped without a country code differs between accounts.
 */
export function searchablePhone(text: string, trunkZero: 'dropped' | 'kept'): string {
  const digits = text.replace(/\D/g, '');
  if (text.trim().startsWith('+')) return parsePhoneNumberFromString(text)?.nationalNumber ?? digits;
  return trunkZero === 'dropped' ? digits.replace(/^0+/, '') : digits;
}

function internationalPhone(text: string): string {
  return text.trim().startsWith('+') ? text.replace(/\D/g, '') : '';
}

export function calculatedPhones(
  values: Record<string, string>,
  trunkZero: 'dropped' | 'kept',
): Record<string, string> {
  const phone = values['phone'] ?? '';
  const mobile = values['mobilephone'] ?? '';
  return {
    hs_searchable_calculated_phone_number: searchablePhone(phone, trunkZero),
    hs_searchable_calculated_mobile_number: searchablePhone(mobile, trunkZero),
    hs_searchable_calculated_international_phone_number: internationalPhone(phone),
    hs_searchable_calculated_international_mobile_number: internationalPhone(mobile),
  };
}

interface Filter {
  propertyName: string;
  operator: string;
  value?: string;
  values?: string[];
}

export interface SearchRequest {
  filterGroups: Filter[][];
  properties: string[];
  sort: { property: string; descending: boolean };
  limit: number;
  after: number;
}

/** Enforces every cap of the search endpoint. `length` is that of the body as sent. */
export function readSearch(
  body: Record<string, unknown>,
  length: number,
  properties: Properties,
): SearchRequest {
  if (length > 3_000) throw invalid('The body of a search request may have at most 3000 characters');
  const groups = (body['filterGroups'] ?? []) as { filters?: Filter[] }[];
  if (groups.length > 5) throw invalid('The number of filter groups exceeds the limit of 5');
  const filterGroups = groups.map((group) => group.filters ?? []);
  if (filterGroups.some((filters) => filters.length > 6)) {
    throw invalid('The number of filters in a group exceeds the limit of 6');
  }
  if (filterGroups.flat().length > 18) throw invalid('The number of filters exceeds the limit of 18');
  for (const filter of filterGroups.flat()) checkFilter(filter, properties);
  const limit = Number(body['limit'] ?? 10);
  if (!Number.isInteger(limit) || limit < 1 || limit > 200) throw invalid('limit must be between 1 and 200');
  const after = Number(body['after'] ?? 0);
  if (!Number.isInteger(after) || after + limit > 10_000)
    throw invalid('Paging beyond 10000 results is not possible');
  const sorts = (body['sorts'] ?? []) as (string | { propertyName?: string; direction?: string })[];
  if (sorts.length > 1) throw invalid('Only one sort is allowed');
  return {
    filterGroups,
    properties: (body['properties'] ?? []) as string[],
    sort: readSort(sorts[0]),
    limit,
    after,
  };
}

function readSort(sort: string | { propertyName?: string; direction?: string } | undefined) {
  if (sort === undefined) return { property: 'hs_object_id', descending: false };
  if (typeof sort !== 'string') {
    return { property: sort.propertyName ?? 'hs_object_id', descending: sort.direction === 'DESCENDING' };
  }
  return { property: sort.replace(/^-/, ''), descending: sort.startsWith('-') };
}

function checkFilter(filter: Filter, properties: Properties): void {
  if (!properties.find(filter.propertyName)) throw unknownProperty(filter.propertyName);
  if (filter.operator === 'IN' && !Array.isArray(filter.values)) throw invalid('IN needs values');
  if (filter.operator === 'EQ' && filter.value === undefined) throw invalid('EQ needs a value');
  if (filter.operator === 'CONTAINS_TOKEN' && filter.value === undefined)
    throw invalid('CONTAINS_TOKEN needs a value');
  if (!['IN', 'EQ', 'CONTAINS_TOKEN', 'HAS_PROPERTY', 'NOT_HAS_PROPERTY'].includes(filter.operator)) {
    throw invalid(`The emulator does not know the operator ${filter.operator}`);
  }
}

/** Groups are alternatives; the filters of one must all hold. */
export function compileFilters(
  filterGroups: Filter[][],
  properties: Properties,
): (values: Record<string, string>) => boolean {
  const groups = filterGroups.map((filters) =>
    filters.map((filter) => compileFilter(filter, properties.find(filter.propertyName)?.fieldType)),
  );
  return (values) => groups.length === 0 || groups.some((group) => group.every((holds) => holds(values)));
}

function compileFilter(
  filter: Filter,
  fieldType: string | undefined,
): (values: Record<string, string>) => boolean {
  const name = filter.propertyName;
  if (filter.operator === 'HAS_PROPERTY') return (values) => !!values[name];
  if (filter.operator === 'NOT_HAS_PROPERTY') return (values) => !values[name];
  if (filter.operator === 'EQ') return (values) => values[name] === filter.value;
  if (filter.operator === 'CONTAINS_TOKEN') return containsToken(name, filter.value ?? '');
  const wanted = new Set(filter.values); // stored text is compared in lower case, what was asked for is not
  const held = (text: string) => (fieldType === 'checkbox' ? text.split(';') : [text]);
  return (values) => held((values[name] ?? '').toLowerCase()).some((one) => one !== '' && wanted.has(one));
}

/** A star stands for any characters of a token. Only those at its ends are known to be taken. */
function containsToken(name: string, pattern: string): (values: Record<string, string>) => boolean {
  const plain = pattern.replace(/^\*|\*$/g, '').toLowerCase();
  const [open, close] = [pattern.startsWith('*'), pattern.endsWith('*')];
  const fits = (token: string) => {
    if (open && close) return token.includes(plain);
    if (open) return token.endsWith(plain);
    return close ? token.startsWith(plain) : token === plain;
  };
  return (values) =>
    (values[name] ?? '')
      .toLowerCase()
      .split(/[^\w]+/)
      .some((token) => token !== '' && fits(token));
}
