import { type Clock, isRecent } from '../clock.ts';
import type { Memory } from './memory.ts';

/** How long a bridge believes what it read: a probe may find out more beside it. */
const believedMs = 60_000;

/**
 * What `probe` or `setup` found out about an account, as far as `deliver` has to know. Nothing is there until one of
 * them ran, and then only what differs from the connector's expectations.
 */
export class AccountFacts<Facts extends object> {
  readonly #memory: Memory;
  readonly #clock: Clock;
  #read: { at: number; found: Partial<Facts> } | undefined;

  readonly #name: string;

  /** @param name under which they are kept, where an account has facts of several kinds */
  constructor({ memory, clock }: { memory: Memory; clock: Clock }, name = 'found') {
    this.#name = name;
    this.#memory = memory;
    this.#clock = clock;
  }

  async all(): Promise<Partial<Facts>> {
    const at = this.#clock.now().getTime();
    if (this.#read && isRecent(this.#read.at, believedMs, at)) return this.#read.found;
    const text = (await this.#memory.recall([this.#name])).get(this.#name);
    const found = text === undefined ? {} : (JSON.parse(text) as Partial<Facts>);
    this.#read = { at, found };
    return found;
  }

  /** Replaces what is named; undefined: it is as expected. */
  async keep(more: { [Name in keyof Facts]?: Facts[Name] | undefined }): Promise<void> {
    this.#read = undefined;
    const all = { ...(await this.all()), ...more };
    await this.#memory.remember(new Map([[this.#name, JSON.stringify(all)]]));
    this.#read = undefined;
  }
}
