/*
 * What people write beside a number to say which it is: `Tel. 0412…`, `mob 0412…`, `(home) 02…`, `0412… (mobile)`.
 */

const words = [
  'tel(?:ephone)?|t[eé]l|phone|ph|fone|mob(?:ile)?|cell(?:phone|ular)?|landline|home|work|office|business|bus|direct|main',
  'call(?:er)?|from|contact|number|num|no|after hours|a/?h|b/?h|ddi?|fax|whatsapp',
].join('|');

/** As a regular expression, of which no letter may go on. */
export const label = `(?:${words})`;
/** One letter does beside a bracket, a dot, a colon or a blank: `M 0412…`, `(h) 02…`. */
const letter = '[mhwptob]';
const apart = String.raw`[\s.:;,#/|=–-]`;

const inBrackets = new RegExp(String.raw`[([]\s*(?:${label}|${letter})(?:\s+${label})?[\s.:]*[)\]]`, 'gi');
const atBeginning = new RegExp(
  String.raw`^(?:(?:${label}(?![a-zé])|${letter}(?=${apart}))${apart}*){1,3}(?=[+(\d])`,
  'i',
);
const atEnd = new RegExp(
  String.raw`(?<=\d\)?)(?:${apart}*(?:${label}|(?<=${apart})${letter})\.?){1,2}$`,
  'i',
);

/** Fewer digits are no number, and the words say more. */
const leastDigits = 6;

/** A text without such words, if what is left begins as numbers do. */
export function withoutLabels(text: string): string {
  if (!/[a-z]/i.test(text)) return text;
  const bare = text.replace(inBrackets, ' ').trim();
  const rest = bare.replace(atBeginning, '').replace(atEnd, '');
  return /^[+(]*\d/.test(rest) && rest.replace(/\D/g, '').length >= leastDigits ? rest : text;
}
