/** Whether a field that holds this shows what was to be written, each CRM in its own spelling of times and blanks. */
export function isShown(held: unknown, value: unknown): boolean {
  if (isBlank(held) || isBlank(value)) return isBlank(held) && isBlank(value);
  const plain = (one: unknown) =>
    one instanceof Date ? one.toISOString() : String(one).replaceAll('\r\n', '\n').trim();
  if (plain(held) === plain(value)) return true;
  const [a, b] = [held, value].map((one) =>
    /^\d{4}-\d\d-\d\dT/.test(plain(one)) ? Date.parse(plain(one)) : Number.NaN,
  );
  return a === b;
}

export function isBlank(value: unknown): boolean {
  return value === null || value === undefined || value === '';
}
