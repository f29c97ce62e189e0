import { type Call, cut, factsOf } from '../../src/connector/index.ts';

/** More of one value than this tells a reader nothing; all of them together stay within the Description. */
const longestValue = 1_000;

/** The Task's Description: what Delacon told, in lines that people read. */
export function summary(call: Call): string {
  return factsOf(call)
    .map(({ label, text }) => `${label}: ${cut(text, longestValue)}`)
    .join('\n');
}
