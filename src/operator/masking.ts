import { redactor } from '../log.ts';
import { maskNumber } from '../receive/phone.ts';

/** Names and places of things: cut, they would name something else. None of them is a telephone number. */
const kept: ReadonlySet<string> = new Set(['callId', 'source', 'connector', 'next', 'link', 'id', 'kind']);

/** Below this many digits a text is no telephone number. */
const shortest = 6;

/**
 * A copy of an answer in which no whole telephone number is left: neither whatever reads like one, nor the numbers that
 * are known to be in it, however they are written.
 */
export function masked<Answer>(answer: Answer, numbers: readonly (string | null | undefined)[] = []): Answer {
  const known = numbers.flatMap((number) => {
    const digits = (number ?? '').replace(/\D/g, '').slice(-8);
    return digits.length < shortest
      ? []
      : [new RegExp(`[+(]?[\\d ()-]*${[...digits].join('[ ()./-]*')}`, 'g')];
  });
  const hide = redactor([]);
  const maskText = (text: string) =>
    hide(known.reduce((left, number) => left.replace(number, (found) => maskNumber(bare(found))), text));
  const walk = (value: unknown, name: string): unknown => {
    if (typeof value === 'string') return kept.has(name) ? value : maskText(value);
    if (Array.isArray(value)) return value.map((each) => walk(each, name));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, walk(each, key)]));
  };
  return walk(answer, '') as Answer;
}

function bare(number: string): string {
  return number.replace(/[^\d+]/g, '');
}
