import { parsePhone } from '../call/phone.ts';
import { type Clock, sleep } from '../clock.ts';
import type { AccountFacts } from '../connector/account-facts.ts';
import type { Assumption, PlanStep, Tools } from '../connector/contract.ts';
import { type Trace, type Trial, Trials } from '../connector/trials.ts';
import { ownCommand } from '../text/own-command.ts';

/** One run of a probe on an account: what it writes, finds out and waits for. A CRM adds how it is asked. */
export abstract class ProbeRun<Facts extends object> {
  readonly trials: Trials;
  /** What was found out; undefined: as expected. What could not be tried is not named, and stays as it was. */
  readonly facts: { [Name in keyof Facts]?: Facts[Name] | undefined } = {};
  readonly clock: Clock;
  readonly signal: AbortSignal;

  constructor({ clock, memory }: Tools, signal: AbortSignal) {
    this.clock = clock;
    this.signal = signal;
    this.trials = new Trials(memory, (trace, cleaning) => this.remove(trace, cleaning));
  }

  /** By its ids, and those that have the key: an answer that was lost told no id. */
  protected abstract remove(trace: Trace, signal: AbortSignal): Promise<void>;

  /** Looks until there is what is looked for, or patience is over. Answers for how many milliseconds. */
  async until(look: () => Promise<boolean>, { patienceMs, everyMs }: Patience): Promise<number> {
    const since = this.clock.now().getTime();
    const passed = () => this.clock.now().getTime() - since;
    while (!(await look()) && passed() < patienceMs && !this.signal.aborted)
      await sleep(this.clock, everyMs, this.signal);
    return passed();
  }

  /**
   * Tries all, deletes what that wrote, and keeps what was found out. Trials share records, so they make them when first
   * needed. @throws with a sentence where something was not tried, or is left
   */
  async run(
    trials: readonly Trial[],
    facts: AccountFacts<Facts>,
    found: (result: Assumption) => void,
  ): Promise<void> {
    try {
      await this.trials.run(trials, this.signal, found);
    } finally {
      await facts.keep(this.facts);
    }
  }
}

export interface Patience {
  patienceMs: number;
  everyMs: number;
}

/** Nothing is tried on an account that lacks what setup makes. */
export function mustBeSetUp(steps: readonly PlanStep[], { name }: Tools): void {
  if (steps.some(({ action }) => action !== 'keep'))
    throw new Error(`Nothing was tried. Run \`${ownCommand(`setup ${name}`)}\` first.`);
}

/** A number as somebody typed it, in the form that is searched for. */
export function wantedNumber(typed: string): { number: string; region: 'AU' } {
  return { number: parsePhone(typed, 'AU').number ?? typed, region: 'AU' };
}
