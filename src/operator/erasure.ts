import { isSupportedCountry } from 'libphonenumber-js/max';
import type * as z from 'zod';
import { finderOf } from '../call/find-number.ts';
import { maskKnownNumbers, maskNumber } from '../call/mask.ts';
import { parsePhone, type Region } from '../call/phone.ts';
import type { Fields } from '../call/push.ts';
import type { RecordRef } from '../call/records.ts';
import type { Settings } from '../config/settings.ts';
import type { CallStory, Calls, CallView } from '../store/calls.ts';
import type { Rejections } from '../store/rejections.ts';
import type { Upkeep } from '../store/upkeep.ts';
import type { ErasureDone, Holdings, numberGiven } from './actions.ts';
import { OperatorProblem } from './problem.ts';

/** Small enough that a push never waits for a step to be felt. */
const callsInAStep = 200;

/** Is told how much has been looked at, 0 to 1. */
export type Looked = (share: number) => void;

interface Found {
  /** Calls of the caller, and calls that were the caller's in a push before another one named somebody else. */
  calls: CallView[];
  /** Rows of other calls of which somebody told something that names the number. */
  told: number[];
  /** Calls of others that name the number otherwise: as who answered, or in a text. */
  elsewhere: number;
}

/** E.164 of a number as a person writes it. @throws OperatorProblem */
export function numberOf(
  { number: written, region: given }: z.output<typeof numberGiven>,
  settings: Settings,
): string {
  const region = given?.toUpperCase() ?? Object.values(settings.sources)[0]?.region ?? 'AU';
  if (!isSupportedCountry(region))
    throw new OperatorProblem('wrong', `"${given}" is no country: use two letters, such as AU or NZ.`);
  const { number } = parsePhone(written, region as Region);
  if (number !== null) return number;
  throw new OperatorProblem(
    'wrong',
    `"${written}" is no telephone number in ${region}. Write it as +61412345678, or name its country.`,
  );
}

/** What is stored of a number, and how it is erased. Everything is looked through, since people write numbers in many ways. */
export class ErasureOf {
  readonly #number: string;
  readonly #holds: (text: string) => boolean;
  readonly #store: Calls & Rejections & Upkeep;
  readonly #settings: Settings;

  /** @param number E.164 */
  constructor(number: string, store: Calls & Rejections & Upkeep, settings: Settings) {
    this.#number = number;
    this.#holds = finderOf(number);
    this.#store = store;
    this.#settings = settings;
  }

  async holdings(looked: Looked = () => {}): Promise<Holdings> {
    return this.#shown(await this.#find(looked), await this.#store.countUnsearchable());
  }

  /**
   * What the CRMs hold stays, and is named.
   * @param unsearchable also rejected pushes of which nobody can say whether they hold the number
   */
  async erase(now: Date, unsearchable = false, looked: Looked = () => {}): Promise<ErasureDone> {
    const found = await this.#find((share) => looked(share / 2));
    const { inLog, ...erased } = await this.#store.erase({
      rows: found.calls.map(({ row }) => row),
      number: this.#number,
      shown: maskNumber(this.#number),
      told: found.told,
      holds: this.#holds,
      unsearchable,
      mask: (text) => maskKnownNumbers(text, [this.#number]),
      at: now,
    });
    const left = await this.#find((share) => looked(0.5 + share / 2));
    return {
      ...this.#shown(found, await this.#store.countUnsearchable()),
      erased,
      left: left.calls.length,
      elsewhere: left.elsewhere,
      inLog,
    };
  }

  async #find(looked: Looked): Promise<Found> {
    const found: Found = { calls: [], told: [], elsewhere: 0 };
    for (let after: number | null = 0; after !== null; ) {
      const step = await this.#store.callsHolding(this.#holds, after, callsInAStep);
      found.told.push(...step.told);
      for (const view of await this.#store.views(step.calls)) {
        const { callId, source } = view.state;
        const [story] = await this.#store.stories(callId, source);
        if (story && this.#isCallers(story)) found.calls.push(view);
        else found.elsewhere++;
      }
      looked(step.share);
      after = step.lastRow;
      await new Promise(setImmediate); // pushes come first
    }
    return found;
  }

  #isCallers({ state, pushes }: CallStory): boolean {
    // Of a source that is configured no more, numbers are read as those of the country in question.
    const region = this.#settings.sources[state.source]?.region;
    const isCaller = (fields: Fields) => {
      const raw = fields['PLA_Caller_Phone_Number'] ?? '';
      const { number } = parsePhone(raw, region ?? (regionOf(this.#number) as Region));
      return number === this.#number || (number === null && this.#holds(raw));
    };
    return isCaller(state.fields) || pushes.some(({ fields }) => isCaller(fields));
  }

  #shown({ calls, elsewhere }: Found, unsearchable: number): Holdings {
    const deliveries = calls.flatMap((call) => call.deliveries);
    const inCrm = new Map<string, Holdings['inCrm'][number]>(); // a person is of several calls
    for (const { connector, records } of deliveries)
      for (const [role, { type, id }] of Object.entries(records) as [string, RecordRef][])
        inCrm.set(JSON.stringify([connector, role, type, id]), { connector, role, type, id });
    return {
      number: maskNumber(this.#number),
      calls: calls.length,
      elsewhere,
      unsearchable,
      inCrm: [...inCrm.values()],
      waiting: [
        ...new Set(deliveries.filter(({ state }) => state === 'due').map(({ connector }) => connector)),
      ],
    };
  }
}

/** Who was being written to when a number was erased may hold it, without a record that could be named. */
export function waitingText({ waiting }: Pick<ErasureDone, 'waiting'>): string {
  const name = waiting.join(' and ');
  return `Something of it was yet to be written to ${name}. If that was on its way just then, it is there: look for the number in ${name}.`;
}

function regionOf(number: string): string {
  return parsePhone(number, 'AU').country ?? 'AU';
}
