import { parsePhone } from '../../src/connector/contract.ts';
import type { Row, SalesforceApi } from './api.ts';
import { RequestFailed } from './failures.ts';
import type { Place, Wanted } from './phone-search.ts';
import { quote } from './soql.ts';

/** A statement may have 100,000 characters, and each comparison costs the org a look at every record. */
const mostNumbers = 100;

/**
 * People whose phone fields have the digits of a number, whatever stands between them: for orgs whose search does not
 * see through separators. Where that takes the org too long, nobody is found.
 */
export async function looselyTyped(
  api: SalesforceApi,
  places: readonly Place[],
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<Row[]> {
  const statements: string[] = [];
  for (let start = 0; start < wanted.length; start += mostNumbers) {
    const patterns = wanted.slice(start, start + mostNumbers).map(patternOf);
    for (const { object, columns, phones } of places) {
      const anywhere = phones.flatMap((field) => patterns.map((text) => `${field} LIKE ${quote(text)}`));
      statements.push(`SELECT ${columns.join(',')} FROM ${object} WHERE ${anywhere.join(' OR ')}`);
    }
  }
  const found = await api.query(statements, signal);
  return found.flatMap(({ rows, failure }) => {
    if (failure && failure.cure?.what !== 'slow') throw new RequestFailed(failure);
    return rows ?? [];
  });
}

/** The digits after country code and trunk zero. */
function patternOf({ number, region }: Wanted): string {
  const { national } = parsePhone(number, region);
  const digits = (national ?? number.slice(1)).replace(/^0/, '');
  return `%${[...digits].join('%')}%`;
}
