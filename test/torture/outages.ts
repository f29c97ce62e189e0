import { pick } from '../support/random.ts';
import type { Crm, Outage } from './crms.ts';

/** In milliseconds: how long a CRM is well, and how long it is out, whatever becomes of bridges meanwhile. */
const well = { from: 8_000, to: 45_000 };
const out = { from: 2_000, to: 30_000 };
const ways: readonly Outage[] = ['cut', 'cut', 'unavailable', 'unavailable', 'silent'];

/** Each CRM is out now and then for a while. */
export class Outages {
  readonly #random: () => number;
  readonly #timers = new Map<Crm, NodeJS.Timeout>();
  readonly #counts: Record<string, number>;

  /** @param counts is added to, by name */
  constructor(crms: readonly Crm[], random: () => number, counts: Record<string, number>) {
    this.#random = random;
    this.#counts = counts;
    for (const crm of crms) this.#later(crm, well, () => this.#begin(crm));
  }

  end(): void {
    for (const [crm, timer] of this.#timers) {
      clearTimeout(timer);
      crm.outage(null);
    }
  }

  #begin(crm: Crm): void {
    const how = pick(this.#random, ways);
    const name = `${crm.name} outage, ${how}`;
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
    crm.outage(how);
    this.#later(crm, out, () => {
      crm.outage(null);
      this.#later(crm, well, () => this.#begin(crm));
    });
  }

  #later(crm: Crm, { from, to }: typeof well, run: () => void): void {
    this.#timers.set(crm, setTimeout(run, from + this.#random() * (to - from)).unref());
  }
}
