import { randomUUID } from 'node:crypto';
import type { Assumption } from './contract.ts';
import type { Memory } from './memory.ts';

/** How an assumption is put to the test. */
export interface Trial extends Omit<Assumption, 'seen' | 'holds'> {
  see(): Promise<Pick<Assumption, 'seen' | 'holds'>>;
}

/** What a probe wrote, or may have written: the answer can be lost. */
export interface Trace {
  type: string;
  /** A value that this record alone has. */
  key: string;
  /** As far as answers told. */
  ids: string[];
}

/** Under which name the memory keeps what is still to be deleted, lest a kill leaves it for ever. */
const kept = 'probe';

const cleaningMs = 120_000;
/** A CRM that fails once is asked again. */
const passes = 3;

/**
 * Runs trials on a test account one after the other, and deletes what they wrote: at the end, after a failure, when it
 * is interrupted, and what an earlier run that was killed has left.
 */
export class Trials {
  readonly #memory: Memory;
  readonly #remove: (trace: Trace, signal: AbortSignal) => Promise<void>;
  readonly #mark = `probe-${randomUUID().slice(0, 8)}`;
  #serial = 0;
  #traces: Trace[] = [];

  /** @param remove finds by the key too, passes over what is gone already, and throws with the CRM's words */
  constructor(memory: Memory, remove: (trace: Trace, signal: AbortSignal) => Promise<void>) {
    this.#memory = memory;
    this.#remove = remove;
  }

  /** One that nothing else has. */
  key(): string {
    return `${this.#mark}-${++this.#serial}`;
  }

  /** Sends what makes a record, after it has been noted that there may be one. */
  async write<T>(type: string, key: string, send: () => Promise<T>, idsIn: (answer: T) => string[]) {
    const trace: Trace = { type, key, ids: [] };
    this.#traces.push(trace);
    await this.#keep();
    const answer = await send();
    trace.ids.push(...idsIn(answer));
    await this.#keep();
    return answer;
  }

  /** @throws with a sentence if something could not be tried, or not be deleted */
  async run(
    trials: readonly Trial[],
    signal: AbortSignal,
    found: (result: Assumption) => void,
  ): Promise<void> {
    const text = (await this.#memory.recall([kept])).get(kept);
    if (text !== undefined) this.#traces = JSON.parse(text) as Trace[];
    const failed = await this.#try(trials, signal, found);
    const left = await this.#clean(found);
    const problems = [
      ...(signal.aborted ? ['It was interrupted.'] : []),
      ...(failed > 0 && !signal.aborted ? [`${failed} of ${trials.length} could not be tried.`] : []),
      ...(left.length > 0 ? [`In the account are left: ${left.join(', ')}.`] : []),
    ];
    if (problems.length > 0) throw new Error(problems.join(' '));
  }

  async #try(trials: readonly Trial[], signal: AbortSignal, found: (result: Assumption) => void) {
    let failed = 0;
    for (const { see, ...said } of trials) {
      if (signal.aborted) break;
      try {
        found({ ...said, ...(await see()) });
      } catch (thrown) {
        failed++;
        const reason = thrown instanceof Error ? thrown.message : String(thrown);
        if (!signal.aborted) found({ ...said, seen: `Not tried: ${reason}`, holds: null });
      }
    }
    return failed;
  }

  /** Newest first, so that what refers to others goes before them. Answers what is left. */
  async #clean(found: (result: Assumption) => void): Promise<string[]> {
    const count = this.#traces.length;
    const signal = AbortSignal.timeout(cleaningMs); // not that of the run, which may be aborted
    let words = '';
    for (let pass = 0; pass < passes && this.#traces.length > 0; pass++) {
      for (const trace of [...this.#traces].reverse()) {
        try {
          await this.#remove(trace, signal);
          this.#traces = this.#traces.filter((other) => other !== trace);
        } catch (thrown) {
          words = thrown instanceof Error ? thrown.message : String(thrown);
        }
      }
      await this.#keep();
    }
    const left = this.#traces.map(({ type, key, ids }) => `${type} ${ids.join(' and ') || key}`);
    if (count > 0)
      found({
        assumption: 'What the probe wrote can be deleted again.',
        expected: `${count} writes undone`,
        seen: left.length === 0 ? 'Nothing is left.' : `Left: ${left.join(', ')}. ${words}`,
        holds: left.length === 0,
        otherwise: 'The next probe tries again to delete it.',
      });
    return left;
  }

  async #keep(): Promise<void> {
    if (this.#traces.length === 0) await this.#memory.forget([kept]);
    else await this.#memory.remember(new Map([[kept, JSON.stringify(this.#traces)]]));
  }
}
