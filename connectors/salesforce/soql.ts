/*
 * Query and search languages of Salesforce, as texts. Everything from outside goes through `quote` or `term`: the
 * client's own way of building conditions leaves backslashes as they are, so a text could end its literal.
 */

/** A string literal. */
export function quote(text: string): string {
  return `'${text
    .replace(/[\\'"]/g, '\\$&')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t')}'`;
}

export function isIn(field: string, values: readonly string[]): string {
  return `${field} IN (${values.map(quote).join(',')})`;
}

/** Something to be searched for. In quotation marks when it has blanks; digits alone need none, and room is dear. */
export function term(text: string): string {
  const escaped = text.replace(/[&|!(){}[\]^"~*?:\\'+-]/g, '\\$&');
  return /^\d+$/.test(text) ? text : `"${escaped}"`;
}
