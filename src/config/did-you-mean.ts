import { closest, distance } from 'fastest-levenshtein';

/** ` Did you mean "followUp"?`, or nothing when no candidate is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const all = [...candidates];
  if (all.length === 0) return '';
  const sameLetters = all.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  const nearest = sameLetters ?? closest(name, all);
  const near =
    sameLetters !== undefined || distance(name, nearest) <= Math.max(2, Math.floor(name.length / 4));
  return near ? ` Did you mean "${nearest}"?` : '';
}
