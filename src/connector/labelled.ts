/**
 * What a record holds, for people to look at: by the labels that its CRM shows, without what is blank. Two fields of one
 * label are told apart by their names.
 */
export function labelled(
  held: Readonly<Record<string, unknown>>,
  labels: ReadonlyMap<string, string>,
): Record<string, unknown> {
  const shown = Object.entries(held).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  );
  const labelOf = (name: string) => labels.get(name) || name;
  const isShared = (label: string) => shown.filter(([name]) => labelOf(name) === label).length > 1;
  return Object.fromEntries(
    shown.map(([name, value]) => {
      const label = labelOf(name);
      return [isShared(label) ? `${label} (${name})` : label, value];
    }),
  );
}
