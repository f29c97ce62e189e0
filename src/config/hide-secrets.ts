import { TextFinder } from '../text/text-finder.ts';
import type { Problem } from './problems.ts';
import type { Given } from './variables.ts';

/** Shorter texts stand in ordinary words; they are hidden only where a message quotes them as a whole. */
const shortest = 6;

/** Puts `${NAME}` for what it gave, wherever a message quotes it: that is also what the reader finds in the file. */
export function hideSecrets(problems: readonly Problem[], secrets: readonly Given[]): void {
  if (secrets.length === 0) return;
  const shown = new Map<string, string>();
  for (const { value, written } of secrets) {
    const [text, instead] = value.length < shortest ? [`"${value}"`, `"${written}"`] : [value, written];
    if (!shown.has(text)) shown.set(text, instead);
  }
  // One pass: nothing is replaced within what was put in.
  const finder = new TextFinder(shown.keys());
  for (const problem of problems)
    problem.message = finder.replace(problem.message, (text) => shown.get(text) ?? '[secret]');
}
