import { type RecordRef, samePhone } from '../../src/connector/index.ts';
import type { Row } from './answers.ts';
import type { Match, ObjectName, SalesforceOptions } from './options.ts';
import type { Wanted } from './phone-search.ts';
import { ownFields, personAccountKey } from './setup-names.ts';

/** Somebody who may be the caller: what Salesforce has of them, in one form for all kinds. */
export interface Candidate {
  kind: Match;
  id: string;
  key: string | null;
  createdAt: string;
  numbers: { field: string; text: string }[];
  /** Whom a call is linked to: the contact that a converted lead became, or that is one with a person account. */
  contactId: string | null;
  isConverted: boolean;
}

/** @param phones the fields in which its numbers are */
export function candidateOf(object: string, row: Row, phones: readonly string[]): Candidate {
  const text = (name: string) => (typeof row[name] === 'string' ? (row[name] as string) : null);
  const isPersonAccount = row['IsPersonAccount'] === true;
  const isContact = object === 'Contact';
  return {
    kind: isPersonAccount ? 'PersonAccount' : (object as Match),
    // A person account is changed as an account, though calls are linked to its contact.
    id: isPersonAccount && isContact ? (text('AccountId') ?? row.Id) : row.Id,
    key: text(object === 'Account' ? personAccountKey : ownFields[isContact ? 'Contact' : 'Lead']),
    createdAt: text('CreatedDate') ?? '',
    numbers: phones.flatMap((field) => {
      const written = text(field);
      return written === null ? [] : [{ field, text: written }];
    }),
    contactId:
      isPersonAccount && isContact ? row.Id : (text('ConvertedContactId') ?? text('PersonContactId')),
    isConverted: row['IsConverted'] === true,
  };
}

/** The field in which they have the number, and how it is written there. */
export function numberIn(
  { numbers }: Candidate,
  { number, region }: Wanted,
): Candidate['numbers'][number] | undefined {
  return numbers.find(({ text }) => samePhone(text, number, region));
}

/** Whom a call is linked to when this is the caller. */
export function personIn({ kind, id, isConverted, contactId }: Candidate): RecordRef | undefined {
  if (kind === 'PersonAccount')
    return contactId === null ? undefined : { type: 'personaccount', id: contactId };
  if (!isConverted) return { type: kind.toLowerCase(), id };
  return contactId === null ? undefined : { type: 'contact', id: contactId };
}

/** Where our key of a candidate is written; undefined for companies, which have none. */
export function keyOf({ kind }: Candidate): { object: ObjectName; field: string } | undefined {
  if (kind === 'Account') return undefined;
  if (kind === 'PersonAccount') return { object: 'Account', field: personAccountKey };
  return { object: kind, field: ownFields[kind] };
}

/** `among`: whom else the rule could have taken, with the chosen one. */
export type Choice = { person: RecordRef; candidate: Candidate; among: Candidate[] } | 'several';

/** By the objects in the order of `match`, then contacts that leads became; within each, by `whenSeveral`. */
export function choose(
  matches: readonly Candidate[],
  order: readonly Match[],
  whenSeveral: SalesforceOptions['person']['whenSeveral'],
  isGone: (id: string) => boolean,
): Choice | undefined {
  const groups = [
    ...order.map((kind) => matches.filter((one) => one.kind === kind && !one.isConverted)),
    matches.filter(({ isConverted }) => isConverted),
  ];
  for (const group of groups) {
    const people = [...group].sort(byAge).flatMap((candidate) => {
      const person = personIn(candidate);
      return person && !(candidate.isConverted && isGone(person.id)) ? [{ person, candidate }] : [];
    });
    const all = new Map(people.map((one) => [one.person.id, one]));
    if (all.size > 1 && whenSeveral === 'none') return 'several';
    const chosen = people.at(whenSeveral === 'oldest' ? 0 : -1);
    if (!chosen) continue;
    return { ...chosen, among: [...all.values()].map(({ candidate }) => candidate) };
  }
  return undefined;
}

function byAge(a: Candidate, b: Candidate): number {
  return Date.parse(a.createdAt) - Date.parse(b.createdAt) || (a.id < b.id ? -1 : a.id === b.id ? 0 : 1);
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
