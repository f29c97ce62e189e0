import { type Clock, isRecent } from '../clock.ts';
import { RequestFailed } from './failure.ts';

/** How long what a CRM says of itself is believed without a reason to doubt it: administrators change it. */
const believedMs = 10 * 60_000;
/** While something that is wanted is missing, somebody is expected to make it. */
const believedLackingMs = 10_000;

/** Whether what was told then is believed now. */
export function isBelieved(at: number, lacks: boolean, now: number): boolean {
  return isRecent(at, lacks ? believedLackingMs : believedMs, now);
}

/** What a CRM says of its objects, users or pipelines: by name, each asked for once at a time. */
export class Metadata<Name extends string, Told> {
  readonly #ask: (name: Name, signal: AbortSignal) => Promise<Told>;
  readonly #clock: Clock;
  readonly #known = new Map<Name, { told: Told; at: number }>();
  readonly #asking = new Map<Name, Promise<Told>>();

  constructor(ask: (name: Name, signal: AbortSignal) => Promise<Told>, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** As last told, however long ago. */
  known(name: Name): Told | undefined {
    return this.#known.get(name)?.told;
  }

  /** @throws RequestFailed where it was never told: what was told long ago is better than nothing. */
  async of(name: Name, signal: AbortSignal, lacks: (told: Told) => boolean = () => false): Promise<Told> {
    const known = this.#known.get(name);
    if (known && isBelieved(known.at, lacks(known.told), this.#clock.now().getTime())) return known.told;
    try {
      return await this.refresh(name, signal);
    } catch (thrown) {
      if (!known || !(thrown instanceof RequestFailed)) throw thrown;
      return known.told;
    }
  }

  /** Whatever is known. @throws RequestFailed */
  async refresh(name: Name, signal: AbortSignal): Promise<Told> {
    const asking = this.#asking.get(name) ?? this.#ask(name, signal);
    this.#asking.set(name, asking);
    try {
      const told = await asking;
      this.#known.set(name, { told, at: this.#clock.now().getTime() });
      return told;
    } finally {
      this.#asking.delete(name);
    }
  }

  /** The CRM does not take what it told any more. */
  forget(name: Name): void {
    this.#known.delete(name);
  }
}
