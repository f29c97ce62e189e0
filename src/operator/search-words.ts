/** So many digits may be a telephone number: those are found as numbers, and are not among the words. */
const numberDigits = 6;

/** A text as words that can be compared: lower case, without accents, each once. */
export function wordsOf(text: string): string[] {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const words = plain.match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...new Set(words)].filter(
    (word) => word.length <= 40 && !(word.length >= numberDigits && /^\d+$/.test(word)),
  );
}
