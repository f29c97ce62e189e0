import { closest, distance } from 'fastest-levenshtein';

/** ` Did you mean "followUp"?`, or nothing when no candidate is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const all = [...candidates];
  if (all.length === 0) return '';
  const sameLetters = all.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  const nearest = sameLetters ?? closest(name, all);
  const edits = distance(name, nearest);
  // Of a short word, two other letters leave too little: "foo" is not "log".
  const near = edits <= Math.max(2, Math.floor(name.length / 4)) && edits < name.length - 1;
  return sameLetters !== undefined || near ? ` Did you mean "${nearest}"?` : '';
}

/** More would not be read. */
const mostNamed = 20;

/** ` Did you mean "acme"? Known: acme, beta.` */
export function knownNames(name: string, known: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(known);
  return didYouMean(name, names) + listedNames(names);
}

/** ` Known: acme, beta.` */
export function listedNames(names: readonly string[]): string {
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
  return ` Known: ${names.slice(0, mostNamed).join(', ') || 'none'}${more}.`;
}
