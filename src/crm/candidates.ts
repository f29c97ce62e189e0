import { maskWritten } from '../call/mask.ts';
import { type Region, samePhone } from '../call/phone.ts';
import type { RecordRef } from '../call/records.ts';

/** A number to be looked for. */
export interface Wanted {
  number: string;
  region: Region;
}

/** Somebody in the CRM who may be the caller. */
export interface Candidate {
  /** What is changed of them. */
  readonly record: RecordRef;
  /** Whom a call is linked to when this is the caller: somebody else where `record` has become one. Undefined: nobody. */
  readonly person: RecordRef | undefined;
  /** Our key, which a converted record keeps. */
  readonly key: string | null;
  /** Where it is; undefined for what has none, such as a company. */
  readonly keyField: string | undefined;
  readonly isConverted: boolean;
  /** When they were made, as ISO 8601. */
  readonly createdAt: string;
  readonly numbers: readonly { field: string; text: string }[];
  /** Lower ones win. Undefined: not one who is looked for by number. */
  readonly rank: number | undefined;
  /** What else of them was read. */
  readonly held?: Readonly<Record<string, unknown>>;
}

/** One of a kind of person that becomes no other, and of which none wins. */
export function candidate(
  one: Pick<Candidate, 'record' | 'key' | 'keyField' | 'createdAt' | 'numbers' | 'held'>,
): Candidate {
  return { person: one.record, isConverted: false, rank: 0, ...one };
}

export type WhenSeveral = 'newest' | 'oldest' | 'none';

/** `among`: whom else the rule could have taken, with the chosen one. */
export interface Choice {
  person: RecordRef;
  candidate: Candidate;
  among: readonly Candidate[];
}

/** The field in which they have the number, and how it is written there. */
export function numberIn(
  { numbers }: Candidate,
  { number, region }: Wanted,
): Candidate['numbers'][number] | undefined {
  return numbers.find(({ text }) => samePhone(text, number, region));
}

/** By rank; within one, by `whenSeveral`. @param isGone of what a converted record has become */
export function choose(
  matches: readonly Candidate[],
  whenSeveral: WhenSeveral,
  isGone: (id: string) => boolean,
): Choice | 'several' | undefined {
  const ranks = [...new Set(matches.flatMap(({ rank }) => rank ?? []))].sort((a, b) => a - b);
  for (const rank of ranks) {
    const people = matches
      .filter((one) => one.rank === rank)
      .sort(byAge)
      .flatMap((candidate) => {
        const { person, isConverted } = candidate;
        return person && !(isConverted && isGone(person.id)) ? [{ person, candidate }] : [];
      });
    const all = new Map(people.map((one) => [one.person.id, one]));
    if (all.size > 1 && whenSeveral === 'none') return 'several';
    const chosen = people.at(whenSeveral === 'oldest' ? 0 : -1);
    if (chosen) return { ...chosen, among: [...all.values()].map(({ candidate }) => candidate) };
  }
  return undefined;
}

/** Ids are numbers in one CRM, texts of one length in another. */
function byAge(a: Candidate, b: Candidate): number {
  const [one, other] = [a.record.id, b.record.id];
  return (
    (Date.parse(a.createdAt) || 0) - (Date.parse(b.createdAt) || 0) ||
    one.length - other.length ||
    (one < other ? -1 : one === other ? 0 : 1)
  );
}

/** @param matches all who have the number */
export function whyFound(
  { candidate, person, among }: Choice,
  wanted: Wanted,
  matches: readonly Candidate[],
  whenSeveral: WhenSeveral,
): string {
  const { field, text } = numberIn(candidate, wanted) as Candidate['numbers'][number];
  const by = `${field} is ${maskWritten(text)}`;
  const reasons = [
    candidate.isConverted
      ? `The ${person.type} that ${candidate.record.type} ${candidate.record.id}, found by its number (${by}), was converted into.`
      : `Found by its number (${by}).`,
  ];
  if (among.length > 1)
    reasons.push(
      `It is the ${whenSeveral} of ${among.length} that have it (${idsOf(among)}), as person.whenSeveral says.`,
    );
  const later = matches.filter(({ rank }) => rank !== candidate.rank);
  if (later.length > 0)
    reasons.push(`Others that have it (${idsOf(later)}) come after it, as person.match says.`);
  return reasons.join(' ');
}

/** @param since why they were not found before, if so */
export function whyHolder({ record, person, isConverted, keyField }: Candidate, since = ''): string {
  return isConverted
    ? `The ${person?.type} that ${record.type} ${record.id}, found by the key ${keyField}, was converted into.`
    : `Found by the key ${keyField}${since}.`;
}

export function severalHave(candidates: readonly Candidate[]): string {
  return `Several people have this number (${idsOf(candidates)}), so none was linked, as person.whenSeveral says.`;
}

const mostNamed = 10;

/** Several hundred may have one number. */
function idsOf(candidates: readonly Candidate[]): string {
  const ids = candidates.slice(0, mostNamed).map(({ record }) => record.id);
  return [...ids, ...(candidates.length > mostNamed ? ['…'] : [])].join(', ');
}
