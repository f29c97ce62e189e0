/**
 * A histogram without labels, for what happens with every push: it costs a tenth of the library's. It is written in
 * the same text format.
 */
export class Durations {
  readonly #boundsSeconds: readonly number[];
  readonly #counts: number[];
  #sumMs = 0;

  constructor(boundsSeconds: readonly number[]) {
    this.#boundsSeconds = boundsSeconds;
    this.#counts = [...boundsSeconds, 0].map(() => 0);
  }

  observe(ms: number): void {
    let i = 0;
    while (i < this.#boundsSeconds.length && ms > (this.#boundsSeconds[i] as number) * 1000) i++;
    this.#counts[i] = (this.#counts[i] as number) + 1;
    this.#sumMs += ms;
  }

  text(name: string, help: string): string {
    let total = 0;
    const buckets = this.#counts.map((count, i) => {
      total += count;
      return `${name}_bucket{le="${this.#boundsSeconds[i] ?? '+Inf'}"} ${total}`;
    });
    return [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} histogram`,
      ...buckets,
      `${name}_sum ${this.#sumMs / 1000}`,
      `${name}_count ${total}`,
      '',
    ].join('\n');
  }
}
