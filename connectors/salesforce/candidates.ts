import type { RecordRef } from '../../src/connector/index.ts';
import type { Candidate } from '../../src/crm/index.ts';
import type { Row } from './answers.ts';
import type { Match } from './options.ts';
import { ownFields, personAccountKey } from './setup-names.ts';

/**
 * A row as somebody who may be the caller.
 * @param phones the fields in which its numbers are
 * @param order which kinds win; contacts that leads became come after all of them
 */
export function candidateOf(
  object: string,
  row: Row,
  phones: readonly string[],
  order: readonly Match[],
): Candidate {
  const text = (name: string) => (typeof row[name] === 'string' ? (row[name] as string) : null);
  const isContact = object === 'Contact';
  const kind = row['IsPersonAccount'] === true ? 'PersonAccount' : (object as Match);
  const isOne = kind === 'PersonAccount';
  const isConverted = row['IsConverted'] === true;
  // A person account is changed as an account, though calls are linked to its contact.
  const id = isOne && isContact ? (text('AccountId') ?? row.Id) : row.Id;
  const record = { type: isOne ? 'account' : kind.toLowerCase(), id };
  const contactId = isOne && isContact ? row.Id : (text('ConvertedContactId') ?? text('PersonContactId'));
  const contact =
    contactId === null ? undefined : { type: isOne ? 'personaccount' : 'contact', id: contactId };
  return {
    record,
    person: isOne || isConverted ? contact : record,
    key: text(object === 'Account' ? personAccountKey : ownFields[isContact ? 'Contact' : 'Lead']),
    keyField: isOne ? personAccountKey : kind === 'Account' ? undefined : ownFields[kind],
    isConverted,
    createdAt: text('CreatedDate') ?? '',
    numbers: phones.flatMap((field) => {
      const written = text(field);
      return written === null ? [] : [{ field, text: written }];
    }),
    rank: isConverted ? order.length : rankOf(kind, order),
  };
}

function rankOf(kind: Match, order: readonly Match[]): number | undefined {
  const rank = order.indexOf(kind);
  return rank < 0 ? undefined : rank;
}

/** Whom an id names, which its first three characters say; undefined for what is nobody, such as an Opportunity. */
export function personOf(id: unknown): RecordRef | undefined {
  if (typeof id !== 'string') return undefined;
  const types: Record<string, string> = { '003': 'contact', '00Q': 'lead', '001': 'account' };
  const type = types[id.slice(0, 3)];
  return type === undefined ? undefined : { type, id };
}

/** How a Task names whom it belongs to: people in one field, companies in another. */
export function linkTo({ type, id }: RecordRef): { WhoId: string } | { WhatId: string } {
  return type === 'account' ? { WhatId: id } : { WhoId: id };
}
