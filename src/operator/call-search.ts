import { getCountryCallingCode } from 'libphonenumber-js/max';
import type { Settings } from '../config/settings.ts';
import type { CallSearch } from '../store/call-index.ts';
import { wordsOf } from './search-words.ts';

/** Fewer digits say nothing of a number. */
const leastDigits = 3;

/**
 * What somebody who types a text looks for: a number as far as it is typed, from either end; a call id; words.
 *
 * @param masked who may not see whole numbers finds none: a few thousand searches would tell what is hidden of one
 */
export function searchOf(settings: Settings, text: string, masked: boolean): CallSearch {
  const search: CallSearch = {
    callers: [],
    callerEnds: [],
    exact: false,
    callIds: [],
    // Numbers stand in other fields, too, in parts.
    words: wordsOf(text).filter((word) => !(masked && /\p{N}/u.test(word))),
  };
  const written = text.trim();
  if (/^\S+$/.test(written)) search.callIds.push(written);
  if (masked) return search;
  const digits = written.replace(/\D/g, '');
  if (!/^\+?[\d ().-]+$/.test(written) || digits.length < leastDigits) return search;
  if (/\s/.test(written)) search.words = []; // `0412 345` is no two words
  const regions = [...new Set(Object.values(settings.sources).map(({ region }) => region))];
  const international = written.startsWith('+') ? digits : digits.startsWith('00') ? digits.slice(2) : null;
  if (international !== null) search.callers.push(international);
  else {
    const codes = regions.map((region) => getCountryCallingCode(region));
    for (const code of codes) {
      if (digits.startsWith('0')) search.callers.push(code + digits.slice(1));
      else if (digits.startsWith(code)) search.callers.push(digits);
      else search.callers.push(code + digits); // 1300 …
    }
    if (!digits.startsWith('0') || digits.length < 8) search.callerEnds.push(digits);
  }
  return search;
}
