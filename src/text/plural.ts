const counts = new Intl.NumberFormat('en-AU');

/** `12,345` */
export function count(n: number): string {
  return counts.format(n);
}

/** `1 call`, `2 calls` */
export function counted(n: number, one: string, several = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : several}`;
}
