/**
 * Why a call went to a person: a sentence that a connector says once, when it has found out, and that is kept among the
 * notes of the attempt.
 */
const beginning = 'Person: ';

/** What a connector says of a number in its own map of people. Which call that was is told where the reason is read. */
export const knownPerson = 'Known from an earlier call of this number.';

export function noteOfPerson(why: string): string {
  return `${beginning}${why}`;
}

/** The latest among the notes of a delivery's attempts, in their order. */
export function whyPersonIn(notes: readonly string[]): string | undefined {
  return notes.findLast((note) => note.startsWith(beginning))?.slice(beginning.length);
}
