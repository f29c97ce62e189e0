import { maskKnownNumbers, maskNumber, maskNumbersIn, mayBeNumber } from '../call/mask.ts';

/** Names and places of things: cut, they would name something else. None of them is a telephone number. */
const kept: ReadonlySet<string> = new Set(['callId', 'source', 'connector', 'next', 'link', 'id', 'kind']);
/** What they hold is a telephone number wherever it may be one at all, such as one that could not be read. */
const numbersOnly: ReadonlySet<string> = new Set(['number', 'display', 'national', 'raw']);

/**
 * A copy of an answer in which no whole telephone number is left: neither whatever reads like one, nor the numbers that
 * it tells to be a call's, however its texts write them.
 */
export function masked<Answer>(answer: Answer): Answer {
  const walk = (value: unknown, name: string, numbers: readonly string[]): unknown => {
    if (typeof value === 'string') {
      if (kept.has(name)) return value;
      if (numbersOnly.has(name) && mayBeNumber(value)) return maskNumber(value);
      return maskNumbersIn(maskKnownNumbers(value, numbers));
    }
    if (Array.isArray(value)) return value.map((each) => walk(each, name, numbers));
    if (typeof value !== 'object' || value === null) return value;
    const known = [...numbers, ...numbersOf(value)];
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, walk(each, key, known)]));
  };
  return walk(answer, '', []) as Answer;
}

/** Who a call names: by number, and as it is shown, which is as sent where that cannot be read. */
function numbersOf(value: object): string[] {
  return ['caller', 'dialled', 'answeredBy'].flatMap((part) => {
    const { number, display } = (Reflect.get(value, part) ?? {}) as { number?: unknown; display?: unknown };
    return [number, display].filter((known) => typeof known === 'string');
  });
}
