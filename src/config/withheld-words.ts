/** What stands for a withheld number where nothing else is configured; compared in lower case. The vendor documents none. */
export const withheldWords: readonly string[] = [
  'anonymous',
  'private',
  'unknown',
  'unavailable',
  'withheld',
  'blocked',
  'restricted',
  'no caller id',
];
