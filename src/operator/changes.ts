import * as z from 'zod';
import type { Clock } from '../clock.ts';

/** What has changed since the change before. Many at once come as one. */
export const change = z.object({
  calls: z
    .array(z.object({ source: z.string(), callId: z.string(), isNew: z.boolean() }))
    .describe('Calls that came, changed or were delivered; of many, the newest hundred.'),
  more: z.boolean().describe('More calls changed than are named: read the list again.'),
  connectors: z.boolean().describe('Something of a connector changed.'),
  rejected: z.boolean().describe('An unreadable push came.'),
});
export type Change = z.output<typeof change>;

const mostCalls = 100;
/** What comes within this time is told together. */
const togetherMs = 200;

/** Tells everybody who looks what has changed, a few times a second at most. */
export class Changes {
  readonly #clock: Clock;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #calls = new Map<string, Change['calls'][number]>();
  #connectors = false;
  #rejected = false;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The returned function ends it. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#cancel?.();
      this.#clear();
    };
  }

  calls(changed: Iterable<{ source: string; callId: string; isNew?: boolean }>): void {
    if (this.#listeners.size === 0) return; // nobody looks: nearly always
    for (const { source, callId, isNew = false } of changed) {
      const key = JSON.stringify([source, callId]);
      const known = this.#calls.get(key);
      this.#calls.delete(key); // so that it goes to the end, where the newest are
      this.#calls.set(key, { source, callId, isNew: isNew || (known?.isNew ?? false) });
    }
    this.#tellSoon();
  }

  connectors(): void {
    this.#connectors = true;
    this.#tellSoon();
  }

  rejected(): void {
    this.#rejected = true;
    this.#tellSoon();
  }

  #tellSoon(): void {
    if (this.#listeners.size === 0) this.#clear();
    else this.#cancel ??= this.#clock.after(togetherMs, () => this.#tell());
  }

  #tell(): void {
    const told: Change = {
      calls: [...this.#calls.values()].slice(-mostCalls).reverse(),
      more: this.#calls.size > mostCalls,
      connectors: this.#connectors,
      rejected: this.#rejected,
    };
    this.#clear();
    for (const listener of [...this.#listeners]) listener(told);
  }

  #clear(): void {
    this.#cancel = undefined;
    this.#calls.clear();
    this.#connectors = false;
    this.#rejected = false;
  }
}
