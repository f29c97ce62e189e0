import { isNumber, maskKnownNumbers, maskNumber, maskNumbersIn } from '../call/mask.ts';

/** Names and places of things: cut, they would name something else. None of them is a telephone number. */
const kept: ReadonlySet<string> = new Set(['callId', 'source', 'connector', 'next', 'link', 'id', 'kind']);
/** What they hold is a telephone number wherever it reads as one at all, such as one of a far country as it was sent. */
const numbersOnly: ReadonlySet<string> = new Set(['number', 'display', 'national', 'raw']);

/**
 * A copy of an answer in which no whole telephone number is left: neither whatever reads like one, nor the numbers that
 * are known to be in it, however they are written.
 */
export function masked<Answer>(answer: Answer, numbers: readonly (string | null | undefined)[] = []): Answer {
  const walk = (value: unknown, name: string): unknown => {
    if (typeof value === 'string') {
      if (kept.has(name)) return value;
      if (numbersOnly.has(name) && isNumber(value)) return maskNumber(value);
      return maskNumbersIn(maskKnownNumbers(value, numbers));
    }
    if (Array.isArray(value)) return value.map((each) => walk(each, name));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, walk(each, key)]));
  };
  return walk(answer, '') as Answer;
}
